//===- DecomposeMatmul.cpp - scaled_matmul as dequant and contraction -----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/Patterns.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_FP4QDECOMPOSEMATMULPASS
#include "fp4q/Dialect/FP4Q/Transforms/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

static Value dequantize(OpBuilder &builder, Location loc, Value codes,
                        Value scales) {
  return DequantOp::create(builder, loc, codes, scales,
                           /*globalScale=*/Value(), Direction::Multiply,
                           builder.getF32Type())
      ->getResult(0);
}

/// The f32 products sum over k of a[..., m, k] * b[(...,) k, n], each one chain
/// of fused multiply-adds of ascending k from +0.
static Value contract(OpBuilder &builder, Location loc, Value a, Value b,
                      ArrayRef<OpFoldResult> sizes) {
  int64_t rank = sizes.size();
  int64_t bRank = cast<ShapedType>(b.getType()).getRank();
  // Loops: batch..., m, k, n. With n innermost, each step updates adjacent
  // elements, which vectorizes without reordering any sum.
  MLIRContext *context = builder.getContext();
  SmallVector<AffineExpr> loops;
  for (int64_t i = 0; i <= rank; ++i)
    loops.push_back(builder.getAffineDimExpr(i));
  AffineExpr m = loops[rank - 2], k = loops[rank - 1], n = loops[rank];
  SmallVector<AffineExpr> batch(loops.begin(), loops.begin() + rank - 2);
  auto map = [&](ArrayRef<AffineExpr> leading, AffineExpr row, AffineExpr col) {
    SmallVector<AffineExpr> exprs(leading);
    exprs.append({row, col});
    return AffineMap::get(rank + 1, 0, exprs, context);
  };
  SmallVector<AffineMap> maps = {
      map(batch, m, k),
      map(bRank == 2 ? ArrayRef<AffineExpr>() : ArrayRef(batch), k, n),
      map(batch, m, n)};
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators[rank - 1] = utils::IteratorType::reduction;

  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value init = linalg::FillOp::create(builder, loc, zero, empty)->getResult(0);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), ValueRange{a, b}, ValueRange{init},
             maps, iterators,
             [](OpBuilder &nested, Location loc, ValueRange args) {
               Value sum =
                   math::FmaOp::create(nested, loc, args[0], args[1], args[2]);
               linalg::YieldOp::create(nested, loc, sum);
             })
      ->getResult(0);
}

/// round(alpha * acc), or round(fma(alpha, acc, bias)), into `init`. Rank-0 and
/// scalar alpha serve all columns. A null alpha is 1, a null bias absent.
static Value emitEpilogue(OpBuilder &builder, Location loc, Value acc,
                          Value alpha, Value bias, Value init) {
  auto type = cast<RankedTensorType>(init.getType());
  int64_t rank = type.getRank();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  AffineMap column =
      AffineMap::get(rank, 0, builder.getAffineDimExpr(rank - 1));
  SmallVector<Value> inputs = {acc};
  SmallVector<AffineMap> maps = {identity};
  Value scalarAlpha;
  if (alpha) {
    auto alphaType = dyn_cast<RankedTensorType>(alpha.getType());
    if (alphaType) {
      inputs.push_back(alpha);
      maps.push_back(alphaType.getRank() == 1
                         ? column
                         : AffineMap::get(rank, 0, builder.getContext()));
    } else {
      scalarAlpha = alpha;
    }
  }
  if (bias) {
    inputs.push_back(bias);
    maps.push_back(column);
  }
  maps.push_back(identity);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, type, inputs, ValueRange{init}, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange args) {
               Value sum = args[0];
               Value factor = scalarAlpha;
               if (alpha && !factor)
                 factor = args[1];
               if (bias) {
                 Value addend = args[inputs.size() - 1];
                 if (!addend.getType().isF32())
                   addend = arith::ExtFOp::create(nested, loc,
                                                  nested.getF32Type(), addend);
                 sum = factor ? math::FmaOp::create(nested, loc, factor, sum,
                                                    addend)
                                    .getResult()
                              : arith::AddFOp::create(nested, loc, sum, addend)
                                    .getResult();
               } else if (factor) {
                 sum = arith::MulFOp::create(nested, loc, factor, sum);
               }
               if (!type.getElementType().isF32())
                 sum = arith::TruncFOp::create(nested, loc,
                                               type.getElementType(), sum);
               linalg::YieldOp::create(nested, loc, sum);
             })
      ->getResult(0);
}

namespace {

/// scaled_matmul -> dequant, dequant, transpose, contraction, epilogue
struct DecomposeScaledMatmul : public OpRewritePattern<ScaledMatmulOp> {
  using OpRewritePattern<ScaledMatmulOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ScaledMatmulOp op,
                                PatternRewriter &rewriter) const override {
    if (isForCPUKernels(op))
      return rewriter.notifyMatchFailure(op, "is left to the CPU kernels");
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    if (op.getGroupSizeAttr())
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    Location loc = op.getLoc();
    Value a = dequantize(rewriter, loc, op.getA(), op.getAScales());
    Value codes = op.getB();
    if (op.hasPackedB()) {
      Value init = createEmptyLike(
          rewriter, loc, op.getBScales(),
          cast<ShapedType>(op.getA().getType()).getShape().back(),
          rewriter.getI8Type());
      codes =
          UnpackWeightsOp::create(rewriter, loc, init.getType(), codes, init)
              ->getResult(0);
    }
    Value b = dequantize(rewriter, loc, codes, op.getBScales());
    // The innermost loop of the contraction runs over adjacent columns.
    Value bT = transposeLastTwo(rewriter, loc, b);
    Value acc = contract(rewriter, loc, a, bT,
                         tensor::getMixedSizes(rewriter, loc, op.getInit()));
    rewriter.replaceOp(op, emitEpilogue(rewriter, loc, acc, op.getAlpha(),
                                        op.getBias(), op.getInit()));
    return success();
  }
};

struct FP4QDecomposeMatmulPass
    : public mlir::fp4q::impl::FP4QDecomposeMatmulPassBase<
          FP4QDecomposeMatmulPass> {
  using FP4QDecomposeMatmulPassBase::FP4QDecomposeMatmulPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateDecomposeMatmulPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void mlir::fp4q::populateDecomposeMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeScaledMatmul>(patterns.getContext());
}
