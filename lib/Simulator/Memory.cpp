//===- Memory.cpp - checked access to every space -------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds are checked always, since an access would otherwise reach the host's
// memory; the other checks only when the launch has checks on.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>

using namespace fp4q::sim;

static const char *accessName(Access access) {
  return access == Access::Read    ? "read"
         : access == Access::Write ? "write"
                                   : "atomic";
}

static std::string describe(const char *space, Access access, uint32_t size) {
  return std::string(space) + " " + accessName(access) + " of " +
         std::to_string(size) + " bytes";
}

static bool aligned(uint64_t address, uint32_t size) {
  return (address & (size - 1)) == 0;
}

//===----------------------------------------------------------------------===//
// Global
//===----------------------------------------------------------------------===//

[[noreturn]] static void raiseGlobalBounds(Warp &warp, const Inst &inst,
                                           uint32_t lane, uint64_t address,
                                           uint32_t size, Access access) {
  std::string what = describe("global", access, size) + " is out of bounds";
  // Name the allocation it probably meant: the one it runs over, or just left.
  constexpr uint64_t near = 1 << 16;
  Allocation *block = warp.cta->launch->memory.findBelow(address);
  if (block && address + size - (block->base + block->size) <= near)
    what += ": it ends " +
            std::to_string(address + size - (block->base + block->size)) +
            " bytes behind an allocation of " + std::to_string(block->size) +
            " bytes";
  raise(warp, inst, FaultKind::OutOfBounds, lane, what, address);
}

uint8_t *fp4q::sim::globalBytes(Warp &warp, const Inst &inst, uint32_t lane,
                                uint64_t address, uint32_t size,
                                Access access) {
  Allocation *&last = warp.lastGlobal[inst.index % 8];
  Allocation *block = last;
  if (!block || !block->contains(address, size)) {
    block = warp.cta->launch->memory.find(address);
    if (!block || !block->contains(address, size))
      raiseGlobalBounds(warp, inst, lane, address, size, access);
    last = block;
  }
  uint64_t offset = address - block->base;
  if (!warp.cta->launch->options.checks) {
    if (access != Access::Read)
      std::memset(&block->valid[offset], 1, size);
    return &block->data[offset];
  }
  if (!aligned(address, size))
    raise(warp, inst, FaultKind::Misaligned, lane,
          describe("global", access, size) + " is misaligned", address);
  if (access != Access::Write) {
    const uint8_t *valid = &block->valid[offset];
    if (!allEqual(valid, 1, size))
      for (uint32_t i = 0; i < size; ++i)
        if (!valid[i])
          raise(warp, inst, FaultKind::Uninitialized, lane,
                describe("global", access, size) + " of uninitialized memory",
                address + i);
  }
  if (access != Access::Read) {
    if (block->readOnly)
      raise(warp, inst, FaultKind::ReadOnly, lane,
            describe("global", access, size) + " to read-only memory", address);
    std::memset(&block->valid[offset], 1, size);
  }
  return &block->data[offset];
}

//===----------------------------------------------------------------------===//
// Shared
//===----------------------------------------------------------------------===//

Cta &fp4q::sim::sharedOwner(Warp &warp, const Inst &inst, uint32_t lane,
                            uint64_t address, uint32_t &offset) {
  uint64_t rank = address >> 24;
  offset = uint32_t(address & 0xffffff) - kSharedBase;
  if (rank == 0)
    return *warp.cta;
  if (rank > warp.cta->cluster->ctas.size())
    raise(warp, inst, FaultKind::OutOfBounds, lane,
          "shared address of no CTA of the cluster", address);
  return *warp.cta->cluster->ctas[rank - 1];
}

[[noreturn]] static void raiseRace(Warp &warp, const Inst &inst, uint32_t lane,
                                   const Race &race, Access access) {
  const Program &program = warp.cta->launch->program;
  uint32_t other = AccessMark::inst(race.mark);
  uint32_t warpsPerCta = uint32_t(warp.cta->warps.size());
  uint32_t otherWarp = AccessMark::warp(race.mark) % warpsPerCta;
  uint32_t otherLane = AccessMark::lane(race.mark);
  std::string who = otherLane < AccessMark::kWholeWarp
                        ? "thread " + std::to_string(otherWarp * 32 + otherLane)
                        : "warp " + std::to_string(otherWarp);
  std::string where =
      other < program.insts.size()
          ? " at line " + std::to_string(program.insts[other].line)
          : "";
  raise(warp, inst, FaultKind::SharedRace, lane,
        std::string("shared ") + accessName(access) + " races with the " +
            (race.write ? "write" : "read") + " by " + who + where +
            " (no barrier between)",
        race.offset + kSharedBase);
}

uint8_t *fp4q::sim::sharedBytes(Warp &warp, const Inst &inst, uint32_t lane,
                                uint64_t address, uint32_t size, Access access,
                                const void *value) {
  uint32_t offset;
  Cta &owner = sharedOwner(warp, inst, lane, address, offset);
  SharedMemory &shared = owner.shared;
  if (offset >= shared.size() || size > shared.size() - offset)
    raise(warp, inst, FaultKind::OutOfBounds, lane,
          describe("shared", access, size) + " is out of bounds (" +
              std::to_string(shared.size()) + " bytes from 0x400)",
          address);
  uint8_t *bytes = shared.bytes(offset);
  if (!warp.cta->launch->options.checks)
    return bytes;
  if (!aligned(address, size))
    raise(warp, inst, FaultKind::Misaligned, lane,
          describe("shared", access, size) + " is misaligned", address);
  if (!owner.mbarriers.empty())
    for (uint32_t at = offset & ~7u; at < offset + size; at += 8)
      if (owner.mbarriers.count(at))
        raise(warp, inst, FaultKind::Mbarrier, lane,
              describe("shared", access, size) + " of an mbarrier object",
              at + kSharedBase);
  bool plain = access == Access::Write ? !shared.anyPending(offset, size)
                                       : shared.readable(offset, size);
  if (!plain) {
    uint32_t pending = shared.firstPending(offset, size);
    if (pending < offset + size)
      raise(warp, inst, FaultKind::AsyncPending, lane,
            describe("shared", access, size) +
                " of the target of an unfinished cp.async",
            pending + kSharedBase);
    if (access != Access::Write)
      raise(warp, inst, FaultKind::Uninitialized, lane,
            describe("shared", access, size) + " of uninitialized memory",
            address);
  }
  bool atomic = access == Access::Atomic || inst.mods.volatileLike;
  // A matrix load hands a row to lanes other than the one that names it.
  uint32_t who = inst.cls == InstClass::Matrix ? AccessMark::kWholeWarp : lane;
  uint64_t mark = AccessMark::make(warp.clock[warp.clusterId], warp.clusterId,
                                   who, atomic, inst.index);
  if (atomic) {
    // A synchronizing access orders what precedes it here before what follows
    // it elsewhere.
    std::vector<uint32_t> &sync = shared.syncClocks[offset];
    joinClock(warp.clock, sync);
    joinClock(sync, warp.clock);
  }
  Race race;
  if (access == Access::Read)
    race = shared.recordRead(offset, size, mark, warp.clock);
  else
    race = shared.recordWrite(offset, size, mark, warp.clock, value);
  if (race.mark)
    raiseRace(warp, inst, lane, race, access);
  if (atomic)
    tick(warp);
  if (access != Access::Read)
    shared.setValid(offset, size);
  return bytes;
}

//===----------------------------------------------------------------------===//
// Local and generic
//===----------------------------------------------------------------------===//

uint8_t *fp4q::sim::localBytes(Warp &warp, const Inst &inst, uint32_t lane,
                               uint64_t address, uint32_t size, Access access) {
  uint32_t frame = warp.cta->launch->program.info.localBytes;
  if (address >= frame || size > frame - address)
    raise(warp, inst, FaultKind::OutOfBounds, lane,
          describe("local", access, size) + " is out of bounds (" +
              std::to_string(frame) + " bytes)",
          address);
  size_t at = size_t(warp.id * 32 + lane) * frame + address;
  if (warp.cta->launch->options.checks) {
    if (!aligned(address, size))
      raise(warp, inst, FaultKind::Misaligned, lane,
            describe("local", access, size) + " is misaligned", address);
    uint8_t *valid = &warp.cta->localValid[at];
    for (uint32_t i = 0; i < size; ++i) {
      if (access == Access::Read && !valid[i])
        raise(warp, inst, FaultKind::Uninitialized, lane,
              describe("local", access, size) + " of uninitialized memory",
              address + i);
      valid[i] = 1;
    }
  }
  return &warp.cta->local[at];
}

Space fp4q::sim::splitGeneric(uint64_t generic, uint64_t &address) {
  address = generic;
  if (generic - kSharedWindow < kWindowSize) {
    address = generic - kSharedWindow;
    return Space::Shared;
  }
  if (generic - kLocalWindow < kWindowSize) {
    address = generic - kLocalWindow;
    return Space::Local;
  }
  return Space::Global;
}

uint8_t *fp4q::sim::memoryBytes(Warp &warp, const Inst &inst, uint32_t lane,
                                Space space, uint64_t address, uint32_t size,
                                Access access, const void *value) {
  if (space == Space::Generic)
    space = splitGeneric(address, address);
  switch (space) {
  case Space::Shared:
    return sharedBytes(warp, inst, lane, address, size, access, value);
  case Space::Local:
    return localBytes(warp, inst, lane, address, size, access);
  default:
    return globalBytes(warp, inst, lane, address, size, access);
  }
}

//===----------------------------------------------------------------------===//
// Counters
//===----------------------------------------------------------------------===//

uint32_t fp4q::sim::countSectors(uint32_t mask, const uint64_t *addresses,
                                 uint32_t size) {
  uint64_t sectors[64];
  unsigned count = 0;
  for (uint32_t left = mask; left; left &= left - 1) {
    uint64_t address = addresses[__builtin_ctz(left)];
    uint64_t last = (address + size - 1) >> 5;
    for (uint64_t sector = address >> 5; sector <= last && count < 64; ++sector)
      sectors[count++] = sector;
  }
  std::sort(sectors, sectors + count);
  return uint32_t(std::unique(sectors, sectors + count) - sectors);
}

// Different words of one bank serialize, equal words are one access.
uint32_t fp4q::sim::countConflicts(uint32_t lanes, const uint64_t *addresses,
                                   unsigned shift) {
  unsigned banks = 128u >> shift, count = 0, worst = 0;
  uint32_t words[32];
  uint8_t depth[32] = {};
  for (uint32_t left = lanes; left; left &= left - 1) {
    uint32_t word = uint32_t(addresses[__builtin_ctz(left)] >> shift);
    if (std::find(words, words + count, word) != words + count)
      continue;
    words[count++] = word;
    worst = std::max<unsigned>(worst, ++depth[word & (banks - 1)]);
  }
  return worst - 1;
}
