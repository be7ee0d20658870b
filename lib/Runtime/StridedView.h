//===- StridedView.h - tensors that are not contiguous ----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code knows row-major, contiguous, aligned tensors only. Here is what
// the runtime needs to copy others from and to such ones.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_RUNTIME_STRIDEDVIEW_H
#define FP4Q_LIB_RUNTIME_STRIDEDVIEW_H

#include <cstdint>
#include <vector>

namespace fp4q {

/// Elements in memory, of 1, 2, 4 or 8 bytes, with strides of any sign.
/// Dimensions of size 1 are dropped, and those that make one run are merged.
class StridedView {
public:
  /// A view of the element at `data`, or of as many as the `rank` sizes say, at
  /// distances of `strides` elements (null: row-major, contiguous). Returns
  /// false if its addresses do not fit into an address space.
  bool init(void *data, int64_t elementBytes, const int64_t *sizes,
            const int64_t *strides, int32_t rank);

  bool isEmpty() const { return bytes == 0; }
  /// Row-major, without gaps.
  bool isContiguous() const;
  bool isAligned() const;
  /// Whether two elements may be at one address. True also for some unusual
  /// strides with which they are not.
  bool mayOverlapItself() const;
  /// Whether an element of one view shares memory with one of the other; also
  /// true where finding out would take too long.
  bool overlaps(const StridedView &other) const;

  /// The address of the first element.
  char *getData() const { return data; }
  /// Bytes of all elements.
  int64_t getBytes() const { return bytes; }

  /// Copies the elements to contiguous memory, on fp4q_parallel_for.
  void copyTo(void *contiguous) const;
  /// Copies contiguous memory to the elements.
  void copyFrom(const void *contiguous) const;

private:
  struct Dim {
    int64_t size;
    /// In bytes.
    int64_t stride;
  };

  /// How many bytes lie together, and how many such runs there are.
  int64_t getRunBytes() const;
  void appendRuns(std::vector<std::pair<uintptr_t, uintptr_t>> &runs) const;
  template <bool toView>
  void copy(char *contiguous) const;

  char *data = nullptr;
  int64_t elementBytes = 1, bytes = 0;
  /// The addresses [low, high) that elements lie in.
  uintptr_t low = 0, high = 0;
  std::vector<Dim> dims;
};

} // namespace fp4q

#endif // FP4Q_LIB_RUNTIME_STRIDEDVIEW_H
