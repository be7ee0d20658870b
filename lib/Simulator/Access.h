//===- Access.h - the common case of a warp's memory accesses ---*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What nearly every access is: inside, aligned, of bytes that were written, and
// ordered behind all it could conflict with. These functions tell and record
// it in a few instructions a lane; where they are in doubt they change nothing
// and say no, and the functions of Memory.cpp decide (and name the fault).
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_ACCESS_H
#define FP4Q_LIB_SIMULATOR_ACCESS_H

#include "Exec.h"

namespace fp4q::sim::FP4Q_SIM_ISA {

template <uint32_t Size>
inline bool allOnes(const uint8_t *bytes) {
  constexpr uint64_t ones = 0x0101010101010101u;
  if constexpr (Size >= 8) {
    uint64_t rest = 0;
    for (uint32_t i = 0; i < Size; i += 8) {
      uint64_t word;
      std::memcpy(&word, bytes + i, 8);
      rest |= word ^ ones;
    }
    return rest == 0;
  } else {
    uint64_t word = 0;
    std::memcpy(&word, bytes, Size);
    return word == ones >> (64 - 8 * Size);
  }
}

template <uint32_t Size>
inline bool anyPending(const uint8_t *bytes) {
  static_assert(SharedView::Pending == 2, "tested as a bit");
  constexpr uint64_t twos = 0x0202020202020202u;
  uint64_t any = 0;
  for (uint32_t i = 0; i < Size; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + i, Size < 8 ? Size : 8);
    any |= word & twos;
  }
  return any != 0;
}

/// One instruction's access of `Size` bytes a lane to the shared memory of the
/// warp's own CTA. It holds copies of what the loops over lanes need, which
/// stay in registers.
template <uint32_t Size>
struct SharedAccess {
  SharedView &view;
  uint8_t *const data, *const valid;
  uint64_t *const cells;
  const size_t stride;
  const uint64_t epoch;
  const uint64_t limit; ///< last offset at which an access fits
  const uint64_t objectsLow, objectsHigh;
  const uint32_t *const clock;
  const uint64_t mark; ///< of lane 0
  const uint32_t warp;
  const uint32_t shift;
  const bool usable, checks, pending;

  // Synchronizing accesses, which join clocks, are left to Memory.cpp.
  SharedAccess(Warp &warp, const Inst &inst)
      : view(warp.cta->shared.view()), data(view.data), valid(view.valid),
        cells(view.cells), stride(view.stride), epoch(view.epoch),
        limit(uint64_t(view.size) - Size), objectsLow(view.objectsLow),
        objectsHigh(view.objectsHigh), clock(warp.clock.data()),
        mark(AccessMark::make(clock[warp.clusterId], warp.clusterId, 0,
                              /*atomic=*/false, inst.index)),
        warp(warp.clusterId), shift(view.shift),
        usable(view.size >= Size &&
               (!warp.cta->launch->options.checks || !inst.mods.volatileLike)),
        checks(warp.cta->launch->options.checks), pending(view.pendingBytes) {}

  static uint64_t ofLane(uint64_t mark, uint32_t lane) {
    return mark | uint64_t(lane) << 21;
  }

  /// True if the earlier access happened before all that the lane does now:
  /// its warp has synchronized since with the other's, or its own lanes.
  bool settled(uint64_t earlier, uint64_t now, uint32_t lane) const {
    uint32_t by = AccessMark::warp(earlier);
    return AccessMark::clock(earlier) + (by == warp) <= clock[by] ||
           ((earlier ^ now) >> 21 == 0 && lane != AccessMark::kWholeWarp);
  }

  bool inside(uint64_t offset) const { return usable && offset <= limit; }
  bool plain(uint64_t offset) const {
    return (offset & (Size - 1)) == 0 &&
           (offset >= objectsHigh || offset + Size <= objectsLow);
  }

  uint64_t *firstCell(uint64_t offset) const {
    return cells + size_t(offset >> shift) * stride;
  }
  uint32_t granules() const { return Size >> shift; }

  /// Records a read of these bytes; null if in doubt.
  const uint8_t *read(uint64_t offset, uint32_t lane) const {
    if (!inside(offset))
      return nullptr;
    const uint8_t *bytes = data + offset;
    if (!checks)
      return bytes;
    if (!plain(offset) || !allOnes<Size>(valid + offset))
      return nullptr;
    uint64_t *cell = firstCell(offset), now = ofLane(mark, lane);
    for (uint32_t i = granules(); i; --i, cell += stride) {
      if (!settled(cell[0], now, lane))
        return nullptr;
      // Two lanes that read at the same clock: any lane's write conflicts.
      constexpr uint64_t lanes = uint64_t(0x3f) << 21;
      uint64_t change = cell[2 + warp] ^ now;
      bool shared = change >> 36 == 0 && (change & lanes);
      cell[1] = epoch;
      cell[2 + warp] =
          shared ? now | uint64_t(AccessMark::kWholeWarp) << 21 : now;
    }
    return bytes;
  }

  /// Records a write to these bytes, where nobody else may have a claim; false
  /// if in doubt.
  bool claim(uint64_t offset, uint32_t lane) const {
    if (!plain(offset) || (pending && anyPending<Size>(valid + offset)))
      return false;
    uint64_t *const first = firstCell(offset), *cell = first;
    const uint64_t now = ofLane(mark, lane);
    for (uint32_t i = granules(); i; --i, cell += stride) {
      if (!settled(cell[0], now, lane))
        return false;
      // Readers of an earlier epoch are ordered before this write.
      for (size_t w = 2; cell[1] == epoch && w < stride; ++w)
        if (!settled(cell[w], now, lane))
          return false;
    }
    cell = first;
    for (uint32_t i = granules(); i; --i, cell += stride)
      cell[0] = now;
    return true;
  }

  /// The same, and the bytes count as written; null if in doubt.
  uint8_t *write(uint64_t offset, uint32_t lane) const {
    if (!inside(offset))
      return nullptr;
    if (checks) {
      if (!claim(offset, lane))
        return nullptr;
      std::memset(valid + offset, SharedView::Written, Size);
    }
    return data + offset;
  }
};

/// One instruction's access of `Size` bytes a lane to one block of global
/// memory, the one its last access fell into.
template <uint32_t Size>
struct GlobalAccess {
  Allocation *block;
  uint64_t base = 0, limit = 0;
  uint8_t *data = nullptr, *valid = nullptr, *whole = nullptr;
  bool checks;

  GlobalAccess(Warp &warp, const Inst &inst)
      : block(warp.lastGlobal[inst.index % 8]),
        checks(warp.cta->launch->options.checks) {
    if (block && block->size < Size)
      block = nullptr;
    if (!block)
      return;
    base = block->base;
    limit = block->size - Size;
    data = block->data.data();
    valid = block->valid.data();
    whole = block->whole.data();
  }

  /// True if all bytes of an aligned access were written. The byte-wise answer
  /// costs as much memory traffic as the data, so blocks of 256 that are found
  /// to be written remember it; other host threads may find the same.
  bool written(uint64_t at) const {
    if (__atomic_load_n(&whole[at / 256], __ATOMIC_RELAXED))
      return true;
    if (!allOnes<Size>(valid + at))
      return false;
    if ((at + Size) % 256 == 0) {
      bool all = true;
      for (uint64_t i = at / 256 * 256; all && i < at; i += 32)
        all = allOnes<32>(valid + i);
      if (all)
        __atomic_store_n(&whole[at / 256], 1, __ATOMIC_RELAXED);
    }
    return true;
  }

  bool inside(uint64_t address) const {
    return block && address - base <= limit &&
           (!checks || (address & (Size - 1)) == 0);
  }
  const uint8_t *read(uint64_t address) const {
    if (!inside(address))
      return nullptr;
    uint64_t at = address - base;
    return !checks || written(at) ? data + at : nullptr;
  }
  uint8_t *write(uint64_t address) const {
    if (!inside(address) || (checks && block->readOnly))
      return nullptr;
    uint64_t at = address - base;
    std::memset(valid + at, 1, Size);
    return data + at;
  }
};

//===----------------------------------------------------------------------===//
// Counters
//===----------------------------------------------------------------------===//

inline void countGlobal(Warp &warp, const Inst &inst, uint32_t mask,
                        const uint64_t (&addresses)[32], uint32_t size,
                        bool write) {
  Cluster &cluster = *warp.cta->cluster;
  Counters &counters = cluster.counters;
  uint64_t bytes = uint64_t(__builtin_popcount(mask)) * size;
  (write ? counters.globalWriteBytes : counters.globalReadBytes) += bytes;
  ++counters.globalRequests;
  counters.globalWriteRequests += write;
  // Ascending runs of aligned accesses, as most requests are, need no sorting.
  uint64_t low = 0, fresh = 0, back = 0;
  for (int i = 0; i < 32; ++i)
    low |= addresses[i];
  for (int i = 1; i < 32; ++i) {
    fresh += addresses[i] >> 5 != addresses[i - 1] >> 5;
    back += addresses[i] >> 5 < addresses[i - 1] >> 5;
  }
  bool simple = mask == ~0u && !back && !(low & (size - 1));
  uint64_t sectors = simple ? fresh + 1 : countSectors(mask, addresses, size);
  counters.globalSectors += sectors;
  counters.globalWriteSectors += write ? sectors : 0;
  if (__builtin_expect(!cluster.accesses.empty(), 0))
    profileGlobal(cluster.accesses[inst.index], mask, addresses, size, sectors);
}

// 32 banks of four bytes. Accesses wider than that go in as many passes as it
// takes to serve 128 bytes each (quarter warps for 16 bytes); aligned accesses
// of 8 or 16 bytes make banks of that width of the 32.
inline void countShared(Warp &warp, const Inst &inst, uint32_t mask,
                        const uint64_t (&addresses)[32], uint32_t size,
                        bool write) {
  Cluster &cluster = *warp.cta->cluster;
  Counters &counters = cluster.counters;
  uint64_t bytes = uint64_t(__builtin_popcount(mask)) * size;
  (write ? counters.sharedWriteBytes : counters.sharedReadBytes) += bytes;
  ++counters.sharedRequests;
  unsigned width = size < 4 ? 4 : size > 32 ? 32 : size;
  unsigned shift = unsigned(__builtin_ctz(width)), lanesPerPass = 128 / width;
  uint32_t bank[32];
  uint64_t passes = 0, conflicts = 0;
  for (int i = 0; i < 32; ++i)
    bank[i] = (mask >> i & 1)
              << (uint32_t(addresses[i]) >> shift & (lanesPerPass - 1));
  for (unsigned base = 0; base < 32; base += lanesPerPass) {
    uint32_t lanes =
        mask & uint32_t(((uint64_t(1) << lanesPerPass) - 1) << base);
    if (!lanes)
      continue;
    ++passes;
    uint32_t hit = 0;
    for (unsigned i = 0; i < lanesPerPass; ++i)
      hit |= bank[base + i];
    // Almost always each lane has a bank of its own.
    if (__builtin_popcount(hit) == __builtin_popcount(lanes))
      continue;
    conflicts += countConflicts(lanes, addresses, shift);
  }
  counters.sharedWavefronts += passes + conflicts;
  counters.bankConflicts += conflicts;
  if (__builtin_expect(!cluster.accesses.empty(), 0))
    profileShared(cluster.accesses[inst.index], size, passes, conflicts);
}

} // namespace fp4q::sim::FP4Q_SIM_ISA

#endif // FP4Q_LIB_SIMULATOR_ACCESS_H
