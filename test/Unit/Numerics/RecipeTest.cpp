//===- RecipeTest.cpp - every recipe parameter against APFloat ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"
#include "fp4q/Numerics/Quantize.h"

#include <gtest/gtest.h>

using namespace fp4q;

static const float inf = floatOf(infinityBits);
static const float nan32 = floatOf(0x7FC00000u);

/// NaN results are compared as a class.
static void expectSame(float actual, float expected) {
  if (std::isnan(expected))
    ASSERT_TRUE(std::isnan(actual));
  else
    ASSERT_EQ(bitsOf(actual), bitsOf(expected));
}

/// s as recipes.md writes it, in the notation of ScaleFormula's comments.
static float referenceScale(ScaleFormula formula, float a, float g, float ss,
                            bool roundQuotient, FloatType type) {
  float r6 = divide(1, 6);
  float over6 = divide(a, 6);
  if (roundQuotient)
    over6 = roundedTo(type, over6);
  switch (formula) {
  case ScaleFormula::AmaxOverScales:
    return divide(a, multiply(ss, g));
  case ScaleFormula::Amax:
    return a;
  case ScaleFormula::AmaxOver6:
    return over6;
  case ScaleFormula::AmaxTimesR6:
    return multiply(a, r6);
  case ScaleFormula::AmaxOver6OverG:
    return divide(over6, g);
  case ScaleFormula::AmaxOver6TimesG:
    return multiply(over6, g);
  case ScaleFormula::GTimesAmaxTimesR6:
    return multiply(g, multiply(a, r6));
  case ScaleFormula::AmaxTimesGTimesR6:
    return multiply(a, multiply(g, r6));
  }
  return 0;
}

static constexpr ScaleFormula allFormulas[] = {
    ScaleFormula::AmaxOverScales,    ScaleFormula::Amax,
    ScaleFormula::AmaxOver6,         ScaleFormula::AmaxTimesR6,
    ScaleFormula::AmaxOver6OverG,    ScaleFormula::AmaxOver6TimesG,
    ScaleFormula::GTimesAmaxTimesR6, ScaleFormula::AmaxTimesGTimesR6};

TEST(Recipe, ScaleFormulas) {
  RandomFloats random(5, /*nonFinite=*/true);
  for (int i = 0; i < 5000; ++i)
    for (ScaleFormula formula : allFormulas)
      for (FloatType type : {FloatType::BF16, FloatType::F16, FloatType::F32})
        for (Intermediate intermediate :
             {Intermediate::F32, Intermediate::InputType}) {
          QuantizeParams params;
          params.recipe.scaleFormula = formula;
          params.recipe.intermediate = intermediate;
          params.globalScale = i % 2 ? random() : random.moderate();
          params.scaleScale = random.moderate();
          float a = std::fabs(i % 4 ? random.moderate() : random());
          expectSame(
              unroundedScale(a, params, type),
              referenceScale(formula, a, params.globalScale, params.scaleScale,
                             intermediate == Intermediate::InputType, type));
          ASSERT_FALSE(HasFatalFailure()) << int(formula);
        }
}

TEST(Recipe, AbsentScalesChangeNothing) {
  // g = 1 stands for absent: formulas that read g give the bits of those
  // without it.
  RandomFloats random(6);
  QuantizeParams params;
  auto scale = [&](ScaleFormula formula, float a) {
    params.recipe.scaleFormula = formula;
    return bitsOf(unroundedScale(a, params, FloatType::F32));
  };
  for (int i = 0; i < 2000; ++i) {
    float a = std::fabs(random());
    EXPECT_EQ(scale(ScaleFormula::AmaxOverScales, a), bitsOf(a));
    EXPECT_EQ(scale(ScaleFormula::AmaxOver6OverG, a),
              scale(ScaleFormula::AmaxOver6, a));
    EXPECT_EQ(scale(ScaleFormula::AmaxOver6TimesG, a),
              scale(ScaleFormula::AmaxOver6, a));
    EXPECT_EQ(scale(ScaleFormula::GTimesAmaxTimesR6, a),
              scale(ScaleFormula::AmaxTimesR6, a));
    EXPECT_EQ(scale(ScaleFormula::AmaxTimesGTimesR6, a),
              scale(ScaleFormula::AmaxTimesR6, a));
  }
}

TEST(Recipe, ScaleQueries) {
  for (ScaleFormula formula : allFormulas) {
    // A formula reads a scale if and only if the result depends on it.
    auto s = [&](float g, float ss) {
      return referenceScale(formula, 1, g, ss, false, FloatType::F32);
    };
    EXPECT_EQ(usesGlobalScale(formula), s(1, 1) != s(2, 1));
    EXPECT_EQ(usesScaleScale(formula), s(1, 1) != s(1, 2));
  }
}

static constexpr ElementOperand allOperands[] = {
    ElementOperand::XOverQTimesG, ElementOperand::XOverQ,
    ElementOperand::XTimesRcpQ,   ElementOperand::XTimesRcpGOverQ,
    ElementOperand::XOverQOverG,  ElementOperand::XTimesRcpQTimesRcpG};

/// t as recipes.md writes it; `capped` is the rule ReciprocalCapped.
static float referenceOperand(ElementOperand operand, float x, float q, float g,
                              bool roundQuotient, bool capped, FloatType type) {
  float factor = 0;
  switch (operand) {
  case ElementOperand::XOverQTimesG:
    return divide(x, multiply(q, g));
  case ElementOperand::XOverQ:
    return roundQuotient ? roundedTo(type, divide(x, q)) : divide(x, q);
  case ElementOperand::XOverQOverG:
    return divide(x, divide(q, g));
  case ElementOperand::XTimesRcpQ:
    factor = divide(1, q);
    break;
  case ElementOperand::XTimesRcpGOverQ:
    factor = divide(divide(1, g), q);
    break;
  case ElementOperand::XTimesRcpQTimesRcpG:
    factor = divide(1, multiply(q, divide(1, g)));
    break;
  }
  if (capped && factor > floatOf(largestBits))
    factor = floatOf(largestBits);
  return multiply(x, factor);
}

TEST(Recipe, ElementOperands) {
  RandomFloats random(7, /*nonFinite=*/true);
  for (ElementOperand operand : allOperands)
    for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3})
      for (uint32_t byte = 0; byte < 256; ++byte)
        for (int variant = 0; variant < 4; ++variant)
          for (FloatType type : {FloatType::BF16, FloatType::F32}) {
            QuantizeParams params;
            params.format.scaleType = scaleType;
            params.recipe.elementOperand = operand;
            if (variant & 1)
              params.recipe.intermediate = Intermediate::InputType;
            if (variant & 2)
              params.recipe.scaleByteZero = ScaleByteZero::ReciprocalCapped;
            for (int i = 0; i < 4; ++i) {
              params.globalScale = i % 2 ? random.moderate() : random();
              ElementQuantizer quantizer(uint8_t(byte), params, type);
              float x = random();
              expectSame(quantizer.operand(x),
                         referenceOperand(operand, x,
                                          decodeScale(uint8_t(byte), scaleType),
                                          params.globalScale, variant & 1,
                                          variant & 2, type));
              ASSERT_FALSE(HasFatalFailure()) << int(operand) << " " << byte;
            }
          }
}

TEST(Recipe, ElementsZeroAtScaleByteZero) {
  QuantizeParams params;
  params.recipe.scaleByteZero = ScaleByteZero::ElementsZero;
  for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3}) {
    params.format.scaleType = scaleType;
    params.recipe.zeroSign = ZeroSign::SignBit;
    ElementQuantizer zero(0, params, FloatType::F32);
    for (float x : {0.0f, 1e30f})
      EXPECT_EQ(zero(x), 0);
    for (float x : {-0.0f, -1e30f})
      EXPECT_EQ(zero(x), 8);
    for (float x : {inf, -inf, nan32})
      EXPECT_EQ(zero(x), 7);
    params.recipe.zeroSign = ZeroSign::OnlyNegative;
    ElementQuantizer unsignedZero(0, params, FloatType::F32);
    for (float x : {0.0f, -0.0f, -1e30f})
      EXPECT_EQ(unsignedZero(x), 0);
    EXPECT_EQ(unsignedZero(-inf), 7);
    // Any other byte is untouched.
    EXPECT_EQ(ElementQuantizer(1, params, FloatType::F32)(1e30f), 7);
  }
}

TEST(Recipe, E4M3FloorsAndZeros) {
  RandomFloats random(8);
  for (E4M3Floor floor :
       {E4M3Floor::None, E4M3Floor::Pow2Minus9, E4M3Floor::Pow2Minus6})
    for (E4M3Zero zero :
         {E4M3Zero::None, E4M3Zero::SZeroToOne, E4M3Zero::QZeroToEighth}) {
      Recipe recipe;
      recipe.e4m3Floor = floor;
      recipe.e4m3Zero = zero;
      double least = floor == E4M3Floor::None         ? -HUGE_VAL
                     : floor == E4M3Floor::Pow2Minus9 ? 0x1p-9
                                                      : 0x1p-6;
      auto check = [&](float s) {
        double t = zero == E4M3Zero::SZeroToOne && s == 0 ? 1.0 : double(s);
        uint8_t byte = referenceE4M3(float(t < least ? least : t));
        if (zero == E4M3Zero::QZeroToEighth && (byte & 0x7F) == 0)
          byte = 0x20; // 2^-3
        ASSERT_EQ(encodeScale(s, ScaleType::E4M3, recipe), byte)
            << std::hexfloat << s;
      };
      for (float s : {0.0f, -0.0f, 0x1p-10f, 0x1.8p-10f, 0x1p-9f, 0x1p-6f,
                      0x1.FFFFFEp-7f, 447.0f, inf, -1.0f, -inf, nan32})
        check(s);
      for (int i = 0; i < 2000; ++i)
        check(i % 2 ? random() : random.moderate() * 0x1p-6f);
    }
}

TEST(Recipe, E8M0SettingsReachTheScale) {
  Recipe recipe;
  recipe.e8m0Rounding = E8M0Rounding::Above1;
  recipe.e8m0Offset = -2;
  EXPECT_EQ(encodeScale(1.1f, ScaleType::E8M0, recipe), 126);
  EXPECT_EQ(encodeScale(1.0f, ScaleType::E8M0, recipe), 125);
  recipe.e8m0Offset = 0;
  EXPECT_EQ(encodeScale(1e-44f, ScaleType::E8M0, recipe), 0);
  recipe.e8m0Tiny = E8M0Tiny::ByBits;
  EXPECT_EQ(encodeScale(1e-44f, ScaleType::E8M0, recipe), 1);
}

TEST(Recipe, ComparesEveryField) {
  Recipe law;
  EXPECT_TRUE(law == Recipe());
  auto differs = [&](auto change) {
    Recipe other;
    change(other);
    return other != law;
  };
  EXPECT_TRUE(differs([](Recipe &r) { r.scaleFormula = ScaleFormula::Amax; }));
  EXPECT_TRUE(
      differs([](Recipe &r) { r.intermediate = Intermediate::InputType; }));
  EXPECT_TRUE(differs([](Recipe &r) { r.e8m0Rounding = E8M0Rounding::Never; }));
  EXPECT_TRUE(differs([](Recipe &r) { r.e8m0Tiny = E8M0Tiny::ByBits; }));
  EXPECT_TRUE(differs([](Recipe &r) { r.e8m0Offset = -2; }));
  EXPECT_TRUE(differs([](Recipe &r) { r.e4m3Floor = E4M3Floor::Pow2Minus6; }));
  EXPECT_TRUE(differs([](Recipe &r) { r.e4m3Zero = E4M3Zero::SZeroToOne; }));
  EXPECT_TRUE(
      differs([](Recipe &r) { r.elementOperand = ElementOperand::XOverQ; }));
  EXPECT_TRUE(differs(
      [](Recipe &r) { r.scaleByteZero = ScaleByteZero::ElementsZero; }));
  EXPECT_TRUE(differs([](Recipe &r) { r.zeroSign = ZeroSign::OnlyNegative; }));
  EXPECT_TRUE(
      differs([](Recipe &r) { r.globalScaleUse = GlobalScaleUse::None; }));
}
