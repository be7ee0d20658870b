//===- ArithEmitter.cpp - FP4 codecs and quantizer as arith ops -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::E4M3Floor;
using ::fp4q::E4M3Zero;
using ::fp4q::E8M0Rounding;
using ::fp4q::E8M0Tiny;
using ::fp4q::ElementOperand;
using ::fp4q::Intermediate;
using ::fp4q::Recipe;
using ::fp4q::ScaleByteZero;
using ::fp4q::ScaleFormula;
using ::fp4q::ScaleType;
using ::fp4q::ZeroSign;

// f32 bit patterns.
constexpr uint32_t kMagnitudeMask = 0x7FFFFFFF;
constexpr uint32_t kInfinity = 0x7F800000;
constexpr uint32_t kNaN = 0x7FC00000;
constexpr uint32_t kSmallestNormal = 0x00800000; // 2^-126
constexpr uint32_t kHalf = 0x3F000000;
constexpr uint32_t kLargest = 0x7F7FFFFF;
constexpr int kMantissaBits = 23;
/// quantizeInRange takes factors from 2^-60 to 2^60.
constexpr uint32_t kRangeExponent = 60;

ScaleType mlir::fp4q::getScaleType(Type elementType) {
  return isa<Float8E8M0FNUType>(elementType) ? ScaleType::E8M0
                                             : ScaleType::E4M3;
}

//===----------------------------------------------------------------------===//
// Small pieces
//===----------------------------------------------------------------------===//

Type ArithEmitter::typeLike(Value like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    return vector.cloneWith(std::nullopt, element);
  return element;
}

Value ArithEmitter::constantF32(Value like, double value) {
  Type type = typeLike(like, b.getF32Type());
  return arith::ConstantOp::create(
      b, isa<VectorType>(type)
             ? TypedAttr(DenseElementsAttr::get(cast<ShapedType>(type),
                                                static_cast<float>(value)))
             : TypedAttr(b.getF32FloatAttr(static_cast<float>(value))));
}

Value ArithEmitter::constantI32(Value like, uint32_t value) {
  Type type = typeLike(like, b.getI32Type());
  APInt bits(32, value);
  return arith::ConstantOp::create(
      b, isa<VectorType>(type)
             ? TypedAttr(DenseElementsAttr::get(cast<ShapedType>(type), bits))
             : TypedAttr(b.getIntegerAttr(type, bits)));
}

Value ArithEmitter::bitsOf(Value x) {
  return arith::BitcastOp::create(b, typeLike(x, b.getI32Type()), x);
}

Value ArithEmitter::fromBits(Value bits) {
  return arith::BitcastOp::create(b, typeLike(bits, b.getF32Type()), bits);
}

Value ArithEmitter::compareBits(arith::CmpIPredicate predicate, Value bits,
                                uint32_t threshold) {
  return arith::CmpIOp::create(b, predicate, bits,
                               constantI32(bits, threshold));
}

Value ArithEmitter::select(Value condition, Value ifTrue, Value ifFalse) {
  return arith::SelectOp::create(b, condition, ifTrue, ifFalse);
}

Value ArithEmitter::extend(Value value) {
  if (getElementTypeOrSelf(value).isF32())
    return value;
  return arith::ExtFOp::create(b, typeLike(value, b.getF32Type()), value);
}

Value ArithEmitter::truncate(Value value, Type elementType) {
  if (elementType.isF32())
    return value;
  return arith::TruncFOp::create(b, typeLike(value, elementType), value);
}

Value ArithEmitter::roundToInput(Value x, Type inputType) {
  return extend(truncate(x, inputType));
}

Value ArithEmitter::absBits(Value x) {
  Value bits = bitsOf(extend(x));
  return arith::AndIOp::create(b, bits, constantI32(bits, kMagnitudeMask));
}

//===----------------------------------------------------------------------===//
// e2m1
//===----------------------------------------------------------------------===//

Value ArithEmitter::decodeE2M1(Value code) {
  // Magnitudes 2..7 are the normal numbers 1..6, whose two exponent bits and
  // one mantissa bit only need to be moved and rebiased; 0 and 1 are 0 and 0.5.
  Value magnitude = arith::AndIOp::create(b, code, constantI32(code, 7));
  Value moved = arith::ShLIOp::create(b, magnitude, constantI32(code, 22));
  Value normal =
      arith::AddIOp::create(b, moved, constantI32(code, 126u << kMantissaBits));
  Value isOne = compareBits(arith::CmpIPredicate::eq, magnitude, 1);
  Value small = select(isOne, constantI32(code, kHalf), constantI32(code, 0));
  Value isNormal = compareBits(arith::CmpIPredicate::ugt, magnitude, 1);
  Value bits = select(isNormal, normal, small);
  Value signBit = arith::AndIOp::create(b, code, constantI32(code, 8));
  Value sign = arith::ShLIOp::create(b, signBit, constantI32(code, 28));
  return fromBits(arith::OrIOp::create(b, bits, sign));
}

Value ArithEmitter::decodeTwiceE2M1(Value code) {
  // 0, 1, 2, 3, 4, 6, 8, 12: from 2 on, a significand of two bits that the
  // exponent, 1 to 3, shifts; 0 and 1 are themselves, as are 2 and 3.
  Value magnitude = arith::AndIOp::create(b, code, constantI32(code, 7));
  Value one = constantI32(code, 1);
  Value shift =
      arith::SubIOp::create(b, arith::ShRUIOp::create(b, magnitude, one), one);
  Value significand = arith::OrIOp::create(
      b, arith::AndIOp::create(b, magnitude, one), constantI32(code, 2));
  // Where the shift would be -1 its result is not used, but must not be poison.
  Value normal = arith::ShLIOp::create(
      b, significand, arith::MaxSIOp::create(b, shift, constantI32(code, 0)));
  Value value = select(compareBits(arith::CmpIPredicate::ult, magnitude, 2),
                       magnitude, normal);
  Value signBit = arith::AndIOp::create(b, code, constantI32(code, 8));
  Value negated = arith::SubIOp::create(b, constantI32(code, 0), value);
  return select(compareBits(arith::CmpIPredicate::ne, signBit, 0), negated,
                value);
}

Value ArithEmitter::encodeMagnitude(Value t) {
  // In [2^e, 2^(e+1)), e >= 0, magnitudes are 2^(e-1) apart, and below 1 as if
  // e were 0. Added to 2^(e+22) + 2^e, whose ulp that is, t is rounded by the
  // addition itself to k times 2^(e-1), ties to even k, and its code is k + 2e.
  // The clamp is one of integers, by which NaN gives 7.
  constexpr uint32_t largest = 0x40C00000; // 6
  constexpr uint32_t one = 127u << kMantissaBits;
  // 2^22 + 1 less the exponent of 1, as bits, and what the code has too much.
  // Its last byte is 0, so who wants only a byte need not subtract.
  constexpr uint32_t start = (22u << kMantissaBits) + 2;
  constexpr uint32_t excess = start + 2 * 127;
  Value clamped =
      arith::MinSIOp::create(b, absBits(t), constantI32(t, largest));
  Value exponent = arith::MaxSIOp::create(
      b, arith::AndIOp::create(b, clamped, constantI32(t, kInfinity)),
      constantI32(t, one));
  Value ulps = arith::AddIOp::create(b, exponent, constantI32(t, start));
  Value sum = arith::AddFOp::create(b, fromBits(clamped), fromBits(ulps));
  Value steps = arith::SubIOp::create(b, bitsOf(sum), exponent);
  Value twice =
      arith::ShRUIOp::create(b, exponent, constantI32(t, kMantissaBits - 1));
  Value code = arith::AddIOp::create(b, steps, twice);
  return arith::SubIOp::create(b, code, constantI32(t, excess));
}

Value ArithEmitter::signOfCode(Value t) {
  Value bits = bitsOf(t);
  return arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, bits, constantI32(bits, 28)),
      constantI32(bits, 8));
}

Value ArithEmitter::encodeE2M1(Value t, ZeroSign zeroSign) {
  Value code = encodeMagnitude(t);
  Value magnitude = absBits(t);
  // NaN gives 7 whatever its sign.
  Value keepsSign =
      compareBits(arith::CmpIPredicate::sle, magnitude, kInfinity);
  if (zeroSign == ZeroSign::OnlyNegative)
    keepsSign = arith::AndIOp::create(
        b, keepsSign, compareBits(arith::CmpIPredicate::ne, magnitude, 0));
  return arith::OrIOp::create(
      b, code, select(keepsSign, signOfCode(t), constantI32(t, 0)));
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

Value ArithEmitter::decodeScale(Value byte, ScaleType type) {
  if (type == ScaleType::E8M0) {
    // Byte 0 is 2^-127, a subnormal, so the exponent cannot just be moved.
    Value moved =
        arith::ShLIOp::create(b, byte, constantI32(byte, kMantissaBits));
    Value bits = select(compareBits(arith::CmpIPredicate::eq, byte, 0),
                        constantI32(byte, kSmallestNormal >> 1), moved);
    bits = select(compareBits(arith::CmpIPredicate::eq, byte, 255),
                  constantI32(byte, kNaN), bits);
    return fromBits(bits);
  }
  // e4m3: moved to the place of an f32 whose exponent is 120 too small, which
  // also makes the subnormals right.
  Value magnitude = arith::AndIOp::create(b, byte, constantI32(byte, 127));
  Value moved = arith::ShLIOp::create(b, magnitude, constantI32(byte, 20));
  Value scaled =
      arith::MulFOp::create(b, fromBits(moved), constantF32(byte, 0x1p120));
  Value bits = select(compareBits(arith::CmpIPredicate::eq, magnitude, 127),
                      constantI32(byte, kNaN), bitsOf(scaled));
  Value signBit = arith::AndIOp::create(b, byte, constantI32(byte, 128));
  Value sign = arith::ShLIOp::create(b, signBit, constantI32(byte, 24));
  return fromBits(arith::OrIOp::create(b, bits, sign));
}

Value ArithEmitter::encodeScale(Value s, ScaleType type, const Recipe &recipe) {
  return type == ScaleType::E8M0 ? encodeE8M0(s, recipe)
                                 : encodeE4M3(s, recipe);
}

Value ArithEmitter::encodeE8M0(Value s, const Recipe &recipe) {
  Value bits = bitsOf(s);
  Value rounded = bits;
  if (recipe.e8m0Tiny == E8M0Tiny::ByValue) {
    // A subnormal has its leading one in the mantissa. Twice its bits, less the
    // exponent that 2^-127 then shows, has exponent 0 and the mantissa that
    // decides; below 2^-127 everything is byte 0.
    Value twice = arith::ShLIOp::create(b, bits, constantI32(s, 1));
    Value least = constantI32(s, kSmallestNormal);
    Value tiny = arith::SubIOp::create(
        b, arith::MaxSIOp::create(b, twice, least), least);
    rounded =
        select(compareBits(arith::CmpIPredicate::slt, bits, kSmallestNormal),
               tiny, bits);
  }
  uint32_t carry = 0;
  switch (recipe.e8m0Rounding) {
  case E8M0Rounding::From1_5:
    carry = 0x400000;
    break;
  case E8M0Rounding::Never:
    break;
  case E8M0Rounding::Above1:
    carry = 0x7FFFFF;
    break;
  case E8M0Rounding::From1_75:
    carry = 0x200000;
    break;
  }
  // Adding from the threshold on carries into the exponent. Inf and NaN may
  // carry into the sign; they are replaced below.
  if (carry)
    rounded = arith::AddIOp::create(b, rounded, constantI32(s, carry));
  Value byte =
      arith::ShRUIOp::create(b, rounded, constantI32(s, kMantissaBits));
  if (recipe.e8m0Offset != 0) {
    byte = arith::AddIOp::create(
        b, byte, constantI32(s, static_cast<uint32_t>(recipe.e8m0Offset)));
    byte = arith::MaxSIOp::create(b, byte, constantI32(s, 0));
  }
  Value largest = constantI32(s, 254);
  byte = arith::MinSIOp::create(b, byte, largest);
  byte = select(compareBits(arith::CmpIPredicate::eq, bits, kInfinity), largest,
                byte);
  byte = select(compareBits(arith::CmpIPredicate::slt, bits, 0),
                constantI32(s, 0), byte);
  Value isNaN = compareBits(arith::CmpIPredicate::sgt, absBits(s), kInfinity);
  return select(isNaN, constantI32(s, 255), byte);
}

Value ArithEmitter::encodeE4M3(Value s, const Recipe &recipe) {
  if (recipe.e4m3Zero == E4M3Zero::SZeroToOne)
    s = select(compareBits(arith::CmpIPredicate::eq, absBits(s), 0),
               constantF32(s, 1.0), s);
  if (recipe.e4m3Floor != E4M3Floor::None) {
    Value floor = constantF32(
        s, recipe.e4m3Floor == E4M3Floor::Pow2Minus9 ? 0x1p-9 : 0x1p-6);
    Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, s, floor);
    s = select(below, floor, s);
  }
  Value magnitude = absBits(s);
  Value saturated = arith::MinSIOp::create(
      b, magnitude, constantI32(s, llvm::bit_cast<uint32_t>(448.0f)));
  // Subnormals: adding 2^14 leaves the multiple of 2^-9, rounded to nearest
  // even by the addition itself, in the low bits.
  Value shifted =
      arith::AddFOp::create(b, fromBits(saturated), constantF32(s, 16384.0));
  Value subnormal = arith::SubIOp::create(
      b, bitsOf(shifted), constantI32(s, llvm::bit_cast<uint32_t>(16384.0f)));
  // Normals: nearest even on the 20 mantissa bits that fall away, then the
  // exponent is rebiased from 127 to 7.
  Value odd = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, saturated, constantI32(s, 20)),
      constantI32(s, 1));
  Value up = arith::AddIOp::create(
      b, arith::AddIOp::create(b, saturated, constantI32(s, 0x7FFFF)), odd);
  Value normal = arith::SubIOp::create(
      b, arith::ShRUIOp::create(b, up, constantI32(s, 20)),
      constantI32(s, (127 - 7) << 3));
  Value code = select(compareBits(arith::CmpIPredicate::slt, saturated,
                                  llvm::bit_cast<uint32_t>(0x1p-6f)),
                      subnormal, normal);
  if (recipe.e4m3Zero == E4M3Zero::QZeroToEighth) {
    // 0.125 = 2^-3 has exponent field 7 - 3.
    Value isZero = compareBits(arith::CmpIPredicate::eq, code, 0);
    Value sign = signOfByte(s);
    Value signedCode = arith::OrIOp::create(b, code, sign);
    code = select(isZero, constantI32(s, 4 << 3), signedCode);
  } else {
    code = arith::OrIOp::create(b, code, signOfByte(s));
  }
  Value isNaN = compareBits(arith::CmpIPredicate::sgt, magnitude, kInfinity);
  return select(isNaN, constantI32(s, 127), code);
}

Value ArithEmitter::signOfByte(Value s) {
  Value bits = bitsOf(s);
  return arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, bits, constantI32(s, 24)),
      constantI32(s, 128));
}

Value ArithEmitter::combinedScale(Value byte, Value globalScale, bool divide,
                                  ScaleType type) {
  Value scale = decodeScale(byte, type);
  if (!globalScale)
    return scale;
  if (divide)
    return arith::DivFOp::create(b, scale, globalScale);
  return arith::MulFOp::create(b, scale, globalScale);
}

//===----------------------------------------------------------------------===//
// The quantizer
//===----------------------------------------------------------------------===//

Value ArithEmitter::scaleOf(Value amax, Value globalScale, Value scaleScale,
                            const Recipe &recipe, Type inputType) {
  auto multiply = [&](Value lhs, Value rhs) -> Value {
    return arith::MulFOp::create(b, lhs, rhs);
  };
  auto divide = [&](Value lhs, Value rhs) -> Value {
    return arith::DivFOp::create(b, lhs, rhs);
  };
  Value g = globalScale ? globalScale : constantF32(amax, 1.0);
  auto amaxOver6 = [&] {
    Value quotient = divide(amax, constantF32(amax, 6.0));
    return recipe.intermediate == Intermediate::InputType
               ? roundToInput(quotient, inputType)
               : quotient;
  };
  auto r6 = [&] { return constantF32(amax, 1.0f / 6.0f); };
  switch (recipe.scaleFormula) {
  case ScaleFormula::AmaxOverScales:
    if (scaleScale)
      return divide(amax, globalScale ? multiply(scaleScale, g) : scaleScale);
    return globalScale ? divide(amax, g) : amax;
  case ScaleFormula::Amax:
    return amax;
  case ScaleFormula::AmaxOver6:
    return amaxOver6();
  case ScaleFormula::AmaxTimesR6:
    return multiply(amax, r6());
  case ScaleFormula::AmaxOver6OverG:
    return divide(amaxOver6(), g);
  case ScaleFormula::AmaxOver6TimesG:
    return multiply(amaxOver6(), g);
  case ScaleFormula::GTimesAmaxTimesR6:
    return multiply(g, multiply(amax, r6()));
  case ScaleFormula::AmaxTimesGTimesR6:
    return multiply(amax, multiply(g, r6()));
  }
  llvm_unreachable("unknown scale formula");
}

bool mlir::fp4q::dividesByFactor(ElementOperand operand) {
  switch (operand) {
  case ElementOperand::XOverQTimesG:
  case ElementOperand::XOverQ:
  case ElementOperand::XOverQOverG:
    return true;
  case ElementOperand::XTimesRcpQ:
  case ElementOperand::XTimesRcpGOverQ:
  case ElementOperand::XTimesRcpQTimesRcpG:
    return false;
  }
  llvm_unreachable("unknown element operand");
}

Value ArithEmitter::groupFactor(Value byte, Value globalScale, ScaleType type,
                                const Recipe &recipe) {
  Value q = decodeScale(byte, type);
  Value one = constantF32(q, 1.0);
  auto reciprocal = [&](Value value) -> Value {
    return arith::DivFOp::create(b, one, value);
  };
  Value factor;
  switch (recipe.elementOperand) {
  case ElementOperand::XOverQTimesG:
    factor =
        globalScale ? arith::MulFOp::create(b, q, globalScale).getResult() : q;
    break;
  case ElementOperand::XOverQ:
    factor = q;
    break;
  case ElementOperand::XTimesRcpQ:
    factor = reciprocal(q);
    break;
  case ElementOperand::XTimesRcpGOverQ:
    factor = arith::DivFOp::create(
        b, globalScale ? reciprocal(globalScale) : one, q);
    break;
  case ElementOperand::XOverQOverG:
    factor =
        globalScale ? arith::DivFOp::create(b, q, globalScale).getResult() : q;
    break;
  case ElementOperand::XTimesRcpQTimesRcpG:
    factor = reciprocal(
        globalScale
            ? arith::MulFOp::create(b, q, reciprocal(globalScale)).getResult()
            : q);
    break;
  }
  if (recipe.scaleByteZero == ScaleByteZero::ReciprocalCapped &&
      !dividesByFactor(recipe.elementOperand)) {
    Value isInfinite =
        compareBits(arith::CmpIPredicate::eq, bitsOf(factor), kInfinity);
    factor = select(isInfinite, fromBits(constantI32(q, kLargest)), factor);
  }
  if (recipe.scaleByteZero == ScaleByteZero::ElementsZero) {
    // x / Inf and x * 0 are zeros with the sign of x; NaN and Inf give NaN.
    Value vanishing =
        constantI32(q, dividesByFactor(recipe.elementOperand) ? kInfinity : 0);
    factor = select(compareBits(arith::CmpIPredicate::eq, byte, 0),
                    fromBits(vanishing), factor);
  }
  return factor;
}

/// Whether x / q is rounded to the type of x.
static bool roundsQuotient(const Recipe &recipe) {
  return recipe.intermediate == Intermediate::InputType &&
         recipe.elementOperand == ElementOperand::XOverQ;
}

Value ArithEmitter::scaleElement(Value x, Value factor, const Recipe &recipe,
                                 Type inputType) {
  Value t = dividesByFactor(recipe.elementOperand)
                ? arith::DivFOp::create(b, x, factor).getResult()
                : arith::MulFOp::create(b, x, factor).getResult();
  if (roundsQuotient(recipe))
    t = roundToInput(t, inputType);
  return t;
}

Value ArithEmitter::quantizeElement(Value x, Value factor, const Recipe &recipe,
                                    Type inputType) {
  return encodeE2M1(scaleElement(x, factor, recipe, inputType),
                    recipe.zeroSign);
}

bool mlir::fp4q::canQuantizeInRange(const Recipe &recipe) {
  return dividesByFactor(recipe.elementOperand) &&
         recipe.zeroSign == ZeroSign::SignBit;
}

Value ArithEmitter::isInRange(Value value, bool mayBeSmall) {
  constexpr uint32_t least = (127u - kRangeExponent) << kMantissaBits;
  constexpr uint32_t largest = (127u + kRangeExponent) << kMantissaBits;
  Value bits = bitsOf(value);
  Value first = constantI32(bits, mayBeSmall ? 0 : least);
  return arith::CmpIOp::create(
      b, arith::CmpIPredicate::ule, arith::SubIOp::create(b, bits, first),
      constantI32(bits, mayBeSmall ? largest : largest - least));
}

Value ArithEmitter::quantizeInRange(Value x, Value factor, Value reciprocal,
                                    const Recipe &recipe, Type inputType) {
  auto multiplyAdd = [&](Value lhs, Value rhs, Value addend) -> Value {
    return math::FmaOp::create(b, lhs, rhs, addend);
  };
  // x * reciprocal is within 1.5 ulps of the quotient, and one step brings it
  // within one. The remainder of such a quotient is exact, and since the
  // reciprocal is rounded to nearest, one more step gives the quotient rounded
  // to nearest: Markstein, "Computation of elementary functions on the IBM RISC
  // System/6000 processor", 1990. Where a remainder underflows, the quotient is
  // far below the least threshold, and so is what comes of it.
  Value t = arith::MulFOp::create(b, x, reciprocal);
  if (factor) {
    Value negated = arith::NegFOp::create(b, factor);
    for (int step = 0; step < 2; ++step)
      t = multiplyAdd(multiplyAdd(t, negated, x), reciprocal, t);
  }
  if (roundsQuotient(recipe))
    t = roundToInput(t, inputType);
  return arith::OrIOp::create(b, encodeMagnitude(t), signOfCode(x));
}

Value ArithEmitter::dequantizeElement(Value code, Value scale) {
  return arith::MulFOp::create(b, decodeE2M1(code), scale);
}
