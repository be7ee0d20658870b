//===- StreamTiling.cpp - how the streaming matmul is divided -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaledReader.h"

using namespace mlir;
using namespace mlir::fp4q;

int64_t StreamTiling::passes(int64_t k) const {
  return llvm::divideCeil(llvm::divideCeil(k, kChunkElements), warps * chunks);
}

/// Of a CTA; of more columns there are several. Sums are in registers.
constexpr int64_t kMostColumns = 64;

/// Sums of all warps, of the tiles of a group.
static int64_t sumBytes(const StreamTiling &tiling) {
  return tiling.warps * tiling.tilesPerGroup * tiling.rowTiles *
         tiling.colTiles * kTileBytes;
}

int64_t StreamTiling::groups() const {
  return 2 * rowTiles + (keepsColumns ? 0 : colTiles);
}

int64_t StreamTiling::unitBytes(ScaledFormat format) const {
  int64_t scales = kChunkElements / groupSizeOf(format);
  return groups() * chunks * (kCodeBytes + 8 * scales);
}

int64_t StreamTiling::ringBytes(ScaledFormat format) const {
  return warps * stages * unitBytes(format);
}

int64_t StreamTiling::sharedBytes(ScaledFormat format) const {
  // Unless it is used on and on, sums lie where the ring was.
  int64_t ring = ringBytes(format), sums = sumBytes(*this);
  return keepsColumns ? ring + sums : std::max(ring, sums);
}

StreamTiling StreamTiling::choose(int64_t columns, int64_t n, int64_t k,
                                  ScaledFormat format, int64_t sharedBytes,
                                  int64_t multiprocessors) {
  int64_t chunksOfK = llvm::divideCeil(k, kChunkElements);
  StreamTiling tiling;
  tiling.colTiles = llvm::divideCeil(std::min(columns, kMostColumns), 8);
  tiling.keepsColumns = columns <= 16;
  tiling.tilesPerBlock = tiling.tilesPerGroup = 1;
  auto powerOf2 = [](int64_t value) {
    return static_cast<int64_t>(llvm::PowerOf2Ceil(value));
  };
  if (tiling.keepsColumns) {
    tiling.chunks = chunksOfK > 1 ? 2 : 1;
    tiling.warps = std::min<int64_t>(
        16, powerOf2(llvm::divideCeil(chunksOfK, tiling.chunks)));
    tiling.rowTiles = 1;
    tiling.stages = 3;
  } else {
    tiling.chunks = 1;
    tiling.warps = std::min<int64_t>(8, powerOf2(chunksOfK));
    tiling.rowTiles = n >= 64 * multiprocessors ? 4 : 2;
    tiling.stages = 4;
  }
  if (tiling.colTiles > 4) {
    // Registers for as many sums are few; and two CTAs a multiprocessor, if
    // each has room for three stages, balance better than one.
    tiling.warps = std::min<int64_t>(tiling.warps, 4);
    tiling.rowTiles = 2;
    StreamTiling least = tiling;
    least.stages = 3;
    if (2 * least.sharedBytes(format) <= sharedBytes)
      sharedBytes /= 2;
  }
  while (tiling.sharedBytes(format) > sharedBytes) {
    if (tiling.stages > 2)
      --tiling.stages;
    else if (tiling.rowTiles > 1)
      tiling.rowTiles /= 2;
    else
      tiling.warps /= 2;
  }
  if (!tiling.keepsColumns)
    return tiling;
  // One wave of CTAs; and as many tiles a group as there is room for.
  int64_t tiles = llvm::divideCeil(n, tiling.rowsPerTile());
  tiling.tilesPerBlock = llvm::divideCeil(tiles, multiprocessors);
  int64_t room = (sharedBytes - tiling.ringBytes(format)) / sumBytes(tiling);
  int64_t groups = llvm::divideCeil(tiling.tilesPerBlock, room);
  tiling.tilesPerGroup = llvm::divideCeil(tiling.tilesPerBlock, groups);
  return tiling;
}
