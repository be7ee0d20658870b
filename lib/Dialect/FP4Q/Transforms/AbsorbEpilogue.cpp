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

/// A factor as alpha: f32, one value or one a column.
static Value makeAlpha(OpBuilder &builder, Location loc, Value factor) {
  auto type = dyn_cast<RankedTensorType>(factor.getType());
  if (type && type.getRank() > 1) {
    // A constant that repeats one value everywhere.
    float value = getConstantSplat(factor)->convertToFloat();
    return arith::ConstantOp::create(builder, loc,
                                     builder.getF32FloatAttr(value));
  }
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
    return addend;
  auto biasType =
      RankedTensorType::get({columns}, getElementTypeOrSelf(addend));
  if (std::optional<APFloat> splat = getConstantSplat(addend))
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(biasType, *splat));
  if (type)
    return nullptr;
  return tensor::SplatOp::create(builder, loc, addend, biasType);
}

namespace {

/// What a product computes behind its sums, while steps are appended to it.
struct Epilogue {
  Value alpha;  ///< null: 1
  Value addend; ///< null: no bias
  Type element;
  /// Leave to skip the rounding of the value so far; and, of two operations
  /// that are both marked contract, whether the first is.
  bool relaxed = false, contract = false;

  /// Makes the product do `step` too. Returns why it cannot, or "".
  StringRef append(OpBuilder &builder, Location loc, const EpilogueStep &step);
};

} // namespace

StringRef Epilogue::append(OpBuilder &builder, Location loc,
                           const EpilogueStep &step) {
  if (step.kind != EpilogueStep::Round && !element.isF32() && !relaxed)
    return "its result would no longer be rounded to its type in between, "
           "which nothing permits";
  // The f32 value so far is alpha * acc + addend, rounded unless it is acc.
  bool mayContract = relaxed || (contract && step.contract);
  bool isSum = isOne(alpha) && !addend;
  bool scales = step.factor && !isOne(step.factor);
  if (addend && (scales || step.addend))
    return "it has a bias already";
  if (!isSum && !mayContract && (scales || step.addend))
    return "its product with alpha would no longer be rounded in between, "
           "which nothing permits";
  if (scales) {
    Value factor = makeAlpha(builder, loc, step.factor);
    if (!isOne(alpha) && alpha.getType() != factor.getType())
      return "alpha and the factor are not both one value, or one a column";
    alpha =
        isOne(alpha)
            ? factor
            : arith::MulFOp::create(builder, loc, alpha, factor).getResult();
  }
  if (step.addend)
    addend = step.addend;
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

  /// Makes the product do what its only user does with it, if that consists of
  /// steps. Returns the new product, or null.
  ScaledMatmulOp absorb(ScaledMatmulOp op, InsertionLog &log) {
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
    Epilogue epilogue{op.getAlpha(), op.getBias(),
                      getElementTypeOrSelf(op->getResult(0)),
                      relaxed || isRelaxed(op)};
    StringRef reason;
    for (EpilogueStep &step : steps) {
      step.relaxed |= relaxed;
      reason = epilogue.append(builder, loc, step);
      if (!reason.empty())
        break;
    }
    int64_t columns = cast<RankedTensorType>(value.getType()).getShape().back();
    Value bias;
    if (reason.empty() && epilogue.addend) {
      bias = makeBias(builder, loc, epilogue.addend, columns, epilogue.element);
      if (!bias)
        reason = "the addend is one value in a tensor";
    }
    if (!reason.empty()) {
      ++numDeclined;
      reportDeclined(user, DEBUG_TYPE, "not absorbed into the product")
          << remark::reason("{0}", reason);
      return nullptr;
    }
    ++numAbsorbed;
    reportMade(user, DEBUG_TYPE, "absorbed into the product");

    auto type = cast<RankedTensorType>(op->getResult(0).getType())
                    .clone(epilogue.element);
    Value init =
        createEmptyLike(builder, loc, op.getA(), columns, epilogue.element);
    if (init.getType() != type)
      init = tensor::CastOp::create(builder, loc, type, init);
    auto product = ScaledMatmulOp::create(
        builder, loc, type, op.getA(), op.getAScales(), op.getB(),
        op.getBScales(), epilogue.alpha, bias, init, op.getAScaleLayout(),
        op.getBScaleLayout(), op.getGroupSizeAttr());
    product->setDiscardableAttrs(op->getDiscardableAttrDictionary());
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
    for (ScaledMatmulOp product : products)
      while (product)
        product = absorb(product, log);
    eraseDead(std::move(log.ops));
  }
};

} // namespace
