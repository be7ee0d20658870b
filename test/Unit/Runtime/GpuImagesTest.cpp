//===- GpuImagesTest.cpp - which images of a module a chip can run --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuImages.h"

#include <gtest/gtest.h>

#include <string>

using namespace fp4q;

/// The choices for a device, as "sm_80:cubin sm_80:ptx".
static std::string choose(std::vector<fp4q_gpu_image> images, int major,
                          int minor) {
  fp4q_gpu_module module = {images.data(), int32_t(images.size()), nullptr};
  std::string text;
  for (const ImageChoice &choice : chooseImages(module, major, minor))
    text += (text.empty() ? "" : " ") + std::string(choice.image->chip) +
            (choice.isCubin ? ":cubin" : ":ptx");
  return text;
}

static fp4q_gpu_image both(const char *chip) { return {chip, "cubin", 5, "p"}; }
static fp4q_gpu_image cubin(const char *chip) {
  return {chip, "cubin", 5, nullptr};
}
static fp4q_gpu_image ptx(const char *chip) { return {chip, nullptr, 0, "p"}; }

TEST(GpuImages, PrefersTheChipItself) {
  EXPECT_EQ(choose({both("sm_80"), both("sm_86"), both("sm_89")}, 8, 6),
            "sm_86:cubin sm_80:cubin sm_86:ptx sm_80:ptx");
}

TEST(GpuImages, CubinsRunOnLaterMinorVersionsOnly) {
  EXPECT_EQ(choose({cubin("sm_80")}, 8, 9), "sm_80:cubin");
  EXPECT_EQ(choose({cubin("sm_89")}, 8, 6), "");
  EXPECT_EQ(choose({cubin("sm_80")}, 9, 0), "");
}

TEST(GpuImages, PtxRunsOnLaterChips) {
  EXPECT_EQ(choose({ptx("sm_80"), ptx("sm_89")}, 12, 0), "sm_89:ptx sm_80:ptx");
  EXPECT_EQ(choose({ptx("sm_89")}, 8, 0), "");
}

TEST(GpuImages, FeaturesOfOneChipRunOnThatChipOnly) {
  EXPECT_EQ(choose({both("sm_90a")}, 9, 0), "sm_90a:cubin sm_90a:ptx");
  EXPECT_EQ(choose({both("sm_90a")}, 10, 0), "");
  EXPECT_EQ(choose({both("sm_100a")}, 10, 3), "");
  EXPECT_EQ(choose({both("sm_120a")}, 12, 1), "");
}

TEST(GpuImages, CubinsComeBeforePtx) {
  EXPECT_EQ(choose({ptx("sm_90a"), cubin("sm_90")}, 9, 0),
            "sm_90:cubin sm_90a:ptx");
}

TEST(GpuImages, OddNamesMatchNothing) {
  EXPECT_EQ(choose({both("x86-64"), both("")}, 9, 0), "");
  EXPECT_EQ(choose({}, 9, 0), "");
}
