//===- Arguments.cpp - the command line of fp4q-bench ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

#include "fp4q/Compiler/Version.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <thread>

using namespace mlir::fp4q;
using namespace mlir::fp4q::bench;
namespace cl = llvm::cl;

/// Larger sizes are typing errors, or would not fit the memory of a machine.
constexpr int64_t kMaxSize = 1 << 20;
constexpr int64_t kMaxBytes = int64_t(1) << 33;
constexpr int kMaxThreads = 4096;

static cl::OptionCategory category("fp4q-bench options");
static cl::list<std::string>
    ops("op", cl::CommaSeparated, cl::value_desc("name,..."),
        cl::desc("Operations: quantize (x to codes and scales), "
                 "transform-quantize (after a transform of blocks of 32), "
                 "dequantize, matmul (of quantized A and B^T); default: these. "
                 "matmul-packed (of B in the layout packed_16x8)"),
        cl::cat(category));
static cl::list<std::string>
    formats("format", cl::CommaSeparated, cl::value_desc("name,..."),
            cl::desc("Formats: mxfp4 (groups of 32, e8m0), nvfp4 (groups of "
                     "16, e4m3); default: both"),
            cl::cat(category));
static cl::list<std::string>
    dtypes("dtype", cl::CommaSeparated, cl::value_desc("name,..."),
           cl::desc("Types of the activations: bf16 (default), f16, f32"),
           cl::cat(category));
static cl::list<std::string>
    shapes("shape", cl::CommaSeparated, cl::value_desc("MxK or MxKxN"),
           cl::desc("Rows x columns, and for matmul the rows of B (default: "
                    "1024x4096, 128x1024x1024)"),
           cl::cat(category));
static cl::list<int>
    threadCounts("num-threads", cl::CommaSeparated, cl::value_desc("count"),
                 cl::desc("Numbers of threads (default: 1, and one a core)"),
                 cl::cat(category));
static cl::list<std::string>
    backEnds("backend", cl::CommaSeparated, cl::value_desc("name,..."),
             cl::desc("What executes the operations, compiled in the process: "
                      "cpu (default; kernels where there is one) or reference "
                      "(linalg)"),
             cl::cat(category));
static cl::opt<std::string> device(
    "device", cl::value_desc("device"),
    cl::desc("Where to run: cpu (default), gpu:N, a CUDA device, or sim, "
             "the simulator of one, whose times say nothing of a GPU"),
    cl::init("cpu"), cl::cat(category));
static cl::opt<std::string>
    chip("target", cl::value_desc("chip"),
         cl::desc("What to make code for, with --device=gpu:N or sim (default: "
                  "the best for the device)"),
         cl::cat(category));
static cl::opt<double>
    minTime("min-time", cl::value_desc("seconds"), cl::init(0.3),
            cl::desc("Repeat warm runs for so long (default: 0.3)"),
            cl::cat(category));
static cl::opt<std::string> output("o", cl::value_desc("file.json"),
                                   cl::init("-"),
                                   cl::desc("Where the JSON goes (default: "
                                            "stdout)"),
                                   cl::cat(category));

static bool reportError(const llvm::Twine &message) {
  llvm::errs() << "fp4q-bench: error: " << message << '\n';
  return false;
}

static bool parseShape(llvm::StringRef text, Shape &shape) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, 'x');
  int64_t *sizes[] = {&shape.m, &shape.k, &shape.n};
  bool valid = parts.size() == 2 || parts.size() == 3;
  for (size_t i = 0; valid && i < parts.size(); ++i)
    valid = !parts[i].getAsInteger(10, *sizes[i]) && *sizes[i] >= 1 &&
            *sizes[i] <= kMaxSize;
  return valid || reportError("--shape=" + text +
                              ": expected MxK or MxKxN, each from 1 to " +
                              llvm::Twine(kMaxSize));
}

static bool checkCase(const Case &c) {
  int64_t unit =
      c.op == Op::TransformQuantize ? kTransformBlock : c.groupSize();
  if (c.shape.k % unit != 0)
    return reportError(llvm::Twine("K = ") + llvm::Twine(c.shape.k) +
                       " of --shape is not a multiple of " + llvm::Twine(unit) +
                       ", which " + getName(c.op) + " in " + getName(c.format) +
                       " needs");
  if (c.bytes() > kMaxBytes)
    return reportError(llvm::Twine(getName(c.op)) +
                       " of the given --shape "
                       "needs " +
                       llvm::Twine(c.bytes()) + " bytes, at most " +
                       llvm::Twine(kMaxBytes) + " are allowed");
  return true;
}

/// The values that an option names, of those in `allowed`; `defaults` if it is
/// not given. False after an error that lists what is allowed.
template <typename T>
static bool parseNames(const cl::list<std::string> &option,
                       llvm::ArrayRef<T> allowed, llvm::ArrayRef<T> defaults,
                       std::vector<T> &values) {
  if (option.empty())
    values.assign(defaults.begin(), defaults.end());
  for (const std::string &name : option) {
    const T *found =
        llvm::find_if(allowed, [&](T value) { return getName(value) == name; });
    if (found == allowed.end())
      return reportError(
          "--" + option.ArgStr + "=" + name + ": expected one of " +
          llvm::join(
              llvm::map_range(
                  allowed, [](T value) { return std::string(getName(value)); }),
              ", "));
    values.push_back(*found);
  }
  return true;
}

/// Every combination that makes sense: shapes of three sizes are for matmul,
/// those of two for the other operations.
static bool makeCases(std::vector<Case> &cases) {
  std::vector<Shape> rowShapes, matmulShapes;
  for (const std::string &text : shapes) {
    Shape shape;
    if (!parseShape(text, shape))
      return false;
    (shape.n ? matmulShapes : rowShapes).push_back(shape);
  }
  if (shapes.empty()) {
    rowShapes = {{1024, 4096, 0}};
    matmulShapes = {{128, 1024, 1024}};
  }
  constexpr Op allOps[] = {Op::Quantize, Op::TransformQuantize, Op::Dequantize,
                           Op::Matmul, Op::MatmulPacked};
  constexpr Format allFormats[] = {Format::MXFP4, Format::NVFP4};
  constexpr DType allDTypes[] = {DType::BF16, DType::F16, DType::F32};
  constexpr BackEnd allBackEnds[] = {BackEnd::CPU, BackEnd::Reference};
  std::vector<Op> chosenOps;
  std::vector<Format> chosenFormats;
  std::vector<DType> chosenDTypes;
  std::vector<BackEnd> chosenBackEnds;
  if (!parseNames<Op>(ops, allOps, llvm::ArrayRef(allOps).drop_back(),
                      chosenOps) ||
      !parseNames<Format>(formats, allFormats, allFormats, chosenFormats) ||
      !parseNames<DType>(dtypes, allDTypes, {DType::BF16}, chosenDTypes) ||
      !parseNames<BackEnd>(backEnds, allBackEnds, {BackEnd::CPU},
                           chosenBackEnds))
    return false;
  for (Op op : chosenOps) {
    bool isProduct = op == Op::Matmul || op == Op::MatmulPacked;
    const auto &matching = isProduct ? matmulShapes : rowShapes;
    if (matching.empty() && !ops.empty())
      return reportError(llvm::Twine("no --shape is of the form ") +
                         (isProduct ? "MxKxN" : "MxK") + ", which " +
                         getName(op) + " needs");
    for (Format format : chosenFormats)
      for (DType dtype : chosenDTypes)
        for (const Shape &shape : matching)
          for (BackEnd backEnd : chosenBackEnds) {
            cases.push_back({op, format, dtype, backEnd, shape});
            if (!checkCase(cases.back()))
              return false;
          }
  }
  return true;
}

/// Options that are for CPUs do not go with those that are for devices.
static bool parseDevice(Arguments &arguments) {
  if (device == "cpu")
    return chip.empty() ||
           reportError("--target is for --device=gpu:N and sim");
  if (!threadCounts.empty() || !backEnds.empty())
    return reportError(
        llvm::Twine(threadCounts.empty() ? "--backend" : "--num-threads") +
        " is for --device=cpu");
  if (llvm::is_contained(ops, std::string(getName(Op::MatmulPacked))))
    return reportError(llvm::Twine("--op=") + getName(Op::MatmulPacked) +
                       " is for CPUs, but the device is " + device.getValue());
  std::string error;
  auto found = findCudaDevice(device.getValue(), chip.getValue(), error);
  if (failed(found))
    return reportError(error);
  arguments.device = *found;
  arguments.threads = {1};
  return true;
}

std::optional<Arguments> mlir::fp4q::bench::parseArguments(int argc,
                                                           char **argv) {
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &os) { os << mlir::fp4q::getVersion() << '\n'; });
  cl::ParseCommandLineOptions(
      argc, argv,
      "Measures the operations of fp4q and writes JSON.\n\n"
      "Every result has the median of warm runs and of cold ones, for which\n"
      "the caches are flushed, and memcpy of as many bytes beside it. On a\n"
      "device these are its caches, and the times are between its events.\n\n"
      "Example: fp4q-bench --op=quantize --shape=4096x4096 "
      "--num-threads=1,2\n");
  Arguments arguments;
  arguments.minSeconds = minTime;
  arguments.output = output;
  if (!(minTime >= 0.001 && minTime <= 60)) {
    reportError("--min-time=" + llvm::formatv("{0}", minTime.getValue()).str() +
                ": expected 0.001 to 60 seconds");
    return std::nullopt;
  }
  int cores = std::max(1u, std::thread::hardware_concurrency());
  arguments.threads.assign(threadCounts.begin(), threadCounts.end());
  if (arguments.threads.empty())
    arguments.threads =
        cores > 1 ? std::vector<int>{1, cores} : std::vector<int>{1};
  for (int count : arguments.threads)
    if (count < 1 || count > kMaxThreads) {
      reportError("--num-threads=" + llvm::Twine(count) + ": expected 1 to " +
                  llvm::Twine(kMaxThreads));
      return std::nullopt;
    }
  if (!parseDevice(arguments))
    return std::nullopt;
  if (!makeCases(arguments.cases))
    return std::nullopt;
  return arguments;
}
