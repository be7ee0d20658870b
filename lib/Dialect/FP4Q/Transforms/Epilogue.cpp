//===- Epilogue.cpp - what follows a product, step by step ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Epilogue.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Whether a map of `rank` loops selects nothing, or the last loop only.
static bool isColumnMap(AffineMap map, int64_t rank) {
  return map.getNumResults() == 0 ||
         (map.getNumResults() == 1 &&
          map.getResult(0) == getAffineDimExpr(rank - 1, map.getContext()));
}

/// What a tensor (..., N) repeats in all of its rows: a scalar, a tensor of
/// rank 0 or one of N elements. Null if it cannot be told.
static Value getRepeated(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return nullptr;
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  SplatElementsAttr splat;
  if (matchPattern(tensor, m_Constant(&splat)))
    return tensor;
  if (auto splatOp = dyn_cast<tensor::SplatOp>(op))
    return splatOp.getInput();
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return fill.getInputs().front();
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || linalgOp.getNumDpsInputs() != 1 ||
      linalgOp.getNumDpsInits() != 1 || linalgOp.getNumReductionLoops() != 0)
    return nullptr;
  Block *body = linalgOp.getBlock();
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  if (!llvm::hasSingleElement(*body) || !maps.back().isIdentity() ||
      body->front().getOperand(0) != body->getArgument(0) ||
      !isColumnMap(maps.front(), rank))
    return nullptr;
  return linalgOp.getDpsInputOperand(0)->get();
}

static bool isContract(Operation *op) {
  auto fast = dyn_cast<arith::ArithFastMathInterface>(op);
  arith::FastMathFlagsAttr flags = fast ? fast.getFastMathFlagsAttr() : nullptr;
  return flags &&
         bitEnumContainsAny(flags.getValue(), arith::FastMathFlags::contract);
}

/// Whether products, factors and biases may have elements of this type.
static bool isFloatElement(Type type) {
  return type.isBF16() || type.isF16() || type.isF32();
}

/// The step that `op` is, applied to `value`, where `getOther` gives what
/// another operand repeats by columns.
static std::optional<EpilogueStep>
matchStep(Operation *op, Value value,
          llvm::function_ref<Value(Value)> getOther) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  Type type = getElementTypeOrSelf(op->getResult(0));
  if (!isFloatElement(type))
    return std::nullopt;
  EpilogueStep step{EpilogueStep::Arithmetic, type, Value(), Value()};
  step.contract = isContract(op);
  if (auto round = dyn_cast<arith::TruncFOp>(op)) {
    constexpr auto nearest = arith::RoundingMode::to_nearest_even;
    step.kind = EpilogueStep::Round;
    if (round.getRoundingmode().value_or(nearest) != nearest)
      return std::nullopt;
    // As for transforms in front of a quantizer.
    step.relaxed = step.contract;
    return step;
  }
  if (isa<arith::ExtFOp>(op)) {
    step.kind = EpilogueStep::Widen;
    return step;
  }
  // The value is one operand; which one does not matter.
  auto other = [&](Value lhs, Value rhs) -> Value {
    return lhs == rhs ? Value() : getOther(lhs == value ? rhs : lhs);
  };
  if (auto mul = dyn_cast<arith::MulFOp>(op)) {
    step.factor = other(mul.getLhs(), mul.getRhs());
    return step.factor ? std::optional(step) : std::nullopt;
  }
  if (auto add = dyn_cast<arith::AddFOp>(op)) {
    step.addend = other(add.getLhs(), add.getRhs());
    return step.addend ? std::optional(step) : std::nullopt;
  }
  if (auto fma = dyn_cast<math::FmaOp>(op)) {
    if (fma.getC() == value)
      return std::nullopt;
    step.factor = other(fma.getA(), fma.getB());
    step.addend = getOther(fma.getC());
    return step.factor && step.addend ? std::optional(step) : std::nullopt;
  }
  return std::nullopt;
}

/// matchEpilogueSteps of a linalg operation.
static SmallVector<EpilogueStep> matchBody(linalg::LinalgOp op, Value value) {
  if (op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !op.hasPureTensorSemantics())
    return {};
  Block *body = op.getBlock();
  int64_t rank = op.getNumLoops();
  OpOperand *init = op.getDpsInitOperand(0);
  if (!op.getMatchingIndexingMap(init).isIdentity() ||
      op.payloadUsesValueFromOperand(init))
    return {};
  // What each value of the body repeats by columns.
  llvm::SmallDenseMap<Value, Value> columns;
  Value running;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    Value argument = op.getMatchingBlockArgument(operand);
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (operand->get() == value) {
      if (!map.isIdentity() || running)
        return {};
      running = argument;
    } else if (!isa<RankedTensorType>(operand->get().getType()) ||
               isColumnMap(map, rank)) {
      columns[argument] = operand->get();
    } else if (map.isIdentity()) {
      columns[argument] = getRepeated(operand->get());
    }
  }
  if (!running)
    return {};
  SmallVector<EpilogueStep> steps;
  for (Operation &inner : body->without_terminator()) {
    if (!llvm::is_contained(inner.getOperands(), running)) {
      // A bias may be widened first.
      auto widening = dyn_cast<arith::ExtFOp>(inner);
      Value source = widening && (widening.getIn().getType().isBF16() ||
                                  widening.getIn().getType().isF16())
                         ? columns.lookup(widening.getIn())
                         : Value();
      if (!source)
        return {};
      columns[inner.getResult(0)] = source;
      continue;
    }
    auto step = matchStep(&inner, running, [&](Value other) -> Value {
      if (Value column = columns.lookup(other))
        return column;
      // A scalar from outside.
      return other.getParentBlock() == body ? Value() : other;
    });
    if (!step)
      return {};
    step->relaxed |= isRelaxed(op);
    steps.push_back(*step);
    running = inner.getResult(0);
  }
  if (body->getTerminator()->getOperand(0) != running)
    return {};
  return steps;
}

SmallVector<EpilogueStep> mlir::fp4q::matchEpilogueSteps(Operation *op,
                                                         Value value) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return matchBody(linalgOp, value);
  if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return {};
  std::optional<EpilogueStep> step = matchStep(op, value, getRepeated);
  if (!step)
    return {};
  step->relaxed |= isRelaxed(op);
  return {*step};
}
