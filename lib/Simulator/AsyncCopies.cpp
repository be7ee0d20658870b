//===- AsyncCopies.cpp - the copies a warp has in flight ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace fp4q::sim;

AsyncCopy &CopyQueue::push() {
  if (count == ring.size()) {
    std::vector<AsyncCopy> larger(count ? 2 * count : 4);
    for (size_t i = 0; i < count; ++i)
      larger[i] = (*this)[i];
    ring.swap(larger);
    head = 0;
  }
  return (*this)[count++];
}

void fp4q::sim::issueCopy(Warp &warp, const Inst &inst, uint32_t lane,
                          uint64_t to, uint64_t from, uint32_t bytes,
                          AsyncCopy &copy) {
  uint32_t size = copy.bytes;
  if (bytes > size)
    raise(warp, inst, FaultKind::Illegal, lane,
          "source size " + std::to_string(bytes) + " is above the copy size " +
              std::to_string(size));
  // A full copy must be aligned to its size; the rest of a partial one is zero
  // filled.
  std::memset(copy.data[lane], 0, sizeof(copy.data[lane]));
  uint32_t step = bytes == size ? size : 1;
  for (uint32_t done = 0; done < bytes; done += step)
    std::memcpy(copy.data[lane] + done,
                globalBytes(warp, inst, lane, from + done, step, Access::Read),
                step);
  uint32_t offset;
  sharedBytes(warp, inst, lane, to, size, Access::Write);
  if (&sharedOwner(warp, inst, lane, to, offset) != warp.cta)
    raise(warp, inst, FaultKind::Illegal, lane,
          "cp.async to the shared memory of another CTA", to);
  copy.target[lane] = offset;
  if (warp.cta->launch->options.checks)
    warp.cta->shared.setPending(offset, size);
}

/// The lanes of a copy become visible: written by what `mark` says.
template <uint32_t Size>
static void complete(SharedView &view, const AsyncCopy &copy, uint32_t lanes,
                     bool checks, uint64_t mark) {
  uint8_t *const data = view.data, *const valid = view.valid;
  uint64_t *const cells = view.cells;
  const size_t stride = view.stride;
  const unsigned shift = view.shift;
  if (checks)
    view.pendingBytes -= uint32_t(__builtin_popcount(lanes)) * Size;
  for (; lanes; lanes &= lanes - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(lanes));
    uint32_t target = copy.target[lane];
    std::memcpy(data + target, copy.data[lane], Size);
    if (!checks)
      continue;
    std::memset(valid + target, SharedView::Written, Size);
    uint64_t *cell = cells + size_t(target >> shift) * stride;
    for (uint32_t i = Size >> shift; i; --i, cell += stride)
      *cell = mark | uint64_t(lane) << 21;
  }
}

/// The lanes' copies become visible, as written at this clock of the warp.
static void completeLanes(Warp &warp, AsyncCopy &copy, uint32_t lanes,
                          uint32_t clock) {
  SharedView &view = warp.cta->shared.view();
  bool checks = warp.cta->launch->options.checks;
  uint64_t mark =
      AccessMark::make(clock, warp.clusterId, 0, /*atomic=*/false, copy.index);
  copy.mask &= ~lanes;
  if (copy.bytes == 16)
    complete<16>(view, copy, lanes, checks, mark);
  else if (copy.bytes == 8)
    complete<8>(view, copy, lanes, checks, mark);
  else
    complete<4>(view, copy, lanes, checks, mark);
}

static void dropCompleted(Warp &warp) {
  while (warp.copies.size() && !warp.copies[0].mask)
    warp.copies.popOldest();
}

void fp4q::sim::completeCopies(Warp &warp, uint32_t mask,
                               const uint32_t *upTo) {
  for (size_t i = 0; i < warp.copies.size(); ++i) {
    AsyncCopy &copy = warp.copies[i];
    uint32_t ready = 0;
    for (uint32_t lane = 0; lane < 32; ++lane)
      ready |= uint32_t(copy.group[lane] < upTo[lane]) << lane;
    ready &= copy.mask & mask;
    if (ready)
      completeLanes(warp, copy, ready, warp.clock[warp.clusterId]);
  }
  dropCompleted(warp);
  ++warp.cta->cluster->events;
}

void fp4q::sim::trackCopies(Warp &warp, uint32_t lane, uint32_t mbarrier,
                            uint64_t phase) {
  uint32_t bit = 1u << lane;
  for (size_t i = 0; i < warp.copies.size(); ++i) {
    AsyncCopy &copy = warp.copies[i];
    if (!(copy.mask & ~copy.tracked & bit))
      continue;
    copy.tracked |= bit;
    copy.mbarrier[lane] = mbarrier;
    copy.phase[lane] = phase;
    copy.trackClock = warp.clock[warp.clusterId];
  }
}

void fp4q::sim::completeTracked(Cta &cta, uint32_t mbarrier, uint64_t phase) {
  for (Warp &warp : cta.warps) {
    for (size_t i = 0; i < warp.copies.size(); ++i) {
      AsyncCopy &copy = warp.copies[i];
      uint32_t ready = 0;
      for (uint32_t left = copy.mask & copy.tracked; left; left &= left - 1) {
        uint32_t lane = uint32_t(__builtin_ctz(left));
        bool done = copy.mbarrier[lane] == mbarrier && copy.phase[lane] < phase;
        ready |= uint32_t(done) << lane;
      }
      if (ready)
        completeLanes(warp, copy, ready, copy.trackClock);
    }
    dropCompleted(warp);
  }
}
