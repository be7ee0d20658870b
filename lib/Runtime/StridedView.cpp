//===- StridedView.cpp - tensors that are not contiguous ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StridedView.h"

#include "fp4q/Runtime/ParallelFor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace fp4q;

/// So much is copied by one task.
constexpr int64_t kTaskBytes = 1 << 16;
/// Views of more runs than this are not compared one by one.
constexpr int64_t kMaxRuns = int64_t(1) << 24;

bool StridedView::init(void *address, int64_t size, const int64_t *sizes,
                       const int64_t *strides, int32_t rank) {
  data = static_cast<char *>(address);
  elementBytes = bytes = size;
  dims.clear();
  for (int32_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(bytes, sizes[i], &bytes))
      return false;
  low = high = reinterpret_cast<uintptr_t>(data);
  if (bytes == 0)
    return true;
  high += uintptr_t(size);

  // From the last dimension to the first, then turned round.
  int64_t contiguous = size;
  for (int32_t i = rank; i-- > 0;) {
    if (sizes[i] == 1)
      continue;
    int64_t stride = contiguous, reach = 0;
    contiguous *= sizes[i];
    if (strides && __builtin_mul_overflow(strides[i], size, &stride))
      return false;
    if (__builtin_mul_overflow(stride, sizes[i] - 1, &reach))
      return false;
    uintptr_t distance = reach < 0 ? -uintptr_t(reach) : uintptr_t(reach);
    if (reach < 0 ? distance > low : high > UINTPTR_MAX - distance)
      return false;
    (reach < 0 ? low : high) += uintptr_t(reach);
    if (high - low > uintptr_t(INT64_MAX))
      return false;
    if (!dims.empty() && stride == dims.back().size * dims.back().stride)
      dims.back().size *= sizes[i];
    else
      dims.push_back({sizes[i], stride});
  }
  std::reverse(dims.begin(), dims.end());
  return true;
}

bool StridedView::isContiguous() const {
  return dims.empty() ||
         (dims.size() == 1 && dims.front().stride == elementBytes);
}

bool StridedView::isAligned() const {
  return reinterpret_cast<uintptr_t>(data) % uintptr_t(elementBytes) == 0;
}

bool StridedView::mayOverlapItself() const {
  std::vector<Dim> sorted = dims;
  for (Dim &dim : sorted)
    dim.stride = std::abs(dim.stride);
  std::sort(sorted.begin(), sorted.end(),
            [](const Dim &a, const Dim &b) { return a.stride < b.stride; });
  int64_t reach = elementBytes;
  for (const Dim &dim : sorted) {
    if (dim.stride < reach)
      return true;
    reach += (dim.size - 1) * dim.stride;
  }
  return false;
}

int64_t StridedView::getRunBytes() const {
  if (!dims.empty() && dims.back().stride == elementBytes)
    return dims.back().size * elementBytes;
  return elementBytes;
}

void StridedView::appendRuns(
    std::vector<std::pair<uintptr_t, uintptr_t>> &runs) const {
  int64_t runBytes = getRunBytes();
  for (int64_t number = 0; number < bytes / runBytes; ++number) {
    auto address = reinterpret_cast<uintptr_t>(data);
    int64_t rest = number;
    size_t last = dims.size() - (runBytes != elementBytes ? 1 : 0);
    for (size_t i = last; i-- > 0; rest /= dims[i].size)
      address += uintptr_t(rest % dims[i].size * dims[i].stride);
    runs.emplace_back(address, address + uintptr_t(runBytes));
  }
}

bool StridedView::overlaps(const StridedView &other) const {
  if (isEmpty() || other.isEmpty() || low >= other.high || other.low >= high)
    return false;
  if (isContiguous() && other.isContiguous())
    return true;
  if (bytes / getRunBytes() > kMaxRuns ||
      other.bytes / other.getRunBytes() > kMaxRuns)
    return true;
  std::vector<std::pair<uintptr_t, uintptr_t>> runs, others;
  appendRuns(runs);
  other.appendRuns(others);
  std::sort(runs.begin(), runs.end());
  std::sort(others.begin(), others.end());
  for (size_t i = 0, j = 0; i < runs.size() && j < others.size();) {
    if (runs[i].second <= others[j].first)
      ++i;
    else if (others[j].second <= runs[i].first)
      ++j;
    else
      return true;
  }
  return false;
}

/// Copies `count` elements of `size` bytes, a constant for the compiler.
template <int64_t size, bool toView>
static void copyElements(char *view, int64_t stride, char *contiguous,
                         int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    char *element = view + i * stride, *other = contiguous + i * size;
    std::memcpy(toView ? element : other, toView ? other : element, size);
  }
}

/// Copies `count` elements that are `stride` bytes apart in the view.
template <bool toView>
static void copyRow(char *view, int64_t stride, char *contiguous, int64_t count,
                    int64_t elementBytes) {
  if (stride == elementBytes) {
    std::memcpy(toView ? view : contiguous, toView ? contiguous : view,
                size_t(count * elementBytes));
    return;
  }
  switch (elementBytes) {
  case 1:
    return copyElements<1, toView>(view, stride, contiguous, count);
  case 2:
    return copyElements<2, toView>(view, stride, contiguous, count);
  case 4:
    return copyElements<4, toView>(view, stride, contiguous, count);
  default:
    return copyElements<8, toView>(view, stride, contiguous, count);
  }
}

template <bool toView>
void StridedView::copy(char *contiguous) const {
  if (isEmpty())
    return;
  struct Job {
    const StridedView &view;
    char *contiguous;
    Dim inner;
  };
  Job job{*this, contiguous, dims.empty() ? Dim{1, elementBytes} : dims.back()};
  int64_t rowBytes = job.inner.size * elementBytes;
  fp4q_parallel_for(
      0, bytes / rowBytes, std::max<int64_t>(1, kTaskBytes / rowBytes),
      [](void *context, int64_t begin, int64_t end) {
        auto &[view, contiguous, inner] = *static_cast<Job *>(context);
        int64_t rowBytes = inner.size * view.elementBytes;
        for (int64_t row = begin; row < end; ++row) {
          char *address = view.data;
          int64_t rest = row;
          for (size_t i = view.dims.empty() ? 0 : view.dims.size() - 1; i-- > 0;
               rest /= view.dims[i].size)
            address += rest % view.dims[i].size * view.dims[i].stride;
          copyRow<toView>(address, inner.stride, contiguous + row * rowBytes,
                          inner.size, view.elementBytes);
        }
      },
      &job);
}

void StridedView::copyTo(void *contiguous) const {
  copy</*toView=*/false>(static_cast<char *>(contiguous));
}

void StridedView::copyFrom(const void *contiguous) const {
  copy</*toView=*/true>(
      const_cast<char *>(static_cast<const char *>(contiguous)));
}
