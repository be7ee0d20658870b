//===- RunFiles.cpp - call a compiled function on .npy files --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunFiles.h"

#include "Callable.h"

#include "fp4q/Compiler/DeviceFunction.h"
#include "fp4q/Runtime/Npy.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Timer.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::NpyArray;
using ::fp4q::NpyType;

/// Outputs start as these bytes, so that an element that is never written does
/// not pass for a zero.
constexpr uint8_t kPoison = 0xA5;

/// The .npy types that an element type may travel as; the first is written.
static SmallVector<NpyType> getNpyTypes(Type type) {
  if (type.isBF16())
    return {NpyType::U16};
  if (type.isF16())
    return {NpyType::F16};
  if (type.isF32())
    return {NpyType::F32};
  if (type.isF64())
    return {NpyType::F64};
  if (type.isIndex() || type.isInteger(64))
    return {NpyType::I64, NpyType::U64};
  if (type.isInteger(32))
    return {NpyType::I32, NpyType::U32};
  if (type.isInteger(16))
    return {NpyType::I16, NpyType::U16};
  // Codes and f8 scales.
  return {NpyType::U8, NpyType::I8};
}

static std::string shapeToString(ArrayRef<int64_t> shape) {
  std::string text = "(";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      os << '?';
    else
      os << size;
  });
  os << (shape.size() == 1 ? ",)" : ")");
  return text;
}

/// Whether an array of this type and shape can be passed for `spec`.
static bool matches(const NpyArray &array, const ValueSpec &spec) {
  if (!llvm::is_contained(getNpyTypes(spec.elementType), array.type) ||
      array.shape.size() != spec.shape.size())
    return false;
  return llvm::all_of(llvm::zip_equal(array.shape, spec.shape), [](auto pair) {
    auto [got, expected] = pair;
    return ShapedType::isDynamic(expected) || got == expected;
  });
}

static FailureOr<std::vector<NpyArray>> readInputs(const RunOptions &options,
                                                   const Signature &signature) {
  if (options.inputs.size() != signature.arguments.size())
    return reportError("entry '" + options.entry + "' takes " +
                       Twine(signature.arguments.size()) +
                       " inputs, but --input is given " +
                       Twine(options.inputs.size()) + " times");
  std::vector<NpyArray> arrays;
  for (auto [i, path] : llvm::enumerate(options.inputs)) {
    std::string error;
    std::optional<NpyArray> array = ::fp4q::readNpy(path, error);
    if (!array)
      return reportError(error);
    const ValueSpec &spec = signature.arguments[i];
    if (!matches(*array, spec))
      return reportError(
          "input '" + path + "' is " + ::fp4q::npyTypeName(array->type) +
          " of shape " + shapeToString(array->shape) + ", but argument #" +
          Twine(i) + " of '" + options.entry + "' is " + spec.str() +
          ", which takes " +
          ::fp4q::npyTypeName(getNpyTypes(spec.elementType).front()) +
          " of shape " + shapeToString(spec.shape));
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

/// Fails if a path cannot become a file, before any time is spent on it.
static LogicalResult checkOutputs(const RunOptions &options,
                                  const Signature &signature) {
  if (options.outputs.size() != signature.results.size())
    return reportError("entry '" + options.entry + "' returns " +
                       Twine(signature.results.size()) +
                       " results, but --output is given " +
                       Twine(options.outputs.size()) + " times");
  llvm::StringSet<> seen;
  for (const std::string &path : options.outputs) {
    if (!seen.insert(path).second)
      return reportError("output '" + path + "' is given twice");
    StringRef directory = llvm::sys::path::parent_path(path);
    if (directory.empty())
      directory = ".";
    if (llvm::sys::fs::is_directory(path))
      return reportError("output '" + path + "' is a directory");
    if (!llvm::sys::fs::can_write(directory))
      return reportError("output '" + path +
                         "' cannot be written: directory '" + directory +
                         "' does not exist or is not writable");
  }
  return success();
}

static LogicalResult
writeOutputs(const RunOptions &options, const Signature &signature,
             ArrayRef<SmallVector<int64_t>> sizes,
             const std::vector<std::vector<uint8_t>> &buffers) {
  for (auto [i, path] : llvm::enumerate(options.outputs)) {
    std::string error;
    std::vector<int64_t> shape(sizes[i].begin(), sizes[i].end());
    NpyType type = getNpyTypes(signature.results[i].elementType).front();
    if (::fp4q::writeNpy(path, type, shape, buffers[i].data(), error))
      continue;
    for (const std::string &written : ArrayRef(options.outputs).take_front(i))
      llvm::sys::fs::remove(written);
    return reportError(error);
  }
  return success();
}

static double now() { return llvm::TimeRecord::getCurrentTime().getWallTime(); }

LogicalResult mlir::fp4q::runFiles(const RunOptions &given) {
  RunOptions options = given;
  std::unique_ptr<Callable> function = Callable::open(
      {options.module, options.entry, options.target, options.device,
       options.backend, options.optimize, options.packWeights});
  if (!function)
    return failure();
  options.entry = function->getName().str();
  const Signature &signature = function->getSignature();
  if (failed(checkOutputs(options, signature)))
    return failure();
  FailureOr<std::vector<NpyArray>> inputs = readInputs(options, signature);
  if (failed(inputs))
    return failure();

  double start = now();
  if (failed(function->prepare()))
    return failure();
  double compiled = now();

  std::vector<TensorRef> arguments, results;
  for (NpyArray &array : *inputs)
    arguments.push_back(
        {array.data.data(),
         SmallVector<int64_t>(array.shape.begin(), array.shape.end())});
  SmallVector<SmallVector<int64_t>> sizes;
  std::string error;
  if (failed(function->getResultSizes(arguments, sizes, error)))
    return reportError(error);
  std::vector<std::vector<uint8_t>> buffers;
  for (auto [size, spec] : llvm::zip_equal(sizes, signature.results)) {
    int64_t bytes = spec.elementBytes();
    for (int64_t extent : size)
      bytes *= extent;
    buffers.emplace_back(bytes, kPoison);
    results.push_back({buffers.back().data(), size});
  }
  double ready = now();
  if (failed(function->invoke(arguments, results, error)))
    return reportError(error);
  if (options.time)
    llvm::errs() << llvm::formatv("compile {0:f3} s, run {1:f6} s\n",
                                  compiled - start, now() - ready);
  if (options.simReport) {
    FailureOr<std::string> report = getSimulatorReport(error);
    if (failed(report))
      return reportError(error);
    llvm::outs() << *report << '\n';
  }
  return writeOutputs(options, signature, sizes, buffers);
}
