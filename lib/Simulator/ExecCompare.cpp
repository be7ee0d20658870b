//===- ExecCompare.cpp - comparison, selection and predicates -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.6 "Comparison and Selection", 9.7.7 "Half Precision
// Comparison" and 9.7.3.2 "testp".
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <typename T>
uint32_t compareLanes(Cmp cmp, const T (&a)[32], const T (&b)[32]) {
  uint32_t lt = 0, eq = 0, nan = 0;
  for (int i = 0; i < 32; ++i) {
    lt |= uint32_t(a[i] < b[i]) << i;
    eq |= uint32_t(a[i] == b[i]) << i;
    nan |= uint32_t(a[i] != a[i] || b[i] != b[i]) << i;
  }
  uint32_t gt = ~(lt | eq | nan);
  switch (cmp) {
  case Cmp::Eq:
    return eq;
  case Cmp::Ne:
    return ~eq & ~nan;
  case Cmp::Lt:
  case Cmp::Lo:
    return lt;
  case Cmp::Le:
  case Cmp::Ls:
    return lt | eq;
  case Cmp::Gt:
  case Cmp::Hi:
    return gt;
  case Cmp::Ge:
  case Cmp::Hs:
    return gt | eq;
  case Cmp::Equ:
    return eq | nan;
  case Cmp::Neu:
    return ~eq;
  case Cmp::Ltu:
    return lt | nan;
  case Cmp::Leu:
    return lt | eq | nan;
  case Cmp::Gtu:
    return gt | nan;
  case Cmp::Geu:
    return gt | eq | nan;
  case Cmp::Num:
    return ~nan;
  case Cmp::Nan:
    return nan;
  }
  return 0;
}

template <typename T>
uint32_t compareAs(Warp &warp, const Inst &inst) {
  T a[32], b[32];
  loadLanes(warp, inst.ops[inst.numOps - 3], a);
  loadLanes(warp, inst.ops[inst.numOps - 2], b);
  if constexpr (std::is_same_v<T, float>)
    if (inst.mods.ftz)
      for (int i = 0; i < 32; ++i) {
        a[i] = std::fabs(a[i]) < 0x1p-126f ? 0.0f : a[i];
        b[i] = std::fabs(b[i]) < 0x1p-126f ? 0.0f : b[i];
      }
  return compareLanes(Cmp(inst.mods.sub), a, b);
}

uint32_t compareHalf(Warp &warp, const Inst &inst, unsigned shift) {
  uint32_t x[32], y[32];
  loadLanes(warp, inst.ops[inst.numOps - 3], x);
  loadLanes(warp, inst.ops[inst.numOps - 2], y);
  bool bf = inst.type == Type::BF16 || inst.type == Type::BF16x2;
  const auto value = [&](uint32_t word) {
    uint16_t bits = uint16_t(word >> shift);
    if (inst.mods.ftz && !(bits & 0x7c00))
      return 0.0f;
    return bf ? bf16ToFloat(bits) : f16ToFloat(bits);
  };
  float a[32], b[32];
  for (int i = 0; i < 32; ++i) {
    a[i] = value(x[i]);
    b[i] = value(y[i]);
  }
  return compareLanes(Cmp(inst.mods.sub), a, b);
}

uint32_t compare(Warp &warp, const Inst &inst) {
  switch (inst.type) {
  case Type::B16:
  case Type::U16:
    return compareAs<uint16_t>(warp, inst);
  case Type::B32:
  case Type::U32:
    return compareAs<uint32_t>(warp, inst);
  case Type::B64:
  case Type::U64:
    return compareAs<uint64_t>(warp, inst);
  case Type::S16:
    return compareAs<int16_t>(warp, inst);
  case Type::S32:
    return compareAs<int32_t>(warp, inst);
  case Type::S64:
    return compareAs<int64_t>(warp, inst);
  case Type::F32:
    return compareAs<float>(warp, inst);
  case Type::F64:
    return compareAs<double>(warp, inst);
  default:
    return compareHalf(warp, inst, 0);
  }
}

bool comparable(const Inst &inst) {
  bool floating = false;
  switch (inst.type) {
  case Type::F16:
  case Type::BF16:
  case Type::F16x2:
  case Type::BF16x2:
  case Type::F32:
  case Type::F64:
    floating = true;
    break;
  default:
    if (typeBits(inst.type) < 16 || (!isInt(inst.type) && !isBits(inst.type)))
      return false;
  }
  Cmp cmp = Cmp(inst.mods.sub);
  if (floating)
    return cmp <= Cmp::Ge || cmp >= Cmp::Equ;
  return cmp <= Cmp::Hs && !inst.mods.ftz;
}

uint32_t combine(Bool op, uint32_t value, uint32_t c) {
  switch (op) {
  case Bool::And:
    return value & c;
  case Bool::Or:
    return value | c;
  case Bool::Xor:
    return value ^ c;
  default:
    return value;
  }
}

uint32_t thirdPred(Warp &warp, const Inst &inst) {
  uint32_t c = warp.preds[inst.ops[inst.numOps - 1]];
  return inst.mods.negated ? ~c : c;
}

// setp p|q: q gets the negated comparison, combined alike; for packed halves p
// is the low and q the high half's.
void execSetp(Warp &warp, const Inst &inst, uint32_t mask) {
  bool pair = inst.type == Type::F16x2 || inst.type == Type::BF16x2;
  uint32_t first = compare(warp, inst);
  uint32_t second = pair ? compareHalf(warp, inst, 16) : ~first;
  uint32_t c = thirdPred(warp, inst);
  Bool op = Bool(inst.mods.sub2);
  storePred(warp, inst.ops[0], combine(op, first, c), mask);
  storePred(warp, inst.ops[1], combine(op, second, c), mask);
}

// True is all ones, or 1.0 for float destinations.
void execSet(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t c = thirdPred(warp, inst);
  Bool op = Bool(inst.mods.sub2);
  uint32_t low = combine(op, compare(warp, inst), c);
  bool pair = inst.type == Type::F16x2 || inst.type == Type::BF16x2;
  uint32_t high = pair ? combine(op, compareHalf(warp, inst, 16), c) : 0;
  uint32_t r[32];
  const auto value = [&](bool on, bool upper) -> uint32_t {
    if (!on)
      return 0;
    switch (inst.type2) {
    case Type::F32:
      return 0x3f800000;
    case Type::F16:
      return 0x3c00;
    case Type::BF16:
      return 0x3f80;
    case Type::F16x2:
      return upper ? 0x3c000000 : 0x3c00;
    case Type::BF16x2:
      return upper ? 0x3f800000 : 0x3f80;
    default:
      return !pair ? ~0u : upper ? 0xffff0000 : 0xffff;
    }
  };
  for (int i = 0; i < 32; ++i)
    r[i] = value(low >> i & 1, false) | value(high >> i & 1, true);
  if (typeBits(inst.type2) == 16)
    for (uint32_t &word : r)
      word &= 0xffff;
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename T>
void execSelp(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32], b[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  uint32_t c = warp.preds[inst.ops[3]];
  c = inst.mods.negated ? ~c : c;
  for (int i = 0; i < 32; ++i)
    r[i] = c >> i & 1 ? a[i] : b[i];
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename T, typename C>
void execSlct(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32], b[32], r[32];
  C c[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  for (int i = 0; i < 32; ++i)
    r[i] = c[i] >= C(0) ? a[i] : b[i];
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename T>
bool testOne(TestMode mode, T value) {
  switch (mode) {
  case TestMode::Finite:
    return std::isfinite(value);
  case TestMode::Infinite:
    return std::isinf(value);
  case TestMode::Number:
    return !std::isnan(value);
  case TestMode::NotANumber:
    return std::isnan(value);
  case TestMode::Normal:
    // Zero counts as normal.
    return std::isnormal(value) || value == 0;
  case TestMode::Subnormal:
    return std::fpclassify(value) == FP_SUBNORMAL;
  }
  return false;
}
template <typename T>
void execTestp(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32];
  loadLanes(warp, inst.ops[1], a);
  uint32_t result = 0;
  for (int i = 0; i < 32; ++i)
    result |= uint32_t(testOne(TestMode(inst.mods.sub), a[i])) << i;
  storePred(warp, inst.ops[0], result, mask);
}

void execPred(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a = warp.preds[inst.ops[1]];
  uint32_t b = inst.numOps > 2 ? warp.preds[inst.ops[2]] : 0;
  uint32_t r = inst.op == Op::PredAnd   ? a & b
               : inst.op == Op::PredOr  ? a | b
               : inst.op == Op::PredXor ? a ^ b
               : inst.op == Op::PredNot ? ~a
                                        : a;
  storePred(warp, inst.ops[0], r, mask);
}

} // namespace

ExecFn selectCompare(const Inst &inst) {
  unsigned bits = typeBits(inst.type);
  switch (inst.op) {
  case Op::Setp:
    return comparable(inst) ? execSetp : nullptr;
  case Op::Set:
    return comparable(inst) && typeBits(inst.type2) <= 32 ? execSet : nullptr;
  case Op::Selp:
    return bits == 64                 ? execSelp<uint64_t>
           : bits == 32 || bits == 16 ? execSelp<uint32_t>
                                      : nullptr;
  case Op::Slct:
    if (inst.type2 == Type::F32)
      return bits == 64 ? execSlct<uint64_t, float> : execSlct<uint32_t, float>;
    if (inst.type2 == Type::S32)
      return bits == 64 ? execSlct<uint64_t, int32_t>
                        : execSlct<uint32_t, int32_t>;
    return nullptr;
  case Op::Testp:
    return inst.type == Type::F32   ? execTestp<float>
           : inst.type == Type::F64 ? execTestp<double>
                                    : nullptr;
  case Op::PredAnd:
  case Op::PredOr:
  case Op::PredXor:
  case Op::PredNot:
  case Op::PredMov:
    return execPred;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
