//===- Function.cpp - compiled functions of the C interface ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks what a C program passes, then calls JitFunction, which trusts its
// arguments.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "fp4q/Compiler/Jit.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {
/// A ValueSpec in the form of C, with what it points to.
struct Spec {
  explicit Spec(const ValueSpec &value);

  std::vector<int64_t> sizes;
  std::string type;
  fp4q_dtype dtype;
  uint32_t elementBytes;
  bool isScalar;
};
} // namespace

struct fp4q_function {
  /// The signature refers to types of the context.
  std::shared_ptr<CAPIContext> shared;
  std::unique_ptr<JitFunction> jit;
  std::vector<Spec> arguments, results;
};

static fp4q_dtype toDType(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return FP4Q_DTYPE_F8E4M3FN;
  if (isa<Float8E8M0FNUType>(type))
    return FP4Q_DTYPE_F8E8M0FNU;
  if (type.isF16())
    return FP4Q_DTYPE_F16;
  if (type.isBF16())
    return FP4Q_DTYPE_BF16;
  if (type.isF32())
    return FP4Q_DTYPE_F32;
  if (type.isF64())
    return FP4Q_DTYPE_F64;
  if (type.isInteger(8))
    return FP4Q_DTYPE_I8;
  if (type.isInteger(16))
    return FP4Q_DTYPE_I16;
  if (type.isInteger(32))
    return FP4Q_DTYPE_I32;
  if (type.isInteger(64) || type.isIndex())
    return FP4Q_DTYPE_I64;
  return FP4Q_DTYPE_OTHER;
}

Spec::Spec(const ValueSpec &value)
    : type(value.str()), dtype(toDType(value.elementType)),
      elementBytes(value.elementBytes()), isScalar(!value.isTensor) {
  for (int64_t size : value.shape)
    sizes.push_back(ShapedType::isDynamic(size) ? FP4Q_DYNAMIC_SIZE : size);
}

static std::vector<Spec> toSpecs(ArrayRef<ValueSpec> values) {
  return std::vector<Spec>(values.begin(), values.end());
}

fp4q_status fp4q_function_compile(const fp4q_module *module, const char *entry,
                                  const fp4q_compile_options *options,
                                  fp4q_function **function) {
  if (!module || !function)
    return failOnNull("fp4q_function_compile", !module ? "module" : "function");
  fp4q_compile_options full = FP4Q_COMPILE_OPTIONS_INIT;
  if (options)
    if (auto status = readVersioned("fp4q_compile_options", *options, full))
      return status;
  CAPIContext &shared = *module->shared;
  shared.firstError.clear();
  CPUPipelineOptions pipeline;
  pipeline.parallel = full.parallel != 0;
  OwningOpRef<ModuleOp> copy = module->op.get().clone();
  FailureOr<std::unique_ptr<JitFunction>> jit =
      JitFunction::compile(*copy, entry ? entry : "", pipeline);
  if (failed(jit))
    return failWithDiagnostic(shared, "the module cannot be compiled");
  const Signature &signature = (*jit)->getSignature();
  auto result = std::make_unique<fp4q_function>();
  result->shared = module->shared;
  result->arguments = toSpecs(signature.arguments);
  result->results = toSpecs(signature.results);
  result->jit = std::move(*jit);
  *function = result.release();
  return FP4Q_SUCCESS;
}

void fp4q_function_destroy(fp4q_function *function) { delete function; }

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

fp4q_status fp4q_function_num_arguments(const fp4q_function *function,
                                        size_t *number) {
  if (!function || !number)
    return failOnNull("fp4q_function_num_arguments",
                      !function ? "function" : "number");
  *number = function->arguments.size();
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_function_num_results(const fp4q_function *function,
                                      size_t *number) {
  if (!function || !number)
    return failOnNull("fp4q_function_num_results",
                      !function ? "function" : "number");
  *number = function->results.size();
  return FP4Q_SUCCESS;
}

static fp4q_status describe(const char *kind, const std::vector<Spec> &specs,
                            size_t index, fp4q_value_spec &out) {
  if (index >= specs.size())
    return fail(FP4Q_INVALID_ARGUMENT,
                Twine(kind) + " #" + Twine(index) +
                    " does not exist; the function has " + Twine(specs.size()));
  fp4q_value_spec full = FP4Q_VALUE_SPEC_INIT;
  const Spec &spec = specs[index];
  full.dtype = spec.dtype;
  full.element_bytes = spec.elementBytes;
  full.is_scalar = spec.isScalar;
  full.rank = spec.sizes.size();
  full.sizes = spec.sizes.data();
  full.type = spec.type.c_str();
  return writeVersioned("fp4q_value_spec", full, out);
}

fp4q_status fp4q_function_argument(const fp4q_function *function, size_t index,
                                   fp4q_value_spec *spec) {
  if (!function || !spec)
    return failOnNull("fp4q_function_argument",
                      !function ? "function" : "spec");
  return describe("argument", function->arguments, index, *spec);
}

fp4q_status fp4q_function_result(const fp4q_function *function, size_t index,
                                 fp4q_value_spec *spec) {
  if (!function || !spec)
    return failOnNull("fp4q_function_result", !function ? "function" : "spec");
  return describe("result", function->results, index, *spec);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Bytes of a tensor of these sizes; none if they do not fit int64_t.
static std::optional<uint64_t> getBytes(ArrayRef<int64_t> sizes,
                                        int64_t elementBytes) {
  int64_t bytes = elementBytes;
  for (int64_t size : sizes)
    if (llvm::MulOverflow(bytes, size, bytes))
      return std::nullopt;
  return bytes;
}

/// What is wrong with the buffer, or "".
static std::string findFault(const fp4q_buffer &buffer, const Spec &spec) {
  if (buffer.rank != spec.sizes.size())
    return "the buffer has rank " + std::to_string(buffer.rank);
  if (buffer.rank && !buffer.sizes)
    return "the sizes of the buffer are null";
  ArrayRef<int64_t> sizes(buffer.sizes, buffer.rank);
  for (auto [i, size] : llvm::enumerate(sizes))
    if (size < 0 ||
        (spec.sizes[i] != FP4Q_DYNAMIC_SIZE && size != spec.sizes[i]))
      return "the buffer has size " + std::to_string(size) + " in dimension " +
             std::to_string(i);
  std::optional<uint64_t> needed = getBytes(sizes, spec.elementBytes);
  if (!needed)
    return "the sizes of the buffer are too large";
  if (buffer.bytes < *needed)
    return "the buffer has " + std::to_string(buffer.bytes) +
           " bytes, and its sizes need " + std::to_string(*needed);
  if (*needed && !buffer.data)
    return "the data of the buffer is null";
  if (reinterpret_cast<uintptr_t>(buffer.data) % spec.elementBytes)
    return "the data of the buffer is not aligned to an element";
  return "";
}

/// Checks the buffers for `specs` and turns them into tensors.
static fp4q_status readBuffers(const char *kind, const std::vector<Spec> &specs,
                               const fp4q_buffer *buffers, size_t number,
                               SmallVectorImpl<TensorRef> &tensors) {
  if (number != specs.size())
    return fail(FP4Q_INVALID_ARGUMENT, "the function has " +
                                           Twine(specs.size()) + " " + kind +
                                           "s, but is given " + Twine(number));
  if (number && !buffers)
    return fail(FP4Q_INVALID_ARGUMENT,
                "the array of " + Twine(kind) + "s is null");
  for (auto [i, spec] : llvm::enumerate(specs)) {
    const fp4q_buffer &buffer = buffers[i];
    std::string fault = findFault(buffer, spec);
    if (!fault.empty())
      return fail(FP4Q_INVALID_ARGUMENT, Twine(kind) + " #" + Twine(i) +
                                             " is " + spec.type + ", but " +
                                             fault);
    tensors.push_back(
        {buffer.data,
         SmallVector<int64_t>(buffer.sizes, buffer.sizes + buffer.rank)});
  }
  return FP4Q_SUCCESS;
}

fp4q_status fp4q_function_result_sizes(fp4q_function *function,
                                       const fp4q_buffer *arguments,
                                       size_t num_arguments, int64_t *sizes,
                                       size_t num_sizes) {
  if (!function)
    return failOnNull("fp4q_function_result_sizes", "function");
  size_t expected = 0;
  for (const Spec &result : function->results)
    expected += result.sizes.size();
  if (num_sizes != expected)
    return fail(FP4Q_INVALID_ARGUMENT,
                "the ranks of the results add up to " + Twine(expected) +
                    ", but num_sizes is " + Twine(num_sizes));
  if (num_sizes && !sizes)
    return failOnNull("fp4q_function_result_sizes", "sizes");
  SmallVector<TensorRef> tensors;
  if (auto status = readBuffers("argument", function->arguments, arguments,
                                num_arguments, tensors))
    return status;
  SmallVector<SmallVector<int64_t>> computed;
  std::string error;
  if (failed(function->jit->getResultSizes(tensors, computed, error)))
    return fail(FP4Q_INVALID_ARGUMENT, error);
  for (ArrayRef<int64_t> result : computed)
    sizes = llvm::copy(result, sizes);
  return FP4Q_SUCCESS;
}

static bool overlap(const fp4q_buffer &a, const Spec &aSpec,
                    const fp4q_buffer &b, const Spec &bSpec) {
  auto end = [](const fp4q_buffer &buffer, const Spec &spec) {
    ArrayRef<int64_t> sizes(buffer.sizes, buffer.rank);
    return static_cast<char *>(buffer.data) +
           *getBytes(sizes, spec.elementBytes);
  };
  return a.data < end(b, bSpec) && b.data < end(a, aSpec);
}

static std::string sizesToString(ArrayRef<int64_t> sizes) {
  return "(" +
         llvm::join(
             llvm::map_range(sizes,
                             [](int64_t size) { return std::to_string(size); }),
             ", ") +
         ")";
}

fp4q_status fp4q_function_invoke(fp4q_function *function,
                                 const fp4q_buffer *arguments,
                                 size_t num_arguments,
                                 const fp4q_buffer *results,
                                 size_t num_results) {
  if (!function)
    return failOnNull("fp4q_function_invoke", "function");
  SmallVector<TensorRef> ins, outs;
  if (auto status = readBuffers("argument", function->arguments, arguments,
                                num_arguments, ins))
    return status;
  if (auto status =
          readBuffers("result", function->results, results, num_results, outs))
    return status;
  SmallVector<SmallVector<int64_t>> sizes;
  std::string error;
  if (failed(function->jit->getResultSizes(ins, sizes, error)))
    return fail(FP4Q_INVALID_ARGUMENT, error);
  for (size_t i = 0; i < num_results; ++i) {
    const Spec &spec = function->results[i];
    if (outs[i].sizes != sizes[i])
      return fail(FP4Q_INVALID_ARGUMENT, "result #" + Twine(i) + " has sizes " +
                                             sizesToString(sizes[i]) +
                                             ", but the buffer has " +
                                             sizesToString(outs[i].sizes));
    for (size_t j = 0; j < num_arguments; ++j)
      if (overlap(results[i], spec, arguments[j], function->arguments[j]))
        return fail(FP4Q_INVALID_ARGUMENT,
                    "result #" + Twine(i) + " overlaps argument #" + Twine(j));
    for (size_t j = 0; j < i; ++j)
      if (overlap(results[i], spec, results[j], function->results[j]))
        return fail(FP4Q_INVALID_ARGUMENT,
                    "result #" + Twine(i) + " overlaps result #" + Twine(j));
  }
  if (failed(function->jit->invoke(ins, outs, error)))
    return fail(FP4Q_COMPILE_ERROR, error);
  return FP4Q_SUCCESS;
}
