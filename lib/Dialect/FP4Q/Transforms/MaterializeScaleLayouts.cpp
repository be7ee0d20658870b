//===- MaterializeScaleLayouts.cpp - blocked scales become explicit -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaleLayouts.h"

#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Patterns.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#define DEBUG_TYPE "fp4q-materialize-scale-layouts"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QMATERIALIZESCALELAYOUTSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// Puts an operation with one scale operand, of these codes, on linear scales.
template <typename OpTy>
static void unswizzleScales(PatternRewriter &rewriter, OpTy op, Value codes) {
  int64_t groupSize = op.getGroupSizeValue();
  auto linear =
      createUnswizzle(rewriter, op.getLoc(), op.getScales(), codes, groupSize);
  rewriter.modifyOpInPlace(op, [&] {
    setScales(op, linear->getResult(0), ScaleLayout::Linear, groupSize);
  });
}

namespace {

/// dequant ins(%c, %blocked) -> dequant ins(%c, unswizzle_scales(%blocked))
struct MaterializeDequantLayout : public OpRewritePattern<DequantOp> {
  using OpRewritePattern<DequantOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getScaleLayout() == ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "scales are linear");
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    unswizzleScales(rewriter, op, op.getCodes());
    return success();
  }
};

/// scaled_matmul with blocked scales -> unswizzle_scales + scaled_matmul
struct MaterializeMatmulLayouts : public OpRewritePattern<ScaledMatmulOp> {
  using OpRewritePattern<ScaledMatmulOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ScaledMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getGroupSizeAttr())
      return rewriter.notifyMatchFailure(op, "scales are linear");
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    int64_t groupSize = op.getGroupSizeValue();
    auto linear = [&](Value scales, Value codes, ScaleLayout layout) {
      return layout == ScaleLayout::Linear
                 ? scales
                 : createUnswizzle(rewriter, op.getLoc(), scales, codes,
                                   groupSize)
                       ->getResult(0);
    };
    Value a = linear(op.getAScales(), op.getA(), op.getAScaleLayout());
    Value b = linear(op.getBScales(), op.getB(), op.getBScaleLayout());
    rewriter.modifyOpInPlace(op, [&] {
      setScales(op, {a, b}, {ScaleLayout::Linear, ScaleLayout::Linear},
                groupSize);
    });
    return success();
  }
};

/// quantize_pack to blocked scales -> quantize_pack + swizzle_scales, and
/// quantize_pack with given blocked scales -> unswizzle_scales + quantize_pack
struct MaterializeQuantizeLayout : public OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern<QuantizePackOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getScaleLayout() == ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "scales are linear");
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    if (op.hasGivenScales()) {
      unswizzleScales(rewriter, op, op.getInits().front());
      return success();
    }
    QuantizePackOp linear =
        createWithScaleLayout(rewriter, op, ScaleLayout::Linear);
    auto swizzled = SwizzleScalesOp::create(
        rewriter, op.getLoc(), op->getResult(1).getType(), linear->getResult(1),
        op.getInits().back());
    rewriter.replaceOp(op, {linear->getResult(0), swizzled->getResult(0)});
    return success();
  }
};

struct FP4QMaterializeScaleLayoutsPass
    : public mlir::fp4q::impl::FP4QMaterializeScaleLayoutsPassBase<
          FP4QMaterializeScaleLayoutsPass> {
  using FP4QMaterializeScaleLayoutsPassBase::
      FP4QMaterializeScaleLayoutsPassBase;

  void runOnOperation() override {
    getOperation()->walk([&](DestinationStyleOpInterface op) {
      // Where a layout is blocked, and only there, group_size is given.
      if (isa<QuantizePackOp, DequantOp, ScaledMatmulOp>(op) &&
          op.hasPureTensorSemantics() &&
          op->getInherentAttr("group_size").value_or(Attribute())) {
        ++numMaterialized;
        reportMade(op, DEBUG_TYPE, "blocked scales made linear")
            << remark::reason(
                   "the kernels behind this pass read linear scales");
      }
    });
    RewritePatternSet patterns(&getContext());
    populateMaterializeScaleLayoutsPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void mlir::fp4q::populateMaterializeScaleLayoutsPatterns(
    RewritePatternSet &patterns) {
  patterns.add<MaterializeDequantLayout, MaterializeMatmulLayouts,
               MaterializeQuantizeLayout>(patterns.getContext());
}
