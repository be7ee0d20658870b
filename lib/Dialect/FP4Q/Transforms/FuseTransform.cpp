//===- FuseTransform.cpp - transforms into quantizers ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk: every decision is made once, and reported where it is made.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/Remarks.h"
#include "fp4q/Dialect/FP4Q/Transforms/ConstantTensor.h"
#include "fp4q/Dialect/FP4Q/Transforms/LookThrough.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/FormatVariadic.h"

#define DEBUG_TYPE "fp4q-fuse-transform"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QFUSETRANSFORMPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// What is known of values
//===----------------------------------------------------------------------===//

/// Whether T is a constant whose matrices are all the identity.
static bool isIdentity(Value transform) {
  Attribute value;
  if (!matchPattern(transform, m_Constant(&value)))
    return false;
  std::optional<ConstantTensor> tensor = ConstantTensor::get(value);
  if (!tensor)
    return false;
  int64_t block = tensor->getType().getShape().back();
  ::fp4q::ConstFloats floats = tensor->getFloats();
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i) {
    bool diagonal = i % block == i / block % block;
    // -0 is no zero here: its products have the other sign.
    if (::fp4q::bitsOf(floats.load(i)) !=
        ::fp4q::bitsOf(diagonal ? 1.0f : 0.0f))
      return false;
  }
  return true;
}

/// Whether no element of `value` is Inf, NaN or -0, because they are integers
/// that the type holds.
static bool isFiniteWithoutNegativeZero(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    std::optional<FloatCast> cast = matchFloatCast(value);
    if (!isLeadingReshape(op) && !(cast && cast->widens))
      break;
    value = op->getOperand(0);
  }
  Operation *op = getElementwiseUnaryOp(value);
  if (!isa_and_nonnull<arith::SIToFPOp, arith::UIToFPOp>(op))
    return false;
  unsigned bits =
      getElementTypeOrSelf(op->getOperand(0).getType()).getIntOrFloatBitWidth();
  if (isa<arith::SIToFPOp>(op))
    --bits; // -2^(n-1) is the largest magnitude
  // f16 ends at 65504, and 2^16 - 1 would round to Inf.
  return bits <= (getElementTypeOrSelf(value).isF16() ? 15 : 64);
}

/// What stands between a transform and the quantizer that it could be fused
/// into.
struct Candidate {
  BlockTransformOp transform; ///< null: x is not a transformed tensor
  /// Reshapes between the two, the last one first.
  SmallVector<Operation *> reshapes;
  /// The first rounding that fusion would skip without leave, going up.
  Operation *rounding = nullptr;
  /// Whether any rounding would be skipped, with leave or without.
  bool skipsRounding = false;
  bool hasOtherUses = false;
};

static Candidate findTransform(QuantizePackOp op) {
  Candidate candidate;
  auto noteRounding = [&](Operation *rounding, bool relaxed) {
    candidate.skipsRounding = true;
    if (!relaxed && !candidate.rounding)
      candidate.rounding = rounding;
  };
  Value value = op.getX();
  while (Operation *producer = value.getDefiningOp()) {
    candidate.hasOtherUses |= !value.hasOneUse();
    if (auto transform = dyn_cast<BlockTransformOp>(producer)) {
      candidate.transform = transform;
      if (!getElementTypeOrSelf(value).isF32())
        noteRounding(transform, isRelaxed(transform));
      return candidate;
    }
    if (isLeadingReshape(producer)) {
      candidate.reshapes.push_back(producer);
      value = producer->getOperand(0);
      continue;
    }
    std::optional<FloatCast> cast = matchFloatCast(value);
    if (!cast)
      break;
    if (!cast->widens)
      noteRounding(cast->op, cast->relaxed);
    value = cast->source;
  }
  return candidate;
}

/// Whether the recipe rounds intermediate values to the type of x.
static bool readsInputType(QuantizePackOp op) {
  return op.getRecipeValue().intermediate != ::fp4q::Intermediate::F32;
}

namespace {

struct FP4QFuseTransformPass
    : public mlir::fp4q::impl::FP4QFuseTransformPassBase<
          FP4QFuseTransformPass> {
  using FP4QFuseTransformPassBase::FP4QFuseTransformPassBase;

  /// Why the transform must stay where it is; empty if it need not.
  std::string getObstacle(QuantizePackOp op, Candidate &candidate) {
    if (op.getTransform())
      return "the quantizer has a transform already";
    if (candidate.rounding && !relaxed) {
      Type type = getElementTypeOrSelf(candidate.rounding->getResult(0));
      return llvm::formatv("fusion would skip the rounding of {0} to {1}, "
                           "which neither {2} nor the option relaxed permits",
                           candidate.rounding->getName().getStringRef(), type,
                           kRelaxedAttr);
    }
    if (readsInputType(op) &&
        getElementTypeOrSelf(op.getX()) !=
            getElementTypeOrSelf(candidate.transform.getX()))
      return "the recipe rounds to the type of x, which fusion would change";
    if (candidate.hasOtherUses && !multiUse)
      return "the transform's result has other uses, for which it would be "
             "computed again; the option multi-use permits it";
    return "";
  }

  /// quantize_pack(reshape(cast(block_transform(%x, %t))))
  ///   -> quantize_pack(reshape(%x)) transform(%t)
  void fuseTransform(QuantizePackOp op) {
    Candidate candidate = findTransform(op);
    if (!candidate.transform)
      return;
    std::string obstacle = getObstacle(op, candidate);
    if (!obstacle.empty()) {
      ++numDeclined;
      reportDeclined(op, DEBUG_TYPE, "transform not fused")
          << remark::reason("{0}", obstacle);
      return;
    }
    ++numFused;
    reportMade(op, DEBUG_TYPE, "transform fused") << remark::reason(
        candidate.skipsRounding ? "its result is not rounded, as permitted"
                                : "its result is f32, so no bit changes");
    OpBuilder builder(op);
    Value x = candidate.transform.getX();
    for (Operation *reshape : llvm::reverse(candidate.reshapes))
      x = applyLeadingReshape(builder, reshape, x);
    noteReplaced(op.getX());
    op.getXMutable().assign(x);
    op.getTransformMutable().assign(candidate.transform.getTransform());
  }

  /// op(extf(%x)) -> op(%x)
  ///
  /// Operands are widened to f32 anyway. If there is a transform, it is f32
  /// next to an f32 x, which is legal next to a narrower x too.
  void absorbWidening(Operation *op, OpOperand &x) {
    Value source = skipWidening(x.get());
    if (source == x.get())
      return;
    if (auto quantize = dyn_cast<QuantizePackOp>(op);
        quantize && readsInputType(quantize)) {
      ++numDeclined;
      reportDeclined(op, DEBUG_TYPE, "widening of x not absorbed")
          << remark::reason("the recipe rounds to the type of x");
      return;
    }
    ++numWideningsAbsorbed;
    reportMade(op, DEBUG_TYPE, "widening of x absorbed")
        << remark::reason("x is widened to f32 exactly in any case");
    noteReplaced(x.get());
    x.set(source);
  }

  /// Whether an identity on `x` may go: products of zeros with Inf and NaN are
  /// NaN, and +0 is added to -0.
  bool mayDropIdentity(Operation *op, Value x) {
    bool exact = isFiniteWithoutNegativeZero(x);
    if (exact || relaxed || isRelaxed(op)) {
      ++numIdentitiesDropped;
      reportMade(op, DEBUG_TYPE, "identity transform dropped")
          << remark::reason(exact ? "x holds integers, so no bit changes"
                                  : "permitted: Inf, NaN and -0 of x stay "
                                    "what they are");
      return true;
    }
    ++numDeclined;
    reportDeclined(op, DEBUG_TYPE, "identity transform kept")
        << remark::reason("x may hold Inf, NaN or -0, which it changes, and "
                          "neither {0} nor the option relaxed permits that",
                          kRelaxedAttr);
    return false;
  }

  /// quantize_pack(%x) transform(identity) -> quantize_pack(%x)
  void dropIdentity(QuantizePackOp op) {
    if (op.getTransform() && isIdentity(op.getTransform()) &&
        mayDropIdentity(op, op.getX()))
      op.getTransformMutable().clear();
  }

  /// block_transform(%x, identity) -> %x, widened or rounded to the result
  void dropIdentity(BlockTransformOp op) {
    if (!isIdentity(op.getTransform()) || !mayDropIdentity(op, op.getX()))
      return;
    OpBuilder builder(op);
    Value x = op.getX();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto xType = cast<RankedTensorType>(x.getType());
    Type element = type.getElementType();
    if (xType.getElementType() != element) {
      // Between bf16 and f16 there is no cast but by way of f32.
      if (!xType.getElementType().isF32())
        x = arith::ExtFOp::create(builder, op.getLoc(),
                                  xType.clone(builder.getF32Type()), x);
      if (!element.isF32())
        x = arith::TruncFOp::create(builder, op.getLoc(), xType.clone(element),
                                    x);
    }
    if (x.getType() != type)
      x = tensor::CastOp::create(builder, op.getLoc(), type, x);
    op->getResult(0).replaceAllUsesWith(x);
    replaced.insert(op);
  }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](DestinationStyleOpInterface op) {
      if (isa<BlockTransformOp, QuantizePackOp, GlobalScaleOp>(op) &&
          op.hasPureTensorSemantics())
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto quantize = dyn_cast<QuantizePackOp>(op)) {
        fuseTransform(quantize);
        absorbWidening(op, quantize.getXMutable());
        dropIdentity(quantize);
      } else if (auto transform = dyn_cast<BlockTransformOp>(op)) {
        absorbWidening(op, transform.getXMutable());
        dropIdentity(transform);
      } else {
        absorbWidening(op, cast<GlobalScaleOp>(op).getXMutable());
      }
    }
    eraseDead(std::move(replaced));
    replaced.clear();
  }

  void noteReplaced(Value value) {
    if (Operation *op = value.getDefiningOp())
      replaced.insert(op);
  }

  llvm::SetVector<Operation *> replaced; ///< may have no use any more
};

} // namespace
