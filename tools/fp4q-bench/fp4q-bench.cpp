//===- fp4q-bench.cpp - measure the operations of fp4q --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Bench.h"
#include "DeviceClock.h"

#include "fp4q/Compiler/Registration.h"
#include "fp4q/Compiler/Version.h"
#include "fp4q/Runtime/Gpu.h"
#include "fp4q/Runtime/ParallelFor.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Process.h"
#include "llvm/TargetParser/Host.h"

#include <thread>

using namespace mlir::fp4q::bench;

/// Says on a terminal, and only there, what is being measured.
static void showProgress(size_t done, size_t total, const llvm::Twine &what) {
  if (llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\033[K[" << done << '/' << total << "] " << what;
}

static void clearProgress() {
  if (llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\033[K";
}

static void writeCase(const Case &config, llvm::json::OStream &json) {
  json.attribute("op", getName(config.op));
  json.attribute("format", getName(config.format));
  json.attribute("dtype", getName(config.dtype));
  json.attribute("m", config.shape.m);
  json.attribute("k", config.shape.k);
  if (config.isProduct())
    json.attribute("n", config.shape.n);
}

static void writeTiming(llvm::json::OStream &json, llvm::StringRef name,
                        const Timing &timing, int64_t bytes, int64_t flops) {
  json.attributeObject(name, [&] {
    json.attribute("runs", timing.runs);
    json.attribute("median_s", timing.median);
    json.attribute("least_s", timing.least);
    json.attribute("cpu_median_s", timing.cpuMedian);
    json.attribute("gb_per_s", bytes / timing.median * 1e-9);
    if (flops)
      json.attribute("gflop_per_s", flops / timing.median * 1e-9);
  });
}

/// Measures the case on a device, by its clock, and writes one object.
static void runOnDevice(const Case &config, Bench &bench, DeviceClock &clock,
                        const mlir::fp4q::CudaDevice &device, double minSeconds,
                        llvm::json::OStream &json) {
  auto runBench = [&] { bench.run(); };
  json.object([&] {
    writeCase(config, json);
    json.attribute("backend", "gpu");
    json.attribute("target", device.chip);
    json.attribute("threads", 1);
    json.attribute("bytes", config.bytes());
    json.attribute("flops", config.flops());
    json.attribute("compile_s", bench.getCompileSeconds());
    json.attribute("compile_cpu_s", bench.getCompileCPUSeconds());
    writeTiming(json, "warm", clock.measureWarm(minSeconds, runBench),
                config.bytes(), config.flops());
    writeTiming(json, "cold", clock.measureCold(runBench), config.bytes(),
                config.flops());
    DeviceCopyBaseline baseline(device, config.bytes());
    auto runBaseline = [&] {
      clock.copy(baseline.to, baseline.from, baseline.bytes);
    };
    writeTiming(json, "memcpy_warm",
                clock.measureWarm(minSeconds / 4, runBaseline), config.bytes(),
                /*flops=*/0);
    writeTiming(json, "memcpy_cold", clock.measureCold(runBaseline),
                config.bytes(), /*flops=*/0);
  });
}

/// Measures the case with `threads` threads and writes one object.
static void runCase(const Case &config, Bench &bench, int threads,
                    double minSeconds, llvm::json::OStream &json) {
  fp4q_set_num_threads(threads);
  MemcpyBaseline baseline(config.bytes());
  auto runBench = [&] { return measureOnHost([&] { bench.run(); }); };
  auto runBaseline = [&] { return measureOnHost([&] { baseline.run(); }); };
  json.object([&] {
    writeCase(config, json);
    json.attribute("backend", getName(config.backEnd));
    json.attribute("threads", threads);
    json.attribute("bytes", config.bytes());
    json.attribute("flops", config.flops());
    json.attribute("compile_s", bench.getCompileSeconds());
    json.attribute("compile_cpu_s", bench.getCompileCPUSeconds());
    writeTiming(json, "warm", measureWarm(minSeconds, runBench), config.bytes(),
                config.flops());
    writeTiming(json, "cold", measureCold(flushHostCaches, runBench),
                config.bytes(), config.flops());
    writeTiming(json, "memcpy_warm", measureWarm(minSeconds / 4, runBaseline),
                config.bytes(),
                /*flops=*/0);
    writeTiming(json, "memcpy_cold", measureCold(flushHostCaches, runBaseline),
                config.bytes(),
                /*flops=*/0);
  });
}

static void writeDevice(const mlir::fp4q::CudaDevice &device,
                        llvm::json::OStream &json) {
  fp4q_gpu_info info = {};
  info.size = sizeof(info);
  if (fp4q_gpu_describe(device.ordinal, &info, nullptr))
    return;
  json.attribute("name", info.name);
  json.attribute("driver_version", info.driver_version);
  json.attribute("simulated", device.isSimulator);
}

/// Writes the whole document; false if a case cannot be compiled.
static bool runAll(const Arguments &arguments, llvm::raw_ostream &os) {
  std::unique_ptr<DeviceClock> clock;
  std::string error;
  if (arguments.device)
    clock = DeviceClock::create(*arguments.device, error);
  if (!error.empty()) {
    llvm::errs() << "fp4q-bench: error: " << error << '\n';
    return false;
  }
  mlir::DialectRegistry registry;
  mlir::fp4q::registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  llvm::json::OStream json(os, /*IndentSize=*/1);
  size_t done = 0, total = arguments.cases.size() * arguments.threads.size();
  bool success = true;
  json.object([&] {
    json.attribute("version", mlir::fp4q::getVersion());
    json.attributeObject("host", [&] {
      json.attribute("cpu", llvm::sys::getHostCPUName());
      json.attribute("cores",
                     static_cast<int>(std::thread::hardware_concurrency()));
    });
    if (arguments.device)
      json.attributeObject("device",
                           [&] { writeDevice(*arguments.device, json); });
    json.attributeArray("results", [&] {
      for (const Case &config : arguments.cases) {
        auto bench = Bench::create(config, context, arguments.device);
        success = mlir::succeeded(bench);
        if (!success)
          return;
        for (int threads : arguments.threads) {
          showProgress(
              ++done, total,
              llvm::Twine(getName(config.op)) + " " + getName(config.format) +
                  " " + getName(config.dtype) + " " + getName(config.backEnd) +
                  ", " + llvm::Twine(threads) + " threads");
          if (arguments.device)
            runOnDevice(config, **bench, *clock, *arguments.device,
                        arguments.minSeconds, json);
          else
            runCase(config, **bench, threads, arguments.minSeconds, json);
        }
      }
    });
  });
  os << '\n';
  clearProgress();
  return success;
}

static bool writeFile(const std::string &path, llvm::StringRef text) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  if (!error) {
    os << text;
    os.close();
    error = os.error();
    os.clear_error();
  }
  if (!error)
    return true;
  llvm::errs() << "fp4q-bench: error: cannot write '" << path
               << "': " << error.message() << '\n';
  return false;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::optional<Arguments> arguments = parseArguments(argc, argv);
  if (!arguments)
    return 1;
  // A measurement takes minutes; that its file cannot be written is known now.
  if (arguments->output != "-" && !writeFile(arguments->output, ""))
    return 1;
  std::string text;
  llvm::raw_string_ostream os(text);
  if (!runAll(*arguments, os))
    return 1;
  return !writeFile(arguments->output, text);
}
