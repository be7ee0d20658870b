//===- LegalizeLayouts.cpp - operands as kernels want them ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions stand right behind what they convert, once for all who want it,
// so that they leave loops and are shared by the matmuls of one activation.
// Codes and scales are padded, not the floats that they were made of, which are
// four times as many bytes or more.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/Transforms/LegalizeLayouts.h"

#include "ScaleLayouts.h"

#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
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

/// The layout that kernels get which do not take the one that is there.
static ScaleLayout otherThan(ScaleLayout layout) {
  return layout == ScaleLayout::Linear ? ScaleLayout::Blocked128x4
                                       : ScaleLayout::Linear;
}

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {

/// Scales that an operation reads, with the codes that they belong to.
struct ScaleUse {
  Operation *user;
  StringRef name; ///< of the operand
  Value scales;
  ScaleLayout layout;
  Value codes;
  int64_t groupSize;

  int64_t columns() const { return getScaleColumns(codes, groupSize); }
};

/// One run of the pass.
class LayoutLegalizer {
public:
  LayoutLegalizer(Operation *root, const ::fp4q::Target &target,
                  const ::fp4q::BackEndTable &table)
      : root(root), dominance(root), builder(root->getContext()),
        target(target), table(table) {}

  LogicalResult run();
  LayoutCounts counts;

private:
  const Implementation *findImplementation(Operation *op);
  LogicalResult chooseFor(Operation *conversion);
  void reportConversion(Operation *op, StringRef value, ScaleLayout to);

  LogicalResult legalize(ScaledMatmulOp op);
  LogicalResult legalize(DequantOp op);
  LogicalResult legalize(QuantizePackOp op);
  LogicalResult legalizeResult(QuantizePackOp op);
  LogicalResult absorb(SwizzleScalesOp op);

  LogicalResult setLayout(ScaleUse &use, const Implementation &kernels);
  template <typename OpTy>
  LogicalResult setLayout(OpTy op, Value codes, const Implementation &kernels);
  LogicalResult convert(ScaleUse &use);
  LogicalResult padScales(ScaleUse &use, int64_t columns);
  Value pad(Value value, int64_t dimension, int64_t size);
  void setInsertionPointBehind(Value first, Value second, Operation *user);

  Operation *root;
  DominanceInfo dominance;
  OpBuilder builder;
  const ::fp4q::Target &target;
  const ::fp4q::BackEndTable &table;
  /// What has been made of a value already: of a dimension and size; swizzled;
  /// unswizzled, for the rows of these codes.
  DenseMap<std::tuple<Value, int64_t, int64_t>, Value> padded;
  DenseMap<Value, Value> swizzled;
  DenseMap<std::tuple<Value, Value, int64_t>, Value> unswizzled;
  /// Erased at the end, since their results are keys of these maps.
  SmallVector<Operation *> replaced;
};

} // namespace

/// The kernels that will compute `op`; null, with an error, if there are none.
const Implementation *LayoutLegalizer::findImplementation(Operation *op) {
  std::optional<::fp4q::BackEnd> backEnd = getBackEnd(op);
  if (!backEnd) {
    op->emitOpError() << "has no back end yet; run fp4q-select-backend before "
                         "fp4q-legalize-layouts";
    return nullptr;
  }
  ::fp4q::Choice choice =
      ::fp4q::chooseBackEnd(table, target, describeWork(op), *backEnd);
  if (!choice.implementation)
    op->emitOpError() << "cannot be computed by its back end on " << target.name
                      << ": " << choice.reason;
  return choice.implementation;
}

/// Gives a new swizzle_scales or unswizzle_scales a back end.
LogicalResult LayoutLegalizer::chooseFor(Operation *conversion) {
  return selectBackEnds(conversion, target, BackEndRequests(), table);
}

void LayoutLegalizer::reportConversion(Operation *op, StringRef value,
                                       ScaleLayout to) {
  ++counts.converted;
  reportMade(op, DEBUG_TYPE, "scale layout converted")
      << remark::metric("Value", value)
      << remark::metric("To", stringifyScaleLayout(to))
      << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(op)));
}

/// Right behind the later of two definitions; in front of `user`, whom both
/// dominate, if neither dominates the other.
void LayoutLegalizer::setInsertionPointBehind(Value first, Value second,
                                              Operation *user) {
  for (auto [later, earlier] :
       {std::pair(first, second), std::pair(second, first)}) {
    builder.setInsertionPointAfterValue(later);
    if (dominance.properlyDominates(earlier, &*builder.getInsertionPoint()))
      return;
  }
  builder.setInsertionPoint(user);
}

/// Puts the scales into the other layout.
LogicalResult LayoutLegalizer::convert(ScaleUse &use) {
  bool toBlocked = use.layout == ScaleLayout::Linear;
  Value &known = toBlocked ? swizzled[use.scales]
                           : unswizzled[{use.scales, use.codes, use.groupSize}];
  if (!known) {
    Location loc = use.scales.getLoc();
    Operation *op;
    if (toBlocked) {
      builder.setInsertionPointAfterValue(use.scales);
      op = SwizzleScalesOp::create(builder, loc, use.scales);
    } else { // Only the codes tell how many rows there are.
      setInsertionPointBehind(use.scales, use.codes, use.user);
      op = createUnswizzle(builder, loc, use.scales, use.codes, use.groupSize);
    }
    if (failed(chooseFor(op)))
      return failure();
    known = op->getResult(0);
  }
  use.scales = known;
  use.layout = otherThan(use.layout);
  return success();
}

/// Puts the scales into a layout that the kernels take.
LogicalResult LayoutLegalizer::setLayout(ScaleUse &use,
                                         const Implementation &kernels) {
  if (kernels.scaleOrders.contains(getScaleOrder(use.layout)))
    return success();
  reportConversion(use.user, use.name, otherThan(use.layout));
  return convert(use);
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
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  SmallVector<int64_t> shape(type.getShape());
  shape[dimension] = size;
  // The byte 0 of a scale is zero, or 2^-127: finite, which is all it must be.
  TypedAttr zero = builder.getI8IntegerAttr(0);
  if (auto floatType = dyn_cast<FloatType>(type.getElementType()))
    zero = FloatAttr::get(floatType,
                          APFloat(floatType.getFloatSemantics(), APInt(8, 0)));
  SmallVector<OpFoldResult> low(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> high = low;
  high[dimension] = builder.getIndexAttr(extra);
  Value padding = arith::ConstantOp::create(builder, loc, zero);
  return known = tensor::PadOp::create(
             builder, loc, RankedTensorType::get(shape, type.getElementType()),
             value, low, high, padding, /*nofold=*/false);
}

/// Gives the scales so many columns, with zero bytes behind those they have.
LogicalResult LayoutLegalizer::padScales(ScaleUse &use, int64_t columns) {
  int64_t rank = tensorType(use.scales).getRank();
  if (use.layout == ScaleLayout::Linear) {
    use.scales = pad(use.scales, rank - 1, columns);
    return success();
  }
  // Bytes of a tile that stood for no scale do so now, and must be zero.
  bool hasUnused = use.columns() % kSwizzleCols != 0;
  if (hasUnused && !hasZeroPadding(use.scales, use.columns()) &&
      (failed(convert(use)) || failed(convert(use))))
    return failure();
  use.scales =
      pad(use.scales, rank - 2, llvm::divideCeil(columns, kSwizzleCols));
  return success();
}

LogicalResult LayoutLegalizer::legalize(ScaledMatmulOp op) {
  const Implementation *kernels = findImplementation(op);
  if (!kernels)
    return failure();
  int64_t groupSize = op.getGroupSizeValue();
  ScaleUse a = {op,        "a_scales", op.getAScales(), op.getAScaleLayout(),
                op.getA(), groupSize};
  ScaleUse b = {op,        "b_scales", op.getBScales(), op.getBScaleLayout(),
                op.getB(), groupSize};
  if (failed(setLayout(a, *kernels)) || failed(setLayout(b, *kernels)))
    return failure();
  // Codes 0 under finite scales add zeros. Both are powers of two.
  int64_t k = 2 * tensorType(a.codes).getShape().back();
  int64_t wanted = llvm::alignTo(k, std::max(kernels->multipleOfK, groupSize));
  if (wanted != k) {
    reportMade(op, DEBUG_TYPE, "K padded")
        << remark::metric("From", k) << remark::metric("To", wanted)
        << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(op)));
    for (ScaleUse *use : {&a, &b}) {
      if (failed(padScales(*use, wanted / groupSize)))
        return failure();
      int64_t rank = tensorType(use->codes).getRank();
      if (use == &b && op.hasPackedB())
        b.codes = pad(b.codes, rank - 2,
                      llvm::divideCeil(wanted / 2, kPackedRowBytes));
      else
        use->codes = pad(use->codes, rank - 1, wanted / 2);
    }
  }
  op.getAMutable().assign(a.codes);
  op.getBMutable().assign(b.codes);
  setScales(op, {a.scales, b.scales}, {a.layout, b.layout}, groupSize);
  return success();
}

/// The same for an operation with one scale operand, of these codes.
template <typename OpTy>
LogicalResult LayoutLegalizer::setLayout(OpTy op, Value codes,
                                         const Implementation &kernels) {
  ScaleUse use = {op,
                  "scales",
                  op.getScales(),
                  op.getScaleLayout(),
                  codes,
                  op.getGroupSizeValue()};
  if (failed(setLayout(use, kernels)))
    return failure();
  setScales(op, use.scales, use.layout, use.groupSize);
  return success();
}

LogicalResult LayoutLegalizer::legalize(DequantOp op) {
  const Implementation *kernels = findImplementation(op);
  return success(kernels && succeeded(setLayout(op, op.getCodes(), *kernels)));
}

LogicalResult LayoutLegalizer::legalize(QuantizePackOp op) {
  const Implementation *kernels = findImplementation(op);
  if (!kernels)
    return failure();
  if (op.hasGivenScales())
    return setLayout(op, op.getInits().front(), *kernels);
  if (kernels->scaleOrders.contains(getScaleOrder(op.getScaleLayout())))
    return success();
  return legalizeResult(op);
}

/// The kernels write the other layout, which is converted to this one.
LogicalResult LayoutLegalizer::legalizeResult(QuantizePackOp op) {
  ScaleLayout layout = op.getScaleLayout();
  reportConversion(op, "scales", otherThan(layout));
  builder.setInsertionPoint(op);
  QuantizePackOp created =
      createWithScaleLayout(builder, op, otherThan(layout));
  Location loc = op.getLoc();
  Value scales = created->getResult(1), init = op.getInits().back();
  Operation *conversion;
  if (layout == ScaleLayout::Blocked128x4)
    conversion =
        SwizzleScalesOp::create(builder, loc, init.getType(), scales, init);
  else
    conversion =
        UnswizzleScalesOp::create(builder, loc, init.getType(), scales, init);
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
  if (!quantize || quantize.getScaleLayout() != ScaleLayout::Linear)
    return success();
  const Implementation *kernels = findImplementation(quantize);
  if (!kernels)
    return failure();
  auto decline = [&](const char *reason) {
    reportDeclined(quantize, DEBUG_TYPE, "blocked scales not written directly")
        << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(quantize)))
        << remark::reason("{0}", reason);
    return success();
  };
  if (!kernels->scaleOrders.contains(ScaleOrder::Blocked128x4))
    return decline("the kernels write linear scales only");
  if (!op.getSource().hasOneUse())
    return decline("the linear scales have other uses");
  ++counts.absorbed;
  reportMade(quantize, DEBUG_TYPE, "blocked scales written directly")
      << remark::metric("BackEnd", ::fp4q::name(*getBackEnd(quantize)));
  builder.setInsertionPoint(quantize);
  QuantizePackOp created =
      createWithScaleLayout(builder, quantize, ScaleLayout::Blocked128x4);
  Value blocked = created->getResult(1), result = op->getResult(0);
  if (blocked.getType() != result.getType()) // Other dimensions are dynamic.
    blocked = tensor::CastOp::create(builder, quantize.getLoc(),
                                     result.getType(), blocked);
  result.replaceAllUsesWith(blocked);
  op->erase();
  quantize->getResult(0).replaceAllUsesWith(created->getResult(0));
  quantize->erase();
  return success();
}

LogicalResult LayoutLegalizer::run() {
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
  LayoutLegalizer legalizer(root, target, table);
  if (failed(legalizer.run()))
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
