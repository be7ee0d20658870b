//===- ExecBits.cpp - logic, shifts and bit fields ------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.1.15 "popc" to 9.7.1.22 "szext", 9.7.8 "Logic and
// Shift", 9.7.9.7 "prmt".
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <typename T>
using Unsigned = std::make_unsigned_t<T>;

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

template <typename T>
void execBfi(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32], b[32], r[32];
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

/// By width, for types without a sign.
template <typename Make>
ExecFn forBits(Type type, Make make) {
  if (!isBits(type))
    return nullptr;
  switch (typeBits(type)) {
  case 16:
    return make(uint16_t());
  case 32:
    return make(uint32_t());
  case 64:
    return make(uint64_t());
  }
  return nullptr;
}
template <typename F>
ExecFn bits1(Type type) {
  return forBits(type, [](auto t) -> ExecFn { return exec1<decltype(t), F>; });
}
template <typename F>
ExecFn bits2(Type type) {
  return forBits(type, [](auto t) -> ExecFn { return exec2<decltype(t), F>; });
}
/// The amount of a shift is .u32 whatever the type.
template <typename F>
ExecFn shifts(Type type) {
  const auto make = [](auto t) -> ExecFn {
    return exec2<decltype(t), F, uint32_t>;
  };
  return isBits(type) ? forBits(type, make) : forInts(type, make);
}
template <bool ShiftAmount>
ExecFn selectBfind(Type type) {
  if (typeBits(type) < 32)
    return nullptr;
  return forInts(type, [](auto t) -> ExecFn {
    return exec1<decltype(t), Bfind<ShiftAmount>>;
  });
}
ExecFn selectBfe(Type type) {
  if (typeBits(type) < 32)
    return nullptr;
  return forInts(type, [](auto t) -> ExecFn { return execBfe<decltype(t)>; });
}

} // namespace

ExecFn selectBits(const Inst &inst) {
  Type t = inst.type;
  const Mods &mods = inst.mods;
  switch (inst.op) {
  case Op::And:
    return bits2<And>(t);
  case Op::Or:
    return bits2<Or>(t);
  case Op::Xor:
    return bits2<Xor>(t);
  case Op::Not:
    return bits1<Not>(t);
  case Op::Cnot:
    return bits1<Cnot>(t);
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
    return mods.hi ? selectBfind<true>(t) : selectBfind<false>(t);
  case Op::Bfe:
    return selectBfe(t);
  case Op::Bfi:
    return t == Type::B32   ? execBfi<uint32_t>
           : t == Type::B64 ? execBfi<uint64_t>
                            : nullptr;
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
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
