//===- TileSizes.h - sizes of tiles of contractions -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_TILESIZES_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_TILESIZES_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

namespace mlir {
namespace fp4q {

/// The largest of `limit`, `limit`/2, ... down to 8 that divides `size`, so
/// that all tiles have one static size; `limit` if there is none.
inline int64_t chooseColumns(int64_t size, int64_t limit) {
  for (int64_t columns = limit; columns >= 8; columns /= 2)
    if (size % columns == 0)
      return columns;
  return limit;
}

/// The tile of a dimension that groups lie along: the largest divisor of `size`
/// up to `limit` that is a multiple of the largest group that the size could
/// have, since groups stay whole; one such group if `limit` is less.
inline int64_t chooseDepth(int64_t size, int64_t limit) {
  int64_t unit = kMaxGroup;
  while (unit > 1 && size % unit != 0)
    unit /= 2;
  for (int64_t depth = std::max(limit / unit, int64_t(1)) * unit; depth > 0;
       depth -= unit)
    if (size % depth == 0)
      return depth;
  return size;
}

/// Tile sizes, 0 for a loop that stays whole. Empty: nothing to tile.
inline SmallVector<int64_t> dropTrivialTiles(SmallVector<int64_t> tiles,
                                             ArrayRef<int64_t> sizes) {
  for (auto [tile, size] : llvm::zip(tiles, sizes))
    if (!ShapedType::isDynamic(size) && tile >= size)
      tile = 0;
  if (llvm::all_of(tiles, [](int64_t tile) { return tile == 0; }))
    tiles.clear();
  return tiles;
}

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_TILESIZES_H
