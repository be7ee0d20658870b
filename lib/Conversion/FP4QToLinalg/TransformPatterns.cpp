//===- TransformPatterns.cpp - block_transform to linalg ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::fp4q;

/// (..., B, B) -> (..., B, B) with the last two dimensions exchanged.
static Value transposeBlocks(OpBuilder &builder, Location loc, Value value) {
  RankedTensorType type = tensorTypeOf(value);
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(permutation[type.getRank() - 1], permutation[type.getRank() - 2]);
  Value init = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                       type.getElementType());
  return linalg::TransposeOp::create(builder, loc, value, init, permutation)
      ->getResult(0);
}

Value mlir::fp4q::emitTransform(OpBuilder &builder, Location loc, Value x,
                                Value transform) {
  RankedTensorType transformType = tensorTypeOf(transform);
  int64_t block = transformType.getShape().back();
  int64_t blocks = tensorTypeOf(x).getShape().back() / block;
  Value blocked = splitLastDim(builder, loc, x, {blocks, block});
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, loc, blocked);
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value init = linalg::FillOp::create(builder, loc, zero, empty)->getResult(0);

  // Loops: ..., c, j, i. With i innermost, each step updates adjacent
  // elements, which vectorizes without reordering any sum; for that T is
  // transposed, once, outside of the loops over rows.
  int64_t rank = sizes.size();
  SmallVector<AffineExpr> loops;
  for (int64_t d = 0; d <= rank; ++d)
    loops.push_back(builder.getAffineDimExpr(d));
  AffineExpr c = loops[rank - 2], j = loops[rank - 1], i = loops[rank];
  SmallVector<AffineExpr> leading(loops.begin(), loops.begin() + rank - 1);
  auto map = [&](ArrayRef<AffineExpr> outer, ArrayRef<AffineExpr> inner) {
    SmallVector<AffineExpr> exprs(outer);
    llvm::append_range(exprs, inner);
    return AffineMap::get(rank + 1, 0, exprs, builder.getContext());
  };
  SmallVector<AffineExpr> perBlock;
  if (transformType.getRank() == 3)
    perBlock.push_back(c);
  SmallVector<AffineMap> maps = {map(leading, j), map(perBlock, {j, i}),
                                 map(leading, i)};
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators[rank - 1] = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(),
      ValueRange{blocked, transposeBlocks(builder, loc, transform)},
      ValueRange{init}, maps, iterators,
      [](OpBuilder &nested, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, nested);
        ArithEmitter emitter(b);
        Value sum = math::FmaOp::create(b, emitter.extend(args[0]),
                                        emitter.extend(args[1]), args[2]);
        linalg::YieldOp::create(b, sum);
      });
  return mergeLastDims(builder, loc, generic.getResult(0), 2);
}

namespace {

/// block_transform -> contraction in f32, then one rounding
struct BlockTransformOpLowering : public OpRewritePattern<BlockTransformOp> {
  using OpRewritePattern<BlockTransformOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(BlockTransformOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    if (isForCPUKernels(op))
      return rewriter.notifyMatchFailure(op, "is left to the CPU kernels");
    Location loc = op.getLoc();
    Value y = emitTransform(rewriter, loc, op.getX(), op.getTransform());
    RankedTensorType type = tensorTypeOf(op.getInit());
    int64_t rank = type.getRank();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    auto rounded = createGeneric(
        rewriter, loc, y, op.getInit(), {identity, identity}, rank,
        /*numReductions=*/0,
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
          return {ArithEmitter(b).truncate(args[0], type.getElementType())};
        });
    rewriter.replaceOp(op, rounded.getResult(0));
    return success();
  }
};

} // namespace

void mlir::fp4q::populateTransformPatterns(RewritePatternSet &patterns) {
  patterns.add<BlockTransformOpLowering>(patterns.getContext());
}
