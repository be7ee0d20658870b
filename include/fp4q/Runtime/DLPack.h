//===- DLPack.h - the tensors that cross the artifact's ABI -----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of DLPack that fp4q uses: DLTensor, whose layout has been stable
// since DLPack 0.2, and the type codes up to DLPack 1.1
// (https://dmlc.github.io/dlpack/latest/c_api.html). It is declared here
// because packaged headers are older than the f8 type codes. A program that
// also uses DLPack's own header includes that one first; it is then used.
//
// This header is plain C.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_DLPACK_H
#define FP4Q_RUNTIME_DLPACK_H

#include <stdint.h>

#ifndef DLPACK_DLPACK_H_

/// Where the data of a tensor lies; device_type is a DLDeviceType.
typedef struct {
  int32_t device_type;
  int32_t device_id;
} DLDevice;

/// The type of an element: `lanes` values of `bits` bits each; code is a
/// DLDataTypeCode.
typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

/// A strided view of memory that belongs to someone else.
typedef struct {
  /// The allocation; the first element lies byte_offset bytes further.
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  /// ndim sizes.
  int64_t *shape;
  /// ndim strides, counted in elements; null if row-major and contiguous.
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;

#endif // DLPACK_DLPACK_H_

/// The values of DLDeviceType that the runtime knows.
enum {
  FP4Q_DL_CPU = 1,
  FP4Q_DL_CUDA = 2,
  /// Pinned host memory, which the CPU may use as any other.
  FP4Q_DL_CUDA_HOST = 3
};

/// The values of DLDataTypeCode that artifacts use.
enum {
  FP4Q_DL_INT = 0,
  FP4Q_DL_UINT = 1,
  FP4Q_DL_FLOAT = 2,
  FP4Q_DL_BFLOAT = 4,
  FP4Q_DL_FLOAT8_E4M3FN = 10,
  FP4Q_DL_FLOAT8_E8M0FNU = 14
};

#endif // FP4Q_RUNTIME_DLPACK_H
