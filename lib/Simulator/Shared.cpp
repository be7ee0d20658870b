//===- Shared.cpp - shared memory and its shadow --------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shared.h"

#include <algorithm>
#include <cstring>

using namespace fp4q::sim;

void SharedMemory::reset(uint32_t bytes, uint32_t warps, unsigned granuleShift,
                         bool checks, bool fresh) {
  data.assign(bytes, 0xCD);
  valid.assign(bytes, SharedView::Unwritten);
  size_t granules = checks ? (bytes >> granuleShift) + 1 : 0;
  uint64_t epoch = shadow.epoch;
  size_t words = granules * (warps + 2);
  // Marks of an earlier CTA are older than all that this one will compare them
  // with, so they may stay.
  if (fresh || cells.size() != words) {
    cells.assign(words, 0);
    epoch = 0;
  }
  shadow = SharedView();
  shadow.data = data.data();
  shadow.valid = valid.data();
  shadow.cells = cells.data();
  shadow.size = bytes;
  shadow.stride = warps + 2;
  shadow.shift = granuleShift;
  shadow.epoch = epoch + 1;
  syncClocks.clear();
}

void SharedMemory::addObject(uint32_t offset) {
  shadow.objectsLow = std::min(shadow.objectsLow, offset);
  shadow.objectsHigh = std::max(shadow.objectsHigh, offset + 8);
}

uint32_t SharedMemory::firstPending(uint32_t offset, uint32_t size) const {
  uint32_t end = offset + size;
  while (offset + 8 <= end) {
    uint64_t word;
    std::memcpy(&word, &valid[offset], 8);
    if (word & 0x0101010101010101u * SharedView::Pending)
      break;
    offset += 8;
  }
  while (offset < end && valid[offset] != SharedView::Pending)
    ++offset;
  return offset;
}

// An access is ordered behind an earlier one of another warp if its warp has
// synchronized with a later moment of that warp, and behind one of another lane
// of its own warp if the warp has synchronized its lanes since.
bool SharedMemory::ordered(uint64_t earlier, uint64_t now,
                           const std::vector<uint32_t> &clock) {
  if (!earlier)
    return true;
  uint32_t warp = AccessMark::warp(earlier);
  if (warp != AccessMark::warp(now))
    return AccessMark::clock(earlier) <= clock[warp];
  uint32_t lane = AccessMark::lane(earlier);
  return AccessMark::clock(earlier) < clock[warp] ||
         (lane == AccessMark::lane(now) && lane != AccessMark::kWholeWarp);
}

Race SharedMemory::recordRead(uint32_t offset, uint32_t size, uint64_t mark,
                              const std::vector<uint32_t> &clock) {
  uint32_t first = offset >> shadow.shift;
  uint32_t last = (offset + size - 1) >> shadow.shift;
  bool atomic = AccessMark::atomic(mark);
  for (uint32_t g = first; g <= last; ++g) {
    uint64_t *at = cell(g);
    uint64_t writer = at[0];
    if (!ordered(writer, mark, clock) &&
        !(atomic && AccessMark::atomic(writer)))
      return {writer, true, g << shadow.shift};
    uint64_t &mine = at[2 + AccessMark::warp(mark)];
    // Two lanes that read at the same clock: any lane's write conflicts.
    bool shared = AccessMark::clock(mine) == AccessMark::clock(mark) &&
                  AccessMark::lane(mine) != AccessMark::lane(mark);
    at[1] = shadow.epoch;
    mine = shared ? mark | uint64_t(AccessMark::kWholeWarp) << 21 : mark;
  }
  return {};
}

Race SharedMemory::recordWrite(uint32_t offset, uint32_t size, uint64_t mark,
                               const std::vector<uint32_t> &clock,
                               const void *value) {
  uint32_t first = offset >> shadow.shift;
  uint32_t last = (offset + size - 1) >> shadow.shift;
  bool atomic = AccessMark::atomic(mark);
  for (uint32_t g = first; g <= last; ++g) {
    uint64_t writer = cell(g)[0];
    bool sameInst = AccessMark::inst(writer) == AccessMark::inst(mark) &&
                    AccessMark::warp(writer) == AccessMark::warp(mark);
    bool sameValue =
        value && sameInst && std::memcmp(&data[offset], value, size) == 0;
    if (!ordered(writer, mark, clock) && !sameValue &&
        !(atomic && AccessMark::atomic(writer)))
      return {writer, true, g << shadow.shift};
  }
  for (uint32_t g = first; g <= last; ++g) {
    // Readers of an earlier epoch are ordered before this write.
    const uint64_t *at = cell(g);
    for (uint32_t w = 2; at[1] == shadow.epoch && w < shadow.stride; ++w)
      if (!ordered(at[w], mark, clock) &&
          !(atomic && AccessMark::atomic(at[w])))
        return {at[w], false, g << shadow.shift};
  }
  for (uint32_t g = first; g <= last; ++g)
    cell(g)[0] = mark;
  return {};
}
