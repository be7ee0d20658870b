//===- DriverMemory.cpp - device, memory and streams of the driver API ----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace fp4q::sim;

using Lock = std::lock_guard<std::recursive_mutex>;

static constexpr uint64_t kTotalMemory = uint64_t(16) << 30;

static CUresult succeedIf(bool condition, CUresult otherwise) {
  return condition ? CUDA_SUCCESS : otherwise;
}

//===----------------------------------------------------------------------===//
// Device and context
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

FP4Q_SIM_EXPORT CUresult cuDriverGetVersion(int *version) {
  if (version)
    *version = 13000;
  return succeedIf(version, CUDA_ERROR_INVALID_VALUE);
}

FP4Q_SIM_EXPORT CUresult cuDeviceGetCount(int *count) {
  if (count)
    *count = 1;
  return succeedIf(count, CUDA_ERROR_INVALID_VALUE);
}

FP4Q_SIM_EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (ordinal != 0 || !device)
    return CUDA_ERROR_INVALID_DEVICE;
  *device = 0;
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice) {
  if (!name || length <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  std::snprintf(name, size_t(length), "fp4q simulator (%s)",
                DriverState::get().chip.c_str());
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
  if (bytes)
    *bytes = kTotalMemory;
  return succeedIf(bytes, CUDA_ERROR_INVALID_VALUE);
}

FP4Q_SIM_EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (free)
    *free = kTotalMemory - std::min(kTotalMemory, state.memory.allocated());
  if (total)
    *total = kTotalMemory;
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute,
                                              CUdevice) {
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  const std::string &chip = DriverState::get().chip;
  int number = std::atoi(chip.c_str() + 3);
  int shared = int(chipLimits(chip).maxShared);
  // CUdevice_attribute; what is not listed is 0 or does not apply.
  static const std::pair<int, int> fixed[] = {{1, 1024},
                                              {2, 1024},
                                              {3, 1024},
                                              {4, 64},
                                              {5, 0x7fffffff},
                                              {6, 65535},
                                              {7, 65535},
                                              {8, 48 * 1024},
                                              {9, 64 * 1024},
                                              {10, 32},
                                              {12, 65536},
                                              {13, 1000000},
                                              {16, 1},
                                              {31, 1},
                                              {33, 0},
                                              {36, 1000000},
                                              {37, 512},
                                              {38, 1 << 25},
                                              {39, 2048},
                                              {41, 1},
                                              {78, 1},
                                              {79, 1},
                                              {82, 65536},
                                              {83, 0},
                                              {95, 1},
                                              {106, 32},
                                              {111, 1024},
                                              {115, 1},
                                              {120, number >= 90}};
  for (auto &entry : fixed)
    if (entry.first == attribute) {
      *value = entry.second;
      return CUDA_SUCCESS;
    }
  switch (attribute) {
  case 75: // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    *value = number / 10;
    break;
  case 76: // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
    *value = number % 10;
    break;
  case 81: // CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    *value = shared + 1024;
    break;
  case 97: // CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    *value = shared;
    break;
  default:
    *value = 0;
  }
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor,
                                                   CUdevice device) {
  if (!major || !minor)
    return CUDA_ERROR_INVALID_VALUE;
  cuDeviceGetAttribute(major, 75, device);
  return cuDeviceGetAttribute(minor, 76, device);
}

FP4Q_SIM_EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
  DriverState &state = DriverState::get();
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = state.current ? &state.context : nullptr;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  DriverState::get().current = context != nullptr;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context,
                                                  CUdevice) {
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = &DriverState::get().context;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned,
                                        CUdevice device) {
  DriverState::get().current = true;
  return cuDevicePrimaryCtxRetain(context, device);
}
FP4Q_SIM_EXPORT CUresult cuCtxCreate_v4(CUcontext *context, void *,
                                        unsigned flags, CUdevice device) {
  return cuCtxCreate_v2(context, flags, device);
}
FP4Q_SIM_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
  return cuCtxSetCurrent(context);
}
FP4Q_SIM_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  if (context)
    cuCtxGetCurrent(context);
  return cuCtxSetCurrent(nullptr);
}
FP4Q_SIM_EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
  return cuDeviceGet(device, 0);
}
FP4Q_SIM_EXPORT CUresult cuCtxDestroy_v2(CUcontext) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuCtxSynchronize(void) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) {
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (!address || bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (bytes > kTotalMemory || state.memory.allocated() > kTotalMemory - bytes)
    return CUDA_ERROR_OUT_OF_MEMORY;
  *address = state.memory.allocate(bytes);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuMemAllocAsync(CUdeviceptr *address, size_t bytes,
                                         CUstream) {
  return cuMemAlloc_v2(address, bytes);
}
FP4Q_SIM_EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  return succeedIf(!address || state.memory.release(address),
                   CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream) {
  return cuMemFree_v2(address);
}
FP4Q_SIM_EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr *base,
                                                 size_t *bytes,
                                                 CUdeviceptr address) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  Allocation *block = state.memory.find(address);
  if (!block)
    return CUDA_ERROR_NOT_FOUND;
  if (base)
    *base = block->base;
  if (bytes)
    *bytes = block->size;
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from,
                                         size_t bytes) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  return succeedIf(state.memory.write(to, from, bytes),
                   CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from,
                                         size_t bytes) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  return succeedIf(state.memory.read(from, to, bytes),
                   CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from,
                                         size_t bytes) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (bytes == 0)
    return CUDA_SUCCESS;
  Allocation *source = state.memory.find(from);
  Allocation *target = state.memory.find(to);
  if (!source || !target || !source->contains(from, bytes) ||
      !target->contains(to, bytes))
    return CUDA_ERROR_INVALID_VALUE;
  // What was never written stays so.
  std::memmove(&target->data[to - target->base],
               &source->data[from - source->base], bytes);
  std::memmove(&target->valid[to - target->base],
               &source->valid[from - source->base], bytes);
  std::fill(target->whole.begin(), target->whole.end(), 0);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                              size_t bytes, CUstream) {
  return cuMemcpyHtoD_v2(to, from, bytes);
}
FP4Q_SIM_EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from,
                                              size_t bytes, CUstream) {
  return cuMemcpyDtoH_v2(to, from, bytes);
}
FP4Q_SIM_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from,
                                              size_t bytes, CUstream) {
  return cuMemcpyDtoD_v2(to, from, bytes);
}

// Unified addresses: an address of the device lies in one of its allocations.
FP4Q_SIM_EXPORT CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from,
                                  size_t bytes) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  bool toDevice = state.memory.find(to), fromDevice = state.memory.find(from);
  if (toDevice && fromDevice)
    return cuMemcpyDtoD_v2(to, from, bytes);
  if (toDevice)
    return cuMemcpyHtoD_v2(to, reinterpret_cast<void *>(from), bytes);
  if (fromDevice)
    return cuMemcpyDtoH_v2(reinterpret_cast<void *>(to), from, bytes);
  std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from),
               bytes);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from,
                                       size_t bytes, CUstream) {
  return cuMemcpy(to, from, bytes);
}

template <typename T>
static CUresult fill(CUdeviceptr to, T value, size_t count) {
  std::vector<T> values(count, value);
  return cuMemcpyHtoD_v2(to, values.data(), count * sizeof(T));
}
FP4Q_SIM_EXPORT CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value,
                                       size_t count) {
  return fill(to, value, count);
}
FP4Q_SIM_EXPORT CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value,
                                        size_t count) {
  return fill(to, value, count);
}
FP4Q_SIM_EXPORT CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value,
                                        size_t count) {
  return fill(to, value, count);
}
FP4Q_SIM_EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value,
                                         size_t count, CUstream) {
  return fill(to, value, count);
}
FP4Q_SIM_EXPORT CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value,
                                          size_t count, CUstream) {
  return fill(to, value, count);
}
FP4Q_SIM_EXPORT CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value,
                                          size_t count, CUstream) {
  return fill(to, value, count);
}

FP4Q_SIM_EXPORT CUresult cuMemAllocHost_v2(void **address, size_t bytes) {
  if (!address || bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  *address = std::malloc(bytes);
  return succeedIf(*address, CUDA_ERROR_OUT_OF_MEMORY);
}
FP4Q_SIM_EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes,
                                        unsigned) {
  return cuMemAllocHost_v2(address, bytes);
}
FP4Q_SIM_EXPORT CUresult cuMemFreeHost(void *address) {
  std::free(address);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuMemHostRegister_v2(void *, size_t, unsigned) {
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuMemHostUnregister(void *) { return CUDA_SUCCESS; }

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned) {
  if (!stream)
    return CUDA_ERROR_INVALID_VALUE;
  *stream = new CUstream_st;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream,
                                                    unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}
FP4Q_SIM_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  delete stream;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuStreamSynchronize(CUstream) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuStreamQuery(CUstream) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned) {
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventCreate(CUevent *event, unsigned) {
  if (!event)
    return CUDA_ERROR_INVALID_VALUE;
  *event = new CUevent_st;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  delete event;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventRecord(CUevent event, CUstream) {
  if (!event)
    return CUDA_ERROR_INVALID_HANDLE;
  std::chrono::duration<double> now =
      std::chrono::steady_clock::now().time_since_epoch();
  event->time = now.count();
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventSynchronize(CUevent) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuEventQuery(CUevent) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuEventElapsedTime_v2(float *milliseconds,
                                               CUevent start, CUevent end) {
  if (!milliseconds || !start || !end)
    return CUDA_ERROR_INVALID_VALUE;
  *milliseconds = float((end->time - start->time) * 1e3);
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start,
                                            CUevent end) {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}

//===----------------------------------------------------------------------===//
// Errors and entry points
//===----------------------------------------------------------------------===//

static const char *errorName(CUresult code) {
  switch (code) {
#define FP4Q_SIM_NAME(name)                                                    \
  case name:                                                                   \
    return #name;
    FP4Q_SIM_NAME(CUDA_SUCCESS)
    FP4Q_SIM_NAME(CUDA_ERROR_INVALID_VALUE)
    FP4Q_SIM_NAME(CUDA_ERROR_OUT_OF_MEMORY)
    FP4Q_SIM_NAME(CUDA_ERROR_INVALID_DEVICE)
    FP4Q_SIM_NAME(CUDA_ERROR_INVALID_IMAGE)
    FP4Q_SIM_NAME(CUDA_ERROR_INVALID_PTX)
    FP4Q_SIM_NAME(CUDA_ERROR_INVALID_HANDLE)
    FP4Q_SIM_NAME(CUDA_ERROR_NOT_FOUND)
    FP4Q_SIM_NAME(CUDA_ERROR_ILLEGAL_ADDRESS)
    FP4Q_SIM_NAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)
    FP4Q_SIM_NAME(CUDA_ERROR_LAUNCH_TIMEOUT)
    FP4Q_SIM_NAME(CUDA_ERROR_MISALIGNED_ADDRESS)
    FP4Q_SIM_NAME(CUDA_ERROR_LAUNCH_FAILED)
    FP4Q_SIM_NAME(CUDA_ERROR_NOT_SUPPORTED)
#undef FP4Q_SIM_NAME
  default:
    return nullptr;
  }
}
FP4Q_SIM_EXPORT CUresult cuGetErrorName(CUresult code, const char **name) {
  *name = errorName(code);
  return succeedIf(*name, CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuGetErrorString(CUresult code, const char **text) {
  const std::string &message = DriverState::get().message;
  *text = code != CUDA_SUCCESS && !message.empty() ? message.c_str()
                                                   : errorName(code);
  return succeedIf(*text, CUDA_ERROR_INVALID_VALUE);
}

// The newest variant of a name is the one this library has.
FP4Q_SIM_EXPORT CUresult cuGetProcAddress_v2(const char *symbol, void **entry,
                                             int, uint64_t, int *status) {
  if (!symbol || !entry)
    return CUDA_ERROR_INVALID_VALUE;
  // This very library, whatever its name and however it was loaded.
  Dl_info self;
  void *library = dladdr(reinterpret_cast<void *>(&cuInit), &self)
                      ? dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD)
                      : nullptr;
  *entry = nullptr;
  for (const char *suffix : {"_v4", "_v2", ""})
    if (library && !*entry)
      *entry = dlsym(library, (std::string(symbol) + suffix).c_str());
  if (library)
    dlclose(library);
  if (status)
    *status = *entry ? 0 : 1; // CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND
  return succeedIf(*entry, CUDA_ERROR_NOT_FOUND);
}
FP4Q_SIM_EXPORT CUresult cuGetProcAddress(const char *symbol, void **entry,
                                          int version, uint64_t flags) {
  return cuGetProcAddress_v2(symbol, entry, version, flags, nullptr);
}
