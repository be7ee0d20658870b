//===- ExecHalf.cpp - f16, bf16 and their pairs ---------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, section 9.7.4 "Half Precision Floating Point Instructions" and
// 9.7.5. Each operation is computed exactly enough in double (sums rounded to
// odd) that one rounding to the format is the rounding of the exact result.
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <bool Bf>
double widen(uint16_t bits) {
  return Bf ? bf16ToFloat(bits) : f16ToFloat(bits);
}
template <bool Bf>
uint16_t narrow(double value) {
  return uint16_t(encode(Bf ? kBF16 : kF16, value));
}

uint16_t flushHalf(uint16_t bits) {
  return bits & 0x7c00 ? bits : bits & 0x8000;
}
bool isNanHalf(bool bf, uint16_t bits) {
  return (bits & 0x7fff) > (bf ? 0x7f80 : 0x7c00);
}

struct AddH {
  static double apply(double a, double b, double) { return addRoundOdd(a, b); }
};
struct SubH {
  static double apply(double a, double b, double) { return addRoundOdd(a, -b); }
};
struct MulH {
  static double apply(double a, double b, double) { return a * b; }
};
struct FmaH {
  static double apply(double a, double b, double c) {
    return addRoundOdd(a * b, c);
  }
};
struct Ex2H {
  static double apply(double a, double, double) { return std::exp2(a); }
};
struct TanhH {
  static double apply(double a, double, double) { return std::tanh(a); }
};

template <typename F, bool Bf>
uint16_t arith(const Mods &mods, uint16_t x, uint16_t y, uint16_t z) {
  if (mods.ftz) {
    x = flushHalf(x);
    y = flushHalf(y);
    z = flushHalf(z);
  }
  uint16_t r = narrow<Bf>(F::apply(widen<Bf>(x), widen<Bf>(y), widen<Bf>(z)));
  bool nan = isNanHalf(Bf, r);
  if (mods.ftz && !nan)
    r = flushHalf(r);
  // .sat clamps to [0, 1] with NaN to 0; .relu clamps below 0, NaN stays.
  if (mods.sat)
    r = nan || r & 0x8000            ? 0
        : r > (Bf ? 0x3f80 : 0x3c00) ? (Bf ? 0x3f80 : 0x3c00)
                                     : r;
  if (mods.relu && !nan && r & 0x8000)
    r = 0;
  return r;
}

template <bool Bf, bool Max>
uint16_t minMax(const Mods &mods, uint16_t x, uint16_t y) {
  if (mods.ftz) {
    x = flushHalf(x);
    y = flushHalf(y);
  }
  bool xNan = isNanHalf(Bf, x), yNan = isNanHalf(Bf, y);
  if ((xNan && yNan) || (mods.nan && (xNan || yNan)))
    return 0x7fff;
  uint16_t sign = (x ^ y) & 0x8000;
  if (mods.xorsign) {
    x &= 0x7fff;
    y &= 0x7fff;
  }
  uint16_t r;
  if (xNan || yNan) {
    r = xNan ? y : x;
  } else {
    // Sign and magnitude in order, -0 below +0.
    const auto rank = [](uint16_t bits) {
      return bits & 0x8000 ? -1 - int(bits & 0x7fff) : int(bits);
    };
    r = (rank(x) < rank(y)) == Max ? y : x;
  }
  return mods.xorsign ? uint16_t(r | sign) : r;
}

template <bool Bf, bool Negate>
uint16_t signOp(const Mods &mods, uint16_t x) {
  if (isNanHalf(Bf, x))
    return 0x7fff;
  if (mods.ftz)
    x = flushHalf(x);
  return Negate ? x ^ 0x8000 : x & 0x7fff;
}

template <typename F, bool Bf>
struct Arith {
  static uint16_t run(const Mods &m, uint16_t x, uint16_t y, uint16_t z) {
    return arith<F, Bf>(m, x, y, z);
  }
};
template <bool Bf, bool Max>
struct MinMax {
  static uint16_t run(const Mods &m, uint16_t x, uint16_t y, uint16_t) {
    return minMax<Bf, Max>(m, x, y);
  }
};
template <bool Bf, bool Negate>
struct SignOp {
  static uint16_t run(const Mods &m, uint16_t x, uint16_t, uint16_t) {
    return signOp<Bf, Negate>(m, x);
  }
};

template <typename F>
void execHalf(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t s[3][32] = {}, r[32];
  for (uint32_t i = 0; i + 1 < inst.numOps; ++i)
    loadLanes(warp, inst.ops[i + 1], s[i]);
  bool pair = typeBits(inst.type) == 32;
  for (int i = 0; i < 32; ++i) {
    r[i] = F::run(inst.mods, uint16_t(s[0][i]), uint16_t(s[1][i]),
                  uint16_t(s[2][i]));
    if (pair)
      r[i] |= uint32_t(F::run(inst.mods, uint16_t(s[0][i] >> 16),
                              uint16_t(s[1][i] >> 16), uint16_t(s[2][i] >> 16)))
              << 16;
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

template <bool Bf>
ExecFn select(const Inst &inst) {
  switch (inst.op) {
  case Op::Add:
    return execHalf<Arith<AddH, Bf>>;
  case Op::Sub:
    return execHalf<Arith<SubH, Bf>>;
  case Op::Mul:
    return execHalf<Arith<MulH, Bf>>;
  case Op::Fma:
    return execHalf<Arith<FmaH, Bf>>;
  case Op::Ex2:
    return inst.mods.approx ? execHalf<Arith<Ex2H, Bf>> : nullptr;
  case Op::Tanh:
    return inst.mods.approx ? execHalf<Arith<TanhH, Bf>> : nullptr;
  case Op::Min:
    return execHalf<MinMax<Bf, false>>;
  case Op::Max:
    return execHalf<MinMax<Bf, true>>;
  case Op::Abs:
    return execHalf<SignOp<Bf, false>>;
  case Op::Neg:
    return execHalf<SignOp<Bf, true>>;
  default:
    return nullptr;
  }
}

} // namespace

ExecFn selectHalf(const Inst &inst) {
  Round round = inst.mods.round;
  if (round != Round::None && round != Round::RN)
    return nullptr;
  if (inst.type == Type::F16 || inst.type == Type::F16x2)
    return select<false>(inst);
  if (inst.type == Type::BF16 || inst.type == Type::BF16x2)
    return inst.mods.ftz && inst.op != Op::Ex2 ? nullptr : select<true>(inst);
  return nullptr;
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
