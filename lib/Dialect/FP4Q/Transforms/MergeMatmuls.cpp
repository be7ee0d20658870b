//===- MergeMatmuls.cpp - products of one activation as one product -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"
#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

#define DEBUG_TYPE "fp4q-merge-matmuls"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QMERGEMATMULSPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

using Products = SmallVector<ScaledMatmulOp>;

static int64_t getColumns(ScaledMatmulOp op) {
  return cast<RankedTensorType>(op.getB().getType()).getShape()[0];
}

/// What products must share to be merged: a, its scales (which tell their
/// layout by their rank), the group size if that of blocked scales, the block,
/// the types of the result's elements and of the bias, and attributes.
using Key = std::tuple<Value, Value, Attribute, Block *, Type, Type, Attribute>;

static Key getKey(ScaledMatmulOp op) {
  Type bias = op.getBias() ? getElementTypeOrSelf(op.getBias()) : Type();
  return {op.getA(),
          op.getAScales(),
          op.getGroupSizeAttr(),
          op->getBlock(),
          getElementTypeOrSelf(op->getResult(0)),
          bias,
          op->getDiscardableAttrDictionary()};
}

/// Why a product cannot be one of several, whatever the others are; or "".
static StringRef getObstacle(ScaledMatmulOp op) {
  if (!op.hasSharedB() || op.getBScaleLayout() != ScaleLayout::Linear)
    return "b has batches, or scales that are not linear";
  if (op.hasPackedB())
    return "b is packed";
  if (!isEvaluable(op.getB()) || !isEvaluable(op.getBScales()))
    return "b is not constant";
  if (op.getBias() && !isEvaluable(op.getBias()))
    return "the bias is not constant";
  return "";
}

/// The rows of constant tensors (Ni, ...) below each other.
static std::optional<ConstantTensor> concatenate(ArrayRef<Value> values) {
  std::vector<char> bytes;
  int64_t rows = 0;
  std::optional<ConstantTensor> first;
  for (Value value : values) {
    std::optional<ConstantTensor> tensor = evaluateConstant(value);
    if (!tensor)
      return std::nullopt;
    ArrayRef<char> own = tensor->getBytes();
    bytes.insert(bytes.end(), own.begin(), own.end());
    rows += tensor->getType().getShape().front();
    if (!first)
      first = std::move(tensor);
  }
  SmallVector<int64_t> shape(first->getType().getShape());
  shape.front() = rows;
  ConstantTensor result(first->getType().clone(shape), std::move(bytes),
                        first->isResource());
  result.setName(first->getName());
  return result;
}

/// The factors of the columns of a product, if they are constant.
static bool appendAlphas(ScaledMatmulOp op, SmallVectorImpl<float> &alphas) {
  int64_t columns = getColumns(op);
  Value alpha = op.getAlpha();
  std::optional<APFloat> splat =
      alpha ? getConstantSplat(alpha) : APFloat(1.0f);
  if (splat) {
    alphas.append(columns, splat->convertToFloat());
    return true;
  }
  auto type = dyn_cast<RankedTensorType>(alpha.getType());
  auto tensor =
      type && isEvaluable(alpha) ? evaluateConstant(alpha) : std::nullopt;
  if (!tensor)
    return false;
  ::fp4q::ConstFloats values = tensor->getFloats();
  for (int64_t i = 0; i < columns; ++i)
    alphas.push_back(values.load(type.getRank() == 0 ? 0 : i));
  return true;
}

/// One f32 factor a column, of products of which some are not constant.
static Value emitAlphas(OpBuilder &builder, Location loc,
                        ArrayRef<ScaledMatmulOp> ops) {
  int64_t columns = 0;
  for (ScaledMatmulOp op : ops)
    columns += getColumns(op);
  Type f32 = builder.getF32Type();
  Value merged = tensor::EmptyOp::create(builder, loc, columns, f32);
  int64_t offset = 0;
  for (ScaledMatmulOp op : ops) {
    auto type = RankedTensorType::get({getColumns(op)}, f32);
    Value alpha = op.getAlpha();
    if (!alpha)
      alpha = arith::ConstantOp::create(builder, loc,
                                        builder.getF32FloatAttr(1.0f));
    auto own = dyn_cast<RankedTensorType>(alpha.getType());
    if (!own)
      alpha = tensor::SplatOp::create(builder, loc, alpha, type);
    else if (own.getRank() == 0)
      alpha = linalg::BroadcastOp::create(
                  builder, loc, alpha,
                  tensor::EmptyOp::create(builder, loc, type.getShape(), f32),
                  ArrayRef<int64_t>{0})
                  ->getResult(0);
    merged = tensor::InsertSliceOp::create(
        builder, loc, alpha, merged,
        ArrayRef<OpFoldResult>{builder.getIndexAttr(offset)},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(type.getDimSize(0))},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
    offset += type.getDimSize(0);
  }
  return merged;
}

namespace {

struct FP4QMergeMatmulsPass
    : public mlir::fp4q::impl::FP4QMergeMatmulsPassBase<FP4QMergeMatmulsPass> {
  using FP4QMergeMatmulsPassBase::FP4QMergeMatmulsPassBase;

  void decline(ScaledMatmulOp op, StringRef reason) {
    ++numDeclined;
    reportDeclined(op, DEBUG_TYPE, "product not merged")
        << remark::reason("{0}", reason);
  }

  /// alpha of the merged product: none, or the one that all share, or one a
  /// column. Null with `failed` set if one cannot be computed in front of them.
  Value mergeAlpha(IRRewriter &rewriter, ArrayRef<ScaledMatmulOp> ops,
                   bool &failed) {
    ScaledMatmulOp first = ops.front();
    Value alpha = first.getAlpha();
    auto type = alpha ? dyn_cast<RankedTensorType>(alpha.getType()) : nullptr;
    if ((!type || type.getRank() == 0) &&
        llvm::all_of(ops,
                     [&](ScaledMatmulOp op) { return op.getAlpha() == alpha; }))
      return alpha;
    SmallVector<float> alphas;
    if (llvm::all_of(
            ops, [&](ScaledMatmulOp op) { return appendAlphas(op, alphas); })) {
      auto merged = RankedTensorType::get(static_cast<int64_t>(alphas.size()),
                                          rewriter.getF32Type());
      return arith::ConstantOp::create(
          rewriter, first.getLoc(),
          DenseElementsAttr::get(merged, ArrayRef<float>(alphas)));
    }
    SmallVector<Value> values;
    for (ScaledMatmulOp op : ops)
      if (Value value = op.getAlpha())
        values.push_back(value);
    // Side effects and the products themselves stand in the way.
    failed = mlir::failed(moveValueDefinitions(rewriter, values, first,
                                               getAnalysis<DominanceInfo>()));
    return failed ? Value() : emitAlphas(rewriter, first.getLoc(), ops);
  }

  /// matmul(%a, %b0), matmul(%a, %b1), ... -> slices of matmul(%a, [%b0; %b1])
  void merge(Products &ops) {
    ScaledMatmulOp first = ops.front();
    Location loc = first.getLoc();
    IRRewriter builder(first);
    bool failed = false;
    Value alpha = mergeAlpha(builder, ops, failed);
    if (failed) {
      for (ScaledMatmulOp op : ops)
        decline(op, "the alpha of one of the products cannot be computed in "
                    "front of the first");
      return;
    }
    auto concatenateOperand =
        [&](llvm::function_ref<Value(ScaledMatmulOp)> get) -> Value {
      SmallVector<Value> values;
      for (ScaledMatmulOp op : ops)
        values.push_back(get(op));
      std::optional<ConstantTensor> tensor = concatenate(values);
      return tensor ? arith::ConstantOp::create(builder, loc,
                                                tensor->toAttr("_merged"))
                    : Value();
    };
    Value b = concatenateOperand([](ScaledMatmulOp op) { return op.getB(); });
    Value scales =
        concatenateOperand([](ScaledMatmulOp op) { return op.getBScales(); });
    Value bias;
    if (first.getBias())
      bias = concatenateOperand([](ScaledMatmulOp op) { return op.getBias(); });
    if (!b || !scales || (first.getBias() && !bias))
      return; // A resource without the bytes of its type, which verifiers name.

    int64_t columns = cast<RankedTensorType>(b.getType()).getShape().front();
    Type element = getElementTypeOrSelf(first->getResult(0));
    Value init = createEmptyLike(builder, loc, first.getA(), columns, element);
    auto product = ScaledMatmulOp::create(
        builder, loc, init.getType(), first.getA(), first.getAScales(), b,
        scales, alpha, bias, init, first.getAScaleLayout(), ScaleLayout::Linear,
        first.getGroupSizeAttr());
    product->setDiscardableAttrs(first->getDiscardableAttrDictionary());

    Value result = product->getResult(0);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, result);
    SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
    int64_t offset = 0;
    for (ScaledMatmulOp op : ops) {
      ++numMerged;
      reportMade(op, DEBUG_TYPE, "product merged")
          << remark::metric("columns", columns);
      offsets.back() = builder.getIndexAttr(offset);
      sizes.back() = builder.getIndexAttr(getColumns(op));
      Value slice = tensor::ExtractSliceOp::create(builder, loc, result,
                                                   offsets, sizes, strides);
      if (slice.getType() != op->getResult(0).getType())
        slice = tensor::CastOp::create(builder, loc, op->getResult(0).getType(),
                                       slice);
      op->getResult(0).replaceAllUsesWith(slice);
      offset += getColumns(op);
      dead.insert(op);
    }
  }

  void runOnOperation() override {
    llvm::MapVector<Key, Products> groups;
    getOperation()->walk([&](ScaledMatmulOp op) {
      if (op.hasPureTensorSemantics())
        groups[getKey(op)].push_back(op);
    });
    for (auto &[key, ops] : groups) {
      if (ops.size() < 2)
        continue;
      llvm::erase_if(ops, [&](ScaledMatmulOp op) {
        StringRef reason = getObstacle(op);
        if (!reason.empty())
          decline(op, reason);
        return !reason.empty();
      });
      if (ops.size() >= 2)
        merge(ops);
    }
    eraseDead(std::move(dead));
    dead.clear();
  }

  llvm::SetVector<Operation *> dead;
};

} // namespace
