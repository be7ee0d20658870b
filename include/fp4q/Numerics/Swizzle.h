//===- Swizzle.h - the 128x4 scale layout -----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The blocked layout of scales that cuBLAS and CUTLASS read: rows padded to a
// multiple of 128 and columns to a multiple of 4 with zero bytes, cut into
// 128 x 4 tiles in row-major order of tiles. Byte (r, c) of a tile is at
// (r % 32) * 16 + (r / 32) * 4 + c.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_SWIZZLE_H
#define FP4Q_NUMERICS_SWIZZLE_H

#include <cstdint>

namespace fp4q {

/// The tile's rows, columns and bytes.
constexpr int64_t swizzleTileRows = 128;
constexpr int64_t swizzleTileCols = 4;
constexpr int64_t swizzleTileBytes = swizzleTileRows * swizzleTileCols;

/// Tiles along `rows` rows.
constexpr int64_t swizzleRowTiles(int64_t rows) {
  return (rows + swizzleTileRows - 1) / swizzleTileRows;
}

/// Tiles along `cols` columns.
constexpr int64_t swizzleColTiles(int64_t cols) {
  return (cols + swizzleTileCols - 1) / swizzleTileCols;
}

/// Bytes of the blocked form of a (rows, cols) matrix.
constexpr int64_t swizzledSize(int64_t rows, int64_t cols) {
  return swizzleRowTiles(rows) * swizzleColTiles(cols) * swizzleTileBytes;
}

/// Where byte (row, col) of a matrix with `cols` columns is in its blocked
/// form.
constexpr int64_t swizzledOffset(int64_t row, int64_t col, int64_t cols) {
  int64_t tile =
      row / swizzleTileRows * swizzleColTiles(cols) + col / swizzleTileCols;
  int64_t r = row % swizzleTileRows;
  return tile * swizzleTileBytes + r % 32 * 16 + r / 32 * 4 +
         col % swizzleTileCols;
}

/// Blocks `scales` (rows, cols), row-major, into `blocked`
/// (swizzleRowTiles, swizzleColTiles, 512); padding becomes 0.
void swizzleScales(const uint8_t *scales, int64_t rows, int64_t cols,
                   uint8_t *blocked);

/// The inverse; padding is not read.
void unswizzleScales(const uint8_t *blocked, int64_t rows, int64_t cols,
                     uint8_t *scales);

} // namespace fp4q

#endif // FP4Q_NUMERICS_SWIZZLE_H
