//===- GpuImages.h - which images of a module a chip can run ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_RUNTIME_GPUIMAGES_H
#define FP4Q_LIB_RUNTIME_GPUIMAGES_H

#include "fp4q/Runtime/Gpu.h"

#include <string>
#include <vector>

namespace fp4q {

/// How well code for `chip` ("sm_90a"), as a cubin or as PTX, suits a device of
/// that compute capability: more is better, -1 if the device cannot run it.
int rankChip(const std::string &chip, int major, int minor);

/// One way to load a module: an image, as its cubin or as its PTX.
struct ImageChoice {
  const fp4q_gpu_image *image;
  bool isCubin;
};

/// The images that a device of compute capability `major`.`minor` can run, the
/// best first (CUDA C++ Programming Guide, "Application Compatibility"):
///  - cubins run on chips of the same major version and at least the minor one;
///    those of the names that end in "a", only on that very chip;
///  - PTX likewise, but also on chips of later major versions.
/// cubins come before PTX, which the driver has to compile, and later chips
/// before earlier ones.
std::vector<ImageChoice> chooseImages(const fp4q_gpu_module &module, int major,
                                      int minor);

} // namespace fp4q

#endif // FP4Q_LIB_RUNTIME_GPUIMAGES_H
