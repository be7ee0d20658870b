//===- ScaleLayoutPatterns.cpp - swizzle_scales to linalg -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile of 128 x 4 scales is stored as 32 x 4 x 4 bytes: byte
// (r % 32) * 16 + (r / 32) * 4 + c. So the layouts differ by a padding of the
// linear form to whole tiles, (..., RT * 128, CT * 4), a split of its rows into
// (RT, 4, 32) and columns into (CT, 4), and a transpose to
// (..., RT, CT, 32, 4, 4), whose last three dimensions are the 512 bytes.
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::fp4q;

constexpr int64_t kRowsOfQuarter = 32;
constexpr int64_t kQuarters = kSwizzleRows / kRowsOfQuarter;

/// The sizes (..., RT, CT, 32, 4, 4) of the blocked form, split.
static SmallVector<OpFoldResult> splitSizes(OpBuilder &builder, Location loc,
                                            Value blocked) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, blocked);
  sizes.pop_back();
  for (int64_t size : {kRowsOfQuarter, kQuarters, kSwizzleCols})
    sizes.push_back(builder.getIndexAttr(size));
  return sizes;
}

/// From loops (..., rt, ct, r, q, c) to the dimensions (..., rt, q, r, ct, c)
/// of the padded linear form, split.
static AffineMap linearMap(OpBuilder &builder, int64_t batch) {
  SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, batch));
  for (unsigned loop : {0, 3, 2, 1, 4})
    order.push_back(batch + loop);
  return AffineMap::getPermutationMap(order, builder.getContext());
}

/// Reassociation of the split linear form to (..., rows, columns).
static SmallVector<ReassociationIndices> linearGroups(int64_t batch) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < batch; ++i)
    groups.push_back({i});
  groups.push_back({batch, batch + 1, batch + 2});
  groups.push_back({batch + 3, batch + 4});
  return groups;
}

/// The sizes (..., RT, 4, 32, CT, 4) of the split linear form.
static SmallVector<OpFoldResult>
splitLinearSizes(OpBuilder &builder, ArrayRef<OpFoldResult> split) {
  int64_t batch = split.size() - 5;
  SmallVector<OpFoldResult> sizes(split.take_front(batch + 1));
  sizes.push_back(builder.getIndexAttr(kQuarters));
  sizes.push_back(builder.getIndexAttr(kRowsOfQuarter));
  sizes.push_back(split[batch + 1]);
  sizes.push_back(builder.getIndexAttr(kSwizzleCols));
  return sizes;
}

/// (..., RT, CT, 512) <-> (..., RT, CT, 32, 4, 4)
static Value splitTiles(OpBuilder &builder, Location loc, Value blocked) {
  return splitLastDim(builder, loc, blocked,
                      {kRowsOfQuarter, kQuarters, kSwizzleCols});
}

static Value copyPermuted(OpBuilder &builder, Location loc, Value source,
                          Value init, AffineMap from, AffineMap to) {
  return createGeneric(builder, loc, source, init, {from, to},
                       from.getNumDims(), /*numReductions=*/0,
                       [](ImplicitLocOpBuilder &, ValueRange args) {
                         return SmallVector<Value>{args[0]};
                       })
      .getResult(0);
}

/// Static sizes of `sizes`, dynamic where they are values.
static SmallVector<int64_t> shapeOf(ArrayRef<OpFoldResult> sizes) {
  return std::get<0>(decomposeMixedValues(SmallVector<OpFoldResult>(sizes)));
}

namespace {

/// swizzle_scales -> pad, split, transpose
struct SwizzleScalesOpLowering : public OpRewritePattern<SwizzleScalesOp> {
  using OpRewritePattern<SwizzleScalesOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(SwizzleScalesOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    Location loc = op.getLoc();
    Value source = op.getSource();
    RankedTensorType type = tensorTypeOf(source);
    int64_t rank = type.getRank();
    int64_t batch = rank - 2;
    Type element = type.getElementType();
    SmallVector<OpFoldResult> split = splitSizes(rewriter, loc, op.getInit());
    AffineExpr tiles = rewriter.getAffineSymbolExpr(0);
    AffineExpr size = rewriter.getAffineSymbolExpr(1);
    SmallVector<OpFoldResult> low(rank, rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> high = low;
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, source);
    SmallVector<int64_t> padded(type.getShape());
    for (auto [dim, tile] :
         {std::pair(batch, kSwizzleRows), std::pair(batch + 1, kSwizzleCols)}) {
      high[dim] = affine::makeComposedFoldedAffineApply(
          rewriter, loc, tiles * tile - size, {split[dim], sizes[dim]});
      padded[dim] = ShapedType::isDynamic(padded[dim])
                        ? ShapedType::kDynamic
                        : llvm::divideCeil(padded[dim], tile) * tile;
    }
    // The byte 0, which is not an e8m0 zero.
    APFloat zeroByte(cast<FloatType>(element).getFloatSemantics(),
                     APInt::getZero(8));
    Value zero = arith::ConstantOp::create(
        rewriter, loc, rewriter.getFloatAttr(element, zeroByte));
    Value whole = tensor::PadOp::create(rewriter, loc,
                                        RankedTensorType::get(padded, element),
                                        source, low, high, zero);
    SmallVector<OpFoldResult> linearSizes = splitLinearSizes(rewriter, split);
    Value linear = tensor::ExpandShapeOp::create(
        rewriter, loc, RankedTensorType::get(shapeOf(linearSizes), element),
        whole, linearGroups(batch), linearSizes);

    Value init = splitTiles(rewriter, loc, op.getInit());
    Value tilesOut =
        copyPermuted(rewriter, loc, linear, init, linearMap(rewriter, batch),
                     rewriter.getMultiDimIdentityMap(batch + 5));
    rewriter.replaceOp(op, mergeLastDims(rewriter, loc, tilesOut, 3));
    return success();
  }
};

/// unswizzle_scales -> transpose, merge, slice
struct UnswizzleScalesOpLowering : public OpRewritePattern<UnswizzleScalesOp> {
  using OpRewritePattern<UnswizzleScalesOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(UnswizzleScalesOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    Location loc = op.getLoc();
    RankedTensorType type = tensorTypeOf(op.getInit());
    int64_t rank = type.getRank();
    int64_t batch = rank - 2;
    SmallVector<OpFoldResult> split = splitSizes(rewriter, loc, op.getSource());
    Value init = tensor::EmptyOp::create(rewriter, loc,
                                         splitLinearSizes(rewriter, split),
                                         type.getElementType());
    Value linear = copyPermuted(
        rewriter, loc, splitTiles(rewriter, loc, op.getSource()), init,
        rewriter.getMultiDimIdentityMap(batch + 5), linearMap(rewriter, batch));
    Value whole = tensor::CollapseShapeOp::create(rewriter, loc, linear,
                                                  linearGroups(batch));
    SmallVector<OpFoldResult> zeros(rank, rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(rank, rewriter.getIndexAttr(1));
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
        op, type, whole, zeros,
        tensor::getMixedSizes(rewriter, loc, op.getInit()), ones);
    return success();
  }
};

} // namespace

void mlir::fp4q::populateScaleLayoutPatterns(RewritePatternSet &patterns) {
  patterns.add<SwizzleScalesOpLowering, UnswizzleScalesOpLowering>(
      patterns.getContext());
}
