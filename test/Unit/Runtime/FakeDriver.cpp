//===- FakeDriver.cpp - a CUDA driver whose functions can be made to fail -===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One device, sm_90 with the driver of CUDA 12.4. Device memory is host memory,
// and launches do nothing. The environment variable FP4Q_FAKE_ERRORS, such as
// "cuModuleLoadData=222,cuInit=100", says what fails. fakeCalls() is what was
// called for copies, in order.
//
//===----------------------------------------------------------------------===//

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

/// What a function returns.
static int resultOf(const char *function) {
  const char *errors = std::getenv("FP4Q_FAKE_ERRORS");
  size_t length = std::strlen(function);
  for (const char *at = errors; at && *at;) {
    if (std::strncmp(at, function, length) == 0 && at[length] == '=')
      return std::atoi(at + length + 1);
    at = std::strchr(at, ',');
    at += at != nullptr;
  }
  return 0;
}

using Pointer = unsigned long long;

static std::string calls;
static char ownStream;

static int record(const char *function, void *stream) {
  calls += std::string(function) + (stream == &ownStream ? "(own) " : "(?) ");
  return resultOf(function);
}

extern "C" {

const char *fakeCalls() { return calls.c_str(); }

int cuInit(unsigned) { return resultOf(__func__); }
int cuDriverGetVersion(int *version) {
  *version = 12040;
  return 0;
}
int cuGetErrorName(int result, const char **name) {
  *name = result == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
          : result == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : result == 803 ? "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
                          : nullptr;
  return *name ? 0 : 1;
}
int cuGetErrorString(int, const char **text) {
  *text = "as asked for";
  return 0;
}
int cuDeviceGetCount(int *count) {
  *count = 1;
  return resultOf(__func__);
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return resultOf(__func__);
}
int cuDeviceGetName(char *name, int, int) {
  *name = 0;
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75 ? 9 : attribute == 16;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  static char memory;
  *context = &memory;
  return resultOf(__func__);
}
int cuCtxGetCurrent(void **context) {
  *context = nullptr;
  return 0;
}
int cuCtxPushCurrent_v2(void *) { return resultOf(__func__); }
int cuCtxPopCurrent_v2(void **) { return 0; }
int cuModuleLoadData(void **module, const void *) {
  static char memory;
  *module = &memory;
  return resultOf(__func__);
}
int cuModuleUnload(void *) { return 0; }
int cuModuleGetFunction(void **function, void *module, const char *) {
  *function = module;
  return resultOf(__func__);
}
int cuFuncSetAttribute(void *, int, int) { return resultOf(__func__); }
int cuLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned,
                   unsigned, unsigned, void *, void **, void **) {
  return resultOf(__func__);
}
int cuMemAlloc_v2(Pointer *memory, size_t bytes) {
  *memory = reinterpret_cast<Pointer>(std::malloc(bytes));
  return resultOf(__func__);
}
int cuMemFree_v2(Pointer memory) {
  std::free(reinterpret_cast<void *>(memory));
  return 0;
}
int cuMemcpy(Pointer, Pointer, size_t) { return resultOf(__func__); }
int cuMemcpyHtoDAsync_v2(Pointer, const void *, size_t, void *stream) {
  return record(__func__, stream);
}
int cuMemcpyAsync(Pointer, Pointer, size_t, void *) {
  return resultOf(__func__);
}
// Only a stream that waits for no other has a name.
int cuStreamCreate(void **stream, unsigned flags) {
  *stream = flags == 1 ? &ownStream : nullptr;
  return resultOf(__func__);
}
int cuStreamSynchronize(void *stream) { return record(__func__, stream); }
int cuThreadExchangeStreamCaptureMode(int *mode) {
  static int current = 0;
  std::swap(*mode, current);
  calls += "mode " + std::to_string(current) + " ";
  return 0;
}

} // extern "C"
