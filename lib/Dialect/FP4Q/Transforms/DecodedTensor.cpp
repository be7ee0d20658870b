//===- DecodedTensor.cpp - tensors that are dequantizations ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodedTensor.h"

#include "fp4q/Numerics/E2M1.h"
#include "fp4q/Numerics/E4M3.h"
#include "fp4q/Numerics/E8M0.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

/// The attribute of type `type`, an integer or float, with these bits.
static Attribute attrOfBits(Type type, unsigned bits) {
  APInt value(type.getIntOrFloatBitWidth(), bits);
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, APFloat(floatType.getFloatSemantics(), value));
  return IntegerAttr::get(type, value);
}

/// Whether a result of evaluation is this number: NaN is any NaN, and the sign
/// of zero counts.
static bool isNumber(Attribute attr, float expected) {
  auto number = dyn_cast_or_null<FloatAttr>(attr);
  if (!number)
    return false;
  if (std::isnan(expected))
    return number.getValue().isNaN();
  double value = number.getValueAsDouble();
  return value == expected && std::signbit(value) == std::signbit(expected);
}

static std::string printNumber(double number) {
  SmallString<16> text;
  APFloat(number).toString(text, /*FormatPrecision=*/6);
  return text.str().str();
}

static std::string printNumber(Attribute attr) {
  auto number = dyn_cast_or_null<FloatAttr>(attr);
  return number ? printNumber(number.getValueAsDouble()) : "no number";
}

static float decodeScale(::fp4q::ScaleType type, unsigned byte) {
  return type == ::fp4q::ScaleType::E8M0
             ? ::fp4q::decodeE8M0(static_cast<uint8_t>(byte))
             : ::fp4q::decodeE4M3(static_cast<uint8_t>(byte));
}

//===----------------------------------------------------------------------===//
// Matching one element
//===----------------------------------------------------------------------===//

namespace {

/// An element (..., 2 * b + phase) of the tensor, and what it is made of.
struct DecodedElement {
  const ElementTrace::Leaf *code = nullptr;
  /// The lowest of the four bits of the code.
  unsigned shift = 0;
  const ElementTrace::Leaf *scale = nullptr;
  ::fp4q::ScaleType scaleType = ::fp4q::ScaleType::E8M0;
  const ElementTrace::Leaf *global = nullptr;
  FloatAttr globalConstant;
  Direction direction = Direction::Multiply;
};

class ElementMatcher {
public:
  ElementMatcher(ElementTrace &trace, unsigned phase, bool relaxed,
                 std::string &reason)
      : trace(trace), phase(phase), relaxed(relaxed), reason(reason) {}

  /// Matches cast(element * scale).
  bool match(Value value);

  DecodedElement result;

private:
  bool matchProduct(Value element, Value scale, Type product);
  bool matchCode(Value value);
  bool matchScale(Value value);
  bool matchScaleBytes(Value value);
  bool isGlobal(Value value) const;
  bool matchGlobal(Value value, Direction direction);
  bool matchGlobalOutside(Value product, Value global);
  bool isProductExact(Type type) const;
  bool looksLikeCode(Value value, Value leaf);
  /// The only leaf of `value`; null if there are none or several.
  Value onlyLeafOf(Value value) {
    SmallVector<Value> leaves = trace.getLeavesOf(value);
    return leaves.size() == 1 ? leaves.front() : Value();
  }
  bool fail(const Twine &why) {
    reason = why.str();
    return false;
  }

  ElementTrace &trace;
  unsigned phase;
  bool relaxed;
  std::string &reason;
};

} // namespace

/// Whether a value of only one leaf depends on 4 bits of it, and on those: what
/// such a function decodes is meant to be a code, of whatever format.
bool ElementMatcher::looksLikeCode(Value value, Value leaf) {
  Type type = leaf.getType();
  if (!type.isInteger(8))
    return true;
  Attribute first = trace.evaluate(value, leaf, attrOfBits(type, 0));
  for (unsigned mask : {0x0Fu, 0xF0u}) {
    bool only = true, varies = false;
    for (unsigned byte = 0; byte < 256 && only; ++byte) {
      Attribute attr = trace.evaluate(value, leaf, attrOfBits(type, byte));
      only = attr &&
             attr == trace.evaluate(value, leaf, attrOfBits(type, byte & mask));
      varies |= attr != first;
    }
    if (only && varies)
      return true;
  }
  return false;
}

bool ElementMatcher::matchCode(Value value) {
  Value leaf = onlyLeafOf(value);
  if (!leaf)
    return false;
  Type type = leaf.getType();
  bool isByte = type.isInteger(8);
  if (!isByte && !type.isInteger(4) && !isa<Float4E2M1FNType>(type))
    return false;
  std::string mismatch;
  // The half of the byte that packed codes have this element in, or else the
  // low half of a byte of its own.
  SmallVector<unsigned> shifts = {0};
  if (isByte && phase == 1)
    shifts.insert(shifts.begin(), 4);
  for (unsigned shift : shifts) {
    unsigned bits = 0, count = isByte ? 256 : 16;
    for (; bits < count; ++bits) {
      Attribute attr = trace.evaluate(value, leaf, attrOfBits(type, bits));
      float expected =
          ::fp4q::decodeE2M1(static_cast<uint8_t>(bits >> shift & 15));
      if (isNumber(attr, expected))
        continue;
      if (mismatch.empty())
        mismatch =
            llvm::formatv("{0} {1} decodes to {2} in {3} elements, and "
                          "e2m1 to {4}",
                          isByte ? "byte" : "code", bits, printNumber(attr),
                          phase ? "odd" : "even", printNumber(expected));
      break;
    }
    if (bits < count)
      continue;
    result.code = trace.getLeaf(leaf);
    result.shift = shift;
    return true;
  }
  if (looksLikeCode(value, leaf))
    fail(mismatch);
  return false;
}

bool ElementMatcher::matchScaleBytes(Value value) {
  Value leaf = onlyLeafOf(value);
  if (!leaf || !isa<FloatType>(value.getType()))
    return false;
  Type type = leaf.getType();
  SmallVector<::fp4q::ScaleType> candidates;
  if (!isa<Float8E4M3FNType>(type))
    candidates.push_back(::fp4q::ScaleType::E8M0);
  if (!isa<Float8E8M0FNUType>(type))
    candidates.push_back(::fp4q::ScaleType::E4M3);
  if (type.getIntOrFloatBitWidth() != 8)
    return fail(
        llvm::formatv("scales are {0}, not f8E8M0FNU or f8E4M3FN", type).str());
  for (::fp4q::ScaleType candidate : candidates) {
    unsigned byte = 0, matching = 0;
    for (; byte < 256; ++byte) {
      Attribute attr = trace.evaluate(value, leaf, attrOfBits(type, byte));
      if (isNumber(attr, decodeScale(candidate, byte)))
        ++matching;
      else if (reason.empty())
        fail(llvm::formatv("scale byte {0} decodes to {1}, and {2} to {3}",
                           byte, printNumber(attr),
                           candidate == ::fp4q::ScaleType::E8M0 ? "e8m0"
                                                                : "e4m3",
                           printNumber(decodeScale(candidate, byte)))
                 .str());
    }
    if (matching == 256) {
      reason.clear();
      result.scale = trace.getLeaf(leaf);
      result.scaleType = candidate;
      return true;
    }
    // Nearly all bytes: the reason names the first that differs.
    if (matching >= 240)
      return false;
    reason.clear();
  }
  return fail("scale bytes decode as neither e8m0 nor e4m3");
}

bool ElementMatcher::isGlobal(Value value) const {
  const ElementTrace::Leaf *leaf = trace.getLeaf(value);
  return value.getType().isF32() &&
         (matchPattern(value, m_Constant()) ||
          (leaf && llvm::all_of(leaf->index,
                                [](AffineExpr expr) { return expr == 0; })));
}

/// A value for which isGlobal holds.
bool ElementMatcher::matchGlobal(Value value, Direction direction) {
  FloatAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    APFloat number = constant.getValue();
    if (!number.isFiniteNonZero() || number.isNegative())
      return fail("the global scale is not finite and positive");
    result.globalConstant = constant;
  } else {
    result.global = trace.getLeaf(value);
    if (auto type = dyn_cast<RankedTensorType>(result.global->source.getType());
        type && (!type.hasStaticShape() || type.getNumElements() != 1))
      return fail("the global scale is one of several numbers");
  }
  result.direction = direction;
  return true;
}

/// scale bytes, or those times or divided by a global scale
bool ElementMatcher::matchScale(Value value) {
  if (onlyLeafOf(value))
    if (matchScaleBytes(value))
      return true;
  if (auto product = value.getDefiningOp<arith::MulFOp>()) {
    for (auto [scale, global] : {std::pair(product.getLhs(), product.getRhs()),
                                 std::pair(product.getRhs(), product.getLhs())})
      if (isGlobal(global) && !isGlobal(scale)) {
        reason.clear();
        return matchScaleBytes(scale) &&
               matchGlobal(global, Direction::Multiply);
      }
  }
  if (auto quotient = value.getDefiningOp<arith::DivFOp>();
      quotient && isGlobal(quotient.getRhs())) {
    reason.clear();
    return matchScaleBytes(quotient.getLhs()) &&
           matchGlobal(quotient.getRhs(), Direction::Divide);
  }
  return reason.empty() ? fail("the scale is no f8 scale, alone or with one "
                               "global scale")
                        : false;
}

/// Whether a product of a code and a scale is a value of `type`: it has at most
/// 6 significant bits, and f16 has the range of e4m3, but not of e8m0.
bool ElementMatcher::isProductExact(Type type) const {
  if (type.isF32())
    return true;
  if (result.global || result.globalConstant)
    return false;
  return type.isBF16() ||
         (type.isF16() && result.scaleType == ::fp4q::ScaleType::E4M3);
}

bool ElementMatcher::matchProduct(Value element, Value scale, Type product) {
  if (!matchCode(element))
    return false;
  // From here on it is meant to be a dequantization.
  if (!matchScale(scale))
    return false;
  if (!isProductExact(product) && !relaxed)
    return fail(llvm::formatv("products are rounded to {0}, and only option "
                              "relaxed may skip that",
                              product)
                    .str());
  return true;
}

/// (element * scale) * global, which rounds otherwise than the definition.
bool ElementMatcher::matchGlobalOutside(Value value, Value global) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product || !isGlobal(global))
    return false;
  Value lhs = product.getLhs(), rhs = product.getRhs();
  for (auto [element, scale] : {std::pair(lhs, rhs), std::pair(rhs, lhs)}) {
    if (!onlyLeafOf(element) || !matchCode(element))
      continue;
    if (!relaxed)
      return fail("the global scale multiplies the product, not the scale, and "
                  "only option relaxed may change that");
    return matchScaleBytes(scale) && matchGlobal(global, Direction::Multiply);
  }
  return false;
}

bool ElementMatcher::match(Value value) {
  // One conversion of the product: the rounding to the result's type, or a
  // widening that no product needs.
  if (auto truncation = value.getDefiningOp<arith::TruncFOp>()) {
    constexpr auto nearest = arith::RoundingMode::to_nearest_even;
    if (truncation.getRoundingmode().value_or(nearest) != nearest)
      return fail("the result is not rounded to nearest even");
    value = truncation.getIn();
  } else if (auto extension = value.getDefiningOp<arith::ExtFOp>()) {
    value = extension.getIn();
  }
  if (auto scaling = value.getDefiningOp<arith::ScalingExtFOp>()) {
    if (!isa<Float4E2M1FNType>(scaling.getIn().getType()))
      return false;
    if (!isa<Float8E8M0FNUType>(scaling.getScale().getType()))
      return fail("arith.scaling_extf rounds these scales to f8E8M0FNU");
    return matchProduct(scaling.getIn(), scaling.getScale(), scaling.getType());
  }
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product)
    return false;
  Value lhs = product.getLhs(), rhs = product.getRhs();
  for (auto [element, scale] : {std::pair(lhs, rhs), std::pair(rhs, lhs)}) {
    if (onlyLeafOf(element) && matchProduct(element, scale, product.getType()))
      return true;
    if (reason.empty() && matchGlobalOutside(element, scale))
      return true;
    if (!reason.empty())
      return false;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Matching the tensor
//===----------------------------------------------------------------------===//

static bool isProduct(Value value) {
  if (auto truncation = value.getDefiningOp<arith::TruncFOp>())
    value = truncation.getIn();
  else if (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  return isa_and_nonnull<arith::MulFOp, arith::ScalingExtFOp>(
      value.getDefiningOp());
}

bool mlir::fp4q::hasDecodableShape(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || type.getRank() == 0 ||
      !(type.getElementType().isF32() || type.getElementType().isBF16() ||
        type.getElementType().isF16()))
    return false;
  int64_t k = type.getShape().back();
  return !ShapedType::isDynamic(k) && k > 0 && k % 2 == 0;
}

bool mlir::fp4q::isElementwiseProduct(Value tensor) {
  if (!isa<RankedTensorType>(tensor.getType()))
    return false;
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op)
    return isProduct(tensor);
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  return op.hasPureTensorSemantics() &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         isProduct(op.getBlock()->getTerminator()->getOperand(number));
}

/// Whether the element of `leaf` is the one at `index` of a tensor of shape
/// `shape` that is a reshape of its source.
static std::optional<ReshapedSource>
matchReshape(const IndexNormalizer &normalizer, const ElementTrace::Leaf &leaf,
             ArrayRef<int64_t> shape, ArrayRef<AffineExpr> index) {
  ArrayRef<int64_t> from = cast<ShapedType>(leaf.source.getType()).getShape();
  ReshapedSource result{leaf.source};
  unsigned &common = result.common;
  while (common < std::min(from.size(), shape.size()) &&
         from[common] == shape[common] && leaf.index[common] == index[common])
    ++common;
  if (common == from.size() && common == shape.size())
    return result;
  // The rest is one dimension on the way, so there must be some on both sides.
  if (common > 0 && (common == from.size() || common == shape.size()))
    --common;
  from = from.drop_front(common);
  shape = shape.drop_front(common);
  if (from.empty() || shape.empty() ||
      ShapedType::isDynamic(from.front()) !=
          ShapedType::isDynamic(shape.front()) ||
      llvm::any_of(from.drop_front(), ShapedType::isDynamic) ||
      llvm::any_of(shape.drop_front(), ShapedType::isDynamic))
    return std::nullopt;
  auto flatten = [&](ArrayRef<AffineExpr> parts, ArrayRef<int64_t> sizes) {
    AffineExpr flat = parts.front();
    for (auto [part, size] :
         llvm::zip_equal(parts.drop_front(), sizes.drop_front()))
      flat = flat * size + part;
    return normalizer.normalize(flat);
  };
  if (flatten(ArrayRef(leaf.index).drop_front(common), from) !=
      flatten(index.drop_front(common), shape))
    return std::nullopt;
  if (!ShapedType::isDynamic(from.front()) &&
      ShapedType::getNumElements(from) != ShapedType::getNumElements(shape))
    return std::nullopt;
  return result;
}

/// Finds the operands' tensors from the leaves of the two elements of a byte.
static const char *matchTensors(const IndexNormalizer &normalizer,
                                ArrayRef<int64_t> shape,
                                const DecodedElement (&elements)[2],
                                DecodedTensor &result) {
  MLIRContext *context = elements[0].code->source.getContext();
  int64_t rank = shape.size(), k = shape.back();
  SmallVector<AffineExpr> index;
  for (int64_t dim = 0; dim < rank; ++dim)
    index.push_back(getAffineDimExpr(dim, context));
  AffineExpr byte = index.back();
  auto matchAt = [&](const ElementTrace::Leaf &leaf, int64_t last,
                     AffineExpr expr) {
    index.back() = normalizer.normalize(expr);
    return matchReshape(normalizer, leaf, withLastDim(shape, last), index);
  };
  const DecodedElement &first = elements[0], &second = elements[1];
  if (first.code->source != second.code->source ||
      first.scale->source != second.scale->source ||
      first.scaleType != second.scaleType ||
      first.direction != second.direction ||
      first.globalConstant != second.globalConstant ||
      static_cast<bool>(first.global) != static_cast<bool>(second.global) ||
      (first.global && first.global->source != second.global->source))
    return "the two elements of a byte are decoded differently";
  result.packed = getElementTypeOrSelf(first.code->source).isInteger(8) &&
                  second.shift == 4;
  for (int64_t phase = 0; phase < 2; ++phase) {
    const ElementTrace::Leaf &code = *elements[phase].code;
    auto codes = result.packed ? matchAt(code, k / 2, byte)
                               : matchAt(code, k, byte * 2 + phase);
    if (!codes)
      return "codes do not lie in the order of the elements, the first of two "
             "in the low half of a byte";
    result.codes = *codes;
  }
  for (int64_t group = kMaxGroup; group >= kMinGroup; group /= 2) {
    if (k % group != 0)
      continue;
    std::optional<ReshapedSource> scales[2];
    for (int64_t phase = 0; phase < 2; ++phase)
      scales[phase] =
          matchAt(*elements[phase].scale, k / group, byte.floorDiv(group / 2));
    if (!scales[0] || !scales[1])
      continue;
    result.scales = *scales[0];
    result.groupSize = group;
    result.scaleType = first.scaleType;
    result.direction = first.direction;
    result.globalConstant = first.globalConstant;
    if (first.global)
      result.globalScale = first.global->source;
    return nullptr;
  }
  return "scales are not one a group of 2 to 128 elements of the last "
         "dimension";
}

FailureOr<DecodedTensor> mlir::fp4q::describeDecoded(Value tensor, bool relaxed,
                                                     std::string &reason) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> sizes =
      withLastDim(type.getShape(), type.getShape().back() / 2);
  MLIRContext *context = tensor.getContext();
  SmallVector<AffineExpr> index;
  for (size_t dim = 0; dim < sizes.size(); ++dim)
    index.push_back(getAffineDimExpr(dim, context));
  AffineExpr byte = index.back();
  DecodedElement elements[2];
  ElementTrace even(context, sizes), odd(context, sizes);
  for (unsigned phase = 0; phase < 2; ++phase) {
    ElementTrace &trace = phase ? odd : even;
    index.back() = byte * 2 + phase;
    Value element = trace.trace(tensor, index);
    ElementMatcher matcher(trace, phase, relaxed, reason);
    if (!element || !matcher.match(element))
      return failure();
    elements[phase] = matcher.result;
  }
  DecodedTensor result;
  if (const char *why = matchTensors(even.getNormalizer(), type.getShape(),
                                     elements, result)) {
    reason = why;
    return failure();
  }
  return result;
}
