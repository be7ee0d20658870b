//===- RaiseMatmul.cpp - contractions of decoded operands -----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any linalg operation that sums products of two fp4q.dequant becomes one
// fp4q.scaled_matmul. A contraction is first described by itself: where the
// elements of its operands come from, as indices of its loops (ElementTrace
// looks through transposes, broadcasts and casts). Then every condition is
// checked on the description, and only then is anything created.
//
//===----------------------------------------------------------------------===//

#include "DecodedContraction.h"

#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#define DEBUG_TYPE "fp4q-raise-matmul"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QRAISEMATMULPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Rewrite
//===----------------------------------------------------------------------===//

/// `value`, codes or scales whose leading dimensions are the loops `from`, with
/// the leading dimensions `to` and the sizes that are known of them.
static Value arrange(OpBuilder &builder, DecodedContraction &contraction,
                     Value value, ArrayRef<unsigned> from,
                     ArrayRef<unsigned> to) {
  Location loc = contraction.op.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  if (from != to) {
    SmallVector<int64_t> permutation;
    for (unsigned loop : to)
      permutation.push_back(llvm::find(from, loop) - from.begin());
    permutation.push_back(from.size());
    SmallVector<OpFoldResult> sizes = applyPermutation(
        tensor::getMixedSizes(builder, loc, value), permutation);
    Value init =
        tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
    value = linalg::TransposeOp::create(builder, loc, value, init, permutation)
                ->getResult(0);
    type = cast<RankedTensorType>(value.getType());
  }
  // Blocked scales have other dimensions, of the same sizes for both operands
  // where those are static.
  if (type.getRank() != static_cast<int64_t>(to.size()) + 1)
    return value;
  SmallVector<int64_t> shape;
  for (unsigned loop : to)
    shape.push_back(contraction.sizes[loop]);
  shape.push_back(type.getShape().back());
  RankedTensorType refined = type.clone(shape);
  return refined == type ? value
                         : tensor::CastOp::create(builder, loc, refined, value);
}

/// g' of one operand; null for 1.
static Value emitFactor(OpBuilder &builder, Location loc, DequantOp dequant,
                        Value g) {
  if (!g || dequant.getDirection() == Direction::Multiply)
    return g;
  Value one =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(1.0f));
  return builder.createOrFold<arith::DivFOp>(loc, one, g);
}

/// alpha = g'_a * g'_b; null for 1. A tensor<f32> if one of the scales is one,
/// so that the host need not read it.
static Value emitAlpha(OpBuilder &builder, Location loc, DequantOp a,
                       DequantOp b) {
  auto product = [&](OpBuilder &nested, Value ga, Value gb) {
    ga = emitFactor(nested, loc, a, ga);
    gb = emitFactor(nested, loc, b, gb);
    if (!ga || !gb)
      return ga ? ga : gb;
    return nested.createOrFold<arith::MulFOp>(loc, ga, gb);
  };
  Value ga = a.getGlobalScale(), gb = b.getGlobalScale();
  SmallVector<Value> tensors;
  for (Value g : {ga, gb})
    if (g && isa<RankedTensorType>(g.getType()))
      tensors.push_back(g);
  if (tensors.empty())
    return product(builder, ga, gb);
  Value init = tensor::EmptyOp::create(builder, loc, ArrayRef<int64_t>(),
                                       builder.getF32Type());
  SmallVector<AffineMap> maps(tensors.size() + 1,
                              AffineMap::get(builder.getContext()));
  return linalg::GenericOp::create(
             builder, loc, init.getType(), tensors, init, maps,
             ArrayRef<utils::IteratorType>(),
             [&](OpBuilder &nested, Location loc, ValueRange args) {
               auto scalar = [&](Value g) -> Value {
                 auto *place = llvm::find(tensors, g);
                 return place == tensors.end() ? g
                                               : args[place - tensors.begin()];
               };
               linalg::YieldOp::create(nested, loc,
                                       product(nested, scalar(ga), scalar(gb)));
             })
      ->getResult(0);
}

static void raise(OpBuilder &builder, DecodedContraction &contraction) {
  linalg::LinalgOp op = contraction.op;
  Location loc = op.getLoc();
  builder.setInsertionPoint(op);
  DequantOp a = contraction.a.dequant, b = contraction.b.dequant;
  ArrayRef<unsigned> rows = ArrayRef(contraction.result).drop_back();
  SmallVector<unsigned> columns = contraction.getColumnLoops();
  auto arrangeA = [&](Value value) {
    return arrange(builder, contraction, value, contraction.a.leading, rows);
  };
  auto arrangeB = [&](Value value) {
    return arrange(builder, contraction, value, contraction.b.leading, columns);
  };
  Value aCodes = arrangeA(a.getCodes()), aScales = arrangeA(a.getScales());
  Value bCodes = arrangeB(b.getCodes()), bScales = arrangeB(b.getScales());
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value init = createEmptyLike(builder, loc, aCodes,
                               contraction.sizes[contraction.result.back()],
                               type.getElementType());
  bool blocked = a.getScaleLayout() != ScaleLayout::Linear ||
                 b.getScaleLayout() != ScaleLayout::Linear;
  auto matmul = ScaledMatmulOp::create(
      builder, loc, init.getType(), aCodes, aScales, bCodes, bScales,
      emitAlpha(builder, loc, a, b), contraction.bias, init, a.getScaleLayout(),
      b.getScaleLayout(),
      blocked ? builder.getI64IntegerAttr(a.getGroupSizeValue())
              : IntegerAttr());
  // Such as the request for a back end; linalg has attributes of its own.
  for (NamedAttribute attr : op->getDiscardableAttrs())
    if (attr.getNameDialect() ==
        builder.getContext()->getLoadedDialect<FP4QDialect>())
      matmul->setDiscardableAttr(attr.getName(), attr.getValue());
  Value result = matmul->getResult(0);
  if (result.getType() != type)
    result = tensor::CastOp::create(builder, loc, type, result);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

namespace {

struct FP4QRaiseMatmulPass
    : public mlir::fp4q::impl::FP4QRaiseMatmulPassBase<FP4QRaiseMatmulPass> {
  using FP4QRaiseMatmulPassBase::FP4QRaiseMatmulPassBase;

  void visit(linalg::LinalgOp op) {
    DecodedContraction contraction;
    contraction.op = op;
    const char *reason = describeContraction(contraction, relaxed);
    if (!reason) {
      ++numRaised;
      reportMade(op, DEBUG_TYPE, "product raised")
          << remark::reason(whyRounded(contraction, /*withLeave=*/false)
                                ? "roundings are skipped, as allowed"
                                : "it stays within the bound of the product");
      OpBuilder builder(op);
      raise(builder, contraction);
    } else if (contraction.isWeightOnly()) {
      ++numWeightOnly;
      reportFact(op, DEBUG_TYPE, "product is weight-only")
          << remark::reason("{0}", reason);
    } else if (*reason) {
      ++numDeclined;
      reportDeclined(op, DEBUG_TYPE, "product not raised")
          << remark::reason("{0}", reason);
    }
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateReshapeDequantPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> operations;
    getOperation()->walk(
        [&](linalg::LinalgOp op) { operations.push_back(op); });
    for (linalg::LinalgOp op : operations)
      visit(op);
  }
};

} // namespace
