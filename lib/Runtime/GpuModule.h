//===- GpuModule.h - kernels and constants on the devices -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_RUNTIME_GPUMODULE_H
#define FP4Q_LIB_RUNTIME_GPUMODULE_H

#include "GpuDevice.h"
#include "fp4q/Runtime/Gpu.h"

#include <string>

namespace fp4q {

/// The kernel on the device, with room for so much dynamic shared memory. The
/// first use loads the module. Null with the reason in `error`.
CUfunction getFunction(fp4q_gpu_kernel &kernel, GpuDevice &device,
                       int32_t dynamicShared, std::string &error);

/// The constant's copy on the device. Null with the reason in `error`.
void *getConstant(fp4q_gpu_constant &constant, GpuDevice &device,
                  std::string &error);

} // namespace fp4q

#endif // FP4Q_LIB_RUNTIME_GPUMODULE_H
