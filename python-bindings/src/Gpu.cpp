//===- Gpu.cpp - GPUs, and arrays in their memory -------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Gpu.h"

#include "Tensors.h"
#include "fp4q/Runtime/ArtifactFile.h"
#include "fp4q/Runtime/Gpu.h"
#include "fp4q/Target/TargetInfo.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

namespace nb = nanobind;
using namespace nb::literals;
using namespace fp4q;

using GPUInfo = nb::typed<nb::tuple, nb::str, int, int, int>;

static void check(int32_t status, const char *error) {
  if (status)
    throw std::runtime_error(error);
}

GpuMemory::GpuMemory(int32_t device, int64_t bytes)
    : device(device), bytes(bytes) {
  const char *error = nullptr;
  check(fp4q_gpu_allocate(device, bytes, &data, &error), error);
}

GpuMemory::~GpuMemory() {
  // It may fail only if the device is lost, and then there is nothing to do.
  fp4q_gpu_release(device, data, nullptr);
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

static fp4q_gpu_info describe(int32_t device) {
  fp4q_gpu_info info = {};
  info.size = sizeof(info);
  const char *error = nullptr;
  check(fp4q_gpu_describe(device, &info, &error), error);
  return info;
}

/// The GPUs, by name, compute capability and version of the driver;
/// RuntimeError says why there are none.
static nb::typed<nb::list, GPUInfo> getGPUs() {
  int32_t count = 0;
  const char *error = nullptr;
  check(fp4q_gpu_count(&count, &error), error);
  nb::list found;
  for (int32_t i = 0; i < count; ++i) {
    fp4q_gpu_info info = describe(i);
    found.append(
        nb::make_tuple(info.name, info.major, info.minor, info.driver_version));
  }
  return found;
}

/// The best chip of the target table for a device.
static std::string getGPUTarget(int32_t device) {
  fp4q_gpu_info info = describe(device);
  std::vector<ArtifactTarget> chips;
  for (size_t i = 0; i < numTargets; ++i)
    if (targets[i].kind == TargetKind::GPU)
      chips.push_back({targets[i].name, FP4Q_DL_CUDA, {}});
  std::string error;
  int best = selectGpuTarget(chips, device, info.major, info.minor,
                             getHostCpuFeatures(), error);
  if (best < 0)
    throw std::runtime_error("fp4q " + error);
  return chips[best].name;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

static GpuArray makeArray(const std::vector<int64_t> &sizes,
                          const std::string &dtype, int32_t device) {
  DLDataType type = {};
  if (!parseTypeName(dtype, type))
    throw nb::type_error(
        ("dtype '" + dtype + "' is none that an array on a GPU can have")
            .c_str());
  int64_t bytes = type.bits / 8;
  if (sizes.size() > size_t(BorrowedTensor::maxRank))
    throw nb::value_error("the array has too many dimensions");
  for (int64_t size : sizes)
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes))
      throw nb::value_error("the array has a size that memory cannot hold");
  return {std::make_shared<GpuMemory>(device, bytes), sizes, type, dtype};
}

static std::string describeShape(const std::vector<int64_t> &sizes) {
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i)
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + (sizes.size() == 1 ? ",)" : ")");
}

/// Copies between the array and the contiguous buffer of a Python object.
static void copy(const GpuArray &array, nb::handle object, bool toDevice) {
  Py_buffer buffer;
  if (PyObject_GetBuffer(object.ptr(), &buffer,
                         toDevice ? PyBUF_SIMPLE : PyBUF_WRITABLE) != 0)
    throw nb::python_error();
  const char *error = nullptr;
  int32_t status = 0;
  bool fits = buffer.len == array.memory->bytes;
  if (fits) {
    nb::gil_scoped_release release;
    int32_t device = array.memory->device;
    status = fp4q_gpu_synchronize(device, nullptr, &error);
    if (!status && buffer.len)
      status = fp4q_gpu_copy(device, toDevice ? array.memory->data : buffer.buf,
                             toDevice ? buffer.buf : array.memory->data,
                             buffer.len, &error);
  }
  PyBuffer_Release(&buffer);
  if (!fits)
    throw nb::value_error("the buffer has another size than the array");
  check(status, error);
}

/// As numpy: one size may be -1, for what the others leave.
static GpuArray reshape(const GpuArray &array, std::vector<int64_t> sizes) {
  int64_t total = array.memory->bytes / (array.type.bits / 8);
  auto open = std::find(sizes.begin(), sizes.end(), -1);
  int64_t rest = 1;
  bool fits = sizes.size() <= size_t(BorrowedTensor::maxRank);
  for (auto it = sizes.begin(); it != sizes.end(); ++it)
    if (it != open)
      fits &= *it >= 0 && !__builtin_mul_overflow(rest, *it, &rest);
  if (open != sizes.end())
    fits &= rest > 0 && total % rest == 0;
  else
    fits &= rest == total;
  if (!fits)
    throw nb::value_error(("an array of shape " + describeShape(array.sizes) +
                           " cannot be reshaped to " + describeShape(sizes) +
                           ": it has " + std::to_string(total) + " elements")
                              .c_str());
  if (open != sizes.end())
    *open = total / rest;
  return {array.memory, std::move(sizes), array.type, array.dtype};
}

void fp4q::bindGpu(nb::module_ &m) {
  nb::class_<GpuArray>(m, "GpuMemoryArray")
      .def("copy_from",
           [](const GpuArray &a, nb::object from) {
             copy(a, from, /*toDevice=*/true);
           })
      .def("copy_to", [](const GpuArray &a,
                         nb::object to) { copy(a, to, /*toDevice=*/false); })
      .def("reshaped", &reshape, "shape"_a)
      .def_prop_ro("sizes", [](const GpuArray &a) { return a.sizes; })
      .def_prop_ro("device",
                   [](const GpuArray &a) { return a.memory->device; });
  m.def("gpu_empty", &makeArray, "shape"_a, "dtype"_a, "device"_a);
  m.def("gpus", &getGPUs);
  m.def("gpu_target", &getGPUTarget, "device"_a);
}
