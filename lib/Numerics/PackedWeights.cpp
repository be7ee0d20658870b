//===- PackedWeights.cpp - the 16x8 weight layout -------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/PackedWeights.h"

#include <cstring>

using namespace fp4q;

void fp4q::packWeights(const uint8_t *codes, int64_t rows, int64_t cols,
                       uint8_t *packed) {
  if (int64_t size = packedSize(rows, cols))
    std::memset(packed, 0, size_t(size));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col)
      packed[packedOffset(row, col, cols)] = codes[row * cols + col];
}

void fp4q::unpackWeights(const uint8_t *packed, int64_t rows, int64_t cols,
                         uint8_t *codes) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col)
      codes[row * cols + col] = packed[packedOffset(row, col, cols)];
}
