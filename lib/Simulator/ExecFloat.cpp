//===- ExecFloat.cpp - f32 and f64 arithmetic -----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, section 9.7.3 "Floating Point Instructions". IEEE 754 where PTX says
// so; approximations (.approx, .full) are the exact value in double, rounded
// once: within any bound PTX gives, and the same on every host.
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <cfenv>
#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <typename T>
T canonical(T value) {
  return value;
}
// f32 operations give the canonical NaN 0x7fffffff.
template <>
float canonical(float value) {
  return value != value ? bitCast<float>(0x7fffffffu) : value;
}

template <bool Ftz, typename T>
T flush(T value) {
  if constexpr (Ftz && sizeof(T) == 4) {
    uint32_t bits = bitCast<uint32_t>(value);
    return bitCast<float>(bits & 0x7f800000 ? bits : bits & 0x80000000);
  }
  return value;
}

template <bool Sat, typename T>
T saturate(T value) {
  if constexpr (Sat)
    return value >= T(1) ? T(1) : value > T(0) ? value : T(0);
  return value;
}

struct AddF {
  template <typename T>
  static T apply(T a, T b) {
    return a + b;
  }
};
struct SubF {
  template <typename T>
  static T apply(T a, T b) {
    return a - b;
  }
};
struct MulF {
  template <typename T>
  static T apply(T a, T b) {
    return a * b;
  }
};
struct DivF {
  template <typename T>
  static T apply(T a, T b) {
    return a / b;
  }
};
struct FmaF {
  static float apply(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
  }
  static double apply(double a, double b, double c) {
    return __builtin_fma(a, b, c);
  }
};
// A NaN loses against a number; -0 is below +0.
template <bool Max>
struct MinMaxF {
  template <typename T>
  static T apply(T a, T b) {
    if (a != a)
      return b;
    if (b != b)
      return a;
    if (a == b)
      return std::signbit(a) == Max ? b : a;
    return (a < b) == Max ? b : a;
  }
};
template <bool Max>
struct MinMaxNanF {
  template <typename T>
  static T apply(T a, T b) {
    if (a != a || b != b)
      return a + b;
    return MinMaxF<Max>::apply(a, b);
  }
};
struct RcpF {
  template <typename T>
  static T apply(T a) {
    return T(1) / a;
  }
};
struct SqrtF {
  static float apply(float a) { return __builtin_sqrtf(a); }
  static double apply(double a) { return __builtin_sqrt(a); }
};
struct RsqrtF {
  template <typename T>
  static T apply(T a) {
    return T(1.0 / std::sqrt(double(a)));
  }
};
struct Ex2F {
  static float apply(float a) { return float(std::exp2(double(a))); }
};
struct Lg2F {
  static float apply(float a) { return float(std::log2(double(a))); }
};
struct SinF {
  static float apply(float a) { return float(std::sin(double(a))); }
};
struct CosF {
  static float apply(float a) { return float(std::cos(double(a))); }
};
struct TanhF {
  static float apply(float a) { return float(std::tanh(double(a))); }
};

/// Wraps an operation: operands flushed, result canonical, flushed, saturated.
template <typename F, bool Ftz, bool Sat>
struct Wrap {
  template <typename... T>
  static auto run(T... operands) {
    auto r = F::apply(flush<Ftz>(operands)...);
    return saturate<Sat>(flush<Ftz>(canonical(r)));
  }
};

template <unsigned N, typename T, typename F, bool Ftz, bool Sat>
ExecFn wrapped() {
  using W = Wrap<F, Ftz, Sat>;
  if constexpr (N == 1)
    return exec1<T, W>;
  else if constexpr (N == 2)
    return exec2<T, W>;
  else
    return exec3<T, W>;
}

template <unsigned N, typename F>
ExecFn withMods(const Inst &inst) {
  bool ftz = inst.mods.ftz, sat = inst.mods.sat;
  if (inst.type == Type::F64)
    return ftz || sat ? nullptr : wrapped<N, double, F, false, false>();
  if (inst.type != Type::F32)
    return nullptr;
  return ftz   ? sat ? wrapped<N, float, F, true, true>()
                     : wrapped<N, float, F, true, false>()
         : sat ? wrapped<N, float, F, false, true>()
               : wrapped<N, float, F, false, false>();
}
template <unsigned N, typename F>
ExecFn single(const Inst &inst) {
  return inst.type == Type::F32 ? withMods<N, F>(inst) : nullptr;
}

//===----------------------------------------------------------------------===//
// Directed rounding
//===----------------------------------------------------------------------===//

int hostRounding(Round round) {
  switch (round) {
  case Round::RZ:
    return FE_TOWARDZERO;
  case Round::RM:
    return FE_DOWNWARD;
  case Round::RP:
    return FE_UPWARD;
  default:
    return FE_TONEAREST;
  }
}

// volatile keeps the compiler from moving arithmetic across fesetround.
template <typename T>
T roundedOp(Op op, T x, T y, T z) {
  volatile T a = x, b = y, c = z, r = 0;
  switch (op) {
  case Op::Add:
    r = a + b;
    break;
  case Op::Sub:
    r = a - b;
    break;
  case Op::Mul:
    r = a * b;
    break;
  case Op::Div:
    r = a / b;
    break;
  case Op::Rcp:
    r = T(1) / a;
    break;
  case Op::Sqrt:
    r = std::sqrt(a);
    break;
  default:
    r = std::fma(a, b, c);
    break;
  }
  return r;
}

template <typename T>
void execRounded(Warp &warp, const Inst &inst, uint32_t mask) {
  T s[3][32] = {}, r[32];
  for (uint32_t i = 0; i + 1 < inst.numOps; ++i)
    loadLanes(warp, inst.ops[i + 1], s[i]);
  const Mods &mods = inst.mods;
  const auto flushed = [&](T x) { return mods.ftz ? flush<true>(x) : x; };
  int before = std::fegetround();
  std::fesetround(hostRounding(mods.round));
  for (int i = 0; i < 32; ++i)
    r[i] = roundedOp(inst.op, flushed(s[0][i]), flushed(s[1][i]),
                     flushed(s[2][i]));
  std::fesetround(before);
  for (int i = 0; i < 32; ++i) {
    r[i] = flushed(canonical(r[i]));
    if (mods.sat)
      r[i] = saturate<true>(r[i]);
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename F>
void execF32x2(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t s[3][32] = {}, r[32];
  for (uint32_t i = 0; i + 1 < inst.numOps; ++i)
    loadLanes(warp, inst.ops[i + 1], s[i]);
  for (int i = 0; i < 32; ++i) {
    r[i] = 0;
    for (unsigned half = 0; half < 64; half += 32) {
      const auto part = [&](unsigned j) {
        float x = bitCast<float>(uint32_t(s[j][i] >> half));
        return inst.mods.ftz ? flush<true>(x) : x;
      };
      float v = canonical(F::apply(part(0), part(1), part(2)));
      if (inst.mods.ftz)
        v = flush<true>(v);
      r[i] |= uint64_t(bitCast<uint32_t>(v)) << half;
    }
  }
  storeLanes(warp, inst.ops[0], r, mask);
}
struct Fma3 {
  static float apply(float a, float b, float c) { return FmaF::apply(a, b, c); }
};
struct Add3 {
  static float apply(float a, float b, float) { return a + b; }
};
struct Sub3 {
  static float apply(float a, float b, float) { return a - b; }
};
struct Mul3 {
  static float apply(float a, float b, float) { return a * b; }
};

//===----------------------------------------------------------------------===//
// Mixed precision
//===----------------------------------------------------------------------===//

/// All operands but the last are halves.
template <bool Bf>
void execMixed(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t s[3][32] = {};
  float r[32];
  unsigned sources = inst.numOps - 1;
  for (unsigned i = 0; i < sources; ++i)
    loadLanes(warp, inst.ops[i + 1], s[i]);
  for (int i = 0; i < 32; ++i) {
    const auto half = [&](unsigned j) {
      return Bf ? bf16ToFloat(uint16_t(s[j][i]))
                : f16ToFloat(uint16_t(s[j][i]));
    };
    float last = bitCast<float>(s[sources - 1][i]);
    float v = inst.op == Op::Fma   ? FmaF::apply(half(0), half(1), last)
              : inst.op == Op::Add ? half(0) + last
                                   : half(0) - last;
    v = canonical(v);
    r[i] = inst.mods.sat ? saturate<true>(v) : v;
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

//===----------------------------------------------------------------------===//
// Signs
//===----------------------------------------------------------------------===//

template <typename T, bool Ftz, bool Negate>
void execSign(Warp &warp, const Inst &inst, uint32_t mask) {
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  constexpr U sign = U(1) << (8 * sizeof(T) - 1);
  T a[32];
  U r[32];
  loadLanes(warp, inst.ops[1], a);
  for (int i = 0; i < 32; ++i) {
    U bits = bitCast<U>(flush<Ftz>(a[i]));
    r[i] = Negate ? bits ^ sign : bits & ~sign;
  }
  storeLanes(warp, inst.ops[0], r, mask);
}
template <bool Negate>
ExecFn selectSign(const Inst &inst) {
  if (inst.type == Type::F64)
    return execSign<double, false, Negate>;
  if (inst.type != Type::F32)
    return nullptr;
  return inst.mods.ftz ? execSign<float, true, Negate>
                       : execSign<float, false, Negate>;
}
// copysign.d a, b: the sign of a on the magnitude of b.
template <typename U>
struct CopySign {
  static U run(U a, U b) {
    constexpr U sign = U(1) << (8 * sizeof(U) - 1);
    return (a & sign) | (b & ~sign);
  }
};
// min and max with .xorsign.abs: magnitudes, with the product's sign.
template <bool Max>
struct XorSignF {
  static float apply(float a, float b) {
    float m = MinMaxF<Max>::apply(std::fabs(a), std::fabs(b));
    return std::signbit(a) != std::signbit(b) ? -m : m;
  }
};

template <bool Max>
ExecFn selectMinMax(const Inst &inst) {
  const Mods &mods = inst.mods;
  if (mods.relu || mods.sat)
    return nullptr;
  if (mods.xorsign)
    return mods.nan ? nullptr : single<2, XorSignF<Max>>(inst);
  return mods.nan ? single<2, MinMaxNanF<Max>>(inst)
                  : withMods<2, MinMaxF<Max>>(inst);
}

} // namespace

ExecFn selectFloat(const Inst &inst) {
  const Mods &mods = inst.mods;
  bool directed = mods.round == Round::RZ || mods.round == Round::RM ||
                  mods.round == Round::RP;
  bool f64 = inst.type == Type::F64;
  if (inst.type == Type::F32x2) {
    if (directed || mods.sat)
      return nullptr;
    switch (inst.op) {
    case Op::Fma:
      return execF32x2<Fma3>;
    case Op::Add:
      return execF32x2<Add3>;
    case Op::Sub:
      return execF32x2<Sub3>;
    case Op::Mul:
      return execF32x2<Mul3>;
    default:
      return nullptr;
    }
  }
  if (inst.type != Type::F32 && !f64)
    return nullptr;
  bool mixes = inst.op == Op::Add || inst.op == Op::Sub || inst.op == Op::Fma;
  if (mixes && inst.type2 != Type::None)
    return inst.type2 == Type::BF16 ? execMixed<true> : execMixed<false>;
  bool approx = mods.approx || mods.full;
  switch (inst.op) {
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Fma:
  case Op::Div:
  case Op::Rcp:
  case Op::Sqrt:
    if (directed)
      return approx ? nullptr : f64 ? execRounded<double> : execRounded<float>;
    break;
  default:
    if (directed)
      return nullptr;
  }
  switch (inst.op) {
  case Op::Add:
    return withMods<2, AddF>(inst);
  case Op::Sub:
    return withMods<2, SubF>(inst);
  case Op::Mul:
    return withMods<2, MulF>(inst);
  case Op::Fma:
    return withMods<3, FmaF>(inst);
  case Op::Div:
    return withMods<2, DivF>(inst);
  case Op::Rcp:
    return f64 && mods.ftz ? exec1<double, Wrap<RcpF, false, false>>
                           : withMods<1, RcpF>(inst);
  case Op::Sqrt:
    return withMods<1, SqrtF>(inst);
  case Op::Rsqrt:
    if (!approx)
      return nullptr;
    return f64 ? exec1<double, Wrap<RsqrtF, false, false>>
               : withMods<1, RsqrtF>(inst);
  case Op::Ex2:
    return approx ? single<1, Ex2F>(inst) : nullptr;
  case Op::Lg2:
    return approx ? single<1, Lg2F>(inst) : nullptr;
  case Op::Sin:
    return approx ? single<1, SinF>(inst) : nullptr;
  case Op::Cos:
    return approx ? single<1, CosF>(inst) : nullptr;
  case Op::Tanh:
    return approx ? single<1, TanhF>(inst) : nullptr;
  case Op::Min:
    return selectMinMax<false>(inst);
  case Op::Max:
    return selectMinMax<true>(inst);
  case Op::Abs:
    return selectSign<false>(inst);
  case Op::Neg:
    return selectSign<true>(inst);
  case Op::Copysign:
    return f64 ? exec2<uint64_t, CopySign<uint64_t>>
               : exec2<uint32_t, CopySign<uint32_t>>;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
