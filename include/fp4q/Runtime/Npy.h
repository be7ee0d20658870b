//===- Npy.h - NumPy's .npy files -------------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A strict reader and writer of the .npy format, versions 1.0, 2.0 and 3.0
// (numpy.lib.format). Arrays are C-ordered and little-endian. Whatever a file
// contains, the outcome is an array or one error that names the file.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_NPY_H
#define FP4Q_RUNTIME_NPY_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fp4q {

/// The element types of .npy files that are understood. bf16 travels as U16,
/// codes and f8 scales as U8.
enum class NpyType : uint8_t {
  Bool,
  I8,
  I16,
  I32,
  I64,
  U8,
  U16,
  U32,
  U64,
  F16,
  F32,
  F64
};

/// NumPy's name of `type`, for example "float32".
const char *npyTypeName(NpyType type);

/// Bytes of one element of `type`.
int64_t npyTypeSize(NpyType type);

/// An array in row-major order.
struct NpyArray {
  NpyType type = NpyType::F32;
  std::vector<int64_t> shape; ///< empty for a scalar
  std::vector<uint8_t> data;  ///< product of shape times npyTypeSize bytes
};

/// Bytes of an array of `type` and `shape`, or nothing if a dimension is
/// negative or the number does not fit int64_t.
std::optional<int64_t> npyDataSize(NpyType type,
                                   const std::vector<int64_t> &shape);

/// Reads the file at `path`. On failure returns nothing and sets `error` to one
/// line that names the file and what is wrong with it: missing, not a regular
/// file, not .npy, truncated, bytes left over, a header that is malformed, a
/// dtype that is not one of NpyType, big-endian or Fortran order, a shape that
/// does not fit.
std::optional<NpyArray> readNpy(const std::string &path, std::string &error);

/// Checks that the array read from `path` has the given type and shape, where
/// -1 stands for any size. On failure returns false and sets `error` to one
/// line with what was expected and what was found.
bool checkNpy(const std::string &path, const NpyArray &array, NpyType type,
              const std::vector<int64_t> &shape, std::string &error);

/// Writes `data`, of the given type and shape, to `path`. The bytes go to a
/// temporary file beside it, which is renamed once complete, so that `path` is
/// never left half-written; only what is no regular file, such as /dev/stdout,
/// is written directly. On failure returns false, removes the temporary file
/// and sets `error` to one line that names `path`.
bool writeNpy(const std::string &path, NpyType type,
              const std::vector<int64_t> &shape, const void *data,
              std::string &error);

} // namespace fp4q

#endif // FP4Q_RUNTIME_NPY_H
