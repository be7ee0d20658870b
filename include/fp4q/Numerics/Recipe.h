//===- Recipe.h - the parameters of an FP4 quantizer ------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recipe is data: a handful of orthogonal parameters. The Numerics library
// interprets it, and one arith-level emitter (CodeGen/Arith) writes it as IR,
// so no quantizer is ever written by hand. The first value of each enumeration
// is the law of docs/numerics.md, and a default-constructed Recipe is the law.
//
// Notation: a = amax of the group, g = global scale, s = unrounded scale,
// q = the scale byte's value, x = an element, r6 = fl32(1/6), t = the value
// that is rounded to e2m1.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_RECIPE_H
#define FP4Q_NUMERICS_RECIPE_H

#include <cstdint>

namespace fp4q {

/// The type of the scale of one group.
enum class ScaleType : uint8_t { E8M0, E4M3 };

/// The float types of inputs and results.
enum class FloatType : uint8_t { BF16, F16, F32 };

/// How s is computed from a (and g, and the scale scale ss), in this order of
/// operations.
enum class ScaleFormula : uint8_t {
  AmaxOverScales,    ///< a / (ss * g)
  Amax,              ///< a
  AmaxOver6,         ///< a / 6
  AmaxTimesR6,       ///< a * r6
  AmaxOver6OverG,    ///< (a / 6) / g
  AmaxOver6TimesG,   ///< (a / 6) * g
  GTimesAmaxTimesR6, ///< g * (a * r6)
  AmaxTimesGTimesR6, ///< a * (g * r6)
};

/// The type of intermediate results.
enum class Intermediate : uint8_t {
  F32,       ///< all in f32
  InputType, ///< a / 6 and x / q, where the formulas have these terms, are
             ///< rounded to the type of the quantized tensor x
};

/// When the exponent of s is rounded up to form an e8m0 byte: from (>=) or
/// above (>) this mantissa.
enum class E8M0Rounding : uint8_t { From1_5, Never, Above1, From1_75 };

/// How an e8m0 byte is formed from s below 2^-126. In either case s <= 0 gives
/// byte 0.
enum class E8M0Tiny : uint8_t {
  ByValue, ///< rounded by the value of s: byte 1 iff s >= 1.5 * 2^-127
  ByBits,  ///< the rounding rule applied to the raw exponent and mantissa bits
};

/// A lower bound on s before it is rounded to e4m3.
enum class E4M3Floor : uint8_t { None, Pow2Minus9, Pow2Minus6 };

/// What replaces a zero on the way to an e4m3 byte.
enum class E4M3Zero : uint8_t {
  None,          ///< the byte may be 0
  SZeroToOne,    ///< s = 0 becomes 1, before the floor applies
  QZeroToEighth, ///< q = 0 becomes 0.125
};

/// How t is computed from x, q and g, in this order of operations.
enum class ElementOperand : uint8_t {
  XOverQTimesG,       ///< x / (q * g)
  XOverQ,             ///< x / q
  XTimesRcpQ,         ///< x * (1 / q)
  XTimesRcpGOverQ,    ///< x * ((1 / g) / q)
  XOverQOverG,        ///< x / (q / g)
  XTimesRcpQTimesRcpG ///< x * (1 / (q * (1 / g)))
};

/// What happens to the elements of a group whose scale byte is 0.
enum class ScaleByteZero : uint8_t {
  AsIs,            ///< nothing special
  ElementsZero,    ///< t is x * 0: a zero with the sign of x, and NaN if x is
                   ///< Inf or NaN
  ReciprocalCapped ///< a factor of x that overflows to +Inf becomes FLT_MAX,
                   ///< whatever the byte; operands that divide x have none
};

/// Which elements get bit 3 when the magnitude rounds to 0.
enum class ZeroSign : uint8_t {
  SignBit,     ///< the sign bit of t
  OnlyNegative ///< only t < 0, so -0 becomes +0
};

/// How the global scale enters decoding.
enum class GlobalScaleUse : uint8_t { Multiply, Divide, None };

/// One recipe. See docs/numerics.md, section "Recipes".
struct Recipe {
  ScaleFormula scaleFormula = ScaleFormula::AmaxOverScales;
  Intermediate intermediate = Intermediate::F32;
  E8M0Rounding e8m0Rounding = E8M0Rounding::From1_5;
  E8M0Tiny e8m0Tiny = E8M0Tiny::ByValue;
  /// Added to the exponent before clamping to 0..254: 0 or -2. s = +Inf gives
  /// 254 all the same.
  int8_t e8m0Offset = 0;
  E4M3Floor e4m3Floor = E4M3Floor::None;
  E4M3Zero e4m3Zero = E4M3Zero::None;
  ElementOperand elementOperand = ElementOperand::XOverQTimesG;
  ScaleByteZero scaleByteZero = ScaleByteZero::AsIs;
  ZeroSign zeroSign = ZeroSign::SignBit;
  GlobalScaleUse globalScaleUse = GlobalScaleUse::Multiply;
};

constexpr bool operator==(const Recipe &a, const Recipe &b) {
  return a.scaleFormula == b.scaleFormula && a.intermediate == b.intermediate &&
         a.e8m0Rounding == b.e8m0Rounding && a.e8m0Tiny == b.e8m0Tiny &&
         a.e8m0Offset == b.e8m0Offset && a.e4m3Floor == b.e4m3Floor &&
         a.e4m3Zero == b.e4m3Zero && a.elementOperand == b.elementOperand &&
         a.scaleByteZero == b.scaleByteZero && a.zeroSign == b.zeroSign &&
         a.globalScaleUse == b.globalScaleUse;
}

constexpr bool operator!=(const Recipe &a, const Recipe &b) {
  return !(a == b);
}

/// True if the formula reads the scale scale ss.
constexpr bool usesScaleScale(ScaleFormula formula) {
  return formula == ScaleFormula::AmaxOverScales;
}

/// True if the formula reads the global scale g.
constexpr bool usesGlobalScale(ScaleFormula formula) {
  return formula != ScaleFormula::Amax && formula != ScaleFormula::AmaxOver6 &&
         formula != ScaleFormula::AmaxTimesR6;
}

/// True if the operand reads the global scale g.
constexpr bool usesGlobalScale(ElementOperand operand) {
  return operand != ElementOperand::XOverQ &&
         operand != ElementOperand::XTimesRcpQ;
}

} // namespace fp4q

#endif // FP4Q_NUMERICS_RECIPE_H
