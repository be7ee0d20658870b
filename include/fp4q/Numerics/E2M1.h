//===- E2M1.h - the FP4 element codec ---------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// e2m1: bit 3 is the sign, bits 2-0 the magnitude 0, 0.5, 1, 1.5, 2, 3, 4, 6.
// Two codes share a byte: element 2i in bits 0-3, element 2i+1 in bits 4-7.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_E2M1_H
#define FP4Q_NUMERICS_E2M1_H

#include "fp4q/Numerics/Recipe.h"
#include "fp4q/Numerics/SmallFloats.h"

namespace fp4q {

/// f32 to an e2m1 code 0..15: nearest, ties to the even code, saturating at
/// +-6. NaN gives 7 whatever its sign. `zeroSign` says when a magnitude that
/// rounds to 0 gets bit 3.
inline uint8_t encodeE2M1(float value, ZeroSign zeroSign = ZeroSign::SignBit) {
  if (isNaN(value))
    return 7;
  // The midpoints of neighbors, as f32 bits. A tie goes to the even code, so
  // every second comparison is strict.
  uint32_t magnitude = magnitudeBitsOf(value);
  uint8_t code = uint8_t((magnitude > 0x3E800000u) +  // 0.25
                         (magnitude >= 0x3F400000u) + // 0.75
                         (magnitude > 0x3FA00000u) +  // 1.25
                         (magnitude >= 0x3FE00000u) + // 1.75
                         (magnitude > 0x40200000u) +  // 2.5
                         (magnitude >= 0x40600000u) + // 3.5
                         (magnitude > 0x40A00000u));  // 5
  bool negative = hasSignBit(value);
  if (zeroSign == ZeroSign::OnlyNegative && magnitude == 0)
    negative = false;
  return negative ? code | 8 : code;
}

/// The value of an e2m1 code; bits above bit 3 are ignored.
inline float decodeE2M1(uint8_t code) {
  constexpr float values[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,
                                4.0f,  6.0f,  -0.0f, -0.5f, -1.0f, -1.5f,
                                -2.0f, -3.0f, -4.0f, -6.0f};
  return values[code & 15];
}

/// The byte of elements 2i and 2i+1.
inline uint8_t packE2M1(uint8_t even, uint8_t odd) {
  return uint8_t((even & 15) | odd << 4);
}

/// The code of element `index` of a row of packed bytes.
inline uint8_t unpackE2M1(const uint8_t *bytes, int64_t index) {
  return uint8_t(bytes[index / 2] >> (index % 2 * 4) & 15);
}

} // namespace fp4q

#endif // FP4Q_NUMERICS_E2M1_H
