//===- GpuCall.cpp - launches and workspace of a call ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code knows no device, no stream and no errors: they belong to the
// call that is under way on its thread.
//
//===----------------------------------------------------------------------===//

#include "GpuModule.h"
#include "LastError.h"

#include <memory>
#include <mutex>
#include <vector>

using namespace fp4q;

namespace {

/// The host's allocator, if `allocate` is not null.
class Allocators {
public:
  /// Never destroyed, as the driver.
  static Allocators &get() {
    static Allocators &allocators = *new Allocators;
    return allocators;
  }
  fp4q_gpu_allocator current() {
    std::lock_guard<std::mutex> lock(mutex);
    return allocator;
  }
  void set(const fp4q_gpu_allocator *chosen) {
    std::lock_guard<std::mutex> lock(mutex);
    allocator = chosen ? *chosen : fp4q_gpu_allocator{};
  }

private:
  std::mutex mutex;
  fp4q_gpu_allocator allocator = {};
};

/// What a call holds until it ends.
class GpuCall {
public:
  GpuCall(GpuDevice &device, CUstream stream, GpuCall *outer)
      : device(device), context(device), stream(stream), outer(outer),
        allocator(Allocators::get().current()) {
    if (context.result() != CUDA_SUCCESS)
      fail(device.describe("cuCtxPushCurrent", context.result()));
  }
  ~GpuCall() {
    for (CUdeviceptr memory : workspaces)
      release(memory);
  }

  void launch(fp4q_gpu_kernel &kernel, CUlaunchConfig &config,
              void **parameters);
  void *workspace(int64_t bytes);
  void fail(const std::string &message) {
    if (error.empty())
      error = message;
  }
  bool hasFailed() const { return !error.empty(); }

  GpuDevice &device;
  CurrentContext context;
  CUstream stream;
  GpuCall *outer;
  std::string error;

private:
  CUresult allocate(CUdeviceptr &memory, int64_t bytes);
  void release(CUdeviceptr memory);

  fp4q_gpu_allocator allocator;
  std::vector<CUdeviceptr> workspaces;
};

} // namespace

/// The innermost call of this thread.
static thread_local GpuCall *currentCall = nullptr;

void GpuCall::launch(fp4q_gpu_kernel &kernel, CUlaunchConfig &config,
                     void **parameters) {
  std::string reason;
  CUfunction function =
      getFunction(kernel, device, int32_t(config.sharedMemBytes), reason);
  if (!function)
    return fail("kernel '" + std::string(kernel.name) + "': " + reason);
  config.hStream = stream;
  const CudaDriver &driver = *device.driver;
  const char *name = "cuLaunchKernel";
  CUresult result;
  if (config.numAttrs == 0) {
    result = driver.cuLaunchKernel(
        function, config.gridDimX, config.gridDimY, config.gridDimZ,
        config.blockDimX, config.blockDimY, config.blockDimZ,
        config.sharedMemBytes, stream, parameters, nullptr);
  } else if (!driver.cuLaunchKernelEx) {
    return fail("kernel '" + std::string(kernel.name) +
                "' needs a driver of CUDA 11.8 or later: it is launched in "
                "clusters");
  } else {
    name = "cuLaunchKernelEx";
    result = driver.cuLaunchKernelEx(&config, function, parameters, nullptr);
  }
  if (result != CUDA_SUCCESS)
    return fail("kernel '" + std::string(kernel.name) +
                "': " + device.describe(name, result));
  device.lastKernel.store(kernel.name, std::memory_order_relaxed);
}

CUresult GpuCall::allocate(CUdeviceptr &memory, int64_t bytes) {
  const CudaDriver &driver = *device.driver;
  if (allocator.allocate) {
    memory = reinterpret_cast<CUdeviceptr>(allocator.allocate(
        allocator.user, device.ordinal, bytes, static_cast<void *>(stream)));
    return memory ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
  }
  if (device.pool)
    return driver.cuMemAllocFromPoolAsync(&memory, size_t(bytes), device.pool,
                                          stream);
  return driver.cuMemAlloc_v2(&memory, size_t(bytes));
}

void GpuCall::release(CUdeviceptr memory) {
  const CudaDriver &driver = *device.driver;
  if (allocator.release)
    allocator.release(allocator.user, device.ordinal,
                      reinterpret_cast<void *>(memory),
                      static_cast<void *>(stream));
  else if (device.pool)
    driver.cuMemFreeAsync(memory, stream);
  else // Waits for the device, as nothing else can be done without pools.
    driver.cuMemFree_v2(memory);
}

void *GpuCall::workspace(int64_t bytes) {
  CUdeviceptr memory = 0;
  workspaces.reserve(workspaces.size() + 1);
  if (CUresult result = allocate(memory, bytes)) {
    fail(std::to_string(bytes) +
         " bytes of workspace: " + device.describe("allocation", result));
    return nullptr;
  }
  workspaces.push_back(memory);
  return reinterpret_cast<void *>(memory);
}

//===----------------------------------------------------------------------===//
// The C interface
//===----------------------------------------------------------------------===//

void fp4q_set_gpu_allocator(const fp4q_gpu_allocator *allocator) {
  Allocators::get().set(allocator);
}

int32_t fp4q_gpu_call_begin(int32_t ordinal, void *stream, const char **error) {
  return guard(error, [&]() -> int32_t {
    std::string message;
    GpuDevice *device = GpuDevice::get(ordinal, message);
    if (!device)
      return fail(error, std::move(message));
    currentCall =
        new GpuCall(*device, static_cast<CUstream>(stream), currentCall);
    return 0;
  });
}

int32_t fp4q_gpu_call_end(const char **error) {
  return guard(error, [&]() -> int32_t {
    if (!currentCall)
      return fail(error, "fp4q_gpu_call_end without fp4q_gpu_call_begin");
    std::unique_ptr<GpuCall> call(currentCall);
    currentCall = call->outer;
    return call->hasFailed() ? fail(error, std::move(call->error)) : 0;
  });
}

void fp4q_gpu_launch(fp4q_gpu_kernel *kernel, int64_t gridX, int64_t gridY,
                     int64_t gridZ, int64_t blockX, int64_t blockY,
                     int64_t blockZ, int32_t dynamicShared, void **parameters) {
  fp4q_gpu_launch_cluster(kernel, 0, 0, 0, gridX, gridY, gridZ, blockX, blockY,
                          blockZ, dynamicShared, parameters);
}

void fp4q_gpu_launch_cluster(fp4q_gpu_kernel *kernel, int64_t clusterX,
                             int64_t clusterY, int64_t clusterZ, int64_t gridX,
                             int64_t gridY, int64_t gridZ, int64_t blockX,
                             int64_t blockY, int64_t blockZ,
                             int32_t dynamicShared, void **parameters) {
  GpuCall *call = currentCall;
  if (!call || call->hasFailed() || gridX == 0 || gridY == 0 || gridZ == 0)
    return;
  // The driver takes 32 bits, and says of most values what is wrong.
  for (int64_t size : {gridX, gridY, gridZ, blockX, blockY, blockZ})
    if (size < 0 || size > INT32_MAX)
      return call->fail("kernel '" + std::string(kernel->name) +
                        "': a grid or block of " + std::to_string(size) +
                        " is too large");
  CUlaunchConfig config = {};
  config.gridDimX = unsigned(gridX);
  config.gridDimY = unsigned(gridY);
  config.gridDimZ = unsigned(gridZ);
  config.blockDimX = unsigned(blockX);
  config.blockDimY = unsigned(blockY);
  config.blockDimZ = unsigned(blockZ);
  config.sharedMemBytes = unsigned(dynamicShared);
  CUlaunchAttribute cluster = {};
  if (clusterX > 1 || clusterY > 1 || clusterZ > 1) {
    cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    cluster.value.clusterDim = {unsigned(clusterX ? clusterX : 1),
                                unsigned(clusterY ? clusterY : 1),
                                unsigned(clusterZ ? clusterZ : 1)};
    config.attrs = &cluster;
    config.numAttrs = 1;
  }
  call->launch(*kernel, config, parameters);
}

void *fp4q_gpu_workspace(int64_t bytes) {
  GpuCall *call = currentCall;
  if (!call || call->hasFailed() || bytes <= 0)
    return nullptr;
  return call->workspace(bytes);
}

int32_t fp4q_gpu_multiprocessors(void) {
  GpuCall *call = currentCall;
  return !call || call->hasFailed() ? 1 : call->device.multiprocessors;
}

void *fp4q_gpu_constant_data(fp4q_gpu_constant *constant) {
  GpuCall *call = currentCall;
  if (!call || call->hasFailed() || constant->size == 0)
    return nullptr;
  std::string reason;
  void *copy = getConstant(*constant, call->device, reason);
  if (!copy)
    call->fail(reason);
  return copy;
}

void fp4q_gpu_copy_async(void *to, const void *from, int64_t bytes) {
  GpuCall *call = currentCall;
  if (!call || call->hasFailed() || bytes == 0)
    return;
  if (CUresult result = call->device.driver->cuMemcpyAsync(
          reinterpret_cast<CUdeviceptr>(to),
          reinterpret_cast<CUdeviceptr>(from), size_t(bytes), call->stream))
    call->fail(call->device.describe("cuMemcpyAsync", result));
}
