//===- E8M0Test.cpp - the e8m0 codec against exact derivations ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"

#include <gtest/gtest.h>

using namespace fp4q;
using llvm::APFloat;

/// Hard inputs of any e8m0 rounding: the neighborhoods (3 ulp) of 1, 1.5 and
/// 1.75 times each power of two, subnormals too.
template <typename Body>
static void forThresholds(Body body) {
  for (int exponent = -149; exponent <= 127; ++exponent)
    for (float mantissa : {1.0f, 1.5f, 1.75f})
      for (int ulp = -3; ulp <= 3; ++ulp) {
        uint32_t bits =
            bitsOf(float(std::ldexp(double(mantissa), exponent))) + ulp;
        if (bits < infinityBits)
          body(floatOf(bits));
      }
}

TEST(E8M0, DecodesAllBytes) {
  for (uint32_t byte = 0; byte < 255; ++byte) {
    EXPECT_EQ(double(decodeE8M0(uint8_t(byte))),
              std::ldexp(1.0, int(byte) - 127));
    EXPECT_EQ(bitsOf(decodeE8M0(uint8_t(byte))),
              bitsOf(toFloat(numberOf(APFloat::Float8E8M0FNU(), byte))));
    EXPECT_EQ(encodeE8M0(decodeE8M0(uint8_t(byte))), byte);
  }
  EXPECT_TRUE(std::isnan(decodeE8M0(255)));
}

TEST(E8M0, EncodesByTheLaw) {
  int64_t checked = 0;
  auto check = [&](float value) {
    ASSERT_EQ(encodeE8M0(value), referenceE8M0(value))
        << std::hexfloat << value;
    ++checked;
  };
  forThresholds(check);
  for (uint32_t upper = 0; upper < 0x10000; upper += 3)
    for (uint32_t lower : {0x0000u, 0x0001u, 0x8000u, 0xFFFFu})
      check(floatOf(upper << 16 | lower));
  EXPECT_GT(checked, 90000);
}

TEST(E8M0, LawAtTheEnds) {
  EXPECT_EQ(encodeE8M0(0.0f), 0);
  EXPECT_EQ(encodeE8M0(-0.0f), 0);
  EXPECT_EQ(encodeE8M0(-1.0f), 0);
  EXPECT_EQ(encodeE8M0(-floatOf(infinityBits)), 0);
  EXPECT_EQ(encodeE8M0(floatOf(infinityBits)), 254);
  EXPECT_EQ(encodeE8M0(floatOf(largestBits)), 254);
  EXPECT_EQ(encodeE8M0(floatOf(0x005FFFFFu)), 0); // just below 1.5 * 2^-127
  EXPECT_EQ(encodeE8M0(floatOf(0x00600000u)), 1); // 1.5 * 2^-127
}

/// The exponent of a value that is rounded as `rounding` says, by f64 values:
/// floor(log2), one more if the ratio to that power passes the threshold.
static int roundedExponent(double value, E8M0Rounding rounding) {
  int exponent = std::ilogb(value);
  double ratio = std::ldexp(value, -exponent);
  switch (rounding) {
  case E8M0Rounding::From1_5:
    return exponent + (ratio >= 1.5);
  case E8M0Rounding::Never:
    return exponent;
  case E8M0Rounding::Above1:
    return exponent + (ratio > 1);
  case E8M0Rounding::From1_75:
    return exponent + (ratio >= 1.75);
  }
  return exponent;
}

TEST(E8M0, EveryRoundingTinyRuleAndOffset) {
  for (E8M0Rounding rounding : {E8M0Rounding::From1_5, E8M0Rounding::Never,
                                E8M0Rounding::Above1, E8M0Rounding::From1_75})
    for (int offset : {0, -2})
      forThresholds([&](float value) {
        if (value == 0)
          return;
        int exponent = roundedExponent(value, rounding) + offset;
        int byte = std::min(std::max(exponent, -127), 127) + 127;
        ASSERT_EQ(encodeE8M0(value, rounding, E8M0Tiny::ByValue, offset), byte)
            << std::hexfloat << value;
        // By bits, a subnormal reads as 2^-127 * (1 + m), m < 1.
        double read = value < 0x1p-126f
                          ? 0x1p-127 * (1 + double(value) * 0x1p126)
                          : double(value);
        exponent = roundedExponent(read, rounding) + offset;
        byte = std::min(std::max(exponent, -127), 127) + 127;
        ASSERT_EQ(encodeE8M0(value, rounding, E8M0Tiny::ByBits, offset), byte)
            << std::hexfloat << value;
      });
}

TEST(E8M0, SpecialValuesWhateverTheParameters) {
  for (E8M0Rounding rounding : {E8M0Rounding::From1_5, E8M0Rounding::Never,
                                E8M0Rounding::Above1, E8M0Rounding::From1_75})
    for (E8M0Tiny tiny : {E8M0Tiny::ByValue, E8M0Tiny::ByBits})
      for (int offset : {0, -2}) {
        auto encode = [&](float value) {
          return encodeE8M0(value, rounding, tiny, offset);
        };
        EXPECT_EQ(encode(0.0f), 0);
        EXPECT_EQ(encode(-0.0f), 0);
        EXPECT_EQ(encode(-3.0f), 0);
        EXPECT_EQ(encode(floatOf(infinityBits)), 254);
        EXPECT_EQ(encode(floatOf(0x7FC00001u)), 255);
        EXPECT_EQ(encode(floatOf(0xFF800001u)), 255);
      }
}
