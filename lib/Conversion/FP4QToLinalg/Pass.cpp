//===- Pass.cpp - convert-fp4q-to-linalg ----------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "fp4q/Conversion/FP4QToLinalg.h"
#include "fp4q/Conversion/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Patterns.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_CONVERTFP4QTOLINALGPASS
#include "fp4q/Conversion/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// op ins(memrefs) outs(memrefs) -> op on tensors of the memrefs, whose results
/// are materialized in the destinations.
static void raiseToTensors(IRRewriter &rewriter,
                           DestinationStyleOpInterface op) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  SmallVector<Value> operands;
  SmallVector<Type> types;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    if (auto type = dyn_cast<MemRefType>(value.getType())) {
      bool isInit = op.isDpsInit(&operand);
      auto tensorType =
          RankedTensorType::get(type.getShape(), type.getElementType());
      value = bufferization::ToTensorOp::create(rewriter, loc, tensorType,
                                                value, /*restrict=*/true,
                                                /*writable=*/isInit);
      if (isInit)
        types.push_back(tensorType);
    }
    operands.push_back(value);
  }
  Operation *raised = mlir::clone(rewriter, op, types, operands);
  for (auto [result, init] :
       llvm::zip_equal(raised->getResults(), op.getDpsInits()))
    bufferization::MaterializeInDestinationOp::create(
        rewriter, loc, TypeRange(), result, init, /*restrict=*/true,
        /*writable=*/true);
  rewriter.eraseOp(op);
}

/// Whether no result has elements. Such operations have nothing to compute, and
/// MLIR rejects slices of their operands: it takes the offset 0 of a static
/// dimension 0 as out of bounds.
static bool hasNoElements(Operation *op) {
  return llvm::all_of(op->getResultTypes(), [](Type type) {
    return llvm::is_contained(cast<ShapedType>(type).getShape(), 0);
  });
}

namespace {

struct ConvertFP4QToLinalgPass
    : public mlir::fp4q::impl::ConvertFP4QToLinalgPassBase<
          ConvertFP4QToLinalgPass> {
  using ConvertFP4QToLinalgPassBase::ConvertFP4QToLinalgPassBase;

  void runOnOperation() override {
    auto isLevel1 = [](Operation *op) {
      return isa_and_nonnull<FP4QDialect>(op->getDialect()) &&
             isa<DestinationStyleOpInterface>(op) && !isForCPUKernels(op);
    };
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](DestinationStyleOpInterface op) {
      if (isLevel1(op) && op.hasPureBufferSemantics())
        raiseToTensors(rewriter, op);
    });
    getOperation()->walk([&](DestinationStyleOpInterface op) {
      if (isLevel1(op) && op.hasPureTensorSemantics() && hasNoElements(op))
        rewriter.replaceOp(op, SmallVector<Value>(op.getDpsInits()));
    });
    RewritePatternSet patterns(&getContext());
    populateFP4QToLinalgPatterns(patterns);
    GreedyRewriteConfig config;
    // Folding the rest of the module is not this pass's business.
    config.enableFolding(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    WalkResult left = getOperation()->walk([&](Operation *op) {
      if (!isLevel1(op))
        return WalkResult::advance();
      op->emitOpError("is not lowered to linalg");
      return WalkResult::interrupt();
    });
    if (left.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace

void mlir::fp4q::populateFP4QToLinalgPatterns(RewritePatternSet &patterns) {
  populateMaterializeScaleLayoutsPatterns(patterns);
  populateDecomposeMatmulPatterns(patterns);
  populateDequantPatterns(patterns);
  populateGlobalScalePatterns(patterns);
  populateQuantizePatterns(patterns);
  populateLayoutPatterns(patterns);
  populateTransformPatterns(patterns);
}
