//===- GPUCodecPatterns.cpp - decode and encode for lanes of GPUs ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/Arith/ArithEmitter.h"
#include "fp4q/CodeGen/GPU/Codec.h"
#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Codes in a word.
constexpr int64_t kCodes = 8;

/// Bytes as words of at most four, zero-extended if they are fewer.
static SmallVector<Value> wordsOfBytes(ImplicitLocOpBuilder &b, Value bytes) {
  int64_t count = cast<VectorType>(bytes.getType()).getNumElements();
  WordEmitter emitter(b);
  if (count % 4 == 0)
    return emitter.wordsOf(bytes);
  Value word;
  auto elements = vector::ToElementsOp::create(b, bytes);
  for (auto [i, byte] : llvm::enumerate(elements.getResults())) {
    Value wide = emitter.shiftLeft(
        arith::ExtUIOp::create(b, b.getI32Type(), byte), 8 * int64_t(i));
    word = word ? emitter.bitOr(word, wide) : wide;
  }
  return {word};
}

/// The inverse.
static Value bytesOfWords(ImplicitLocOpBuilder &b, ArrayRef<Value> words,
                          VectorType type) {
  int64_t count = type.getNumElements();
  if (count % 4 == 0) {
    Value vector = vector::FromElementsOp::create(
        b,
        VectorType::get({static_cast<int64_t>(words.size())}, b.getI32Type()),
        words);
    return vector::BitCastOp::create(b, type, vector);
  }
  WordEmitter emitter(b);
  SmallVector<Value> bytes;
  for (int64_t i = 0; i < count; ++i)
    bytes.push_back(arith::TruncIOp::create(
        b, b.getI8Type(), emitter.shiftRight(words.front(), 8 * i)));
  return vector::FromElementsOp::create(b, type, bytes);
}

namespace {

/// decode without scales to floats -> the codec of each element
struct DecodeOpForGPU : public OpRewritePattern<DecodeOp> {
  using OpRewritePattern<DecodeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(DecodeOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = op.getResult().getType();
    int64_t bytes = type.getNumElements() / 2;
    if (op.getScales() || type.getElementType().isInteger() ||
        op.getOrder() != NibbleOrder::Interleaved ||
        (bytes > 4 && bytes % 4 != 0))
      return rewriter.notifyMatchFailure(op,
                                         "is left to the portable lowering");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    WordEmitter emitter(b);
    SmallVector<Value> elements;
    SmallVector<Value> words = wordsOfBytes(b, op.getCodes());
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      Value code = emitter.shiftRight(words[i / kCodes], i % kCodes * 4);
      elements.push_back(ArithEmitter(b).truncate(emitter.decodeElement(code),
                                                  type.getElementType()));
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, elements);
    return success();
  }
};

/// encode -> eight elements to a word
struct EncodeOpForGPU : public OpRewritePattern<EncodeOp> {
  using OpRewritePattern<EncodeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(EncodeOp op,
                                PatternRewriter &rewriter) const override {
    VectorType type = op.getResult().getType();
    int64_t bytes = type.getNumElements();
    if (op.getOrder() != NibbleOrder::Interleaved ||
        (bytes > 4 && bytes % 4 != 0))
      return rewriter.notifyMatchFailure(op,
                                         "is left to the portable lowering");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    WordEmitter emitter(b);
    auto elements = vector::ToElementsOp::create(b, op.getValues());
    SmallVector<Value> values(elements.getResults());
    if (op.getSignOfZero() == SignOfZero::OnlyNegative) {
      // The sum of -0 and 0 is 0.
      Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
      for (Value &t : values)
        t = arith::AddFOp::create(b, t, zero);
    }
    SmallVector<Value> words;
    for (int64_t at = 0; at < 2 * bytes; at += kCodes) {
      int64_t count = std::min(kCodes, 2 * bytes - at);
      words.push_back(
          emitter.encodeElements(ValueRange(values).slice(at, count)));
    }
    rewriter.replaceOp(op, bytesOfWords(b, words, type));
    return success();
  }
};

} // namespace

void mlir::fp4q::populateGPUCodecPatterns(RewritePatternSet &patterns) {
  patterns.add<DecodeOpForGPU, EncodeOpForGPU>(
      patterns.getContext(),
      static_cast<unsigned short>(MicroOpBenefit::ForTarget));
}
