//===- Dequantize.h - FP4 codes and scales to floats ------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_DEQUANTIZE_H
#define FP4Q_NUMERICS_DEQUANTIZE_H

#include "fp4q/Numerics/Buffers.h"

namespace fp4q {

/// The factor that decodes the codes of a group, in f32: q * g, q / g, or q if
/// `use` is GlobalScaleUse::None.
float decodeFactor(uint8_t scaleByte, ScaleType type, float globalScale,
                   GlobalScaleUse use);

/// Decodes `codes` (rows, k / 2) with `scales` (rows, k / groupSize) into `y`
/// (rows, k): the code's value times decodeFactor in f32, rounded once to the
/// type of y. Overflow gives Inf; 0 * Inf gives NaN. Requires
/// k % groupSize == 0.
void dequantize(const uint8_t *codes, const uint8_t *scales, int64_t rows,
                int64_t k, const GroupFormat &format, float globalScale,
                GlobalScaleUse use, Floats y);

} // namespace fp4q

#endif // FP4Q_NUMERICS_DEQUANTIZE_H
