//===- DeviceClock.cpp - time what a CUDA device does ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceClock.h"

#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>

using namespace mlir::fp4q;
using namespace mlir::fp4q::bench;

/// CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE
constexpr int kL2CacheSize = 38;
/// What the host does for one call overlaps with what the device does for
/// others.
constexpr int kCallsOnDevice = 20;

std::unique_ptr<DeviceClock> DeviceClock::create(const CudaDevice &device,
                                                 std::string &error) {
  std::unique_ptr<DeviceClock> clock(new DeviceClock());
  // The runtime has loaded it already, since it has found the device.
  const char *chosen = std::getenv("FP4Q_CUDA_DRIVER");
  void *library =
      ::dlopen(chosen && *chosen ? chosen : "libcuda.so.1", RTLD_NOW);
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        library ? ::dlsym(library, name) : nullptr);
    if (!function && !missing)
      missing = name;
  };
  int (*getAttribute)(int *, int, int) = nullptr;
  int (*retain)(Handle *, int) = nullptr;
  int (*setCurrent)(Handle) = nullptr;
  int (*createEvent)(Handle *, unsigned) = nullptr;
  int (*allocate)(Pointer *, size_t) = nullptr;
  find(getAttribute, "cuDeviceGetAttribute");
  find(retain, "cuDevicePrimaryCtxRetain");
  find(setCurrent, "cuCtxSetCurrent");
  find(createEvent, "cuEventCreate");
  int (*getErrorName)(int, const char **) = nullptr;
  find(allocate, "cuMemAlloc_v2");
  find(getErrorName, "cuGetErrorName");
  find(clock->cuEventRecord, "cuEventRecord");
  find(clock->cuEventSynchronize, "cuEventSynchronize");
  find(clock->cuEventElapsedTime, "cuEventElapsedTime");
  find(clock->cuMemsetD32Async, "cuMemsetD32Async");
  find(clock->cuMemcpyAsync, "cuMemcpyAsync");
  if (missing) {
    error = std::string("the CUDA driver has no ") + missing;
    return nullptr;
  }
  int cacheBytes = 0, result = 0;
  Handle context = nullptr;
  const char *function = nullptr;
  auto call = [&](const char *name, auto body) {
    if (result != 0)
      return;
    function = name;
    result = body();
  };
  call("cuDeviceGetAttribute",
       [&] { return getAttribute(&cacheBytes, kL2CacheSize, device.ordinal); });
  call("cuDevicePrimaryCtxRetain",
       [&] { return retain(&context, device.ordinal); });
  call("cuCtxSetCurrent", [&] { return setCurrent(context); });
  call("cuEventCreate", [&] { return createEvent(&clock->begin, 0); });
  call("cuEventCreate", [&] { return createEvent(&clock->end, 0); });
  // The simulator has no caches.
  clock->flushBytes =
      device.isSimulator ? 4096 : 2 * size_t(std::max(cacheBytes, 1 << 20));
  call("cuMemAlloc",
       [&] { return allocate(&clock->flushed, clock->flushBytes); });
  if (result != 0) {
    const char *name = nullptr;
    if (getErrorName(result, &name) != 0 || !name)
      name = "unknown error";
    error = std::string(function) + " failed: " + name;
    if (function == std::string("cuMemAlloc"))
      error = std::to_string(clock->flushBytes) +
              " bytes of device memory: " + error;
    return nullptr;
  }
  return clock;
}

void DeviceClock::check(const char *function, int result) {
  if (result != 0)
    llvm::reportFatalUsageError(llvm::Twine(function) + " failed with " +
                                llvm::Twine(result));
}

double DeviceClock::time(const std::function<void()> &enqueue) {
  check("cuEventRecord", cuEventRecord(begin, nullptr));
  enqueue();
  check("cuEventRecord", cuEventRecord(end, nullptr));
  check("cuEventSynchronize", cuEventSynchronize(end));
  float milliseconds = 0;
  check("cuEventElapsedTime", cuEventElapsedTime(&milliseconds, begin, end));
  return milliseconds * 1e-3;
}

Timing DeviceClock::measureWarm(double minSeconds,
                                const std::function<void()> &enqueue) {
  Timing timing = bench::measureWarm(minSeconds, [&] {
    return time([&] {
      for (int i = 0; i < kCallsOnDevice; ++i)
        enqueue();
    });
  });
  for (double *seconds : {&timing.median, &timing.least, &timing.cpuMedian})
    *seconds /= kCallsOnDevice;
  return timing;
}

Timing DeviceClock::measureCold(const std::function<void()> &enqueue) {
  // It lasts longer than the host needs to enqueue what follows.
  return bench::measureCold(
      [&] {
        check("cuMemsetD32Async",
              cuMemsetD32Async(flushed, 1, flushBytes / 4, nullptr));
      },
      [&] { return time(enqueue); });
}

void DeviceClock::copy(void *to, const void *from, int64_t bytes) {
  check("cuMemcpyAsync",
        cuMemcpyAsync(reinterpret_cast<Pointer>(to),
                      reinterpret_cast<Pointer>(from), bytes, nullptr));
}
