//===- DequantPatterns.cpp - dequant to linalg ----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// dequant -> the scale of each byte of codes, then both of its elements
struct DequantOpLowering : public OpRewritePattern<DequantOp> {
  using OpRewritePattern<DequantOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    if (isForCPUKernels(op))
      return rewriter.notifyMatchFailure(op, "is left to the CPU kernels");
    if (op.getScaleLayout() != ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    Location loc = op.getLoc();
    RankedTensorType type = tensorTypeOf(op.getInit());
    Value scales = mapScales(
        rewriter, loc, op.getScales(), op.getGlobalScale(),
        rewriter.getF32Type(),
        [&](ImplicitLocOpBuilder &b, Value byte, Value globalScale) {
          return ArithEmitter(b).combinedScale(
              byte, globalScale, op.getDirection() == Direction::Divide,
              getScaleType(tensorTypeOf(op.getScales()).getElementType()));
        });
    scales = repeatLastDim(rewriter, loc, scales, op.getGroupSizeValue() / 2);
    Value init = splitLastDim(rewriter, loc, op.getInit(),
                              {type.getShape().back() / 2, 2});
    int64_t rank = type.getRank() + 1;
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    AffineMap byByte = identity.dropResult(rank - 1);
    auto generic = createGeneric(
        rewriter, loc, {op.getCodes(), scales}, init,
        {byByte, byByte, identity}, rank, /*numReductions=*/0,
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
          ArithEmitter emitter(b);
          Type i32 = b.getI32Type();
          // Bits 4-7 hold the second element of a byte.
          Value nibble = linalg::IndexOp::create(b, rank - 1);
          Value two = arith::ConstantOp::create(b, b.getI32IntegerAttr(2));
          Value shift = arith::ShLIOp::create(
              b, arith::IndexCastUIOp::create(b, i32, nibble), two);
          Value code = arith::ShRUIOp::create(
              b, arith::ExtUIOp::create(b, i32, args[0]), shift);
          return {emitter.truncate(emitter.dequantizeElement(code, args[1]),
                                   type.getElementType())};
        });
    rewriter.replaceOp(op,
                       mergeLastDims(rewriter, loc, generic.getResult(0), 2));
    return success();
  }
};

} // namespace

void mlir::fp4q::populateDequantPatterns(RewritePatternSet &patterns) {
  patterns.add<DequantOpLowering>(patterns.getContext());
}
