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

/// dequant -> linalg.generic over (..., group, byte of the group, nibble)
struct DequantOpLowering : public OpRewritePattern<DequantOp> {
  using OpRewritePattern<DequantOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    if (op.getScaleLayout() != ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    Location loc = op.getLoc();
    int64_t group = op.getGroupSizeValue();
    int64_t k = tensorTypeOf(op.getInit()).getShape().back();
    int64_t columns = k / group;
    Type elementType = tensorTypeOf(op.getInit()).getElementType();
    ::fp4q::ScaleType scaleType =
        getScaleType(tensorTypeOf(op.getScales()).getElementType());

    Value codes =
        splitLastDim(rewriter, loc, op.getCodes(), {columns, group / 2});
    Value init =
        splitLastDim(rewriter, loc, op.getInit(), {columns, group / 2, 2});
    int64_t rank = tensorTypeOf(init).getRank();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    SmallVector<Value> inputs = {codes, op.getScales()};
    SmallVector<AffineMap> maps = {identity.dropResult(rank - 1),
                                   identity.dropResults({rank - 2, rank - 1})};
    ScalarOperand globalScale(op.getGlobalScale());
    globalScale.addTo(inputs, maps, rank);
    maps.push_back(identity);
    bool divide = op.getDirection() == Direction::Divide;
    auto generic = createGeneric(
        rewriter, loc, inputs, init, maps, rank, /*numReductions=*/0,
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
          Value byte = arith::ExtUIOp::create(
              b, i32, arith::BitcastOp::create(b, b.getI8Type(), args[1]));
          Value scale = emitter.combinedScale(byte, globalScale.get(args),
                                              divide, scaleType);
          return {emitter.truncate(emitter.dequantizeElement(code, scale),
                                   elementType)};
        });
    rewriter.replaceOp(
        op, mergeLastDims(rewriter, loc, generic.getResult(0), 3));
    return success();
  }
};

} // namespace

void mlir::fp4q::populateDequantPatterns(RewritePatternSet &patterns) {
  patterns.add<DequantOpLowering>(patterns.getContext());
}
