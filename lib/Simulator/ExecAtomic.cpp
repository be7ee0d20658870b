//===- ExecAtomic.cpp - atom and red --------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.13.6 "atom", 9.7.13.7 "red".
//
//===----------------------------------------------------------------------===//

#include "Access.h"

#include <algorithm>
#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {

namespace {

void setRegister(Warp &warp, uint32_t row, uint32_t lane, uint64_t value,
                 uint32_t bytes) {
  if (bytes == 8)
    warp.row64(row)[lane] = value;
  else
    warp.row32(row)[lane] = bytes == 4   ? uint32_t(value)
                            : bytes == 2 ? uint32_t(value & 0xffff)
                                         : uint32_t(value & 0xff);
}

// Global memory's adders flush subnormal inputs and results; those of shared
// memory do not.
float addSingles(float a, float b, bool flush) {
  const auto flushed = [&](float x) {
    return flush && std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x;
  };
  float sum = flushed(flushed(a) + flushed(b));
  return sum != sum ? bitCast<float>(0x7fffffffu) : sum;
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
uint64_t combineAtomic(Type type, Atomic op, bool flush, uint64_t a, uint64_t b,
                       uint64_t c) {
  if (type == Type::F32)
    return bitCast<uint32_t>(addSingles(bitCast<float>(uint32_t(a)),
                                        bitCast<float>(uint32_t(b)), flush));
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
uint64_t updateAs(uint8_t *bytes, Type type, Atomic op, bool flush, uint64_t b,
                  uint64_t c) {
  T *cell = reinterpret_cast<T *>(bytes);
  T old = __atomic_load_n(cell, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(
      cell, &old, T(combineAtomic(type, op, flush, old, b, c)), false,
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
  Space space = inst.space;
  uint64_t unused;
  if (space == Space::Generic)
    space = splitGeneric(where[__builtin_ctz(mask)], unused);
  if (space == Space::Shared)
    countShared(warp, inst, mask, where, size, /*write=*/true);
  else
    countGlobal(warp, inst, mask, where, size, /*write=*/true);
  const auto source = [&](uint32_t operand, uint32_t lane) -> uint64_t {
    return element == 8 ? warp.row64(inst.ops[operand])[lane]
                        : warp.row32(inst.ops[operand])[lane];
  };
  bool flush = space != Space::Shared;
  forLanes(mask, [&](uint32_t lane) {
    uint8_t *bytes = memoryBytes(warp, inst, lane, inst.space, where[lane],
                                 size, Access::Atomic);
    for (unsigned e = 0; e < inst.vec; ++e) {
      uint64_t b = source(at + 1 + e, lane);
      uint64_t c = op == Atomic::Cas ? source(at + 2, lane) : 0;
      uint8_t *cell = bytes + e * element;
      uint64_t old =
          element == 8   ? updateAs<uint64_t>(cell, inst.type, op, flush, b, c)
          : element == 4 ? updateAs<uint32_t>(cell, inst.type, op, flush, b, c)
                         : updateAs<uint16_t>(cell, inst.type, op, flush, b, c);
      if (returns)
        setRegister(warp, inst.ops[e], lane, old, std::max(element, 2u));
    }
  });
  ++warp.cta->cluster->events;
}

} // namespace

ExecFn selectAtomic(const Inst &inst) {
  return inst.op == Op::Atom || inst.op == Op::Red ? execAtomic : nullptr;
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
