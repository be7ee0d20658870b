//===- Quantize.h - floats to FP4 codes and scales --------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Quantization by a recipe (docs/numerics.md, sections "Quantize" and
// "Recipes"). All arithmetic is IEEE f32, to nearest even, without contraction.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_QUANTIZE_H
#define FP4Q_NUMERICS_QUANTIZE_H

#include "fp4q/Numerics/Buffers.h"
#include "fp4q/Numerics/E2M1.h"

namespace fp4q {

/// Everything that decides the bits of a quantization, apart from the data.
struct QuantizeParams {
  GroupFormat format;
  Recipe recipe;
  /// g of the recipe. 1 means absent: the formulas then give the same bits as
  /// without the term. Zero, negative and NaN values are let through.
  float globalScale = 1.0f;
  /// ss of the recipe; read by ScaleFormula::AmaxOverScales only.
  float scaleScale = 1.0f;
};

/// The largest magnitude of `count` values; 0 for none, NaN if any is NaN.
float maxMagnitude(ConstFloats x, int64_t count);

/// The global scale of a tensor: amax / 2688 in f32, 1 if all `count` values
/// are zero (or there are none), NaN if any is NaN. 2688 is 6 * 448.
float globalScale(ConstFloats x, int64_t count);

/// The unrounded scale s of a group whose largest magnitude is `amax`, by the
/// recipe's formula. `inputType` is the type of x, for Intermediate::InputType.
float unroundedScale(float amax, const QuantizeParams &params,
                     FloatType inputType);

/// The scale byte of the unrounded scale `s`.
uint8_t encodeScale(float s, ScaleType type, const Recipe &recipe);

/// Quantizes the elements of one group, given its scale byte.
class ElementQuantizer {
public:
  /// `inputType` is the type of x, for Intermediate::InputType.
  ElementQuantizer(uint8_t scaleByte, const QuantizeParams &params,
                   FloatType inputType);

  /// t of the recipe: the value that is rounded to e2m1.
  float operand(float x) const;

  /// The e2m1 code of `x`.
  uint8_t operator()(float x) const { return encodeE2M1(operand(x), zeroSign); }

  /// What x is divided or multiplied by.
  float factor() const { return term; }

private:
  float term; ///< what x is divided or multiplied by
  bool divides;
  bool elementsZero;
  bool roundsQuotient;
  FloatType inputType;
  ZeroSign zeroSign;
};

/// Quantizes `x` (rows, k) to `codes` (rows, k / 2) and `scales`
/// (rows, k / groupSize), all row-major. Requires k % groupSize == 0.
void quantize(ConstFloats x, int64_t rows, int64_t k,
              const QuantizeParams &params, uint8_t *codes, uint8_t *scales);

/// The same with `scales` given: writes only `codes`. A NaN scale byte gives
/// code 7 throughout its group, save where the recipe zeroes the elements.
void quantizeWithScales(ConstFloats x, int64_t rows, int64_t k,
                        const QuantizeParams &params, const uint8_t *scales,
                        uint8_t *codes);

/// Quantizes one row of k values that are held in f32 but stand for a tensor of
/// `inputType`: the unrounded result of a transform.
void quantizeRow(const float *x, int64_t k, FloatType inputType,
                 const QuantizeParams &params, uint8_t *codes, uint8_t *scales);

/// quantizeRow with `scales` given.
void quantizeRowWithScales(const float *x, int64_t k, FloatType inputType,
                           const QuantizeParams &params, const uint8_t *scales,
                           uint8_t *codes);

} // namespace fp4q

#endif // FP4Q_NUMERICS_QUANTIZE_H
