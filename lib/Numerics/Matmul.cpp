//===- Matmul.cpp - products of FP4 matrices ------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Matmul.h"

#include "fp4q/Numerics/Dequantize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace fp4q;

/// Decodes rows [first, first + count) of `matrix` without a global scale.
static void decodeRows(const PackedMatrix &matrix, int64_t first, int64_t count,
                       int64_t k, const GroupFormat &format, float *values) {
  dequantize(matrix.codes + first * (k / 2),
             matrix.scales + first * (k / format.groupSize), count, k, format,
             1.0f, GlobalScaleUse::None, {values, FloatType::F32});
}

/// Calls `body(index, a, b, alpha, column)` for each element of C, with its row
/// of A and its row of B decoded, k values each.
template <typename Body>
static void forEachDot(const ScaledMatmul &operands, Body body) {
  const int64_t m = operands.a.rows, n = operands.b.rows, k = operands.k;
  std::vector<float> a(m * k), b(k);
  decodeRows(operands.a, 0, m, k, operands.format, a.data());
  for (int64_t column = 0; column < n; ++column) {
    decodeRows(operands.b, column, 1, k, operands.format, b.data());
    float alpha = operands.alpha
                      ? operands.alpha[operands.alphaPerColumn ? column : 0]
                      : 1.0f;
    for (int64_t row = 0; row < m; ++row)
      body(row * n + column, a.data() + row * k, b.data(), alpha, column);
  }
}

void fp4q::scaledMatmul(const ScaledMatmul &operands, Floats c) {
  forEachDot(operands, [&](int64_t index, const float *a, const float *b,
                           float alpha, int64_t column) {
    float sum = 0.0f;
    for (int64_t i = 0; i < operands.k; ++i)
      sum = std::fma(a[i], b[i], sum);
    c.store(index, operands.bias.data
                       ? std::fma(alpha, sum, operands.bias.load(column))
                       : alpha * sum);
  });
}

void fp4q::scaledMatmulF64(const ScaledMatmul &operands, double *c,
                           double *bound) {
  forEachDot(operands, [&](int64_t index, const float *a, const float *b,
                           float alpha, int64_t column) {
    double sum = 0, magnitude = 0;
    for (int64_t i = 0; i < operands.k; ++i) {
      double product = double(a[i]) * double(b[i]); // exact
      sum += product;
      magnitude += std::fabs(product);
    }
    double bias = operands.bias.data ? operands.bias.load(column) : 0.0;
    c[index] = double(alpha) * sum + bias;
    bound[index] = double(operands.k + 2) * 0x1p-23 *
                   (std::fabs(double(alpha)) * magnitude + std::fabs(bias));
  });
}

/// The exponent of the least normal number of a type, its stored mantissa bits
/// and its largest number.
struct TypeRange {
  int minExponent;
  int mantissaBits;
  double largest;
};

static TypeRange rangeOf(FloatType type) {
  switch (type) {
  case FloatType::BF16:
    return {-126, 7, 0x1.FEp127};
  case FloatType::F16:
    return {-14, 10, 65504.0};
  case FloatType::F32:
    break;
  }
  return {-126, 23, std::numeric_limits<float>::max()};
}

double fp4q::halfUlp(FloatType type, double value) {
  if (!std::isfinite(value))
    return std::numeric_limits<double>::infinity();
  TypeRange range = rangeOf(type);
  int exponent = range.minExponent;
  if (value != 0)
    exponent = std::max(exponent, std::ilogb(value));
  return std::ldexp(1.0, exponent - range.mantissaBits - 1);
}

bool fp4q::withinBound(FloatType type, double result, double exact,
                       double bound) {
  if (std::isnan(result) || std::isnan(exact))
    return std::isnan(result) && std::isnan(exact);
  if (std::isinf(exact))
    return result == exact;
  if (std::isinf(result)) {
    double toward = result > 0 ? exact : -exact;
    double largest = rangeOf(type).largest;
    return toward + bound >= largest + halfUlp(type, largest);
  }
  double size = std::max(std::fabs(result), std::fabs(exact));
  return std::fabs(result - exact) <= bound + halfUlp(type, size);
}
