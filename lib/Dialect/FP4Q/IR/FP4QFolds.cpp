//===- FP4QFolds.cpp - canonicalization of the fp4q dialect ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Whether the init is to stay: it is a tensor.empty already, or a slice of a
/// larger destination, as tiling leaves it, which is to be written in place.
static bool keepsInit(OpOperand &init) {
  Value value = init.get();
  if (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return isa_and_nonnull<tensor::EmptyOp, tensor::ExtractSliceOp>(
      value.getDefiningOp());
}

namespace {

/// op outs(%any) -> op outs(tensor.empty)
///
/// Inits are never read, so which tensor they are does not matter; when all of
/// them are tensor.empty of the same sizes, equal operations become identical
/// and CSE merges them.
template <typename OpTy>
struct ReplaceInitByEmpty : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "memrefs are written in place");
    MutableOperandRange inits = op.getDpsInitsMutable();
    if (llvm::all_of(inits, keepsInit))
      return rewriter.notifyMatchFailure(op, "no init to replace");
    ReifiedRankedShapedTypeDims sizes;
    if (failed(op.reifyResultShapes(rewriter, sizes)))
      return rewriter.notifyMatchFailure(op, "result shapes are unknown");
    for (auto [init, size] : llvm::zip_equal(inits, sizes)) {
      if (keepsInit(init))
        continue;
      auto type = cast<RankedTensorType>(init.get().getType());
      Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), size,
                                            type.getElementType());
      // The reified sizes can be more static than the init's type.
      if (empty.getType() != type)
        empty = tensor::CastOp::create(rewriter, op.getLoc(), type, empty);
      rewriter.modifyOpInPlace(op, [&, &init = init] { init.set(empty); });
    }
    return success();
  }
};

/// quantize_pack(block_transform(%x, %t)) -> quantize_pack(%x) transform(%t)
///
/// Only where no bit changes: the fused operation never rounds the transform's
/// result, so that result must be f32. Not if something else uses it too, which
/// would compute the transform twice.
struct FuseTransformIntoQuantize : public OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern<QuantizePackOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    auto transform = op.getX().getDefiningOp<BlockTransformOp>();
    if (!transform)
      return rewriter.notifyMatchFailure(op, "x is no block_transform");
    if (op.getTransform())
      return rewriter.notifyMatchFailure(op, "there is a transform already");
    if (!getElementTypeOrSelf(op.getX()).isF32())
      return rewriter.notifyMatchFailure(
          op, "the transform's result is rounded, which fusion would skip");
    if (!op.getX().hasOneUse())
      return rewriter.notifyMatchFailure(op, "the transform has other uses");
    // Such a recipe rounds to the type of x, which fusion changes.
    if (op.getRecipeValue().intermediate != ::fp4q::Intermediate::F32 &&
        !getElementTypeOrSelf(transform.getX()).isF32())
      return rewriter.notifyMatchFailure(op, "the recipe rounds to x's type");
    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(transform.getX());
      op.getTransformMutable().assign(transform.getTransform());
    });
    return success();
  }
};

/// op outs(%init : tensor<0x...>) -> %init
///
/// Results without elements need no computation, whose slices MLIR would
/// reject: it takes the offset 0 of a static dimension 0 as out of bounds.
template <typename OpTy>
struct RemoveWithoutElements : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "memrefs have no results");
    for (Value result : op->getResults())
      if (!llvm::is_contained(cast<ShapedType>(result.getType()).getShape(), 0))
        return rewriter.notifyMatchFailure(op, "there may be elements");
    rewriter.replaceOp(op, ValueRange(op.getDpsInitsMutable()));
    return success();
  }
};

/// Whether two tensors of one type have the same sizes in all dimensions but
/// the last one, which is static.
static bool haveSameRows(Value a, Value b) {
  auto type = cast<RankedTensorType>(a.getType());
  for (int64_t d = 0; d < type.getRank() - 1; ++d) {
    if (!type.isDynamicDim(d))
      continue;
    FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual({a, d}, {b, d});
    if (failed(equal) || !*equal)
      return false;
  }
  return true;
}

/// unswizzle_scales(swizzle_scales(%x)) -> %x
/// unpack_weights(pack_weights(%x)) -> %x
///
/// Only if no rows are dropped or added: the tiled tensor does not tell how
/// many there are.
template <typename OpTy, typename InverseOp>
struct CancelToLinear : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "memrefs are written in place");
    auto inverse = op.getSource().template getDefiningOp<InverseOp>();
    if (!inverse)
      return rewriter.notifyMatchFailure(op, "the source was not linear");
    Value linear = inverse.getSource();
    if (linear.getType() != op.getInit().getType() ||
        !haveSameRows(linear, op.getInit()))
      return rewriter.notifyMatchFailure(op, "the sizes may differ");
    rewriter.replaceOp(op, linear);
    return success();
  }
};

/// swizzle_scales(unswizzle_scales(%z)) -> %z
///
/// Only if the bytes of %z that stand for no scale are known to be 0: there are
/// none, or a quantizer of as many rows has written them.
struct CancelSwizzle : public OpRewritePattern<SwizzleScalesOp> {
  using OpRewritePattern<SwizzleScalesOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(SwizzleScalesOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "memrefs are written in place");
    auto unswizzle = op.getSource().getDefiningOp<UnswizzleScalesOp>();
    if (!unswizzle)
      return rewriter.notifyMatchFailure(op, "the source is not unswizzled");
    Value blocked = unswizzle.getSource();
    if (blocked.getType() != op.getInit().getType())
      return rewriter.notifyMatchFailure(op, "the sizes may differ");
    auto type = cast<RankedTensorType>(op.getSource().getType());
    int64_t rows = type.getDimSize(type.getRank() - 2);
    bool isFull = !ShapedType::isDynamic(rows) && rows % kSwizzleRows == 0 &&
                  type.getShape().back() % kSwizzleCols == 0;
    // Rows that are dropped become padding, and columns too.
    auto quantize = blocked.getDefiningOp<QuantizePackOp>();
    bool isPaddedWithZeros =
        quantize && hasZeroPadding(blocked, type.getShape().back()) &&
        type.getShape().drop_back() ==
            cast<RankedTensorType>(quantize->getResult(0).getType())
                .getShape()
                .drop_back() &&
        haveSameRows(quantize->getResult(0), unswizzle.getInit());
    if (!isFull && !isPaddedWithZeros)
      return rewriter.notifyMatchFailure(op, "there may be padding to clear");
    rewriter.replaceOp(op, blocked);
    return success();
  }
};

/// pack_weights(unpack_weights(%z)) -> %z
///
/// Only if no byte stands for no code: such bytes become 0.
struct CancelPack : public OpRewritePattern<PackWeightsOp> {
  using OpRewritePattern<PackWeightsOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(PackWeightsOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "memrefs are written in place");
    auto unpack = op.getSource().getDefiningOp<UnpackWeightsOp>();
    if (!unpack)
      return rewriter.notifyMatchFailure(op, "the source was not packed");
    Value packed = unpack.getSource();
    if (packed.getType() != op.getInit().getType())
      return rewriter.notifyMatchFailure(op, "the sizes may differ");
    auto type = cast<RankedTensorType>(op.getSource().getType());
    int64_t rows = type.getDimSize(type.getRank() - 2);
    if (ShapedType::isDynamic(rows) || rows % kPackedRows != 0 ||
        type.getShape().back() % kPackedRowBytes != 0)
      return rewriter.notifyMatchFailure(op, "there may be padding to clear");
    rewriter.replaceOp(op, packed);
    return success();
  }
};

} // namespace

#define FP4Q_DEFINE_CANONICALIZER(OpTy)                                        \
  void OpTy::getCanonicalizationPatterns(RewritePatternSet &results,           \
                                         MLIRContext *context) {               \
    results.add<RemoveWithoutElements<OpTy>, ReplaceInitByEmpty<OpTy>>(        \
        context);                                                              \
  }
FP4Q_DEFINE_CANONICALIZER(BlockTransformOp)
FP4Q_DEFINE_CANONICALIZER(GlobalScaleOp)
FP4Q_DEFINE_CANONICALIZER(DequantOp)
FP4Q_DEFINE_CANONICALIZER(ScaledMatmulOp)
#undef FP4Q_DEFINE_CANONICALIZER

void QuantizePackOp::getCanonicalizationPatterns(RewritePatternSet &results,
                                                 MLIRContext *context) {
  results.add<RemoveWithoutElements<QuantizePackOp>,
              ReplaceInitByEmpty<QuantizePackOp>>(context);
  results.addWithLabel<FuseTransformIntoQuantize>({kFuseTransformLabel},
                                                  context);
}

void SwizzleScalesOp::getCanonicalizationPatterns(RewritePatternSet &results,
                                                  MLIRContext *context) {
  results.add<CancelSwizzle, RemoveWithoutElements<SwizzleScalesOp>,
              ReplaceInitByEmpty<SwizzleScalesOp>>(context);
}

void UnswizzleScalesOp::getCanonicalizationPatterns(RewritePatternSet &results,
                                                    MLIRContext *context) {
  results.add<CancelToLinear<UnswizzleScalesOp, SwizzleScalesOp>,
              RemoveWithoutElements<UnswizzleScalesOp>,
              ReplaceInitByEmpty<UnswizzleScalesOp>>(context);
}

void PackWeightsOp::getCanonicalizationPatterns(RewritePatternSet &results,
                                                MLIRContext *context) {
  results.add<CancelPack, RemoveWithoutElements<PackWeightsOp>,
              ReplaceInitByEmpty<PackWeightsOp>>(context);
}

void UnpackWeightsOp::getCanonicalizationPatterns(RewritePatternSet &results,
                                                  MLIRContext *context) {
  results.add<CancelToLinear<UnpackWeightsOp, PackWeightsOp>,
              RemoveWithoutElements<UnpackWeightsOp>,
              ReplaceInitByEmpty<UnpackWeightsOp>>(context);
}
