//===- Codec.h - e2m1 codes in the words of GPU lanes -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Short instruction sequences for lanes without vector units. A word is an i32
// of eight codes, element i in bits 4i..4i+3, or of two bf16, the first in the
// lower half. test/Unit/CodeGen/GPUCodecTest.cpp goes through all codes and
// scales, and all f32.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_GPU_CODEC_H
#define FP4Q_CODEGEN_GPU_CODEC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
namespace fp4q {

/// Arithmetic of words, and the codec in terms of it.
class WordEmitter {
public:
  explicit WordEmitter(ImplicitLocOpBuilder &builder) : b(builder) {}

  Value constant(int64_t value);
  Value add(Value lhs, Value rhs);
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, int64_t rhs);
  Value bitAnd(Value lhs, int64_t mask);
  Value bitOr(Value lhs, Value rhs);
  Value shiftLeft(Value lhs, int64_t count);
  Value shiftRight(Value lhs, int64_t count);
  /// bits(x) and x(bits), f32 and i32.
  Value bitsOf(Value x);
  Value floatOf(Value bits);
  /// |x| of floats, scalars or vectors.
  Value magnitude(Value x);
  /// A vector's elements as words (i32), whose bytes they are.
  SmallVector<Value> wordsOf(Value vector);
  /// The products of two pairs of bf16, each rounded once, subnormals kept. On
  /// every chip from sm_80 on.
  Value mulPairs(Value lhs, Value rhs);
  /// A number that is exact in bf16, twice.
  Value pairOf(float value);
  /// The lower 16 bits in both halves, the upper ones being 0.
  Value twice(Value half);

  /// e2m1 -> f32: the code is in bits 0..3, the other bits may be anything.
  Value decodeElement(Value code);

  /// Eight codes times a factor, a pair of equal bf16, as four words of two
  /// bf16: elements j and j + 4 are word j. Exact where the product is.
  ///
  /// A nibble's sign and magnitude, moved to the sign and to the lower exponent
  /// and upper mantissa bits of a bf16, are the element times 2^-126, also for
  /// 0.5, which is a subnormal. Two products make room: x * (2^12 + 2^6). So
  /// the factor is to be the scale times 2^126, or, with `twoSteps`, the scale:
  /// then the first product makes the element.
  SmallVector<Value> decodeToPairs(Value codes, Value factor, bool twoSteps);
  /// Pairs 0 and 1 of them, or 2 and 3.
  SmallVector<Value> decodeHalfToPairs(Value codes, int64_t half, Value factor,
                                       bool twoSteps);

  /// A scale byte (0..255), exact, as a pair of equal bf16; NaN is NaN. Bit 7
  /// of an e4m3 byte must be clear.
  Value pairOfE8M0(Value byte);
  Value pairOfE4M3(Value byte);

  /// c + a * b for 16 of k: mma.sync.m16n8k16 of bf16 with four, two and four
  /// registers.
  SmallVector<Value> mmaBF16(ValueRange a, ValueRange b, ValueRange c);

  /// f32 -> the word of their codes: nearest even, saturating; NaN is 7. At
  /// most eight elements.
  Value encodeElements(ValueRange elements);

  /// Eight f32, elements times kEncodeFactor -> the word of their codes, of
  /// which ties go away from zero; also saturating, and NaN is 7.
  ///
  /// Rounded toward zero to f16, of which e2m1 times kEncodeFactor is the upper
  /// part, a number is below a tie if and only if the element is; adding half
  /// of the last bit of e2m1 then rounds.
  Value encodeTruncated(ValueRange elements);

  /// An element times kEncodeFactor, so that encodeTruncated rounds it to
  /// nearest even: less one unit in the last place where the upper bit of its
  /// mantissa is clear, as it is in ties that go to the lower code (.25, 1.25,
  /// 2.5, 5) and in no others (.75, 1.75, 3.5).
  Value belowEvenTies(Value t);

  /// By which the least normal number of e2m1, 1, becomes that of f16.
  static constexpr float kEncodeFactor = 0x1p-14f;

private:
  Value constantF32(double value);
  /// x * y + z.
  Value fma(Value x, double y, double z);
  /// The bits of `ifSet` where the mask is set, those of `ifClear` elsewhere.
  Value select(int64_t mask, Value ifSet, Value ifClear);

  ImplicitLocOpBuilder &b;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_GPU_CODEC_H
