//===- E8M0.h - the e8m0 scale codec ----------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// e8m0 (MLIR f8E8M0FNU): byte b is 2^(b-127) for b = 0..254, so byte 0 is
// 2^-127 and there is no zero; 255 is NaN.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_E8M0_H
#define FP4Q_NUMERICS_E8M0_H

#include "fp4q/Numerics/Recipe.h"
#include "fp4q/Numerics/SmallFloats.h"

namespace fp4q {

/// The byte a NaN scale becomes.
constexpr uint8_t nanE8M0 = 0xFF;

/// True if a significand 1.mantissa (23 bits) is rounded up to the next power
/// of two.
inline bool roundsUpToPowerOfTwo(uint32_t mantissa, E8M0Rounding rounding) {
  switch (rounding) {
  case E8M0Rounding::From1_5:
    return mantissa >= 0x400000u;
  case E8M0Rounding::Never:
    return false;
  case E8M0Rounding::Above1:
    return mantissa > 0;
  case E8M0Rounding::From1_75:
    return mantissa >= 0x600000u;
  }
  return false;
}

/// f32 to an e8m0 byte. The exponent of `value`, plus one where `rounding` says
/// so, plus `offset`, is clamped to bytes 0..254. Whatever the parameters,
/// negative values and -0 give 0, +Inf gives 254 and NaN gives 255. The default
/// arguments are the law.
inline uint8_t encodeE8M0(float value,
                          E8M0Rounding rounding = E8M0Rounding::From1_5,
                          E8M0Tiny tiny = E8M0Tiny::ByValue, int offset = 0) {
  if (isNaN(value))
    return nanE8M0;
  uint32_t bits = bitsOf(value);
  if (bits >> 31)
    return 0;
  if (bits == infinityBits)
    return 254;
  int exponent = int(bits >> 23);
  uint32_t mantissa = bits & 0x7FFFFFu;
  if (exponent == 0 && tiny == E8M0Tiny::ByValue) {
    // Below 2^-127 rounding up reaches byte 0 at most; from there on the
    // leading one is mantissa bit 22, and exponent 0 is already byte 0.
    if (mantissa < 0x400000u)
      return 0;
    mantissa = mantissa << 1 & 0x7FFFFFu;
  }
  int byte = exponent + roundsUpToPowerOfTwo(mantissa, rounding) + offset;
  return uint8_t(byte < 0 ? 0 : byte > 254 ? 254 : byte);
}

/// The value of an e8m0 byte, exact: byte 0 is an f32 subnormal.
inline float decodeE8M0(uint8_t byte) {
  if (byte == nanE8M0)
    return floatOf(0x7FC00000u);
  return floatOf(byte == 0 ? 0x00400000u : uint32_t(byte) << 23);
}

} // namespace fp4q

#endif // FP4Q_NUMERICS_E8M0_H
