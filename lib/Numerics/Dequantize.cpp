//===- Dequantize.cpp - FP4 codes and scales to floats --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Dequantize.h"

#include "fp4q/Numerics/E2M1.h"

#include <cassert>

using namespace fp4q;

float fp4q::decodeFactor(uint8_t scaleByte, ScaleType type, float globalScale,
                         GlobalScaleUse use) {
  float q = decodeScale(scaleByte, type);
  switch (use) {
  case GlobalScaleUse::Multiply:
    return q * globalScale;
  case GlobalScaleUse::Divide:
    return q / globalScale;
  case GlobalScaleUse::None:
    break;
  }
  return q;
}

void fp4q::dequantize(const uint8_t *codes, const uint8_t *scales, int64_t rows,
                      int64_t k, const GroupFormat &format, float globalScale,
                      GlobalScaleUse use, Floats y) {
  assert(isLegalGroup(format.groupSize, k));
  // Rows hold whole groups, so groups and elements can be numbered through.
  for (int64_t group = 0; group < rows * (k / format.groupSize); ++group) {
    float factor =
        decodeFactor(scales[group], format.scaleType, globalScale, use);
    int64_t begin = group * format.groupSize;
    for (int64_t i = begin; i < begin + format.groupSize; ++i)
      y.store(i, decodeE2M1(unpackE2M1(codes, i)) * factor);
  }
}
