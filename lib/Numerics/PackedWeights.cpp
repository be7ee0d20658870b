//===- PackedWeights.cpp - the 16x8 weight layout -------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/PackedWeights.h"

#include "Tiles.h"

using namespace fp4q;

void fp4q::packWeights(const uint8_t *codes, int64_t rows, int64_t cols,
                       uint8_t *packed) {
  toTiles(codes, rows, cols, packed, packedSize(rows, cols), packedOffset);
}

void fp4q::unpackWeights(const uint8_t *packed, int64_t rows, int64_t cols,
                         uint8_t *codes) {
  fromTiles(packed, rows, cols, codes, packedOffset);
}
