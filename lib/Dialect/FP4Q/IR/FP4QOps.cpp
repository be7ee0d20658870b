//===- FP4QOps.cpp - operations of the fp4q dialect -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Accessors, builders, shapes and memory effects. Verifiers are in
// FP4QVerify.cpp, canonicalization in FP4QFolds.cpp.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::fp4q;

#define GET_OP_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

bool mlir::fp4q::isLegalGroup(int64_t size) {
  return size >= kMinGroup && size <= kMaxGroup &&
         llvm::isPowerOf2_64(static_cast<uint64_t>(size));
}

/// ceil(size / tile), or dynamic.
static int64_t ceilDivDim(int64_t size, int64_t tile) {
  return ShapedType::isDynamic(size) ? size : llvm::divideCeil(size, tile);
}

namespace {

/// A layout of matrices as tiles of so many bytes, each contiguous.
struct TileShape {
  int64_t rows, columns, bytes;
};

} // namespace

constexpr TileShape kScaleTile = {kSwizzleRows, kSwizzleCols, kSwizzleBytes};
constexpr TileShape kWeightTile = {kPackedRows, kPackedRowBytes, kPackedBytes};

/// (..., R, C) -> (..., row tiles, column tiles, bytes of a tile)
static SmallVector<int64_t> getTiledShape(ArrayRef<int64_t> linear,
                                          const TileShape &tile) {
  SmallVector<int64_t> shape(linear.drop_back(2));
  shape.push_back(ceilDivDim(linear[linear.size() - 2], tile.rows));
  shape.push_back(ceilDivDim(linear.back(), tile.columns));
  shape.push_back(tile.bytes);
  return shape;
}

SmallVector<int64_t>
mlir::fp4q::getBlockedScaleShape(ArrayRef<int64_t> linear) {
  return getTiledShape(linear, kScaleTile);
}

SmallVector<int64_t>
mlir::fp4q::getPackedWeightShape(ArrayRef<int64_t> linear) {
  return getTiledShape(linear, kWeightTile);
}

SmallVector<int64_t> mlir::fp4q::withLastDim(ArrayRef<int64_t> shape,
                                             int64_t last) {
  SmallVector<int64_t> result(shape);
  result.back() = last;
  return result;
}

/// The sizes of dimensions [0, count) of `value`.
static SmallVector<OpFoldResult> leadingSizes(OpBuilder &builder, Location loc,
                                              Value value, int64_t count) {
  auto type = cast<ShapedType>(value.getType());
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < count; ++i) {
    if (type.isDynamicDim(i))
      sizes.push_back(
          tensor::DimOp::create(builder, loc, value, i).getResult());
    else
      sizes.push_back(builder.getIndexAttr(type.getDimSize(i)));
  }
  return sizes;
}

static int64_t rankOf(Value value) {
  return cast<ShapedType>(value.getType()).getRank();
}

static int64_t lastDimOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape().back();
}

/// The sizes of `like`, but for its last dimension, which is `last`.
static SmallVector<OpFoldResult> sizesLike(OpBuilder &builder, Location loc,
                                           Value like, int64_t last) {
  SmallVector<OpFoldResult> sizes =
      leadingSizes(builder, loc, like, rankOf(like) - 1);
  sizes.push_back(builder.getIndexAttr(last));
  return sizes;
}

/// The sizes of the tiled layout of a linear tensor of the given sizes.
static SmallVector<OpFoldResult> tiledSizes(OpBuilder &builder, Location loc,
                                            ArrayRef<OpFoldResult> linear,
                                            const TileShape &tile) {
  AffineExpr size = builder.getAffineSymbolExpr(0);
  auto ceilDiv = [&](OpFoldResult value, int64_t divisor) {
    return affine::makeComposedFoldedAffineApply(builder, loc,
                                                 size.ceilDiv(divisor), value);
  };
  SmallVector<OpFoldResult> sizes(linear.drop_back(2));
  sizes.push_back(ceilDiv(linear[linear.size() - 2], tile.rows));
  sizes.push_back(ceilDiv(linear.back(), tile.columns));
  sizes.push_back(builder.getIndexAttr(tile.bytes));
  return sizes;
}

/// The sizes of `linear` in the tiled layout.
static SmallVector<OpFoldResult> tiledSizesLike(OpBuilder &builder,
                                                Location loc, Value linear,
                                                const TileShape &tile) {
  return tiledSizes(builder, loc,
                    sizesLike(builder, loc, linear, lastDimOf(linear)), tile);
}

Value mlir::fp4q::createEmptyLike(OpBuilder &builder, Location loc, Value like,
                                  int64_t last, Type elementType) {
  return tensor::EmptyOp::create(
      builder, loc, sizesLike(builder, loc, like, last), elementType);
}

Value mlir::fp4q::createBlockedEmptyLike(OpBuilder &builder, Location loc,
                                         Value scales) {
  return tensor::EmptyOp::create(
      builder, loc, tiledSizesLike(builder, loc, scales, kScaleTile),
      cast<ShapedType>(scales.getType()).getElementType());
}

Value mlir::fp4q::createPackedEmptyLike(OpBuilder &builder, Location loc,
                                        Value codes) {
  return tensor::EmptyOp::create(
      builder, loc, tiledSizesLike(builder, loc, codes, kWeightTile),
      builder.getI8Type());
}

bool mlir::fp4q::hasZeroPadding(Value blocked, int64_t columns) {
  Operation *op = blocked.getDefiningOp();
  if (auto pad = dyn_cast_or_null<tensor::PadOp>(op)) {
    // More tiles, of zeros.
    Value value = pad.getConstantPaddingValue();
    APFloat padding(0.0f);
    return value && matchPattern(value, m_ConstantFloat(&padding)) &&
           padding.bitcastToAPInt().isZero() && pad.hasZeroLowPad() &&
           hasZeroPadding(pad.getSource(), columns);
  }
  if (auto swizzle = dyn_cast_or_null<SwizzleScalesOp>(op))
    return lastDimOf(swizzle.getSource()) <= columns;
  auto quantize = dyn_cast_or_null<QuantizePackOp>(op);
  return quantize && !quantize.hasGivenScales() &&
         lastDimOf(quantize.getX()) / quantize.getGroupSizeValue() <= columns;
}

bool mlir::fp4q::isRelaxed(Operation *op) {
  return op->hasAttrOfType<UnitAttr>(kRelaxedAttr);
}

/// The group size: the attribute if there is one, else K over the columns.
static int64_t groupSizeOf(IntegerAttr attr, int64_t k, Value scales) {
  return attr ? attr.getInt() : k / lastDimOf(scales);
}

//===----------------------------------------------------------------------===//
// Effects, the same for all operations
//===----------------------------------------------------------------------===//

/// Inputs are read and inits written, where they are memrefs.
static void getEffectsOfDpsOp(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

static Speculation::Speculatability
getSpeculatabilityOfDpsOp(DestinationStyleOpInterface op) {
  return op.hasPureTensorSemantics() ? Speculation::Speculatable
                                     : Speculation::NotSpeculatable;
}

#define FP4Q_DEFINE_EFFECTS(OpTy)                                              \
  void OpTy::getEffects(                                                       \
      SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>      \
          &effects) {                                                          \
    getEffectsOfDpsOp(cast<DestinationStyleOpInterface>(getOperation()),       \
                      effects);                                                \
  }                                                                            \
  Speculation::Speculatability OpTy::getSpeculatability() {                    \
    return getSpeculatabilityOfDpsOp(                                          \
        cast<DestinationStyleOpInterface>(getOperation()));                    \
  }
FP4Q_DEFINE_EFFECTS(BlockTransformOp)
FP4Q_DEFINE_EFFECTS(QuantizePackOp)
FP4Q_DEFINE_EFFECTS(GlobalScaleOp)
FP4Q_DEFINE_EFFECTS(DequantOp)
FP4Q_DEFINE_EFFECTS(ScaledMatmulOp)
FP4Q_DEFINE_EFFECTS(SwizzleScalesOp)
FP4Q_DEFINE_EFFECTS(UnswizzleScalesOp)
FP4Q_DEFINE_EFFECTS(PackWeightsOp)
FP4Q_DEFINE_EFFECTS(UnpackWeightsOp)
#undef FP4Q_DEFINE_EFFECTS

//===----------------------------------------------------------------------===//
// BlockTransformOp
//===----------------------------------------------------------------------===//

MutableOperandRange BlockTransformOp::getDpsInitsMutable() {
  return getInitMutable();
}

int64_t BlockTransformOp::getBlockSize() { return lastDimOf(getTransform()); }

LogicalResult
BlockTransformOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &reified) {
  reified.assign(1, sizesLike(builder, getLoc(), getX(), lastDimOf(getX())));
  return success();
}

void BlockTransformOp::build(OpBuilder &builder, OperationState &state, Value x,
                             Value transform, Type elementType) {
  Value init =
      createEmptyLike(builder, state.location, x, lastDimOf(x), elementType);
  build(builder, state, init.getType(), x, transform, init);
}

//===----------------------------------------------------------------------===//
// QuantizePackOp
//===----------------------------------------------------------------------===//

MutableOperandRange QuantizePackOp::getDpsInitsMutable() {
  return getInitsMutable();
}

Value QuantizePackOp::getScaleOperand() {
  return hasGivenScales() ? getScales() : getInits().back();
}

int64_t QuantizePackOp::getGroupSizeValue() {
  return groupSizeOf(getGroupSizeAttr(), lastDimOf(getX()), getScaleOperand());
}

::fp4q::Recipe QuantizePackOp::getRecipeValue() {
  return getRecipe() ? getRecipe()->getValue() : ::fp4q::Recipe();
}

LogicalResult
QuantizePackOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &reified) {
  Location loc = getLoc();
  int64_t k = lastDimOf(getX());
  reified.push_back(sizesLike(builder, loc, getX(), k / 2));
  if (hasGivenScales())
    return success();
  SmallVector<OpFoldResult> scales =
      sizesLike(builder, loc, getX(), k / getGroupSizeValue());
  if (getScaleLayout() == ScaleLayout::Blocked128x4)
    scales = tiledSizes(builder, loc, scales, kScaleTile);
  reified.push_back(scales);
  return success();
}

void QuantizePackOp::build(OpBuilder &builder, OperationState &state, Value x,
                           Value transform, Value globalScale, Value scaleScale,
                           int64_t groupSize, Type scaleType) {
  int64_t k = lastDimOf(x);
  Location loc = state.location;
  Value codes = createEmptyLike(builder, loc, x, k / 2, builder.getI8Type());
  Value scales = createEmptyLike(builder, loc, x, k / groupSize, scaleType);
  build(builder, state, TypeRange{codes.getType(), scales.getType()}, x,
        transform, /*scales=*/Value(), globalScale, scaleScale,
        ValueRange{codes, scales}, /*recipe=*/RecipeAttr(), ScaleLayout::Linear,
        /*group_size=*/IntegerAttr());
}

//===----------------------------------------------------------------------===//
// GlobalScaleOp
//===----------------------------------------------------------------------===//

MutableOperandRange GlobalScaleOp::getDpsInitsMutable() {
  return getInitMutable();
}

LogicalResult
GlobalScaleOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &reified) {
  reified.assign(1, {});
  return success();
}

void GlobalScaleOp::build(OpBuilder &builder, OperationState &state, Value x) {
  Value init = tensor::EmptyOp::create(
      builder, state.location, ArrayRef<int64_t>(), builder.getF32Type());
  build(builder, state, init.getType(), x, init);
}

//===----------------------------------------------------------------------===//
// DequantOp
//===----------------------------------------------------------------------===//

MutableOperandRange DequantOp::getDpsInitsMutable() { return getInitMutable(); }

int64_t DequantOp::getGroupSizeValue() {
  return groupSizeOf(getGroupSizeAttr(), lastDimOf(getInit()), getScales());
}

LogicalResult
DequantOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &reified) {
  reified.assign(
      1, sizesLike(builder, getLoc(), getCodes(), lastDimOf(getInit())));
  return success();
}

void DequantOp::build(OpBuilder &builder, OperationState &state, Value codes,
                      Value scales, Value globalScale, Direction direction,
                      Type elementType) {
  Value init = createEmptyLike(builder, state.location, codes,
                               2 * lastDimOf(codes), elementType);
  build(builder, state, init.getType(), codes, scales, globalScale, init,
        direction, ScaleLayout::Linear, /*group_size=*/IntegerAttr());
}

//===----------------------------------------------------------------------===//
// ScaledMatmulOp
//===----------------------------------------------------------------------===//

MutableOperandRange ScaledMatmulOp::getDpsInitsMutable() {
  return getInitMutable();
}

int64_t ScaledMatmulOp::getGroupSizeValue() {
  return groupSizeOf(getGroupSizeAttr(), 2 * lastDimOf(getA()), getAScales());
}

bool ScaledMatmulOp::hasSharedB() {
  return rankOf(getB()) == (hasPackedB() ? 3 : 2);
}

/// The rows of codes in the linear layout.
static int64_t rowsOf(Value codes) {
  auto shape = cast<ShapedType>(codes.getType()).getShape();
  return shape[shape.size() - 2];
}

int64_t ScaledMatmulOp::getColumns() {
  return hasPackedB() ? lastDimOf(getInit()) : rowsOf(getB());
}

LogicalResult
ScaledMatmulOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &reified) {
  reified.assign(1, sizesLike(builder, getLoc(), getA(), getColumns()));
  return success();
}

void ScaledMatmulOp::build(OpBuilder &builder, OperationState &state, Value a,
                           Value aScales, Value b, Value bScales, Value alpha,
                           Value bias, Type elementType) {
  Value init =
      createEmptyLike(builder, state.location, a, rowsOf(b), elementType);
  build(builder, state, init.getType(), a, aScales, b, bScales, alpha, bias,
        init, ScaleLayout::Linear, ScaleLayout::Linear,
        /*group_size=*/IntegerAttr());
}

//===----------------------------------------------------------------------===//
// SwizzleScalesOp, UnswizzleScalesOp
//===----------------------------------------------------------------------===//

MutableOperandRange SwizzleScalesOp::getDpsInitsMutable() {
  return getInitMutable();
}

LogicalResult
SwizzleScalesOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &reified) {
  reified.assign(1, tiledSizesLike(builder, getLoc(), getSource(), kScaleTile));
  return success();
}

void SwizzleScalesOp::build(OpBuilder &builder, OperationState &state,
                            Value source) {
  Value init = createBlockedEmptyLike(builder, state.location, source);
  build(builder, state, init.getType(), source, init);
}

MutableOperandRange UnswizzleScalesOp::getDpsInitsMutable() {
  return getInitMutable();
}

LogicalResult
UnswizzleScalesOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &reified) {
  // The blocked source does not tell the number of rows: only the init does.
  reified.assign(1,
                 sizesLike(builder, getLoc(), getInit(), lastDimOf(getInit())));
  return success();
}

//===----------------------------------------------------------------------===//
// PackWeightsOp, UnpackWeightsOp
//===----------------------------------------------------------------------===//

MutableOperandRange PackWeightsOp::getDpsInitsMutable() {
  return getInitMutable();
}

LogicalResult
PackWeightsOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &reified) {
  reified.assign(1,
                 tiledSizesLike(builder, getLoc(), getSource(), kWeightTile));
  return success();
}

void PackWeightsOp::build(OpBuilder &builder, OperationState &state,
                          Value source) {
  Value init = createPackedEmptyLike(builder, state.location, source);
  build(builder, state, init.getType(), source, init);
}

MutableOperandRange UnpackWeightsOp::getDpsInitsMutable() {
  return getInitMutable();
}

LogicalResult
UnpackWeightsOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &reified) {
  // As of scales: only the init tells the number of rows.
  reified.assign(1,
                 sizesLike(builder, getLoc(), getInit(), lastDimOf(getInit())));
  return success();
}
