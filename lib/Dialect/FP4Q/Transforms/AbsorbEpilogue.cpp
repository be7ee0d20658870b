//===- AbsorbEpilogue.cpp - alpha, bias and rounding into scaled_matmul ---===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product computes v = fma(alpha, acc, bias) in f32 and rounds it once. What
// follows it is read as a sequence of steps, each of which the product can do
// itself or cannot; see Epilogue::append for the conditions.
//
//===----------------------------------------------------------------------===//

#include "Epilogue.h"

#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#define DEBUG_TYPE "fp4q-absorb-epilogue"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QABSORBEPILOGUEPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// Whether an alpha is 1, so that alpha * acc is acc.
static bool isOne(Value alpha) {
  if (!alpha)
    return true;
  std::optional<APFloat> value = getConstantSplat(alpha);
  return value && value->convertToFloat() == 1.0f;
}

/// `value`, a scalar or a tensor, in f32.
static Value widen(OpBuilder &builder, Location loc, Value value) {
  Type element = getElementTypeOrSelf(value);
  if (element.isF32())
    return value;
  Type type = builder.getF32Type();
  if (auto shaped = dyn_cast<RankedTensorType>(value.getType()))
    type = shaped.clone(type);
  if (std::optional<APFloat> splat = getConstantSplat(value)) {
    FloatAttr attr = builder.getF32FloatAttr(splat->convertToFloat());
    if (auto shaped = dyn_cast<RankedTensorType>(type))
      return arith::ConstantOp::create(builder, loc,
                                       DenseElementsAttr::get(shaped, attr));
    return arith::ConstantOp::create(builder, loc, attr);
  }
  return arith::ExtFOp::create(builder, loc, type, value);
}

/// `value`, a tensor of one element a column, with its static type.
static Value castToColumns(OpBuilder &builder, Location loc, Value value,
                           int64_t columns) {
  auto type = cast<RankedTensorType>(value.getType()).clone({columns});
  return type == value.getType()
             ? value
             : tensor::CastOp::create(builder, loc, type, value);
}

/// A factor as alpha: f32, one value or one a column.
static Value makeAlpha(OpBuilder &builder, Location loc, Value factor,
                       int64_t columns) {
  auto type = dyn_cast<RankedTensorType>(factor.getType());
  if (type && type.getRank() > 1) {
    // A constant that repeats one value everywhere.
    float value = getConstantSplat(factor)->convertToFloat();
    return arith::ConstantOp::create(builder, loc,
                                     builder.getF32FloatAttr(value));
  }
  if (type && type.getRank() == 1)
    factor = castToColumns(builder, loc, factor, columns);
  return widen(builder, loc, factor);
}

/// An addend as bias: N values of f32 or of type `element`; null if it is one
/// value in a tensor, which would have to be read first.
static Value makeBias(OpBuilder &builder, Location loc, Value addend,
                      int64_t columns, Type element) {
  Type own = getElementTypeOrSelf(addend);
  if (!own.isF32() && own != element)
    addend = widen(builder, loc, addend);
  auto type = dyn_cast<RankedTensorType>(addend.getType());
  if (type && type.getRank() == 1)
    return castToColumns(builder, loc, addend, columns);
  auto biasType =
      RankedTensorType::get({columns}, getElementTypeOrSelf(addend));
  if (std::optional<APFloat> splat = getConstantSplat(addend))
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(biasType, *splat));
  if (type)
    return nullptr;
  return tensor::SplatOp::create(builder, loc, addend, biasType);
}

/// Whether `value` is a constant that is, or holds, no normal number of f32.
static bool leavesNormalRange(Value value) {
  FloatAttr scalar;
  if (matchPattern(value, m_Constant(&scalar)))
    return !scalar.getValue().isNormal();
  DenseFPElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) &&
         llvm::any_of(elements.getValues<APFloat>(),
                      [](const APFloat &x) { return !x.isNormal(); });
}

namespace {

/// What a product computes behind its sums, while steps are appended to it.
struct Epilogue {
  Value alpha;  ///< null: 1
  Value addend; ///< null: no bias
  Type element;
  int64_t columns;
  bool permitted; ///< by the option
  /// What the last operation so far permits: to skip the rounding of its
  /// result, or to do so if the next one is marked contract too.
  bool relaxed, contract = false;
  bool skipsRounding = false; ///< by leave

  /// Makes the product do `step` too. Returns why it cannot, or "".
  StringRef append(OpBuilder &builder, Location loc, const EpilogueStep &step);
};

} // namespace

StringRef Epilogue::append(OpBuilder &builder, Location loc,
                           const EpilogueStep &step) {
  bool maySkipRounding = permitted || relaxed;
  if (!element.isF32() && !maySkipRounding)
    return "its result would no longer be rounded to its type in between, "
           "which nothing permits";
  // The f32 value so far is alpha * acc + addend, rounded unless it is acc.
  bool isSum = isOne(alpha) && !addend;
  bool scales = step.factor && !isOne(step.factor);
  if (addend && (scales || step.addend))
    return "it has a bias already";
  // Contraction is about a product and a sum; factors of factors are not.
  bool skipsProduct = !isSum && (scales || step.addend);
  if (skipsProduct && !maySkipRounding &&
      !(contract && step.contract && !scales))
    return "its product with alpha would no longer be rounded in between, "
           "which nothing permits";
  if (scales) {
    Value factor = makeAlpha(builder, loc, step.factor, columns);
    if (isOne(alpha)) {
      alpha = factor;
    } else {
      if (alpha.getType() != factor.getType())
        return "alpha and the factor are not both one value, or one a column";
      alpha = builder.createOrFold<arith::MulFOp>(loc, alpha, factor);
      if (leavesNormalRange(alpha))
        return "the product of alpha and the factor leaves f32's normal range";
    }
  }
  if (step.addend)
    addend = step.addend;
  skipsRounding |= skipsProduct || !element.isF32();
  if (step.kind != EpilogueStep::Arithmetic)
    element = step.type;
  relaxed = step.relaxed;
  contract = step.contract;
  return "";
}

namespace {

/// Notes what is inserted, since an attempt may end in a refusal.
struct InsertionLog : public OpBuilder::Listener {
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    ops.insert(op);
  }
  llvm::SetVector<Operation *> ops;
};

struct FP4QAbsorbEpiloguePass
    : public mlir::fp4q::impl::FP4QAbsorbEpiloguePassBase<
          FP4QAbsorbEpiloguePass> {
  using FP4QAbsorbEpiloguePassBase::FP4QAbsorbEpiloguePassBase;

  /// Makes the product, which ends in `epilogue`, do what its only user does
  /// with it, if that consists of steps. Returns the new product, or null.
  ScaledMatmulOp absorb(ScaledMatmulOp op, Epilogue &epilogue,
                        InsertionLog &log) {
    Value value = op->getResult(0);
    SmallVector<Operation *> reshapes;
    Operation *user = nullptr;
    while (value.hasOneUse()) {
      user = *value.user_begin();
      // Elsewhere it might run more often.
      if (user->getBlock() != op->getBlock())
        return nullptr;
      if (!isLeadingReshape(user))
        break;
      reshapes.push_back(user);
      value = user->getResult(0);
      user = nullptr;
    }
    if (!user) {
      reportSharedResult(op, value);
      return nullptr;
    }
    SmallVector<EpilogueStep> steps = matchEpilogueSteps(user, value);
    if (steps.empty())
      return nullptr;

    OpBuilder builder(user, &log);
    Location loc = user->getLoc();
    Epilogue next = epilogue;
    next.skipsRounding = false;
    StringRef reason;
    for (const EpilogueStep &step : steps) {
      reason = next.append(builder, loc, step);
      if (!reason.empty())
        break;
    }
    if (reason.empty() && next.addend) {
      next.addend =
          makeBias(builder, loc, next.addend, next.columns, next.element);
      if (!next.addend)
        reason = "the addend is one value in a tensor";
    }
    if (!reason.empty()) {
      ++numDeclined;
      reportDeclined(user, DEBUG_TYPE, "not absorbed into the product")
          << remark::reason("{0}", reason);
      return nullptr;
    }
    ++numAbsorbed;
    reportMade(user, DEBUG_TYPE, "absorbed into the product") << remark::reason(
        next.skipsRounding ? "roundings are skipped, as permitted"
                           : "it is rounded as before, so no bit changes");

    epilogue = next;
    auto type = cast<RankedTensorType>(op->getResult(0).getType())
                    .clone(epilogue.element);
    Value init = createEmptyLike(builder, loc, op.getA(), epilogue.columns,
                                 epilogue.element);
    if (init.getType() != type)
      init = tensor::CastOp::create(builder, loc, type, init);
    auto product = ScaledMatmulOp::create(
        builder, loc, type, op.getA(), op.getAScales(), op.getB(),
        op.getBScales(), epilogue.alpha, epilogue.addend, init,
        op.getAScaleLayout(), op.getBScaleLayout(), op.getGroupSizeAttr(),
        op.getBLayout());
    product->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    // The rounding of its result is now that of the user.
    product->removeDiscardableAttr(kRelaxedAttr);
    if (epilogue.relaxed)
      product->setDiscardableAttr(kRelaxedAttr, builder.getUnitAttr());
    Value result = product->getResult(0);
    for (Operation *reshape : reshapes)
      result = applyLeadingReshape(builder, reshape, result);
    if (result.getType() != user->getResult(0).getType())
      result = tensor::CastOp::create(builder, loc,
                                      user->getResult(0).getType(), result);
    user->getResult(0).replaceAllUsesWith(result);
    log.ops.insert(user);
    return product;
  }

  /// Says that a bias, factor or cast behind a result with several uses stays.
  void reportSharedResult(ScaledMatmulOp op, Value value) {
    if (value.use_empty())
      return;
    for (Operation *user : value.getUsers())
      if (matchEpilogueSteps(user, value).empty())
        return;
    ++numDeclined;
    reportDeclined(op, DEBUG_TYPE, "not absorbed into the product")
        << remark::reason("its result has several uses");
  }

  void runOnOperation() override {
    SmallVector<ScaledMatmulOp> products;
    getOperation()->walk([&](ScaledMatmulOp op) {
      if (op.hasPureTensorSemantics())
        products.push_back(op);
    });
    InsertionLog log;
    for (ScaledMatmulOp product : products) {
      auto type = cast<RankedTensorType>(product->getResult(0).getType());
      Epilogue epilogue{product.getAlpha(),    product.getBias(),
                        type.getElementType(), type.getShape().back(),
                        /*permitted=*/relaxed, isRelaxed(product)};
      while (product)
        product = absorb(product, epilogue, log);
    }
    eraseDead(std::move(log.ops));
  }
};

} // namespace
