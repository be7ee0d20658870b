//===- FP4QVerify.cpp - verifiers of the fp4q dialect ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the traits and type predicates of the ODS do not say. The labels C1,
// C2, ... are those of the operation descriptions and of the names of the
// tests in test/Dialect/FP4Q/invalid-*.mlir.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Numerics/Presets.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Pieces shared by the verifiers
//===----------------------------------------------------------------------===//

static ShapedType shapedTypeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

/// Prints a shape as 4x?x32, and that of a scalar as "rank 0".
static std::string shapeToString(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "rank 0";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(
      shape, os,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          os << '?';
        else
          os << size;
      },
      "x");
  return text;
}

/// Whether two shapes can be equal at run time.
static bool compatible(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  return lhs.size() == rhs.size() && succeeded(verifyCompatibleShape(lhs, rhs));
}

static LogicalResult verifyShape(Operation *op, StringRef name, Value value,
                                 ArrayRef<int64_t> expected) {
  if (compatible(shapedTypeOf(value).getShape(), expected))
    return success();
  return op->emitOpError() << "expects " << name << " to have shape "
                           << shapeToString(expected) << ", but got "
                           << shapeToString(shapedTypeOf(value).getShape());
}

/// K: the rank is at least `minRank`, the last dimension static and positive.
static LogicalResult verifyK(Operation *op, StringRef name, Value value,
                             int64_t minRank) {
  ArrayRef<int64_t> shape = shapedTypeOf(value).getShape();
  if (static_cast<int64_t>(shape.size()) < minRank)
    return op->emitOpError()
           << "expects " << name << " to have rank >= " << minRank
           << ", but got " << shape.size();
  if (ShapedType::isDynamic(shape.back()) || shape.back() <= 0)
    return op->emitOpError()
           << "expects the last dimension of " << name
           << " to be static and positive, but got " << shapeToString(shape);
  return success();
}

/// Shaped operands are all tensors or all memrefs, tensor operands that are
/// resources have the bytes that their type says, and results come with
/// tensors only.
static LogicalResult verifyOperandKinds(DestinationStyleOpInterface op) {
  if (!op.hasPureTensorSemantics() && !op.hasPureBufferSemantics())
    return op->emitOpError(
        "expects its shaped operands to be all tensors or all memrefs");
  for (OpOperand &operand : op->getOpOperands()) {
    DenseResourceElementsAttr resource;
    if (!matchPattern(operand.get(), m_Constant(&resource)))
      continue;
    ShapedType type = resource.getType();
    int64_t expected = type.getNumElements() *
                       llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    int64_t got = blob ? blob->getData().size() : 0;
    if (got != expected)
      return op->emitOpError()
             << "expects resource '" << resource.getRawHandle().getKey()
             << "' of operand #" << operand.getOperandNumber() << " to hold "
             << expected << " bytes, but got " << got;
  }
  return success();
}

/// Linear scales: the shape `outer` x (k / G) for a legal group size G.
static LogicalResult verifyLinearScales(Operation *op, StringRef name,
                                        Value scales, ArrayRef<int64_t> outer,
                                        int64_t k) {
  ArrayRef<int64_t> shape = shapedTypeOf(scales).getShape();
  if (shape.size() != outer.size() + 1 || !compatible(shape.drop_back(), outer))
    return op->emitOpError()
           << "expects " << name << " to have shape "
           << (outer.empty() ? "" : shapeToString(outer) + "x")
           << "K/G for a group size G, but got " << shapeToString(shape);
  int64_t columns = shape.back();
  if (ShapedType::isDynamic(columns) || columns <= 0 || k % columns != 0 ||
      !isLegalGroup(k / columns))
    return op->emitOpError()
           << "expects the last dimension of " << name
           << " to be K/G for a group size G that is a power of two from "
           << kMinGroup << " to " << kMaxGroup << " and divides K = " << k
           << ", but got " << shapeToString(columns);
  return success();
}

/// Scales in either layout, of the groups of (outer..., k).
static LogicalResult verifyScales(Operation *op, StringRef name, Value scales,
                                  ArrayRef<int64_t> outer, int64_t k,
                                  ScaleLayout layout, IntegerAttr groupSize) {
  if (layout == ScaleLayout::Linear)
    return verifyLinearScales(op, name, scales, outer, k);
  if (outer.empty())
    return op->emitOpError()
           << "expects " << name
           << " in layout blocked_128x4 to belong to a matrix, but K = " << k
           << " is the only dimension";
  SmallVector<int64_t> linear(outer);
  linear.push_back(k / groupSize.getInt());
  return verifyShape(op, name, scales, getBlockedScaleShape(linear));
}

/// group_size is there exactly when a layout does not tell the group size.
static LogicalResult verifyGroupSizeAttr(Operation *op, bool needed,
                                         IntegerAttr groupSize, int64_t k) {
  if (needed && !groupSize)
    return op->emitOpError("expects group_size with layout blocked_128x4");
  if (!needed && groupSize)
    return op->emitOpError(
        "expects no group_size with linear scales, whose type tells it");
  if (groupSize &&
      (!isLegalGroup(groupSize.getInt()) || k % groupSize.getInt() != 0))
    return op->emitOpError()
           << "expects group_size to be a power of two from " << kMinGroup
           << " to " << kMaxGroup << " that divides K = " << k << ", but got "
           << groupSize.getInt();
  return success();
}

/// T is (B, B) or (C, B, B) for x of type (..., k).
static LogicalResult verifyTransform(Operation *op, Value transform, Value x) {
  int64_t k = shapedTypeOf(x).getShape().back();
  ArrayRef<int64_t> shape = shapedTypeOf(transform).getShape();
  int64_t rank = shape.size();
  int64_t block = rank >= 2 ? shape.back() : 0;
  bool square = (rank == 2 || rank == 3) && shape[rank - 2] == block;
  if (!square || !isLegalGroup(block) || k % block != 0 ||
      (rank == 3 && shape.front() != k / block))
    return op->emitOpError()
           << "expects transform to be BxB or CxBxB, where B is a power of two "
              "from "
           << kMinGroup << " to " << kMaxGroup << " that divides K = " << k
           << " and C = K/B, but got " << shapeToString(shape);
  return success();
}

static LogicalResult verifyTransformType(Operation *op, Value transform,
                                         Value x) {
  Type element = shapedTypeOf(transform).getElementType();
  if (element == shapedTypeOf(x).getElementType() || element.isF32())
    return success();
  return op->emitOpError()
         << "expects transform to have the element type of x ("
         << shapedTypeOf(x).getElementType() << ") or f32, but got " << element;
}

/// A constant scalar scale is finite and positive.
static LogicalResult verifyScalarScale(Operation *op, StringRef name,
                                       Value scalar) {
  if (!scalar)
    return success();
  FloatAttr constant;
  DenseFPElementsAttr dense;
  if (matchPattern(scalar, m_Constant(&dense)) && dense.isSplat())
    constant =
        FloatAttr::get(dense.getElementType(), dense.getSplatValue<APFloat>());
  else if (!matchPattern(scalar, m_Constant(&constant)))
    return success();
  APFloat value = constant.getValue();
  if (value.isFiniteNonZero() && !value.isNegative())
    return success();
  return op->emitOpError() << "expects a constant " << name
                           << " to be finite and positive, but got "
                           << constant;
}

//===----------------------------------------------------------------------===//
// BlockTransformOp
//===----------------------------------------------------------------------===//

LogicalResult BlockTransformOp::verify() {
  if (failed(verifyOperandKinds(*this))) // C5
    return failure();
  if (failed(verifyK(*this, "x", getX(), /*minRank=*/1))) // C1
    return failure();
  if (failed(verifyTransform(*this, getTransform(), getX()))) // C2
    return failure();
  if (failed(verifyTransformType(*this, getTransform(), getX()))) // C3
    return failure();
  return verifyShape(*this, "init", getInit(),
                     shapedTypeOf(getX()).getShape()); // C4
}

//===----------------------------------------------------------------------===//
// QuantizePackOp
//===----------------------------------------------------------------------===//

LogicalResult QuantizePackOp::verify() {
  if (failed(verifyOperandKinds(*this))) // C7
    return failure();
  if (failed(verifyK(*this, "x", getX(), /*minRank=*/1))) // C1
    return failure();
  // C5: which inits there are.
  size_t expectedInits = hasGivenScales() ? 1 : 2;
  if (getInits().size() != expectedInits)
    return emitOpError() << "expects " << expectedInits
                         << (hasGivenScales()
                                 ? " init (codes) when scales are given"
                                 : " inits (codes and scales)")
                         << ", but got " << getInits().size();
  if (hasGivenScales() && getScaleScale())
    return emitOpError("expects no scale_scale when scales are given"); // C5
  Type codesType = shapedTypeOf(getInits().front()).getElementType();
  if (!codesType.isInteger(8))
    return emitOpError() << "expects the first init to be i8 codes, but got "
                         << codesType;
  if (shapedTypeOf(getScaleOperand()).getElementType().isInteger(8))
    return emitOpError("expects the second init to be f8E8M0FNU or f8E4M3FN "
                       "scales, but got 'i8'");

  ArrayRef<int64_t> shape = shapedTypeOf(getX()).getShape();
  int64_t k = shape.back();
  if (k % 2 != 0)
    return emitOpError() << "expects K to be even, but got " << k; // C1
  if (failed(verifyShape(*this, "codes", getInits().front(),
                         withLastDim(shape, k / 2)))) // C2
    return failure();
  bool blocked = getScaleLayout() != ScaleLayout::Linear;
  if (failed(verifyGroupSizeAttr(*this, blocked, getGroupSizeAttr(), k)) ||
      failed(verifyScales(*this, "scales", getScaleOperand(), shape.drop_back(),
                          k, getScaleLayout(),
                          getGroupSizeAttr()))) // C3, C8
    return failure();
  if (getTransform() &&
      (failed(verifyTransform(*this, getTransform(), getX())) ||
       failed(verifyTransformType(*this, getTransform(), getX())))) // C4
    return failure();
  if (failed(verifyScalarScale(*this, "global_scale", getGlobalScale())))
    return failure(); // C6
  if (failed(verifyScalarScale(*this, "scale_scale", getScaleScale())))
    return failure(); // C6
  ::fp4q::RecipeUse use;
  use.scaleType =
      isa<Float8E8M0FNUType>(shapedTypeOf(getScaleOperand()).getElementType())
          ? ::fp4q::ScaleType::E8M0
          : ::fp4q::ScaleType::E4M3;
  use.hasGlobalScale = static_cast<bool>(getGlobalScale());
  use.hasScaleScale = static_cast<bool>(getScaleScale());
  use.scalesAreGiven = hasGivenScales();
  std::string problem = ::fp4q::checkRecipe(getRecipeValue(), use);
  return problem.empty() ? success() : emitOpError(problem); // C9
}

//===----------------------------------------------------------------------===//
// GlobalScaleOp
//===----------------------------------------------------------------------===//

LogicalResult GlobalScaleOp::verify() {
  return verifyOperandKinds(*this); // C1
}

//===----------------------------------------------------------------------===//
// DequantOp
//===----------------------------------------------------------------------===//

LogicalResult DequantOp::verify() {
  if (failed(verifyOperandKinds(*this))) // C5
    return failure();
  if (failed(verifyK(*this, "init", getInit(), /*minRank=*/1))) // C1
    return failure();
  ArrayRef<int64_t> shape = shapedTypeOf(getInit()).getShape();
  int64_t k = shape.back();
  if (k % 2 != 0)
    return emitOpError() << "expects K to be even, but got " << k; // C1
  if (failed(verifyShape(*this, "codes", getCodes(),
                         withLastDim(shape, k / 2)))) // C2
    return failure();
  bool blocked = getScaleLayout() != ScaleLayout::Linear;
  if (failed(verifyGroupSizeAttr(*this, blocked, getGroupSizeAttr(), k)) ||
      failed(verifyScales(*this, "scales", getScales(), shape.drop_back(), k,
                          getScaleLayout(), getGroupSizeAttr()))) // C3, C6
    return failure();
  return verifyScalarScale(*this, "global_scale", getGlobalScale()); // C4
}

//===----------------------------------------------------------------------===//
// ScaledMatmulOp
//===----------------------------------------------------------------------===//

/// C1 of linear weights; their shape.
static FailureOr<SmallVector<int64_t>> verifyLinearWeights(ScaledMatmulOp op) {
  if (failed(verifyK(op, "b", op.getB(), /*minRank=*/2)))
    return failure();
  ArrayRef<int64_t> a = shapedTypeOf(op.getA()).getShape();
  ArrayRef<int64_t> b = shapedTypeOf(op.getB()).getShape();
  if (a.back() != b.back())
    return op.emitOpError() << "expects a and b to agree in K/2, but got "
                            << a.back() << " and " << b.back();
  int64_t n = b[b.size() - 2];
  if (ShapedType::isDynamic(n) || n <= 0)
    return op.emitOpError() << "expects N, the rows of b, to be static and "
                               "positive, but got "
                            << shapeToString(b);
  if (b.size() != 2 && !compatible(a.drop_back(2), b.drop_back(2)))
    return op.emitOpError()
           << "expects b to have no batch dimensions or those of a, but got "
           << shapeToString(a) << " and " << shapeToString(b);
  return SmallVector<int64_t>(b);
}

/// C9: packed weights; the shape that they would have in the linear layout.
static FailureOr<SmallVector<int64_t>> verifyPackedWeights(ScaledMatmulOp op) {
  if (failed(verifyK(op, "init", op.getInit(), /*minRank=*/2)))
    return failure();
  ArrayRef<int64_t> a = shapedTypeOf(op.getA()).getShape();
  SmallVector<int64_t> linear;
  if (!op.hasSharedB())
    llvm::append_range(linear, a.drop_back(2));
  linear.push_back(shapedTypeOf(op.getInit()).getShape().back());
  linear.push_back(a.back());
  if (failed(verifyShape(op, "b in layout packed_16x8", op.getB(),
                         getPackedWeightShape(linear))))
    return failure();
  // What N tells is not compared at run time.
  ArrayRef<int64_t> b = shapedTypeOf(op.getB()).getShape();
  if (ShapedType::isDynamicShape(b.take_back(3)))
    return op.emitOpError() << "expects the tiles of b in layout packed_16x8 "
                               "to be static, but got "
                            << shapeToString(b);
  ArrayRef<int64_t> scales = shapedTypeOf(op.getBScales()).getShape();
  if (scales.size() >= 2 && ShapedType::isDynamic(scales[scales.size() - 2]))
    return op.emitOpError() << "expects the rows of b_scales to be static when "
                               "b is in layout packed_16x8, but got "
                            << shapeToString(scales);
  if (op.getBScaleLayout() != ScaleLayout::Linear)
    return op.emitOpError(
        "expects b_scales to be linear when b is in layout packed_16x8");
  return linear;
}

LogicalResult ScaledMatmulOp::verify() {
  if (failed(verifyOperandKinds(*this))) // C7
    return failure();
  // C1, C9: the codes.
  if (failed(verifyK(*this, "a", getA(), /*minRank=*/2)))
    return failure();
  ArrayRef<int64_t> a = shapedTypeOf(getA()).getShape();
  FailureOr<SmallVector<int64_t>> weights =
      hasPackedB() ? verifyPackedWeights(*this) : verifyLinearWeights(*this);
  if (failed(weights))
    return failure();
  ArrayRef<int64_t> b = *weights;
  int64_t n = b[b.size() - 2];
  if (a.back() > std::numeric_limits<int64_t>::max() / 2)
    return emitOpError() << "expects K to fit in 64 bits, but K/2 is "
                         << a.back();
  // C3: one scale type.
  Type aScale = shapedTypeOf(getAScales()).getElementType();
  Type bScale = shapedTypeOf(getBScales()).getElementType();
  if (aScale != bScale)
    return emitOpError() << "expects a_scales and b_scales to have the same "
                            "element type, but got "
                         << aScale << " and " << bScale;
  // C2, C8: scales.
  int64_t k = 2 * a.back();
  bool blocked = getAScaleLayout() != ScaleLayout::Linear ||
                 getBScaleLayout() != ScaleLayout::Linear;
  if (failed(verifyGroupSizeAttr(*this, blocked, getGroupSizeAttr(), k)) ||
      failed(verifyScales(*this, "a_scales", getAScales(), a.drop_back(), k,
                          getAScaleLayout(), getGroupSizeAttr())) ||
      failed(verifyScales(*this, "b_scales", getBScales(), b.drop_back(), k,
                          getBScaleLayout(), getGroupSizeAttr())))
    return failure();
  auto columns = [&](Value scales, ScaleLayout layout) {
    return layout == ScaleLayout::Linear
               ? shapedTypeOf(scales).getShape().back()
               : k / getGroupSizeAttr().getInt();
  };
  int64_t aColumns = columns(getAScales(), getAScaleLayout());
  int64_t bColumns = columns(getBScales(), getBScaleLayout());
  if (aColumns != bColumns)
    return emitOpError() << "expects a and b to have the same group size, but "
                            "got "
                         << k / aColumns << " and " << k / bColumns;
  // C4: the result.
  if (failed(verifyShape(*this, "init", getInit(), withLastDim(a, n))))
    return failure();
  // C5: alpha.
  if (Value alpha = getAlpha())
    if (auto type = dyn_cast<ShapedType>(alpha.getType());
        type && type.getRank() == 1 &&
        failed(verifyShape(*this, "alpha", alpha, {n})))
      return failure();
  // C6: bias.
  if (Value bias = getBias()) {
    if (failed(verifyShape(*this, "bias", bias, {n})))
      return failure();
    Type element = shapedTypeOf(bias).getElementType();
    Type result = shapedTypeOf(getInit()).getElementType();
    if (!element.isF32() && element != result)
      return emitOpError() << "expects bias to be f32 or of the result's "
                              "element type ("
                           << result << "), but got " << element;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// SwizzleScalesOp, UnswizzleScalesOp, PackWeightsOp, UnpackWeightsOp
//===----------------------------------------------------------------------===//

/// C1 to C4 of those of scales, where `linear` and `blocked` are (..., R, C)
/// and its blocked form.
static LogicalResult verifySwizzle(DestinationStyleOpInterface op,
                                   StringRef linearName, Value linear,
                                   StringRef blockedName, Value blocked) {
  if (failed(verifyOperandKinds(op)) ||                       // C4
      failed(verifyK(op, linearName, linear, /*minRank=*/2))) // C1
    return failure();
  Type linearType = shapedTypeOf(linear).getElementType();
  Type blockedType = shapedTypeOf(blocked).getElementType();
  if (linearType != blockedType) // C3
    return op->emitOpError()
           << "expects source and init to have the same element type, but got "
           << shapedTypeOf(op->getOperand(0)).getElementType() << " and "
           << shapedTypeOf(op->getOperand(1)).getElementType();
  return verifyShape(op, blockedName, blocked, // C2
                     getBlockedScaleShape(shapedTypeOf(linear).getShape()));
}

LogicalResult SwizzleScalesOp::verify() {
  return verifySwizzle(*this, "source", getSource(), "init", getInit());
}

LogicalResult UnswizzleScalesOp::verify() {
  return verifySwizzle(*this, "init", getInit(), "source", getSource());
}

/// C1 to C3 of those of weights.
static LogicalResult verifyPacking(DestinationStyleOpInterface op,
                                   StringRef linearName, Value linear,
                                   StringRef packedName, Value packed) {
  if (failed(verifyOperandKinds(op)) ||                       // C3
      failed(verifyK(op, linearName, linear, /*minRank=*/2))) // C1
    return failure();
  return verifyShape(op, packedName, packed, // C2
                     getPackedWeightShape(shapedTypeOf(linear).getShape()));
}

LogicalResult PackWeightsOp::verify() {
  return verifyPacking(*this, "source", getSource(), "init", getInit());
}

LogicalResult UnpackWeightsOp::verify() {
  return verifyPacking(*this, "init", getInit(), "source", getSource());
}
