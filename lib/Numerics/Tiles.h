//===- Tiles.h - matrices of bytes in tiles ---------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the layouts of scales and of weights share: `offset`(row, col, cols) is
// where a byte of a row-major matrix (rows, cols) is in its tiles.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_NUMERICS_TILES_H
#define FP4Q_LIB_NUMERICS_TILES_H

#include <cstdint>
#include <cstring>

namespace fp4q {

/// Writes all `size` bytes of the tiles; padding becomes 0.
template <typename Offset>
void toTiles(const uint8_t *matrix, int64_t rows, int64_t cols, uint8_t *tiles,
             int64_t size, Offset offset) {
  if (size)
    std::memset(tiles, 0, size_t(size));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col)
      tiles[offset(row, col, cols)] = matrix[row * cols + col];
}

/// The inverse; padding is not read.
template <typename Offset>
void fromTiles(const uint8_t *tiles, int64_t rows, int64_t cols,
               uint8_t *matrix, Offset offset) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t col = 0; col < cols; ++col)
      matrix[row * cols + col] = tiles[offset(row, col, cols)];
}

} // namespace fp4q

#endif // FP4Q_LIB_NUMERICS_TILES_H
