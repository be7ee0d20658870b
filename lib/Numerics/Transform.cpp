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

// The chains of a block are independent of each other, so they advance side by
// side, as vectors. std::fma is a call where the CPU may lack the instruction:
// a second version of the loop is for those that have it.
#if defined(__x86_64__) && defined(__GNUC__)
#define FP4Q_HAS_FMA_VERSION 1
#define FP4Q_INLINE inline __attribute__((always_inline))
#else
#define FP4Q_HAS_FMA_VERSION 0
#define FP4Q_INLINE inline
#endif

/// y[i] = the chain of transposed[j][i] * x[j] with j ascending, i < blockSize.
static FP4Q_INLINE void addColumns(const float *transposed, const float *x,
                                   int64_t blockSize, float *y) {
  for (int64_t i = 0; i < blockSize; ++i)
    y[i] = 0.0f;
  for (int64_t j = 0; j < blockSize; ++j)
    for (int64_t i = 0; i < blockSize; ++i)
      y[i] = std::fma(transposed[j * blockSize + i], x[j], y[i]);
}

static void addColumnsAnyCPU(const float *transposed, const float *x,
                             int64_t blockSize, float *y) {
  addColumns(transposed, x, blockSize, y);
}

#if FP4Q_HAS_FMA_VERSION
__attribute__((target("avx2,fma"))) static void
addColumnsFMA(const float *transposed, const float *x, int64_t blockSize,
              float *y) {
  addColumns(transposed, x, blockSize, y);
}
#endif

/// Calls `body(row, values)` with each row of the transformed x in f32, as
/// blockTransform says.
template <typename Body>
static void forEachTransformedRow(ConstFloats x, int64_t rows, int64_t k,
                                  const BlockTransform &transform, Body body) {
  const int64_t blockSize = transform.blockSize;
  assert(isLegalGroup(blockSize, k));
  if (rows == 0)
    return; // There may be no matrix either.
  auto *add = addColumnsAnyCPU;
#if FP4Q_HAS_FMA_VERSION
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    add = addColumnsFMA;
#endif
  const int64_t area = blockSize * blockSize;
  std::vector<float> transposed(transform.perBlock ? k * blockSize : area);
  for (size_t n = 0; n < transposed.size(); ++n) {
    int64_t block = n / area, i = n % area / blockSize, j = n % blockSize;
    transposed[block * area + j * blockSize + i] = transform.matrix.load(n);
  }
  std::vector<float> wide(k), values(k);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < k; ++i)
      wide[i] = x.load(row * k + i);
    for (int64_t i = 0; i < k; i += blockSize)
      add(transposed.data() + (transform.perBlock ? i * blockSize : 0),
          wide.data() + i, blockSize, values.data() + i);
    body(row, values.data());
  }
}

void fp4q::blockTransform(ConstFloats x, int64_t rows, int64_t k,
                          const BlockTransform &transform, Floats y) {
  forEachTransformedRow(x, rows, k, transform,
                        [&](int64_t row, const float *values) {
                          for (int64_t i = 0; i < k; ++i)
                            y.store(row * k + i, values[i]);
                        });
}

void fp4q::blockTransformF64(ConstFloats x, int64_t rows, int64_t k,
                             const BlockTransform &transform, double *y,
                             double *bound) {
  const int64_t blockSize = transform.blockSize;
  assert(isLegalGroup(blockSize, k));
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < k; ++i) {
      int64_t matrixRow = (transform.perBlock ? i : i % blockSize) * blockSize;
      int64_t xBegin = row * k + i / blockSize * blockSize;
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
    }
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
