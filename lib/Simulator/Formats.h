//===- Formats.h - number formats of the simulator --------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every conversion between float formats that an instruction performs goes
// through this header. PTX ISA, sections 5.2.3 and 9.7.9.21. The formats that
// fp4q computes with are decoded (and encoded to nearest) by Numerics; rounding
// here is what PTX has beyond that: more formats, directed modes, wider
// sources.
//
// Functions are static: files compiled for different instruction sets include
// this, and must not share one copy.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_FORMATS_H
#define FP4Q_LIB_SIMULATOR_FORMATS_H

#include "Types.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace fp4q::sim {

template <typename To, typename From>
static inline To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

/// Rounding of a conversion.
enum class RoundMode : uint8_t {
  NearestEven,
  NearestAway,
  ToZero,
  Down,
  Up,
};

/// A binary format: `exponent` and `mantissa` bits; the largest finite value
/// has the bit pattern `maxBits`; `nan` is the pattern conversions produce, and
/// `inf` that of infinity (0: there is none).
struct FloatFormat {
  int exponent;
  int mantissa;
  uint32_t maxBits;
  uint32_t inf;
  uint32_t nan;
};

constexpr FloatFormat kF16{5, 10, 0x7bff, 0x7c00, 0x7fff};
constexpr FloatFormat kBF16{8, 7, 0x7f7f, 0x7f80, 0x7fff};
constexpr FloatFormat kTF32{8, 10, 0x3fbff, 0x3fc00, 0x3ffff};
constexpr FloatFormat kE5M2{5, 2, 0x7b, 0x7c, 0x7f};
constexpr FloatFormat kE2M3{2, 3, 0x1f, 0, 0x1f};
constexpr FloatFormat kE3M2{3, 2, 0x1f, 0, 0x1f};

/// Rounds to the format. Overflow gives infinity as IEEE 754 has it, or the
/// largest finite value if `saturate` is set or the format has no infinity.
static inline uint32_t encode(const FloatFormat &format, double value,
                              RoundMode mode = RoundMode::NearestEven,
                              bool saturate = false) {
  if (value != value)
    return format.nan;
  uint64_t raw = bitCast<uint64_t>(value);
  uint32_t sign = uint32_t(raw >> 63) << (format.exponent + format.mantissa);
  double magnitude = std::fabs(value);
  int bias = (1 << (format.exponent - 1)) - 1;
  if (magnitude == INFINITY)
    return sign | (saturate || !format.inf ? format.maxBits : format.inf);
  int exponent = int(raw >> 52 & 0x7ff) - 1023;
  if (exponent < 1 - bias)
    exponent = 1 - bias;
  // In units of the last place the value is below 2^(mantissa + 1): exact.
  int quantum = exponent - format.mantissa;
  double scaled = magnitude * bitCast<double>(uint64_t(1023 - quantum) << 52);
  double units = std::floor(scaled);
  double rest = scaled - units;
  bool negative = sign != 0;
  bool up = false;
  switch (mode) {
  case RoundMode::NearestEven:
    up = rest > 0.5 || (rest == 0.5 && (uint32_t(units) & 1));
    break;
  case RoundMode::NearestAway:
    up = rest >= 0.5;
    break;
  case RoundMode::ToZero:
    break;
  case RoundMode::Down:
    up = negative && rest > 0;
    break;
  case RoundMode::Up:
    up = !negative && rest > 0;
    break;
  }
  uint32_t count = uint32_t(units) + up;
  // Subnormals have exponent field 0; a carry moves into it by itself. An
  // exponent beyond every format's largest (bias + 1 where there is no
  // infinity) must not wrap around.
  int field = exponent > bias + 1 ? bias + 2 : exponent;
  uint32_t bits = (uint32_t(field + bias - 1) << format.mantissa) + count;
  if (bits > format.maxBits) {
    bool toMax = mode == RoundMode::ToZero ||
                 (mode == RoundMode::Down && !negative) ||
                 (mode == RoundMode::Up && negative);
    bits = saturate || !format.inf || toMax ? format.maxBits : format.inf;
  }
  return sign | bits;
}

/// The values of all patterns of a format of at most 8 bits: .e4m3, .e5m2,
/// .e2m3, .e3m2, .e2m1 (each code in a byte of its own) or .ue8m0.
const float *valueTable(Type type);
/// The values of all f16 patterns.
const float *halfTable();
/// Nearest even, saturating: .e2m1 or .e4m3.
uint8_t encodeNearest(Type type, float value);

static inline float f16ToFloat(uint16_t bits) { return halfTable()[bits]; }
/// bf16 is the upper half of f32.
static inline float bf16ToFloat(uint16_t bits) {
  return bitCast<float>(uint32_t(bits) << 16);
}

/// p + c, rounded to odd: a further rounding to fewer than 51 bits is then that
/// of the exact sum.
static inline double addRoundOdd(double p, double c) {
  double sum = p + c;
  if (!std::isfinite(sum))
    return sum;
  double other = sum - p;
  double error = (p - (sum - other)) + (c - other);
  uint64_t raw = bitCast<uint64_t>(sum);
  if (error == 0 || (raw & 1))
    return sum;
  // Step toward the exact value: the odd neighbor on that side.
  bool away = (error > 0) == (sum > 0);
  return bitCast<double>(away ? raw + 1 : raw - 1);
}

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_FORMATS_H
