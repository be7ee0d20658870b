//===- Tensors.cpp - Python's arrays as DLPack tensors --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes and strides are copied, because compiled code runs without the GIL, and
// then another thread may reshape the object in place.
//
// The structures are those of https://dmlc.github.io/dlpack/latest/c_api.html.
//
//===----------------------------------------------------------------------===//

#include "Tensors.h"

#include "Gpu.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

namespace nb = nanobind;
using namespace fp4q;

//===----------------------------------------------------------------------===//
// The parts of DLPack that only this file uses
//===----------------------------------------------------------------------===//

namespace {

struct ManagedTensor {
  DLTensor tensor;
  void *manager;
  void (*deleter)(ManagedTensor *);
};

struct Version {
  uint32_t major, minor;
};

struct ManagedTensorVersioned {
  Version version;
  void *manager;
  void (*deleter)(ManagedTensorVersioned *);
  uint64_t flags;
  DLTensor tensor;
};

constexpr uint64_t readOnlyFlag = 1;

struct ExchangeAPI {
  Version version;
  ExchangeAPI *previous;
  void *allocate, *fromObject, *toObject;
  int (*tensorFromObject)(void *object, DLTensor *out);
  int (*currentStream)(int32_t deviceType, int32_t device, void **out);
};

} // namespace

/// The exchange API of a type, or null. Types are never freed while we know
/// them: the table holds a reference.
static const ExchangeAPI *findExchangeAPI(PyTypeObject *type) {
  static auto *known = new std::unordered_map<PyTypeObject *, ExchangeAPI *>;
  auto found = known->find(type);
  if (found != known->end())
    return found->second;
  ExchangeAPI *api = nullptr;
  nb::handle object(reinterpret_cast<PyObject *>(type));
  nb::object capsule =
      nb::getattr(object, "__dlpack_c_exchange_api__", nb::none());
  if (PyCapsule_IsValid(capsule.ptr(), "dlpack_exchange_api"))
    api = static_cast<ExchangeAPI *>(
        PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
  while (api && api->version.major != 1)
    api = api->previous;
  if (api && !api->tensorFromObject)
    api = nullptr;
  object.inc_ref();
  known->emplace(type, api);
  return api;
}

//===----------------------------------------------------------------------===//
// Borrowing
//===----------------------------------------------------------------------===//

BorrowedTensor::~BorrowedTensor() {
  if (hasBuffer)
    PyBuffer_Release(&buffer);
}

void BorrowedTensor::copy(const DLTensor &source, const char *what) {
  if (source.ndim > maxRank)
    throw nb::value_error((std::string(what) + " has rank " +
                           std::to_string(source.ndim) + ", the most is " +
                           std::to_string(maxRank))
                              .c_str());
  tensor = source;
  std::copy_n(source.shape, source.ndim, sizes.begin());
  tensor.shape = sizes.data();
  if (!source.strides)
    return;
  std::copy_n(source.strides, source.ndim, strides.begin());
  tensor.strides = strides.data();
}

bool fp4q::isNumber(nb::handle object) {
  PyTypeObject *type = Py_TYPE(object.ptr());
  if (type == &PyFloat_Type || type == &PyLong_Type)
    return true;
  if (PyBool_Check(object.ptr()) || !type->tp_as_number ||
      !type->tp_as_number->nb_float)
    return false;
  // Scalars of numpy and the like are numbers, arrays of rank 0 are not.
  return PyFloat_Check(object.ptr()) || PyLong_Check(object.ptr()) ||
         !nb::hasattr(object, "__dlpack__");
}

void BorrowedTensor::borrowNumber(nb::handle object) {
  double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred())
    throw nb::python_error();
  number = static_cast<float>(value);
  tensor = {&number, {FP4Q_DL_CPU, 0}, 0, {FP4Q_DL_FLOAT, 32, 1},
            nullptr, nullptr,          0};
}

bool BorrowedTensor::borrowByExchange(nb::handle object) {
  const ExchangeAPI *api = findExchangeAPI(Py_TYPE(object.ptr()));
  if (!api)
    return false;
  DLTensor found;
  if (api->tensorFromObject(object.ptr(), &found) != 0)
    throw nb::python_error();
  copy(found, "the tensor");
  return true;
}

/// The DLPack type of a buffer's format: native byte order only.
static bool parseFormat(const char *format, int64_t bytes, DLDataType &type) {
  if (!format || std::strlen(format) != 1)
    return false;
  uint8_t code;
  if (std::strchr("efd", *format))
    code = FP4Q_DL_FLOAT;
  else if (std::strchr("bhilq", *format))
    code = FP4Q_DL_INT;
  else if (std::strchr("BHILQ", *format))
    code = FP4Q_DL_UINT;
  else
    return false;
  type = {code, uint8_t(bytes * 8), 1};
  return true;
}

/// Types of ml_dtypes that DLPack knows, by the names of their dtypes.
static bool parseMLType(std::string_view name, DLDataType &type) {
  if (name == "bfloat16")
    type = {FP4Q_DL_BFLOAT, 16, 1};
  else if (name == "float8_e4m3fn")
    type = {FP4Q_DL_FLOAT8_E4M3FN, 8, 1};
  else if (name == "float8_e8m0fnu")
    type = {FP4Q_DL_FLOAT8_E8M0FNU, 8, 1};
  else
    return false;
  return true;
}

bool fp4q::parseTypeName(std::string_view name, DLDataType &type) {
  static constexpr std::pair<std::string_view, DLDataType> known[] = {
      {"float16", {FP4Q_DL_FLOAT, 16, 1}}, {"float32", {FP4Q_DL_FLOAT, 32, 1}},
      {"float64", {FP4Q_DL_FLOAT, 64, 1}}, {"int8", {FP4Q_DL_INT, 8, 1}},
      {"int16", {FP4Q_DL_INT, 16, 1}},     {"int32", {FP4Q_DL_INT, 32, 1}},
      {"int64", {FP4Q_DL_INT, 64, 1}},     {"uint8", {FP4Q_DL_UINT, 8, 1}},
      {"uint16", {FP4Q_DL_UINT, 16, 1}},   {"uint32", {FP4Q_DL_UINT, 32, 1}},
      {"uint64", {FP4Q_DL_UINT, 64, 1}}};
  for (const auto &row : known)
    if (row.first == name) {
      type = row.second;
      return true;
    }
  return parseMLType(name, type);
}

static std::string typeNameOf(nb::handle array) {
  nb::object type = array.attr("dtype");
  return nb::str(type).c_str();
}

[[noreturn]] static void throwType(nb::handle array, const char *what) {
  throw nb::type_error((std::string(what) + " is an array of " +
                        typeNameOf(array) +
                        ", which no compiled function takes")
                           .c_str());
}

bool BorrowedTensor::borrowNumpy(nb::handle object, const char *what,
                                 bool written) {
  if (std::strcmp(Py_TYPE(object.ptr())->tp_name, "numpy.ndarray") != 0)
    return false;
  DLDataType dtype = {};
  int flags = PyBUF_STRIDES | PyBUF_FORMAT | (written ? PyBUF_WRITABLE : 0);
  int status = PyObject_GetBuffer(object.ptr(), &buffer, flags);
  if (status != 0) {
    PyErr_Clear();
    if (written && !nb::cast<bool>(object.attr("flags").attr("writeable")))
      throw nb::value_error((std::string(what) + " is read-only").c_str());
    // ml_dtypes' arrays have no buffers, so theirs is that of a view.
    if (parseMLType(typeNameOf(object), dtype)) {
      owner = object.attr("view")(dtype.bits == 16 ? "u2" : "u1");
      status = PyObject_GetBuffer(owner.ptr(), &buffer, flags);
    }
  }
  if (status != 0)
    throwType(object, what);
  hasBuffer = true;
  if (dtype.bits == 0 && !parseFormat(buffer.format, buffer.itemsize, dtype))
    throwType(object, what);
  if (buffer.ndim > maxRank)
    throw nb::value_error((std::string(what) + " has rank " +
                           std::to_string(buffer.ndim) + ", the most is " +
                           std::to_string(maxRank))
                              .c_str());
  for (int i = 0; i < buffer.ndim; ++i) {
    sizes[i] = buffer.shape[i];
    if (buffer.strides[i] % buffer.itemsize != 0 && sizes[i] > 1)
      throw nb::value_error((std::string(what) +
                             " has strides that are no multiples of an element")
                                .c_str());
    strides[i] = buffer.strides[i] / buffer.itemsize;
  }
  tensor = {buffer.buf, {FP4Q_DL_CPU, 0}, buffer.ndim,
            dtype,      sizes.data(),     strides.data(),
            0};
  return true;
}

bool BorrowedTensor::borrowGpu(nb::handle object) {
  // GpuArray of _gpu.py, which says what dtypes are.
  nb::object memory = nb::getattr(object, "__fp4q_memory__", nb::none());
  const GpuArray *array = nullptr;
  if (memory.is_none() || !nb::try_cast(memory, array))
    return false;
  std::copy(array->sizes.begin(), array->sizes.end(), sizes.begin());
  tensor = {array->memory->data,
            {FP4Q_DL_CUDA, array->memory->device},
            int32_t(array->sizes.size()),
            array->type,
            sizes.data(),
            nullptr,
            0};
  return true;
}

void *BorrowedTensor::currentStream(nb::handle object, const DLDevice &device) {
  const ExchangeAPI *api = findExchangeAPI(Py_TYPE(object.ptr()));
  void *stream = nullptr;
  if (!api || !api->currentStream)
    return nullptr;
  if (api->currentStream(int32_t(device.device_type), device.device_id,
                         &stream) != 0)
    throw nb::python_error();
  return stream;
}

void BorrowedTensor::borrowByDLPack(nb::handle object, const char *what,
                                    bool written) {
  if (!nb::hasattr(object, "__dlpack__"))
    throw nb::type_error((std::string(what) + " is " +
                          Py_TYPE(object.ptr())->tp_name +
                          ", but must be an array with __dlpack__")
                             .c_str());
  nb::object capsule;
  try {
    capsule = object.attr("__dlpack__")(nb::arg("max_version") =
                                            nb::make_tuple(1, 0));
  } catch (nb::python_error &error) {
    if (!error.matches(PyExc_TypeError))
      throw;
    // Objects from before DLPack 1.0 do not know the argument.
    capsule = object.attr("__dlpack__")();
  }
  // The capsule keeps its name, so it frees the tensor itself when it dies.
  if (auto *versioned = static_cast<ManagedTensorVersioned *>(
          PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned"))) {
    if (versioned->version.major != 1)
      throw nb::type_error((std::string(what) + " has a DLPack version other "
                                                "than 1")
                               .c_str());
    if (written && (versioned->flags & readOnlyFlag))
      throw nb::value_error((std::string(what) + " is read-only").c_str());
    copy(versioned->tensor, what);
  } else {
    PyErr_Clear();
    auto *managed = static_cast<ManagedTensor *>(
        PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
    if (!managed)
      throw nb::python_error();
    copy(managed->tensor, what);
  }
  owner = std::move(capsule);
}

void BorrowedTensor::borrow(nb::handle object, const char *what, bool written) {
  if (!written && isNumber(object))
    return borrowNumber(object);
  if (!borrowByExchange(object) && !borrowNumpy(object, what, written) &&
      !borrowGpu(object))
    borrowByDLPack(object, what, written);
}

std::string fp4q::elementName(const char *type) {
  std::string_view text = type;
  size_t begin = text.find_last_of("x<");
  // "f8E8M0FNU" has no 'x', and a scalar has neither.
  if (begin == std::string_view::npos)
    return std::string(text);
  text.remove_prefix(begin + 1);
  if (!text.empty() && text.back() == '>')
    text.remove_suffix(1);
  return std::string(text);
}
