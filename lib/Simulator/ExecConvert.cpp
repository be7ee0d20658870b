//===- ExecConvert.cpp - cvt ----------------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, section 9.7.9.21 "cvt". Scalars go through a value (an integer of 64
// bits or a double, which holds every float type exactly); packed conversions
// go element by element. In the two-source forms the first source becomes the
// upper half.
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <cmath>
#include <type_traits>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

RoundMode roundMode(Round round) {
  switch (round) {
  case Round::RZ:
  case Round::RZI:
    return RoundMode::ToZero;
  case Round::RM:
  case Round::RMI:
    return RoundMode::Down;
  case Round::RP:
  case Round::RPI:
    return RoundMode::Up;
  case Round::RNA:
    return RoundMode::NearestAway;
  default:
    return RoundMode::NearestEven;
  }
}

double roundInteger(double value, Round round) {
  switch (round) {
  case Round::RZI:
    return std::trunc(value);
  case Round::RMI:
    return std::floor(value);
  case Round::RPI:
    return std::ceil(value);
  case Round::RNI:
    return std::nearbyint(value);
  default:
    return value;
  }
}

constexpr FloatFormat kF32{8, 23, 0x7f7fffff, 0x7f800000, 0x7fffffff};

const FloatFormat *formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return &kF16;
  case Type::BF16:
  case Type::BF16x2:
    return &kBF16;
  case Type::F32:
    return &kF32;
  case Type::E5M2x2:
    return &kE5M2;
  default:
    return nullptr;
  }
}

bool isFloat(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F32 ||
         type == Type::F64;
}

/// Sources are read at the width of their register.
void loadBits(Warp &warp, const Inst &inst, uint32_t row, uint64_t (&out)[32]) {
  if (inst.vec == 8) {
    loadLanes(warp, row, out);
    return;
  }
  uint32_t words[32];
  loadLanes(warp, row, words);
  for (int i = 0; i < 32; ++i)
    out[i] = words[i];
}

/// Results are extended to the width of their register, `imm` bytes.
void storeBits(Warp &warp, const Inst &inst, uint64_t (&bits)[32],
               uint32_t mask) {
  if (inst.imm == 8) {
    storeLanes(warp, inst.ops[0], bits, mask);
    return;
  }
  uint32_t words[32];
  for (int i = 0; i < 32; ++i)
    words[i] = inst.imm == 4   ? uint32_t(bits[i])
               : inst.imm == 2 ? uint32_t(bits[i] & 0xffff)
                               : uint32_t(bits[i] & 0xff);
  storeLanes(warp, inst.ops[0], words, mask);
}

int64_t signExtend(uint64_t bits, unsigned width) {
  return int64_t(bits << (64 - width)) >> (64 - width);
}

double decodeFloat(Type type, uint64_t bits) {
  switch (type) {
  case Type::F64:
    return bitCast<double>(bits);
  case Type::F32:
    return bitCast<float>(uint32_t(bits));
  case Type::BF16:
    return bf16ToFloat(uint16_t(bits));
  default:
    return f16ToFloat(uint16_t(bits));
  }
}

double flushSingle(double value) {
  return std::fabs(value) < 0x1p-126 ? std::copysign(0.0, value) : value;
}

uint64_t encodeFloat(const Inst &inst, double value) {
  if (inst.type == Type::F64)
    return bitCast<uint64_t>(value);
  const Mods &mods = inst.mods;
  uint64_t bits = encode(*formatOf(inst.type), value, roundMode(mods.round));
  // float to float with an integer rounding keeps the format.
  if (inst.type == Type::F32 && mods.ftz && !(bits & 0x7f800000))
    bits &= 0x80000000;
  return bits;
}

// Integer results saturate always when the source is a float; NaN gives 0 for
// narrow types and the smallest value of 64-bit ones, as hardware has it.
uint64_t floatToInt(Type type, double value) {
  unsigned width = typeBits(type);
  if (value != value) {
    return width == 64 ? uint64_t(1) << 63 : 0;
  }
  if (isSigned(type)) {
    double limit = std::ldexp(1.0, int(width) - 1);
    if (value >= limit)
      return (uint64_t(1) << (width - 1)) - 1;
    if (value < -limit)
      value = -limit;
    return uint64_t(int64_t(value));
  }
  if (value <= 0)
    return 0;
  if (value >= std::ldexp(1.0, int(width)))
    return width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  return uint64_t(value);
}

uint64_t intToInt(const Inst &inst, uint64_t bits) {
  unsigned from = typeBits(inst.type2), to = typeBits(inst.type);
  bool fromSigned = isSigned(inst.type2), toSigned = isSigned(inst.type);
  __int128 value = fromSigned   ? __int128(signExtend(bits, from))
                   : from == 64 ? __int128(bits)
                                : __int128(bits & ((uint64_t(1) << from) - 1));
  if (inst.mods.sat) {
    __int128 high =
        toSigned ? (__int128(1) << (to - 1)) - 1 : (__int128(1) << to) - 1;
    __int128 low = toSigned ? -(__int128(1) << (to - 1)) : 0;
    value = value > high ? high : value < low ? low : value;
  }
  uint64_t result = uint64_t(value);
  if (toSigned)
    return uint64_t(signExtend(result, to));
  return to == 64 ? result : result & ((uint64_t(1) << to) - 1);
}

// Integers to floats are rounded once: to double only where that is exact.
uint64_t intToFloat(const Inst &inst, uint64_t bits) {
  unsigned from = typeBits(inst.type2);
  bool fromSigned = isSigned(inst.type2);
  uint64_t value = fromSigned   ? uint64_t(signExtend(bits, from))
                   : from == 64 ? bits
                                : bits & ((uint64_t(1) << from) - 1);
  bool negative = fromSigned && int64_t(value) < 0;
  uint64_t magnitude = negative ? 0 - value : value;
  if (inst.type == Type::F64 && inst.mods.round != Round::RN &&
      inst.mods.round != Round::None && magnitude >> 53) {
    unsigned drop = 11 - unsigned(__builtin_clzll(magnitude));
    uint64_t rest = magnitude & ((uint64_t(1) << drop) - 1);
    uint64_t kept = magnitude - rest;
    bool up = rest && (inst.mods.round == Round::RP   ? !negative
                       : inst.mods.round == Round::RM ? negative
                                                      : false);
    double result = double(kept) + (up ? std::ldexp(1.0, int(drop)) : 0.0);
    return bitCast<uint64_t>(negative ? -result : result);
  }
  if (inst.type == Type::F64) {
    double result = double(magnitude);
    return bitCast<uint64_t>(negative ? -result : result);
  }
  // High and low parts are exact doubles; their sum rounds to odd.
  double result = addRoundOdd(double(magnitude >> 32) * 0x1p32,
                              double(magnitude & 0xffffffff));
  return encodeFloat(inst, negative ? -result : result);
}

void execScalar(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t a[32], r[32];
  loadBits(warp, inst, inst.ops[1], a);
  const Mods &mods = inst.mods;
  bool fromFloat = isFloat(inst.type2), toFloat = isFloat(inst.type);
  for (int i = 0; i < 32; ++i) {
    if (!fromFloat) {
      r[i] = toFloat ? intToFloat(inst, a[i]) : intToInt(inst, a[i]);
      if (toFloat && mods.sat)
        r[i] = encodeFloat(
            inst, std::fmin(std::fmax(decodeFloat(inst.type, r[i]), 0.0), 1.0));
      continue;
    }
    double value = decodeFloat(inst.type2, a[i]);
    if (mods.ftz && inst.type2 == Type::F32)
      value = flushSingle(value);
    if (!toFloat) {
      r[i] = floatToInt(inst.type, roundInteger(value, mods.round));
      continue;
    }
    if (inst.type == inst.type2 || mods.round >= Round::RNI)
      value = roundInteger(value, mods.round);
    if (mods.sat)
      value = value >= 1 ? 1 : value > 0 ? value : 0;
    if (inst.type == Type::F64 && inst.type2 == Type::F64) {
      r[i] = bitCast<uint64_t>(value);
      continue;
    }
    r[i] = encodeFloat(inst, value);
    if (mods.satfinite && std::isinf(decodeFloat(inst.type, r[i])))
      --r[i]; // the largest finite pattern lies just below
    if (mods.relu && std::signbit(value) && value == value)
      r[i] = 0;
  }
  storeBits(warp, inst, r, mask);
}

// The common conversions, in loops that vectorize.
struct FloatToHalfBf {
  static uint16_t run(float value) {
    uint32_t bits = bitCast<uint32_t>(value);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return uint16_t((bits & 0x7fffffff) > 0x7f800000 ? 0x7fff : rounded);
  }
};
struct BfToFloat {
  static float run(uint16_t bits) {
    float value = bf16ToFloat(bits);
    return value != value ? bitCast<float>(0x7fffffffu) : value;
  }
};

uint32_t encodeTf32(float value, RoundMode mode, bool relu, bool saturate) {
  if (value != value)
    return 0x7fffffff;
  if (relu && std::signbit(value))
    return 0;
  return encode(kTF32, value, mode, saturate) << 13;
}
void execTf32(Warp &warp, const Inst &inst, uint32_t mask) {
  float a[32];
  uint32_t r[32];
  loadLanes(warp, inst.ops[1], a);
  for (int i = 0; i < 32; ++i)
    r[i] = encodeTf32(a[i], roundMode(inst.mods.round), inst.mods.relu,
                      inst.mods.satfinite);
  storeLanes(warp, inst.ops[0], r, mask);
}

uint32_t encodeUe8m0(double value, RoundMode mode, bool satfinite) {
  if (value != value)
    return 255;
  value = std::fabs(value);
  if (value == INFINITY)
    return satfinite ? 254 : 255;
  if (value <= 0x1p-127)
    return 0;
  int exponent;
  double fraction = std::frexp(value, &exponent); // in [0.5, 1)
  int bits = exponent - 1 + 127;
  if (mode == RoundMode::Up && fraction != 0.5)
    ++bits;
  if (bits < 0)
    return 0;
  return bits > 254 ? (satfinite ? 254 : 255) : uint32_t(bits);
}

/// One element of a packed conversion.
double decodeElement(Type type, uint32_t bits) {
  switch (type) {
  case Type::UE8M0x2:
    return valueTable(Type::UE8M0)[bits];
  case Type::E4M3x2:
    return valueTable(Type::E4M3)[bits];
  case Type::E5M2x2:
    return valueTable(Type::E5M2)[bits];
  case Type::E2M1x2:
    return valueTable(Type::E2M1)[bits];
  case Type::BF16x2:
    return bf16ToFloat(uint16_t(bits));
  default:
    return f16ToFloat(uint16_t(bits));
  }
}
uint32_t encodeElement(const Inst &inst, double value) {
  const Mods &mods = inst.mods;
  if (mods.ftz && inst.type2 == Type::F32)
    value = flushSingle(value);
  RoundMode mode = roundMode(mods.round);
  if (inst.type == Type::UE8M0x2)
    return encodeUe8m0(value, mode, mods.satfinite);
  if (mods.relu && std::signbit(value) && value == value)
    return 0;
  if (inst.type == Type::E2M1x2)
    return encodeNearest(Type::E2M1, float(value));
  if (inst.type == Type::E4M3x2)
    return encodeNearest(Type::E4M3, float(value));
  return encode(*formatOf(inst.type), value, mode, mods.satfinite);
}
/// Bits of one element within its pair.
unsigned elementBits(Type type) { return typeBits(type) / 2; }

// d = {a, b}: a in the upper half.
void execPack(Warp &warp, const Inst &inst, uint32_t mask) {
  float a[32], b[32];
  uint32_t r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  unsigned shift = elementBits(inst.type);
  for (int i = 0; i < 32; ++i)
    r[i] = encodeElement(inst, a[i]) << shift | encodeElement(inst, b[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}
// Both elements of a pair.
void execRepack(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  unsigned from = elementBits(inst.type2), to = elementBits(inst.type);
  uint32_t low = (1u << from) - 1;
  for (int i = 0; i < 32; ++i) {
    uint32_t first = a[i] & low, second = a[i] >> from & low;
    r[i] = encodeElement(inst, decodeElement(inst.type2, first)) |
           encodeElement(inst, decodeElement(inst.type2, second)) << to;
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

bool isNarrowPair(Type type) {
  return type == Type::E4M3x2 || type == Type::E5M2x2 || type == Type::E2M1x2 ||
         type == Type::UE8M0x2;
}
bool isHalfPair(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2;
}

ExecFn selectPacked(const Inst &inst) {
  const Mods &mods = inst.mods;
  Type to = inst.type, from = inst.type2;
  bool rounds = mods.round == Round::RN;
  if (from == Type::F32 && isHalfPair(to))
    return rounds || mods.round == Round::RZ ? execPack : nullptr;
  if (to == Type::UE8M0x2) {
    if (mods.round != Round::RZ && mods.round != Round::RP)
      return nullptr;
    return from == Type::F32      ? execPack
           : from == Type::BF16x2 ? execRepack
                                  : nullptr;
  }
  if (!rounds)
    return nullptr;
  if (isNarrowPair(to)) {
    if (!mods.satfinite)
      return nullptr;
    return from == Type::F32                           ? execPack
           : from == Type::F16x2 && to != Type::E2M1x2 ? execRepack
                                                       : nullptr;
  }
  if (from == Type::UE8M0x2)
    return to == Type::BF16x2 ? execRepack : nullptr;
  return isNarrowPair(from) && to == Type::F16x2 ? execRepack : nullptr;
}

} // namespace

ExecFn selectConvert(const Inst &inst) {
  if (inst.op != Op::Cvt)
    return nullptr;
  Type to = inst.type, from = inst.type2;
  const Mods &mods = inst.mods;
  if (to == Type::TF32)
    return from == Type::F32 ? execTf32 : nullptr;
  if (isNarrowPair(to) || isNarrowPair(from) || isHalfPair(to))
    return selectPacked(inst);
  bool known = (isFloat(to) || isInt(to)) && (isFloat(from) || isInt(from));
  if (!known)
    return nullptr;
  // PTX asks for a rounding wherever one can happen.
  bool integerRound = mods.round >= Round::RNI;
  bool floatRound = mods.round >= Round::RN && mods.round <= Round::RNA;
  if (isFloat(from) && isInt(to) && !integerRound)
    return nullptr;
  if (isInt(from) && isFloat(to) && !floatRound)
    return nullptr;
  if (isFloat(from) && isFloat(to) && typeBits(to) < typeBits(from) &&
      !floatRound)
    return nullptr;
  if (isInt(from) && isInt(to)) {
    unsigned have = typeBits(from) - isSigned(from);
    unsigned room = typeBits(to) - isSigned(to);
    bool exceeds = have > room || (isSigned(from) && !isSigned(to));
    if (mods.round != Round::None || (mods.sat && !exceeds))
      return nullptr;
  }
  bool plain = !mods.sat && !mods.relu && !mods.ftz && !mods.satfinite;
  if (to == Type::BF16 && from == Type::F32 && mods.round == Round::RN && plain)
    return exec1<float, FloatToHalfBf>;
  if (to == Type::F32 && from == Type::BF16 && plain)
    return exec1<uint16_t, BfToFloat>;
  return execScalar;
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
