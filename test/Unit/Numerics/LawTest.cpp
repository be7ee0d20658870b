//===- LawTest.cpp - quantize and dequantize by the law -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The law of numerics.md, written a second time over APFloat, and the
// consequences that numerics.md lists.

#include "Reference.h"
#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/Quantize.h"

#include <gtest/gtest.h>

using namespace fp4q;

static const float inf = floatOf(infinityBits);
static const float nan32 = floatOf(0x7FC00000u);
static constexpr FloatType allTypes[] = {FloatType::BF16, FloatType::F16,
                                         FloatType::F32};
static constexpr ScaleType allScaleTypes[] = {ScaleType::E8M0, ScaleType::E4M3};

namespace {
/// Codes and scales of a quantized matrix.
struct Quantized {
  std::vector<uint8_t> codes, scales;
  bool operator==(const Quantized &other) const {
    return codes == other.codes && scales == other.scales;
  }
};
} // namespace

/// Runs `quantize` on the values of a matrix with k columns.
static Quantized run(const std::vector<float> &x, int64_t k,
                     const QuantizeParams &params,
                     FloatType type = FloatType::F32) {
  int64_t rows = int64_t(x.size()) / k;
  Quantized result;
  result.codes.assign(x.size() / 2, 0xA5);
  result.scales.assign(size_t(rows * k / params.format.groupSize), 0xA5);
  std::vector<uint8_t> bytes = encodeAll(x, type);
  quantize({bytes.data(), type}, rows, k, params, result.codes.data(),
           result.scales.data());
  // Given its own scales, the other variant must give the same codes.
  std::vector<uint8_t> codes(result.codes.size(), 0x5A);
  quantizeWithScales({bytes.data(), type}, rows, k, params,
                     result.scales.data(), codes.data());
  EXPECT_EQ(codes, result.codes);
  return result;
}

/// One group of the law over APFloat; steps 1 to 5 of numerics.md.
static void referenceGroup(const float *x, int64_t size,
                           const QuantizeParams &params, Quantized &result) {
  float amax = 0;
  for (int64_t i = 0; i < size; ++i)
    if (std::isnan(x[i]) || std::fabs(x[i]) > amax)
      amax = std::isnan(amax) ? amax : std::fabs(x[i]);
  float g = params.globalScale;
  float s = divide(amax, multiply(params.scaleScale, g));
  bool e8m0 = params.format.scaleType == ScaleType::E8M0;
  uint8_t byte = e8m0 ? referenceE8M0(s) : referenceE4M3(s);
  result.scales.push_back(byte);
  float q = referenceScaleValue(byte, params.format.scaleType);
  float d = multiply(q, g);
  for (int64_t i = 0; i < size; i += 2)
    result.codes.push_back(uint8_t(referenceE2M1(divide(x[i], d)) |
                                   referenceE2M1(divide(x[i + 1], d)) << 4));
}

TEST(Law, MatchesAPFloatForAllGroupSizesAndTypes) {
  for (bool nonFinite : {false, true}) {
    RandomFloats random(nonFinite ? 2 : 3, nonFinite);
    for (FloatType type : allTypes)
      for (ScaleType scaleType : allScaleTypes)
        for (int64_t groupSize = 2; groupSize <= 128; groupSize *= 2)
          for (float g : {1.0f, 1.0f / 3, 0.1f, 1e-20f, 1e30f})
            for (float ss : {1.0f, 4.0f, 6.0f}) {
              QuantizeParams params;
              params.format = {groupSize, scaleType};
              params.globalScale = g;
              params.scaleScale = ss;
              // Three groups a row: K/G odd.
              std::vector<float> x(size_t(2 * 3 * groupSize));
              bool wide = groupSize % 4 == 0 && g != 1.0f;
              for (float &value : x)
                value = roundedTo(type, wide ? random() : random.moderate());
              Quantized expected;
              for (size_t i = 0; i < x.size(); i += size_t(groupSize))
                referenceGroup(&x[i], groupSize, params, expected);
              ASSERT_EQ(run(x, 3 * groupSize, params, type), expected)
                  << "G " << groupSize << " g " << g << " ss " << ss;
            }
  }
}

TEST(Law, MatchesAPFloatAtTiesOfElements) {
  for (ScaleType scaleType : allScaleTypes) {
    QuantizeParams params;
    params.format.scaleType = scaleType;
    params.format.groupSize = 16;
    for (float g : {1.0f, 1.0f / 3, 0.1f, 0.007f}) {
      params.globalScale = g;
      params.scaleScale = scaleType == ScaleType::E8M0 ? 4.0f : 6.0f;
      for (uint8_t byte : {0x20, 0x38, 0x45, 0x7E}) {
        float d = multiply(decodeScale(byte, scaleType), g);
        for (float tie : {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f}) {
          std::vector<float> x(16, multiply(6, d));
          for (int ulp = -2; ulp <= 2; ++ulp) {
            float value = floatOf(bitsOf(multiply(tie, d)) + uint32_t(ulp));
            x[size_t(ulp + 2)] = value;
            x[size_t(ulp + 9)] = -value;
          }
          Quantized expected;
          referenceGroup(x.data(), 16, params, expected);
          ASSERT_EQ(run(x, 16, params), expected);
        }
      }
    }
  }
}

static QuantizeParams paramsOf(ScaleType scaleType, float g, float ss) {
  QuantizeParams params;
  params.format = scaleType == ScaleType::E8M0 ? mxfp4 : nvfp4;
  params.globalScale = g;
  params.scaleScale = ss;
  return params;
}

TEST(Law, ZeroGroups) {
  Quantized nv =
      run(std::vector<float>(16, 0.0f), 16, paramsOf(ScaleType::E4M3, 0.1f, 6));
  EXPECT_EQ(nv.scales, std::vector<uint8_t>{0});
  EXPECT_EQ(nv.codes, std::vector<uint8_t>(8, 0x77));
  std::vector<float> decoded(16, 1.0f);
  dequantize(nv.codes.data(), nv.scales.data(), 1, 16, nvfp4, 0.1f,
             GlobalScaleUse::Multiply, {decoded.data(), FloatType::F32});
  EXPECT_EQ(decoded, std::vector<float>(16, 0.0f));

  std::vector<float> zeros(32, 0.0f);
  zeros[1] = -0.0f;
  Quantized mx = run(zeros, 32, paramsOf(ScaleType::E8M0, 1.0f / 3, 4));
  EXPECT_EQ(mx.scales, std::vector<uint8_t>{0});
  EXPECT_EQ(mx.codes[0], 0x80);
  EXPECT_EQ(mx.codes[1], 0x00);
}

TEST(Law, NaNPoisonsItsGroupOnly) {
  for (ScaleType scaleType : allScaleTypes) {
    QuantizeParams params = paramsOf(scaleType, 0.5f, 6);
    int64_t groupSize = params.format.groupSize;
    // Every second value is small, so that no finite group has only codes 7.
    std::vector<float> x(size_t(3 * groupSize), 0.5f);
    for (size_t i = 0; i < x.size(); i += 2)
      x[i] = 2.0f;
    x[size_t(groupSize + 5)] = floatOf(0xFFC12345u);
    Quantized result = run(x, 3 * groupSize, params);
    EXPECT_EQ(result.scales[1], scaleType == ScaleType::E8M0 ? 0xFF : 0x7F);
    EXPECT_EQ(result.scales[0], result.scales[2]);
    EXPECT_NE(result.scales[0], result.scales[1]);
    for (int64_t i = 0; i < groupSize / 2; ++i) {
      EXPECT_EQ(result.codes[size_t(groupSize / 2 + i)], 0x77);
      EXPECT_NE(result.codes[size_t(i)], 0x77);
    }
  }
}

TEST(Law, InfinityAndExtremes) {
  std::vector<float> x(32, 1.0f);
  x[3] = -inf;
  EXPECT_EQ(run(x, 32, paramsOf(ScaleType::E8M0, 1, 4)).scales[0], 254);
  EXPECT_EQ(run(x, 16, paramsOf(ScaleType::E4M3, 1, 6)).scales[0], 0x7E);
  x.assign(32, floatOf(largestBits));
  EXPECT_EQ(run(x, 32, paramsOf(ScaleType::E8M0, 1, 1)).scales[0], 254);
}

TEST(Law, ScalesThatOverflowOrAreNotPositive) {
  std::vector<float> x(32, 2.0f);
  // gs * ss = Inf: s = 0.
  EXPECT_EQ(run(x, 32, paramsOf(ScaleType::E8M0, 3e38f, 6)).scales[0], 0);
  EXPECT_EQ(run(x, 16, paramsOf(ScaleType::E4M3, 3e38f, 6)).scales[0], 0);
  // Inf / Inf.
  x[0] = inf;
  EXPECT_EQ(run(x, 32, paramsOf(ScaleType::E8M0, 3e38f, 6)).scales[0], 255);
  x[0] = 2.0f;
  // A negative s.
  EXPECT_EQ(run(x, 32, paramsOf(ScaleType::E8M0, -1, 6)).scales[0], 0);
  EXPECT_EQ(run(x, 16, paramsOf(ScaleType::E4M3, -1e-9f, 6)).scales[0], 0xFE);
  EXPECT_EQ(run(x, 16, paramsOf(ScaleType::E4M3, nan32, 6)).codes[0], 0x77);
}

TEST(Law, MxConstantsGiveThePowerBelowAmax) {
  RandomFloats random(4);
  QuantizeParams params = paramsOf(ScaleType::E8M0, 1.0f / 3, 4);
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> x(32, 0.0f);
    x[7] = random();
    if (std::fabs(x[7]) < 0x1p-120f)
      continue;
    EXPECT_EQ(run(x, 32, params).scales[0], std::ilogb(x[7]) + 127);
  }
}

TEST(Law, GivenScales) {
  std::vector<float> x(32, 1.0f);
  for (ScaleType scaleType : allScaleTypes) {
    QuantizeParams params = paramsOf(scaleType, 0.25f, 1e30f);
    params.format.groupSize = 32;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint8_t scale = uint8_t(byte), codes[16];
      quantizeWithScales({x.data(), FloatType::F32}, 1, 32, params, &scale,
                         codes);
      uint8_t code = referenceE2M1(
          divide(1.0f, multiply(decodeScale(scale, scaleType), 0.25f)));
      for (uint8_t pair : codes)
        ASSERT_EQ(pair, code | code << 4) << byte;
    }
    // 0xFF is NaN in both scale types.
    uint8_t nanScale = 0xFF, codes[16];
    quantizeWithScales({x.data(), FloatType::F32}, 1, 32, params, &nanScale,
                       codes);
    for (uint8_t pair : codes)
      EXPECT_EQ(pair, 0x77);
  }
}

TEST(Law, NoRows) {
  QuantizeParams params;
  quantize({}, 0, 64, params, nullptr, nullptr);
  quantizeWithScales({}, 0, 64, params, nullptr, nullptr);
  dequantize(nullptr, nullptr, 0, 64, mxfp4, 1, GlobalScaleUse::Multiply, {});
  EXPECT_EQ(globalScale({}, 0), 1.0f);
  EXPECT_EQ(maxMagnitude({}, 0), 0.0f);
}

TEST(Law, GlobalScale) {
  for (FloatType type : allTypes) {
    auto scaleOf = [&](const std::vector<float> &x) {
      std::vector<uint8_t> bytes = encodeAll(x, type);
      return globalScale({bytes.data(), type}, int64_t(x.size()));
    };
    EXPECT_EQ(scaleOf({0.0f, -0.0f}), 1.0f);
    EXPECT_EQ(scaleOf({1.0f, -2688.0f, 7.0f}),
              divide(roundedTo(type, 2688.0f), 2688.0f));
    EXPECT_EQ(scaleOf({0.3f, -0.1f}), divide(roundedTo(type, 0.3f), 2688.0f));
    EXPECT_EQ(scaleOf({1.0f, -inf}), inf);
    EXPECT_TRUE(std::isnan(scaleOf({inf, nan32, 1.0f})));
  }
}

TEST(Dequantize, AllCodesScalesTypesAndDirections) {
  for (ScaleType scaleType : allScaleTypes)
    for (float g : {1.0f, 1.0f / 3, 4.0f, 1e-30f, inf})
      for (FloatType type : allTypes)
        for (GlobalScaleUse use :
             {GlobalScaleUse::Multiply, GlobalScaleUse::Divide,
              GlobalScaleUse::None})
          for (uint32_t byte = 0; byte < 256; ++byte) {
            uint8_t scale = uint8_t(byte);
            uint8_t codes[8] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE};
            uint8_t bytes[64];
            dequantize(codes, &scale, 1, 16, {16, scaleType}, g, use,
                       {bytes, type});
            float q = referenceScaleValue(scale, scaleType);
            float factor = use == GlobalScaleUse::Multiply ? multiply(q, g)
                           : use == GlobalScaleUse::Divide ? divide(q, g)
                                                           : q;
            for (uint32_t code = 0; code < 16; ++code) {
              float value =
                  toFloat(numberOf(llvm::APFloat::Float4E2M1FN(), code));
              float expected = roundedTo(type, multiply(value, factor));
              float actual = ConstFloats{bytes, type}.load(code);
              if (std::isnan(expected))
                ASSERT_TRUE(std::isnan(actual));
              else
                ASSERT_EQ(bitsOf(actual), bitsOf(expected))
                    << byte << " " << code;
            }
          }
}

TEST(Dequantize, ZeroTimesInfinityIsNaN) {
  uint8_t codes[16] = {}, scale = 254;
  float y[32];
  dequantize(codes, &scale, 1, 32, mxfp4, 4, GlobalScaleUse::Multiply,
             {y, FloatType::F32});
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(Dequantize, EveryGroupSizeUsesItsOwnScale) {
  for (int64_t groupSize = 2; groupSize <= 128; groupSize *= 2) {
    int64_t rows = 3, k = 5 * groupSize;
    std::vector<uint8_t> codes(size_t(rows * k / 2), 0x22); // 1, 1
    std::vector<uint8_t> scales(size_t(rows * 5));
    for (size_t i = 0; i < scales.size(); ++i)
      scales[i] = uint8_t(120 + i);
    std::vector<float> y(size_t(rows * k));
    dequantize(codes.data(), scales.data(), rows, k,
               {groupSize, ScaleType::E8M0}, 1, GlobalScaleUse::Multiply,
               {y.data(), FloatType::F32});
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(double(y[i]), std::ldexp(1.0, int(i / size_t(groupSize)) - 7));
  }
}
