//===- ReshapeDequant.cpp - reshapes and roundings of decoded tensors -----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"
#include "fp4q/Dialect/FP4Q/Transforms/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Why `op`, a reshape or rounding of the result of `dequant`, cannot be taken
/// into it; null if it can.
static const char *whyNotMovable(Operation *op, DequantOp dequant) {
  if (!dequant)
    return "the source is no dequant";
  if (dequant.getScaleLayout() != ScaleLayout::Linear)
    return "blocked scales have no rows to reshape";
  // Else what the other users need would be decoded twice.
  for (Operation *user : dequant->getUsers())
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user) &&
        !(user->getNumResults() == 1 && matchFloatCast(user->getResult(0))))
      return "the decoded values have other uses";
  return nullptr;
}

/// dequant with the codes and scales given, as the result of `op`.
static void replaceByDequant(PatternRewriter &rewriter, Operation *op,
                             DequantOp dequant, Value codes, Value scales) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto moved = DequantOp::create(rewriter, dequant.getLoc(), codes, scales,
                                 dequant.getGlobalScale(),
                                 dequant.getDirection(), type.getElementType());
  moved->setDiscardableAttrs(dequant->getDiscardableAttrDictionary());
  Value value = moved->getResult(0);
  if (value.getType() != type)
    value = tensor::CastOp::create(rewriter, op->getLoc(), type, value);
  rewriter.replaceOp(op, value);
}

/// The type of `value` with the dimensions of each group multiplied.
static RankedTensorType collapseType(RankedTensorType type,
                                     ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : groups) {
    int64_t size = 1;
    for (int64_t dim : group)
      size = ShapedType::isDynamic(size) || type.isDynamicDim(dim)
                 ? ShapedType::kDynamic
                 : size * type.getDimSize(dim);
    shape.push_back(size);
  }
  return type.clone(shape);
}

namespace {

/// collapse_shape(dequant(%c, %s)) -> dequant(collapse_shape(%c),
///                                            collapse_shape(%s))
///
/// Rows may be joined in any way, also along K: a row is a whole number of
/// groups, so groups stay groups.
struct MoveCollapseAboveDequant
    : public OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    auto dequant = op.getSrc().getDefiningOp<DequantOp>();
    if (const char *reason = whyNotMovable(op, dequant))
      return rewriter.notifyMatchFailure(op, reason);
    RankedTensorType type = op.getResultType();
    if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1))
      return rewriter.notifyMatchFailure(op, "K would become dynamic");
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    auto collapse = [&](Value value) -> Value {
      auto before = cast<RankedTensorType>(value.getType());
      return tensor::CollapseShapeOp::create(
          rewriter, op.getLoc(), collapseType(before, groups), value, groups);
    };
    replaceByDequant(rewriter, op, dequant, collapse(dequant.getCodes()),
                     collapse(dequant.getScales()));
    return success();
  }
};

/// expand_shape(dequant(%c, %s)) -> dequant(expand_shape(%c),
///                                          expand_shape(%s))
///
/// Not if the new rows end within a group.
struct MoveExpandAboveDequant : public OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    auto dequant = op.getSrc().getDefiningOp<DequantOp>();
    if (const char *reason = whyNotMovable(op, dequant))
      return rewriter.notifyMatchFailure(op, reason);
    RankedTensorType type = op.getResultType();
    int64_t groupSize = dequant.getGroupSizeValue();
    if (type.isDynamicDim(type.getRank() - 1) ||
        type.getShape().back() % groupSize != 0)
      return rewriter.notifyMatchFailure(op, "rows would end within a group");
    auto expand = [&](Value value, int64_t last) -> Value {
      SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
      sizes.back() = rewriter.getIndexAttr(last);
      auto before = cast<RankedTensorType>(value.getType());
      return tensor::ExpandShapeOp::create(
          rewriter, op.getLoc(),
          before.clone(withLastDim(type.getShape(), last)), value,
          op.getReassociationIndices(), sizes);
    };
    int64_t k = type.getShape().back();
    replaceByDequant(rewriter, op, dequant, expand(dequant.getCodes(), k / 2),
                     expand(dequant.getScales(), k / groupSize));
    return success();
  }
};

/// truncf(dequant(%c, %s) : f32) -> dequant(%c, %s) : bf16 or f16
///
/// The same by definition: one rounding to the result type.
template <typename OpTy>
struct RoundInDequant : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "not one result");
    std::optional<FloatCast> cast = matchFloatCast(op->getResult(0));
    if (!cast || cast->widens)
      return rewriter.notifyMatchFailure(op, "not a rounding to nearest");
    auto dequant = cast->source.template getDefiningOp<DequantOp>();
    if (const char *reason = whyNotMovable(op, dequant))
      return rewriter.notifyMatchFailure(op, reason);
    if (!getElementTypeOrSelf(cast->source).isF32())
      return rewriter.notifyMatchFailure(op, "values are rounded already");
    replaceByDequant(rewriter, op, dequant, dequant.getCodes(),
                     dequant.getScales());
    return success();
  }
};

} // namespace

void mlir::fp4q::populateReshapeDequantPatterns(RewritePatternSet &patterns) {
  patterns
      .add<MoveCollapseAboveDequant, MoveExpandAboveDequant,
           RoundInDequant<arith::TruncFOp>, RoundInDequant<linalg::GenericOp>>(
          patterns.getContext());
}
