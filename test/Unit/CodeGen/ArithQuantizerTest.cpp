//===- ArithQuantizerTest.cpp - emitted recipes against Numerics ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps of the quantizer, for every value of every recipe parameter, on
// zeros, subnormals, large numbers, Inf and NaN of both signs.
//
//===----------------------------------------------------------------------===//

#include "../Numerics/Reference.h"
#include "ArithKernels.h"
#include "fp4q/Numerics/Quantize.h"

#include <gtest/gtest.h>

using namespace fp4q;

/// Any float that a scale or an element can be: the corners of f32, numbers
/// that e2m1 rounds at the scales 1 and 1/3, and random ones.
static std::vector<float> hardNumbers(int numRandom) {
  std::vector<float> numbers;
  for (uint32_t bits :
       {0x00000000u, 0x00000001u, 0x00400000u, 0x00600000u, 0x007FFFFFu,
        0x00800000u, 0x01000000u, 0x3E2AAAABu, 0x3E800000u, 0x3F400000u,
        0x3FA00000u, 0x3F7FFFFFu, 0x40C00000u, 0x45280000u, 0x7E7FFFFFu,
        0x7F7FFFFFu, 0x7F800000u, 0x7FC00000u, 0x7F800001u}) {
    numbers.push_back(floatOf(bits));
    numbers.push_back(floatOf(bits | 0x80000000u));
  }
  RandomFloats random(11, /*nonFinite=*/true);
  for (int i = 0; i < numRandom; ++i) {
    numbers.push_back(random());
    numbers.push_back(random.moderate());
  }
  return numbers;
}

static const std::vector<float> &globalScales() {
  static const std::vector<float> scales = {
      1.0f,    1.0f / 3.0f, 0.1f,
      1e-44f,  3e38f,       -2.5f,
      0.0f,    -0.0f,       floatOf(infinityBits),
      0x1p-8f, 447.9f,      floatOf(0x7FC00000u)};
  return scales;
}

/// An intermediate type as the emitter and as Numerics know it.
struct InputRounding {
  Intermediate intermediate;
  FloatType type;
};

static constexpr InputRounding allRoundings[] = {
    {Intermediate::F32, FloatType::BF16},
    {Intermediate::InputType, FloatType::BF16},
    {Intermediate::InputType, FloatType::F16},
    {Intermediate::InputType, FloatType::F32}};

static mlir::Type typeOf(Body &body, FloatType type) {
  switch (type) {
  case FloatType::BF16:
    return body.builder.getBF16Type();
  case FloatType::F16:
    return body.builder.getF16Type();
  case FloatType::F32:
    break;
  }
  return body.builder.getF32Type();
}

/// Joins numbers to the name of a kernel.
template <typename... Values>
static std::string nameFor(std::string name, Values... values) {
  ((name += "_" + std::to_string(int(values))), ...);
  return name;
}

/// scaleOf(amax, global scale, scale scale), of which either may be absent.
static Kernel scaleKernel(ScaleFormula formula, InputRounding rounding,
                          bool hasGlobal, bool hasScaleScale) {
  Recipe recipe;
  recipe.scaleFormula = formula;
  recipe.intermediate = rounding.intermediate;
  Kernel kernel;
  kernel.name = nameFor("scale", formula, rounding.intermediate, rounding.type,
                        hasGlobal, hasScaleScale);
  kernel.emit = [=](Body &body) {
    return body.emitter.scaleOf(body.floats[0],
                                hasGlobal ? body.floats[1] : mlir::Value(),
                                hasScaleScale ? body.floats[2] : mlir::Value(),
                                recipe, typeOf(body, rounding.type));
  };
  kernel.expected = [=](const Element &in) {
    QuantizeParams params;
    params.recipe = recipe;
    if (hasGlobal)
      params.globalScale = floatOf(in[1]);
    if (hasScaleScale)
      params.scaleScale = floatOf(in[2]);
    return bitsOf(unroundedScale(floatOf(in[0]), params, rounding.type));
  };
  return kernel;
}

TEST(ArithQuantizer, ScaleFormulas) {
  std::vector<Kernel> kernels;
  for (ScaleFormula formula :
       {ScaleFormula::AmaxOverScales, ScaleFormula::Amax,
        ScaleFormula::AmaxOver6, ScaleFormula::AmaxTimesR6,
        ScaleFormula::AmaxOver6OverG, ScaleFormula::AmaxOver6TimesG,
        ScaleFormula::GTimesAmaxTimesR6, ScaleFormula::AmaxTimesGTimesR6})
    for (InputRounding rounding : allRoundings)
      for (bool hasGlobal : {false, true})
        for (bool hasScaleScale : {false, true})
          if (!hasScaleScale || usesScaleScale(formula))
            kernels.push_back(
                scaleKernel(formula, rounding, hasGlobal, hasScaleScale));
  Inputs inputs;
  for (float amax : hardNumbers(/*numRandom=*/100))
    for (float globalScale : globalScales())
      for (float scaleScale : {4.0f, 6.0f, 0.3f, 1e-40f, 2e38f})
        inputs.push(magnitudeBitsOf(amax), bitsOf(globalScale),
                    bitsOf(scaleScale));
  checkKernels(kernels, inputs);
}

/// quantizeElement(x, groupFactor(byte, global scale)).
static Kernel elementKernel(const Recipe &recipe, ScaleType scaleType,
                            FloatType inputType, bool hasGlobal) {
  Kernel kernel;
  kernel.name = nameFor("element", recipe.elementOperand, recipe.intermediate,
                        recipe.scaleByteZero, recipe.zeroSign, scaleType,
                        inputType, hasGlobal);
  kernel.emit = [=](Body &body) {
    mlir::Value factor = body.emitter.groupFactor(
        body.ints[1], hasGlobal ? body.floats[2] : mlir::Value(), scaleType,
        recipe);
    return body.emitter.quantizeElement(body.floats[0], factor, recipe,
                                        typeOf(body, inputType));
  };
  kernel.expected = [=](const Element &in) {
    QuantizeParams params;
    params.format.scaleType = scaleType;
    params.recipe = recipe;
    if (hasGlobal)
      params.globalScale = floatOf(in[2]);
    ElementQuantizer quantizer(uint8_t(in[1]), params, inputType);
    return uint32_t(quantizer(floatOf(in[0])));
  };
  kernel.isFloat = false;
  return kernel;
}

class ArithElements : public testing::TestWithParam<ElementOperand> {};

TEST_P(ArithElements, MatchNumerics) {
  std::vector<Kernel> kernels;
  Recipe recipe;
  recipe.elementOperand = GetParam();
  for (InputRounding rounding : allRoundings) {
    // Only x / q is ever rounded.
    if (rounding.type != FloatType::BF16 &&
        recipe.elementOperand != ElementOperand::XOverQ)
      continue;
    recipe.intermediate = rounding.intermediate;
    for (ScaleByteZero byteZero :
         {ScaleByteZero::AsIs, ScaleByteZero::ElementsZero,
          ScaleByteZero::ReciprocalCapped})
      for (ZeroSign zeroSign : {ZeroSign::SignBit, ZeroSign::OnlyNegative})
        for (ScaleType scaleType : {ScaleType::E8M0, ScaleType::E4M3})
          for (bool hasGlobal : {false, true}) {
            recipe.scaleByteZero = byteZero;
            recipe.zeroSign = zeroSign;
            kernels.push_back(
                elementKernel(recipe, scaleType, rounding.type, hasGlobal));
          }
  }
  Inputs inputs;
  for (float x : hardNumbers(/*numRandom=*/4))
    for (uint32_t byte = 0; byte < 256; ++byte)
      for (float globalScale : globalScales())
        inputs.push(bitsOf(x), byte, bitsOf(globalScale));
  checkKernels(kernels, inputs);
}

INSTANTIATE_TEST_SUITE_P(AllOperands, ArithElements,
                         testing::Values(ElementOperand::XOverQTimesG,
                                         ElementOperand::XOverQ,
                                         ElementOperand::XTimesRcpQ,
                                         ElementOperand::XTimesRcpGOverQ,
                                         ElementOperand::XOverQOverG,
                                         ElementOperand::XTimesRcpQTimesRcpG));
