//===- Swizzle.cpp - the 128x4 scale layout -------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Swizzle.h"

#include <cstring>

using namespace fp4q;

void fp4q::swizzleScales(const uint8_t *scales, int64_t rows, int64_t cols,
                         uint8_t *blocked) {
  if (int64_t size = swizzledSize(rows, cols))
    std::memset(blocked, 0, size_t(size));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col)
      blocked[swizzledOffset(row, col, cols)] = scales[row * cols + col];
}

void fp4q::unswizzleScales(const uint8_t *blocked, int64_t rows, int64_t cols,
                           uint8_t *scales) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col)
      scales[row * cols + col] = blocked[swizzledOffset(row, col, cols)];
}
