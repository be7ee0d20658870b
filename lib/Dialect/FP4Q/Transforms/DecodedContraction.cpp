//===- DecodedContraction.cpp - products of decoded operands --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodedContraction.h"

#include "ElementTrace.h"

#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Description
//===----------------------------------------------------------------------===//

static Value skipExtF(Value value) {
  while (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  return value;
}

/// Matches the body acc + x * y, where x and y are the inputs or extensions of
/// them, and acc the init.
static bool matchBody(DecodedContraction &contraction) {
  linalg::LinalgOp op = contraction.op;
  Block *body = op.getBlock();
  auto isInput = [&](Value value, unsigned number) {
    return skipExtF(value) == body->getArgument(number);
  };
  auto areFactors = [&](Value x, Value y) {
    return (isInput(x, 0) && isInput(y, 1)) || (isInput(x, 1) && isInput(y, 0));
  };
  Value yielded = body->getTerminator()->getOperand(0);
  Value acc = body->getArgument(2);
  contraction.sum = yielded.getType();
  if (auto fma = yielded.getDefiningOp<math::FmaOp>()) {
    contraction.product = yielded.getType();
    return fma.getC() == acc && areFactors(fma.getA(), fma.getB());
  }
  auto sum = yielded.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  Value term = sum.getLhs() == acc ? sum.getRhs() : sum.getLhs();
  if (sum.getLhs() != acc && sum.getRhs() != acc)
    return false;
  auto product = skipExtF(term).getDefiningOp<arith::MulFOp>();
  if (!product)
    return false;
  contraction.product = product.getType();
  return areFactors(product.getLhs(), product.getRhs());
}

/// Where operand number `number` comes from. The dequant of the result is null
/// if that is no decoded tensor.
static DecodedFactor describeFactor(const DecodedContraction &contraction,
                                    unsigned number) {
  linalg::LinalgOp op = contraction.op;
  OpOperand &operand = op->getOpOperand(number);
  ElementTrace trace(op.getContext(), contraction.sizes);
  Value element = trace.trace(operand.get(),
                              op.getMatchingIndexingMap(&operand).getResults());
  DecodedFactor factor;
  if (!element)
    return factor;
  factor.element = element.getType();
  while (Operation *cast = element.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(cast))
      return factor;
    element = cast->getOperand(0);
    if (element.getType().getIntOrFloatBitWidth() <
        factor.element.getIntOrFloatBitWidth())
      factor.element = element.getType();
  }
  const ElementTrace::Leaf *leaf = trace.getLeaf(element);
  auto dequant = leaf->source.getDefiningOp<DequantOp>();
  if (!dequant)
    return factor;
  factor.dequant = dequant;
  for (AffineExpr expr : leaf->index) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    factor.leading.push_back(loop ? loop.getPosition()
                                  : contraction.sizes.size());
  }
  return factor;
}

/// The loop sizes, also those that only a decoded tensor knows.
static void refineSizes(DecodedContraction &contraction) {
  for (DecodedFactor *factor : {&contraction.a, &contraction.b})
    for (auto [loop, size] : llvm::zip(
             factor->leading,
             cast<ShapedType>(factor->dequant.getInit().getType()).getShape()))
      if (loop < contraction.sizes.size() &&
          ShapedType::isDynamic(contraction.sizes[loop]))
        contraction.sizes[loop] = size;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

/// A constant global scale; none if it is only known at run time.
static std::optional<float> getConstant(Value scale) {
  FloatAttr scalar;
  if (matchPattern(scale, m_Constant(&scalar)))
    return scalar.getValue().convertToFloat();
  DenseFPElementsAttr dense;
  if (matchPattern(scale, m_Constant(&dense)) && dense.isSplat())
    return dense.getSplatValue<float>();
  return std::nullopt;
}

/// g' = g or f32(1/g), so that a decoded value is element * scale * g' but for
/// rounding; 1 without a global scale.
static std::optional<float> getConstantFactor(DequantOp dequant) {
  if (!dequant.getGlobalScale())
    return 1.0f;
  std::optional<float> g = getConstant(dequant.getGlobalScale());
  if (!g)
    return std::nullopt;
  return dequant.getDirection() == Direction::Divide ? 1.0f / *g : *g;
}

static bool isPowerOfTwo(float value) {
  int exponent;
  return std::frexp(value, &exponent) == 0.5f;
}

/// Whether every decoded value, without and with its global scale, is a value
/// of the type that it is rounded to, in the range where the bound of the
/// product is defined at all. The product of element and scale has at most 6
/// significant bits; e4m3 scales keep it within f16 as well.
static bool isRoundingExact(DecodedFactor &factor) {
  if (factor.element.isF32())
    return true;
  std::optional<float> g = getConstantFactor(factor.dequant);
  if (!g || !isPowerOfTwo(*g))
    return false;
  if (factor.element.isBF16())
    return true;
  auto scales = cast<ShapedType>(factor.dequant.getScales().getType());
  return *g == 1.0f && isa<Float8E4M3FNType>(scales.getElementType());
}

/// Whether the module says so itself that an e4m3 scale has its sign bit set:
/// fp4q.scaled_matmul does not define what such a scale means.
static bool hasNegativeScale(Value scales) {
  if (!isa<Float8E4M3FNType>(getElementTypeOrSelf(scales.getType())))
    return false;
  Attribute constant;
  if (!matchPattern(scales, m_Constant(&constant)))
    return false;
  std::optional<ConstantTensor> tensor = ConstantTensor::get(constant);
  return tensor && llvm::any_of(tensor->getBytes(),
                                [](char byte) { return byte & 0x80; });
}

const char *mlir::fp4q::whyRounded(DecodedContraction &contraction,
                                   bool withLeave) {
  auto hasLeave = [&](Operation *op) { return withLeave && isRelaxed(op); };
  if (hasLeave(contraction.op))
    return nullptr;
  for (DecodedFactor *factor : {&contraction.a, &contraction.b})
    if (!isRoundingExact(*factor) && !hasLeave(factor->dequant))
      return "decoded values are rounded to a type that does not hold them, "
             "and only option relaxed may skip that";
  if (!contraction.product.isF32() || !contraction.sum.isF32())
    return "products or sums are rounded to less than f32, and only option "
           "relaxed may skip that";
  return nullptr;
}

/// Whether the decoded tensor is as large as the loops that run over it.
static bool hasSizesOfLoops(const DecodedContraction &contraction,
                            DecodedFactor &factor) {
  auto type = cast<ShapedType>(factor.dequant.getInit().getType());
  for (auto [loop, size] : llvm::zip_equal(factor.leading, type.getShape()))
    if (loop < contraction.sizes.size() && !ShapedType::isDynamic(size) &&
        size != contraction.sizes[loop])
      return false;
  return true;
}

/// Sorts the factors so that `lhs` has the rows and `rhs` the columns of the
/// result. Returns why that is impossible, or null.
static const char *orderFactors(DecodedContraction &contraction) {
  ArrayRef<unsigned> result = contraction.result;
  if (result.size() < 2)
    return "the result has no rows and columns";
  for (DecodedFactor *factor : {&contraction.a, &contraction.b}) {
    if (factor->leading.back() != contraction.sumLoop)
      return "groups do not lie along the summed dimension";
    if (!hasSizesOfLoops(contraction, *factor))
      return "only a part of a decoded operand is multiplied";
    factor->leading.pop_back();
    for (unsigned loop : factor->leading)
      if (llvm::count(factor->leading, loop) != 1 ||
          !llvm::is_contained(result, loop))
        return "a decoded operand is not one matrix a batch";
  }
  auto has = [](const DecodedFactor &factor, unsigned loop) {
    return llvm::is_contained(factor.leading, loop);
  };
  if (has(contraction.a, result.back()))
    std::swap(contraction.a, contraction.b);
  const DecodedFactor &a = contraction.a, &b = contraction.b;
  if (has(a, result.back()) || !has(b, result.back()))
    return "the last dimension of the result is not one of columns";
  if (a.leading.size() != result.size() - 1)
    return "the rows of one operand are not those of the result";
  if (has(b, result[result.size() - 2]))
    return "the result has no rows";
  if (b.leading.size() != 1 && b.leading.size() != result.size() - 1)
    return "the columns belong to some of the batch dimensions only";
  return nullptr;
}

/// Whether the leading dimensions of `factor` are `loops` in this order.
static bool isInOrder(const DecodedFactor &factor, ArrayRef<unsigned> loops) {
  return ArrayRef(factor.leading) == loops;
}

SmallVector<unsigned> DecodedContraction::getColumnLoops() const {
  SmallVector<unsigned> loops;
  if (b.leading.size() > 1)
    llvm::append_range(loops, ArrayRef(result).drop_back(2));
  loops.push_back(result.back());
  return loops;
}

/// Why the scales of the operands do not fit together, or null.
static const char *whyScalesDiffer(const DecodedContraction &contraction) {
  DequantOp a = contraction.a.dequant, b = contraction.b.dequant;
  if (getElementTypeOrSelf(a.getScales().getType()) !=
      getElementTypeOrSelf(b.getScales().getType()))
    return "the operands have different scale types";
  if (a.getGroupSizeValue() != b.getGroupSizeValue())
    return "the operands have different group sizes";
  if (hasNegativeScale(a.getScales()) || hasNegativeScale(b.getScales()))
    return "an e4m3 scale is negative";
  ArrayRef<unsigned> rows = ArrayRef(contraction.result).drop_back();
  SmallVector<unsigned> columns = contraction.getColumnLoops();
  if ((a.getScaleLayout() != ScaleLayout::Linear &&
       !isInOrder(contraction.a, rows)) ||
      (b.getScaleLayout() != ScaleLayout::Linear &&
       !isInOrder(contraction.b, columns)))
    return "blocked scales would have to be transposed";
  std::optional<float> g = getConstantFactor(a), h = getConstantFactor(b);
  if (g && h && !std::isnormal(*g * *h))
    return "the product of the global scales leaves f32's normal range";
  return nullptr;
}

/// Finds what the sums start from. Returns why it cannot be a bias, or null.
static const char *describeInit(DecodedContraction &contraction) {
  linalg::LinalgOp op = contraction.op;
  OpOperand &init = *op.getDpsInitOperand(0);
  ElementTrace trace(op.getContext(), contraction.sizes);
  Value element =
      trace.trace(init.get(), op.getMatchingIndexingMap(&init).getResults());
  if (element && matchPattern(element, m_AnyZeroFloat()))
    return nullptr;
  const ElementTrace::Leaf *leaf = trace.getLeaf(element);
  AffineExpr column =
      getAffineDimExpr(contraction.result.back(), op.getContext());
  if (!leaf || leaf->index.size() != 1 || leaf->index.front() != column ||
      cast<ShapedType>(leaf->source.getType()).getDimSize(0) !=
          contraction.sizes[contraction.result.back()])
    return "the sums start from neither 0 nor one value a column";
  contraction.bias = leaf->source;
  return nullptr;
}

const char *mlir::fp4q::describeContraction(DecodedContraction &contraction,
                                            bool relaxed) {
  linalg::LinalgOp op = contraction.op;
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
      !isa<RankedTensorType>(op->getOperand(0).getType()) ||
      !isa<RankedTensorType>(op->getOperand(1).getType()) ||
      !matchBody(contraction))
    return "";
  contraction.sizes = op.getStaticLoopRanges();
  contraction.a = describeFactor(contraction, 0);
  contraction.b = describeFactor(contraction, 1);
  if (!contraction.a.dequant && !contraction.b.dequant)
    return "";
  if (contraction.isWeightOnly())
    return "one operand is float; the other is decoded in front of it";
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  if (reductions.size() != 1)
    return "products are summed over more than one dimension";
  contraction.sumLoop = reductions.front();
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (AffineExpr expr : map.getResults()) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      return "the result is not indexed by loops alone";
    contraction.result.push_back(loop.getPosition());
  }
  refineSizes(contraction);
  if (const char *reason = orderFactors(contraction))
    return reason;
  int64_t columns = contraction.sizes[contraction.result.back()];
  if (ShapedType::isDynamic(columns) || columns == 0)
    return "the number of columns is not a positive constant";
  if (const char *reason = whyScalesDiffer(contraction))
    return reason;
  if (const char *reason = describeInit(contraction))
    return reason;
  return relaxed ? nullptr : whyRounded(contraction, /*withLeave=*/true);
}
