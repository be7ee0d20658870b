//===- DriverDevice.cpp - devices, contexts, errors of the driver API -----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <utility>

using namespace fp4q::sim;

using Lock = std::lock_guard<std::recursive_mutex>;

static CUresult succeedIf(bool condition, CUresult otherwise) {
  return condition ? CUDA_SUCCESS : otherwise;
}

//===----------------------------------------------------------------------===//
// Device and context
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

FP4Q_SIM_EXPORT CUresult cuDriverGetVersion(int *version) {
  unsigned release = DriverState::get().cudaRelease;
  if (version)
    *version = int(release / 10 * 1000 + release % 10 * 10);
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

FP4Q_SIM_EXPORT CUresult cuDeviceGetUuid_v2(char *uuid, CUdevice) {
  if (uuid)
    std::memcpy(uuid, "fp4q-simulator-0", 16);
  return succeedIf(uuid, CUDA_ERROR_INVALID_VALUE);
}

FP4Q_SIM_EXPORT CUresult cuDeviceGetPCIBusId(char *id, int length, CUdevice) {
  if (!id || length <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  std::snprintf(id, size_t(length), "0000:00:00.0");
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
  if (bytes)
    *bytes = DriverState::get().totalMemory;
  return succeedIf(bytes, CUDA_ERROR_INVALID_VALUE);
}

FP4Q_SIM_EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute,
                                              CUdevice) {
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  const std::string &chip = DriverState::get().chip;
  int number = std::atoi(chip.c_str() + 3);
  int shared = int(chipLimits(chip).maxShared);
  // CUdevice_attribute; what is not listed is 0 or does not apply.
  static const std::pair<int, int> fixed[] = {
      {1, 1024},       {2, 1024},   {3, 1024},     {4, 64},
      {5, 0x7fffffff}, {6, 65535},  {7, 65535},    {8, 48 * 1024},
      {9, 64 * 1024},  {10, 32},    {12, 65536},   {13, 1000000},
      {31, 1},         {33, 0},     {36, 1000000}, {37, 512},
      {38, 1 << 25},   {39, 2048},  {41, 1},       {78, 1},
      {79, 1},         {82, 65536}, {83, 0},       {95, 1},
      {106, 32},       {111, 1024}, {115, 1},      {120, number >= 90}};
  for (auto &entry : fixed)
    if (entry.first == attribute) {
      *value = entry.second;
      return CUDA_SUCCESS;
    }
  switch (attribute) {
  case 16: // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
    *value = int(DriverState::get().multiprocessors);
    break;
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

// Each host thread has a stack of contexts; there is only one context, so its
// depth says all. Without a destructor it also serves calls that come at the
// end of the process, after the objects of the thread are destroyed.
static thread_local unsigned contextDepth = 0;

static bool isContext(CUcontext context) {
  return context == &DriverState::get().context;
}

FP4Q_SIM_EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = contextDepth ? &DriverState::get().context : nullptr;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  if (context && !isContext(context))
    return CUDA_ERROR_INVALID_CONTEXT;
  if (contextDepth)
    --contextDepth;
  if (context)
    ++contextDepth;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
  if (!isContext(context))
    return CUDA_ERROR_INVALID_CONTEXT;
  ++contextDepth;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  if (!contextDepth)
    return CUDA_ERROR_INVALID_CONTEXT;
  if (context)
    *context = &DriverState::get().context;
  --contextDepth;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context,
                                                  CUdevice) {
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  *context = &DriverState::get().context;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned) {
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags,
                                                    int *active) {
  if (flags)
    *flags = 0;
  if (active)
    *active = 1;
  return CUDA_SUCCESS;
}
// Modules and memory of the context are gone.
FP4Q_SIM_EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  state.modules.clear();
  state.memory = DeviceMemory();
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned,
                                        CUdevice device) {
  CUresult result = cuDevicePrimaryCtxRetain(context, device);
  if (result == CUDA_SUCCESS)
    ++contextDepth;
  return result;
}
FP4Q_SIM_EXPORT CUresult cuCtxCreate_v4(CUcontext *context, void *,
                                        unsigned flags, CUdevice device) {
  return cuCtxCreate_v2(context, flags, device);
}
FP4Q_SIM_EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
  if (!isContext(context))
    return CUDA_ERROR_INVALID_CONTEXT;
  contextDepth = 0;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
  return cuDeviceGet(device, 0);
}
FP4Q_SIM_EXPORT CUresult cuCtxGetApiVersion(CUcontext, unsigned *version) {
  if (version)
    *version = 3020;
  return succeedIf(version, CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuCtxGetFlags(unsigned *flags) {
  if (flags)
    *flags = 0;
  return succeedIf(flags, CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuCtxSetLimit(int, size_t) { return CUDA_SUCCESS; }
FP4Q_SIM_EXPORT CUresult cuCtxGetStreamPriorityRange(int *least,
                                                     int *greatest) {
  if (least)
    *least = 0;
  if (greatest)
    *greatest = 0;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuCtxSynchronize(void) { return CUDA_SUCCESS; }

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
    FP4Q_SIM_NAME(CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    FP4Q_SIM_NAME(CUDA_ERROR_INVALID_CONTEXT)
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
  // A copy, since other threads may fail too; it has no destructor, like the
  // depth of the contexts.
  static thread_local char copy[1024];
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  *text = errorName(code);
  if (code != CUDA_SUCCESS && code == state.messageCode) {
    std::snprintf(copy, sizeof(copy), "%s", state.message.c_str());
    *text = copy;
  }
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
