//===- CodecPatterns.cpp - decode, encode, group_dot for any target -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/Arith/ArithEmitter.h"
#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::fp4q;

static VectorType typeOf(Value vector) {
  return cast<VectorType>(vector.getType());
}

/// `vector` with its elements zero- or sign-extended to i32.
static Value extendToI32(ImplicitLocOpBuilder &b, Value vector,
                         bool isSigned = false) {
  Type type = typeOf(vector).clone(b.getI32Type());
  if (isSigned)
    return arith::ExtSIOp::create(b, type, vector);
  return arith::ExtUIOp::create(b, type, vector);
}

static Value splatI32(ImplicitLocOpBuilder &b, Value like, int32_t value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(typeOf(like), b.getI32IntegerAttr(value)));
}

/// Elements 2i and elements 2i+1 of an unpacked vector.
static std::pair<Value, Value> splitNibbles(ImplicitLocOpBuilder &b,
                                            Value vector, NibbleOrder order) {
  if (order == NibbleOrder::Interleaved) {
    auto op = vector::DeinterleaveOp::create(b, vector);
    return {op.getRes1(), op.getRes2()};
  }
  int64_t half = typeOf(vector).getNumElements() / 2;
  auto slice = [&](int64_t offset) -> Value {
    auto mask = llvm::to_vector(llvm::seq<int64_t>(offset, offset + half));
    return vector::ShuffleOp::create(b, vector, vector, mask);
  };
  return {slice(0), slice(half)};
}

/// The inverse.
static Value joinNibbles(ImplicitLocOpBuilder &b, Value even, Value odd,
                         NibbleOrder order) {
  if (order == NibbleOrder::Interleaved)
    return vector::InterleaveOp::create(b, even, odd);
  auto mask =
      llvm::to_vector(llvm::seq<int64_t>(2 * typeOf(even).getNumElements()));
  return vector::ShuffleOp::create(b, even, odd, mask);
}

/// The scale of each byte of codes, f32.
static Value scalePerByte(ImplicitLocOpBuilder &b, Value scales,
                          int64_t codes) {
  VectorType type = typeOf(scales);
  Value bytes = arith::BitcastOp::create(b, type.clone(b.getI8Type()), scales);
  Value values = ArithEmitter(b).decodeScale(
      extendToI32(b, bytes), getScaleType(type.getElementType()));
  int64_t group = codes / type.getNumElements();
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < codes; ++i)
    mask.push_back(i / group);
  return vector::ShuffleOp::create(b, values, values, mask);
}

namespace {

/// decode -> the codec of each nibble, times the scale of its byte
struct DecodeOpLowering : public OpRewritePattern<DecodeOp> {
  using OpRewritePattern<DecodeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(DecodeOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    ArithEmitter emitter(b);
    VectorType resultType = op.getResult().getType();
    Type elementType = resultType.getElementType();
    Value low = extendToI32(b, op.getCodes());
    Value high = arith::ShRUIOp::create(b, low, splatI32(b, low, 4));
    Value scale;
    if (op.getScales())
      scale = scalePerByte(b, op.getScales(), typeOf(low).getNumElements());
    auto decodeOne = [&](Value code) -> Value {
      if (elementType.isInteger()) {
        Value value = emitter.decodeTwiceE2M1(code);
        if (op.getBias() != 0)
          value = arith::AddIOp::create(
              b, value, splatI32(b, value, static_cast<int32_t>(op.getBias())));
        return arith::TruncIOp::create(b, typeOf(value).clone(elementType),
                                       value);
      }
      return emitter.truncate(scale ? emitter.dequantizeElement(code, scale)
                                    : emitter.decodeE2M1(code),
                              elementType);
    };
    Value even = decodeOne(low);
    Value odd = decodeOne(high);
    rewriter.replaceOp(op, joinNibbles(b, even, odd, op.getOrder()));
    return success();
  }
};

/// encode -> the codes of even and of odd elements, packed
struct EncodeOpLowering : public OpRewritePattern<EncodeOp> {
  using OpRewritePattern<EncodeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(EncodeOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    ArithEmitter emitter(b);
    auto zeroSign = op.getSignOfZero() == SignOfZero::SignBit
                        ? ::fp4q::ZeroSign::SignBit
                        : ::fp4q::ZeroSign::OnlyNegative;
    auto [even, odd] = splitNibbles(b, op.getValues(), op.getOrder());
    Value low = emitter.encodeE2M1(even, zeroSign);
    Value high = emitter.encodeE2M1(odd, zeroSign);
    high = arith::ShLIOp::create(b, high, splatI32(b, high, 4));
    rewriter.replaceOpWithNewOp<arith::TruncIOp>(
        op, op.getResult().getType(), arith::OrIOp::create(b, low, high));
    return success();
  }
};

/// group_dot -> products in i32, added up in two steps of neighbors
struct GroupDotOpLowering : public OpRewritePattern<GroupDotOp> {
  using OpRewritePattern<GroupDotOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupDotOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value sums =
        arith::MulIOp::create(b, extendToI32(b, op.getU()),
                              extendToI32(b, op.getS(), /*isSigned=*/true));
    for (int step = 0; step < 2; ++step) {
      auto halves = vector::DeinterleaveOp::create(b, sums);
      sums = arith::AddIOp::create(b, halves.getRes1(), halves.getRes2());
    }
    rewriter.replaceOpWithNewOp<arith::AddIOp>(op, op.getAcc(), sums);
    return success();
  }
};

} // namespace

void mlir::fp4q::populatePortableCodecPatterns(RewritePatternSet &patterns) {
  patterns.add<DecodeOpLowering, EncodeOpLowering, GroupDotOpLowering>(
      patterns.getContext(),
      static_cast<unsigned short>(MicroOpBenefit::Portable));
}
