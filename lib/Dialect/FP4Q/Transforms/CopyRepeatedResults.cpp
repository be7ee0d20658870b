//===- CopyRepeatedResults.cpp - a buffer of its own for each result ------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QCOPYREPEATEDRESULTSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;

namespace {

struct FP4QCopyRepeatedResultsPass
    : public fp4q::impl::FP4QCopyRepeatedResultsPassBase<
          FP4QCopyRepeatedResultsPass> {
  void runOnOperation() override {
    getOperation()->walk([&](func::ReturnOp op) {
      llvm::SmallPtrSet<Value, 4> seen;
      for (OpOperand &operand : op->getOpOperands()) {
        Value value = operand.get();
        auto type = dyn_cast<RankedTensorType>(value.getType());
        OpBuilder builder(op);
        // What is not initialized takes no copy, and so would share a buffer
        // with what is computed into it.
        if (auto empty = value.getDefiningOp<tensor::EmptyOp>()) {
          if (!value.hasOneUse()) {
            operand.set(builder.clone(*empty)->getResult(0));
            ++numCopied;
          }
          continue;
        }
        if (seen.insert(value).second || !type)
          continue;
        operand.set(bufferization::AllocTensorOp::create(
            builder, op.getLoc(), type, /*dynamicSizes=*/ValueRange(),
            /*copy=*/value));
        ++numCopied;
      }
    });
  }
};

} // namespace
