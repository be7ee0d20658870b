//===- ExecMemory.cpp - loads, stores, atomics, async copies, matrices ----===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.9.8 "ld", 9.7.9.11 "st", 9.7.9.25 "cp.async", 9.7.13.6
// "atom", 9.7.13.7 "red", 9.7.14.5.15 "ldmatrix", 9.7.14.5.16 "stmatrix".
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <algorithm>
#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {

namespace {

template <typename Fn>
void forLanes(uint32_t mask, Fn fn) {
  for (; mask; mask &= mask - 1)
    fn(uint32_t(__builtin_ctz(mask)));
}

/// Addresses of all lanes, in the instruction's space.
void addresses(Warp &warp, uint32_t row, bool wide, int64_t offset,
               uint64_t (&out)[32]) {
  if (wide) {
    loadLanes(warp, row, out);
    for (uint64_t &address : out)
      address += uint64_t(offset);
    return;
  }
  uint32_t words[32];
  loadLanes(warp, row, words);
  for (int i = 0; i < 32; ++i)
    out[i] = uint32_t(words[i] + uint32_t(offset));
}

void count(Warp &warp, const Inst &inst, uint32_t mask,
           const uint64_t (&where)[32], uint32_t size, bool write) {
  Space space = inst.space;
  uint64_t first = where[__builtin_ctz(mask)];
  if (space == Space::Generic)
    space = splitGeneric(first, first);
  if (space == Space::Shared)
    countShared(warp, mask, where, size, write);
  else if (space == Space::Global || space == Space::Const)
    countGlobal(warp, mask, where, size, write);
  else
    warp.cta->cluster->counters.localBytes +=
        uint64_t(__builtin_popcount(mask)) * size;
}

uint64_t loadElement(const uint8_t *bytes, Type type) {
  switch (typeBytes(type)) {
  case 1: {
    uint8_t v = *bytes;
    return type == Type::S8 ? uint64_t(int64_t(int8_t(v))) : v;
  }
  case 2: {
    uint16_t v;
    std::memcpy(&v, bytes, 2);
    return type == Type::S16 ? uint64_t(int64_t(int16_t(v))) : v;
  }
  case 4: {
    uint32_t v;
    std::memcpy(&v, bytes, 4);
    return type == Type::S32 ? uint64_t(int64_t(int32_t(v))) : v;
  }
  default: {
    uint64_t v;
    std::memcpy(&v, bytes, 8);
    return v;
  }
  }
}

void setRegister(Warp &warp, uint32_t row, uint32_t lane, uint64_t value,
                 uint32_t bytes) {
  if (bytes == 8)
    warp.row64(row)[lane] = value;
  else
    warp.row32(row)[lane] = bytes == 4   ? uint32_t(value)
                            : bytes == 2 ? uint32_t(value & 0xffff)
                                         : uint32_t(value & 0xff);
}

void execLoad(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t element = typeBytes(inst.type), size = element * inst.vec;
  uint64_t where[32];
  addresses(warp, inst.ops[inst.vec], inst.wideBase, inst.offset, where);
  count(warp, inst, mask, where, size, /*write=*/false);
  forLanes(mask, [&](uint32_t lane) {
    const uint8_t *bytes = memoryBytes(warp, inst, lane, inst.space,
                                       where[lane], size, Access::Read);
    for (unsigned e = 0; e < inst.vec; ++e)
      setRegister(warp, inst.ops[e], lane,
                  loadElement(bytes + e * element, inst.type), inst.imm);
  });
}

void execStore(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t element = typeBytes(inst.type), size = element * inst.vec;
  uint64_t where[32];
  addresses(warp, inst.ops[inst.vec], inst.wideBase, inst.offset, where);
  count(warp, inst, mask, where, size, /*write=*/true);
  forLanes(mask, [&](uint32_t lane) {
    uint8_t value[32];
    for (unsigned e = 0; e < inst.vec; ++e) {
      uint64_t bits = inst.imm >> e & 1 ? warp.row64(inst.ops[e])[lane]
                                        : warp.row32(inst.ops[e])[lane];
      std::memcpy(value + e * element, &bits, element);
    }
    uint8_t *bytes = memoryBytes(warp, inst, lane, inst.space, where[lane],
                                 size, Access::Write, value);
    std::memcpy(bytes, value, size);
  });
  ++warp.cta->cluster->events;
}

void execLoadParam(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t element = typeBytes(inst.type);
  const uint8_t *bytes = warp.cta->launch->params + inst.offset;
  for (unsigned e = 0; e < inst.vec; ++e) {
    uint64_t value = loadElement(bytes + e * element, inst.type);
    forLanes(mask, [&](uint32_t lane) {
      setRegister(warp, inst.ops[e], lane, value, inst.imm);
    });
  }
}

//===----------------------------------------------------------------------===//
// Atomics
//===----------------------------------------------------------------------===//

template <typename T>
T minMaxFloat(T a, T b, bool max) {
  if (a != a)
    return b;
  if (b != b)
    return a;
  return (a < b) == max ? b : a;
}

uint32_t addHalves(Type type, uint32_t a, uint32_t b) {
  bool bf = type == Type::BF16 || type == Type::BF16x2;
  const auto value = [&](uint32_t x) -> double {
    return bf ? bf16ToFloat(uint16_t(x)) : f16ToFloat(uint16_t(x));
  };
  const auto add = [&](uint32_t x, uint32_t y) {
    return encode(bf ? kBF16 : kF16, addRoundOdd(value(x), value(y)));
  };
  return add(a, b) | add(a >> 16, b >> 16) << 16;
}

template <typename U, typename S>
U combineInt(Type type, Atomic op, U a, U b, U c) {
  switch (op) {
  case Atomic::Add:
    return a + b;
  case Atomic::Min:
    return isSigned(type) ? U(std::min(S(a), S(b))) : std::min(a, b);
  case Atomic::Max:
    return isSigned(type) ? U(std::max(S(a), S(b))) : std::max(a, b);
  case Atomic::And:
    return a & b;
  case Atomic::Or:
    return a | b;
  case Atomic::Xor:
    return a ^ b;
  case Atomic::Exch:
    return b;
  case Atomic::Cas:
    return a == b ? c : a;
  case Atomic::Inc:
    return a >= b ? 0 : a + 1;
  case Atomic::Dec:
    return a == 0 || a > b ? b : a - 1;
  case Atomic::Popc:
    break;
  }
  return a;
}

// The new value at an address that holds a.
uint64_t combineAtomic(Type type, Atomic op, uint64_t a, uint64_t b,
                       uint64_t c) {
  if (type == Type::F32) {
    float x = bitCast<float>(uint32_t(a)), y = bitCast<float>(uint32_t(b));
    float r = op == Atomic::Add ? x + y : minMaxFloat(x, y, op == Atomic::Max);
    return bitCast<uint32_t>(r);
  }
  if (type == Type::F64)
    return bitCast<uint64_t>(bitCast<double>(a) + bitCast<double>(b));
  if (type == Type::F16 || type == Type::BF16 || type == Type::F16x2 ||
      type == Type::BF16x2)
    return addHalves(type, uint32_t(a), uint32_t(b)) &
           (typeBits(type) == 16 ? 0xffff : ~0u);
  if (typeBits(type) == 64)
    return combineInt<uint64_t, int64_t>(type, op, a, b, c);
  if (typeBits(type) == 16)
    return combineInt<uint16_t, int16_t>(type, op, uint16_t(a), uint16_t(b),
                                         uint16_t(c));
  return combineInt<uint32_t, int32_t>(type, op, uint32_t(a), uint32_t(b),
                                       uint32_t(c));
}

// Other CTAs run on other host threads, hence a host atomic.
template <typename T>
uint64_t updateAs(uint8_t *bytes, Type type, Atomic op, uint64_t b,
                  uint64_t c) {
  T *cell = reinterpret_cast<T *>(bytes);
  T old = __atomic_load_n(cell, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(
      cell, &old, T(combineAtomic(type, op, old, b, c)), false,
      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  return old;
}

void execAtomic(Warp &warp, const Inst &inst, uint32_t mask) {
  bool returns = inst.op == Op::Atom;
  uint32_t at = returns ? inst.vec : 0; // of the address among the operands
  uint32_t element = typeBytes(inst.type), size = element * inst.vec;
  Atomic op = Atomic(inst.mods.sub);
  uint64_t where[32];
  addresses(warp, inst.ops[at], inst.wideBase, inst.offset, where);
  count(warp, inst, mask, where, size, /*write=*/true);
  const auto source = [&](uint32_t operand, uint32_t lane) -> uint64_t {
    return element == 8 ? warp.row64(inst.ops[operand])[lane]
                        : warp.row32(inst.ops[operand])[lane];
  };
  forLanes(mask, [&](uint32_t lane) {
    uint8_t *bytes = memoryBytes(warp, inst, lane, inst.space, where[lane],
                                 size, Access::Atomic);
    for (unsigned e = 0; e < inst.vec; ++e) {
      uint64_t b = source(at + 1 + e, lane);
      uint64_t c = op == Atomic::Cas ? source(at + 2, lane) : 0;
      uint8_t *cell = bytes + e * element;
      uint64_t old =
          element == 8   ? updateAs<uint64_t>(cell, inst.type, op, b, c)
          : element == 4 ? updateAs<uint32_t>(cell, inst.type, op, b, c)
                         : updateAs<uint16_t>(cell, inst.type, op, b, c);
      if (returns)
        setRegister(warp, inst.ops[e], lane, old, std::max(element, 2u));
    }
  });
  ++warp.cta->cluster->events;
}

bool atomicSupported(const Inst &inst) {
  Atomic op = Atomic(inst.mods.sub);
  unsigned bits = typeBits(inst.type);
  switch (inst.type) {
  case Type::F32:
    return op == Atomic::Add ||
           (inst.vec > 1 && (op == Atomic::Min || op == Atomic::Max));
  case Type::F64:
  case Type::F16:
  case Type::BF16:
  case Type::F16x2:
  case Type::BF16x2:
    return op == Atomic::Add;
  default:
    break;
  }
  if (inst.vec > 1)
    return false;
  switch (op) {
  case Atomic::Exch:
    return isBits(inst.type) && bits >= 32 && inst.op == Op::Atom;
  case Atomic::Cas:
    return isBits(inst.type) && inst.op == Op::Atom;
  case Atomic::And:
  case Atomic::Or:
  case Atomic::Xor:
    return isBits(inst.type) && bits >= 32;
  case Atomic::Inc:
  case Atomic::Dec:
    return inst.type == Type::U32;
  case Atomic::Add:
    return inst.type == Type::U32 || inst.type == Type::S32 ||
           inst.type == Type::U64;
  default:
    return isInt(inst.type) && bits >= 32;
  }
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

// The source is read when the copy is issued, the target written when its group
// is waited for: in between, any access to the target is a fault.
void execCpAsync(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t to[32], from[32];
  addresses(warp, inst.ops[0], inst.wideBase, inst.offset, to);
  addresses(warp, inst.ops[1], true, inst.offset2, from);
  const uint32_t *sizes = warp.row32(inst.ops[2]);
  uint32_t ignore = warp.preds[inst.ops[3]];
  if (inst.mods.negated)
    ignore = ~ignore;
  warp.copies.emplace_back();
  AsyncCopy &copy = warp.copies.back();
  copy.mask = mask;
  copy.bytes = inst.imm;
  copy.line = inst.line;
  copy.index = inst.index;
  uint32_t readers = 0;
  bool checks = warp.cta->launch->options.checks;
  forLanes(mask, [&](uint32_t lane) {
    uint32_t bytes = ignore >> lane & 1 ? 0 : sizes[lane];
    if (bytes > inst.imm)
      raise(warp, inst, FaultKind::Illegal, lane,
            "source size " + std::to_string(bytes) +
                " is above the copy size " + std::to_string(inst.imm));
    std::memset(copy.data[lane], 0, sizeof(copy.data[lane]));
    if (bytes) {
      // A full copy must be aligned to its size; the rest of a partial one is
      // zero filled.
      bool full = bytes == inst.imm;
      const uint8_t *source = nullptr;
      for (uint32_t done = 0; done < bytes; done += full ? bytes : 1) {
        source = globalBytes(warp, inst, lane, from[lane] + done,
                             full ? bytes : 1, Access::Read);
        copyBytes(copy.data[lane] + done, source, full ? bytes : 1);
      }
      readers |= 1u << lane;
    }
    uint32_t offset = uint32_t(to[lane]) - kSharedBase;
    if (!sharedUnchecked(warp, to[lane], inst.imm)) {
      sharedBytes(warp, inst, lane, to[lane], inst.imm, Access::Write);
      if (&sharedOwner(warp, inst, lane, to[lane], offset) != warp.cta)
        raise(warp, inst, FaultKind::Illegal, lane,
              "cp.async to the shared memory of another CTA", to[lane]);
    }
    copy.target[lane] = offset;
    copy.group[lane] = warp.groups[lane];
    if (checks)
      warp.cta->shared.setPending(offset, inst.imm);
  });
  countShared(warp, mask, to, inst.imm, /*write=*/true);
  if (readers)
    countGlobal(warp, readers, from, inst.imm, /*write=*/false);
}

void execCommit(Warp &warp, const Inst &, uint32_t mask) {
  forLanes(mask, [&](uint32_t lane) { ++warp.groups[lane]; });
}

// wait_group n: all but the last n committed groups; wait_all: everything.
void execWait(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t limit[32];
  for (unsigned lane = 0; lane < 32; ++lane) {
    uint32_t committed = warp.groups[lane];
    limit[lane] = committed > inst.imm ? committed - inst.imm : 0;
  }
  completeCopies(warp, mask, limit);
}
void execWaitAll(Warp &warp, const Inst &inst, uint32_t mask) {
  forLanes(mask, [&](uint32_t lane) { ++warp.groups[lane]; });
  execWait(warp, inst, mask);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

// Lane 8i + r holds the address of row r of matrix i. Lane l gets of each
// matrix the two elements (l / 4, 2(l % 4) ...), or with .trans the transposed.
template <bool Store>
void execMatrix(Warp &warp, const Inst &inst, uint32_t) {
  unsigned matrices = inst.vec;
  uint32_t lanes = matrices == 4 ? ~0u : (1u << (8 * matrices)) - 1;
  uint64_t where[32];
  uint32_t addressOp = matrices;
  addresses(warp, inst.ops[addressOp], inst.wideBase, inst.offset, where);
  countShared(warp, lanes, where, 16, Store);
  uint16_t tile[32][8];
  const auto cell = [&](unsigned matrix, unsigned lane,
                        unsigned e) -> uint16_t & {
    unsigned row = lane / 4, column = 2 * (lane % 4) + e;
    return inst.mods.trans ? tile[8 * matrix + column][row]
                           : tile[8 * matrix + row][column];
  };
  if (Store)
    for (unsigned m = 0; m < matrices; ++m) {
      const uint32_t *words = warp.row32(inst.ops[m]);
      for (unsigned lane = 0; lane < 32; ++lane) {
        cell(m, lane, 0) = uint16_t(words[lane]);
        cell(m, lane, 1) = uint16_t(words[lane] >> 16);
      }
    }
  for (unsigned row = 0; row < 8 * matrices; ++row) {
    uint8_t *bytes = sharedUnchecked(warp, where[row], 16);
    if (!bytes)
      bytes = sharedBytes(warp, inst, row, where[row], 16,
                          Store ? Access::Write : Access::Read,
                          Store ? tile[row] : nullptr);
    if (Store)
      std::memcpy(bytes, tile[row], 16);
    else
      std::memcpy(tile[row], bytes, 16);
  }
  if (Store)
    return;
  for (unsigned m = 0; m < matrices; ++m) {
    uint32_t *words = warp.row32(inst.ops[m]);
    if (!inst.mods.trans) {
      std::memcpy(words, tile[8 * m], 128);
      continue;
    }
    for (unsigned lane = 0; lane < 32; ++lane)
      words[lane] = cell(m, lane, 0) | uint32_t(cell(m, lane, 1)) << 16;
  }
}

// A generic address of ldmatrix lies in the shared window.
template <bool Store>
void execMatrixGeneric(Warp &warp, const Inst &inst, uint32_t mask) {
  Inst shared = inst;
  shared.offset -= int64_t(kSharedWindow);
  execMatrix<Store>(warp, shared, mask);
}

void execMovMatrix(Warp &warp, const Inst &inst, uint32_t) {
  uint32_t a[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  const auto element = [&](unsigned row, unsigned column) {
    return a[row * 4 + column / 2] >> (16 * (column % 2)) & 0xffff;
  };
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned row = lane / 4, column = 2 * (lane % 4);
    r[lane] = element(column, row) | element(column + 1, row) << 16;
  }
  storeLanes(warp, inst.ops[0], r, ~0u);
}

void execNothing(Warp &, const Inst &, uint32_t) {}

} // namespace

ExecFn selectMemory(const Inst &inst) {
  bool generic = inst.space == Space::Generic && inst.wideBase;
  switch (inst.op) {
  case Op::Ld:
    return execLoad;
  case Op::LdParam:
    return execLoadParam;
  case Op::St:
    return execStore;
  case Op::Atom:
  case Op::Red:
    return atomicSupported(inst) ? execAtomic : nullptr;
  case Op::CpAsync:
    return execCpAsync;
  case Op::CpAsyncCommit:
    return execCommit;
  case Op::CpAsyncWait:
    return inst.mods.hi ? execWaitAll : execWait;
  case Op::LdMatrix:
    return generic ? execMatrixGeneric<false> : execMatrix<false>;
  case Op::StMatrix:
    return generic ? execMatrixGeneric<true> : execMatrix<true>;
  case Op::MovMatrix:
    return execMovMatrix;
  case Op::Nop:
    return execNothing;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
