//===- GpuDevice.cpp - devices, their memory and their contexts -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuDevice.h"

#include "LastError.h"
#include "fp4q/Runtime/Gpu.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

using namespace fp4q;

//===----------------------------------------------------------------------===//
// GpuDevice
//===----------------------------------------------------------------------===//

std::string GpuDevice::chip() const {
  return "sm_" + std::to_string(major) + std::to_string(minor);
}

std::string GpuDevice::describe(const char *function, CUresult result) const {
  std::string text = driver->describe(function, result);
  const char *kernel = lastKernel.load();
  // These come from kernels, whichever function reports them.
  if (kernel && result >= CUDA_ERROR_ILLEGAL_ADDRESS &&
      result <= CUDA_ERROR_LAUNCH_FAILED)
    text += "; the kernel launched last is '" + std::string(kernel) + "'";
  return text;
}

CUresult GpuDevice::copyFromHost(CUdeviceptr to, const void *from, size_t bytes,
                                 const char *&function) {
  std::lock_guard<std::mutex> lock(copyMutex);
  CUresult result = CUDA_SUCCESS;
  if (!copyStream) {
    function = "cuStreamCreate";
    result = driver->cuStreamCreate(&copyStream, CU_STREAM_NON_BLOCKING);
  }
  if (result == CUDA_SUCCESS) {
    function = "cuMemcpyHtoDAsync";
    result = driver->cuMemcpyHtoDAsync_v2(to, from, bytes, copyStream);
  }
  if (result == CUDA_SUCCESS) {
    function = "cuStreamSynchronize";
    result = driver->cuStreamSynchronize(copyStream);
  }
  return result;
}

/// A pool that keeps what is freed, or null.
static CUmemoryPool makePool(const GpuDevice &device) {
  const CudaDriver &driver = *device.driver;
  int supported = 0;
  if (!driver.cuMemPoolCreate || !driver.cuMemPoolSetAttribute ||
      !driver.cuMemAllocFromPoolAsync || !driver.cuMemFreeAsync ||
      driver.cuDeviceGetAttribute(&supported,
                                  CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED,
                                  device.device) != CUDA_SUCCESS ||
      !supported)
    return nullptr;
  CUmemPoolProps properties;
  properties.locationId = device.device;
  CUmemoryPool pool = nullptr;
  if (driver.cuMemPoolCreate(&pool, &properties) != CUDA_SUCCESS)
    return nullptr;
  uint64_t everything = UINT64_MAX;
  driver.cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                               &everything);
  return pool;
}

/// Sets up a device; null with the reason in `error`.
static std::unique_ptr<GpuDevice> openDevice(int32_t ordinal,
                                             std::string &error) {
  const CudaDriver *driver = CudaDriver::get(error);
  if (!driver)
    return nullptr;
  auto device = std::make_unique<GpuDevice>();
  device->driver = driver;
  device->ordinal = ordinal;
  const char *function = "cuDeviceGet";
  CUresult result = driver->cuDeviceGet(&device->device, ordinal);
  auto getAttribute = [&](int attribute, int &value) {
    if (result != CUDA_SUCCESS)
      return;
    function = "cuDeviceGetAttribute";
    result = driver->cuDeviceGetAttribute(&value, attribute, device->device);
  };
  getAttribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device->major);
  getAttribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device->minor);
  getAttribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
               device->multiprocessors);
  if (result == CUDA_SUCCESS) {
    function = "cuDevicePrimaryCtxRetain";
    result = driver->cuDevicePrimaryCtxRetain(&device->context, device->device);
  }
  if (result != CUDA_SUCCESS) {
    error = "CUDA device " + std::to_string(ordinal) +
            " cannot be used: " + driver->describe(function, result);
    return nullptr;
  }
  device->pool = makePool(*device);
  return device;
}

GpuDevice *GpuDevice::get(int32_t ordinal, std::string &error) {
  static std::atomic<GpuDevice *> devices[kMaxGpuDevices];
  static std::mutex &mutex = *new std::mutex;
  if (ordinal >= 0 && ordinal < kMaxGpuDevices)
    if (GpuDevice *device = devices[ordinal].load(std::memory_order_acquire))
      return device;
  const CudaDriver *driver = CudaDriver::get(error);
  if (!driver)
    return nullptr;
  int count = 0;
  driver->cuDeviceGetCount(&count);
  count = std::min(count, int(kMaxGpuDevices));
  if (ordinal < 0 || ordinal >= count) {
    error = "there is no CUDA device " + std::to_string(ordinal) +
            "; this machine has " + std::to_string(count) + ", numbered from 0";
    return nullptr;
  }
  std::lock_guard<std::mutex> lock(mutex);
  if (GpuDevice *device = devices[ordinal].load(std::memory_order_acquire))
    return device;
  // Never destroyed, as the driver.
  GpuDevice *device = openDevice(ordinal, error).release();
  devices[ordinal].store(device, std::memory_order_release);
  return device;
}

//===----------------------------------------------------------------------===//
// CurrentContext and RelaxedCapture
//===----------------------------------------------------------------------===//

CurrentContext::CurrentContext(const GpuDevice &device)
    : driver(*device.driver) {
  CUcontext current = nullptr;
  status = driver.cuCtxGetCurrent(&current);
  if (status != CUDA_SUCCESS || current == device.context)
    return;
  status = driver.cuCtxPushCurrent_v2(device.context);
  pushed = status == CUDA_SUCCESS;
}

CurrentContext::~CurrentContext() {
  CUcontext popped = nullptr;
  if (pushed)
    driver.cuCtxPopCurrent_v2(&popped);
}

RelaxedCapture::RelaxedCapture(const CudaDriver &driver) : driver(driver) {
  if (driver.cuThreadExchangeStreamCaptureMode)
    driver.cuThreadExchangeStreamCaptureMode(&mode);
}

RelaxedCapture::~RelaxedCapture() {
  if (driver.cuThreadExchangeStreamCaptureMode)
    driver.cuThreadExchangeStreamCaptureMode(&mode);
}

//===----------------------------------------------------------------------===//
// For hosts
//===----------------------------------------------------------------------===//

int32_t fp4q_gpu_count(int32_t *count, const char **error) {
  return guard(error, [&]() -> int32_t {
    std::string message;
    const CudaDriver *driver = CudaDriver::get(message);
    if (!driver)
      return fail(error, std::move(message));
    int found = 0;
    if (CUresult result = driver->cuDeviceGetCount(&found))
      return fail(error, driver->describe("cuDeviceGetCount", result));
    *count = found;
    return 0;
  });
}

int32_t fp4q_gpu_describe(int32_t ordinal, fp4q_gpu_info *info,
                          const char **error) {
  return guard(error, [&]() -> int32_t {
    if (info->size != sizeof(fp4q_gpu_info))
      return fail(error, "fp4q_gpu_info has size " +
                             std::to_string(info->size) +
                             ", but this runtime knows " +
                             std::to_string(sizeof(fp4q_gpu_info)));
    std::string message;
    GpuDevice *device = GpuDevice::get(ordinal, message);
    if (!device)
      return fail(error, std::move(message));
    info->major = device->major;
    info->minor = device->minor;
    info->driver_version = device->driver->version;
    std::memset(info->name, 0, sizeof(info->name));
    if (CUresult result = device->driver->cuDeviceGetName(
            info->name, sizeof(info->name) - 1, device->device))
      return fail(error, device->driver->describe("cuDeviceGetName", result));
    return 0;
  });
}

/// Runs `body`, which returns a CUresult of the driver's function called
/// `function`, in the context of a device. Errors begin with `what`.
template <typename Body>
static int32_t onDevice(int32_t ordinal, const char *function,
                        const char **error, Body body,
                        const std::string &what = "") {
  return guard(error, [&]() -> int32_t {
    std::string message;
    GpuDevice *device = GpuDevice::get(ordinal, message);
    if (!device)
      return fail(error, std::move(message));
    CurrentContext context(*device);
    CUresult result = context.result();
    if (result == CUDA_SUCCESS)
      result = body(*device);
    if (result != CUDA_SUCCESS)
      return fail(error, what + device->describe(function, result));
    return 0;
  });
}

int32_t fp4q_gpu_allocate(int32_t ordinal, int64_t bytes, void **out,
                          const char **error) {
  *out = nullptr;
  if (bytes < 0)
    return fail(error, "cannot allocate " + std::to_string(bytes) + " bytes");
  auto allocate = [&](GpuDevice &device) {
    CUdeviceptr memory = 0;
    CUresult result = bytes == 0 ? CUDA_SUCCESS
                                 : device.driver->cuMemAlloc_v2(&memory, bytes);
    *out = reinterpret_cast<void *>(memory);
    return result;
  };
  return onDevice(ordinal, "cuMemAlloc", error, allocate,
                  std::to_string(bytes) + " bytes of device memory: ");
}

int32_t fp4q_gpu_release(int32_t ordinal, void *memory, const char **error) {
  if (!memory)
    return 0;
  return onDevice(ordinal, "cuMemFree", error, [&](GpuDevice &device) {
    return device.driver->cuMemFree_v2(reinterpret_cast<CUdeviceptr>(memory));
  });
}

int32_t fp4q_gpu_copy(int32_t ordinal, void *to, const void *from,
                      int64_t bytes, const char **error) {
  if (bytes == 0)
    return 0;
  return onDevice(ordinal, "cuMemcpy", error, [&](GpuDevice &device) {
    CUresult result = device.driver->cuMemcpy(
        reinterpret_cast<CUdeviceptr>(to), reinterpret_cast<CUdeviceptr>(from),
        size_t(bytes));
    // A copy within the device, or out of pageable memory, may still run.
    return result == CUDA_SUCCESS ? device.driver->cuStreamSynchronize(nullptr)
                                  : result;
  });
}

int32_t fp4q_gpu_synchronize(int32_t ordinal, void *stream,
                             const char **error) {
  return onDevice(ordinal, "cuStreamSynchronize", error,
                  [&](GpuDevice &device) {
                    return device.driver->cuStreamSynchronize(
                        static_cast<CUstream>(stream));
                  });
}
