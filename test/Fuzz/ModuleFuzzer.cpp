//===- ModuleFuzzer.cpp - modules that nobody wrote -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libFuzzer target: whatever the bytes, parsing, verifying and lowering them to
// linalg ends with a module or with an error, and what was verified can be
// printed and parsed again.
//
// Only func, arith and tensor are registered beside fp4q, and bytecode is
// passed over: the parsers and verifiers of other dialects, and the reader of
// bytecode, are upstream's, and crash on some inputs (docs/developing.md).
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Pipelines.h"
#include "fp4q/Compiler/Registration.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <cstdlib>
#include <memory>

using namespace mlir;

/// A context never frees the types and attributes that it has made.
constexpr int kInputsPerContext = 256;

// libMLIR.so is not instrumented: it fills containers and arenas that this side
// has poisoned.
extern "C" const char *__asan_default_options() {
  return "detect_leaks=0:detect_container_overflow=0:allow_user_poisoning=0";
}

static const DialectRegistry &getRegistry() {
  static const DialectRegistry *registry = [] {
    auto *all = new DialectRegistry();
    mlir::fp4q::registerCompilerDialects(*all);
    return all;
  }();
  return *registry;
}

static std::unique_ptr<MLIRContext> makeContext() {
  auto context = std::make_unique<MLIRContext>(
      getRegistry(), MLIRContext::Threading::DISABLED);
  context->getDiagEngine().registerHandler([](Diagnostic &) {});
  return context;
}

/// Whether something of another dialect would be parsed.
static bool mentionsOtherDialects(StringRef text) {
  for (StringRef name : getRegistry().getDialectNames())
    if (!llvm::is_contained({"builtin", "func", "arith", "tensor", "fp4q"},
                            name) &&
        text.contains((name + ".").str()))
      return true;
  return text.contains("affine_") || text.contains("dense_resource") ||
         text.contains("dialect_resources");
}

static OwningOpRef<ModuleOp> parse(StringRef text, MLIRContext &context) {
  return parseSourceString<ModuleOp>(text, &context);
}

static void printAndParse(ModuleOp module, MLIRContext &context) {
  std::string printed;
  llvm::raw_string_ostream os(printed);
  module.print(os);
  if (!parse(printed, context)) {
    llvm::errs() << "cannot be parsed again:\n" << printed;
    std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static std::unique_ptr<MLIRContext> context;
  static int inputs = 0;
  if (!context || ++inputs % kInputsPerContext == 0)
    context = makeContext();

  std::string text(reinterpret_cast<const char *>(data), size);
  if (isBytecode(llvm::MemoryBufferRef(text, "")) ||
      mentionsOtherDialects(text))
    return -1;
  OwningOpRef<ModuleOp> module = parse(text, *context);
  if (!module)
    return 0;
  printAndParse(*module, *context);
  PassManager manager(context.get());
  mlir::fp4q::buildFP4QPreparationPipeline(manager);
  manager.addPass(mlir::fp4q::createFP4QAddShapeFunctionsPass());
  mlir::fp4q::buildFP4QToLinalgPipeline(manager);
  (void)manager.run(*module);
  return 0;
}
