//===- E4M3.h - the e4m3 scale codec ----------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// e4m3: OCP's "fn" variant (MLIR f8E4M3FN): bias 7, largest value 448, no
// infinity, NaN is 0x7F and 0xFF.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_E4M3_H
#define FP4Q_NUMERICS_E4M3_H

#include "fp4q/Numerics/SmallFloats.h"

namespace fp4q {

/// The byte a NaN scale becomes.
constexpr uint8_t nanE4M3 = 0x7F;

/// f32 to an e4m3 byte: nearest even, saturating at +-448 (Inf too). NaN gives
/// 0x7F whatever its sign; the sign of zero is kept.
inline uint8_t encodeE4M3(float value) {
  if (isNaN(value))
    return nanE4M3;
  uint32_t code = narrowMagnitude<3, 7>(magnitudeBitsOf(value));
  uint32_t sign = bitsOf(value) >> 24 & 0x80u;
  return uint8_t(sign | (code < 0x7Eu ? code : 0x7Eu));
}

/// The value of an e4m3 byte, exact.
inline float decodeE4M3(uint8_t byte) {
  uint32_t sign = uint32_t(byte & 0x80u) << 24;
  if ((byte & 0x7Fu) == 0x7Fu)
    return floatOf(sign | 0x7FC00000u);
  return floatOf(sign | bitsOf(widenMagnitude<3, 7>(byte & 0x7Fu)));
}

} // namespace fp4q

#endif // FP4Q_NUMERICS_E4M3_H
