//===- SwizzleTest.cpp - the 128x4 scale layout against its formula -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Swizzle.h"

#include <gtest/gtest.h>

#include <vector>

using namespace fp4q;

/// Where the formula of numerics.md puts byte (row, col).
static size_t expectedOffset(int64_t row, int64_t col, int64_t cols) {
  int64_t tilesAcross = cols / 4 + (cols % 4 != 0);
  int64_t r = row % 128, c = col % 4;
  return size_t((row / 128 * tilesAcross + col / 4) * 512 + (r % 32) * 16 +
                (r / 32) * 4 + c);
}

TEST(Swizzle, FollowsTheFormulaAndPadsWithZero) {
  for (int64_t rows : {1, 2, 31, 32, 33, 127, 128, 129, 255, 256, 300})
    for (int64_t cols : {1, 2, 3, 4, 5, 7, 8, 9}) {
      std::vector<uint8_t> scales(size_t(rows * cols));
      for (size_t i = 0; i < scales.size(); ++i)
        scales[i] = uint8_t(1 + i % 255); // never the padding's 0
      int64_t size = (rows + 127) / 128 * ((cols + 3) / 4) * 512;
      ASSERT_EQ(swizzledSize(rows, cols), size);
      std::vector<uint8_t> blocked(size_t(size), 0xFF);
      swizzleScales(scales.data(), rows, cols, blocked.data());
      std::vector<uint8_t> expected(size_t(size), 0);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t col = 0; col < cols; ++col)
          expected[expectedOffset(row, col, cols)] =
              scales[size_t(row * cols + col)];
      ASSERT_EQ(blocked, expected) << rows << "x" << cols;

      // Padding must not leak into the result.
      for (size_t i = 0; i < blocked.size(); ++i)
        if (blocked[i] == 0)
          blocked[i] = 0xEE;
      std::vector<uint8_t> back(scales.size(), 0);
      unswizzleScales(blocked.data(), rows, cols, back.data());
      ASSERT_EQ(back, scales) << rows << "x" << cols;
    }
}

TEST(Swizzle, NoRowsIsNothing) {
  EXPECT_EQ(swizzledSize(0, 8), 0);
  swizzleScales(nullptr, 0, 8, nullptr);
  unswizzleScales(nullptr, 0, 8, nullptr);
}

TEST(Swizzle, KnownOffsets) {
  EXPECT_EQ(swizzledOffset(1, 0, 4), 16);
  EXPECT_EQ(swizzledOffset(32, 0, 4), 4);
  EXPECT_EQ(swizzledOffset(127, 3, 4), 511);
  EXPECT_EQ(swizzledOffset(0, 4, 8), 512);
  EXPECT_EQ(swizzledOffset(128, 0, 8), 1024);
}
