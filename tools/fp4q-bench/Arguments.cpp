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

using namespace mlir::fp4q::bench;
namespace cl = llvm::cl;

/// Larger sizes are typing errors, or would not fit the memory of a machine.
constexpr int64_t kMaxSize = 1 << 20;
constexpr int64_t kMaxBytes = int64_t(1) << 33;
constexpr int kMaxThreads = 4096;

static cl::OptionCategory category("fp4q-bench options");
static cl::list<Op> ops(
    "op", cl::CommaSeparated, cl::desc("Operations (default: all)"),
    cl::values(clEnumValN(Op::Quantize, "quantize", "x to codes and scales"),
               clEnumValN(Op::TransformQuantize, "transform-quantize",
                          "the same after a transform of blocks of 32"),
               clEnumValN(Op::Dequantize, "dequantize", "codes to values"),
               clEnumValN(Op::Matmul, "matmul",
                          "product of quantized A and "
                          "B^T")),
    cl::cat(category));
static cl::list<Format> formats(
    "format", cl::CommaSeparated, cl::desc("Formats (default: both)"),
    cl::values(clEnumValN(Format::MXFP4, "mxfp4", "groups of 32, e8m0"),
               clEnumValN(Format::NVFP4, "nvfp4", "groups of 16, e4m3")),
    cl::cat(category));
static cl::list<DType>
    dtypes("dtype", cl::CommaSeparated,
           cl::desc("Types of the activations (default: bf16)"),
           cl::values(clEnumValN(DType::BF16, "bf16", ""),
                      clEnumValN(DType::F16, "f16", ""),
                      clEnumValN(DType::F32, "f32", "")),
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
enum class Backend { Reference };
static cl::opt<Backend> backend(
    "backend", cl::desc("What executes the operations"),
    cl::values(clEnumValN(Backend::Reference, "reference",
                          "the pipeline fp4q-to-cpu, compiled in the process")),
    cl::init(Backend::Reference), cl::cat(category));
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

/// The given values, or the defaults.
template <typename T>
static std::vector<T> orDefault(const cl::list<T> &given,
                                std::vector<T> defaults) {
  return given.empty() ? defaults : std::vector<T>(given.begin(), given.end());
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
  for (Op op : orDefault(ops, {Op::Quantize, Op::TransformQuantize,
                               Op::Dequantize, Op::Matmul})) {
    const auto &matching = op == Op::Matmul ? matmulShapes : rowShapes;
    if (matching.empty() && !ops.empty())
      return reportError(llvm::Twine("no --shape is of the form ") +
                         (op == Op::Matmul ? "MxKxN" : "MxK") + ", which " +
                         getName(op) + " needs");
    for (Format format : orDefault(formats, {Format::MXFP4, Format::NVFP4}))
      for (DType dtype : orDefault(dtypes, {DType::BF16}))
        for (const Shape &shape : matching) {
          cases.push_back({op, format, dtype, shape});
          if (!checkCase(cases.back()))
            return false;
        }
  }
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
      "the caches are flushed, and memcpy of as many bytes beside it.\n\n"
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
  arguments.threads =
      orDefault(threadCounts,
                cores > 1 ? std::vector<int>{1, cores} : std::vector<int>{1});
  for (int count : arguments.threads)
    if (count < 1 || count > kMaxThreads) {
      reportError("--num-threads=" + llvm::Twine(count) + ": expected 1 to " +
                  llvm::Twine(kMaxThreads));
      return std::nullopt;
    }
  if (!makeCases(arguments.cases))
    return std::nullopt;
  return arguments;
}
