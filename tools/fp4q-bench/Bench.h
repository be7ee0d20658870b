//===- Bench.h - measure one case -------------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_BENCH_BENCH_H
#define FP4Q_TOOLS_BENCH_BENCH_H

#include "Cases.h"

#include "fp4q/Compiler/DeviceFunction.h"

#include <functional>
#include <optional>

namespace mlir {
namespace fp4q {
namespace bench {

/// The times of repeated runs, in seconds.
struct Timing {
  int runs = 0;
  double median = 0, least = 0;
  /// The median of the processor time of a run, all threads. Other processes
  /// that share the machine do not add to it.
  double cpuMedian = 0;
};

/// Calls `run`, which returns its time in seconds, once unmeasured, and then at
/// least five times and for at least `minSeconds`.
Timing measureWarm(double minSeconds, const std::function<double()> &run);

/// Calls `run` a fixed number of times, each time after `flush`.
Timing measureCold(const std::function<void()> &flush,
                   const std::function<double()> &run);

/// The time of `run` by this machine's clock, in seconds.
double measureOnHost(const std::function<void()> &run);

/// Displaces everything from the caches of this machine's processors.
void flushHostCaches();

/// A case that has been compiled, with data to run it on.
class Bench {
public:
  /// Compiles the case. Errors go to stderr.
  /// With a device, the data is in its memory.
  static FailureOr<std::unique_ptr<Bench>>
  create(const Case &config, MLIRContext &context,
         const std::optional<CudaDevice> &device);

  /// From the text of the module to code, in seconds.
  double getCompileSeconds() const { return compileSeconds; }

  /// The same in processor time, which other processes do not add to.
  double getCompileCPUSeconds() const { return compileCPUSeconds; }

  /// One call; the sizes are known to fit. On a device it does not wait.
  void run();

private:
  Bench() = default;

  LogicalResult prepareForCPU(const Case &config, ModuleOp module);

  /// One of the two.
  std::unique_ptr<JitFunction> function;
  std::unique_ptr<DeviceFunction> onDevice;
  double compileSeconds = 0, compileCPUSeconds = 0;
  std::vector<std::vector<uint8_t>> buffers;
  std::vector<TensorRef> arguments, results;
};

/// memcpy of half of `bytes` into the other half, so that `bytes` cross the
/// memory interface as in a case of so many bytes; by as many threads.
class MemcpyBaseline {
public:
  explicit MemcpyBaseline(int64_t bytes);
  void run();

private:
  std::vector<uint8_t> from, to;
};

/// Memory of a device for the same there.
struct DeviceCopyBaseline {
  DeviceCopyBaseline(const CudaDevice &device, int64_t bytes);
  ~DeviceCopyBaseline();

  int32_t ordinal;
  int64_t bytes; ///< of each
  void *from = nullptr, *to = nullptr;
};

} // namespace bench
} // namespace fp4q
} // namespace mlir

#endif // FP4Q_TOOLS_BENCH_BENCH_H
