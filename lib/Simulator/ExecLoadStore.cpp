//===- ExecLoadStore.cpp - loads and stores -------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.9.8 "ld", 9.7.9.11 "st".
//
//===----------------------------------------------------------------------===//

#include "Access.h"

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

void count(Warp &warp, const Inst &inst, uint32_t mask,
           const uint64_t (&where)[32], Space space, uint32_t size,
           bool write) {
  if (space == Space::Shared)
    countShared(warp, inst, mask, where, size, write);
  else if (space == Space::Global || space == Space::Const)
    countGlobal(warp, inst, mask, where, size, write);
  else
    warp.cta->cluster->counters.localBytes +=
        uint64_t(__builtin_popcount(mask)) * size;
}

/// The space of an access (of the first lane's address, if it is generic), and
/// what to take from an address for the offset in it, in shared memory.
struct Target {
  Space space;
  uint64_t start;

  Target(const Inst &inst, uint32_t mask, const uint64_t (&where)[32])
      : space(inst.space), start(kSharedBase) {
    if (space != Space::Generic)
      return;
    uint64_t unused;
    space = splitGeneric(where[__builtin_ctz(mask)], unused);
    if (space == Space::Shared)
      start += kSharedWindow;
  }
};

/// Element `at` bytes into what each lane's pointer shows, extended to a
/// register of type R as T says, less what does not fit into it.
template <typename T, typename R>
void toRegister(Warp &warp, uint32_t row, const uint8_t *const (&from)[32],
                uint32_t at, uint32_t mask, R fits) {
  R *out = reinterpret_cast<R *>(warp.file + size_t(row) * kRowBytes);
  const auto one = [&](uint32_t lane) {
    T value;
    std::memcpy(&value, from[lane] + at, sizeof(T));
    out[lane] = R(value) & fits;
  };
  if (mask == ~0u)
    for (uint32_t lane = 0; lane < 32; ++lane)
      one(lane);
  else
    forLanes(mask, one);
}

/// T is the type in memory; signed ones extend their sign.
template <typename T>
void toRegisters(Warp &warp, const Inst &inst, const uint8_t *const (&from)[32],
                 uint32_t mask) {
  for (unsigned e = 0; e < inst.vec; ++e) {
    uint32_t row = inst.ops[e], at = e * uint32_t(sizeof(T));
    if (inst.imm == 8)
      toRegister<T, uint64_t>(warp, row, from, at, mask, ~uint64_t(0));
    else
      toRegister<T, uint32_t>(warp, row, from, at, mask,
                              inst.imm == 4 ? ~0u : (1u << 8 * inst.imm) - 1);
  }
}

void toRegistersByType(Warp &warp, const Inst &inst,
                       const uint8_t *const (&from)[32], uint32_t mask) {
  switch (inst.type) {
  case Type::S8:
    return toRegisters<int8_t>(warp, inst, from, mask);
  case Type::S16:
    return toRegisters<int16_t>(warp, inst, from, mask);
  case Type::S32:
    return toRegisters<int32_t>(warp, inst, from, mask);
  default:
    break;
  }
  switch (typeBytes(inst.type)) {
  case 1:
    return toRegisters<uint8_t>(warp, inst, from, mask);
  case 2:
    return toRegisters<uint16_t>(warp, inst, from, mask);
  case 4:
    return toRegisters<uint32_t>(warp, inst, from, mask);
  default:
    return toRegisters<uint64_t>(warp, inst, from, mask);
  }
}

// Reads do not conflict with each other, so the lanes in doubt may come last.
template <uint32_t Size>
void execLoad(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t where[32];
  addresses(warp, inst.ops[inst.vec], inst.wideBase, inst.offset, where);
  Target target(inst, mask, where);
  count(warp, inst, mask, where, target.space, Size, /*write=*/false);
  const uint8_t *from[32];
  uint32_t doubtful = mask;
  if (target.space == Space::Shared) {
    SharedAccess<Size> access(warp, inst);
    forLanes(mask, [&](uint32_t lane) {
      from[lane] = access.read(where[lane] - target.start, lane);
      doubtful &= ~(uint32_t(from[lane] != nullptr) << lane);
    });
  } else if (target.space != Space::Local) {
    GlobalAccess<Size> access(warp, inst);
    forLanes(mask, [&](uint32_t lane) {
      from[lane] = access.read(where[lane]);
      doubtful &= ~(uint32_t(from[lane] != nullptr) << lane);
    });
  }
  forLanes(doubtful, [&](uint32_t lane) {
    from[lane] = memoryBytes(warp, inst, lane, inst.space, where[lane], Size,
                             Access::Read);
  });
  toRegistersByType(warp, inst, from, mask);
}

template <uint32_t Size>
void execStore(Warp &warp, const Inst &inst, uint32_t mask) {
  constexpr uint32_t kSlot = Size + 8; // a register may be wider than its part
  uint32_t element = typeBytes(inst.type);
  uint64_t where[32];
  addresses(warp, inst.ops[inst.vec], inst.wideBase, inst.offset, where);
  Target target(inst, mask, where);
  count(warp, inst, mask, where, target.space, Size, /*write=*/true);
  uint8_t values[32 * kSlot];
  // Ascending elements: each overwrites what its predecessor had too much.
  for (unsigned e = 0; e < inst.vec; ++e) {
    uint8_t *out = values + e * element;
    if (inst.imm >> e & 1) {
      const uint64_t *in = warp.row64(inst.ops[e]);
      for (int i = 0; i < 32; ++i)
        std::memcpy(out + i * kSlot, &in[i], element == 8 ? 8 : 4);
    } else {
      const uint32_t *in = warp.row32(inst.ops[e]);
      for (int i = 0; i < 32; ++i)
        std::memcpy(out + i * kSlot, &in[i], 4);
    }
  }
  // Lanes may conflict with each other: from the first one in doubt on, each
  // is looked at closely, in order.
  uint32_t left = mask;
  if (target.space == Space::Shared) {
    SharedAccess<Size> access(warp, inst);
    for (; left; left &= left - 1) {
      uint32_t lane = uint32_t(__builtin_ctz(left));
      uint8_t *bytes = access.write(where[lane] - target.start, lane);
      if (!bytes)
        break;
      std::memcpy(bytes, values + lane * kSlot, Size);
    }
  } else if (target.space != Space::Local) {
    GlobalAccess<Size> access(warp, inst);
    for (; left; left &= left - 1) {
      uint32_t lane = uint32_t(__builtin_ctz(left));
      uint8_t *bytes = access.write(where[lane]);
      if (!bytes)
        break;
      std::memcpy(bytes, values + lane * kSlot, Size);
    }
  }
  forLanes(left, [&](uint32_t lane) {
    const uint8_t *value = values + lane * kSlot;
    uint8_t *bytes = memoryBytes(warp, inst, lane, inst.space, where[lane],
                                 Size, Access::Write, value);
    std::memcpy(bytes, value, Size);
  });
  ++warp.cta->cluster->events;
}

// Every lane reads the same bytes.
void execLoadParam(Warp &warp, const Inst &inst, uint32_t mask) {
  const uint8_t *from[32];
  for (const uint8_t *&one : from)
    one = warp.cta->launch->params + inst.offset;
  toRegistersByType(warp, inst, from, mask);
}

ExecFn bySize(const Inst &inst, const ExecFn (&fns)[6]) {
  uint32_t size = typeBytes(inst.type) * inst.vec;
  return size <= 32 ? fns[__builtin_ctz(size)] : nullptr;
}

} // namespace

ExecFn selectLoadStore(const Inst &inst) {
  static const ExecFn loads[] = {execLoad<1>, execLoad<2>,  execLoad<4>,
                                 execLoad<8>, execLoad<16>, execLoad<32>};
  static const ExecFn stores[] = {execStore<1>, execStore<2>,  execStore<4>,
                                  execStore<8>, execStore<16>, execStore<32>};
  switch (inst.op) {
  case Op::Ld:
    return bySize(inst, loads);
  case Op::LdParam:
    return execLoadParam;
  case Op::St:
    return bySize(inst, stores);
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
