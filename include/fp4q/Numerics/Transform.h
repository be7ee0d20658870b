//===- Transform.h - block transforms along K -------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// y[r, c*B + i] = sum over j of T[c, i, j] * x[r, c*B + j]: x times the
// transpose of T in each block of B columns. T need not be orthogonal.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_TRANSFORM_H
#define FP4Q_NUMERICS_TRANSFORM_H

#include "fp4q/Numerics/Quantize.h"

namespace fp4q {

/// The matrix T: (k / blockSize, blockSize, blockSize) if `perBlock`, else one
/// (blockSize, blockSize) that all blocks share; row-major.
struct BlockTransform {
  ConstFloats matrix;
  int64_t blockSize = 32;
  bool perBlock = false;
};

/// Transforms `x` (rows, k) into `y` (rows, k). Each element is one chain of
/// f32 fused multiply-adds from +0 with j ascending, then rounded once to the
/// type of y. Requires k % blockSize == 0.
void blockTransform(ConstFloats x, int64_t rows, int64_t k,
                    const BlockTransform &transform, Floats y);

/// The same sums in f64, in `y` (rows, k), and in `bound` (rows, k) how far an
/// f32 result in any order of summation may be from them:
/// (B + 1) * 2^-23 * sum of |T * x|. A narrower result may add halfUlp
/// (Matmul.h).
void blockTransformF64(ConstFloats x, int64_t rows, int64_t k,
                       const BlockTransform &transform, double *y,
                       double *bound);

/// Quantizes the transformed `x` (rows, k) without rounding it in between; see
/// `quantize` for `codes` and `scales`. "The input's type" of a recipe is the
/// type of x.
void quantizeTransformed(ConstFloats x, int64_t rows, int64_t k,
                         const BlockTransform &transform,
                         const QuantizeParams &params, uint8_t *codes,
                         uint8_t *scales);

/// quantizeTransformed with `scales` given.
void quantizeTransformedWithScales(ConstFloats x, int64_t rows, int64_t k,
                                   const BlockTransform &transform,
                                   const QuantizeParams &params,
                                   const uint8_t *scales, uint8_t *codes);

} // namespace fp4q

#endif // FP4Q_NUMERICS_TRANSFORM_H
