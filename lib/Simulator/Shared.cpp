//===- Shared.cpp - shared memory and its shadow --------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shared.h"

#include <cstring>

using namespace fp4q::sim;

void SharedMemory::reset(uint32_t bytes, uint32_t numWarps,
                         unsigned granuleShift, bool checks) {
  warps = numWarps;
  shift = granuleShift;
  data.assign(bytes, 0xCD);
  valid.assign(bytes, Unwritten);
  granules = checks ? (bytes >> shift) + 1 : 0;
  writers.assign(granules, 0);
  readers.assign(size_t(granules) * warps, 0);
  readEpochs.assign(granules, 0);
  epoch = 1;
  pendingBytes = 0;
  syncClocks.clear();
}

uint32_t SharedMemory::firstPending(uint32_t offset, uint32_t size) const {
  uint32_t end = offset + size;
  while (offset + 8 <= end) {
    uint64_t word;
    std::memcpy(&word, &valid[offset], 8);
    if (word & 0x0101010101010101u * Pending)
      break;
    offset += 8;
  }
  while (offset < end && valid[offset] != Pending)
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
  uint32_t first = offset >> shift, last = (offset + size - 1) >> shift;
  uint64_t *mine = &readers[size_t(AccessMark::warp(mark)) * granules];
  bool atomic = AccessMark::atomic(mark);
  uint64_t checked = 0;
  for (uint32_t g = first; g <= last; ++g) {
    uint64_t writer = writers[g];
    if (writer != checked) {
      if (!ordered(writer, mark, clock) &&
          !(atomic && AccessMark::atomic(writer)))
        return {writer, true, g << shift};
      checked = writer;
    }
    uint64_t before = mine[g];
    // Two lanes that read at the same clock: any lane's write conflicts.
    bool shared = AccessMark::clock(before) == AccessMark::clock(mark) &&
                  AccessMark::lane(before) != AccessMark::lane(mark);
    readEpochs[g] = epoch;
    mine[g] = shared ? mark | uint64_t(AccessMark::kWholeWarp) << 21 : mark;
  }
  return {};
}

Race SharedMemory::recordWrite(uint32_t offset, uint32_t size, uint64_t mark,
                               const std::vector<uint32_t> &clock,
                               const void *value) {
  uint32_t first = offset >> shift, last = (offset + size - 1) >> shift;
  bool atomic = AccessMark::atomic(mark);
  for (uint32_t g = first; g <= last; ++g) {
    uint64_t writer = writers[g];
    bool sameInst = AccessMark::inst(writer) == AccessMark::inst(mark) &&
                    AccessMark::warp(writer) == AccessMark::warp(mark);
    bool sameValue =
        value && sameInst && std::memcmp(&data[offset], value, size) == 0;
    if (!ordered(writer, mark, clock) && !sameValue &&
        !(atomic && AccessMark::atomic(writer)))
      return {writer, true, g << shift};
  }
  // Readers of an earlier epoch are ordered before this write.
  bool readNow = false;
  for (uint32_t g = first; g <= last; ++g)
    readNow |= readEpochs[g] == epoch;
  for (uint32_t w = 0; readNow && w < warps; ++w) {
    const uint64_t *marks = &readers[size_t(w) * granules];
    uint64_t latest = 0;
    uint32_t at = first;
    for (uint32_t g = first; g <= last; ++g)
      if (marks[g] > latest) {
        latest = marks[g];
        at = g;
      }
    if (!latest)
      continue;
    if (!ordered(latest, mark, clock) &&
        !(atomic && AccessMark::atomic(latest)))
      return {latest, false, at << shift};
  }
  for (uint32_t g = first; g <= last; ++g)
    writers[g] = mark;
  return {};
}

void SharedMemory::stampWrite(uint32_t offset, uint32_t size, uint64_t mark) {
  uint32_t first = offset >> shift, last = (offset + size - 1) >> shift;
  for (uint32_t g = first; g <= last; ++g)
    writers[g] = mark;
}
