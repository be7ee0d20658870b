//===- FoldConstants.cpp - level-1 operations on constants ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numerics computes the results. A fold() hook would do the same on attributes,
// but could neither know a limit nor say why it did not fold.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"
#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/PackedWeights.h"
#include "fp4q/Numerics/Quantize.h"
#include "fp4q/Numerics/Swizzle.h"
#include "fp4q/Numerics/Transform.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

#define DEBUG_TYPE "fp4q-fold-constants"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QFOLDCONSTANTSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// The results of an operation, with the suffixes of their names; empty if they
/// cannot be constants.
using Folded = SmallVector<std::pair<ConstantTensor, StringRef>>;

/// The number of elements of `value`, if it is a static tensor.
static int64_t getNumElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 0;
}

static ::fp4q::ScaleType getScaleType(Value scales) {
  return isa<Float8E8M0FNUType>(getElementTypeOrSelf(scales))
             ? ::fp4q::ScaleType::E8M0
             : ::fp4q::ScaleType::E4M3;
}

/// The constant f32 that an optional scalar operand is; 1 if it is absent, and
/// none if it is not constant.
static std::optional<float> getScalar(Value scalar) {
  if (!scalar)
    return 1.0f;
  std::optional<APFloat> value = getConstantSplat(scalar);
  return value ? std::optional<float>(value->convertToFloat()) : std::nullopt;
}

/// The type of scales (..., K/G) in the linear layout, for codes (..., K/2).
static RankedTensorType getLinearScaleType(RankedTensorType codes,
                                           int64_t groupSize, Type element) {
  int64_t columns = 2 * codes.getShape().back() / groupSize;
  return RankedTensorType::get(withLastDim(codes.getShape(), columns), element);
}

static Folded single(ConstantTensor value, StringRef suffix) {
  Folded folded;
  folded.emplace_back(std::move(value), suffix);
  return folded;
}

/// A tensor of `type` that is a resource if `origin` is, and named after it.
static ConstantTensor makeTensor(RankedTensorType type,
                                 const ConstantTensor &origin) {
  std::vector<char> bytes(type.getNumElements() *
                          type.getElementTypeBitWidth() / 8);
  ConstantTensor tensor(type, std::move(bytes), origin.isResource());
  tensor.setName(origin.getName());
  return tensor;
}

/// A layout of matrices of bytes as tiles.
struct Tiling {
  /// Bytes that a matrix of so many rows and columns becomes.
  int64_t (*size)(int64_t rows, int64_t columns);
  using Convert = void (*)(const uint8_t *from, int64_t rows, int64_t columns,
                           uint8_t *to);
  Convert toTiles, toLinear;
};

static constexpr Tiling scaleTiling = {
    ::fp4q::swizzledSize, ::fp4q::swizzleScales, ::fp4q::unswizzleScales};
static constexpr Tiling weightTiling = {::fp4q::packedSize, ::fp4q::packWeights,
                                        ::fp4q::unpackWeights};

/// Each matrix of a linear tensor (..., R, C) as tiles, or of the tiles in
/// linear form, of type `type`.
static ConstantTensor convertLayout(ConstantTensor source,
                                    RankedTensorType type, bool toTiles,
                                    const Tiling &tiling) {
  ArrayRef<int64_t> linear =
      toTiles ? source.getType().getShape() : type.getShape();
  int64_t rows = linear[linear.size() - 2], columns = linear.back();
  ConstantTensor result = makeTensor(type, source);
  int64_t fromSize = rows * columns;
  int64_t toSize = tiling.size(rows, columns);
  if (!toTiles)
    std::swap(fromSize, toSize);
  const uint8_t *from = source.getData();
  uint8_t *to = result.getMutableData();
  int64_t batches = fromSize ? source.getNumElements() / fromSize : 0;
  Tiling::Convert convert = toTiles ? tiling.toTiles : tiling.toLinear;
  for (int64_t i = 0; i < batches; ++i)
    convert(from + i * fromSize, rows, columns, to + i * toSize);
  return result;
}

/// `source` between elements `padding`, so many of them in front of it in each
/// dimension.
static ConstantTensor padConstant(ConstantTensor source, RankedTensorType type,
                                  ArrayRef<int64_t> low,
                                  ConstantTensor padding) {
  int64_t bytes = source.getElementBytes();
  ArrayRef<int64_t> from = source.getType().getShape(), to = type.getShape();
  ConstantTensor result = makeTensor(type, source);
  char *target = reinterpret_cast<char *>(result.getMutableData());
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    std::memcpy(target + i * bytes, padding.getBytes().data(), bytes);
  // A row at a time.
  int64_t row = from.back(), numRows = row ? source.getNumElements() / row : 0;
  for (int64_t i = 0; i < numRows; ++i) {
    int64_t offset = low.back(), stride = to.back(), rest = i;
    for (int64_t d = from.size() - 2; d >= 0; --d) {
      offset += (rest % from[d] + low[d]) * stride;
      rest /= from[d];
      stride *= to[d];
    }
    std::memcpy(target + offset * bytes,
                source.getBytes().data() + i * row * bytes, row * bytes);
  }
  return result;
}

/// Whether `op` pads codes or scales, as fp4q-legalize-layouts does.
static bool padsOperand(Operation *op) {
  auto pad = dyn_cast<tensor::PadOp>(op);
  return pad && llvm::any_of(op->getUsers(), [](Operation *user) {
           return isa_and_nonnull<FP4QDialect>(user->getDialect());
         });
}

namespace {

struct FP4QFoldConstantsPass
    : public mlir::fp4q::impl::FP4QFoldConstantsPassBase<
          FP4QFoldConstantsPass> {
  using FP4QFoldConstantsPassBase::FP4QFoldConstantsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (maxElements < 0 || maxDequantElements < 0)
      return emitError(UnknownLoc::get(context),
                       "fp4q-fold-constants expects max-elements and "
                       "max-dequant-elements to be at least 0");
    return success();
  }

  /// Linear scales of codes of this type.
  std::optional<ConstantTensor> evaluateScales(Value scales,
                                               RankedTensorType codes,
                                               int64_t groupSize,
                                               ScaleLayout layout) {
    std::optional<ConstantTensor> tensor = evaluateConstant(scales);
    if (!tensor || layout == ScaleLayout::Linear)
      return tensor;
    return convertLayout(
        *std::move(tensor),
        getLinearScaleType(codes, groupSize, getElementTypeOrSelf(scales)),
        /*toTiles=*/false, scaleTiling);
  }

  Folded fold(BlockTransformOp op) {
    auto x = evaluateConstant(op.getX());
    auto matrix = x ? evaluateConstant(op.getTransform()) : std::nullopt;
    if (!matrix)
      return {};
    int64_t k = x->getType().getShape().back();
    ConstantTensor y =
        makeTensor(x->getType().clone(getElementTypeOrSelf(op.getInit())), *x);
    ::fp4q::blockTransform(
        x->getFloats(), x->getNumElements() / k, k, getTransform(*matrix),
        {y.getMutableData(), getFloatType(y.getType().getElementType())});
    return single(std::move(y), "_transformed");
  }

  ::fp4q::BlockTransform getTransform(ConstantTensor &matrix) {
    ArrayRef<int64_t> shape = matrix.getType().getShape();
    return {matrix.getFloats(), shape.back(), shape.size() == 3};
  }

  Folded fold(QuantizePackOp op) {
    std::optional<float> g = getScalar(op.getGlobalScale());
    std::optional<float> ss = getScalar(op.getScaleScale());
    if (!g || !ss)
      return {};
    auto x = evaluateConstant(op.getX());
    if (!x)
      return {};
    int64_t k = x->getType().getShape().back();
    int64_t rows = x->getNumElements() / k;
    Type scaleElement = getElementTypeOrSelf(op.getScaleOperand());
    ConstantTensor codes = makeTensor(
        RankedTensorType::get(withLastDim(x->getType().getShape(), k / 2),
                              IntegerType::get(op.getContext(), 8)),
        *x);
    RankedTensorType linear = getLinearScaleType(
        codes.getType(), op.getGroupSizeValue(), scaleElement);
    std::optional<ConstantTensor> scales =
        op.hasGivenScales()
            ? evaluateScales(op.getScales(), codes.getType(),
                             op.getGroupSizeValue(), op.getScaleLayout())
            : makeTensor(linear, *x);
    std::optional<ConstantTensor> matrix;
    if (op.getTransform())
      matrix = evaluateConstant(op.getTransform());
    if (!scales || (op.getTransform() && !matrix))
      return {};

    ::fp4q::QuantizeParams params;
    params.format = {op.getGroupSizeValue(),
                     getScaleType(op.getScaleOperand())};
    params.recipe = op.getRecipeValue();
    params.globalScale = *g;
    params.scaleScale = *ss;
    ::fp4q::ConstFloats floats = x->getFloats();
    uint8_t *codeBytes = codes.getMutableData();
    if (op.hasGivenScales()) {
      if (matrix)
        ::fp4q::quantizeTransformedWithScales(floats, rows, k,
                                              getTransform(*matrix), params,
                                              scales->getData(), codeBytes);
      else
        ::fp4q::quantizeWithScales(floats, rows, k, params, scales->getData(),
                                   codeBytes);
      return single(std::move(codes), "_codes");
    }
    if (matrix)
      ::fp4q::quantizeTransformed(floats, rows, k, getTransform(*matrix),
                                  params, codeBytes, scales->getMutableData());
    else
      ::fp4q::quantize(floats, rows, k, params, codeBytes,
                       scales->getMutableData());
    if (op.getScaleLayout() != ScaleLayout::Linear)
      scales = convertLayout(
          *std::move(scales),
          RankedTensorType::get(getBlockedScaleShape(linear.getShape()),
                                scaleElement),
          /*toTiles=*/true, scaleTiling);
    Folded folded = single(std::move(codes), "_codes");
    folded.emplace_back(*std::move(scales), "_scales");
    return folded;
  }

  Folded fold(GlobalScaleOp op) {
    auto x = evaluateConstant(op.getX());
    if (!x)
      return {};
    float value = ::fp4q::globalScale(x->getFloats(), x->getNumElements());
    // Verifiers would reject a constant that is legal as a run-time value.
    if (!std::isfinite(value))
      return {};
    std::vector<char> bytes(sizeof(value));
    std::memcpy(bytes.data(), &value, sizeof(value));
    return single(ConstantTensor(cast<RankedTensorType>(op.getInit().getType()),
                                 std::move(bytes), /*isResource=*/false),
                  "");
  }

  Folded fold(DequantOp op) {
    std::optional<float> g = getScalar(op.getGlobalScale());
    auto codes = g ? evaluateConstant(op.getCodes()) : std::nullopt;
    if (!codes)
      return {};
    auto scales = evaluateScales(op.getScales(), codes->getType(),
                                 op.getGroupSizeValue(), op.getScaleLayout());
    if (!scales)
      return {};
    int64_t k = 2 * codes->getType().getShape().back();
    Type element = getElementTypeOrSelf(op.getInit());
    ConstantTensor y =
        makeTensor(RankedTensorType::get(
                       withLastDim(codes->getType().getShape(), k), element),
                   *codes);
    ::fp4q::GroupFormat format = {op.getGroupSizeValue(),
                                  getScaleType(op.getScales())};
    ::fp4q::GlobalScaleUse use = op.getDirection() == Direction::Multiply
                                     ? ::fp4q::GlobalScaleUse::Multiply
                                     : ::fp4q::GlobalScaleUse::Divide;
    ::fp4q::dequantize(codes->getData(), scales->getData(),
                       y.getNumElements() / k, k, format, *g, use,
                       {y.getMutableData(), getFloatType(element)});
    return single(std::move(y), "_decoded");
  }

  /// An operation from linear tensors to tiles, whose shape is the function
  /// `getShape` of the linear one.
  template <typename OpTy>
  Folded foldToTiles(OpTy op, const Tiling &tiling,
                     SmallVector<int64_t> (*getShape)(ArrayRef<int64_t>),
                     StringRef suffix) {
    auto tensor = evaluateConstant(op.getSource());
    if (!tensor)
      return {};
    auto type = RankedTensorType::get(getShape(tensor->getType().getShape()),
                                      tensor->getType().getElementType());
    return single(
        convertLayout(*std::move(tensor), type, /*toTiles=*/true, tiling),
        suffix);
  }

  /// The inverse.
  template <typename OpTy>
  Folded foldToLinear(OpTy op, const Tiling &tiling) {
    auto tensor = evaluateConstant(op.getSource());
    auto type = cast<RankedTensorType>(op.getInit().getType());
    if (!tensor || !type.hasStaticShape())
      return {};
    return single(
        convertLayout(*std::move(tensor), type, /*toTiles=*/false, tiling),
        "_linear");
  }

  Folded fold(tensor::PadOp op) {
    auto source = evaluateConstant(op.getSource());
    Attribute value;
    Value padding = op.getConstantPaddingValue();
    RankedTensorType type = op.getResultType();
    // Negative paddings cut off; ShapedType::kDynamic is negative, too.
    auto isNegative = [](int64_t extent) { return extent < 0; };
    bool isStatic = type.hasStaticShape() && type.getRank() > 0 &&
                    llvm::none_of(op.getStaticLow(), isNegative) &&
                    llvm::none_of(op.getStaticHigh(), isNegative);
    if (!source || !isStatic || !padding ||
        !matchPattern(padding, m_Constant(&value)) ||
        !isa<FloatAttr, IntegerAttr>(value))
      return {};
    auto one = RankedTensorType::get({1}, type.getElementType());
    return single(
        padConstant(*std::move(source), type, op.getStaticLow(),
                    *ConstantTensor::get(DenseElementsAttr::get(one, value))),
        "_padded");
  }

  Folded fold(Operation *op) {
    return TypeSwitch<Operation *, Folded>(op)
        .Case<tensor::PadOp>([&](auto typed) { return fold(typed); })
        .Case<BlockTransformOp, QuantizePackOp, GlobalScaleOp, DequantOp>(
            [&](auto typed) { return fold(typed); })
        .Case([&](SwizzleScalesOp swizzle) {
          return foldToTiles(swizzle, scaleTiling, getBlockedScaleShape,
                             "_blocked");
        })
        .Case([&](PackWeightsOp pack) {
          return foldToTiles(pack, weightTiling, getPackedWeightShape,
                             "_packed");
        })
        .Case([&](UnswizzleScalesOp unswizzle) {
          return foldToLinear(unswizzle, scaleTiling);
        })
        .Case([&](UnpackWeightsOp unpack) {
          return foldToLinear(unpack, weightTiling);
        })
        .Default([](Operation *) { return Folded(); });
  }

  /// Whether everything that `op` reads is constant.
  static bool readsConstants(Operation *op) {
    if (isa<tensor::PadOp>(op))
      return isEvaluable(op->getOperand(0));
    auto dpsOp = cast<DestinationStyleOpInterface>(op);
    return llvm::all_of(dpsOp.getDpsInputOperands(), [](OpOperand *operand) {
      return isa<RankedTensorType>(operand->get().getType())
                 ? isEvaluable(operand->get())
                 : getScalar(operand->get()).has_value();
    });
  }

  /// Why an operation on constants stays; empty if it does not.
  std::string getObstacle(Operation *op) {
    bool grows = isa<DequantOp>(op);
    int64_t limit = grows ? maxDequantElements : maxElements;
    Value largest =
        isa<tensor::PadOp>(op) ? op->getResult(0) : op->getOperand(0);
    int64_t size = getNumElements(largest) * (grows ? 2 : 1);
    if (size <= limit)
      return "";
    return llvm::formatv("{0} elements are more than the option {1} permits: "
                         "{2}",
                         size, grows ? "max-dequant-elements" : "max-elements",
                         limit);
  }

  void decline(Operation *op, StringRef reason) {
    ++numDeclined;
    reportDeclined(op, DEBUG_TYPE, "constant not folded")
        << remark::reason("{0}", reason);
  }

  void replace(Operation *op, Folded &folded) {
    ++numFolded;
    reportMade(op, DEBUG_TYPE, "constant folded")
        << remark::metric("elements", getNumElements(op->getOperand(0)));
    OpBuilder builder(op);
    for (auto [result, value] : llvm::zip_equal(op->getResults(), folded)) {
      Value constant = arith::ConstantOp::create(
          builder, op->getLoc(), value.first.toAttr(value.second));
      if (constant.getType() != result.getType())
        constant = tensor::CastOp::create(builder, op->getLoc(),
                                          result.getType(), constant);
      result.replaceAllUsesWith(constant);
    }
  }

  /// A scalar in a resource becomes dense: upstream's folding of
  /// tensor.extract, which lowerings read it with, crashes on resources (LLVM
  /// 22).
  static void makeScalarsDense(Operation *op,
                               llvm::SetVector<Operation *> &dead) {
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      DenseResourceElementsAttr resource;
      if (!type || type.getRank() != 0 ||
          !matchPattern(operand.get(), m_Constant(&resource)))
        continue;
      std::optional<ConstantTensor> tensor = ConstantTensor::get(resource);
      if (!tensor)
        continue;
      OpBuilder builder(op);
      dead.insert(operand.get().getDefiningOp());
      operand.set(arith::ConstantOp::create(
          builder, op->getLoc(),
          DenseElementsAttr::getFromRawBuffer(type, tensor->getBytes())));
    }
  }

  void runOnOperation() override {
    // A walk sees operations before their users, so that chains fold at once.
    SmallVector<Operation *> ops;
    llvm::SetVector<Operation *> dead;
    getOperation()->walk([&](Operation *op) {
      if (padsOperand(op))
        return ops.push_back(op);
      auto dpsOp = dyn_cast<DestinationStyleOpInterface>(op);
      if (!dpsOp || !isa<FP4QDialect>(op->getDialect()) ||
          !dpsOp.hasPureTensorSemantics())
        return;
      makeScalarsDense(op, dead);
      bool isLayout = isa<SwizzleScalesOp, UnswizzleScalesOp, PackWeightsOp,
                          UnpackWeightsOp>(op);
      if (layoutsOnly ? isLayout : !isa<ScaledMatmulOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (op->use_empty() || !readsConstants(op))
        continue;
      std::string obstacle = getObstacle(op);
      if (!obstacle.empty()) {
        decline(op, obstacle);
        continue;
      }
      Folded folded = fold(op);
      if (folded.empty()) {
        decline(op, isa<tensor::PadOp>(op)
                        ? "the padding or its extent is not constant, or "
                          "elements are cut off"
                        : "the result is not finite, or its shape is not "
                          "static");
        continue;
      }
      replace(op, folded);
      dead.insert(op);
    }
    eraseDead(std::move(dead));
  }
};

} // namespace
