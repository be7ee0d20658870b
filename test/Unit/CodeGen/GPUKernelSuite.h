//===- GPUKernelSuite.h - cases of kernels on the simulator -----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_CODEGEN_GPUKERNELSUITE_H
#define FP4Q_TEST_UNIT_CODEGEN_GPUKERNELSUITE_H

#include "GPUKernels.h"

#include "fp4q/Numerics/Buffers.h"
#include "fp4q/Numerics/Recipe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <random>

namespace fp4q {

using Bytes = std::vector<uint8_t>;

inline const char *nameOf(FloatType type) {
  return type == FloatType::BF16  ? "bf16"
         : type == FloatType::F16 ? "f16"
                                  : "f32";
}
inline const char *nameOf(ScaleType type) {
  return type == ScaleType::E8M0 ? "f8E8M0FNU" : "f8E4M3FN";
}

inline std::string memref(std::vector<int64_t> shape, const std::string &type) {
  std::string text = "memref<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + type + ">";
}

/// Numbers of all magnitudes, and groups of 8 that are zero or have a NaN or an
/// Inf if `isHard`.
inline Bytes randomFloats(std::mt19937 &rng, FloatType type, int64_t count,
                          bool isHard) {
  Bytes bytes(count * sizeOf(type));
  Floats out = {bytes.data(), type};
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < count; ++i) {
    float value = normal(rng);
    if (isHard) {
      value = std::ldexp(value, int(i / 8 * 37 % 61) - 30);
      switch (i / 8 % 16) {
      case 3:
        value = std::copysign(0.0f, value);
        break;
      case 5:
        value = i % 8 == 3 ? NAN : value;
        break;
      case 7:
        value = i % 8 == 6 ? -INFINITY : value;
        break;
      case 9:
        value = std::ldexp(value, -130);
        break;
      }
    }
    out.store(i, value);
  }
  return bytes;
}

/// Equal but for the payloads of NaN.
inline void expectSameFloats(const Bytes &actual, const Bytes &expected,
                             FloatType type, const std::string &what) {
  ConstFloats a = {actual.data(), type}, e = {expected.data(), type};
  for (int64_t i = 0; i < int64_t(actual.size()) / sizeOf(type); ++i) {
    float got = a.load(i), want = e.load(i);
    ASSERT_TRUE(bitsOf(got) == bitsOf(want) || (isNaN(got) && isNaN(want)))
        << what << ": element " << i << " is " << got << ", expected " << want;
  }
}

/// A module under construction, and what is run of it afterwards.
struct Case {
  std::string function;
  std::vector<Bytes> arguments;
  std::vector<bool> isInput;
  std::function<void(const std::string &, const std::vector<Bytes> &)> check;
};

struct Suite {
  std::string text;
  std::vector<Case> cases;

  void add(const std::string &name, const std::string &signature,
           const std::string &body, Case test) {
    test.function = name + std::to_string(cases.size());
    text += "func.func @" + test.function + "(" + signature + ") {\n  " + body +
            "\n  return\n}\n";
    cases.push_back(std::move(test));
  }

  void run(const std::string &chip) {
    GPUCompiler compiler;
    ASSERT_FALSE(compiler.compile(text, chip).empty());
    for (Case &test : cases) {
      std::vector<Bytes> arguments = test.arguments;
      std::vector<GPUArgument> pointers;
      for (Bytes &bytes : arguments)
        pointers.push_back({bytes.data(), bytes.size()});
      ASSERT_TRUE(compiler.run(test.function, pointers, test.isInput))
          << test.function;
      test.check(test.function + " for " + chip, arguments);
      if (testing::Test::HasFatalFailure())
        return;
    }
  }
};

inline Bytes bytesOf(float value) {
  Bytes bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

} // namespace fp4q

#endif // FP4Q_TEST_UNIT_CODEGEN_GPUKERNELSUITE_H
