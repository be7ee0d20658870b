//===- PackedWeightsTest.cpp - the 16x8 weight layout against its formula -===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/PackedWeights.h"

#include <gtest/gtest.h>

#include <vector>

using namespace fp4q;

/// Where numerics.md puts byte (row, col).
static size_t expectedOffset(int64_t row, int64_t col, int64_t cols) {
  int64_t tilesAcross = cols / 4 + (cols % 4 != 0);
  return size_t((row / 16 * tilesAcross + col / 4) * 64 + row % 16 * 4 +
                col % 4);
}

TEST(PackedWeights, FollowsTheFormulaAndPadsWithZero) {
  for (int64_t rows : {1, 2, 15, 16, 17, 31, 32, 33, 50})
    for (int64_t cols : {1, 2, 3, 4, 5, 7, 8, 9, 16}) {
      std::vector<uint8_t> codes(size_t(rows * cols));
      for (size_t i = 0; i < codes.size(); ++i)
        codes[i] = uint8_t(1 + i % 255); // never the padding's 0
      int64_t size = (rows + 15) / 16 * ((cols + 3) / 4) * 64;
      ASSERT_EQ(packedSize(rows, cols), size);
      std::vector<uint8_t> packed(size_t(size), 0xFF);
      packWeights(codes.data(), rows, cols, packed.data());
      std::vector<uint8_t> expected(size_t(size), 0);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t col = 0; col < cols; ++col)
          expected[expectedOffset(row, col, cols)] =
              codes[size_t(row * cols + col)];
      ASSERT_EQ(packed, expected) << rows << "x" << cols;

      // Padding must not leak into the result.
      for (uint8_t &byte : packed)
        if (byte == 0)
          byte = 0xEE;
      std::vector<uint8_t> back(codes.size(), 0);
      unpackWeights(packed.data(), rows, cols, back.data());
      ASSERT_EQ(back, codes) << rows << "x" << cols;
    }
}

TEST(PackedWeights, NoRowsIsNothing) {
  EXPECT_EQ(packedSize(0, 8), 0);
  packWeights(nullptr, 0, 8, nullptr);
  unpackWeights(nullptr, 0, 8, nullptr);
}
