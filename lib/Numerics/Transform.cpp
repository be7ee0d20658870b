//===- Transform.cpp - block transforms along K ---------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Transform.h"

#include <cassert>
#include <cmath>
#include <vector>

using namespace fp4q;

/// Calls `body(row, i, matrixRow, xBegin)` for each element (row, i) of the
/// result: it is the product of blockSize elements of the matrix from
/// `matrixRow` on with those of x from `xBegin` on.
template <typename Body>
static void forEachDot(int64_t firstRow, int64_t lastRow, int64_t k,
                       const BlockTransform &transform, Body body) {
  const int64_t blockSize = transform.blockSize;
  assert(isLegalGroup(blockSize, k));
  for (int64_t row = firstRow; row < lastRow; ++row) {
    for (int64_t i = 0; i < k; ++i) {
      int64_t matrixRow = (transform.perBlock ? i : i % blockSize) * blockSize;
      body(row, i, matrixRow, row * k + i / blockSize * blockSize);
    }
  }
}

/// Element `matrixRow` of the reference's f32 chain; see blockTransform.
static float dot(ConstFloats x, const BlockTransform &transform,
                 int64_t matrixRow, int64_t xBegin) {
  float sum = 0.0f;
  for (int64_t j = 0; j < transform.blockSize; ++j)
    sum =
        std::fma(transform.matrix.load(matrixRow + j), x.load(xBegin + j), sum);
  return sum;
}

void fp4q::blockTransform(ConstFloats x, int64_t rows, int64_t k,
                          const BlockTransform &transform, Floats y) {
  forEachDot(0, rows, k, transform,
             [&](int64_t row, int64_t i, int64_t matrixRow, int64_t xBegin) {
               y.store(row * k + i, dot(x, transform, matrixRow, xBegin));
             });
}

void fp4q::blockTransformF64(ConstFloats x, int64_t rows, int64_t k,
                             const BlockTransform &transform, double *y,
                             double *bound) {
  const int64_t blockSize = transform.blockSize;
  forEachDot(0, rows, k, transform,
             [&](int64_t row, int64_t i, int64_t matrixRow, int64_t xBegin) {
               double sum = 0, magnitude = 0;
               for (int64_t j = 0; j < blockSize; ++j) {
                 // Exact: two 24-bit significands fit one of 53 bits.
                 double product = double(transform.matrix.load(matrixRow + j)) *
                                  double(x.load(xBegin + j));
                 sum += product;
                 magnitude += std::fabs(product);
               }
               y[row * k + i] = sum;
               bound[row * k + i] = double(blockSize + 1) * 0x1p-23 * magnitude;
             });
}

/// Calls `body(row, values)` with each row of the transformed x in f32.
template <typename Body>
static void forEachTransformedRow(ConstFloats x, int64_t rows, int64_t k,
                                  const BlockTransform &transform, Body body) {
  std::vector<float> values(k);
  for (int64_t row = 0; row < rows; ++row) {
    forEachDot(row, row + 1, k, transform,
               [&](int64_t, int64_t i, int64_t matrixRow, int64_t xBegin) {
                 values[i] = dot(x, transform, matrixRow, xBegin);
               });
    body(row, values.data());
  }
}

void fp4q::quantizeTransformed(ConstFloats x, int64_t rows, int64_t k,
                               const BlockTransform &transform,
                               const QuantizeParams &params, uint8_t *codes,
                               uint8_t *scales) {
  forEachTransformedRow(
      x, rows, k, transform, [&](int64_t row, const float *values) {
        quantizeRow(values, k, x.type, params, codes + row * (k / 2),
                    scales + row * (k / params.format.groupSize));
      });
}

void fp4q::quantizeTransformedWithScales(ConstFloats x, int64_t rows, int64_t k,
                                         const BlockTransform &transform,
                                         const QuantizeParams &params,
                                         const uint8_t *scales,
                                         uint8_t *codes) {
  forEachTransformedRow(
      x, rows, k, transform, [&](int64_t row, const float *values) {
        quantizeRowWithScales(values, k, x.type, params,
                              scales + row * (k / params.format.groupSize),
                              codes + row * (k / 2));
      });
}
