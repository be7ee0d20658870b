//===- ExecInteger.cpp - integer and logic instructions -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.1 "Integer Arithmetic", 9.7.2 "Extended-Precision
// Integer Arithmetic", 9.7.8 "Logic and Shift", 9.7.9.7 "prmt".
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <limits>
#include <type_traits>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <typename T>
using Unsigned = std::make_unsigned_t<T>;

template <typename T>
struct Wider;
template <>
struct Wider<uint16_t> {
  using Type = uint32_t;
};
template <>
struct Wider<int16_t> {
  using Type = int32_t;
};
template <>
struct Wider<uint32_t> {
  using Type = uint64_t;
};
template <>
struct Wider<int32_t> {
  using Type = int64_t;
};
template <>
struct Wider<uint64_t> {
  using Type = unsigned __int128;
};
template <>
struct Wider<int64_t> {
  using Type = __int128;
};

template <typename T>
T wrapMul(T a, T b) {
  // 16-bit operands would be promoted to int, whose overflow is undefined.
  using U = std::conditional_t<sizeof(T) == 2, uint32_t, Unsigned<T>>;
  return T(U(a) * U(b));
}
template <typename T>
T highMul(T a, T b) {
  using W = typename Wider<T>::Type;
  return T(W(W(a) * W(b)) >> (8 * sizeof(T)));
}

struct Add {
  template <typename T>
  static T run(T a, T b) {
    return T(Unsigned<T>(a) + Unsigned<T>(b));
  }
};
struct Sub {
  template <typename T>
  static T run(T a, T b) {
    return T(Unsigned<T>(a) - Unsigned<T>(b));
  }
};
struct AddSat {
  static int32_t run(int32_t a, int32_t b) {
    int64_t r = int64_t(a) + b;
    return r > INT32_MAX ? INT32_MAX : r < INT32_MIN ? INT32_MIN : int32_t(r);
  }
};
struct SubSat {
  static int32_t run(int32_t a, int32_t b) {
    int64_t r = int64_t(a) - b;
    return r > INT32_MAX ? INT32_MAX : r < INT32_MIN ? INT32_MIN : int32_t(r);
  }
};
struct MulLo {
  template <typename T>
  static T run(T a, T b) {
    return wrapMul(a, b);
  }
};
struct MulHi {
  template <typename T>
  static T run(T a, T b) {
    return highMul(a, b);
  }
};
struct MulWide {
  template <typename T>
  static typename Wider<T>::Type run(T a, T b) {
    using W = typename Wider<T>::Type;
    return wrapMul<W>(W(a), W(b));
  }
};
struct MadLo {
  template <typename T>
  static T run(T a, T b, T c) {
    return Add::run(wrapMul(a, b), c);
  }
};
struct MadHi {
  template <typename T>
  static T run(T a, T b, T c) {
    return Add::run(highMul(a, b), c);
  }
};
struct MadHiSat {
  static int32_t run(int32_t a, int32_t b, int32_t c) {
    return AddSat::run(highMul(a, b), c);
  }
};
struct MadWide {
  template <typename T, typename W>
  static W run(T a, T b, W c) {
    return Add::run(MulWide::run(a, b), c);
  }
};
struct Sad {
  template <typename T>
  static T run(T a, T b, T c) {
    Unsigned<T> difference = a < b ? Unsigned<T>(b) - Unsigned<T>(a)
                                   : Unsigned<T>(a) - Unsigned<T>(b);
    return T(Unsigned<T>(c) + difference);
  }
};
// Division by zero gives all ones (PTX: an unspecified, machine-specific
// value).
struct Div {
  template <typename T>
  static T run(T a, T b) {
    if (b == 0)
      return T(~T(0));
    if (std::is_signed_v<T> && b == T(-1))
      return T(Unsigned<T>(0) - Unsigned<T>(a));
    return T(a / b);
  }
};
struct Rem {
  template <typename T>
  static T run(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == T(-1))
      return 0;
    return T(a % b);
  }
};
struct Abs {
  template <typename T>
  static T run(T a) {
    return a < 0 ? T(Unsigned<T>(0) - Unsigned<T>(a)) : a;
  }
};
struct Neg {
  template <typename T>
  static T run(T a) {
    return T(Unsigned<T>(0) - Unsigned<T>(a));
  }
};
struct Min {
  template <typename T>
  static T run(T a, T b) {
    return a < b ? a : b;
  }
};
struct Max {
  template <typename T>
  static T run(T a, T b) {
    return a > b ? a : b;
  }
};

struct And {
  template <typename T>
  static T run(T a, T b) {
    return a & b;
  }
};
struct Or {
  template <typename T>
  static T run(T a, T b) {
    return a | b;
  }
};
struct Xor {
  template <typename T>
  static T run(T a, T b) {
    return a ^ b;
  }
};
struct Not {
  template <typename T>
  static T run(T a) {
    return T(~a);
  }
};
struct Cnot {
  template <typename T>
  static T run(T a) {
    return a == 0;
  }
};
// Shifts by the width or more give zero, or the sign.
struct Shl {
  template <typename T>
  static T run(T a, uint32_t b) {
    return b >= 8 * sizeof(T) ? T(0) : T(a << b);
  }
};
struct Shr {
  template <typename T>
  static T run(T a, uint32_t b) {
    constexpr uint32_t bits = 8 * sizeof(T);
    if (std::is_signed_v<T>)
      return T(a >> (b >= bits ? bits - 1 : b));
    return b >= bits ? T(0) : T(a >> b);
  }
};
template <bool Right, bool Wrap>
struct Shf {
  static uint32_t run(uint32_t low, uint32_t high, uint32_t c) {
    uint32_t n = Wrap ? c & 31 : c > 32 ? 32 : c;
    uint64_t both = uint64_t(high) << 32 | low;
    return Right ? uint32_t(both >> n) : uint32_t(both >> (32 - n));
  }
};

template <typename T>
uint32_t countLeading(T a) {
  if (a == 0)
    return 8 * sizeof(T);
  return sizeof(T) == 8 ? uint32_t(__builtin_clzll(a))
                        : uint32_t(__builtin_clz(uint32_t(a)));
}
struct Popc {
  template <typename T>
  static uint32_t run(T a) {
    return uint32_t(__builtin_popcountll(a));
  }
};
struct Clz {
  template <typename T>
  static uint32_t run(T a) {
    return countLeading(a);
  }
};
template <bool ShiftAmount>
struct Bfind {
  template <typename T>
  static uint32_t run(T a) {
    Unsigned<T> bits =
        std::is_signed_v<T> && a < 0 ? Unsigned<T>(~a) : Unsigned<T>(a);
    if (bits == 0)
      return ~0u;
    uint32_t leading = countLeading(bits);
    return ShiftAmount ? leading : uint32_t(8 * sizeof(T)) - 1 - leading;
  }
};
struct Brev {
  template <typename T>
  static T run(T a) {
    T r = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i)
      r |= T(a >> i & 1) << (8 * sizeof(T) - 1 - i);
    return r;
  }
};
// The field [pos, pos + len); bits beyond the width repeat the sign (or 0).
struct Bfe {
  template <typename T>
  static T run(T a, uint32_t b, uint32_t c) {
    constexpr uint32_t bits = 8 * sizeof(T);
    uint32_t pos = b & 0xff, len = c & 0xff;
    if (len == 0)
      return 0;
    uint32_t last = pos + len - 1 < bits - 1 ? pos + len - 1 : bits - 1;
    bool sign = std::is_signed_v<T> && (Unsigned<T>(a) >> last & 1);
    Unsigned<T> field = pos >= bits ? 0 : Unsigned<T>(a) >> pos;
    if (pos >= bits)
      return sign ? T(-1) : T(0);
    uint32_t width = last - pos + 1;
    if (width < bits) {
      Unsigned<T> mask = (Unsigned<T>(1) << width) - 1;
      field = sign ? field | ~mask : field & mask;
    }
    return T(field);
  }
};
template <typename T>
T insertField(T a, T b, uint32_t c, uint32_t d) {
  constexpr uint32_t bits = 8 * sizeof(T);
  uint32_t pos = c & 0xff, len = d & 0xff;
  if (len == 0 || pos >= bits)
    return b;
  T mask = len >= bits ? T(~T(0)) : T((T(1) << len) - 1);
  mask = T(mask << pos);
  return T((b & ~mask) | ((a << pos) & mask));
}
template <bool Wrap>
struct Bmsk {
  static uint32_t run(uint32_t a, uint32_t b) {
    uint32_t pos = Wrap ? a & 31 : a > 32 ? 32 : a;
    uint32_t len = Wrap ? b & 31 : b > 32 ? 32 : b;
    uint64_t mask = ((uint64_t(1) << len) - 1) << pos;
    return uint32_t(mask);
  }
};
template <bool Wrap>
struct Szext {
  template <typename T>
  static T run(T a, uint32_t b) {
    uint32_t n = Wrap ? b & 31 : b > 32 ? 32 : b;
    if (n == 0)
      return 0;
    if (n == 32)
      return a;
    uint32_t mask = (1u << n) - 1;
    bool sign = std::is_signed_v<T> && (uint32_t(a) >> (n - 1) & 1);
    return T(sign ? uint32_t(a) | ~mask : uint32_t(a) & mask);
  }
};

void execBfi32(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], b[32], c[32], d[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  loadLanes(warp, inst.ops[4], d);
  for (int i = 0; i < 32; ++i)
    r[i] = insertField(a[i], b[i], c[i], d[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}
void execBfi64(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t a[32], b[32], r[32];
  uint32_t c[32], d[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  loadLanes(warp, inst.ops[4], d);
  for (int i = 0; i < 32; ++i)
    r[i] = insertField(a[i], b[i], c[i], d[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}

// Bit i of the result is bit (a_i << 2 | b_i << 1 | c_i) of the table: the sum
// over the table's set bits of their minterms.
void execLop3(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], b[32], c[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  for (int i = 0; i < 32; ++i)
    r[i] = 0;
  for (unsigned term = 0; term < 8; ++term) {
    if (!(inst.imm >> term & 1))
      continue;
    uint32_t fa = term & 4 ? 0 : ~0u, fb = term & 2 ? 0 : ~0u;
    uint32_t fc = term & 1 ? 0 : ~0u;
    for (int i = 0; i < 32; ++i)
      r[i] |= (a[i] ^ fa) & (b[i] ^ fb) & (c[i] ^ fc);
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

uint32_t permuteBytes(PrmtMode mode, uint32_t a, uint32_t b, uint32_t c) {
  uint64_t bytes = uint64_t(b) << 32 | a;
  uint32_t r = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    uint32_t n = c & 3, s = 0;
    switch (mode) {
    case PrmtMode::Default:
      s = c >> (4 * i) & 15;
      break;
    case PrmtMode::F4e:
      s = n + i;
      break;
    case PrmtMode::B4e:
      s = (n - i) & 7;
      break;
    case PrmtMode::Rc8:
      s = n;
      break;
    case PrmtMode::Ecl:
      s = i > n ? i : n;
      break;
    case PrmtMode::Ecr:
      s = i < n ? i : n;
      break;
    case PrmtMode::Rc16:
      s = (n & 1) * 2 + (i & 1);
      break;
    }
    uint32_t byte = uint32_t(bytes >> (8 * (s & 7))) & 0xff;
    if (s & 8)
      byte = byte & 0x80 ? 0xff : 0;
    r |= byte << (8 * i);
  }
  return r;
}
void execPrmt(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], b[32], c[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  for (int i = 0; i < 32; ++i)
    r[i] = permuteBytes(PrmtMode(inst.mods.sub), a[i], b[i], c[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}

int64_t field(uint32_t word, unsigned bits, unsigned index, bool isSignedType) {
  uint32_t value = word >> (bits * index) & ((1u << bits) - 1);
  bool sign = isSignedType && (value >> (bits - 1) & 1);
  return sign ? int64_t(value) - (int64_t(1) << bits) : int64_t(value);
}
void execDot(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], b[32], c[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  bool two = inst.op == Op::Dp2a;
  for (int i = 0; i < 32; ++i) {
    int64_t sum = c[i];
    for (unsigned j = 0; j < (two ? 2 : 4); ++j)
      sum += field(a[i], two ? 16 : 8, j, isSigned(inst.type)) *
             field(b[i], 8, j + (two && inst.mods.hi ? 2 : 0),
                   isSigned(inst.type2));
    r[i] = uint32_t(sum);
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

// add.cc, addc, sub.cc, subc, mad.cc, madc on the warp's carry flags.
template <typename T>
void execCarry(Warp &warp, const Inst &inst, uint32_t mask) {
  using W = unsigned __int128;
  constexpr unsigned bits = 8 * sizeof(T);
  T a[32], b[32], c[32] = {}, r[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  if (inst.op == Op::Mad)
    loadLanes(warp, inst.ops[3], c);
  uint32_t carry = 0;
  for (int i = 0; i < 32; ++i) {
    W x = a[i], y = b[i];
    uint32_t in = inst.mods.carryIn ? warp.carry >> i & 1 : 0;
    if (inst.op == Op::Mad) {
      W product = isSigned(inst.type) && inst.mods.hi
                      ? W(__int128(std::make_signed_t<T>(a[i])) *
                          std::make_signed_t<T>(b[i]))
                      : x * y;
      x = T(inst.mods.hi ? product >> bits : product);
      y = c[i];
    }
    W sum = inst.op == Op::Sub ? x - y - in : x + y + in;
    r[i] = T(sum);
    carry |= uint32_t(sum >> bits & 1) << i;
  }
  if (inst.mods.carryOut)
    warp.carry = (warp.carry & ~mask) | (carry & mask);
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename F>
ExecFn bits2(Type type) {
  switch (typeBits(type)) {
  case 16:
    return exec2<uint16_t, F>;
  case 32:
    return exec2<uint32_t, F>;
  case 64:
    return exec2<uint64_t, F>;
  }
  return nullptr;
}
template <typename F>
ExecFn bits1(Type type) {
  switch (typeBits(type)) {
  case 16:
    return exec1<uint16_t, F>;
  case 32:
    return exec1<uint32_t, F>;
  case 64:
    return exec1<uint64_t, F>;
  }
  return nullptr;
}
template <typename F>
ExecFn ints1(Type type) {
  switch (type) {
  case Type::S16:
    return exec1<int16_t, F>;
  case Type::S32:
    return exec1<int32_t, F>;
  case Type::S64:
    return exec1<int64_t, F>;
  default:
    return nullptr;
  }
}
template <typename F>
ExecFn ints2(Type type) {
  switch (type) {
  case Type::U16:
    return exec2<uint16_t, F>;
  case Type::U32:
    return exec2<uint32_t, F>;
  case Type::U64:
    return exec2<uint64_t, F>;
  case Type::S16:
    return exec2<int16_t, F>;
  case Type::S32:
    return exec2<int32_t, F>;
  case Type::S64:
    return exec2<int64_t, F>;
  default:
    return nullptr;
  }
}
template <typename F>
ExecFn ints3(Type type) {
  switch (type) {
  case Type::U16:
    return exec3<uint16_t, F>;
  case Type::U32:
    return exec3<uint32_t, F>;
  case Type::U64:
    return exec3<uint64_t, F>;
  case Type::S16:
    return exec3<int16_t, F>;
  case Type::S32:
    return exec3<int32_t, F>;
  case Type::S64:
    return exec3<int64_t, F>;
  default:
    return nullptr;
  }
}
template <typename F>
ExecFn shifts(Type type) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return exec2<uint16_t, F, uint32_t>;
  case Type::B32:
  case Type::U32:
    return exec2<uint32_t, F, uint32_t>;
  case Type::B64:
  case Type::U64:
    return exec2<uint64_t, F, uint32_t>;
  case Type::S16:
    return exec2<int16_t, F, uint32_t>;
  case Type::S32:
    return exec2<int32_t, F, uint32_t>;
  case Type::S64:
    return exec2<int64_t, F, uint32_t>;
  default:
    return nullptr;
  }
}

// bfe's second and third sources are .u32 whatever its type.
template <typename T>
void execBfe(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32], r[32];
  uint32_t b[32], c[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  for (int i = 0; i < 32; ++i)
    r[i] = Bfe::run(a[i], b[i], c[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}

ExecFn selectMul(const Inst &inst) {
  Type t = inst.type;
  bool mad = inst.op == Op::Mad;
  if (!inst.mods.wide) {
    if (mad && inst.mods.hi && inst.mods.sat)
      return t == Type::S32 ? exec3<int32_t, MadHiSat> : nullptr;
    if (inst.mods.sat)
      return nullptr;
    if (inst.mods.hi)
      return mad ? ints3<MadHi>(t) : ints2<MulHi>(t);
    return mad ? ints3<MadLo>(t) : ints2<MulLo>(t);
  }
  switch (t) {
  case Type::U16:
    return mad ? exec3<uint16_t, MadWide, uint32_t> : exec2<uint16_t, MulWide>;
  case Type::S16:
    return mad ? exec3<int16_t, MadWide, int32_t> : exec2<int16_t, MulWide>;
  case Type::U32:
    return mad ? exec3<uint32_t, MadWide, uint64_t> : exec2<uint32_t, MulWide>;
  case Type::S32:
    return mad ? exec3<int32_t, MadWide, int64_t> : exec2<int32_t, MulWide>;
  default:
    return nullptr;
  }
}

} // namespace

ExecFn selectInteger(const Inst &inst) {
  Type t = inst.type;
  const Mods &mods = inst.mods;
  bool wide = typeBits(t) == 64;
  if (mods.carryIn || mods.carryOut) {
    if (typeBits(t) != (wide ? 64u : 32u) || !isInt(t) || mods.wide)
      return nullptr;
    return wide ? execCarry<uint64_t> : execCarry<uint32_t>;
  }
  switch (inst.op) {
  case Op::Add:
    if (mods.sat)
      return t == Type::S32 ? exec2<int32_t, AddSat> : nullptr;
    return ints2<Add>(t);
  case Op::Sub:
    if (mods.sat)
      return t == Type::S32 ? exec2<int32_t, SubSat> : nullptr;
    return ints2<Sub>(t);
  case Op::Mul:
  case Op::Mad:
    return selectMul(inst);
  case Op::Sad:
    return ints3<Sad>(t);
  case Op::Div:
    return ints2<Div>(t);
  case Op::Rem:
    return ints2<Rem>(t);
  case Op::Abs:
    return ints1<Abs>(t);
  case Op::Neg:
    return ints1<Neg>(t);
  case Op::Min:
    return mods.relu ? nullptr : ints2<Min>(t);
  case Op::Max:
    return mods.relu ? nullptr : ints2<Max>(t);
  case Op::And:
    return isBits(t) ? bits2<And>(t) : nullptr;
  case Op::Or:
    return isBits(t) ? bits2<Or>(t) : nullptr;
  case Op::Xor:
    return isBits(t) ? bits2<Xor>(t) : nullptr;
  case Op::Not:
    return isBits(t) ? bits1<Not>(t) : nullptr;
  case Op::Cnot:
    return isBits(t) ? bits1<Cnot>(t) : nullptr;
  case Op::Shl:
    return isBits(t) ? shifts<Shl>(t) : nullptr;
  case Op::Shr:
    return shifts<Shr>(t);
  case Op::Shf:
    if (mods.hi)
      return mods.wrap ? exec3<uint32_t, Shf<true, true>>
                       : exec3<uint32_t, Shf<true, false>>;
    return mods.wrap ? exec3<uint32_t, Shf<false, true>>
                     : exec3<uint32_t, Shf<false, false>>;
  case Op::Lop3:
    return t == Type::B32 ? execLop3 : nullptr;
  case Op::Prmt:
    return t == Type::B32 ? execPrmt : nullptr;
  case Op::Popc:
  case Op::Clz:
  case Op::Brev:
    if (!isBits(t) || typeBits(t) < 32)
      return nullptr;
    return inst.op == Op::Popc  ? bits1<Popc>(t)
           : inst.op == Op::Clz ? bits1<Clz>(t)
                                : bits1<Brev>(t);
  case Op::Bfind:
    switch (t) {
    case Type::U32:
      return mods.hi ? exec1<uint32_t, Bfind<true>>
                     : exec1<uint32_t, Bfind<false>>;
    case Type::S32:
      return mods.hi ? exec1<int32_t, Bfind<true>>
                     : exec1<int32_t, Bfind<false>>;
    case Type::U64:
      return mods.hi ? exec1<uint64_t, Bfind<true>>
                     : exec1<uint64_t, Bfind<false>>;
    case Type::S64:
      return mods.hi ? exec1<int64_t, Bfind<true>>
                     : exec1<int64_t, Bfind<false>>;
    default:
      return nullptr;
    }
  case Op::Bfe:
    switch (t) {
    case Type::U32:
      return execBfe<uint32_t>;
    case Type::S32:
      return execBfe<int32_t>;
    case Type::U64:
      return execBfe<uint64_t>;
    case Type::S64:
      return execBfe<int64_t>;
    default:
      return nullptr;
    }
  case Op::Bfi:
    return t == Type::B32 ? execBfi32 : t == Type::B64 ? execBfi64 : nullptr;
  case Op::Bmsk:
    if (t != Type::B32)
      return nullptr;
    return mods.wrap ? exec2<uint32_t, Bmsk<true>>
                     : exec2<uint32_t, Bmsk<false>>;
  case Op::Szext:
    if (t == Type::U32)
      return mods.wrap ? exec2<uint32_t, Szext<true>, uint32_t>
                       : exec2<uint32_t, Szext<false>, uint32_t>;
    if (t == Type::S32)
      return mods.wrap ? exec2<int32_t, Szext<true>, uint32_t>
                       : exec2<int32_t, Szext<false>, uint32_t>;
    return nullptr;
  case Op::Dp4a:
  case Op::Dp2a:
    return execDot;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
