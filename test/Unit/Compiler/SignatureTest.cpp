//===- SignatureTest.cpp - signatures and entries of modules --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Signature.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace {

/// Parses modules and collects the errors of what is then done with them.
class Signature : public testing::Test {
protected:
  Signature() : context(MLIRContext::Threading::DISABLED) {
    context.loadDialect<func::FuncDialect>();
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      errors.push_back(diagnostic.str());
      return success();
    });
  }

  ModuleOp parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return *module;
  }

  /// The signature of the only function of the text.
  FailureOr<mlir::fp4q::Signature> signatureOf(StringRef text) {
    return mlir::fp4q::getSignature(
        *parse(text).getOps<func::FuncOp>().begin());
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::vector<std::string> errors;
};

} // namespace

TEST_F(Signature, OfTensorsAndScalars) {
  FailureOr<mlir::fp4q::Signature> signature = signatureOf(
      "func.func private @f(tensor<?x64xbf16>, f32, tensor<f32>, index, "
      "tensor<2x4xf8E8M0FNU>, tensor<3xi64>) -> (tensor<?x32xi8>)");
  ASSERT_TRUE(succeeded(signature));
  ASSERT_EQ(signature->arguments.size(), 6u);
  const char *names[] = {"tensor<?x64xbf16>",     "f32",
                         "tensor<f32>",           "index",
                         "tensor<2x4xf8E8M0FNU>", "tensor<3xi64>"};
  const bool tensors[] = {true, false, true, false, true, true};
  const int64_t bytes[] = {2, 4, 4, 8, 1, 8};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(signature->arguments[i].str(), names[i]);
    EXPECT_EQ(signature->arguments[i].isTensor, tensors[i]);
    EXPECT_EQ(signature->arguments[i].elementBytes(), bytes[i]);
  }
  EXPECT_TRUE(ShapedType::isDynamic(signature->arguments[0].shape[0]));
  EXPECT_TRUE(signature->arguments[2].shape.empty());
  ASSERT_EQ(signature->results.size(), 1u);
  EXPECT_EQ(signature->results[0].str(), "tensor<?x32xi8>");
  EXPECT_TRUE(errors.empty());
}

TEST_F(Signature, RejectsArguments) {
  for (const char *type :
       {"memref<4xf32>", "tensor<*xf32>", "tensor<4xi4>", "tensor<4xi1>",
        "tensor<4xcomplex<f32>>", "i7", "vector<4xf32>"}) {
    errors.clear();
    EXPECT_TRUE(failed(
        signatureOf((Twine("func.func private @f(f32, ") + type + ")").str())));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0],
              (Twine("argument #1 of @f is '") + type +
               "', but a compiled function takes ranked tensors and scalars "
               "of 8, 16, 32 or 64 bits")
                  .str());
  }
}

TEST_F(Signature, RejectsResults) {
  for (const char *type : {"f32", "tensor<*xf32>", "tensor<4xi4>"}) {
    errors.clear();
    EXPECT_TRUE(failed(
        signatureOf((Twine("func.func private @f() -> ") + type).str())));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0],
              (Twine("result #0 of @f is '") + type +
               "', but a compiled function returns ranked tensors of 8, 16, "
               "32 or 64 bits an element")
                  .str());
  }
}

TEST_F(Signature, FindsEntries) {
  ModuleOp several = parse("func.func @f() { return }\n"
                           "func.func @g() { return }\n"
                           "func.func private @hidden() { return }\n"
                           "func.func private @external()");
  auto entry = mlir::fp4q::findEntry(several, "g");
  ASSERT_TRUE(succeeded(entry));
  EXPECT_EQ(entry->getName(), "g");
  for (const char *name : {"hidden", "external", "h"})
    EXPECT_TRUE(failed(mlir::fp4q::findEntry(several, name)));
  EXPECT_TRUE(failed(mlir::fp4q::findEntry(several, "")));
  EXPECT_EQ(errors, (std::vector<std::string>{
                        "unknown entry 'hidden', expected one of @f, @g",
                        "unknown entry 'external', expected one of @f, @g",
                        "unknown entry 'h', expected one of @f, @g",
                        "the module has several entries, name one of @f, @g"}));
}

TEST_F(Signature, FindsTheOnlyEntry) {
  ModuleOp one = parse("func.func private @hidden() { return }\n"
                       "func.func @f() { return }");
  auto entry = mlir::fp4q::findEntry(one, "");
  ASSERT_TRUE(succeeded(entry));
  EXPECT_EQ(entry->getName(), "f");

  ModuleOp none = parse("func.func private @external()");
  EXPECT_TRUE(failed(mlir::fp4q::findEntry(none, "")));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0], "the module has no public function with a body");
}
