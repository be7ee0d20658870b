//===- DecodeLegal.cpp - types and modifiers an instruction may have ------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The families of Decoder read modifiers and types wherever they stand; here is
// which of them go together, from the section of each instruction. What ptxas
// refuses must not run here, or a kernel that was only simulated would not
// assemble.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace fp4q::sim;

namespace {
/// Types as bits.
using Types = uint64_t;

constexpr Types set() { return 0; }
template <typename... Rest>
constexpr Types set(Type first, Rest... rest) {
  return uint64_t(1) << unsigned(first) | set(rest...);
}

constexpr Types kB8 = set(Type::B8, Type::U8, Type::S8);
constexpr Types kBits = set(Type::B16, Type::B32, Type::B64);
constexpr Types kUnsigned = set(Type::U16, Type::U32, Type::U64);
constexpr Types kSigned = set(Type::S16, Type::S32, Type::S64);
constexpr Types kInts = kUnsigned | kSigned;
constexpr Types kWords = set(Type::U32, Type::S32);
constexpr Types kLongWords = kWords | set(Type::U64, Type::S64);
constexpr Types kF16s = set(Type::F16, Type::F16x2);
constexpr Types kBf16s = set(Type::BF16, Type::BF16x2);
constexpr Types kHalves = kF16s | kBf16s;
constexpr Types kFloats = set(Type::F32, Type::F64);
constexpr Types kMove = kBits | kInts | kFloats;
constexpr Types kMemory = kB8 | kMove;

struct Rules {
  const Inst &inst;
  const Mods &mods;

  explicit Rules(const Inst &inst) : inst(inst), mods(inst.mods) {}

  bool is(Types types) const { return types >> unsigned(inst.type) & 1; }
  bool second(Types types) const { return types >> unsigned(inst.type2) & 1; }
  bool rounds() const { return mods.round != Round::None; }
  bool nearest() const { return !rounds() || mods.round == Round::RN; }
  bool directed() const {
    return mods.round >= Round::RN && mods.round <= Round::RP;
  }
  bool approximates() const { return mods.approx || mods.full; }
  bool carries() const { return mods.carryIn || mods.carryOut; }
  /// Has no modifier of floating-point instructions, but maybe .sat.
  bool bare() const {
    return !rounds() && !mods.ftz && !mods.relu && !mods.nan && !mods.xorsign &&
           !approximates();
  }
  bool integerPart() const { return mods.hi || mods.wide || mods.lo; }

  bool mixed() const;
  bool sum() const;
  bool product() const;
  bool fused() const;
  bool quotient() const;
  bool extremum() const;
  bool sign() const;
  bool compare() const;
  bool compareInto() const;
  bool convert() const;
  bool atomic() const;
  bool vectorAtomic() const;
  bool memory() const;
  bool other() const;
};
} // namespace

// Section 9.7.6: sums and fused products of halves with .f32, here only rounded
// to nearest.
bool Rules::mixed() const {
  return nearest() && !integerPart() && !carries() && !approximates() &&
         !mods.ftz && !mods.relu && !mods.nan && !mods.xorsign;
}

// Sections 9.7.1.1, 9.7.2, 9.7.3.3, 9.7.4.1, 9.7.5.1: add, sub.
bool Rules::sum() const {
  if (inst.type2 != Type::None)
    return mixed();
  if (integerPart() || mods.relu || mods.nan || mods.xorsign || approximates())
    return false;
  if (is(kInts))
    return bare() && (!carries() || is(kLongWords)) &&
           (!mods.sat || (inst.type == Type::S32 && !carries()));
  if (carries())
    return false;
  switch (inst.type) {
  case Type::F32:
    return !rounds() || directed();
  case Type::F32x2:
    return (!rounds() || directed()) && !mods.sat;
  case Type::F64:
    return (!rounds() || directed()) && !mods.ftz && !mods.sat;
  default:
    return (is(kF16s) && nearest()) ||
           (is(kBf16s) && nearest() && !mods.ftz && !mods.sat);
  }
}

// Sections 9.7.1.3, 9.7.1.4, 9.7.2.5, 9.7.2.6, and those of float mul and mad.
bool Rules::product() const {
  bool mad = inst.op == Op::Mad;
  if (!is(kInts))
    return sum();
  if (!bare() || !integerPart() || carries() != (carries() && mad))
    return false;
  if (carries())
    return is(kLongWords) && !mods.wide && !mods.sat;
  if (mods.wide)
    return !is(set(Type::U64, Type::S64)) && !mods.sat;
  return !mods.sat || (mad && mods.hi && inst.type == Type::S32);
}

// Sections 9.7.3.6 "fma" and 9.7.4.4; mad of floats (9.7.3.7) arrives here.
bool Rules::fused() const {
  if (inst.type2 != Type::None)
    return mods.round == Round::RN && mixed();
  if (integerPart() || carries() || mods.nan || mods.xorsign || approximates())
    return false;
  switch (inst.type) {
  case Type::F32:
    return directed() && !mods.relu;
  case Type::F32x2:
    return directed() && !mods.relu && !mods.sat;
  case Type::F64:
    return directed() && !mods.ftz && !mods.sat && !mods.relu;
  default:
    return mods.round == Round::RN && !(mods.sat && mods.relu) &&
           (is(kF16s) || (is(kBf16s) && !mods.ftz && !mods.sat));
  }
}

// Sections 9.7.1.9, 9.7.3.8 "div", 9.7.3.13 "rcp", 9.7.3.15 "sqrt".
bool Rules::quotient() const {
  if (is(kInts))
    return inst.op == Op::Div && bare() && !mods.sat;
  if (mods.sat || mods.relu || mods.nan || mods.xorsign)
    return false;
  if (mods.full && (inst.op != Op::Div || mods.approx))
    return false;
  bool one = approximates() != directed();
  if (inst.type == Type::F32)
    return one;
  if (inst.type != Type::F64 || !one)
    return false;
  // The only approximation of .f64 is rcp.approx.ftz.
  return approximates() ? inst.op == Op::Rcp && mods.ftz : !mods.ftz;
}

// Sections 9.7.1.13, 9.7.1.14, 9.7.3.11, 9.7.3.12, 9.7.4.7, 9.7.4.8: min, max.
bool Rules::extremum() const {
  if (rounds() || approximates() || mods.sat || mods.relu || integerPart())
    return false;
  if (is(kInts | set(Type::U16x2, Type::S16x2)) || inst.type == Type::F64)
    return bare();
  return inst.type == Type::F32 || is(kF16s) || (is(kBf16s) && !mods.ftz);
}

bool Rules::sign() const {
  if (rounds() || mods.sat || mods.relu || mods.nan || mods.xorsign ||
      approximates())
    return false;
  if (is(kSigned | kBf16s) || inst.type == Type::F64)
    return !mods.ftz;
  return inst.type == Type::F32 || is(kF16s);
}

// Sections 9.7.6.2 "setp" and 9.7.7.2.
bool Rules::compare() const {
  Cmp cmp = Cmp(mods.sub);
  if (mods.ftz && inst.type != Type::F32 && !is(kF16s))
    return false;
  if (is(kBits))
    return cmp <= Cmp::Ne;
  if (is(kSigned))
    return cmp <= Cmp::Ge;
  if (is(kUnsigned))
    return cmp <= Cmp::Hs;
  return is(kFloats | kHalves) && (cmp <= Cmp::Ge || cmp >= Cmp::Equ);
}

// Sections 9.7.6.1 "set" and 9.7.7.1; `type2` is the destination's.
bool Rules::compareInto() const {
  if (!compare())
    return false;
  bool pair = is(set(Type::F16x2, Type::BF16x2));
  if (pair)
    return inst.type2 == inst.type || second(kWords);
  if (is(set(Type::F16, Type::BF16)))
    return inst.type2 == inst.type ||
           second(kWords | set(Type::U16, Type::S16));
  return second(kWords | set(Type::F32, Type::F16, Type::BF16));
}

// Section 9.7.9.21 "cvt"; the execution functions know the packed formats.
bool Rules::convert() const {
  Type to = inst.type, from = inst.type2;
  const auto has = [&](Type one, Types types) {
    return (to == one && second(types)) || (from == one && is(types));
  };
  if (mods.nan || mods.xorsign || approximates())
    return false;
  if (has(Type::BF16, kB8))
    return false;
  if (mods.sat && (to == Type::BF16 || from == Type::BF16))
    return false;
  constexpr Types narrow =
      set(Type::E4M3x2, Type::E5M2x2, Type::E2M1x2, Type::UE8M0x2);
  if (mods.satfinite && second(narrow))
    return false;
  if (mods.relu && (to == Type::UE8M0x2 || from == Type::UE8M0x2))
    return false;
  if (to == Type::TF32 && !rounds())
    return false;
  bool narrows = from == Type::F32 && (is(kHalves) || to == Type::TF32);
  bool packed = !is(kInts | kB8 | kFloats | set(Type::F16, Type::BF16)) ||
                !second(kInts | kB8 | kFloats | set(Type::F16, Type::BF16));
  if (!packed && (mods.relu || mods.satfinite)) {
    if (!narrows || (mods.round != Round::RN && mods.round != Round::RZ))
      return false;
  }
  if (mods.ftz && to != Type::F32 && from != Type::F32)
    return false;
  if (mods.sat && (packed || narrows) && to == Type::BF16)
    return false;
  if (packed)
    return !mods.sat && !mods.ftz &&
           (to != Type::TF32 || mods.round == Round::RNA || nearest() ||
            mods.round == Round::RZ) &&
           (to != Type::TF32 || mods.round != Round::RNA || !mods.relu);
  if (mods.round == Round::RNA)
    return false;
  // A rounding to integers keeps the format; any other changes it to one that
  // may not hold the value.
  bool fromFloat = second(kFloats | set(Type::F16, Type::BF16));
  bool toFloat = is(kFloats | set(Type::F16, Type::BF16));
  if (fromFloat && toFloat && rounds()) {
    if (mods.round >= Round::RNI)
      return to == from;
    bool sameWidth = typeBits(to) == typeBits(from);
    return typeBits(to) < typeBits(from) || (sameWidth && to != from);
  }
  if (fromFloat && toFloat && typeBits(to) == typeBits(from) && to != from)
    return false;
  return true;
}

// Sections 9.7.13.6 "atom" and 9.7.13.7 "red".
bool Rules::atomic() const {
  Atomic op = Atomic(mods.sub);
  if (mods.noftz != is(kHalves))
    return false;
  if (inst.vec > 1)
    return op == Atomic::Add && vectorAtomic();
  bool returns = inst.op == Op::Atom;
  switch (op) {
  case Atomic::Add:
    return is(set(Type::U32, Type::S32, Type::U64) | kFloats | kHalves);
  case Atomic::Min:
  case Atomic::Max:
    return is(kLongWords);
  case Atomic::And:
  case Atomic::Or:
  case Atomic::Xor:
    return is(set(Type::B32, Type::B64));
  case Atomic::Exch:
    return returns && is(set(Type::B32, Type::B64));
  case Atomic::Cas:
    return returns && is(kBits);
  case Atomic::Inc:
  case Atomic::Dec:
    return inst.type == Type::U32;
  case Atomic::Popc:
    break;
  }
  return false;
}

bool Rules::vectorAtomic() const {
  return is(set(Type::F32) | kHalves) && typeBits(inst.type) * inst.vec <= 128;
}

// Sections 9.7.9.8 "ld", 9.7.9.11 "st": vectors of 256 bits are of words.
bool Rules::memory() const {
  unsigned bits = typeBits(inst.type) * inst.vec;
  bool global = inst.space == Space::Global || inst.space == Space::Generic;
  return is(kMemory) && (inst.vec < 8 || typeBits(inst.type) == 32) &&
         (bits <= 128 || (bits == 256 && global));
}

bool Rules::other() const {
  switch (inst.op) {
  case Op::Rsqrt:
    return mods.approx && !rounds() && is(kFloats);
  case Op::Ex2:
    if (is(kF16s))
      return mods.approx && !mods.ftz;
    if (is(kBf16s))
      return mods.approx && mods.ftz;
    [[fallthrough]];
  case Op::Lg2:
  case Op::Sin:
  case Op::Cos:
    return mods.approx && !rounds() && inst.type == Type::F32;
  case Op::Tanh:
    return mods.approx && !rounds() && !mods.ftz &&
           (inst.type == Type::F32 || is(kHalves));
  case Op::Testp:
  case Op::Copysign:
    return is(kFloats);
  case Op::Selp:
    return is(kMove);
  case Op::Slct:
    return is(kMove) && second(set(Type::S32, Type::F32)) &&
           (!mods.ftz || inst.type2 == Type::F32);
  case Op::Mov:
    return is(kMove);
  case Op::Match:
    return is(set(Type::B32, Type::B64));
  case Op::Mapa:
  case Op::GetCtaRank:
    return is(set(Type::U32, Type::U64));
  case Op::Cvta:
    return inst.type == Type::U64;
  default:
    return true;
  }
}

bool Decoder::isLegal() const {
  Rules rules(*inst);
  switch (inst->op) {
  case Op::Add:
  case Op::Sub:
    return rules.sum();
  case Op::Mul:
  case Op::Mad:
    return rules.product();
  case Op::Fma:
    return rules.fused();
  case Op::Div:
  case Op::Rcp:
  case Op::Sqrt:
    return rules.quotient();
  case Op::Sad:
  case Op::Rem:
    return rules.is(kInts) && rules.bare() && !inst->mods.sat;
  case Op::Min:
  case Op::Max:
    return rules.extremum();
  case Op::Abs:
  case Op::Neg:
    return rules.sign();
  case Op::Setp:
    return rules.compare();
  case Op::Set:
    return rules.compareInto();
  case Op::Cvt:
    return rules.convert();
  case Op::Atom:
  case Op::Red:
    return rules.atomic();
  case Op::Ld:
  case Op::LdParam:
  case Op::St:
    return rules.memory();
  default:
    return rules.other();
  }
}
