//===- DriverMemory.cpp - memory of the driver API ------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DriverState.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace fp4q::sim;

using Lock = std::lock_guard<std::recursive_mutex>;

static CUresult succeedIf(bool condition, CUresult otherwise) {
  return condition ? CUDA_SUCCESS : otherwise;
}

FP4Q_SIM_EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (free)
    *free = state.totalMemory -
            std::min(state.totalMemory, state.memory.allocated());
  if (total)
    *total = state.totalMemory;
  return CUDA_SUCCESS;
}

FP4Q_SIM_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  if (!address || bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (bytes > state.totalMemory ||
      state.memory.allocated() > state.totalMemory - bytes)
    return state.fail(
        CUDA_ERROR_OUT_OF_MEMORY,
        std::to_string(state.memory.allocated()) + " of the device's " +
            std::to_string(state.totalMemory) + " bytes are in use");
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
// Pools: memory is freed at once, whatever they ask for.
//===----------------------------------------------------------------------===//

FP4Q_SIM_EXPORT CUresult cuMemPoolCreate(CUmemoryPool *pool, const void *) {
  if (!pool)
    return CUDA_ERROR_INVALID_VALUE;
  *pool = new CUmemPoolHandle_st;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  if (pool != &DriverState::get().defaultPool)
    delete pool;
  return CUDA_SUCCESS;
}
FP4Q_SIM_EXPORT CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool,
                                                   CUdevice) {
  if (pool)
    *pool = &DriverState::get().defaultPool;
  return succeedIf(pool, CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuDeviceGetMemPool(CUmemoryPool *pool,
                                            CUdevice device) {
  return cuDeviceGetDefaultMemPool(pool, device);
}
FP4Q_SIM_EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool pool, int,
                                               void *value) {
  return succeedIf(pool && value, CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
  return succeedIf(pool, CUDA_ERROR_INVALID_VALUE);
}
FP4Q_SIM_EXPORT CUresult cuMemAllocFromPoolAsync(CUdeviceptr *address,
                                                 size_t bytes,
                                                 CUmemoryPool pool, CUstream) {
  return pool ? cuMemAlloc_v2(address, bytes) : CUDA_ERROR_INVALID_VALUE;
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

// CUpointer_attribute; the simulated device's addresses are no host pointers.
FP4Q_SIM_EXPORT CUresult cuPointerGetAttribute(void *value, int attribute,
                                               CUdeviceptr address) {
  DriverState &state = DriverState::get();
  Lock lock(state.mutex);
  Allocation *block = state.memory.find(address);
  if (!value || !block)
    return CUDA_ERROR_INVALID_VALUE;
  switch (attribute) {
  case 1: // CU_POINTER_ATTRIBUTE_CONTEXT
    *static_cast<CUcontext *>(value) = &state.context;
    return CUDA_SUCCESS;
  case 2: // CU_POINTER_ATTRIBUTE_MEMORY_TYPE: CU_MEMORYTYPE_DEVICE
    *static_cast<unsigned *>(value) = 2;
    return CUDA_SUCCESS;
  case 3: // CU_POINTER_ATTRIBUTE_DEVICE_POINTER
    *static_cast<CUdeviceptr *>(value) = address;
    return CUDA_SUCCESS;
  case 8: // CU_POINTER_ATTRIBUTE_IS_MANAGED
  case 9: // CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
    *static_cast<int *>(value) = 0;
    return CUDA_SUCCESS;
  case 11: // CU_POINTER_ATTRIBUTE_RANGE_START_ADDR
    *static_cast<CUdeviceptr *>(value) = block->base;
    return CUDA_SUCCESS;
  case 12: // CU_POINTER_ATTRIBUTE_RANGE_SIZE
    *static_cast<size_t *>(value) = block->size;
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

// Host memory would have to be the device's too.
FP4Q_SIM_EXPORT CUresult cuMemAllocManaged(CUdeviceptr *, size_t, unsigned) {
  return DriverState::get().fail(CUDA_ERROR_NOT_SUPPORTED,
                                 "managed memory is not simulated");
}
FP4Q_SIM_EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *, void *,
                                                      unsigned) {
  return DriverState::get().fail(
      CUDA_ERROR_NOT_SUPPORTED,
      "device access to host memory is not simulated");
}
