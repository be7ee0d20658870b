//===- CudaDriver.cpp - the CUDA driver API, loaded at run time -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaDriver.h"

#include <cstdlib>
#include <dlfcn.h>

using namespace fp4q;

namespace {

/// The driver of this process, or why there is none.
struct Loaded {
  Loaded();

  CudaDriver driver = {};
  std::string error;

private:
  template <typename Function>
  bool find(Function &function, const char *name) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
  }
  bool findAll(const std::string &name);

  void *library = nullptr;
};

} // namespace

bool Loaded::findAll(const std::string &name) {
#define FP4Q_REQUIRED(function)                                                \
  if (!find(driver.function, #function)) {                                     \
    error = "CUDA driver '" + name + "' has no " #function;                    \
    return false;                                                              \
  }
  FP4Q_REQUIRED(cuInit)
  FP4Q_REQUIRED(cuDriverGetVersion)
  FP4Q_REQUIRED(cuGetErrorName)
  FP4Q_REQUIRED(cuGetErrorString)
  FP4Q_REQUIRED(cuDeviceGetCount)
  FP4Q_REQUIRED(cuDeviceGet)
  FP4Q_REQUIRED(cuDeviceGetName)
  FP4Q_REQUIRED(cuDeviceGetAttribute)
  FP4Q_REQUIRED(cuDevicePrimaryCtxRetain)
  FP4Q_REQUIRED(cuCtxGetCurrent)
  FP4Q_REQUIRED(cuCtxPushCurrent_v2)
  FP4Q_REQUIRED(cuCtxPopCurrent_v2)
  FP4Q_REQUIRED(cuModuleLoadData)
  FP4Q_REQUIRED(cuModuleUnload)
  FP4Q_REQUIRED(cuModuleGetFunction)
  FP4Q_REQUIRED(cuFuncSetAttribute)
  FP4Q_REQUIRED(cuLaunchKernel)
  FP4Q_REQUIRED(cuMemAlloc_v2)
  FP4Q_REQUIRED(cuMemFree_v2)
  FP4Q_REQUIRED(cuMemcpy)
  FP4Q_REQUIRED(cuMemcpyHtoDAsync_v2)
  FP4Q_REQUIRED(cuMemcpyAsync)
  FP4Q_REQUIRED(cuStreamCreate)
  FP4Q_REQUIRED(cuStreamSynchronize)
#undef FP4Q_REQUIRED
  find(driver.cuLaunchKernelEx, "cuLaunchKernelEx");
  find(driver.cuThreadExchangeStreamCaptureMode,
       "cuThreadExchangeStreamCaptureMode");
  find(driver.cuMemPoolCreate, "cuMemPoolCreate");
  find(driver.cuMemPoolSetAttribute, "cuMemPoolSetAttribute");
  find(driver.cuMemAllocFromPoolAsync, "cuMemAllocFromPoolAsync");
  find(driver.cuMemFreeAsync, "cuMemFreeAsync");
  return true;
}

Loaded::Loaded() {
  const char *chosen = std::getenv("FP4Q_CUDA_DRIVER");
  bool isChosen = chosen && *chosen;
  std::string name = isChosen ? chosen : "libcuda.so.1";
  // RTLD_LOCAL: another driver may be loaded beside this one.
  library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = ::dlerror();
    error = isChosen ? "FP4Q_CUDA_DRIVER names '" + name +
                           "', which cannot be loaded: " + reason
                     : "there is no CUDA driver on this machine: " +
                           std::string(reason);
    return;
  }
  if (!findAll(name))
    return;
  if (CUresult result = driver.cuInit(0)) {
    error = result == CUDA_ERROR_NO_DEVICE
                ? "there is no CUDA device on this machine"
                : "CUDA driver '" + name +
                      "' cannot be used: " + driver.describe("cuInit", result);
    return;
  }
  driver.cuDriverGetVersion(&driver.version);
}

const CudaDriver *CudaDriver::get(std::string &error) {
  // Never destroyed: artifacts may be unloaded while the process exits.
  static const Loaded &loaded = *new Loaded;
  if (loaded.error.empty())
    return &loaded.driver;
  error = loaded.error;
  return nullptr;
}

std::string CudaDriver::describe(const char *function, CUresult result) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
    name = "unknown error";
  if (cuGetErrorString(result, &text) != CUDA_SUCCESS || !text)
    text = "no description";
  return std::string(function) + " failed: " + name + " (" + text + ")";
}
