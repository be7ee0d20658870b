//===- Reference.h - arithmetic of the tests, by APFloat --------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of Numerics hold its results against: arithmetic and
// conversions by llvm::APFloat, which shares no code with Numerics, and inputs
// that are hard to round.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_NUMERICS_REFERENCE_H
#define FP4Q_TEST_UNIT_NUMERICS_REFERENCE_H

#include "fp4q/Numerics/Buffers.h"

#include <llvm/ADT/APFloat.h>

#include <random>
#include <vector>

namespace fp4q {

inline const llvm::fltSemantics &semanticsOf(FloatType type) {
  switch (type) {
  case FloatType::BF16:
    return llvm::APFloat::BFloat();
  case FloatType::F16:
    return llvm::APFloat::IEEEhalf();
  case FloatType::F32:
    break;
  }
  return llvm::APFloat::IEEEsingle();
}

/// The number whose bits in `semantics` are `bits`.
inline llvm::APFloat numberOf(const llvm::fltSemantics &semantics,
                              uint64_t bits) {
  return llvm::APFloat(
      semantics,
      llvm::APInt(llvm::APFloat::semanticsSizeInBits(semantics), bits));
}

/// The bits of `number` rounded to nearest even in `semantics`.
inline uint32_t roundedBits(llvm::APFloat number,
                            const llvm::fltSemantics &semantics) {
  bool losesInfo;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return uint32_t(number.bitcastToAPInt().getZExtValue());
}

/// `number` widened or rounded to f32.
inline float toFloat(const llvm::APFloat &number) {
  return floatOf(roundedBits(number, llvm::APFloat::IEEEsingle()));
}

inline float divide(float a, float b) {
  llvm::APFloat quotient(a);
  quotient.divide(llvm::APFloat(b), llvm::APFloat::rmNearestTiesToEven);
  return toFloat(quotient);
}

inline float multiply(float a, float b) {
  llvm::APFloat product(a);
  product.multiply(llvm::APFloat(b), llvm::APFloat::rmNearestTiesToEven);
  return toFloat(product);
}

inline float fusedMultiplyAdd(float a, float b, float c) {
  llvm::APFloat sum(a);
  sum.fusedMultiplyAdd(llvm::APFloat(b), llvm::APFloat(c),
                       llvm::APFloat::rmNearestTiesToEven);
  return toFloat(sum);
}

/// `value` rounded to `type`, by APFloat.
inline float roundedTo(FloatType type, float value) {
  const llvm::fltSemantics &semantics = semanticsOf(type);
  return toFloat(
      numberOf(semantics, roundedBits(llvm::APFloat(value), semantics)));
}

/// e2m1 by APFloat, with the law's rules for what the format lacks.
inline uint8_t referenceE2M1(float value) {
  if (llvm::APFloat(value).isNaN())
    return 7;
  // APFloat cannot round Inf to a format without one.
  if (llvm::APFloat(value).isInfinity())
    return llvm::APFloat(value).isNegative() ? 15 : 7;
  return uint8_t(
      roundedBits(llvm::APFloat(value), llvm::APFloat::Float4E2M1FN()));
}

/// e4m3 by APFloat, saturating, NaN to 0x7F.
inline uint8_t referenceE4M3(float value) {
  llvm::APFloat number(value);
  if (number.isNaN())
    return 0x7F;
  if (std::fabs(value) > 448.0f)
    return number.isNegative() ? 0xFE : 0x7E;
  return uint8_t(roundedBits(number, llvm::APFloat::Float8E4M3FN()));
}

/// The law's e8m0 byte, derived from exact f64 values: the largest b such that
/// s >= 1.5 * 2^(b - 128), which is where the interval that rounds up to
/// 2^(b - 127) begins.
inline uint8_t referenceE8M0(float s) {
  if (std::isnan(s))
    return 255;
  for (int byte = 254; byte > 0; --byte)
    if (double(s) >= std::ldexp(1.5, byte - 128))
      return uint8_t(byte);
  return 0;
}

/// The value of a scale byte by APFloat, which widens the NaN of Float8E8M0FNU
/// to Inf.
inline float referenceScaleValue(uint8_t byte, ScaleType type) {
  if (type == ScaleType::E4M3)
    return toFloat(numberOf(llvm::APFloat::Float8E4M3FN(), byte));
  llvm::APFloat number = numberOf(llvm::APFloat::Float8E8M0FNU(), byte);
  return number.isNaN() ? floatOf(0x7FC00000u) : toFloat(number);
}

/// Calls `body` with f32 bit patterns that a narrowing conversion can get
/// wrong: all upper halves with several lower halves, the neighborhood (2 ulp)
/// of all midpoints and numbers of a grid with `mantissaBits`, of either sign.
template <typename Body>
void forHardFloats(int mantissaBits, Body body) {
  for (uint32_t upper = 0; upper < 0x10000; ++upper)
    for (uint32_t lower : {0x0000u, 0x0001u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu,
                           0x1000u, 0x3A5Cu})
      body(floatOf(upper << 16 | lower));
  uint32_t step = 1u << (22 - mantissaBits);
  for (uint64_t magnitude = 0; magnitude <= infinityBits; magnitude += step)
    for (int ulp = -2; ulp <= 2; ++ulp) {
      uint32_t bits = uint32_t(magnitude + ulp) & 0x7FFFFFFFu;
      body(floatOf(bits));
      body(floatOf(bits | 0x80000000u));
    }
}

/// Numbers of any magnitude: random bits, some zeros of both signs, some
/// subnormals, and, only if asked for, Inf and NaN.
class RandomFloats {
public:
  explicit RandomFloats(uint32_t seed, bool nonFinite = false)
      : engine(seed), nonFinite(nonFinite) {}

  float operator()() {
    uint32_t bits = engine();
    switch (engine() % 16) {
    case 0:
      return floatOf(bits & 0x80000000u);
    case 1:
      return floatOf(bits & 0x807FFFFFu);
    case 2:
      return nonFinite ? floatOf(bits | infinityBits) : floatOf(bits & 1);
    case 3:
      return nonFinite ? floatOf((bits & 0x80000000u) | infinityBits) : 1.0f;
    default:
      return finite(bits);
    }
  }

  /// A number of magnitude 2^-6 to 2^6.
  float moderate() {
    uint32_t bits = engine();
    return floatOf((bits & 0x807FFFFFu) | (121 + bits / 7 % 13) << 23);
  }

private:
  static float finite(uint32_t bits) {
    return floatOf(bits & infinityBits) == floatOf(infinityBits)
               ? floatOf(bits & 0xBFFFFFFFu)
               : floatOf(bits);
  }

  std::mt19937 engine;
  bool nonFinite;
};

/// `values` encoded in `type`, as bytes; by APFloat.
inline std::vector<uint8_t> encodeAll(const std::vector<float> &values,
                                      FloatType type) {
  std::vector<uint8_t> bytes;
  for (float value : values) {
    uint32_t bits = roundedBits(llvm::APFloat(value), semanticsOf(type));
    for (int64_t i = 0; i < sizeOf(type); ++i)
      bytes.push_back(uint8_t(bits >> (8 * i)));
  }
  return bytes;
}

} // namespace fp4q

#endif // FP4Q_TEST_UNIT_NUMERICS_REFERENCE_H
