//===- BlockScaledTile.h - operands of a block-scaled mma -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_SIMULATOR_BLOCKSCALEDTILE_H
#define FP4Q_TEST_UNIT_SIMULATOR_BLOCKSCALEDTILE_H

#include <cstdint>
#include <random>
#include <vector>

namespace fp4q::sim {

struct Selectors {
  unsigned byteA, threadA, byteB, threadB;
};

/// The operands of one m16n8k64 mma but for the accumulator.
struct BlockScaledTile {
  uint8_t a[16][64], b[8][64]; ///< codes
  uint8_t sa[16][4], sb[8][4]; ///< scales by group along k
};

/// Random codes, and scales near 1: e8m0, or else e4m3.
inline BlockScaledTile randomTile(std::mt19937 &rng, bool isE8M0) {
  BlockScaledTile tile;
  auto fill = [](auto &rows, auto next) {
    for (auto &row : rows)
      for (uint8_t &x : row)
        x = next();
  };
  auto code = [&] { return uint8_t(rng() % 16); };
  auto scale = [&] {
    return uint8_t(isE8M0 ? 124 + rng() % 6 : 0x28 + rng() % 32);
  };
  fill(tile.a, code);
  fill(tile.b, code);
  fill(tile.sa, scale);
  fill(tile.sb, scale);
  return tile;
}

inline uint32_t packCodes(const uint8_t *codes) {
  uint32_t word = 0;
  for (unsigned i = 0; i < 8; ++i)
    word |= uint32_t(codes[i]) << (4 * i);
  return word;
}

/// The words of the 32 lanes, `stride` of them a lane: four of a, two of b, one
/// of scales of a and one of b, after the table in the description of
/// fp4q.mma_block_scaled. All bits that the mma does not read are set, so that
/// scales there are NaN. A row has `groups` scales.
inline std::vector<uint32_t> fragmentsOf(const BlockScaledTile &tile,
                                         unsigned groups, const Selectors &s,
                                         unsigned stride) {
  std::vector<uint32_t> input(32 * stride, ~0u);
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    uint32_t *words = &input[stride * lane];
    for (unsigned r = 0; r < 4; ++r)
      words[r] = packCodes(&tile.a[g + 8 * (r % 2)][8 * t + 32 * (r / 2)]);
    for (unsigned r = 0; r < 2; ++r)
      words[4 + r] = packCodes(&tile.b[g][8 * t + 32 * r]);
  }
  auto place = [&](unsigned lane, unsigned word, unsigned byte,
                   const uint8_t *scales) {
    uint32_t &out = input[stride * lane + word];
    for (unsigned i = 0; i < groups; ++i) {
      out &= ~(0xffu << (8 * (byte + i)));
      out |= uint32_t(scales[i]) << (8 * (byte + i));
    }
  };
  for (unsigned m = 0; m < 16; ++m)
    place(4 * (m % 8) + 2 * s.threadA + m / 8, 6, s.byteA, tile.sa[m]);
  for (unsigned n = 0; n < 8; ++n)
    place(4 * n + s.threadB, 7, s.byteB, tile.sb[n]);
  return input;
}

} // namespace fp4q::sim

#endif // FP4Q_TEST_UNIT_SIMULATOR_BLOCKSCALEDTILE_H
