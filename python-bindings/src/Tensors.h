//===- Tensors.h - Python's arrays as DLPack tensors ------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_PYTHON_TENSORS_H
#define FP4Q_PYTHON_TENSORS_H

#include "fp4q/Runtime/DLPack.h"

#include <nanobind/nanobind.h>

#include <array>
#include <string_view>

namespace fp4q {

/// Whether an object stands for a number rather than for an array.
bool isNumber(nanobind::handle object);

/// A DLPack tensor on the memory of a Python object, for the time of a call.
/// Nothing is copied but the sizes and strides.
///
/// Taken are, in this order: floats and integers (as an f32 of rank 0), objects
/// whose type offers DLPack's C exchange API, numpy arrays (with the types of
/// ml_dtypes, whose arrays refuse __dlpack__), GpuMemory, and whatever has
/// __dlpack__.
class BorrowedTensor {
public:
  static constexpr int32_t maxRank = 8;

  BorrowedTensor() = default;
  BorrowedTensor(const BorrowedTensor &) = delete;
  BorrowedTensor &operator=(const BorrowedTensor &) = delete;
  ~BorrowedTensor();

  /// Borrows `object`, which must outlive this. `what` names it in errors.
  /// Throws TypeError if it is no array or lies in a type that DLPack lacks,
  /// ValueError if its rank is too large, or if `written` and it is read-only.
  void borrow(nanobind::handle object, const char *what, bool written);

  const DLTensor *get() const { return &tensor; }

  /// The stream on which the framework of `object`, whose type offers DLPack's
  /// C exchange API, works with the device now; else null, the default stream.
  static void *currentStream(nanobind::handle object, const DLDevice &device);

private:
  void borrowNumber(nanobind::handle object);
  bool borrowByExchange(nanobind::handle object);
  bool borrowNumpy(nanobind::handle object, const char *what, bool written);
  bool borrowGpu(nanobind::handle object);
  void borrowByDLPack(nanobind::handle object, const char *what, bool written);
  /// Takes over what `source` says, sizes and strides included.
  void copy(const DLTensor &source, const char *what);

  DLTensor tensor = {};
  std::array<int64_t, maxRank> sizes, strides;
  float number = 0;
  Py_buffer buffer = {};
  bool hasBuffer = false;
  /// What else must live as long as the tensor.
  nanobind::object owner;
};

/// The DLPack type that numpy and ml_dtypes call `name`; false if none.
bool parseTypeName(std::string_view name, DLDataType &type);

/// MLIR's name of the element type of a value: "bf16" of "tensor<?x64xbf16>".
std::string elementName(const char *type);

} // namespace fp4q

#endif // FP4Q_PYTHON_TENSORS_H
