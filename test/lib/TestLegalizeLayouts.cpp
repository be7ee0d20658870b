//===- TestLegalizeLayouts.cpp - layouts for the back ends of a test table ===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestBackEnds.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "fp4q/Dialect/FP4Q/Transforms/LegalizeLayouts.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// fp4q-legalize-layouts on the table of TestBackEnds.h.
struct TestLegalizeLayoutsPass
    : public PassWrapper<TestLegalizeLayoutsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestLegalizeLayoutsPass)

  TestLegalizeLayoutsPass() = default;
  TestLegalizeLayoutsPass(const TestLegalizeLayoutsPass &other)
      : PassWrapper(other) {}

  StringRef getArgument() const final { return "test-fp4q-legalize-layouts"; }
  StringRef getDescription() const final {
    return "give the back ends of a table for tests the layouts they want";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<affine::AffineDialect, arith::ArithDialect,
                    tensor::TensorDialect>();
  }

  void runOnOperation() override {
    const ::fp4q::Target *found = ::fp4q::findTarget(target.getValue());
    if (!found)
      getOperation().emitError() << "unknown target '" << target << "'";
    if (!found ||
        failed(legalizeLayouts(getOperation(), *found, ::fp4q::testBackEnds)))
      signalPassFailure();
  }

  Option<std::string> target{*this, "target", llvm::cl::init("cpu")};
};

} // namespace

namespace mlir::fp4q {
void registerTestLegalizeLayouts() {
  PassRegistration<TestLegalizeLayoutsPass>();
}
} // namespace mlir::fp4q
