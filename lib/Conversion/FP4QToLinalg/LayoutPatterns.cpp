//===- LayoutPatterns.cpp - changes of layout to linalg -------------------===//
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
// (..., RT, CT, 32, 4, 4), whose last three dimensions are the 512 bytes. A
// tile of 16 x 4 bytes of weights is stored as it is: rows are split into
// (RT, 16), and the transpose is to (..., RT, CT, 16, 4).
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// A layout of matrices as tiles.
struct TiledLayout {
  int64_t rows, columns;
  /// What the bytes of a tile are split into: parts of rows, and a column.
  SmallVector<int64_t, 3> tile;
  /// The dimensions of the linear form, split, as places in those of the tiled
  /// form, split: of (RT, CT, tile...).
  SmallVector<unsigned, 5> order;

  int64_t splitDims() const { return static_cast<int64_t>(order.size()); }
};

} // namespace

static TiledLayout getLayout(SwizzleScalesOp) {
  return {kSwizzleRows, kSwizzleCols, {32, 4, kSwizzleCols}, {0, 3, 2, 1, 4}};
}

static TiledLayout getLayout(UnswizzleScalesOp) {
  return getLayout(SwizzleScalesOp());
}

static TiledLayout getLayout(PackWeightsOp) {
  return {kPackedRows,
          kPackedRowBytes,
          {kPackedRows, kPackedRowBytes},
          {0, 2, 1, 3}};
}

static TiledLayout getLayout(UnpackWeightsOp) {
  return getLayout(PackWeightsOp());
}

/// The sizes (..., RT, CT, tile...) of the tiled form, split.
static SmallVector<OpFoldResult> splitSizes(OpBuilder &builder, Location loc,
                                            Value tiled,
                                            const TiledLayout &layout) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, tiled);
  sizes.pop_back();
  for (int64_t size : layout.tile)
    sizes.push_back(builder.getIndexAttr(size));
  return sizes;
}

/// From loops over the tiled form to the dimensions of the padded linear form,
/// both split.
static AffineMap linearMap(OpBuilder &builder, int64_t batch,
                           const TiledLayout &layout) {
  SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, batch));
  for (unsigned place : layout.order)
    order.push_back(batch + place);
  return AffineMap::getPermutationMap(order, builder.getContext());
}

/// Reassociation of the split linear form to (..., rows, columns).
static SmallVector<ReassociationIndices>
linearGroups(int64_t batch, const TiledLayout &layout) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < batch; ++i)
    groups.push_back({i});
  int64_t end = batch + layout.splitDims();
  groups.push_back(llvm::to_vector<2>(llvm::seq<int64_t>(batch, end - 2)));
  groups.push_back({end - 2, end - 1});
  return groups;
}

/// The sizes of the split linear form.
static SmallVector<OpFoldResult> splitLinearSizes(ArrayRef<OpFoldResult> split,
                                                  const TiledLayout &layout) {
  int64_t batch = static_cast<int64_t>(split.size()) - layout.splitDims();
  SmallVector<OpFoldResult> sizes(split.take_front(batch));
  for (unsigned place : layout.order)
    sizes.push_back(split[batch + place]);
  return sizes;
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

/// The byte 0, which is not an e8m0 zero.
static TypedAttr getZeroByte(OpBuilder &builder, Type element) {
  if (!isa<FloatType>(element))
    return builder.getIntegerAttr(element, 0);
  APFloat zero(cast<FloatType>(element).getFloatSemantics(), APInt::getZero(8));
  return builder.getFloatAttr(element, zero);
}

namespace {

/// swizzle_scales, pack_weights -> pad, split, transpose
template <typename OpTy>
struct ToTilesLowering : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    TiledLayout layout = getLayout(op);
    Location loc = op.getLoc();
    Value source = op.getSource();
    RankedTensorType type = tensorTypeOf(source);
    int64_t rank = type.getRank();
    int64_t batch = rank - 2;
    Type element = type.getElementType();
    SmallVector<OpFoldResult> split =
        splitSizes(rewriter, loc, op.getInit(), layout);
    AffineExpr tiles = rewriter.getAffineSymbolExpr(0);
    AffineExpr size = rewriter.getAffineSymbolExpr(1);
    SmallVector<OpFoldResult> low(rank, rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> high = low;
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, source);
    SmallVector<int64_t> padded(type.getShape());
    for (auto [dim, tile] : {std::pair(batch, layout.rows),
                             std::pair(batch + 1, layout.columns)}) {
      high[dim] = affine::makeComposedFoldedAffineApply(
          rewriter, loc, tiles * tile - size, {split[dim], sizes[dim]});
      padded[dim] = ShapedType::isDynamic(padded[dim])
                        ? ShapedType::kDynamic
                        : llvm::divideCeil(padded[dim], tile) * tile;
    }
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           getZeroByte(rewriter, element));
    Value whole = tensor::PadOp::create(rewriter, loc,
                                        RankedTensorType::get(padded, element),
                                        source, low, high, zero);
    SmallVector<OpFoldResult> linearSizes = splitLinearSizes(split, layout);
    Value linear = tensor::ExpandShapeOp::create(
        rewriter, loc, RankedTensorType::get(shapeOf(linearSizes), element),
        whole, linearGroups(batch, layout), linearSizes);

    Value init = splitLastDim(rewriter, loc, op.getInit(), layout.tile);
    Value tilesOut = copyPermuted(
        rewriter, loc, linear, init, linearMap(rewriter, batch, layout),
        rewriter.getMultiDimIdentityMap(batch + layout.splitDims()));
    rewriter.replaceOp(op,
                       mergeLastDims(rewriter, loc, tilesOut,
                                     static_cast<int64_t>(layout.tile.size())));
    return success();
  }
};

/// unswizzle_scales, unpack_weights -> transpose, merge, slice
template <typename OpTy>
struct ToLinearLowering : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    TiledLayout layout = getLayout(op);
    Location loc = op.getLoc();
    RankedTensorType type = tensorTypeOf(op.getInit());
    int64_t rank = type.getRank();
    int64_t batch = rank - 2;
    SmallVector<OpFoldResult> split =
        splitSizes(rewriter, loc, op.getSource(), layout);
    Value init = tensor::EmptyOp::create(
        rewriter, loc, splitLinearSizes(split, layout), type.getElementType());
    Value linear = copyPermuted(
        rewriter, loc, splitLastDim(rewriter, loc, op.getSource(), layout.tile),
        init, rewriter.getMultiDimIdentityMap(batch + layout.splitDims()),
        linearMap(rewriter, batch, layout));
    Value whole = tensor::CollapseShapeOp::create(rewriter, loc, linear,
                                                  linearGroups(batch, layout));
    SmallVector<OpFoldResult> zeros(rank, rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(rank, rewriter.getIndexAttr(1));
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
        op, type, whole, zeros,
        tensor::getMixedSizes(rewriter, loc, op.getInit()), ones);
    return success();
  }
};

} // namespace

void mlir::fp4q::populateLayoutPatterns(RewritePatternSet &patterns) {
  patterns.add<ToTilesLowering<SwizzleScalesOp>, ToTilesLowering<PackWeightsOp>,
               ToLinearLowering<UnswizzleScalesOp>,
               ToLinearLowering<UnpackWeightsOp>>(patterns.getContext());
}
