//===- GpuDevice.h - a device and its primary context -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_RUNTIME_GPUDEVICE_H
#define FP4Q_LIB_RUNTIME_GPUDEVICE_H

#include "CudaDriver.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace fp4q {

/// A device that is in use. It keeps its primary context until the process
/// ends, as the CUDA runtime does: releasing it would tear down whatever else
/// uses it.
struct GpuDevice {
  const CudaDriver *driver = nullptr;
  CUdevice device = 0;
  CUcontext context = nullptr;
  int32_t ordinal = 0;
  int major = 0, minor = 0;
  int multiprocessors = 1;
  /// fp4q's own pool, which keeps its memory, since the default pool belongs to
  /// the host. Null if the driver or the device has none.
  CUmemoryPool pool = nullptr;
  /// Name of the kernel launched last, for errors that the driver reports
  /// later.
  std::atomic<const char *> lastKernel{nullptr};

  /// Device `ordinal`, set up by the first call; null with the reason in
  /// `error`.
  static GpuDevice *get(int32_t ordinal, std::string &error);

  /// Copies from host memory, and returns when the copy is there for kernels of
  /// all streams. The device's context is current. It takes a stream of its
  /// own: the default one would wait for others, which must not be while they
  /// are captured, and is not waited for by streams that are non-blocking.
  /// `function` becomes the name of the driver's function that failed.
  CUresult copyFromHost(CUdeviceptr to, const void *from, size_t bytes,
                        const char *&function);

  /// "sm_90".
  std::string chip() const;
  /// CudaDriver::describe, and after a fault the kernel that may be to blame.
  std::string describe(const char *function, CUresult result) const;

private:
  std::mutex copyMutex;
  CUstream copyStream = nullptr; ///< made by the first copy
};

/// How many devices are told apart.
constexpr int32_t kMaxGpuDevices = 64;

/// Makes a device's context current on this thread while it lives.
class CurrentContext {
public:
  explicit CurrentContext(const GpuDevice &device);
  ~CurrentContext();
  CurrentContext(const CurrentContext &) = delete;
  CurrentContext &operator=(const CurrentContext &) = delete;

  CUresult result() const { return status; }

private:
  const CudaDriver &driver;
  CUresult status = CUDA_SUCCESS;
  bool pushed = false;
};

/// Lets this thread load modules and copy constants while a stream is being
/// captured, as the first use of a kernel may: neither becomes part of the
/// graph.
class RelaxedCapture {
public:
  explicit RelaxedCapture(const CudaDriver &driver);
  ~RelaxedCapture();
  RelaxedCapture(const RelaxedCapture &) = delete;
  RelaxedCapture &operator=(const RelaxedCapture &) = delete;

private:
  const CudaDriver &driver;
  int mode = CU_STREAM_CAPTURE_MODE_RELAXED;
};

} // namespace fp4q

#endif // FP4Q_LIB_RUNTIME_GPUDEVICE_H
