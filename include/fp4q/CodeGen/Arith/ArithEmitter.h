//===- ArithEmitter.h - FP4 codecs and quantizer as arith ops ---*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place that writes e2m1, e8m0 and e4m3 conversions and the quantizer
// of a recipe as IR. It is generic over scalars and vectors: every value is an
// f32 or i32, or a vector of them, and the shape of the operands decides. The
// linalg bodies, the CPU kernels and the GPU kernels all call it.
//
// Conversions are integer and compare arithmetic. arith.truncf, arith.extf and
// arith.scaling_* to and from the FP4 and f8 types are not used: their
// lowerings in LLVM 22 differ from docs/numerics.md (see its last section).
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_ARITH_ARITHEMITTER_H
#define FP4Q_CODEGEN_ARITH_ARITHEMITTER_H

#include "fp4q/Numerics/Recipe.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
namespace fp4q {

/// The scale type of the element type f8E8M0FNU or f8E4M3FN.
::fp4q::ScaleType getScaleType(Type elementType);

/// Whether elements are divided by the group factor, rather than multiplied.
bool dividesByFactor(::fp4q::ElementOperand operand);

/// Whether quantizeInRange can do what the recipe says: elements are divided by
/// the factor, and zeros keep their sign.
bool canQuantizeInRange(const ::fp4q::Recipe &recipe);

/// Writes codecs and the steps of the quantizer at the builder's insertion
/// point. All values are f32 or i32, or vectors of them, of one shape per call.
class ArithEmitter {
public:
  explicit ArithEmitter(ImplicitLocOpBuilder &builder) : b(builder) {}

  /// bf16, f16 or f32 -> f32, exact.
  Value extend(Value value);
  /// f32 -> bf16, f16 or f32, one rounding to nearest even.
  Value truncate(Value value, Type elementType);

  /// The bits of |x|, as an i32. As integers they order like |x|, with NaN
  /// above everything, so amax over a group is an integer maximum.
  Value absBits(Value x);

  /// The low four bits of an i32 -> the e2m1 value, f32. The other bits may be
  /// anything.
  Value decodeE2M1(Value code);
  /// The same, but twice the e2m1 value as an i32: -12..12.
  Value decodeTwiceE2M1(Value code);
  /// f32 -> e2m1 code 0..15, i32: nearest even, saturating, NaN gives 7.
  Value encodeE2M1(Value t, ::fp4q::ZeroSign zeroSign);

  /// A scale byte, zero-extended to i32 -> its value, f32.
  Value decodeScale(Value byte, ::fp4q::ScaleType type);
  /// f32 -> scale byte 0..255, i32, by the rounding that the recipe says.
  Value encodeScale(Value s, ::fp4q::ScaleType type,
                    const ::fp4q::Recipe &recipe);

  /// The unrounded scale s of a group with the given amax. A null global scale
  /// or scale scale is 1. `inputType` is the element type of x.
  Value scaleOf(Value amax, Value globalScale, Value scaleScale,
                const ::fp4q::Recipe &recipe, Type inputType);

  /// What the elements of one group have in common: the operand by which each
  /// is divided or multiplied, from the scale byte and the global scale.
  Value groupFactor(Value byte, Value globalScale, ::fp4q::ScaleType type,
                    const ::fp4q::Recipe &recipe);
  /// What is rounded to e2m1 for x (f32) in a group with this factor, f32.
  Value scaleElement(Value x, Value factor, const ::fp4q::Recipe &recipe,
                     Type inputType);
  /// The e2m1 code of x (f32) in a group with this factor, i32.
  Value quantizeElement(Value x, Value factor, const ::fp4q::Recipe &recipe,
                        Type inputType);

  /// The same without a division, for 2^-60 <= factor <= 2^60, |x| <= 2^60 and
  /// a reciprocal that is 1 / factor, rounded to nearest. A null factor says
  /// that x * reciprocal has the code of the quotient.
  Value quantizeInRange(Value x, Value factor, Value reciprocal,
                        const ::fp4q::Recipe &recipe, Type inputType);
  /// Whether a factor (f32), or with `mayBeSmall` the magnitude of an element,
  /// is in the range of quantizeInRange: i1.
  Value isInRange(Value value, bool mayBeSmall);

  /// element(code) * scale, where `scale` is already combined with the global
  /// scale.
  Value dequantizeElement(Value code, Value scale);

  /// The value of a scale byte combined with a global scale (null: 1).
  Value combinedScale(Value byte, Value globalScale, bool divide,
                      ::fp4q::ScaleType type);

private:
  /// `element`, or the vector of it with the shape of `like`.
  Type typeLike(Value like, Type element);
  Value constantF32(Value like, double value);
  /// A constant i32 with the given bits.
  Value constantI32(Value like, uint32_t value);
  Value bitsOf(Value x);
  Value fromBits(Value bits);
  Value compareBits(arith::CmpIPredicate predicate, Value bits,
                    uint32_t threshold);
  Value select(Value condition, Value ifTrue, Value ifFalse);
  Value roundToInput(Value x, Type inputType);
  /// The code of |t|, 0..7.
  Value encodeMagnitude(Value t);
  /// The sign of t as bit 3 of a code.
  Value signOfCode(Value t);
  Value encodeE8M0(Value s, const ::fp4q::Recipe &recipe);
  Value encodeE4M3(Value s, const ::fp4q::Recipe &recipe);
  /// The sign of s as bit 7 of a byte.
  Value signOfByte(Value s);

  ImplicitLocOpBuilder &b;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_ARITH_ARITHEMITTER_H
