//===- QuantizePatterns.cpp - quantize_pack to linalg ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::fp4q;

/// amax of each group of x (..., columns, G), as the bits of an f32:
/// (..., columns) of i32.
static Value emitGroupAmax(OpBuilder &builder, Location loc, Value x) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, x);
  int64_t rank = sizes.size();
  sizes.pop_back();
  Value empty =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getI32Type());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value init = linalg::FillOp::create(builder, loc, zero, empty)->getResult(0);
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  return createGeneric(builder, loc, x, init,
                       {identity, identity.dropResult(rank - 1)}, rank,
                       /*numReductions=*/1,
                       [](ImplicitLocOpBuilder &b,
                          ValueRange args) -> SmallVector<Value> {
                         Value bits = ArithEmitter(b).absBits(args[0]);
                         return {arith::MaxSIOp::create(b, bits, args[1])};
                       })
      .getResult(0);
}

namespace {

/// quantize_pack -> amax of the groups, scales, codes
struct QuantizePackOpLowering : public OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern<QuantizePackOp>::OpRewritePattern;

  /// The scale bytes of the groups of `x` (..., columns, G), into the init.
  Value emitScales(OpBuilder &builder, QuantizePackOp op, Value x,
                   Type inputType, const ::fp4q::Recipe &recipe) const {
    Location loc = op.getLoc();
    Value init = op.getInits().back();
    RankedTensorType type = tensorTypeOf(init);
    int64_t rank = type.getRank();
    AffineMap identity = builder.getMultiDimIdentityMap(rank);
    SmallVector<Value> inputs = {emitGroupAmax(builder, loc, x)};
    SmallVector<AffineMap> maps = {identity};
    ScalarOperand globalScale(op.getGlobalScale());
    ScalarOperand scaleScale(op.getScaleScale());
    globalScale.addTo(inputs, maps, rank);
    scaleScale.addTo(inputs, maps, rank);
    maps.push_back(identity);
    return createGeneric(
               builder, loc, inputs, init, maps, rank, /*numReductions=*/0,
               [&](ImplicitLocOpBuilder &b,
                   ValueRange args) -> SmallVector<Value> {
                 ArithEmitter emitter(b);
                 Value amax =
                     arith::BitcastOp::create(b, b.getF32Type(), args[0]);
                 Value s =
                     emitter.scaleOf(amax, globalScale.get(args),
                                     scaleScale.get(args), recipe, inputType);
                 Value byte = emitter.encodeScale(
                     s, getScaleType(type.getElementType()), recipe);
                 return {arith::BitcastOp::create(
                     b, type.getElementType(),
                     arith::TruncIOp::create(b, b.getI8Type(), byte))};
               })
        .getResult(0);
  }

  /// The packed codes of `x` (..., K) with these scales, into the init.
  Value emitCodes(OpBuilder &builder, QuantizePackOp op, Value x, Value scales,
                  Type inputType, const ::fp4q::Recipe &recipe) const {
    Location loc = op.getLoc();
    int64_t group = op.getGroupSizeValue();
    ::fp4q::ScaleType scaleType =
        getScaleType(tensorTypeOf(scales).getElementType());
    Value factors = mapScales(
        builder, loc, scales, op.getGlobalScale(), builder.getF32Type(),
        [&](ImplicitLocOpBuilder &b, Value byte, Value globalScale) {
          return ArithEmitter(b).groupFactor(byte, globalScale, scaleType,
                                             recipe);
        });
    // The elements of even and of odd number: bits 0-3 and 4-7 of the bytes.
    RankedTensorType type = tensorTypeOf(x);
    int64_t rank = type.getRank();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, x);
    sizes.back() = builder.getIndexAttr(type.getShape().back() / 2);
    SmallVector<OpFoldResult> strides(rank, builder.getIndexAttr(1));
    strides.back() = builder.getIndexAttr(2);
    auto everySecond = [&](int64_t first) -> Value {
      SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
      offsets.back() = builder.getIndexAttr(first);
      return tensor::ExtractSliceOp::create(builder, loc, x, offsets, sizes,
                                            strides);
    };
    AffineMap identity = builder.getMultiDimIdentityMap(rank);
    SmallVector<Value> inputs = {
        everySecond(0), everySecond(1),
        repeatLastDim(builder, loc, factors, group / 2)};
    SmallVector<AffineMap> maps(4, identity);
    return createGeneric(
               builder, loc, inputs, op.getInits().front(), maps, rank,
               /*numReductions=*/0,
               [&](ImplicitLocOpBuilder &b,
                   ValueRange args) -> SmallVector<Value> {
                 ArithEmitter emitter(b);
                 auto code = [&](Value element) {
                   return emitter.quantizeElement(emitter.extend(element),
                                                  args[2], recipe, inputType);
                 };
                 Value low = code(args[0]);
                 Value four =
                     arith::ConstantOp::create(b, b.getI32IntegerAttr(4));
                 Value high = arith::ShLIOp::create(b, code(args[1]), four);
                 Value pair = arith::OrIOp::create(b, low, high);
                 return {arith::TruncIOp::create(b, b.getI8Type(), pair)};
               })
        .getResult(0);
  }

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "expects tensors");
    if (isForCPUKernels(op))
      return rewriter.notifyMatchFailure(op, "is left to the CPU kernels");
    if (op.getScaleLayout() != ScaleLayout::Linear)
      return rewriter.notifyMatchFailure(op, "expects linear scales");
    Location loc = op.getLoc();
    Value x = op.getX();
    Type inputType = tensorTypeOf(x).getElementType();
    if (op.getTransform())
      x = emitTransform(rewriter, loc, x, op.getTransform());
    ::fp4q::Recipe recipe = op.getRecipeValue();
    if (op.hasGivenScales()) {
      rewriter.replaceOp(
          op, emitCodes(rewriter, op, x, op.getScales(), inputType, recipe));
      return success();
    }
    int64_t group = op.getGroupSizeValue();
    Value groups = splitLastDim(
        rewriter, loc, x, {tensorTypeOf(x).getShape().back() / group, group});
    Value scales = emitScales(rewriter, op, groups, inputType, recipe);
    Value codes = emitCodes(rewriter, op, x, scales, inputType, recipe);
    rewriter.replaceOp(op, {codes, scales});
    return success();
  }
};

} // namespace

void mlir::fp4q::populateQuantizePatterns(RewritePatternSet &patterns) {
  patterns.add<QuantizePackOpLowering>(patterns.getContext());
}
