//===- CPUPatterns.cpp - micro-ops as instructions of CPUs ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// decode to bytes is two table look-ups, group_dot an instruction or two. What
// differs between CPUs is how wide a register is and how either is spelled; see
// the table below.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"
#include "fp4q/Target/TargetInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::Feature;

namespace {

/// How group dot products are computed.
enum class DotKind {
  /// One instruction: (acc, unsigned, signed).
  Mixed,
  /// One instruction on signed bytes: (acc, u, s). Needs e2m1_range.
  Signed,
  /// vpmaddubsw and vpmaddwd. Needs e2m1_range.
  Pairs,
};

/// Instructions on registers of one width.
struct Instructions {
  int64_t bytes;
  /// (table, indices) or (indices, table) -> bytes.
  const char *lookUp;
  bool tableFirst;
  /// Whether bits 4-7 of an index must be zero.
  bool maskIndices;
  DotKind dotKind;
  /// The instruction, or for Pairs the two of them.
  const char *dot;
  const char *widen;
};

/// The instructions of a level, the widest registers first.
struct Level {
  Feature feature;
  ArrayRef<Instructions> instructions;
};

} // namespace

// vpermb ignores the high bits of an index, and so needs a table as wide as the
// register, in which the 16 entries repeat. So does vpshufb, by 128 bits.
static constexpr Instructions avx512Vnni[] = {
    {64, "llvm.x86.avx512.permvar.qi.512", true, false, DotKind::Mixed,
     "llvm.x86.avx512.vpdpbusd.512", nullptr},
    {32, "llvm.x86.avx512.permvar.qi.256", true, false, DotKind::Mixed,
     "llvm.x86.avx512.vpdpbusd.256", nullptr},
    {16, "llvm.x86.avx512.permvar.qi.128", true, false, DotKind::Mixed,
     "llvm.x86.avx512.vpdpbusd.128", nullptr},
};
static constexpr Instructions avxVnni[] = {
    {32, "llvm.x86.avx2.pshuf.b", true, true, DotKind::Mixed,
     "llvm.x86.avx512.vpdpbusd.256", nullptr},
    {16, "llvm.x86.ssse3.pshuf.b.128", true, true, DotKind::Mixed,
     "llvm.x86.avx512.vpdpbusd.128", nullptr},
};
static constexpr Instructions avx2[] = {
    {32, "llvm.x86.avx2.pshuf.b", true, true, DotKind::Pairs,
     "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd"},
    {16, "llvm.x86.ssse3.pshuf.b.128", true, true, DotKind::Pairs,
     "llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.sse2.pmadd.wd"},
};
static constexpr Instructions dotProd[] = {
    {16, "llvm.aarch64.neon.tbl1.v16i8", true, true, DotKind::Signed,
     "llvm.aarch64.neon.sdot.v4i32.v16i8", nullptr},
};
// The first row whose feature a target has applies.
static const Level levels[] = {
    {Feature::AVX512VNNI, avx512Vnni},
    {Feature::AVXVNNI, avxVnni},
    {Feature::AVX2, avx2},
    {Feature::DotProd, dotProd},
};

static int64_t sizeOf(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

/// The widest registers that a vector of so many bytes fills, or null.
static const Instructions *choose(ArrayRef<Instructions> instructions,
                                  int64_t bytes) {
  for (const Instructions &row : instructions)
    if (bytes % row.bytes == 0)
      return &row;
  return nullptr;
}

static Value call(ImplicitLocOpBuilder &b, const char *name, Type result,
                  ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name),
                                       operands)
      ->getResult(0);
}

static Value slice(ImplicitLocOpBuilder &b, Value vector, int64_t offset,
                   int64_t size) {
  if (size == sizeOf(vector))
    return vector;
  return vector::ShuffleOp::create(
      b, vector, vector,
      llvm::to_vector(llvm::seq<int64_t>(offset, offset + size)));
}

/// The vectors, all of one size, one after the other.
static Value concat(ImplicitLocOpBuilder &b, SmallVector<Value> parts) {
  while (parts.size() > 1) {
    SmallVector<Value> joined;
    for (size_t i = 0; i + 1 < parts.size(); i += 2)
      joined.push_back(vector::ShuffleOp::create(
          b, parts[i], parts[i + 1],
          llvm::to_vector(llvm::seq<int64_t>(0, 2 * sizeOf(parts[i])))));
    if (parts.size() % 2)
      joined.push_back(parts.back());
    parts = std::move(joined);
  }
  return parts.front();
}

/// The number of registers must be a power of two to be put together again.
static bool isPowerOfTwo(int64_t value) {
  return llvm::isPowerOf2_64(static_cast<uint64_t>(value));
}

namespace {

/// decode to i8 -> look-ups of the low and of the high nibbles
struct DecodeOpLowering : public OpRewritePattern<DecodeOp> {
  DecodeOpLowering(MLIRContext *context, ArrayRef<Instructions> instructions)
      : OpRewritePattern(context, PatternBenefit(static_cast<uint16_t>(
                                      MicroOpBenefit::ForTarget))),
        instructions(instructions) {}

  LogicalResult matchAndRewrite(DecodeOp op,
                                PatternRewriter &rewriter) const override {
    Value codes = op.getCodes();
    int64_t size = sizeOf(codes);
    if (!op.getType().getElementType().isInteger(8))
      return rewriter.notifyMatchFailure(op, "result is not of i8");
    const Instructions *row = choose(instructions, size);
    if (!row || !isPowerOfTwo(size))
      return rewriter.notifyMatchFailure(op, "codes fill no registers");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto bytes = VectorType::get({row->bytes}, b.getI8Type());
    Value table = getTable(b, bytes, op.getBias());
    SmallVector<Value> low, high;
    for (int64_t i = 0; i < size; i += row->bytes) {
      Value part = slice(b, codes, i, row->bytes);
      low.push_back(lookUp(b, *row, table, part));
      high.push_back(lookUp(b, *row, table, shiftNibbles(b, part)));
    }
    if (op.getOrder() == NibbleOrder::Split) {
      low.append(high);
      rewriter.replaceOp(op, concat(b, low));
      return success();
    }
    rewriter.replaceOp(
        op, vector::InterleaveOp::create(b, concat(b, low), concat(b, high))
                .getResult());
    return success();
  }

private:
  /// Twice the e2m1 values plus the bias, repeated.
  static Value getTable(ImplicitLocOpBuilder &b, VectorType type,
                        int64_t bias) {
    static constexpr int8_t magnitudes[] = {0, 1, 2, 3, 4, 6, 8, 12};
    SmallVector<int8_t> table;
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      int8_t value = magnitudes[i % 8];
      table.push_back(
          static_cast<int8_t>((i % 16 < 8 ? value : -value) + bias));
    }
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<int8_t>(table)));
  }

  /// The high nibbles in bits 0-3; other bits are anything. There is no shift
  /// of bytes on x86.
  static Value shiftNibbles(ImplicitLocOpBuilder &b, Value codes) {
    auto words = VectorType::get({sizeOf(codes) / 2}, b.getI16Type());
    Value four = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(4)));
    Value shifted = arith::ShRUIOp::create(
        b, vector::BitCastOp::create(b, words, codes), four);
    return vector::BitCastOp::create(b, codes.getType(), shifted);
  }

  static Value lookUp(ImplicitLocOpBuilder &b, const Instructions &row,
                      Value table, Value indices) {
    if (row.maskIndices) {
      Value mask = arith::ConstantOp::create(
          b, DenseElementsAttr::get(cast<VectorType>(indices.getType()),
                                    b.getI8IntegerAttr(15)));
      indices = arith::AndIOp::create(b, indices, mask);
    }
    return call(b, row.lookUp, table.getType(), {table, indices});
  }

  ArrayRef<Instructions> instructions;
};

/// group_dot -> an instruction, or two and an addition
struct GroupDotOpLowering : public OpRewritePattern<GroupDotOp> {
  GroupDotOpLowering(MLIRContext *context, ArrayRef<Instructions> instructions)
      : OpRewritePattern(context, PatternBenefit(static_cast<uint16_t>(
                                      MicroOpBenefit::ForTarget))),
        instructions(instructions) {}

  LogicalResult matchAndRewrite(GroupDotOp op,
                                PatternRewriter &rewriter) const override {
    int64_t size = sizeOf(op.getU());
    const Instructions *row = choose(instructions, size);
    if (!row || !isPowerOfTwo(size))
      return rewriter.notifyMatchFailure(op, "operands fill no registers");
    if (row->dotKind != DotKind::Mixed && !op.getE2m1Range())
      return rewriter.notifyMatchFailure(op, "bytes may be of any size");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> results;
    for (int64_t i = 0; i < size; i += row->bytes)
      results.push_back(dot(b, *row, slice(b, op.getU(), i, row->bytes),
                            slice(b, op.getS(), i, row->bytes),
                            slice(b, op.getAcc(), i / 4, row->bytes / 4)));
    rewriter.replaceOp(op, concat(b, results));
    return success();
  }

private:
  static Value dot(ImplicitLocOpBuilder &b, const Instructions &row, Value u,
                   Value s, Value acc) {
    if (row.dotKind != DotKind::Pairs)
      return call(b, row.dot, acc.getType(), {acc, u, s});
    auto words = VectorType::get({row.bytes / 2}, b.getI16Type());
    Value pairs = call(b, row.dot, words, {u, s});
    Value ones = arith::ConstantOp::create(
        b, DenseElementsAttr::get(words, b.getI16IntegerAttr(1)));
    Value dots = call(b, row.widen, acc.getType(), {pairs, ones});
    return arith::AddIOp::create(b, acc, dots);
  }

  ArrayRef<Instructions> instructions;
};

} // namespace

void mlir::fp4q::populateCPUCodecPatterns(RewritePatternSet &patterns,
                                          const ::fp4q::Target &target) {
  for (const Level &level : levels)
    if (target.features.contains(level.feature)) {
      patterns.add<DecodeOpLowering, GroupDotOpLowering>(patterns.getContext(),
                                                         level.instructions);
      return;
    }
}
