//===- Formats.cpp - tables of values -------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Formats.h"

#include "fp4q/Numerics/E2M1.h"
#include "fp4q/Numerics/E4M3.h"
#include "fp4q/Numerics/E8M0.h"
#include "fp4q/Numerics/SmallFloats.h"

#include <vector>

using namespace fp4q::sim;

/// The value of a pattern. NaN and Inf only where the format has them.
static double decode(const FloatFormat &format, uint32_t bits) {
  int bias = (1 << (format.exponent - 1)) - 1;
  uint32_t sign = bits >> (format.exponent + format.mantissa) & 1;
  uint32_t magnitude = bits & ((1u << (format.exponent + format.mantissa)) - 1);
  double value;
  if (format.inf && magnitude >= format.inf) {
    value = magnitude == format.inf ? INFINITY : NAN;
  } else if (!format.inf && magnitude > format.maxBits) {
    value = NAN;
  } else {
    int exponent = int(magnitude >> format.mantissa);
    uint32_t fraction = magnitude & ((1u << format.mantissa) - 1);
    if (exponent)
      fraction |= 1u << format.mantissa;
    else
      exponent = 1;
    value = std::ldexp(double(fraction), exponent - bias - format.mantissa);
  }
  return sign ? -value : value;
}

template <typename Decode>
static std::vector<float> makeTable(size_t size, Decode decode) {
  std::vector<float> table(size);
  for (size_t i = 0; i < size; ++i)
    table[i] = decode(uint32_t(i));
  return table;
}

const float *fp4q::sim::valueTable(Type type) {
  const auto generic = [](const FloatFormat &format) {
    return makeTable(256, [&](uint32_t i) { return float(decode(format, i)); });
  };
  static const auto e4m3 =
      makeTable(256, [](uint32_t i) { return decodeE4M3(uint8_t(i)); });
  static const auto e2m1 =
      makeTable(256, [](uint32_t i) { return decodeE2M1(i & 15); });
  static const auto ue8m0 =
      makeTable(256, [](uint32_t i) { return decodeE8M0(uint8_t(i)); });
  static const auto e5m2 = generic(kE5M2), e2m3 = generic(kE2M3),
                    e3m2 = generic(kE3M2);
  switch (type) {
  case Type::E4M3:
    return e4m3.data();
  case Type::E5M2:
    return e5m2.data();
  case Type::E2M3:
    return e2m3.data();
  case Type::E3M2:
    return e3m2.data();
  case Type::UE8M0:
    return ue8m0.data();
  default:
    return e2m1.data();
  }
}

const float *fp4q::sim::halfTable() {
  static const auto table =
      makeTable(65536, [](uint32_t i) { return decodeF16(uint16_t(i)); });
  return table.data();
}

uint8_t fp4q::sim::encodeNearest(Type type, float value) {
  return type == Type::E2M1 ? encodeE2M1(value) : encodeE4M3(value);
}
