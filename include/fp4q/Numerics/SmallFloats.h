//===- SmallFloats.h - bf16 and f16 codecs ----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions between f32 and narrower binary formats. They work on bits only:
// they give the same result whatever the floating point options or the
// rounding and flush modes of the code that includes them.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_SMALLFLOATS_H
#define FP4Q_NUMERICS_SMALLFLOATS_H

#include <cstdint>
#include <cstring>

namespace fp4q {

/// The bit pattern of `value`.
inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// The f32 whose bit pattern is `bits`.
inline float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// The bits of f32 +Inf and of the largest finite f32.
constexpr uint32_t infinityBits = 0x7F800000u;
constexpr uint32_t largestBits = 0x7F7FFFFFu;

/// The bits of `value` without its sign. Bits of magnitudes compare like the
/// magnitudes; NaN is above all of them.
inline uint32_t magnitudeBitsOf(float value) {
  return bitsOf(value) & 0x7FFFFFFFu;
}

/// True for NaN of any sign and payload, also under -ffast-math.
inline bool isNaN(float value) { return magnitudeBitsOf(value) > infinityBits; }

/// True when the sign bit is set: negative numbers, -0, NaN with a sign.
inline bool hasSignBit(float value) { return bitsOf(value) >> 31; }

/// `value` / 2^shift as an integer, nearest, ties to even; 0 < shift < 32 and
/// the sum with the half must fit, which magnitudes of f32 do.
inline uint32_t shiftRightToNearestEven(uint32_t value, int shift) {
  uint32_t odd = (value >> shift) & 1;
  return (value + (1u << (shift - 1)) - 1 + odd) >> shift;
}

/// Rounds an f32 magnitude that is not NaN to nearest even in the binary format
/// with the given number of stored mantissa bits and exponent bias. The result
/// is exponent << mantissaBits | mantissa with an unbounded exponent, so that
/// too large a value (Inf too) shows as a code above the format's largest one.
template <int mantissaBits, int bias>
inline uint32_t narrowMagnitude(uint32_t magnitude) {
  constexpr int dropped = 23 - mantissaBits;
  constexpr uint32_t rebias = uint32_t(127 - bias) << 23;
  if (magnitude >= rebias + (1u << 23))
    return shiftRightToNearestEven(magnitude - rebias, dropped);
  // The result is subnormal or its smallest normal number: align the
  // significand to the weight of the format's last place.
  int exponent = int(magnitude >> 23);
  uint32_t significand = magnitude & 0x7FFFFFu;
  if (exponent == 0)
    exponent = 1;
  else
    significand |= 0x800000u;
  int shift = dropped + (128 - bias) - exponent;
  return shiftRightToNearestEven(significand, shift > 31 ? 31 : shift);
}

/// The f32 of a finite magnitude code of the format described as above.
template <int mantissaBits, int bias>
inline float widenMagnitude(uint32_t code) {
  uint32_t exponent = code >> mantissaBits;
  uint32_t mantissa = code & ((1u << mantissaBits) - 1);
  if (exponent == 0) // The product is exact, and normal in f32.
    return float(mantissa) * floatOf(uint32_t(128 - bias - mantissaBits) << 23);
  return floatOf((exponent + uint32_t(127 - bias)) << 23 |
                 mantissa << (23 - mantissaBits));
}

/// f32 to bf16 bits, nearest even; overflow gives Inf. NaN keeps its sign and
/// upper payload bits and becomes quiet.
inline uint16_t encodeBF16(float value) {
  uint32_t bits = bitsOf(value);
  if (isNaN(value))
    return uint16_t(bits >> 16 | 0x40u);
  return uint16_t((bits >> 16 & 0x8000u) |
                  narrowMagnitude<7, 127>(bits & 0x7FFFFFFFu));
}

/// bf16 bits to f32, exact.
inline float decodeBF16(uint16_t bits) { return floatOf(uint32_t(bits) << 16); }

/// f32 to f16 bits, nearest even; overflow gives Inf. NaN keeps its sign and
/// upper payload bits and becomes quiet.
inline uint16_t encodeF16(float value) {
  uint32_t magnitude = magnitudeBitsOf(value);
  uint32_t sign = bitsOf(value) >> 16 & 0x8000u;
  if (isNaN(value))
    return uint16_t(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu));
  uint32_t code = narrowMagnitude<10, 15>(magnitude);
  return uint16_t(sign | (code < 0x7C00u ? code : 0x7C00u));
}

/// f16 bits to f32, exact. NaN keeps its sign and payload.
inline float decodeF16(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000u) << 16;
  uint32_t magnitude = bits & 0x7FFFu;
  if (magnitude >= 0x7C00u)
    return floatOf(sign | infinityBits | (magnitude & 0x3FFu) << 13);
  return floatOf(sign | bitsOf(widenMagnitude<10, 15>(magnitude)));
}

} // namespace fp4q

#endif // FP4Q_NUMERICS_SMALLFLOATS_H
