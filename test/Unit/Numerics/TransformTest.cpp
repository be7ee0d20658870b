//===- TransformTest.cpp - block transforms against APFloat chains --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Transform.h"
#include "Reference.h"
#include "fp4q/Numerics/Matmul.h"

#include <gtest/gtest.h>

using namespace fp4q;

namespace {
/// A random matrix and transform: x (rows, k) with k = blocks * blockSize.
struct Problem {
  Problem(int64_t rows, int64_t blocks, int64_t blockSize, bool perBlock,
          FloatType type, uint32_t seed)
      : rows(rows), k(blocks * blockSize), type(type) {
    RandomFloats random(seed);
    x.resize(size_t(rows * k));
    t.resize(size_t((perBlock ? blocks : 1) * blockSize * blockSize));
    for (float &value : x)
      value = roundedTo(type, random.moderate());
    for (float &value : t)
      value = roundedTo(type, random.moderate());
    xBytes = encodeAll(x, type);
    tBytes = encodeAll(t, type);
    transform = {{tBytes.data(), type}, blockSize, perBlock};
  }

  ConstFloats input() const { return {xBytes.data(), type}; }

  /// The chain of the reference, by APFloat.
  std::vector<float> expected() const {
    std::vector<float> y;
    int64_t size = transform.blockSize;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < k; ++i) {
        int64_t block = i / size;
        float sum = 0;
        for (int64_t j = 0; j < size; ++j)
          sum = fusedMultiplyAdd(
              t[size_t(((transform.perBlock ? block : 0) * size + i % size) *
                           size +
                       j)],
              x[size_t(row * k + block * size + j)], sum);
        y.push_back(sum);
      }
    return y;
  }

  int64_t rows, k;
  FloatType type;
  std::vector<float> x, t;
  std::vector<uint8_t> xBytes, tBytes;
  BlockTransform transform;
};
} // namespace

static constexpr FloatType allTypes[] = {FloatType::BF16, FloatType::F16,
                                         FloatType::F32};

TEST(Transform, ChainOfFusedMultiplyAddsForAllBlockSizes) {
  for (int64_t blockSize = 2; blockSize <= 128; blockSize *= 2)
    for (bool perBlock : {false, true})
      for (FloatType type : allTypes) {
        Problem problem(2, 3, blockSize, perBlock, type, 11);
        std::vector<float> expected = problem.expected();
        for (FloatType resultType : allTypes) {
          std::vector<uint8_t> y(expected.size() * size_t(sizeOf(resultType)));
          blockTransform(problem.input(), problem.rows, problem.k,
                         problem.transform, {y.data(), resultType});
          ASSERT_EQ(y, encodeAll(expected, resultType))
              << blockSize << " " << perBlock;
        }
      }
}

TEST(Transform, MatrixMayBeF32) {
  Problem problem(1, 2, 4, true, FloatType::BF16, 12);
  std::vector<float> y(8), sameY(8);
  blockTransform(problem.input(), 1, 8, problem.transform,
                 {y.data(), FloatType::F32});
  BlockTransform wide = problem.transform;
  wide.matrix = {problem.t.data(), FloatType::F32};
  blockTransform(problem.input(), 1, 8, wide, {sameY.data(), FloatType::F32});
  EXPECT_EQ(y, sameY);
}

TEST(Transform, BoundHoldsForAnyOrder) {
  Problem problem(3, 2, 64, false, FloatType::F32, 13);
  size_t count = problem.x.size();
  std::vector<double> exact(count), bound(count);
  blockTransformF64(problem.input(), problem.rows, problem.k, problem.transform,
                    exact.data(), bound.data());
  for (size_t index = 0; index < count; ++index) {
    const float *t = &problem.t[index % 64 * 64];
    const float *x = &problem.x[index / 64 * 64];
    float ascending = 0, descending = 0, even = 0, odd = 0;
    double magnitude = 0;
    for (size_t j = 0; j < 64; ++j) {
      ascending = std::fma(t[j], x[j], ascending);
      descending = descending + t[63 - j] * x[63 - j];
      (j % 2 ? odd : even) += t[j] * x[j];
      magnitude += std::fabs(double(t[j]) * double(x[j]));
    }
    EXPECT_EQ(bound[index], 65 * std::ldexp(magnitude, -23));
    for (float y : {ascending, descending, even + odd})
      EXPECT_LE(std::fabs(y - exact[index]), bound[index]);
    // The bound is not so loose that it means nothing.
    EXPECT_FALSE(withinBound(FloatType::F32, exact[index] + magnitude * 0x1p-16,
                             exact[index], bound[index]));
  }
}

TEST(Transform, FusedQuantizeDoesNotRoundInBetween) {
  // B = G, B > G and B < G; codes and scales as from the unrounded f32 y.
  const int64_t rows = 100;
  const int64_t sizes[][2] = {{32, 32}, {64, 16}, {16, 64}, {2, 128}};
  for (auto [blockSize, groupSize] : sizes)
    for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3}) {
      Problem problem(rows, 128 / blockSize, blockSize, true, FloatType::BF16,
                      14);
      std::vector<float> y = problem.expected();
      // A global scale that puts scales inside e4m3's range, and enough values
      // that the rounding of y would show.
      QuantizeParams params;
      params.format = {groupSize, scaleType};
      params.globalScale = scaleType == ScaleType::E8M0 ? 1.0f / 3 : 1e3f;
      params.scaleScale = scaleType == ScaleType::E8M0 ? 4.0f : 6.0f;
      std::vector<uint8_t> codes(y.size() / 2), expectedCodes(y.size() / 2);
      std::vector<uint8_t> scales(y.size() / size_t(groupSize));
      std::vector<uint8_t> expectedScales(scales.size());
      quantize({y.data(), FloatType::F32}, rows, 128, params,
               expectedCodes.data(), expectedScales.data());
      quantizeTransformed(problem.input(), rows, 128, problem.transform, params,
                          codes.data(), scales.data());
      EXPECT_EQ(codes, expectedCodes);
      EXPECT_EQ(scales, expectedScales);
      std::fill(codes.begin(), codes.end(), uint8_t(0));
      quantizeTransformedWithScales(problem.input(), rows, 128,
                                    problem.transform, params, scales.data(),
                                    codes.data());
      EXPECT_EQ(codes, expectedCodes);

      std::vector<uint8_t> rounded = encodeAll(y, FloatType::BF16);
      quantize({rounded.data(), FloatType::BF16}, rows, 128, params,
               codes.data(), scales.data());
      EXPECT_NE(codes, expectedCodes) << "the test cannot tell";
    }
}

TEST(Transform, IntermediateTypeIsThatOfX) {
  Problem problem(4, 1, 16, false, FloatType::BF16, 15);
  std::vector<float> y = problem.expected();
  QuantizeParams params;
  params.format = nvfp4;
  params.recipe.scaleFormula = ScaleFormula::AmaxOver6TimesG;
  params.recipe.intermediate = Intermediate::InputType;
  params.globalScale = 0.37f;
  for (int64_t row = 0; row < 4; ++row) {
    float amax = 0;
    for (int64_t i = 0; i < 16; ++i)
      amax = std::max(amax, std::fabs(y[size_t(row * 16 + i)]));
    uint8_t codes[8], scale;
    quantizeTransformed({&problem.xBytes[size_t(row * 32)], FloatType::BF16}, 1,
                        16, problem.transform, params, codes, &scale);
    EXPECT_EQ(scale, referenceE4M3(multiply(
                         roundedTo(FloatType::BF16, divide(amax, 6)), 0.37f)));
  }
}

TEST(Transform, NoRowsAndNonFinite) {
  blockTransform({}, 0, 64, {}, {});
  quantizeTransformed({}, 0, 64, {}, {}, nullptr, nullptr);
  float inf = floatOf(infinityBits);
  std::vector<float> x = {inf, 0.0f, 1.0f, 2.0f}, t = {1, 1, 0, 1}, y(4);
  BlockTransform transform{{t.data(), FloatType::F32}, 2, false};
  blockTransform({x.data(), FloatType::F32}, 2, 2, transform,
                 {y.data(), FloatType::F32});
  EXPECT_EQ(y[0], inf);
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 3.0f);
  EXPECT_EQ(y[3], 2.0f);
}
