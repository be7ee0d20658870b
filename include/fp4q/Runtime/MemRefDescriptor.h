//===- MemRefDescriptor.h - tensors as compiled code takes them -*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_MEMREFDESCRIPTOR_H
#define FP4Q_RUNTIME_MEMREFDESCRIPTOR_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fp4q {

/// The memref descriptor of MLIR's C interface for a row-major, contiguous
/// tensor of any rank: two pointers, the offset, then the sizes and the
/// strides, each 64 bits wide.
inline std::vector<int64_t>
makeMemRefDescriptor(void *data, const int64_t *sizes, size_t rank) {
  std::vector<int64_t> descriptor(3 + 2 * rank);
  descriptor[0] = descriptor[1] = reinterpret_cast<intptr_t>(data);
  // Beside a size of 0, others may be too large to multiply.
  uint64_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    descriptor[3 + i] = sizes[i];
    descriptor[3 + rank + i] = int64_t(stride);
    stride *= uint64_t(sizes[i]);
  }
  return descriptor;
}

} // namespace fp4q

#endif // FP4Q_RUNTIME_MEMREFDESCRIPTOR_H
