//===- Shared.h - shared memory and its shadow ------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Beside each byte: whether it was written, and whether an async copy to it is
// pending. Beside each granule (as many bytes as the kernel's narrowest access
// has, at most 16): who wrote it last, and for each warp when it last read it.
// "When" is the warp's own clock, which advances at each synchronization; a
// warp's vector clock says which moments of the others it is ordered behind
// (happens-before, as FastTrack records it).
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_SHARED_H
#define FP4Q_LIB_SIMULATOR_SHARED_H

#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

namespace fp4q::sim {

/// True if all bytes have this value (0 to 255).
static inline bool allEqual(const uint8_t *bytes, uint8_t value,
                            uint32_t size) {
  uint64_t pattern = 0x0101010101010101u * value, word;
  for (; size >= 8; bytes += 8, size -= 8) {
    std::memcpy(&word, bytes, 8);
    if (word != pattern)
      return false;
  }
  for (; size; ++bytes, --size)
    if (*bytes != value)
      return false;
  return true;
}

/// One access in the shadow, packed so that a larger value is a later clock.
///   63..36 clock | 35..27 warp | 26..21 lane (32: whole warp) | 20 atomic |
///   17..0 instruction
struct AccessMark {
  static constexpr uint32_t kWholeWarp = 32;
  static uint64_t make(uint32_t clock, uint32_t warp, uint32_t lane,
                       bool atomic, uint32_t inst) {
    return uint64_t(clock) << 36 | uint64_t(warp) << 27 | uint64_t(lane) << 21 |
           uint64_t(atomic) << 20 | (inst & 0x3ffff);
  }
  static uint32_t clock(uint64_t mark) { return uint32_t(mark >> 36); }
  static uint32_t warp(uint64_t mark) { return mark >> 27 & 0x1ff; }
  static uint32_t lane(uint64_t mark) { return mark >> 21 & 0x3f; }
  static bool atomic(uint64_t mark) { return mark >> 20 & 1; }
  static uint32_t inst(uint64_t mark) { return mark & 0x3ffff; }
};

/// A conflict that the shadow found.
struct Race {
  uint64_t mark = 0; ///< the earlier access; 0: none
  bool write = false;
  uint32_t offset = 0;
};

/// What the execution functions see of a CTA's shared memory. `cells` has for
/// each granule `stride` words: its last writer, the epoch of the last read,
/// and by warp its last read.
struct SharedView {
  enum : uint8_t { Unwritten = 0, Written = 1, Pending = 2 };

  uint8_t *data = nullptr;
  uint8_t *valid = nullptr; ///< by byte
  uint64_t *cells = nullptr;
  uint32_t size = 0;
  uint32_t stride = 2;
  unsigned shift = 2; ///< log2 of the bytes of a granule
  uint32_t pendingBytes = 0;
  uint64_t epoch = 1;
  /// All mbarrier objects lie in [objectsLow, objectsHigh).
  uint32_t objectsLow = ~0u;
  uint32_t objectsHigh = 0;
};

class SharedMemory {
public:
  /// Makes `bytes` uninitialized bytes; `warps` may access them. `fresh` says
  /// that clocks start anew; otherwise they are later than all there were.
  void reset(uint32_t bytes, uint32_t warps, unsigned granuleShift, bool checks,
             bool fresh);

  SharedView &view() { return shadow; }
  uint32_t size() const { return shadow.size; }
  uint8_t *bytes(uint32_t offset) { return shadow.data + offset; }

  /// True if all bytes were written and none awaits a copy.
  bool readable(uint32_t offset, uint32_t size) const {
    return allEqual(shadow.valid + offset, SharedView::Written, size);
  }
  /// True if a byte awaits a copy.
  bool anyPending(uint32_t offset, uint32_t size) const {
    return shadow.pendingBytes && firstPending(offset, size) < offset + size;
  }
  /// The first byte of the range awaiting a copy, or the end of the range.
  uint32_t firstPending(uint32_t offset, uint32_t size) const;
  void setValid(uint32_t offset, uint32_t size) {
    std::memset(shadow.valid + offset, SharedView::Written, size);
  }
  void setPending(uint32_t offset, uint32_t size) {
    std::memset(shadow.valid + offset, SharedView::Pending, size);
    shadow.pendingBytes += size;
  }
  /// An mbarrier object is (or was) here.
  void addObject(uint32_t offset);

  /// All threads that can access this memory have met: what they did before is
  /// ordered before all that follows.
  void nextEpoch() { ++shadow.epoch; }

  /// Checks an access against the shadow and records it. `clock` is the vector
  /// clock of the warp; `value`, if given, is what a write stores: lanes of
  /// one instruction that store equal values to one address do not conflict.
  Race recordRead(uint32_t offset, uint32_t size, uint64_t mark,
                  const std::vector<uint32_t> &clock);
  Race recordWrite(uint32_t offset, uint32_t size, uint64_t mark,
                   const std::vector<uint32_t> &clock, const void *value);

  /// Clocks that atomics release to and acquire from, by offset.
  std::unordered_map<uint32_t, std::vector<uint32_t>> syncClocks;

private:
  static bool ordered(uint64_t earlier, uint64_t now,
                      const std::vector<uint32_t> &clock);
  uint64_t *cell(uint32_t granule) {
    return shadow.cells + size_t(granule) * shadow.stride;
  }

  SharedView shadow;
  std::vector<uint8_t> data;
  std::vector<uint8_t> valid;
  std::vector<uint64_t> cells;
};

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_SHARED_H
