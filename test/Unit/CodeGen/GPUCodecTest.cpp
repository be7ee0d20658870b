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

/// x / d as quantization kernels compute it.
#if defined(__x86_64__)
__attribute__((target("fma")))
#endif
static float quotient(float x, float d, float reciprocal) {
  float q = x * reciprocal;
  float remainder = __builtin_fmaf(q, -d, x);
  return __builtin_fmaf(remainder, reciprocal, q);
}

TEST(GPUCodec, QuotientsNearTiesAreExact) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("fma"))
    GTEST_SKIP() << "this machine has no fused multiply-add";
#endif
  // Codes change at these significands only, and scaling by powers of two does
  // not matter in the range that kernels check.
  uint64_t wrong = 0;
  for (uint32_t bits = bitsOf(1.0f); bits < bitsOf(2.0f); ++bits) {
    float d = floatOf(bits), reciprocal = 1.0f / d;
    for (float tie : {1.0f, 1.25f, 1.5f, 1.75f}) {
      uint32_t middle = bitsOf(tie * d);
      for (int distance = -4; distance <= 4; ++distance) {
        float x = floatOf(middle + uint32_t(distance));
        wrong += quotient(x, d, reciprocal) != x / d;
      }
    }
  }
  EXPECT_EQ(wrong, 0u);
}
