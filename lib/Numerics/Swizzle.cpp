//===- Swizzle.cpp - the 128x4 scale layout -------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Swizzle.h"

#include "Tiles.h"

using namespace fp4q;

void fp4q::swizzleScales(const uint8_t *scales, int64_t rows, int64_t cols,
                         uint8_t *blocked) {
  toTiles(scales, rows, cols, blocked, swizzledSize(rows, cols),
          swizzledOffset);
}

void fp4q::unswizzleScales(const uint8_t *blocked, int64_t rows, int64_t cols,
                           uint8_t *scales) {
  fromTiles(blocked, rows, cols, scales, swizzledOffset);
}
