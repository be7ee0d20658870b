//===- LookThrough.cpp - casts and reshapes between operations ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::fp4q;

/// The single operation of a linalg body whose maps are all identities, applied
/// to the only input; null if there is more or something else in it.
static Operation *getUnaryBody(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return nullptr;
  Block *body = op.getBlock();
  if (!llvm::hasNItems(body->begin(), body->end(), 2))
    return nullptr;
  Operation *inner = &body->front();
  if (inner->getNumOperands() != 1 || inner->getNumResults() != 1 ||
      inner->getOperand(0) != body->getArgument(0) ||
      body->getTerminator()->getOperand(0) != inner->getResult(0))
    return nullptr;
  return inner;
}

Operation *mlir::fp4q::getElementwiseUnaryOp(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<RankedTensorType>(value.getType()))
    return nullptr;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return getUnaryBody(linalgOp);
  return op->hasTrait<OpTrait::Elementwise>() && op->getNumOperands() == 1
             ? op
             : nullptr;
}

/// Whether elements of this type are inputs of level-1 operations.
static bool isFloatOperand(Value tensor) {
  Type element = getElementTypeOrSelf(tensor);
  return element.isBF16() || element.isF16() || element.isF32();
}

/// Whether the flags of a cast permit to skip its rounding.
static bool allowsContraction(arith::ArithFastMathInterface cast) {
  arith::FastMathFlagsAttr flags = cast.getFastMathFlagsAttr();
  return flags &&
         bitEnumContainsAny(flags.getValue(), arith::FastMathFlags::contract);
}

std::optional<FloatCast> mlir::fp4q::matchFloatCast(Value value) {
  Operation *inner = getElementwiseUnaryOp(value);
  if (!isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(inner))
    return std::nullopt;
  Operation *op = value.getDefiningOp();
  FloatCast result{op, op->getOperand(0), /*widens=*/true, /*relaxed=*/true};
  if (!isFloatOperand(value) || !isFloatOperand(result.source))
    return std::nullopt;
  if (auto cast = dyn_cast<arith::TruncFOp>(inner)) {
    constexpr auto nearest = arith::RoundingMode::to_nearest_even;
    if (cast.getRoundingmode().value_or(nearest) != nearest)
      return std::nullopt;
    result.widens = false;
    result.relaxed = isRelaxed(op) || allowsContraction(cast);
  }
  return result;
}

Value mlir::fp4q::skipWidening(Value value) {
  std::optional<FloatCast> cast = matchFloatCast(value);
  return cast && cast->widens ? cast->source : value;
}

bool mlir::fp4q::isLeadingReshape(Operation *op) {
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    auto from = dyn_cast<RankedTensorType>(cast.getSource().getType());
    auto to = dyn_cast<RankedTensorType>(cast.getType());
    return from && to && from.getRank() > 0 &&
           from.getShape().back() == to.getShape().back();
  }
  // The last group of dimensions is the last dimension alone, on both sides.
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    auto groups = collapse.getReassociationIndices();
    return !groups.empty() && groups.back().size() == 1;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    auto groups = expand.getReassociationIndices();
    return !groups.empty() && groups.back().size() == 1;
  }
  return false;
}

Value mlir::fp4q::applyLeadingReshape(OpBuilder &builder, Operation *reshape,
                                      Value source) {
  auto sourceType = cast<RankedTensorType>(source.getType());
  auto oldType = cast<RankedTensorType>(reshape->getResult(0).getType());
  SmallVector<int64_t> shape(oldType.getShape());
  shape.back() = sourceType.getShape().back();
  auto type = RankedTensorType::get(shape, sourceType.getElementType());
  Location loc = reshape->getLoc();
  if (isa<tensor::CastOp>(reshape))
    return tensor::CastOp::create(builder, loc, type, source);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape))
    return tensor::CollapseShapeOp::create(builder, loc, type, source,
                                           collapse.getReassociationIndices());
  auto expand = cast<tensor::ExpandShapeOp>(reshape);
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  sizes.back() = builder.getIndexAttr(shape.back());
  return tensor::ExpandShapeOp::create(builder, loc, type, source,
                                       expand.getReassociationIndices(), sizes);
}

void mlir::fp4q::eraseDead(llvm::SetVector<Operation *> ops) {
  while (!ops.empty()) {
    Operation *op = ops.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        ops.insert(producer);
    op->erase();
  }
}

std::optional<APFloat> mlir::fp4q::getConstantSplat(Value value) {
  FloatAttr scalar;
  if (matchPattern(value, m_Constant(&scalar)))
    return scalar.getValue();
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat)) &&
      isa<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>();
  return std::nullopt;
}
