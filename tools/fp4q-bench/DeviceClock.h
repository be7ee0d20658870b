//===- DeviceClock.h - time what a CUDA device does -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times between two events of the device's default stream, so that neither the
// host's part of a launch nor its wait for the end counts. The functions for
// that are taken from the CUDA driver that the runtime has loaded.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_BENCH_DEVICECLOCK_H
#define FP4Q_TOOLS_BENCH_DEVICECLOCK_H

#include "Bench.h"

#include <string>

namespace mlir {
namespace fp4q {
namespace bench {

class DeviceClock {
public:
  /// Null with a sentence in `error` if the driver lacks something, or memory.
  static std::unique_ptr<DeviceClock> create(const CudaDevice &device,
                                             std::string &error);

  /// As measureWarm and measureCold of the host. `enqueue` does not wait. Warm
  /// are many calls one after the other, and their time is divided by their
  /// number; before each cold call memory of twice the size of the second-level
  /// cache is written.
  Timing measureWarm(double minSeconds, const std::function<void()> &enqueue);
  Timing measureCold(const std::function<void()> &enqueue);

  /// Enqueues a copy within the device.
  void copy(void *to, const void *from, int64_t bytes);

private:
  using Handle = void *;
  using Pointer = unsigned long long;

  DeviceClock() = default;
  void check(const char *function, int result);
  /// The time between two events, in seconds.
  double time(const std::function<void()> &enqueue);

  int (*cuEventRecord)(Handle, Handle) = nullptr;
  int (*cuEventSynchronize)(Handle) = nullptr;
  int (*cuEventElapsedTime)(float *, Handle, Handle) = nullptr;
  int (*cuMemsetD32Async)(Pointer, unsigned, size_t, Handle) = nullptr;
  int (*cuMemcpyAsync)(Pointer, Pointer, size_t, Handle) = nullptr;
  Handle begin = nullptr, end = nullptr; ///< events
  Pointer flushed = 0;
  size_t flushBytes = 0;
};

} // namespace bench
} // namespace fp4q
} // namespace mlir

#endif // FP4Q_TOOLS_BENCH_DEVICECLOCK_H
