//===- TestSelectBackend.cpp - the choice of back ends on a test table ----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestBackEnds.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// fp4q-select-backend on the table of TestBackEnds.h.
struct TestSelectBackendPass
    : public PassWrapper<TestSelectBackendPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestSelectBackendPass)

  TestSelectBackendPass() = default;
  TestSelectBackendPass(const TestSelectBackendPass &other)
      : PassWrapper(other) {}

  StringRef getArgument() const final { return "test-fp4q-select-backend"; }
  StringRef getDescription() const final {
    return "choose back ends from a table for tests";
  }

  void runOnOperation() override {
    const ::fp4q::Target *found = ::fp4q::findTarget(target.getValue());
    std::string error = "unknown target";
    std::optional<BackEndRequests> requests;
    if (found)
      requests = parseBackEndRequests(::fp4q::testBackEnds, *found, backend,
                                      quantize, matmul, error);
    if (!requests) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    if (failed(selectBackEnds(getOperation(), *found, *requests,
                              ::fp4q::testBackEnds)))
      signalPassFailure();
  }

  Option<std::string> target{*this, "target", llvm::cl::init("cpu")};
  Option<std::string> backend{*this, "backend"};
  Option<std::string> quantize{*this, "quantize"};
  Option<std::string> matmul{*this, "matmul"};
};

} // namespace

namespace mlir::fp4q {
void registerTestSelectBackend() { PassRegistration<TestSelectBackendPass>(); }
} // namespace mlir::fp4q
