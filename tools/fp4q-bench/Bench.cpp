//===- Bench.cpp - measure one case ---------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include "fp4q/Runtime/Gpu.h"
#include "fp4q/Runtime/ParallelFor.h"

#include "mlir/Parser/Parser.h"

#include <chrono>
#include <cstring>
#include <ctime>
#include <random>

using namespace mlir;
using namespace mlir::fp4q;
using namespace mlir::fp4q::bench;

constexpr int kMinWarmRuns = 5;
/// Each one takes the time of a flush.
constexpr int kColdRuns = 9;
/// Twice the last-level cache of the machines in question.
constexpr size_t kFlushBytes = size_t(64) << 20;

static double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/// The processor time of this process, all threads.
static double cpuSeconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double mlir::fp4q::bench::measureOnHost(const std::function<void()> &run) {
  double start = now();
  run();
  return now() - start;
}

namespace {
/// The times of all runs of one measurement.
struct Samples {
  void add(const std::function<double()> &run) {
    double startCPU = cpuSeconds();
    wall.push_back(run());
    cpu.push_back(cpuSeconds() - startCPU);
  }

  Timing summarize() {
    std::sort(wall.begin(), wall.end());
    std::sort(cpu.begin(), cpu.end());
    return {static_cast<int>(wall.size()), wall[wall.size() / 2], wall.front(),
            cpu[cpu.size() / 2]};
  }

  std::vector<double> wall, cpu;
};
} // namespace

Timing mlir::fp4q::bench::measureWarm(double minSeconds,
                                      const std::function<double()> &run) {
  run();
  Samples samples;
  for (double start = now();
       now() - start < minSeconds || samples.wall.size() < kMinWarmRuns;)
    samples.add(run);
  return samples.summarize();
}

void mlir::fp4q::bench::flushHostCaches() {
  static std::vector<uint64_t> memory(kFlushBytes / sizeof(uint64_t));
  for (uint64_t &word : memory)
    ++word;
  // Keeps the stores.
  asm volatile("" : : "r"(memory.data()) : "memory");
}

Timing mlir::fp4q::bench::measureCold(const std::function<void()> &flush,
                                      const std::function<double()> &run) {
  Samples samples;
  for (int i = 0; i < kColdRuns; ++i) {
    flush();
    samples.add(run);
  }
  return samples.summarize();
}

MemcpyBaseline::MemcpyBaseline(int64_t bytes)
    : from(bytes / 2, 1), to(bytes / 2, 2) {}

void MemcpyBaseline::run() {
  constexpr int64_t grain = 1 << 16;
  fp4q_parallel_for(
      0, from.size(), grain,
      [](void *self, int64_t lo, int64_t hi) {
        auto *copy = static_cast<MemcpyBaseline *>(self);
        std::memcpy(&copy->to[lo], &copy->from[lo], hi - lo);
      },
      this);
}

DeviceCopyBaseline::DeviceCopyBaseline(const CudaDevice &device, int64_t all)
    : ordinal(device.ordinal), bytes(all / 2) {
  const char *error = nullptr;
  for (void **memory : {&from, &to})
    if (fp4q_gpu_allocate(ordinal, bytes, memory, &error))
      llvm::reportFatalUsageError(error);
  // What is read must have been written.
  std::vector<uint8_t> data(bytes, 1);
  if (fp4q_gpu_copy(ordinal, from, data.data(), bytes, &error))
    llvm::reportFatalUsageError(error);
}

DeviceCopyBaseline::~DeviceCopyBaseline() {
  fp4q_gpu_release(ordinal, from, nullptr);
  fp4q_gpu_release(ordinal, to, nullptr);
}

/// One element of ordinary magnitude, as bits: sign and fraction are random,
/// and the exponent is near that of 1.
static uint32_t randomElement(Type type, std::mt19937 &random) {
  uint32_t bits = random();
  if (type.isF32())
    return (bits & 0x807FFFFF) | (121 + bits % 11) << 23;
  if (type.isBF16())
    return (bits & 0x807F) | (121 + bits % 11) << 7;
  if (type.isF16())
    return (bits & 0x83FF) | (9 + bits % 11) << 10;
  if (isa<Float8E8M0FNUType>(type))
    return 121 + bits % 11;
  if (isa<Float8E4M3FNType>(type))
    return 0x28 + bits % 0x28;
  return bits;
}

static std::vector<uint8_t> randomData(const ValueSpec &spec) {
  std::mt19937 random;
  int64_t elements = 1, bytes = spec.elementBytes();
  for (int64_t size : spec.shape)
    elements *= size;
  std::vector<uint8_t> data(elements * bytes);
  for (int64_t i = 0; i < elements; ++i) {
    uint32_t element = randomElement(spec.elementType, random);
    std::memcpy(&data[i * bytes], &element, bytes);
  }
  return data;
}

static LogicalResult reportError(const std::string &error) {
  llvm::errs() << "fp4q-bench: error: " << error << '\n';
  return failure();
}

LogicalResult Bench::prepareForCPU(const Case &config, ModuleOp module) {
  CPUPipelineOptions options;
  if (config.backEnd == BackEnd::Reference)
    options.backend = "reference";
  auto compiled = JitFunction::compile(module, "run", options);
  if (failed(compiled))
    return failure();
  function = std::move(*compiled);
  // Machine code is made when something is called for the first time; nothing
  // but sizes is read here.
  std::vector<TensorRef> shapes;
  for (const ValueSpec &spec : function->getSignature().arguments)
    shapes.push_back({nullptr, spec.shape});
  SmallVector<SmallVector<int64_t>> sizes;
  std::string error;
  if (failed(function->getResultSizes(shapes, sizes, error)))
    return reportError(error);
  return success();
}

FailureOr<std::unique_ptr<Bench>>
Bench::create(const Case &config, MLIRContext &context,
              const std::optional<CudaDevice> &device) {
  std::unique_ptr<Bench> bench(new Bench());
  double start = now(), startCPU = cpuSeconds();
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(config.module(), &context);
  if (!module)
    return failure();
  if (device) {
    bench->onDevice =
        DeviceFunction::compile(*module, "run", GPUPipelineOptions(), *device);
    if (!bench->onDevice)
      return failure();
  } else if (failed(bench->prepareForCPU(config, *module))) {
    return failure();
  }
  bench->compileSeconds = now() - start;
  bench->compileCPUSeconds = cpuSeconds() - startCPU;

  auto addBuffer = [&](const ValueSpec &spec, std::vector<TensorRef> &tensors) {
    bench->buffers.push_back(randomData(spec));
    tensors.push_back({bench->buffers.back().data(), spec.shape});
  };
  const Signature &signature = device ? bench->onDevice->getSignature()
                                      : bench->function->getSignature();
  for (const ValueSpec &spec : signature.arguments)
    addBuffer(spec, bench->arguments);
  for (const ValueSpec &spec : signature.results)
    addBuffer(spec, bench->results);
  std::string error;
  if (device &&
      failed(bench->onDevice->upload(bench->arguments, bench->results, error)))
    return reportError(error);
  return bench;
}

void Bench::run() {
  std::string error;
  if (failed(onDevice ? onDevice->launch(error)
                      : function->invoke(arguments, results, error)))
    llvm::reportFatalUsageError(llvm::Twine(error));
}
