//===- Contractions.h - tiles and forms of contractions ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_CONTRACTIONS_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_CONTRACTIONS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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

/// (..., N, K) -> (..., K, N)
inline Value transposeLastTwo(OpBuilder &builder, Location loc, Value value) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
  std::swap(sizes.end()[-1], sizes.end()[-2]);
  std::swap(permutation.end()[-1], permutation.end()[-2]);
  Value init = tensor::EmptyOp::create(
      builder, loc, sizes,
      cast<RankedTensorType>(value.getType()).getElementType());
  return linalg::TransposeOp::create(builder, loc, value, init, permutation)
      ->getResult(0);
}

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_CONTRACTIONS_H
