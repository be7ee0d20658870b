//===- GPUCodecTest.cpp - the short sequences of GPU lanes ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What GPU kernels compute in ways of their own, for all operands that matter.
// The codec runs as the IR that the lowering writes, compiled for this machine.
//
//===----------------------------------------------------------------------===//

#include "MicroOpKernels.h"

#include "fp4q/Numerics/E2M1.h"

#include <gtest/gtest.h>

#include <vector>

using namespace fp4q;

static std::string encodeKernel(const std::string &name,
                                const std::string &attribute) {
  return "func.func @" + name +
         "(%x: memref<?xf32>, %y: memref<?xi8>) attributes "
         "{llvm.emit_c_interface} {\n"
         "  %c0 = arith.constant 0 : index\n"
         "  %c2 = arith.constant 2 : index\n"
         "  %c16 = arith.constant 16 : index\n"
         "  %size = memref.dim %x, %c0 : memref<?xf32>\n"
         "  scf.for %i = %c0 to %size step %c16 {\n"
         "    %at = arith.divui %i, %c2 : index\n"
         "    %v = vector.load %x[%i] : memref<?xf32>, vector<16xf32>\n"
         "    %c = fp4q.encode %v" +
         attribute +
         " : vector<16xf32> -> vector<8xi8>\n"
         "    vector.store %c, %y[%at] : memref<?xi8>, vector<8xi8>\n"
         "  }\n  return\n}\n";
}

/// Compares the codes of `values`, of which there is a multiple of 16.
static void expectCodes(MicroOpKernels &kernels,
                        const std::vector<float> &values) {
  std::vector<uint8_t> codes(values.size() / 2);
  for (bool onlyNegative : {false, true}) {
    ASSERT_TRUE(
        kernels.call(onlyNegative ? "negative" : "signed",
                     {{const_cast<float *>(values.data()), values.size()},
                      {codes.data(), codes.size()}}));
    ZeroSign zeroSign =
        onlyNegative ? ZeroSign::OnlyNegative : ZeroSign::SignBit;
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(unpackE2M1(codes.data(), int64_t(i)),
                encodeE2M1(values[i], zeroSign))
          << values[i];
  }
}

TEST(GPUCodec, EncodesAllFloatsAroundTheCodes) {
  MicroOpKernels kernels(
      encodeKernel("signed", "") +
          encodeKernel("negative", " sign_of_zero<only_negative>"),
      "sm_90a");
  ASSERT_TRUE(kernels.ok());
  // Every f32 of 1/8..8: each rounding happens there.
  std::vector<float> values(1 << 20);
  for (uint32_t bits = bitsOf(0.125f); bits < bitsOf(8.0f);
       bits += uint32_t(values.size())) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = floatOf((bits + uint32_t(i)) | (i % 2 ? 0x80000000 : 0));
    ASSERT_NO_FATAL_FAILURE(expectCodes(kernels, values));
  }
  // Every exponent with many mantissas and both signs; zeros, Inf, NaN.
  values.clear();
  for (uint32_t high = 0; high < 65536; ++high)
    for (uint32_t low : {0u, 1u, 0x8000u, 0xFFFFu})
      values.push_back(floatOf(high << 16 | low));
  expectCodes(kernels, values);
}

/// Whether this machine can run what follows.
static bool hasFMA() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

/// Significands at which codes change: ties of the first two go to the lower
/// code, those of the others to the upper one.
static const float ties[] = {1.0f, 1.25f, 1.5f, 1.75f};

static bool isAbove(float t, float tie) {
  return tie < 1.5f ? t > tie : t >= tie;
}

static float unitsAway(float x, int32_t units) {
  return floatOf(bitsOf(x) + uint32_t(units));
}

/// x / d as quantization kernels compute it.
#if defined(__x86_64__)
__attribute__((target("fma")))
#endif
static float quotient(float x, float d, float reciprocal) {
  float q = x * reciprocal;
  float excess = __builtin_fmaf(q, d, -x);
  return __builtin_fmaf(-excess, reciprocal, q);
}

/// 1 / d as they compute it from an approximation.
#if defined(__x86_64__)
__attribute__((target("fma")))
#endif
static float refined(float d, float approximation) {
  float error = __builtin_fmaf(-d, approximation, 1.0f);
  return __builtin_fmaf(error, approximation, approximation);
}

// Scaling by powers of two does not matter in the range that kernels check.
TEST(GPUCodec, QuotientsNearTiesAreExact) {
  if (!hasFMA())
    GTEST_SKIP() << "this machine has no fused multiply-add";
  uint64_t wrong = 0;
  for (uint32_t bits = bitsOf(1.0f); bits < bitsOf(2.0f); ++bits) {
    float d = floatOf(bits), reciprocal = 1.0f / d;
    for (float tie : ties)
      for (int distance = -4; distance <= 4; ++distance) {
        float x = unitsAway(tie * d, distance);
        wrong += quotient(x, d, reciprocal) != x / d;
      }
  }
  EXPECT_EQ(wrong, 0u);
}

TEST(GPUCodec, ApproximateReciprocalsServeQuotientsNearTies) {
  if (!hasFMA())
    GTEST_SKIP() << "this machine has no fused multiply-add";
  uint64_t wrong = 0, different = 0;
  // But for the last significand, which kernels look for.
  for (uint32_t bits = bitsOf(1.0f); bits < bitsOf(2.0f) - 1; ++bits) {
    float d = floatOf(bits), nearest = 1.0f / d;
    for (int error = -1; error <= 1; ++error) {
      float reciprocal = refined(d, unitsAway(nearest, error));
      if (reciprocal == nearest)
        continue; // As in the test above.
      ++different;
      for (float tie : ties)
        for (int distance = -4; distance <= 4; ++distance) {
          float x = unitsAway(tie * d, distance);
          wrong += quotient(x, d, reciprocal) != x / d;
        }
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(different, 100u);
}

/// Whether kernels multiply bf16 by the reciprocal of such a factor.
static bool isFarFromTies(float d) {
  bool isFar = true;
  for (float tie : ties)
    isFar &= ((bitsOf(tie * d) + 1) & 0xFFFF) > 9;
  return isFar || (bitsOf(d) & 0x7FFFFF) == 0x2AAAAB;
}

TEST(GPUCodec, ReciprocalsALittleTooLargeServeBF16FarFromTies) {
  uint64_t wrong = 0, taken = 0;
  for (uint32_t bits = bitsOf(1.0f); bits < bitsOf(2.0f); ++bits) {
    float d = floatOf(bits), nearest = 1.0f / d;
    if (!isFarFromTies(d))
      continue;
    ++taken;
    for (int error = -1; error <= 1; ++error) {
      float reciprocal = unitsAway(nearest, error + 3);
      for (float tie : ties)
        for (uint32_t above = 0; above < 2; ++above) {
          // The neighbors among bf16; others are further away by 2^-8.
          uint32_t below = bitsOf(tie * d) & 0xFFFF0000;
          float x = floatOf(below + (above << 16));
          wrong += (x * reciprocal >= tie) != isAbove(x / d, tie);
        }
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(taken, 8380000u); // Of 8388608.
  EXPECT_TRUE(isFarFromTies(1.0f / 3));
}
