//===- PackedWeights.h - the 16x8 weight layout -----------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout of weights that CPU kernels stream: codes (rows, bytes of a row)
// padded to a multiple of 16 rows and 4 bytes with zero bytes, cut into 16 x 4
// tiles in row-major order of tiles. Byte (r, c) of a tile is at r * 4 + c.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_PACKEDWEIGHTS_H
#define FP4Q_NUMERICS_PACKEDWEIGHTS_H

#include <cstdint>

namespace fp4q {

/// The tile's rows, bytes of a row, and bytes.
constexpr int64_t packedTileRows = 16;
constexpr int64_t packedTileCols = 4;
constexpr int64_t packedTileBytes = packedTileRows * packedTileCols;

/// Tiles along `cols` bytes of a row.
constexpr int64_t packedColTiles(int64_t cols) {
  return (cols + packedTileCols - 1) / packedTileCols;
}

/// Bytes of the packed form of a (rows, cols) matrix of bytes.
constexpr int64_t packedSize(int64_t rows, int64_t cols) {
  return (rows + packedTileRows - 1) / packedTileRows * packedColTiles(cols) *
         packedTileBytes;
}

/// Where byte (row, col) of a matrix with `cols` columns is in its packed form.
constexpr int64_t packedOffset(int64_t row, int64_t col, int64_t cols) {
  int64_t tile =
      row / packedTileRows * packedColTiles(cols) + col / packedTileCols;
  return tile * packedTileBytes + row % packedTileRows * packedTileCols +
         col % packedTileCols;
}

/// Packs `codes` (rows, cols), row-major, into packedSize(rows, cols) bytes;
/// padding becomes 0.
void packWeights(const uint8_t *codes, int64_t rows, int64_t cols,
                 uint8_t *packed);

/// The inverse; padding is not read.
void unpackWeights(const uint8_t *packed, int64_t rows, int64_t cols,
                   uint8_t *codes);

} // namespace fp4q

#endif // FP4Q_NUMERICS_PACKEDWEIGHTS_H
