//===- Gpu.h - GPUs, and arrays in their memory ----------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_PYTHON_GPU_H
#define FP4Q_PYTHON_GPU_H

#include "fp4q/Runtime/DLPack.h"

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <vector>

namespace fp4q {

/// A piece of the memory of a CUDA device.
struct GpuMemory {
  GpuMemory(int32_t device, int64_t bytes);
  ~GpuMemory();
  GpuMemory(const GpuMemory &) = delete;
  GpuMemory &operator=(const GpuMemory &) = delete;

  int32_t device;
  int64_t bytes;
  void *data = nullptr;
};

/// A row-major array on it, for those whose framework has none.
struct GpuArray {
  std::shared_ptr<GpuMemory> memory;
  std::vector<int64_t> sizes;
  DLDataType type;
  /// The name of its dtype: "bfloat16".
  std::string dtype;
};

/// Adds GpuArray and what is known of the devices to the module.
void bindGpu(nanobind::module_ &m);

} // namespace fp4q

#endif // FP4Q_PYTHON_GPU_H
