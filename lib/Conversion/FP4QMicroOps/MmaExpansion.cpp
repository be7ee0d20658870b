//===- MmaExpansion.cpp - mma_block_scaled by exact bf16 products ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decoded element times its scale has few enough significant bits for bf16,
// and a product of two of them for f32. A dot product does not depend on the
// order of k, so A and B may be permuted along k alike: as it happens, to what
// each lane holds already. With g = lane / 4 and t = lane % 4,
//
//   fragment of m16n8k64, e2m1         fragment of m16n8k16, bf16
//   a[r], elements 0..7                a[r], elements 0, 1
//     row g + 8 * (r % 2)                row g + 8 * (r % 2)
//     k = 32 * (r / 2) + 8t + 0..7       k = 8 * (r / 2) + 2t + 0, 1
//   b[r], elements 0..7                b[r], elements 0, 1
//     column g                           column g
//     k = 32r + 8t + 0..7                k = 8r + 2t + 0, 1
//
// (PTX ISA 9.7.14.5 "Matrix Fragments for mma.m16n8k16 with floating point
// type" and "... m16n8k64"). Hence the bf16 product of the elements j and j + 4
// of every register takes the k of 8t + {j, j + 4} and 32 + 8t + {j, j + 4}
// over the four lanes t; j = 0, 1, 2, 3 take all 64.
//
// Scales: a register lies in one group of mxfp4, r / 2 of A and r of B, and in
// one of nvfp4, which depends on the lane: t / 2, plus 2 for the upper half.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// Writes the expansion of one operation.
class Expander {
public:
  Expander(ImplicitLocOpBuilder &b, ScaledFormat format)
      : b(b), format(format) {
    lane = arith::IndexCastOp::create(
        b, b.getI32Type(), gpu::LaneIdOp::create(b, /*upper_bound=*/nullptr));
  }

  /// The word of the lane `t` of this quad.
  Value wordOf(Value word, int64_t t) {
    Value source = arith::OrIOp::create(
        b, arith::AndIOp::create(b, lane, constant(~3)), constant(t));
    return gpu::ShuffleOp::create(b, word, source, constant(32),
                                  gpu::ShuffleMode::IDX)
        .getShuffleResult();
  }

  /// Two bf16 that are the scale of a register: `half` says whether the
  /// register has k = 0..31 or k = 32..63.
  Value decodeScale(Value word, int64_t byte, int64_t half) {
    Value shift = constant(8 * (byte + half * (32 / groupSizeOf(format))));
    if (format == ScaledFormat::NVFP4)
      // 8 * (t / 2)
      shift = add(shiftLeft(bitAnd(lane, 2), 2), shift);
    Value scale = bitAnd(arith::ShRUIOp::create(b, word, shift), 0xFF);
    if (format == ScaledFormat::MXFP4) {
      // The exponent field; 0 is the subnormal 2^-127, and 255 is NaN, not Inf:
      // both have the upper bit of the mantissa.
      Value isSpecial = arith::CmpIOp::create(
          b, arith::CmpIPredicate::ule, bitAnd(add(scale, constant(1)), 0xFF),
          constant(1));
      Value bits = arith::OrIOp::create(
          b, shiftLeft(scale, 7),
          arith::SelectOp::create(b, isSpecial, constant(0x40), constant(0)));
      return pairOf(twice(bits));
    }
    // Moved to the place of a bf16 whose exponent is 120 too small, which makes
    // the subnormals right, too. Bit 7 is clear.
    Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, scale,
                                        constant(0x7F));
    Value value = multiply(pairOf(twice(shiftLeft(scale, 4))), 0x1p120);
    return arith::SelectOp::create(b, isNaN, splat(NAN), value);
  }

  /// The eight elements of a register times their scale, as four words of two
  /// bf16: elements j and j + 4 are word j.
  ///
  /// A nibble's sign and magnitude, moved to the sign and to the lower exponent
  /// and upper mantissa bits of a bf16, are the element times 2^-126, also for
  /// 0.5, which becomes a subnormal. Two products make room: x * (2^12 + 2^6).
  /// The products with 2^126 and with the scale are exact.
  SmallVector<Value> decodeRegister(Value elements, Value scale) {
    SmallVector<Value> words;
    for (int64_t shift : {0, 8}) {
      Value codes = shift == 0
                        ? elements
                        : arith::ShRUIOp::create(b, elements, constant(shift))
                              .getResult();
      for (int64_t nibble : {0, 4}) {
        Value pair = bitAnd(codes, 0x000F000F << nibble);
        pair = arith::MulIOp::create(b, pair, constant(0x1040 >> nibble));
        Value value = multiply(pairOf(bitAnd(pair, 0x81C081C0)), 0x1p126);
        words.push_back(wordOf(multiply(value, scale)));
      }
    }
    return words;
  }

  SmallVector<Value> elementsOf(Value vector) {
    return SmallVector<Value>(
        vector::ToElementsOp::create(b, vector).getResults());
  }

  /// C + A * B for 16 of k.
  SmallVector<Value> multiplyTile(ValueRange a, ValueRange b2,
                                  ArrayRef<Value> c) {
    Type f32 = b.getF32Type();
    auto resultType = LLVM::LLVMStructType::getLiteral(
        b.getContext(), SmallVector<Type>(4, f32));
    Value product = NVVM::MmaOp::create(
        b, resultType, a, b2, ValueRange(c), ArrayRef<int64_t>{16, 8, 16},
        /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
        std::array{NVVM::MMATypes::bf16, NVVM::MMATypes::bf16},
        std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
    SmallVector<Value> results;
    for (int64_t i = 0; i < 4; ++i)
      results.push_back(LLVM::ExtractValueOp::create(b, product, i));
    return results;
  }

private:
  Value constant(int64_t value) {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value bitAnd(Value value, int64_t mask) {
    return arith::AndIOp::create(b, value, constant(mask));
  }
  Value shiftLeft(Value value, int64_t count) {
    return arith::ShLIOp::create(b, value, constant(count));
  }
  /// The lower half in both halves.
  Value twice(Value half) {
    return arith::MulIOp::create(b, half, constant(0x10001));
  }

  VectorType pairType() { return VectorType::get({2}, b.getBF16Type()); }
  VectorType wordType() { return VectorType::get({1}, b.getI32Type()); }
  /// A word as two bf16, and back.
  Value pairOf(Value word) {
    Value words = vector::BroadcastOp::create(b, wordType(), word);
    return vector::BitCastOp::create(b, pairType(), words);
  }
  Value wordOf(Value pair) {
    Value words = vector::BitCastOp::create(b, wordType(), pair);
    return vector::ExtractOp::create(b, words, int64_t(0));
  }
  Value splat(float value) {
    APFloat number(value);
    bool losesInfo;
    number.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &losesInfo);
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(pairType(), number));
  }
  /// Written as a fused multiply-add, which sm_80 has for pairs of bf16; adding
  /// -0 changes nothing. Neither flushes subnormals.
  Value multiply(Value pair, Value factor) {
    return LLVM::FMAOp::create(b, pair, factor, splat(-0.0f));
  }
  Value multiply(Value pair, float factor) {
    return multiply(pair, splat(factor));
  }

  ImplicitLocOpBuilder &b;
  ScaledFormat format;
  Value lane;
};

/// mma_block_scaled -> four nvvm.mma.sync on decoded fragments
struct MmaBlockScaledOpExpansion : public OpRewritePattern<MmaBlockScaledOp> {
  using OpRewritePattern<MmaBlockScaledOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(MmaBlockScaledOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Expander expander(b, op.getFormat());
    Value rowScales[2] = {
        expander.wordOf(op.getAScales(), 2 * op.getAThread()),
        expander.wordOf(op.getAScales(), 2 * op.getAThread() + 1)};
    Value columnScales = expander.wordOf(op.getBScales(), op.getBThread());
    SmallVector<SmallVector<Value>> aWords, bWords;
    for (auto [r, word] : llvm::enumerate(expander.elementsOf(op.getA())))
      aWords.push_back(expander.decodeRegister(
          word, expander.decodeScale(rowScales[r % 2], op.getAByte(), r / 2)));
    for (auto [r, word] : llvm::enumerate(expander.elementsOf(op.getB())))
      bWords.push_back(expander.decodeRegister(
          word, expander.decodeScale(columnScales, op.getBByte(), r)));
    SmallVector<Value> sum = expander.elementsOf(op.getC());
    for (int64_t j = 0; j < 4; ++j) {
      auto pick = [j](const SmallVector<Value> &words) { return words[j]; };
      sum = expander.multiplyTile(llvm::map_to_vector(aWords, pick),
                                  llvm::map_to_vector(bWords, pick), sum);
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, op.getResult().getType(), sum);
    return success();
  }
};

} // namespace

void mlir::fp4q::populateMmaExpansionPatterns(RewritePatternSet &patterns) {
  patterns.add<MmaBlockScaledOpExpansion>(
      patterns.getContext(),
      static_cast<unsigned short>(MicroOpBenefit::Portable));
}
