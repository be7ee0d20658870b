//===- TilingInterfaceImpl.cpp - tiling of the fp4q operations ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every level-1 operation is a box of independent iterations, and a tile of it
// touches, of each operand, a box whose sides are proportional to those of the
// tile. So an operation is described by a table (one DimTile a dimension of an
// operand), and the interface is written once over that table.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Interfaces.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// One dimension of an operand: iteration i of loop `loop` touches the
/// elements [i * scale, (i + 1) * scale). Loop -1: every tile touches it all.
struct DimTile {
  int64_t loop;
  int64_t scale = 1;
};

/// How tiles of an operation map to its operands, if its scales are linear.
struct TileTable {
  /// The number of iterations of each loop.
  SmallVector<OpFoldResult> sizes;
  /// A row for each operand; empty for an operand that is not sliced.
  SmallVector<SmallVector<DimTile>> operands;
};

} // namespace

static ShapedType shapedTypeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

/// Loops 0 to count-1 for the first `count` dimensions.
static SmallVector<DimTile> leadingDims(int64_t count) {
  SmallVector<DimTile> dims;
  for (int64_t i = 0; i < count; ++i)
    dims.push_back({i});
  return dims;
}

static SmallVector<DimTile> fullDims(int64_t count) {
  return SmallVector<DimTile>(count, DimTile{-1});
}

/// The leading dimensions of `value`, and its last one of `unit` elements an
/// iteration.
static SmallVector<DimTile> rowDims(Value value, int64_t unit) {
  int64_t leading = shapedTypeOf(value).getRank() - 1;
  SmallVector<DimTile> dims = leadingDims(leading);
  dims.push_back({leading, unit});
  return dims;
}

/// Loops for the leading dimensions of `value` and its last one in units.
static SmallVector<OpFoldResult> rowSizes(OpBuilder &builder, Location loc,
                                          Value value, int64_t unit) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  sizes.back() =
      builder.getIndexAttr(shapedTypeOf(value).getShape().back() / unit);
  return sizes;
}

/// A transform (B, B) serves all units; of (C, B, B), a unit takes its blocks.
static SmallVector<DimTile> transformDims(Value transform, int64_t loop,
                                          int64_t unit) {
  ShapedType type = shapedTypeOf(transform);
  SmallVector<DimTile> dims = fullDims(type.getRank());
  if (type.getRank() == 3)
    dims.front() = {loop, unit / type.getShape().back()};
  return dims;
}

//===----------------------------------------------------------------------===//
// The tables
//===----------------------------------------------------------------------===//

static TileTable getTileTable(BlockTransformOp op, OpBuilder &builder) {
  int64_t unit = op.getBlockSize();
  int64_t lastLoop = shapedTypeOf(op.getX()).getRank() - 1;
  TileTable table;
  table.sizes = rowSizes(builder, op.getLoc(), op.getX(), unit);
  table.operands = {rowDims(op.getX(), unit),
                    transformDims(op.getTransform(), lastLoop, unit),
                    rowDims(op.getInit(), unit)};
  return table;
}

static TileTable getTileTable(QuantizePackOp op, OpBuilder &builder) {
  int64_t group = op.getGroupSizeValue();
  int64_t unit = group;
  if (Value transform = op.getTransform())
    unit = std::max(unit, shapedTypeOf(transform).getShape().back());
  int64_t lastLoop = shapedTypeOf(op.getX()).getRank() - 1;
  TileTable table;
  table.sizes = rowSizes(builder, op.getLoc(), op.getX(), unit);
  table.operands.push_back(rowDims(op.getX(), unit));
  if (op.getTransform())
    table.operands.push_back(transformDims(op.getTransform(), lastLoop, unit));
  if (op.getScales())
    table.operands.push_back(rowDims(op.getScales(), unit / group));
  for (Value scalar : {op.getGlobalScale(), op.getScaleScale()})
    if (scalar)
      table.operands.emplace_back();
  table.operands.push_back(rowDims(op.getInits().front(), unit / 2));
  if (!op.hasGivenScales())
    table.operands.push_back(rowDims(op.getInits().back(), unit / group));
  return table;
}

static TileTable getTileTable(DequantOp op, OpBuilder &builder) {
  int64_t unit = op.getGroupSizeValue();
  TileTable table;
  table.sizes = rowSizes(builder, op.getLoc(), op.getInit(), unit);
  table.operands = {rowDims(op.getCodes(), unit / 2),
                    rowDims(op.getScales(), 1)};
  if (op.getGlobalScale())
    table.operands.emplace_back();
  table.operands.push_back(rowDims(op.getInit(), unit));
  return table;
}

static TileTable getTileTable(ScaledMatmulOp op, OpBuilder &builder) {
  int64_t rank = shapedTypeOf(op.getA()).getRank();
  int64_t nLoop = rank - 1;
  SmallVector<DimTile> a = leadingDims(rank - 1);
  a.push_back({-1});
  SmallVector<DimTile> b = leadingDims(op.hasSharedB() ? 0 : rank - 2);
  b.append({DimTile{nLoop}, DimTile{-1}});
  TileTable table;
  table.sizes = tensor::getMixedSizes(builder, op.getLoc(), op.getInit());
  table.operands = {a, a, b, b};
  if (Value alpha = op.getAlpha()) {
    auto type = dyn_cast<ShapedType>(alpha.getType());
    table.operands.emplace_back();
    if (type && type.getRank() == 1)
      table.operands.back().push_back({nLoop});
  }
  if (op.getBias())
    table.operands.push_back({DimTile{nLoop}});
  table.operands.push_back(leadingDims(rank));
  return table;
}

template <typename OpTy>
static TileTable getLayoutTable(OpTy op, Value linear, OpBuilder &builder) {
  int64_t batch = shapedTypeOf(linear).getRank() - 2;
  TileTable table;
  table.sizes = tensor::getMixedSizes(builder, op.getLoc(), linear);
  table.sizes.resize(batch);
  for (Value operand : op->getOperands()) {
    SmallVector<DimTile> dims = leadingDims(batch);
    dims.append(fullDims(shapedTypeOf(operand).getRank() - batch));
    table.operands.push_back(dims);
  }
  return table;
}

static TileTable getTileTable(SwizzleScalesOp op, OpBuilder &builder) {
  return getLayoutTable(op, op.getSource(), builder);
}

static TileTable getTileTable(UnswizzleScalesOp op, OpBuilder &builder) {
  return getLayoutTable(op, op.getInit(), builder);
}

static TileTable getTileTable(PackWeightsOp op, OpBuilder &builder) {
  return getLayoutTable(op, op.getSource(), builder);
}

static TileTable getTileTable(UnpackWeightsOp op, OpBuilder &builder) {
  return getLayoutTable(op, op.getInit(), builder);
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

/// Operands of a quantizer, decoder or product that are in a layout whose tiles
/// are no boxes; empty if there are none. Such operations have loops, but no
/// tiles.
static StringRef findTiledOperands(Operation *op) {
  if (isa<QuantizePackOp, DequantOp, ScaledMatmulOp>(op) &&
      op->getInherentAttr("group_size").value_or(Attribute()))
    return "a blocked scale layout";
  auto matmul = dyn_cast<ScaledMatmulOp>(op);
  return matmul && matmul.hasPackedB() ? "packed weights" : "";
}

/// value * scale, folded.
static OpFoldResult scaleBy(OpBuilder &builder, Location loc,
                            OpFoldResult value, int64_t scale) {
  if (scale == 1)
    return value;
  return affine::makeComposedFoldedAffineApply(
      builder, loc, builder.getAffineSymbolExpr(0) * scale, value);
}

/// value / divisor, folded.
static OpFoldResult divideBy(OpBuilder &builder, Location loc,
                             OpFoldResult value, int64_t divisor) {
  return affine::makeComposedFoldedAffineApply(
      builder, loc, builder.getAffineSymbolExpr(0).floorDiv(divisor), value);
}

/// Whether the value is known to be a multiple of `divisor`: a constant, a
/// product with one, or the induction variable of a loop whose bounds and step
/// are.
static bool isMultipleOf(OpFoldResult value, int64_t divisor) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant % divisor == 0;
  if (auto apply = cast<Value>(value).getDefiningOp<affine::AffineApplyOp>())
    return apply.getAffineMap().getResult(0).isMultipleOf(divisor);
  auto argument = dyn_cast<BlockArgument>(cast<Value>(value));
  if (!argument)
    return false;
  auto loop =
      dyn_cast_or_null<LoopLikeOpInterface>(argument.getOwner()->getParentOp());
  auto variables = loop ? loop.getLoopInductionVars() : std::nullopt;
  auto lower = loop ? loop.getLoopLowerBounds() : std::nullopt;
  auto steps = loop ? loop.getLoopSteps() : std::nullopt;
  if (!variables || !lower || !steps)
    return false;
  auto *place = llvm::find(*variables, argument);
  if (place == variables->end())
    return false;
  auto isConstantMultiple = [&](OpFoldResult bound) {
    std::optional<int64_t> constant = getConstantIntValue(bound);
    return constant && *constant % divisor == 0;
  };
  size_t index = place - variables->begin();
  return isConstantMultiple((*lower)[index]) &&
         isConstantMultiple((*steps)[index]);
}

/// The box of an operand that a tile touches.
static void getOperandBox(OpBuilder &builder, Location loc, Value operand,
                          ArrayRef<DimTile> dims,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes,
                          SmallVectorImpl<OpFoldResult> &boxOffsets,
                          SmallVectorImpl<OpFoldResult> &boxSizes) {
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (dim.loop < 0) {
      boxOffsets.push_back(builder.getIndexAttr(0));
      boxSizes.push_back(tensor::getMixedSize(builder, loc, operand, i));
      continue;
    }
    boxOffsets.push_back(scaleBy(builder, loc, offsets[dim.loop], dim.scale));
    boxSizes.push_back(scaleBy(builder, loc, sizes[dim.loop], dim.scale));
  }
}

namespace {

template <typename OpTy>
struct FP4QTiling
    : public TilingInterface::ExternalModel<FP4QTiling<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    OpBuilder builder(op);
    TileTable table = getTileTable(cast<OpTy>(op), builder);
    return SmallVector<utils::IteratorType>(table.sizes.size(),
                                            utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *op,
                                        OpBuilder &builder) const {
    SmallVector<Range> domain;
    for (OpFoldResult size : getTileTable(cast<OpTy>(op), builder).sizes)
      domain.push_back(
          {builder.getIndexAttr(0), size, builder.getIndexAttr(1)});
    return domain;
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &builder,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    Location loc = op->getLoc();
    if (StringRef tiled = findTiledOperands(op); !tiled.empty())
      return op->emitOpError("cannot be tiled with ") << tiled;
    TileTable table = getTileTable(cast<OpTy>(op), builder);
    TilingResult result;
    SmallVector<Value> operands;
    for (auto [operand, dims] :
         llvm::zip_equal(op->getOperands(), table.operands)) {
      if (dims.empty()) {
        operands.push_back(operand);
        continue;
      }
      SmallVector<OpFoldResult> boxOffsets, boxSizes;
      getOperandBox(builder, loc, operand, dims, offsets, sizes, boxOffsets,
                    boxSizes);
      // K and N are static in every operation.
      if (!getConstantIntValue(boxSizes.back()) &&
          !shapedTypeOf(operand).isDynamicDim(dims.size() - 1))
        return op->emitOpError("can be tiled along its last dimension only by "
                               "sizes that divide it");
      SmallVector<OpFoldResult> strides(dims.size(), builder.getIndexAttr(1));
      auto slice = tensor::ExtractSliceOp::create(
          builder, loc, operand, boxOffsets, boxSizes, strides);
      result.generatedSlices.push_back(slice);
      operands.push_back(slice);
    }
    size_t numInits = cast<DestinationStyleOpInterface>(op).getNumDpsInits();
    SmallVector<Type> types;
    for (Value init : ArrayRef<Value>(operands).take_back(numInits))
      types.push_back(init.getType());
    Operation *tiled = mlir::clone(builder, op, types, operands);
    result.tiledOps.push_back(tiled);
    llvm::append_range(result.tiledValues, tiled->getResults());
    return result;
  }

  LogicalResult
  getResultTilePosition(Operation *op, OpBuilder &builder,
                        unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    if (!findTiledOperands(op).empty())
      return failure();
    TileTable table = getTileTable(cast<OpTy>(op), builder);
    OpOperand *init =
        cast<DestinationStyleOpInterface>(op).getDpsInitOperand(resultNumber);
    getOperandBox(builder, op->getLoc(), init->get(),
                  table.operands[init->getOperandNumber()], offsets, sizes,
                  resultOffsets, resultSizes);
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *op, OpBuilder &builder, unsigned resultNumber,
      ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    if (!findTiledOperands(op).empty())
      return failure();
    TileTable table = getTileTable(cast<OpTy>(op), builder);
    domainOffsets.assign(table.sizes.size(), builder.getIndexAttr(0));
    domainSizes.assign(table.sizes.begin(), table.sizes.end());
    OpOperand *init =
        cast<DestinationStyleOpInterface>(op).getDpsInitOperand(resultNumber);
    for (auto [dim, offset, size] : llvm::zip_equal(
             table.operands[init->getOperandNumber()], offsets, sizes)) {
      if (dim.loop < 0)
        continue;
      if (dim.scale == 1) {
        domainOffsets[dim.loop] = offset;
        domainSizes[dim.loop] = size;
        continue;
      }
      // A tile of the result that does not consist of whole units has no
      // iterations of its own.
      if (!isMultipleOf(offset, dim.scale) || !isMultipleOf(size, dim.scale))
        return failure();
      domainOffsets[dim.loop] =
          divideBy(builder, op->getLoc(), offset, dim.scale);
      domainSizes[dim.loop] = divideBy(builder, op->getLoc(), size, dim.scale);
    }
    return success();
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *op, OpBuilder &builder,
                          unsigned resultNumber, ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    SmallVector<OpFoldResult> domainOffsets, domainSizes;
    if (failed(getIterationDomainTileFromResultTile(
            op, builder, resultNumber, offsets, sizes, domainOffsets,
            domainSizes)))
      return failure();
    FailureOr<TilingResult> tiled =
        getTiledImplementation(op, builder, domainOffsets, domainSizes);
    if (failed(tiled))
      return failure();
    tiled->tiledValues = {tiled->tiledValues[resultNumber]};
    return tiled;
  }
};

} // namespace

void mlir::fp4q::registerTilingInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, FP4QDialect *) {
    BlockTransformOp::attachInterface<FP4QTiling<BlockTransformOp>>(*context);
    QuantizePackOp::attachInterface<FP4QTiling<QuantizePackOp>>(*context);
    DequantOp::attachInterface<FP4QTiling<DequantOp>>(*context);
    ScaledMatmulOp::attachInterface<FP4QTiling<ScaledMatmulOp>>(*context);
    SwizzleScalesOp::attachInterface<FP4QTiling<SwizzleScalesOp>>(*context);
    UnswizzleScalesOp::attachInterface<FP4QTiling<UnswizzleScalesOp>>(*context);
    PackWeightsOp::attachInterface<FP4QTiling<PackWeightsOp>>(*context);
    UnpackWeightsOp::attachInterface<FP4QTiling<UnpackWeightsOp>>(*context);
  });
}
