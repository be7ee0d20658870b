//===- GPUMatmulTest.cpp - every matmul kernel on the simulator -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As GPUKernelsTest.cpp; results are within the bound of docs/numerics.md.
//
//===----------------------------------------------------------------------===//

#include "GPUKernelSuite.h"

#include "fp4q/Numerics/Matmul.h"
#include "fp4q/Target/TargetInfo.h"

using namespace fp4q;

namespace {
struct MatmulCase {
  int64_t m, n, k;
  bool isMXFP4 = true;
  FloatType type = FloatType::F32;
  int alpha = 0; ///< 0: none, 1: f32, 2: memref<f32>, 3: one a column
  bool bias = false;
  int64_t batches = 0; ///< 0: none
  bool sharedB = false;
  /// Scales of mxfp4 up to 1, which decode in one step; else some are NaN.
  bool moderate = true;
};
} // namespace

static void addMatmul(Suite &suite, std::mt19937 &rng, const MatmulCase &c) {
  GroupFormat format = c.isMXFP4 ? mxfp4 : nvfp4;
  int64_t groups = c.k / format.groupSize;
  int64_t copies = std::max<int64_t>(c.batches, 1);
  int64_t copiesOfB = c.sharedB ? 1 : copies;
  auto shape = [&](bool isB, int64_t rows, int64_t cols) {
    std::vector<int64_t> sizes = {rows, cols};
    if (c.batches && !(isB && c.sharedB))
      sizes.insert(sizes.begin(), c.batches);
    return sizes;
  };
  std::string scale = nameOf(format.scaleType);
  std::string types = memref(shape(false, c.m, c.k / 2), "i8") + ", " +
                      memref(shape(false, c.m, groups), scale) + ", " +
                      memref(shape(true, c.n, c.k / 2), "i8") + ", " +
                      memref(shape(true, c.n, groups), scale);
  std::string alpha = c.alpha == 3   ? memref({c.n}, "f32")
                      : c.alpha == 2 ? "memref<f32>"
                                     : "f32";
  std::string bias = memref({c.n}, nameOf(c.type));
  std::string out = memref(shape(false, c.m, c.n), nameOf(c.type));
  std::string signature = "%a: " + memref(shape(false, c.m, c.k / 2), "i8") +
                          ", %sa: " + memref(shape(false, c.m, groups), scale) +
                          ", %b: " + memref(shape(true, c.n, c.k / 2), "i8") +
                          ", %sb: " + memref(shape(true, c.n, groups), scale) +
                          ", %alpha: " + alpha + ", %bias: " + bias +
                          ", %c: " + out;
  std::string body = "fp4q.scaled_matmul ins(%a, %sa, %b, %sb : " + types + ")";
  if (c.alpha)
    body += " alpha(%alpha : " + alpha + ")";
  if (c.bias)
    body += " bias(%bias : " + bias + ")";
  body += " outs(%c : " + out + ")";

  auto fill = [&](int64_t size, bool isScale) {
    Bytes bytes(size);
    for (uint8_t &byte : bytes)
      byte = uint8_t(!isScale    ? rng()
                     : c.isMXFP4 ? (c.moderate ? 114 : 120) + rng() % 12
                                 : 0x20 + rng() % 48);
    return bytes;
  };
  Bytes a = fill(copies * c.m * c.k / 2, false);
  Bytes sa = fill(copies * c.m * groups, true);
  Bytes b = fill(copiesOfB * c.n * c.k / 2, false);
  Bytes sb = fill(copiesOfB * c.n * groups, true);
  if (!c.moderate) // NaN, of one row and one column.
    sa[0] = sb[sb.size() - 1] = c.isMXFP4 ? 0xFF : 0x7F;
  Bytes alphas =
      randomFloats(rng, FloatType::F32, c.alpha == 3 ? c.n : 1, false);
  Bytes biases = randomFloats(rng, c.type, c.n, false);
  Case test;
  test.arguments = {a,
                    sa,
                    b,
                    sb,
                    alphas,
                    biases,
                    Bytes(copies * c.m * c.n * sizeOf(c.type), 0xA5)};
  test.isInput = {true, true, true, true, true, true, false};
  test.check = [=](const std::string &what, const std::vector<Bytes> &results) {
    for (int64_t i = 0; i < copies; ++i) {
      int64_t j = c.sharedB ? 0 : i;
      ScaledMatmul operands;
      operands.a = {&a[i * c.m * c.k / 2], &sa[i * c.m * groups], c.m};
      operands.b = {&b[j * c.n * c.k / 2], &sb[j * c.n * groups], c.n};
      operands.k = c.k;
      operands.format = format;
      if (c.alpha)
        operands.alpha = reinterpret_cast<const float *>(alphas.data());
      operands.alphaPerColumn = c.alpha == 3;
      if (c.bias)
        operands.bias = {biases.data(), c.type};
      std::vector<double> exact(c.m * c.n), bound(c.m * c.n);
      scaledMatmulF64(operands, exact.data(), bound.data());
      ConstFloats got = {results[6].data() + i * c.m * c.n * sizeOf(c.type),
                         c.type};
      for (int64_t e = 0; e < c.m * c.n; ++e)
        ASSERT_TRUE(withinBound(c.type, got.load(e), exact[e], bound[e]))
            << what << ": M = " << c.m << ", N = " << c.n << ", K = " << c.k
            << ", element " << e << " is " << got.load(e) << ", expected "
            << exact[e];
    }
  };
  suite.add("matmul", signature, body, test);
}

static Suite matmulSuite() {
  Suite suite;
  std::mt19937 rng(29);
  // m, n, k, format, result, alpha, bias, batches, shared b. Each tiling, K
  // with and without whole words of scales, tails of all kinds.
  addMatmul(suite, rng, {1, 17, 32, true, FloatType::F32});
  addMatmul(suite, rng, {2, 8, 2080, true, FloatType::BF16, 1, true});
  addMatmul(suite, rng, {7, 32, 4096, true, FloatType::F32, 3, true});
  addMatmul(suite, rng, {8, 1, 96, false, FloatType::F16, 2});
  addMatmul(suite, rng, {9, 33, 2048, false, FloatType::F32, 1, true});
  addMatmul(suite, rng, {16, 16, 2064, false, FloatType::BF16, 3});
  addMatmul(suite, rng, {17, 40, 640, true, FloatType::F32, 0, true});
  addMatmul(suite, rng, {64, 16, 512, false, FloatType::BF16, 1});
  addMatmul(suite, rng, {65, 130, 128, true, FloatType::F32, 3, true});
  addMatmul(suite, rng, {129, 17, 160, false, FloatType::F16, 1, true});
  addMatmul(suite, rng, {130, 8, 96, true, FloatType::BF16});
  addMatmul(suite, rng, {3, 16, 256, true, FloatType::F32, 1, true, 4, false});
  addMatmul(suite, rng, {33, 24, 64, false, FloatType::F32, 0, false, 3, true});
  addMatmul(suite, rng,
            {70, 24, 64, false, FloatType::F32, 2, false, 2, false});
  // Scales that fast decoding cannot take, in each kernel.
  for (int64_t rows : {3, 16, 20, 70, 140})
    for (bool isMXFP4 : {true, false}) {
      MatmulCase c = {rows, 40, 256, isMXFP4};
      c.moderate = false;
      addMatmul(suite, rng, c);
    }
  return suite;
}

/// Every kernel, of odd shapes; formats, types and the epilogue in turn.
static Suite everyMatmulSuite(int number) {
  Suite suite;
  std::mt19937 rng(41 + number);
  for (int64_t m : {1, 8, 13, 27, 51, 66, 131}) {
    MatmulCase c = {m, 17 + 8 * (number % 4), number % 2 ? 288 : 256};
    c.isMXFP4 = number % 2 == 0;
    c.type = FloatType(number % 3);
    c.alpha = number % 4;
    c.bias = number % 3 != 0;
    c.moderate = number % 5 != 0;
    addMatmul(suite, rng, c);
    ++number;
  }
  return suite;
}

TEST(GPUKernels, MatmulForEveryChip) {
  // On these the suites below run.
  auto isCovered = [](std::string_view name) {
    return name == "sm_80" || name == "sm_90a" || name == "sm_120a";
  };
  int number = 0;
  for (size_t i = 0; i < numTargets; ++i)
    if (targets[i].kind == TargetKind::GPU && !isCovered(targets[i].name))
      everyMatmulSuite(number++).run(targets[i].name);
  EXPECT_EQ(number, 5);
}

/// K of many stages of 128, sometimes with half a stage at the end.
static Suite longMatmulSuite() {
  Suite suite;
  std::mt19937 rng(43);
  addMatmul(suite, rng, {300, 24, 1152, true, FloatType::BF16});
  addMatmul(suite, rng, {130, 136, 1088, false, FloatType::F32, 1, true});
  addMatmul(suite, rng, {100, 40, 1088, false, FloatType::F16, 3});
  addMatmul(suite, rng,
            {70, 24, 1344, false, FloatType::F32, 2, true, 2, false});
  addMatmul(suite, rng, {66, 128, 896, true, FloatType::F32, 0, true, 2, true});
  return suite;
}

TEST(GPUKernels, MatmulForAmpere) { matmulSuite().run("sm_80"); }
TEST(GPUKernels, MatmulForHopper) { matmulSuite().run("sm_90a"); }
TEST(GPUKernels, MatmulForBlackwell) { matmulSuite().run("sm_120a"); }
TEST(GPUKernels, LongMatmulForBlackwell) { longMatmulSuite().run("sm_120a"); }
