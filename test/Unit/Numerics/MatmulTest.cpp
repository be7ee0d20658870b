//===- MatmulTest.cpp - scaled matmuls against APFloat chains -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Matmul.h"
#include "Reference.h"

#include <gtest/gtest.h>

using namespace fp4q;

static constexpr FloatType allTypes[] = {FloatType::BF16, FloatType::F16,
                                         FloatType::F32};

namespace {
/// A random packed matrix whose decoded values stay well inside f32.
struct RandomMatrix {
  RandomMatrix(int64_t rows, int64_t k, const GroupFormat &format,
               uint32_t seed) {
    std::mt19937 random(seed);
    codes.resize(size_t(rows * k / 2));
    scales.resize(size_t(rows * k / format.groupSize));
    for (uint8_t &byte : codes)
      byte = uint8_t(random());
    for (uint8_t &byte : scales)
      byte = format.scaleType == ScaleType::E8M0 ? uint8_t(117 + random() % 20)
                                                 : uint8_t(random() % 0x7F);
    packed = {codes.data(), scales.data(), rows};
    for (int64_t i = 0; i < rows * k; ++i) {
      uint8_t code = codes[size_t(i / 2)] >> (i % 2 * 4) & 15;
      uint8_t scale = scales[size_t(i / format.groupSize)];
      values.push_back(
          multiply(toFloat(numberOf(llvm::APFloat::Float4E2M1FN(), code)),
                   referenceScaleValue(scale, format.scaleType)));
    }
  }

  std::vector<uint8_t> codes, scales;
  PackedMatrix packed;
  std::vector<float> values; ///< decoded by APFloat
};
} // namespace

/// The reference's chain over APFloat, without the last rounding.
static float expectedElement(const RandomMatrix &a, const RandomMatrix &b,
                             int64_t k, int64_t row, int64_t column,
                             float alpha, const float *bias) {
  float sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum = fusedMultiplyAdd(a.values[size_t(row * k + i)],
                           b.values[size_t(column * k + i)], sum);
  return bias ? fusedMultiplyAdd(alpha, sum, *bias) : multiply(alpha, sum);
}

TEST(Matmul, ChainAlphaBiasAndResultTypes) {
  const int64_t m = 3, n = 5;
  RandomFloats random(21);
  for (int64_t groupSize = 2; groupSize <= 128; groupSize *= 4)
    for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3})
      for (int variant = 0; variant < 6; ++variant) {
        GroupFormat format{groupSize, scaleType};
        int64_t k = 3 * groupSize;
        RandomMatrix a(m, k, format, 22), b(n, k, format, 23);
        std::vector<float> alpha(n), bias(n);
        for (int64_t i = 0; i < n; ++i) {
          alpha[size_t(i)] = random.moderate();
          bias[size_t(i)] = roundedTo(FloatType::BF16, random.moderate() * 100);
        }
        FloatType biasType = variant & 1 ? FloatType::F32 : FloatType::BF16;
        std::vector<uint8_t> biasBytes = encodeAll(bias, biasType);
        ScaledMatmul operands;
        operands.a = a.packed;
        operands.b = b.packed;
        operands.k = k;
        operands.format = format;
        operands.alpha = variant < 2 ? nullptr : alpha.data();
        operands.alphaPerColumn = variant >= 4;
        bool hasBias = groupSize != 8;
        if (hasBias)
          operands.bias = {biasBytes.data(), biasType};
        std::vector<float> expected;
        for (int64_t row = 0; row < m; ++row)
          for (int64_t column = 0; column < n; ++column) {
            float factor =
                variant < 2 ? 1.0f : alpha[size_t(variant < 4 ? 0 : column)];
            expected.push_back(
                expectedElement(a, b, k, row, column, factor,
                                hasBias ? &bias[size_t(column)] : nullptr));
          }
        std::vector<double> exact(m * n), bound(m * n);
        scaledMatmulF64(operands, exact.data(), bound.data());
        for (FloatType type : allTypes) {
          std::vector<uint8_t> c(expected.size() * size_t(sizeOf(type)));
          scaledMatmul(operands, {c.data(), type});
          ASSERT_EQ(c, encodeAll(expected, type))
              << "G " << groupSize << " variant " << variant;
          for (int64_t i = 0; i < m * n; ++i)
            ASSERT_TRUE(withinBound(type, ConstFloats{c.data(), type}.load(i),
                                    exact[size_t(i)], bound[size_t(i)]));
        }
      }
}

TEST(Matmul, BoundIsTheOneOfNumericsMd) {
  RandomMatrix a(2, 64, mxfp4, 31), b(2, 64, mxfp4, 32);
  float alpha = -0.7f, bias[2] = {3, -5};
  ScaledMatmul operands{
      a.packed, b.packed, 64, mxfp4, &alpha, false, {bias, FloatType::F32}};
  double exact[4], bound[4];
  scaledMatmulF64(operands, exact, bound);
  for (size_t i = 0; i < 4; ++i) {
    double sum = 0, magnitude = 0;
    for (size_t j = 0; j < 64; ++j) {
      double product =
          double(a.values[i / 2 * 64 + j]) * double(b.values[i % 2 * 64 + j]);
      sum += product;
      magnitude += std::fabs(product);
    }
    EXPECT_DOUBLE_EQ(exact[i], double(alpha) * sum + double(bias[i % 2]));
    EXPECT_DOUBLE_EQ(bound[i], 66 * 0x1p-23 *
                                   (std::fabs(double(alpha)) * magnitude +
                                    std::fabs(double(bias[i % 2]))));
    EXPECT_FALSE(withinBound(FloatType::F32, exact[i] + 3 * bound[i], exact[i],
                             bound[i]));
  }
}

TEST(Matmul, NaNScaleStaysInItsRowAndColumn) {
  RandomMatrix a(3, 32, nvfp4, 41), b(4, 32, nvfp4, 42);
  a.scales[3] = 0x7F; // row 1
  b.scales[4] = 0xFF; // row 2 of B: column 2
  ScaledMatmul operands{a.packed, b.packed, 32, nvfp4, nullptr, false, {}};
  std::vector<float> c(12);
  scaledMatmul(operands, {c.data(), FloatType::F32});
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t column = 0; column < 4; ++column)
      EXPECT_EQ(std::isnan(c[size_t(row * 4 + column)]),
                row == 1 || column == 2);
}

TEST(Matmul, NoRows) {
  RandomMatrix b(4, 32, mxfp4, 51);
  ScaledMatmul operands{{}, b.packed, 32, mxfp4, nullptr, false, {}};
  scaledMatmul(operands, {});
  scaledMatmulF64(operands, nullptr, nullptr);
  std::swap(operands.a, operands.b);
  scaledMatmul(operands, {});
}

TEST(Matmul, HalfUlp) {
  // Half the distance to the next number of the type, by APFloat.
  for (FloatType type : allTypes)
    for (float value : {0.0f, 1.0f, 1.5f, 0x1p-15f, 3e4f, 1e-40f, 1e-38f}) {
      llvm::APFloat number =
          numberOf(semanticsOf(type),
                   encodeAll({value}, type).size() == 4
                       ? bitsOf(value)
                       : roundedBits(llvm::APFloat(value), semanticsOf(type)));
      double here = toFloat(number);
      number.next(/*nextDown=*/false);
      EXPECT_EQ(halfUlp(type, here), (double(toFloat(number)) - here) / 2);
      EXPECT_EQ(halfUlp(type, -here), halfUlp(type, here));
    }
  EXPECT_EQ(halfUlp(FloatType::F32, HUGE_VAL), HUGE_VAL);
}

TEST(Matmul, WithinBoundOfNonFinite) {
  double nan = std::nan("");
  EXPECT_TRUE(withinBound(FloatType::F32, nan, nan, 0));
  EXPECT_FALSE(withinBound(FloatType::F32, nan, 1, 1e30));
  EXPECT_FALSE(withinBound(FloatType::F32, 1, nan, 1e30));
  EXPECT_TRUE(withinBound(FloatType::F32, -HUGE_VAL, -HUGE_VAL, 0));
  EXPECT_FALSE(withinBound(FloatType::F32, HUGE_VAL, -HUGE_VAL, 0));
  // 65520 is where f16 rounds to Inf.
  EXPECT_TRUE(withinBound(FloatType::F16, HUGE_VAL, 65520, 0));
  EXPECT_TRUE(withinBound(FloatType::F16, HUGE_VAL, 65519, 1));
  EXPECT_FALSE(withinBound(FloatType::F16, HUGE_VAL, 65519, 0));
  EXPECT_FALSE(withinBound(FloatType::F16, -HUGE_VAL, 65520, 0));
  EXPECT_FALSE(withinBound(FloatType::F16, HUGE_VAL, 0, 1));
}
