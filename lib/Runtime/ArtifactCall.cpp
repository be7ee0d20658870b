//===- ArtifactCall.cpp - check DLPack tensors and call compiled code -----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code checks nothing and knows row-major, contiguous, aligned tensors
// only. All checks are here, driven by the descriptors of the artifact, so that
// they exist once and not in every artifact. Tensors that are laid out in other
// ways are staged: compiled code gets a copy.
//
//===----------------------------------------------------------------------===//

#include "LastError.h"
#include "StridedView.h"
#include "fp4q/Runtime/Artifact.h"
#include "fp4q/Runtime/Gpu.h"
#include "fp4q/Runtime/MemRefDescriptor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

using namespace fp4q;

/// What tensors on GPUs begin at a multiple of, in bytes.
constexpr int64_t kGpuAlignment = 16;

using Function = fp4q_function_desc;
using Sizes = std::vector<int64_t>;

static std::string listSizes(const int64_t *sizes, int64_t count) {
  std::string text = "(";
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + (count == 1 ? ",)" : ")");
}

/// "bfloat16", as the sort and the width of a DLPack type; unknown ones by
/// their numbers.
static std::string typeName(unsigned code, unsigned bits, unsigned lanes) {
  std::string name;
  switch (code) {
  case FP4Q_DL_INT:
    name = "int" + std::to_string(bits);
    break;
  case FP4Q_DL_UINT:
    name = "uint" + std::to_string(bits);
    break;
  case FP4Q_DL_FLOAT:
    name = "float" + std::to_string(bits);
    break;
  case FP4Q_DL_BFLOAT:
    name = "bfloat" + std::to_string(bits);
    break;
  case FP4Q_DL_FLOAT8_E4M3FN:
    name = "float8_e4m3fn";
    break;
  case FP4Q_DL_FLOAT8_E8M0FNU:
    name = "float8_e8m0fnu";
    break;
  default:
    name = "DLPack type " + std::to_string(code) + " of " +
           std::to_string(bits) + " bits";
  }
  return lanes == 1 ? name : name + " x " + std::to_string(lanes) + " lanes";
}

namespace {

/// Memory for a copy of a tensor.
struct FreeDeleter {
  void operator()(void *memory) const { std::free(memory); }
};
using Scratch = std::unique_ptr<void, FreeDeleter>;

Scratch allocateScratch(int64_t bytes) {
  constexpr size_t alignment = 64;
  if (bytes > INT64_MAX - int64_t(alignment))
    throw std::bad_alloc();
  size_t size = (size_t(bytes) + alignment - 1) / alignment * alignment;
  Scratch memory(std::aligned_alloc(alignment, size));
  if (!memory)
    throw std::bad_alloc();
  return memory;
}

/// A tensor that passed its checks.
struct Checked {
  StridedView view;
  /// Set if compiled code cannot use the tensor where it is.
  Scratch copy;
  bool isStaged = false;
};

/// The tensors of one call.
class Call {
public:
  Call(const Function &function, const DLTensor *const *args,
       const char **error)
      : function(function), args(args), error(error) {}

  bool checkCount(int32_t n, int32_t expected, const char *what) {
    if (function.format_version != FP4Q_ARTIFACT_FORMAT_VERSION)
      return refuse("has artifact format version " +
                    std::to_string(function.format_version) +
                    ", but this runtime calls version " +
                    std::to_string(FP4Q_ARTIFACT_FORMAT_VERSION));
    if (n != expected)
      return refuse("takes " + std::to_string(expected) + " tensors, " + what +
                    ", but got " + std::to_string(n));
    if (!args && n != 0)
      return refuse("got a null pointer for its tensors");
    return true;
  }

  /// Checks tensors [0, count).
  bool checkTensors(int32_t count) {
    tensors.resize(size_t(count));
    for (int32_t i = 0; i < count; ++i)
      if (!checkTensor(i))
        return false;
    return checkSymbols();
  }

  /// Gives compiled code the addresses of all tensors that were checked, and
  /// copies of staged ones if `withData` is set.
  void prepare(bool withData) {
    descriptors.reserve(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      Checked &tensor = tensors[i];
      void *data = tensor.view.getData();
      if (tensor.isStaged && withData) {
        tensor.copy = allocateScratch(tensor.view.getBytes());
        data = tensor.copy.get();
        if (int32_t(i) < function.num_arguments)
          tensor.view.copyTo(data);
      }
      if (value(int32_t(i)).is_scalar) {
        addresses.push_back(data);
        continue;
      }
      descriptors.push_back(makeMemRefDescriptor(
          data, args[i]->shape, size_t(value(int32_t(i)).rank)));
      addresses.push_back(descriptors.back().data());
    }
  }

  /// Whether the size of a result may depend on data.
  bool readsDataForSizes() const {
    for (int32_t i = function.num_arguments; i < numTensors(); ++i)
      for (int32_t dim = 0; dim < value(i).rank; ++dim)
        if (std::strcmp(value(i).dims[dim], "?") == 0)
          return true;
    return false;
  }

  /// The sizes of all results, one after the other.
  bool getResultSizes(Sizes &sizes) {
    int64_t total = 0;
    for (int32_t i = 0; i < function.num_results; ++i)
      total += value(function.num_arguments + i).rank;
    sizes.assign(total + FP4Q_NUM_CHECK_SLOTS, 0);
    if (function.num_results > 0) {
      int64_t extent = int64_t(sizes.size());
      std::vector<int64_t> descriptor =
          makeMemRefDescriptor(sizes.data(), &extent, 1);
      std::vector<void *> packed(addresses.begin(),
                                 addresses.begin() + function.num_arguments);
      void *address = descriptor.data();
      packed.push_back(address);
      function.result_shapes(packed.data());
    }
    if (int64_t number = sizes[total])
      return refuseText(std::string(function.checks[number - 1]) +
                        ", but got " + std::to_string(sizes[total + 1]) +
                        " and " + std::to_string(sizes[total + 2]));
    sizes.resize(total);
    return true;
  }

  bool checkResults(const Sizes &sizes) {
    const int64_t *expected = sizes.data();
    for (int32_t i = function.num_arguments, e = numTensors(); i < e; ++i) {
      int32_t rank = value(i).rank;
      for (int32_t dim = 0; dim < rank; ++dim)
        if (args[i]->shape[dim] != expected[dim])
          return refuseTensor(
              i, "has shape " + listSizes(args[i]->shape, rank) +
                     ", but the result has shape " + listSizes(expected, rank));
      expected += rank;
      if (tensors[i].view.mayOverlapItself())
        return refuseTensor(i, "has strides " + strides(i) +
                                   ", so that its elements may share memory");
      for (int32_t other = 0; other < i; ++other)
        if (tensors[i].view.overlaps(tensors[other].view))
          return refuseTensor(i, "overlaps " + describe(other));
    }
    return true;
  }

  /// Calls the compiled code. Work for a GPU is on `stream` when this returns.
  int32_t run(void *stream) {
    if (isForCpu()) {
      invoke();
      return 0;
    }
    if (fp4q_gpu_call_begin(gpu < 0 ? 0 : gpu, stream, error))
      return 1;
    invoke();
    return fp4q_gpu_call_end(error);
  }

  int32_t numTensors() const {
    return function.num_arguments + function.num_results;
  }

private:
  void invoke() {
    function.invoke(addresses.data());
    for (int32_t i = function.num_arguments; i < numTensors(); ++i)
      if (tensors[i].isStaged)
        tensors[i].view.copyFrom(tensors[i].copy.get());
  }

  /// Only memory that this code can reach can be copied by it.
  bool isForCpu() const { return function.device_type == FP4Q_DL_CPU; }

  const fp4q_value_desc &value(int32_t i) const { return function.values[i]; }

  bool refuseText(std::string message) {
    fail(error, std::move(message));
    return false;
  }
  bool refuse(const std::string &what) {
    return refuseText("function '" + std::string(function.name) + "' " + what);
  }

  std::string describe(int32_t i) const {
    bool isResult = i >= function.num_arguments;
    int32_t number = isResult ? i - function.num_arguments : i;
    return (isResult ? "result #" : "argument #") + std::to_string(number);
  }
  bool refuseTensor(int32_t i, const std::string &what) {
    return refuseText(describe(i) + " of '" + function.name + "' (" +
                      value(i).type + ") " + what);
  }

  bool checkTensor(int32_t i) {
    const fp4q_value_desc &desc = value(i);
    const DLTensor *tensor = args[i];
    if (!tensor)
      return refuseTensor(i, "is a null pointer");
    if (!checkDevice(i))
      return false;
    DLDataType type = tensor->dtype;
    if (type.bits != desc.dtype_bits || type.lanes != 1 ||
        (type.code != desc.dtype_code && type.code != desc.alternate_code))
      return refuseTensor(i, "is " +
                                 typeName(type.code, type.bits, type.lanes) +
                                 ", but takes " + acceptedTypes(desc));
    if (tensor->ndim != desc.rank)
      return refuseTensor(i, "has rank " + std::to_string(tensor->ndim) +
                                 ", but expects " + std::to_string(desc.rank));
    return checkShape(i) && checkData(i);
  }

  /// Scalars are read here, wherever the code runs. All tensors of a function
  /// for GPUs are on one.
  bool checkDevice(int32_t i) {
    DLDevice device = args[i]->device;
    bool isHost = device.device_type == FP4Q_DL_CPU ||
                  device.device_type == FP4Q_DL_CUDA_HOST;
    bool wantsHost = isForCpu() || value(i).is_scalar;
    if (wantsHost ? !isHost : device.device_type != function.device_type)
      return refuseTensor(
          i, "is on DLPack device type " + std::to_string(device.device_type) +
                 ", but must be " +
                 (wantsHost ? "in CPU memory (1 or 3)"
                            : "on " + std::to_string(function.device_type)));
    if (wantsHost)
      return true;
    if (device.device_id < 0)
      return refuseTensor(i, "is on CUDA device " +
                                 std::to_string(device.device_id) +
                                 ", but devices are numbered from 0");
    if (gpu >= 0 && gpu != device.device_id)
      return refuseTensor(i, "is on CUDA device " +
                                 std::to_string(device.device_id) +
                                 ", but others are on " + std::to_string(gpu));
    gpu = device.device_id;
    return true;
  }

  static std::string acceptedTypes(const fp4q_value_desc &desc) {
    std::string name = typeName(desc.dtype_code, desc.dtype_bits, 1);
    if (desc.alternate_code == desc.dtype_code)
      return name;
    return name + " or " + typeName(desc.alternate_code, desc.dtype_bits, 1);
  }

  bool checkShape(int32_t i) {
    const fp4q_value_desc &desc = value(i);
    const int64_t *shape = args[i]->shape;
    if (desc.rank > 0 && !shape)
      return refuseTensor(i, "has a null pointer for its shape");
    for (int32_t dim = 0; dim < desc.rank; ++dim)
      if (shape[dim] < 0 ||
          (desc.shape[dim] >= 0 && shape[dim] != desc.shape[dim]))
        return refuseTensor(i, "has shape " + listSizes(shape, desc.rank));
    return true;
  }

  /// "(1, 3) for shape (3, 64)".
  std::string strides(int32_t i) const {
    const DLTensor &tensor = *args[i];
    return (tensor.strides ? listSizes(tensor.strides, tensor.ndim)
                           : std::string("none")) +
           " for shape " + listSizes(tensor.shape, tensor.ndim);
  }

  bool checkData(int32_t i) {
    const DLTensor &tensor = *args[i];
    Checked &checked = tensors[i];
    int64_t elementBytes = value(i).dtype_bits / 8;
    uintptr_t address = reinterpret_cast<uintptr_t>(tensor.data);
    if (__builtin_add_overflow(address, tensor.byte_offset, &address))
      return refuseTensor(i, "has byte offset " +
                                 std::to_string(tensor.byte_offset) +
                                 ", which is more than memory can hold");
    if (!checked.view.init(reinterpret_cast<void *>(address), elementBytes,
                           tensor.shape, tensor.strides, tensor.ndim))
      return refuseTensor(
          i, (tensor.strides
                  ? "has strides " + strides(i)
                  : "has shape " + listSizes(tensor.shape, tensor.ndim)) +
                 ", which is more than memory can hold");
    if (!tensor.data && !checked.view.isEmpty())
      return refuseTensor(i, "has a null pointer for its data");
    // Kernels for GPUs read and write 16 bytes at a time.
    int64_t alignment = isForCpu() || value(i).is_scalar || value(i).rank == 0
                            ? elementBytes
                            : kGpuAlignment;
    bool isAligned = address % uintptr_t(alignment) == 0;
    checked.isStaged =
        !checked.view.isEmpty() && (!checked.view.isContiguous() || !isAligned);
    if (checked.isStaged && !isForCpu())
      return refuseTensor(i, isAligned
                                 ? "has strides " + strides(i) +
                                       ", but must be row-major and contiguous"
                                 : "is misaligned: its address is no multiple "
                                   "of " +
                                       std::to_string(alignment));
    return true;
  }

  /// Sizes of arguments that have the same symbol.
  bool checkSymbols() {
    for (int32_t i = 0; i < function.num_arguments; ++i)
      for (int32_t dim = 0; dim < value(i).rank; ++dim)
        if (value(i).shape[dim] < 0 && std::strcmp(value(i).dims[dim], "?"))
          if (!checkSymbol(i, dim))
            return false;
    return true;
  }

  /// That this dimension agrees with the first one that has its symbol.
  bool checkSymbol(int32_t i, int32_t dim) {
    const char *symbol = value(i).dims[dim];
    for (int32_t first = 0; first <= i; ++first)
      for (int32_t at = 0; at < value(first).rank; ++at) {
        if (std::strcmp(value(first).dims[at], symbol) != 0)
          continue;
        int64_t got = args[i]->shape[dim], expected = args[first]->shape[at];
        return got == expected ||
               refuseTensor(
                   i, "has size " + std::to_string(got) + " in dimension " +
                          std::to_string(dim) + ", but " + symbol + " is " +
                          std::to_string(expected) + " in " + describe(first));
      }
    return true;
  }

  const Function &function;
  const DLTensor *const *args;
  const char **error;
  std::vector<Checked> tensors;
  std::vector<std::vector<int64_t>> descriptors;
  std::vector<void *> addresses;
  /// The device of the tensors, -1 while none has one.
  int32_t gpu = -1;
};

} // namespace

int32_t fp4q_function_result_shapes(const fp4q_function_desc *function,
                                    const DLTensor *const *args, int32_t n,
                                    int64_t *sizes, int32_t capacity,
                                    const char **error) {
  return guard(error, [&]() -> int32_t {
    if (!function)
      return fail(error, "the function is a null pointer");
    Call call(*function, args, error);
    Sizes found;
    if (!call.checkCount(n, function->num_arguments, "its arguments") ||
        !call.checkTensors(n))
      return 1;
    call.prepare(call.readsDataForSizes());
    if (!call.getResultSizes(found))
      return 1;
    if (capacity < int64_t(found.size()) || (!sizes && !found.empty()))
      return fail(error, "the results of '" + std::string(function->name) +
                             "' have " + std::to_string(found.size()) +
                             " sizes, but there is room for " +
                             std::to_string(sizes ? capacity : 0));
    std::copy(found.begin(), found.end(), sizes);
    return 0;
  });
}

int32_t fp4q_function_call(const fp4q_function_desc *function,
                           const DLTensor *const *args, int32_t n, void *stream,
                           const char **error) {
  return guard(error, [&]() -> int32_t {
    if (!function)
      return fail(error, "the function is a null pointer");
    Call call(*function, args, error);
    Sizes sizes;
    if (!call.checkCount(n, call.numTensors(),
                         "its arguments and then its results") ||
        !call.checkTensors(n))
      return 1;
    call.prepare(/*withData=*/true);
    if (!call.getResultSizes(sizes) || !call.checkResults(sizes))
      return 1;
    return call.run(stream);
  });
}
