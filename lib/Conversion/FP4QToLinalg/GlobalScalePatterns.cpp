//===- GlobalScalePatterns.cpp - global_scale to linalg -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::fp4q;

/// The largest code of e2m1 times the largest value of e4m3.
constexpr double kLargestProduct = 6.0 * 448.0;

namespace {

/// global_scale -> maximum of the magnitudes' bits, then amax / 2688
struct GlobalScaleOpLowering : public OpRewritePattern<GlobalScaleOp> {
  using OpRewritePattern<GlobalScaleOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(GlobalScaleOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    Location loc = op.getLoc();
    int64_t rank = tensorTypeOf(op.getX()).getRank();
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, ArrayRef<OpFoldResult>(), rewriter.getI32Type());
    Value zero =
        arith::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(0));
    Value init =
        linalg::FillOp::create(rewriter, loc, zero, empty)->getResult(0);
    auto amax = createGeneric(
        rewriter, loc, op.getX(), init,
        {rewriter.getMultiDimIdentityMap(rank),
         AffineMap::get(rank, 0, rewriter.getContext())},
        rank, /*numReductions=*/rank,
        [](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
          Value bits = ArithEmitter(b).absBits(args[0]);
          return {arith::MaxSIOp::create(b, bits, args[1])};
        });
    AffineMap scalar = AffineMap::get(0, 0, rewriter.getContext());
    auto scale = createGeneric(
        rewriter, loc, amax.getResult(0), op.getInit(), {scalar, scalar},
        /*rank=*/0, /*numReductions=*/0,
        [](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
          Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
          Value isZero =
              arith::CmpIOp::create(b, arith::CmpIPredicate::eq, args[0], zero);
          Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
          Value largest =
              arith::ConstantOp::create(b, b.getF32FloatAttr(kLargestProduct));
          Value value = arith::BitcastOp::create(b, b.getF32Type(), args[0]);
          Value quotient = arith::DivFOp::create(b, value, largest);
          return {arith::SelectOp::create(b, isZero, one, quotient)};
        });
    rewriter.replaceOp(op, scale.getResult(0));
    return success();
  }
};

} // namespace

void mlir::fp4q::populateGlobalScalePatterns(RewritePatternSet &patterns) {
  patterns.add<GlobalScaleOpLowering>(patterns.getContext());
}
