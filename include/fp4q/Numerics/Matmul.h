//===- Matmul.h - products of FP4 matrices ----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C (m, n) = alpha * dequant(A) (m, k) * dequant(B) (n, k)^T + bias, where
// dequant has no global scale (docs/numerics.md, section "Scaled matmul").
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_MATMUL_H
#define FP4Q_NUMERICS_MATMUL_H

#include "fp4q/Numerics/Buffers.h"

namespace fp4q {

/// A packed matrix: `codes` (rows, k / 2) and `scales` (rows, k / groupSize),
/// row-major, scales in the linear layout.
struct PackedMatrix {
  const uint8_t *codes = nullptr;
  const uint8_t *scales = nullptr;
  int64_t rows = 0;
};

/// The operands of a scaled matmul.
struct ScaledMatmul {
  PackedMatrix a; ///< (m, k)
  PackedMatrix b; ///< (n, k)
  int64_t k = 0;
  GroupFormat format; ///< of both; groupSize divides k
  /// Null: 1. Else one factor, or one a column of C if `alphaPerColumn`.
  const float *alpha = nullptr;
  bool alphaPerColumn = false;
  /// One value a column of C; null data: none.
  ConstFloats bias;
};

/// Writes `c` (m, n), row-major. Each sum is one chain of f32 fused
/// multiply-adds from +0 with k ascending; then alpha * sum, or with a bias
/// fma(alpha, sum, bias), rounded once to the type of c.
void scaledMatmul(const ScaledMatmul &operands, Floats c);

/// The same in f64 (with the f32 alpha and bias), in `c` (m, n), and in `bound`
/// (m, n) how far an f32 result in any order of summation may be from it:
/// (k + 2) * 2^-23 * (|alpha| * sum of |a * b| + |bias|), to which the rounding
/// to the result's type adds halfUlp.
void scaledMatmulF64(const ScaledMatmul &operands, double *c, double *bound);

/// Half a unit in the last place of `type` at `value`; at least that of the
/// subnormals. Infinity for Inf and NaN.
double halfUlp(FloatType type, double value);

/// Whether `result`, of type `type`, meets the bound of numerics.md against an
/// exact value: |result - exact| <= bound + halfUlp(max(|result|, |exact|)).
/// Equal infinities, and two NaNs, agree. An infinite result agrees with a
/// finite exact value whose allowed interval reaches beyond the largest number
/// of the type.
bool withinBound(FloatType type, double result, double exact, double bound);

} // namespace fp4q

#endif // FP4Q_NUMERICS_MATMUL_H
