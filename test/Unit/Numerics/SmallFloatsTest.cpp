//===- SmallFloatsTest.cpp - codecs against APFloat -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"
#include "fp4q/Numerics/E2M1.h"

#include <gtest/gtest.h>

using namespace fp4q;
using llvm::APFloat;

/// Counts and remembers the first mismatch; EXPECT on millions of values is
/// slow.
namespace {
class Mismatches {
public:
  void check(uint32_t input, uint32_t actual, uint32_t expected) {
    ++checked;
    if (actual == expected)
      return;
    if (!mismatches++)
      first << std::hex << "input 0x" << input << ": got 0x" << actual
            << ", expected 0x" << expected;
  }
  void expectNone(int64_t atLeast) {
    EXPECT_GE(checked, atLeast);
    EXPECT_EQ(mismatches, 0) << first;
  }

private:
  int64_t checked = 0, mismatches = 0;
  testing::Message first;
};
} // namespace

/// NaN results are compared as a class.
static uint32_t canonical(float value) {
  return std::isnan(value) ? 0x7FC00000u : bitsOf(value);
}

TEST(SmallFloats, DecodesAllBF16AndF16) {
  Mismatches mismatches;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    mismatches.check(bits, canonical(decodeBF16(uint16_t(bits))),
                     canonical(toFloat(numberOf(APFloat::BFloat(), bits))));
    mismatches.check(bits, canonical(decodeF16(uint16_t(bits))),
                     canonical(toFloat(numberOf(APFloat::IEEEhalf(), bits))));
  }
  mismatches.expectNone(0x20000);
}

TEST(SmallFloats, EncodeInvertsDecode) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    // A signaling NaN comes back quiet.
    bool nanBF16 = (bits & 0x7FFF) > 0x7F80, nanF16 = (bits & 0x7FFF) > 0x7C00;
    ASSERT_EQ(encodeBF16(decodeBF16(uint16_t(bits))),
              nanBF16 ? bits | 0x40 : bits);
    ASSERT_EQ(encodeF16(decodeF16(uint16_t(bits))),
              nanF16 ? bits | 0x200 : bits);
  }
}

/// Checks a conversion from f32 on hard inputs; NaN goes to `ifNaN`.
template <typename Encode>
static void checkNarrowing(const llvm::fltSemantics &semantics,
                           int mantissaBits, Encode encode) {
  Mismatches mismatches;
  forHardFloats(mantissaBits, [&](float value) {
    if (!std::isnan(value))
      mismatches.check(bitsOf(value), encode(value),
                       roundedBits(APFloat(value), semantics));
  });
  mismatches.expectNone(500000);
}

TEST(SmallFloats, EncodesBF16) {
  checkNarrowing(APFloat::BFloat(), 7, encodeBF16);
}

TEST(SmallFloats, EncodesF16) {
  checkNarrowing(APFloat::IEEEhalf(), 10, encodeF16);
}

TEST(SmallFloats, NaNStaysNaN) {
  for (uint32_t payload :
       {1u, 0x1FFFu, 0x2000u, 0x8000u, 0x10000u, 0x400000u, 0x7FFFFFu})
    for (uint32_t sign : {0u, 0x80000000u}) {
      float nan = floatOf(sign | infinityBits | payload);
      EXPECT_TRUE(isNaN(nan));
      EXPECT_TRUE(std::isnan(decodeBF16(encodeBF16(nan))));
      EXPECT_TRUE(std::isnan(decodeF16(encodeF16(nan))));
      EXPECT_EQ(encodeBF16(nan) >> 15, sign >> 31);
      EXPECT_EQ(encodeF16(nan) >> 15, sign >> 31);
      EXPECT_EQ(encodeE2M1(nan), 7);
      EXPECT_EQ(encodeE2M1(nan, ZeroSign::OnlyNegative), 7);
      EXPECT_EQ(encodeE4M3(nan), 0x7F);
      EXPECT_EQ(encodeE8M0(nan), 0xFF);
    }
  EXPECT_FALSE(isNaN(floatOf(infinityBits)));
}

TEST(SmallFloats, LoadsAndStoresEveryType) {
  RandomFloats random(1);
  std::vector<float> values(1000);
  for (float &value : values)
    value = random();
  for (FloatType type : {FloatType::BF16, FloatType::F16, FloatType::F32}) {
    // One byte in front, so that nothing is aligned.
    std::vector<uint8_t> bytes = encodeAll(values, type);
    bytes.insert(bytes.begin(), 0xAB);
    ConstFloats from{bytes.data() + 1, type};
    std::vector<uint8_t> copy(bytes.size(), 0xAB);
    Floats to{copy.data() + 1, type};
    for (size_t i = 0; i < values.size(); ++i) {
      float expected = roundedTo(type, values[i]);
      ASSERT_EQ(bitsOf(from.load(int64_t(i))), bitsOf(expected));
      ASSERT_EQ(bitsOf(roundToType(values[i], type)), bitsOf(expected));
      to.store(int64_t(i), values[i]);
    }
    EXPECT_EQ(bytes, copy);
  }
}

TEST(E2M1, EncodesLikeAPFloat) {
  Mismatches mismatches;
  forHardFloats(1, [&](float value) {
    mismatches.check(bitsOf(value), encodeE2M1(value), referenceE2M1(value));
  });
  mismatches.expectNone(500000);
}

TEST(E2M1, TiesGoToTheEvenCode) {
  // Of numerics.md: value to value.
  const float ties[][2] = {{0.25f, 0}, {0.75f, 1}, {1.25f, 1},
                           {1.75f, 2}, {2.5f, 2},  {3.5f, 4},
                           {5, 4},     {6, 6},     {1e30f, 6}};
  for (auto [tie, value] : ties) {
    EXPECT_EQ(decodeE2M1(encodeE2M1(tie)), value) << tie;
    EXPECT_EQ(bitsOf(decodeE2M1(encodeE2M1(-tie))), bitsOf(-value)) << tie;
  }
}

TEST(E2M1, SignOfZero) {
  for (float value : {-0.0f, -1e-45f, -0.1f, -0.25f})
    EXPECT_EQ(encodeE2M1(value), 8);
  EXPECT_EQ(encodeE2M1(-0.0f, ZeroSign::OnlyNegative), 0);
  EXPECT_EQ(encodeE2M1(0.0f, ZeroSign::OnlyNegative), 0);
  for (float value : {-1e-45f, -0.1f, -0.25f})
    EXPECT_EQ(encodeE2M1(value, ZeroSign::OnlyNegative), 8);
  EXPECT_EQ(encodeE2M1(-1.0f, ZeroSign::OnlyNegative), 10);
}

TEST(E2M1, DecodesAllCodesAndPacksLowFirst) {
  for (uint32_t code = 0; code < 16; ++code) {
    EXPECT_EQ(bitsOf(decodeE2M1(uint8_t(code))),
              bitsOf(toFloat(numberOf(APFloat::Float4E2M1FN(), code))));
    EXPECT_EQ(encodeE2M1(decodeE2M1(uint8_t(code))), code);
    for (uint32_t odd = 0; odd < 16; ++odd) {
      uint8_t byte = packE2M1(uint8_t(code), uint8_t(odd));
      EXPECT_EQ(byte, code + 16 * odd);
      EXPECT_EQ(unpackE2M1(&byte, 0), code);
      EXPECT_EQ(unpackE2M1(&byte, 1), odd);
    }
  }
}

TEST(E4M3, EncodesLikeAPFloat) {
  Mismatches mismatches;
  forHardFloats(3, [&](float value) {
    mismatches.check(bitsOf(value), encodeE4M3(value), referenceE4M3(value));
  });
  mismatches.expectNone(500000);
}

TEST(E4M3, SaturatesAndKeepsTheSignOfZero) {
  EXPECT_EQ(encodeE4M3(floatOf(infinityBits)), 0x7E);
  EXPECT_EQ(encodeE4M3(-floatOf(infinityBits)), 0xFE);
  EXPECT_EQ(encodeE4M3(464.0f), 0x7E);
  EXPECT_EQ(encodeE4M3(-0.0f), 0x80);
  EXPECT_EQ(encodeE4M3(0x1p-10f), 0x00); // a tie between 0 and 2^-9
  EXPECT_EQ(encodeE4M3(floatOf(bitsOf(0x1p-10f) + 1)), 0x01);
}

TEST(E4M3, DecodesAllBytes) {
  for (uint32_t byte = 0; byte < 256; ++byte) {
    float expected = toFloat(numberOf(APFloat::Float8E4M3FN(), byte));
    EXPECT_EQ(canonical(decodeE4M3(uint8_t(byte))), canonical(expected));
    EXPECT_EQ(std::isnan(expected), (byte & 0x7F) == 0x7F);
    if (!std::isnan(expected))
      EXPECT_EQ(encodeE4M3(expected), byte);
  }
}
