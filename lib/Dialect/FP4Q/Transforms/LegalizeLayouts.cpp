//===- LegalizeLayouts.cpp - operands as kernels want them ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions stand right behind what they convert, once for all who want it,
// so they leave loops and are shared by the matmuls of one activation. Codes
// and scales are padded and not the floats before quantization, since they are
// four times smaller and more.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/LegalizeLayouts.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

#define DEBUG_TYPE "fp4q-legalize-layouts"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QLEGALIZELAYOUTSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::Implementation;
using ::fp4q::ScaleOrder;

static ScaleOrder toOrder(ScaleLayout layout) {
  return layout == ScaleLayout::Linear ? ScaleOrder::Linear
                                       : ScaleOrder::Blocked128x4;
}

/// The layout that kernels get which do not take the one that is there.
static ScaleLayout otherThan(ScaleLayout layout) {
  return layout == ScaleLayout::Linear ? ScaleLayout::Blocked128x4
                                       : ScaleLayout::Linear;
}

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Linear scales of `codes` (..., K/2) have this many columns.
static int64_t getScaleColumns(Value codes, int64_t groupSize) {
  return 2 * tensorType(codes).getShape().back() / groupSize;
}

namespace {

/// One run of the pass.
class LayoutLegalizer {
public:
  LayoutLegalizer(MLIRContext *context, const ::fp4q::Target &target,
                  const ::fp4q::BackEndTable &table)
      : builder(context), target(target), table(table) {}

  LogicalResult run(Operation *root);
  LayoutCounts counts;

private:
  const Implementation *findImplementation(Operation *op);
  LogicalResult chooseFor(Operation *conversion);

  LogicalResult legalize(ScaledMatmulOp op);
  LogicalResult legalize(DequantOp op);
  LogicalResult legalize(QuantizePackOp op);
  LogicalResult absorb(SwizzleScalesOp op);

  LogicalResult setLayouts(ScaledMatmulOp op, const Implementation &kernels);
  LogicalResult padK(ScaledMatmulOp op, int64_t multiple);
  FailureOr<Value> padScales(Operation *user, Value scales, Value codes,
                             int64_t groupSize, ScaleLayout layout,
                             int64_t columns);
  Value pad(Value value, int64_t dimension, int64_t size);
  FailureOr<Value> convert(Operation *user, Value scales, Value codes,
                           int64_t groupSize, ScaleLayout from);
  void reportConversion(Operation *op, ScaleLayout to);

  OpBuilder builder;
  const ::fp4q::Target &target;
  const ::fp4q::BackEndTable &table;
  /// What has been made of a value already: by dimension and size, or swizzled.
  DenseMap<std::tuple<Value, int64_t, int64_t>, Value> padded;
  DenseMap<Value, Value> swizzled;
  /// Erased at the end, since their results are keys of these maps.
  SmallVector<Operation *> replaced;
};

} // namespace

/// The kernels that will compute `op`; null, with an error, if there are none.
const Implementation *LayoutLegalizer::findImplementation(Operation *op) {
  std::optional<::fp4q::BackEnd> backEnd = getBackEnd(op);
  if (!backEnd) {
    op->emitError() << "has no back end yet; run fp4q-select-backend before "
                       "fp4q-legalize-layouts";
    return nullptr;
  }
  ::fp4q::Choice choice =
      ::fp4q::chooseBackEnd(table, target, describeWork(op), *backEnd);
  if (!choice.implementation)
    op->emitError() << "cannot be computed by its back end on " << target.name
                    << ": " << choice.reason;
  return choice.implementation;
}

/// Gives a new swizzle_scales or unswizzle_scales a back end.
LogicalResult LayoutLegalizer::chooseFor(Operation *conversion) {
  return selectBackEnds(conversion, target, BackEndRequests(), table);
}

void LayoutLegalizer::reportConversion(Operation *op, ScaleLayout to) {
  ++counts.converted;
  reportMade(op, DEBUG_TYPE, "scale layout converted")
      << remark::metric("To", stringifyScaleLayout(to))
      << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(op)));
}

/// `scales` of the codes in the other layout than `from`.
FailureOr<Value> LayoutLegalizer::convert(Operation *user, Value scales,
                                          Value codes, int64_t groupSize,
                                          ScaleLayout from) {
  reportConversion(user, otherThan(from));
  OpBuilder::InsertionGuard guard(builder);
  if (from == ScaleLayout::Linear) {
    Value &known = swizzled[scales];
    if (known)
      return known;
    builder.setInsertionPointAfterValue(scales);
    auto op = SwizzleScalesOp::create(builder, scales.getLoc(), scales);
    if (failed(chooseFor(op)))
      return failure();
    return known = op->getResult(0);
  }
  // Only the codes tell how many rows there are.
  builder.setInsertionPoint(user);
  Value init = createEmptyLike(builder, user->getLoc(), codes,
                               getScaleColumns(codes, groupSize),
                               tensorType(scales).getElementType());
  auto op = UnswizzleScalesOp::create(builder, user->getLoc(), init.getType(),
                                      scales, init);
  if (failed(chooseFor(op)))
    return failure();
  return op->getResult(0);
}

/// `value` with zero bytes behind its elements, up to `size` in a dimension.
Value LayoutLegalizer::pad(Value value, int64_t dimension, int64_t size) {
  RankedTensorType type = tensorType(value);
  int64_t extra = size - type.getDimSize(dimension);
  if (extra == 0)
    return value;
  Value &known = padded[{value, dimension, size}];
  if (known)
    return known;
  ++counts.padded;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  SmallVector<int64_t> shape(type.getShape());
  shape[dimension] = size;
  auto paddedType = RankedTensorType::get(shape, type.getElementType());
  if (std::optional<ConstantTensor> constant = evaluateConstant(value)) {
    int64_t inner = 1;
    for (int64_t d : type.getShape().drop_front(dimension))
      inner *= d;
    int64_t stride = inner / type.getDimSize(dimension) * size;
    std::vector<char> bytes(paddedType.getNumElements());
    ArrayRef<char> source = constant->getBytes();
    for (size_t from = 0, to = 0; from < source.size();
         from += inner, to += stride)
      std::copy_n(source.begin() + from, inner, bytes.begin() + to);
    ConstantTensor result(paddedType, std::move(bytes), constant->isResource());
    result.setName(constant->getName());
    return known = arith::ConstantOp::create(builder, loc,
                                             result.toAttr("_padded"));
  }
  // The byte 0 of a scale is zero, or 2^-127: finite, which is all it must be.
  TypedAttr zero;
  if (auto floatType = dyn_cast<FloatType>(type.getElementType()))
    zero = FloatAttr::get(floatType,
                          APFloat(floatType.getFloatSemantics(), APInt(8, 0)));
  else
    zero = builder.getI8IntegerAttr(0);
  SmallVector<OpFoldResult> low(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> high = low;
  high[dimension] = builder.getIndexAttr(extra);
  Value padding = arith::ConstantOp::create(builder, loc, zero);
  return known = tensor::PadOp::create(builder, loc, paddedType, value, low,
                                       high, padding, /*nofold=*/false);
}

/// Scales for a K of `columns` groups, with zero bytes behind the ones that
/// `codes` have.
FailureOr<Value> LayoutLegalizer::padScales(Operation *user, Value scales,
                                            Value codes, int64_t groupSize,
                                            ScaleLayout layout,
                                            int64_t columns) {
  int64_t rank = tensorType(scales).getRank();
  if (layout == ScaleLayout::Linear)
    return pad(scales, rank - 1, columns);
  // Columns of a tile that stood for no scale do so no more.
  if (getScaleColumns(codes, groupSize) % kSwizzleCols != 0 &&
      !hasZeroPadding(scales)) {
    FailureOr<Value> linear =
        convert(user, scales, codes, groupSize, ScaleLayout::Blocked128x4);
    if (failed(linear))
      return failure();
    FailureOr<Value> blocked =
        convert(user, *linear, codes, groupSize, ScaleLayout::Linear);
    if (failed(blocked))
      return failure();
    scales = *blocked;
  }
  return pad(scales, rank - 2, llvm::divideCeil(columns, kSwizzleCols));
}

/// Pads both operands with codes 0 under finite scales, which adds zeros.
LogicalResult LayoutLegalizer::padK(ScaledMatmulOp op, int64_t multiple) {
  int64_t groupSize = op.getGroupSizeValue();
  int64_t k = 2 * tensorType(op.getA()).getShape().back();
  // Both are powers of two.
  int64_t wanted = llvm::alignTo(k, std::max(multiple, groupSize));
  if (wanted == k)
    return success();
  reportMade(op, DEBUG_TYPE, "K padded")
      << remark::metric("From", k) << remark::metric("To", wanted)
      << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(op)));
  FailureOr<Value> aScales =
      padScales(op, op.getAScales(), op.getA(), groupSize, op.getAScaleLayout(),
                wanted / groupSize);
  FailureOr<Value> bScales =
      padScales(op, op.getBScales(), op.getB(), groupSize, op.getBScaleLayout(),
                wanted / groupSize);
  if (failed(aScales) || failed(bScales))
    return failure();
  auto padCodes = [&](Value codes) {
    return pad(codes, tensorType(codes).getRank() - 1, wanted / 2);
  };
  op.getAScalesMutable().assign(*aScales);
  op.getBScalesMutable().assign(*bScales);
  op.getAMutable().assign(padCodes(op.getA()));
  op.getBMutable().assign(padCodes(op.getB()));
  return success();
}

/// Puts the scales of `op` into layouts that the kernels take.
LogicalResult LayoutLegalizer::setLayouts(ScaledMatmulOp op,
                                          const Implementation &kernels) {
  int64_t groupSize = op.getGroupSizeValue();
  ScaleLayout layouts[2] = {op.getAScaleLayout(), op.getBScaleLayout()};
  OpOperand *scales[2] = {&op.getAScalesMutable(), &op.getBScalesMutable()};
  Value codes[2] = {op.getA(), op.getB()};
  for (int i : {0, 1}) {
    if (kernels.scaleOrders.contains(toOrder(layouts[i])))
      continue;
    FailureOr<Value> converted =
        convert(op, scales[i]->get(), codes[i], groupSize, layouts[i]);
    if (failed(converted))
      return failure();
    scales[i]->set(*converted);
    layouts[i] = otherThan(layouts[i]);
  }
  op.setAScaleLayout(layouts[0]);
  op.setBScaleLayout(layouts[1]);
  if (layouts[0] == ScaleLayout::Linear && layouts[1] == ScaleLayout::Linear)
    op.removeGroupSizeAttr();
  else
    op.setGroupSize(groupSize);
  return success();
}

LogicalResult LayoutLegalizer::legalize(ScaledMatmulOp op) {
  const Implementation *kernels = findImplementation(op);
  if (!kernels || failed(setLayouts(op, *kernels)))
    return failure();
  return padK(op, kernels->multipleOfK);
}

/// Puts the scales that an operation reads into the layout that its kernels
/// want.
template <typename OpTy>
static LogicalResult setScaleOperand(OpTy op, FailureOr<Value> converted,
                                     int64_t groupSize) {
  if (failed(converted))
    return failure();
  op.getScalesMutable().assign(*converted);
  op.setScaleLayout(otherThan(op.getScaleLayout()));
  if (op.getScaleLayout() == ScaleLayout::Linear)
    op.removeGroupSizeAttr();
  else
    op.setGroupSize(groupSize);
  return success();
}

LogicalResult LayoutLegalizer::legalize(DequantOp op) {
  const Implementation *kernels = findImplementation(op);
  if (!kernels)
    return failure();
  if (kernels->scaleOrders.contains(toOrder(op.getScaleLayout())))
    return success();
  int64_t groupSize = op.getGroupSizeValue();
  return setScaleOperand(op,
                         convert(op, op.getScales(), op.getCodes(), groupSize,
                                 op.getScaleLayout()),
                         groupSize);
}

/// The quantizer with its scale result in the other layout.
static QuantizePackOp createWithOtherLayout(OpBuilder &builder,
                                            QuantizePackOp op) {
  Location loc = op.getLoc();
  Value codes = op.getInits().front();
  int64_t groupSize = op.getGroupSizeValue();
  ScaleLayout layout = otherThan(op.getScaleLayout());
  Value scales =
      createEmptyLike(builder, loc, codes, getScaleColumns(codes, groupSize),
                      tensorType(op.getInits().back()).getElementType());
  IntegerAttr groupSizeAttr;
  if (layout == ScaleLayout::Blocked128x4) {
    scales = createBlockedEmptyLike(builder, loc, scales);
    groupSizeAttr = builder.getI64IntegerAttr(groupSize);
  }
  auto created = QuantizePackOp::create(
      builder, loc, TypeRange{codes.getType(), scales.getType()}, op.getX(),
      op.getTransform(), /*scales=*/Value(), op.getGlobalScale(),
      op.getScaleScale(), ValueRange{codes, scales}, op.getRecipeAttr(), layout,
      groupSizeAttr);
  created->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return created;
}

LogicalResult LayoutLegalizer::legalize(QuantizePackOp op) {
  const Implementation *kernels = findImplementation(op);
  if (!kernels)
    return failure();
  ScaleLayout layout = op.getScaleLayout();
  if (kernels->scaleOrders.contains(toOrder(layout)))
    return success();
  int64_t groupSize = op.getGroupSizeValue();
  Value codes = op.getInits().front();
  if (op.hasGivenScales())
    return setScaleOperand(
        op, convert(op, op.getScales(), codes, groupSize, layout), groupSize);
  // The kernels write the other layout, which is converted to this one.
  reportConversion(op, otherThan(layout));
  builder.setInsertionPoint(op);
  QuantizePackOp created = createWithOtherLayout(builder, op);
  Operation *conversion;
  Value scales = created->getResult(1);
  if (layout == ScaleLayout::Blocked128x4)
    conversion = SwizzleScalesOp::create(builder, op.getLoc(),
                                         op->getResult(1).getType(), scales,
                                         op.getInits().back());
  else
    conversion = UnswizzleScalesOp::create(builder, op.getLoc(),
                                           op->getResult(1).getType(), scales,
                                           op.getInits().back());
  if (failed(chooseFor(conversion)))
    return failure();
  op->getResult(0).replaceAllUsesWith(created->getResult(0));
  op->getResult(1).replaceAllUsesWith(conversion->getResult(0));
  replaced.push_back(op);
  return success();
}

/// swizzle_scales(quantize_pack) -> quantize_pack to blocked scales, where the
/// kernels can and nothing else reads the linear ones.
LogicalResult LayoutLegalizer::absorb(SwizzleScalesOp op) {
  auto quantize = op.getSource().getDefiningOp<QuantizePackOp>();
  if (!quantize || quantize.hasGivenScales() ||
      quantize.getScaleLayout() != ScaleLayout::Linear)
    return success();
  const Implementation *kernels = findImplementation(quantize);
  if (!kernels)
    return failure();
  auto decline = [&](const char *reason) {
    reportDeclined(quantize, DEBUG_TYPE, "blocked scales not written directly")
        << remark::reason("{0}", reason);
    return success();
  };
  if (!kernels->scaleOrders.contains(ScaleOrder::Blocked128x4))
    return decline("the kernels write linear scales only");
  if (!op.getSource().hasOneUse())
    return decline("the linear scales have other uses");
  builder.setInsertionPoint(quantize);
  QuantizePackOp created = createWithOtherLayout(builder, quantize);
  if (created->getResult(1).getType() != op->getResult(0).getType()) {
    created->erase();
    return decline("the shapes differ in what is known of them");
  }
  ++counts.absorbed;
  reportMade(quantize, DEBUG_TYPE, "blocked scales written directly")
      << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(quantize)));
  op->getResult(0).replaceAllUsesWith(created->getResult(1));
  op->erase();
  quantize->getResult(0).replaceAllUsesWith(created->getResult(0));
  quantize->erase();
  return success();
}

LogicalResult LayoutLegalizer::run(Operation *root) {
  SmallVector<Operation *> ops;
  root->walk([&](DestinationStyleOpInterface op) {
    if (isa<QuantizePackOp, DequantOp, ScaledMatmulOp>(op) &&
        op.hasPureTensorSemantics())
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    LogicalResult result = llvm::TypeSwitch<Operation *, LogicalResult>(op)
                               .Case<QuantizePackOp, DequantOp, ScaledMatmulOp>(
                                   [&](auto typed) { return legalize(typed); });
    if (failed(result))
      return failure();
  }
  for (Operation *op : replaced)
    op->erase();
  SmallVector<SwizzleScalesOp> swizzles;
  root->walk([&](SwizzleScalesOp op) {
    if (op.hasPureTensorSemantics())
      swizzles.push_back(op);
  });
  for (SwizzleScalesOp op : swizzles)
    if (failed(absorb(op)))
      return failure();
  return success();
}

FailureOr<LayoutCounts>
mlir::fp4q::legalizeLayouts(Operation *root, const ::fp4q::Target &target,
                            const ::fp4q::BackEndTable &table) {
  LayoutLegalizer legalizer(root->getContext(), target, table);
  if (failed(legalizer.run(root)))
    return failure();
  return legalizer.counts;
}

namespace {

struct FP4QLegalizeLayoutsPass
    : public mlir::fp4q::impl::FP4QLegalizeLayoutsPassBase<
          FP4QLegalizeLayoutsPass> {
  using FP4QLegalizeLayoutsPassBase::FP4QLegalizeLayoutsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    chip = ::fp4q::findTarget(target.getValue());
    if (chip)
      return success();
    return emitError(UnknownLoc::get(context))
           << "unknown target '" << target << "', expected one of "
           << ::fp4q::targetNames();
  }

  void runOnOperation() override {
    FailureOr<LayoutCounts> counts = legalizeLayouts(getOperation(), *chip);
    if (failed(counts))
      return signalPassFailure();
    numConverted += counts->converted;
    numPadded += counts->padded;
    numAbsorbed += counts->absorbed;
  }

private:
  const ::fp4q::Target *chip = nullptr;
};

} // namespace
