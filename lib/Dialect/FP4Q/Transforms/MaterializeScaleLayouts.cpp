//===- MaterializeScaleLayouts.cpp - blocked scales become explicit -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
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

/// Linear scales, one column a group, of codes (..., K/2), with the values of
/// the blocked ones.
static Value unswizzle(OpBuilder &builder, Location loc, Value blocked,
                       Value codes, int64_t groupSize) {
  auto codesType = cast<RankedTensorType>(codes.getType());
  auto type = cast<RankedTensorType>(blocked.getType());
  Value init = createEmptyLike(builder, loc, codes,
                               2 * codesType.getShape().back() / groupSize,
                               type.getElementType());
  return UnswizzleScalesOp::create(builder, loc, init.getType(), blocked, init)
      ->getResult(0);
}

/// Puts an operation with one scale operand, of these codes, on linear scales.
template <typename OpTy>
static void unswizzleScales(PatternRewriter &rewriter, OpTy op, Value codes) {
  Value linear = unswizzle(rewriter, op.getLoc(), op.getScales(), codes,
                           op.getGroupSizeValue());
  rewriter.modifyOpInPlace(op, [&] {
    op.getScalesMutable().assign(linear);
    op.setScaleLayout(ScaleLayout::Linear);
    op.removeGroupSizeAttr();
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
                 : unswizzle(rewriter, op.getLoc(), scales, codes, groupSize);
    };
    Value a = linear(op.getAScales(), op.getA(), op.getAScaleLayout());
    Value b = linear(op.getBScales(), op.getB(), op.getBScaleLayout());
    rewriter.modifyOpInPlace(op, [&] {
      op.getAScalesMutable().assign(a);
      op.getBScalesMutable().assign(b);
      op.setAScaleLayout(ScaleLayout::Linear);
      op.setBScaleLayout(ScaleLayout::Linear);
      op.removeGroupSizeAttr();
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
    Location loc = op.getLoc();
    Value codes = op.getInits().front();
    int64_t groupSize = op.getGroupSizeValue();
    if (op.hasGivenScales()) {
      unswizzleScales(rewriter, op, codes);
      return success();
    }
    Value blocked = op.getInits().back();
    auto type = cast<RankedTensorType>(blocked.getType());
    auto codesType = cast<RankedTensorType>(codes.getType());
    Value scales = createEmptyLike(rewriter, loc, codes,
                                   2 * codesType.getShape().back() / groupSize,
                                   type.getElementType());
    auto linear = QuantizePackOp::create(
        rewriter, loc, TypeRange{codesType, scales.getType()}, op.getX(),
        op.getTransform(), /*scales=*/Value(), op.getGlobalScale(),
        op.getScaleScale(), ValueRange{codes, scales}, op.getRecipeAttr(),
        ScaleLayout::Linear,
        /*group_size=*/IntegerAttr());
    linear->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    auto swizzled = SwizzleScalesOp::create(rewriter, loc, type,
                                            linear->getResult(1), blocked);
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
