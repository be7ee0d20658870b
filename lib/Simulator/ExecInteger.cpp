//===- ExecInteger.cpp - integer arithmetic -------------------------------===//
//----------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.1 "Integer Arithmetic", 9.7.2 "Extended-Precision
// Integer Arithmetic". Logic and bit fields are in ExecBits.cpp.
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
/// An operation on both halves of words.
template <typename F, typename T>
struct Halves {
  static uint32_t run(uint32_t a, uint32_t b) {
    uint32_t low = uint16_t(F::run(T(a), T(b)));
    uint32_t high = uint16_t(F::run(T(a >> 16), T(b >> 16)));
    return high << 16 | low;
  }
};

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
ExecFn ints1(Type type) {
  return forInts(type, [](auto t) -> ExecFn { return exec1<decltype(t), F>; });
}
template <typename F>
ExecFn ints2(Type type) {
  return forInts(type, [](auto t) -> ExecFn { return exec2<decltype(t), F>; });
}
template <typename F>
ExecFn ints3(Type type) {
  return forInts(type, [](auto t) -> ExecFn { return exec3<decltype(t), F>; });
}

ExecFn selectMul(const Inst &inst) {
  Type t = inst.type;
  bool mad = inst.op == Op::Mad;
  if (!inst.mods.wide) {
    if (inst.mods.sat)
      return exec3<int32_t, MadHiSat>;
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
  if (inst.op == Op::Min || inst.op == Op::Max) {
    bool max = inst.op == Op::Max;
    if (t == Type::U16x2)
      return max ? exec2<uint32_t, Halves<Max, uint16_t>>
                 : exec2<uint32_t, Halves<Min, uint16_t>>;
    if (t == Type::S16x2)
      return max ? exec2<uint32_t, Halves<Max, int16_t>>
                 : exec2<uint32_t, Halves<Min, int16_t>>;
  }
  const Mods &mods = inst.mods;
  if (!isInt(t))
    return nullptr;
  bool wide = typeBits(t) == 64;
  if (mods.carryIn || mods.carryOut)
    return wide ? execCarry<uint64_t> : execCarry<uint32_t>;
  switch (inst.op) {
  case Op::Add:
    return mods.sat ? exec2<int32_t, AddSat> : ints2<Add>(t);
  case Op::Sub:
    return mods.sat ? exec2<int32_t, SubSat> : ints2<Sub>(t);
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
    return ints2<Min>(t);
  case Op::Max:
    return ints2<Max>(t);
  case Op::Dp4a:
  case Op::Dp2a:
    return execDot;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
