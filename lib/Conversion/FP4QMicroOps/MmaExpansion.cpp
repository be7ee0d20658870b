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

#include "fp4q/CodeGen/GPU/Codec.h"
#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// Writes the expansion of one operation.
class Expander : public WordEmitter {
public:
  Expander(ImplicitLocOpBuilder &builder, ScaledFormat format)
      : WordEmitter(builder), b(builder), format(format) {
    lane = arith::IndexCastOp::create(
        b, b.getI32Type(), gpu::LaneIdOp::create(b, /*upper_bound=*/nullptr));
  }

  /// The word of the lane `t` of this quad.
  Value wordOf(Value word, int64_t t) {
    Value source = bitOr(bitAnd(lane, ~3), constant(t));
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
    Value scale =
        bitAnd(arith::ShRUIOp::create(b, word, shift).getResult(), 0xFF);
    return format == ScaledFormat::MXFP4 ? pairOfE8M0(scale)
                                         : pairOfE4M3(scale);
  }

  SmallVector<Value> elementsOf(Value vector) {
    return SmallVector<Value>(
        vector::ToElementsOp::create(b, vector).getResults());
  }

private:
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
      aWords.push_back(expander.decodeToPairs(
          word, expander.decodeScale(rowScales[r % 2], op.getAByte(), r / 2),
          /*twoSteps=*/true));
    for (auto [r, word] : llvm::enumerate(expander.elementsOf(op.getB())))
      bWords.push_back(expander.decodeToPairs(
          word, expander.decodeScale(columnScales, op.getBByte(), r),
          /*twoSteps=*/true));
    SmallVector<Value> sum = expander.elementsOf(op.getC());
    for (int64_t j = 0; j < 4; ++j) {
      auto pick = [j](const SmallVector<Value> &words) { return words[j]; };
      sum = expander.mmaBF16(llvm::map_to_vector(aWords, pick),
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
