//===- ArtifactFixture.h - what the tests of artifacts share ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TEST_UNIT_RUNTIME_ARTIFACTFIXTURE_H
#define FP4Q_TEST_UNIT_RUNTIME_ARTIFACTFIXTURE_H

#include "fp4q/Runtime/Artifact.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

/// A contiguous tensor of bytes, 64-byte aligned, that tests may spoil.
struct Tensor {
  Tensor(uint8_t code, uint8_t bits, std::vector<int64_t> sizes)
      : shape(std::move(sizes)) {
    size_t bytes = bits / 8;
    for (int64_t size : shape)
      bytes *= size_t(size);
    storage.resize(bytes + 64);
    auto address = reinterpret_cast<uintptr_t>(storage.data());
    dl.data = storage.data() + (64 - address % 64) % 64;
    dl.device = {};
    dl.device.device_type = decltype(dl.device.device_type)(FP4Q_DL_CPU);
    dl.ndim = int32_t(shape.size());
    dl.dtype = {code, bits, 1};
    dl.shape = shape.data();
    dl.strides = nullptr;
    dl.byte_offset = 0;
  }
  Tensor(const Tensor &) = delete;

  template <typename T>
  T *as() {
    return static_cast<T *>(dl.data);
  }

  std::vector<int64_t> shape;
  std::vector<uint8_t> storage;
  DLTensor dl;
};

/// The tensors of a call of @quantize on `rows` rows.
struct QuantizeTensors {
  explicit QuantizeTensors(int64_t rows)
      : x(FP4Q_DL_BFLOAT, 16, {rows, 64}), codes(FP4Q_DL_INT, 8, {rows, 32}),
        scales(FP4Q_DL_FLOAT8_E8M0FNU, 8, {rows, 2}) {}

  std::vector<const DLTensor *> all() const {
    return {&x.dl, &codes.dl, &scales.dl};
  }

  Tensor x, codes, scales;
};

/// Calls `function`; the error, or "" if there was none.
inline std::string call(const fp4q_function_desc *function,
                        const std::vector<const DLTensor *> &tensors) {
  const char *error = nullptr;
  int32_t status = fp4q_function_call(function, tensors.data(),
                                      int32_t(tensors.size()), nullptr, &error);
  EXPECT_EQ(status, error ? 1 : 0);
  return error ? error : "";
}

/// Loads the artifact at `path`; the error, or "" if there was none.
inline std::string load(const std::string &path,
                        fp4q::ArtifactPtr *out = nullptr) {
  const char *error = nullptr;
  fp4q::ArtifactPtr artifact = fp4q::loadArtifact(path.c_str(), &error);
  EXPECT_EQ(artifact != nullptr, error == nullptr);
  if (out)
    *out = std::move(artifact);
  return error ? error : "";
}

/// The function `name` of the artifact.
inline const fp4q_function_desc *find(const fp4q::ArtifactPtr &artifact,
                                      const char *name) {
  const fp4q_function_desc *function = nullptr;
  const char *error = nullptr;
  EXPECT_EQ(fp4q_artifact_find(artifact.get(), name, &function, &error), 0)
      << error;
  return function;
}

#endif // FP4Q_TEST_UNIT_RUNTIME_ARTIFACTFIXTURE_H
