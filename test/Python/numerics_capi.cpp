//===- numerics_capi.cpp - lib/Numerics for ctypes ------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C functions over lib/Numerics, so that test_numerics.py can compare it with
// the oracle. Arrays are described by Array below; types are the enumerators
// of FloatType and ScaleType as integers. Nothing is checked here.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Dequantize.h"
#include "fp4q/Numerics/Matmul.h"
#include "fp4q/Numerics/PackedWeights.h"
#include "fp4q/Numerics/Quantize.h"
#include "fp4q/Numerics/Swizzle.h"
#include "fp4q/Numerics/Transform.h"

using namespace fp4q;

extern "C" {

struct Array {
  void *data;
  int64_t type;
};

struct Format {
  int64_t groupSize;
  int64_t scaleType;
  float globalScale;
  float scaleScale;
};

struct Matrix {
  void *data;
  int64_t type;
  int64_t blockSize;
  int64_t perBlock;
};

struct Product {
  const uint8_t *a;
  const uint8_t *aScales;
  int64_t m;
  const uint8_t *b;
  const uint8_t *bScales;
  int64_t n;
  int64_t k;
  int64_t groupSize;
  int64_t scaleType;
  const float *alpha;
  int64_t alphaPerColumn;
  Array bias;
};

static ConstFloats input(const Array *array) {
  return {array->data, static_cast<FloatType>(array->type)};
}

static Floats output(const Array *array) {
  return {array->data, static_cast<FloatType>(array->type)};
}

static GroupFormat groupFormat(int64_t groupSize, int64_t scaleType) {
  return {groupSize, static_cast<ScaleType>(scaleType)};
}

static QuantizeParams params(const Format *format) {
  QuantizeParams result;
  result.format = groupFormat(format->groupSize, format->scaleType);
  result.globalScale = format->globalScale;
  result.scaleScale = format->scaleScale;
  return result;
}

static BlockTransform blockTransform(const Matrix *matrix) {
  return {{matrix->data, static_cast<FloatType>(matrix->type)},
          matrix->blockSize,
          matrix->perBlock != 0};
}

void fp4qtest_quantize(const Array *x, int64_t rows, int64_t k,
                       const Format *format, uint8_t *codes, uint8_t *scales) {
  quantize(input(x), rows, k, params(format), codes, scales);
}

void fp4qtest_quantize_given(const Array *x, int64_t rows, int64_t k,
                             const Format *format, uint8_t *codes,
                             const uint8_t *scales) {
  quantizeWithScales(input(x), rows, k, params(format), scales, codes);
}

void fp4qtest_quantize_transformed(const Array *x, int64_t rows, int64_t k,
                                   const Matrix *matrix, const Format *format,
                                   uint8_t *codes, uint8_t *scales) {
  quantizeTransformed(input(x), rows, k, blockTransform(matrix), params(format),
                      codes, scales);
}

float fp4qtest_global_scale(const Array *x, int64_t count) {
  return globalScale(input(x), count);
}

void fp4qtest_dequantize(const uint8_t *codes, const uint8_t *scales,
                         int64_t rows, int64_t k, const Format *format,
                         int64_t divide, const Array *y) {
  dequantize(
      codes, scales, rows, k, groupFormat(format->groupSize, format->scaleType),
      format->globalScale,
      divide ? GlobalScaleUse::Divide : GlobalScaleUse::Multiply, output(y));
}

void fp4qtest_transform(const Array *x, int64_t rows, int64_t k,
                        const Matrix *matrix, const Array *y) {
  blockTransform(input(x), rows, k, blockTransform(matrix), output(y));
}

void fp4qtest_matmul(const Product *p, const Array *c) {
  ScaledMatmul operands;
  operands.a = {p->a, p->aScales, p->m};
  operands.b = {p->b, p->bScales, p->n};
  operands.k = p->k;
  operands.format = groupFormat(p->groupSize, p->scaleType);
  operands.alpha = p->alpha;
  operands.alphaPerColumn = p->alphaPerColumn != 0;
  operands.bias = input(&p->bias);
  scaledMatmul(operands, output(c));
}

void fp4qtest_swizzle(const uint8_t *scales, int64_t rows, int64_t cols,
                      uint8_t *blocked) {
  swizzleScales(scales, rows, cols, blocked);
}

void fp4qtest_unswizzle(const uint8_t *blocked, int64_t rows, int64_t cols,
                        uint8_t *scales) {
  unswizzleScales(blocked, rows, cols, scales);
}

void fp4qtest_pack_weights(const uint8_t *codes, int64_t rows, int64_t cols,
                           uint8_t *packed) {
  packWeights(codes, rows, cols, packed);
}

void fp4qtest_unpack_weights(const uint8_t *packed, int64_t rows, int64_t cols,
                             uint8_t *codes) {
  unpackWeights(packed, rows, cols, codes);
}

} // extern "C"
