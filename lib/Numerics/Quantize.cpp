//===- Quantize.cpp - floats to FP4 codes and scales ----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Quantize.h"

#include <cassert>
#include <vector>

using namespace fp4q;

float fp4q::maxMagnitude(ConstFloats x, int64_t count) {
  // Bits of magnitudes order like the magnitudes, with every NaN above Inf.
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t magnitude = magnitudeBitsOf(x.load(i));
    if (magnitude > largest)
      largest = magnitude;
  }
  return floatOf(largest);
}

float fp4q::globalScale(ConstFloats x, int64_t count) {
  float amax = maxMagnitude(x, count);
  return amax == 0.0f ? 1.0f : amax / 2688.0f;
}

float fp4q::unroundedScale(float amax, const QuantizeParams &params,
                           FloatType inputType) {
  const Recipe &recipe = params.recipe;
  const float g = params.globalScale;
  const float r6 = 1.0f / 6.0f;
  auto amaxOver6 = [&] {
    float quotient = amax / 6.0f;
    return recipe.intermediate == Intermediate::InputType
               ? roundToType(quotient, inputType)
               : quotient;
  };
  switch (recipe.scaleFormula) {
  case ScaleFormula::AmaxOverScales:
    return amax / (params.scaleScale * g);
  case ScaleFormula::Amax:
    return amax;
  case ScaleFormula::AmaxOver6:
    return amaxOver6();
  case ScaleFormula::AmaxTimesR6:
    return amax * r6;
  case ScaleFormula::AmaxOver6OverG:
    return amaxOver6() / g;
  case ScaleFormula::AmaxOver6TimesG:
    return amaxOver6() * g;
  case ScaleFormula::GTimesAmaxTimesR6:
    return g * (amax * r6);
  case ScaleFormula::AmaxTimesGTimesR6:
    return amax * (g * r6);
  }
  assert(false && "unknown scale formula");
  return amax;
}

/// The least s that the floor lets through.
static float floorOf(E4M3Floor floor) {
  switch (floor) {
  case E4M3Floor::None:
    break;
  case E4M3Floor::Pow2Minus9:
    return 0x1p-9f;
  case E4M3Floor::Pow2Minus6:
    return 0x1p-6f;
  }
  return -floatOf(infinityBits);
}

uint8_t fp4q::encodeScale(float s, ScaleType type, const Recipe &recipe) {
  if (type == ScaleType::E8M0)
    return encodeE8M0(s, recipe.e8m0Rounding, recipe.e8m0Tiny,
                      recipe.e8m0Offset);
  if (recipe.e4m3Zero == E4M3Zero::SZeroToOne && s == 0.0f)
    s = 1.0f;
  // Written so that a NaN scale stays NaN.
  float floor = floorOf(recipe.e4m3Floor);
  if (s < floor)
    s = floor;
  uint8_t byte = encodeE4M3(s);
  if (recipe.e4m3Zero == E4M3Zero::QZeroToEighth && (byte & 0x7F) == 0)
    return encodeE4M3(0.125f);
  return byte;
}

ElementQuantizer::ElementQuantizer(uint8_t scaleByte,
                                   const QuantizeParams &params,
                                   FloatType inputType)
    : divides(true),
      elementsZero(params.recipe.scaleByteZero == ScaleByteZero::ElementsZero &&
                   scaleByte == 0),
      roundsQuotient(params.recipe.intermediate == Intermediate::InputType &&
                     params.recipe.elementOperand == ElementOperand::XOverQ),
      inputType(inputType), zeroSign(params.recipe.zeroSign) {
  const float q = decodeScale(scaleByte, params.format.scaleType);
  const float g = params.globalScale;
  switch (params.recipe.elementOperand) {
  case ElementOperand::XOverQTimesG:
    term = q * g;
    break;
  case ElementOperand::XOverQ:
    term = q;
    break;
  case ElementOperand::XTimesRcpQ:
    divides = false;
    term = 1.0f / q;
    break;
  case ElementOperand::XTimesRcpGOverQ:
    divides = false;
    term = (1.0f / g) / q;
    break;
  case ElementOperand::XOverQOverG:
    term = q / g;
    break;
  case ElementOperand::XTimesRcpQTimesRcpG:
    divides = false;
    term = 1.0f / (q * (1.0f / g));
    break;
  }
  if (!divides &&
      params.recipe.scaleByteZero == ScaleByteZero::ReciprocalCapped &&
      bitsOf(term) == infinityBits)
    term = floatOf(largestBits);
}

float ElementQuantizer::operand(float x) const {
  if (elementsZero)
    return x * 0.0f;
  float t = divides ? x / term : x * term;
  return roundsQuotient ? roundToType(t, inputType) : t;
}

/// Quantizes one group of values to groupSize / 2 bytes of codes.
static void encodeGroup(const float *x, int64_t groupSize,
                        const ElementQuantizer &quantizer, uint8_t *codes) {
  for (int64_t i = 0; i < groupSize; i += 2)
    codes[i / 2] = packE2M1(quantizer(x[i]), quantizer(x[i + 1]));
}

void fp4q::quantizeRow(const float *x, int64_t k, FloatType inputType,
                       const QuantizeParams &params, uint8_t *codes,
                       uint8_t *scales) {
  const auto [groupSize, scaleType] = params.format;
  assert(isLegalGroup(groupSize, k));
  for (int64_t group = 0; group < k / groupSize; ++group) {
    float amax =
        maxMagnitude({x + group * groupSize, FloatType::F32}, groupSize);
    scales[group] = encodeScale(unroundedScale(amax, params, inputType),
                                scaleType, params.recipe);
  }
  quantizeRowWithScales(x, k, inputType, params, scales, codes);
}

void fp4q::quantizeRowWithScales(const float *x, int64_t k, FloatType inputType,
                                 const QuantizeParams &params,
                                 const uint8_t *scales, uint8_t *codes) {
  const int64_t groupSize = params.format.groupSize;
  assert(isLegalGroup(groupSize, k));
  for (int64_t group = 0; group < k / groupSize; ++group)
    encodeGroup(x + group * groupSize, groupSize,
                ElementQuantizer(scales[group], params, inputType),
                codes + group * groupSize / 2);
}

/// Calls `body(row, values)` with each row of `x` (rows, k) widened to f32.
template <typename Body>
static void forEachRow(ConstFloats x, int64_t rows, int64_t k, Body body) {
  std::vector<float> values(k);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < k; ++i)
      values[i] = x.load(row * k + i);
    body(row, values.data());
  }
}

void fp4q::quantize(ConstFloats x, int64_t rows, int64_t k,
                    const QuantizeParams &params, uint8_t *codes,
                    uint8_t *scales) {
  forEachRow(x, rows, k, [&](int64_t row, const float *values) {
    quantizeRow(values, k, x.type, params, codes + row * (k / 2),
                scales + row * (k / params.format.groupSize));
  });
}

void fp4q::quantizeWithScales(ConstFloats x, int64_t rows, int64_t k,
                              const QuantizeParams &params,
                              const uint8_t *scales, uint8_t *codes) {
  forEachRow(x, rows, k, [&](int64_t row, const float *values) {
    quantizeRowWithScales(values, k, x.type, params,
                          scales + row * (k / params.format.groupSize),
                          codes + row * (k / 2));
  });
}
