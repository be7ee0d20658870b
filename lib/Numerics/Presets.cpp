//===- Presets.cpp - the quantizers of known libraries --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Numerics/Presets.h"

using namespace fp4q;

// The formulas of the presets were found equal, in codes and scales, to their
// libraries on more than 10^6 groups each that are hard to quantize (where the
// scale does not carry past 2^127): torchao at commit 36027d82, whose release
// 0.18.0 differs, compressed-tensors 0.20.0, nvidia-modelopt 0.47.0, gpt-oss as
// in transformers 5.23.0, TransformerEngine's reference at d0067d0d and
// flashinfer's ref_fp4_quant at fb28d724. test/oracle/recipes.py has them in a
// form that this table is checked against.

/// The part that torchao's mx presets share: no global scale, the scale is a
/// power of two near amax / 4, elements are divided by it.
static constexpr Recipe torchaoMX(E8M0Rounding rounding) {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::Amax;
  recipe.e8m0Rounding = rounding;
  recipe.e8m0Offset = -2;
  recipe.elementOperand = ElementOperand::XOverQ;
  recipe.globalScaleUse = GlobalScaleUse::None;
  return recipe;
}

static constexpr Recipe torchaoMXRceil() {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::AmaxTimesR6;
  recipe.e8m0Rounding = E8M0Rounding::Above1;
  recipe.elementOperand = ElementOperand::XTimesRcpQ;
  recipe.globalScaleUse = GlobalScaleUse::None;
  return recipe;
}

/// Without a scale of the tensor.
static constexpr Recipe torchaoNV1() {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::AmaxOver6;
  recipe.e4m3Floor = E4M3Floor::Pow2Minus6;
  recipe.elementOperand = ElementOperand::XTimesRcpQ;
  recipe.globalScaleUse = GlobalScaleUse::None;
  return recipe;
}

static constexpr Recipe torchaoNV2() {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::AmaxOver6OverG;
  recipe.e4m3Floor = E4M3Floor::Pow2Minus6;
  recipe.elementOperand = ElementOperand::XTimesRcpGOverQ;
  return recipe;
}

/// compressed-tensors, nvfp4-pack-quantized.
static constexpr Recipe ctNV() {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::AmaxOver6TimesG;
  recipe.intermediate = Intermediate::InputType;
  recipe.e4m3Zero = E4M3Zero::QZeroToEighth;
  recipe.elementOperand = ElementOperand::XOverQOverG;
  recipe.zeroSign = ZeroSign::OnlyNegative;
  recipe.globalScaleUse = GlobalScaleUse::Divide;
  return recipe;
}

/// compressed-tensors, mxfp4-pack-quantized.
static constexpr Recipe ctMX() {
  Recipe recipe = torchaoMX(E8M0Rounding::From1_75);
  recipe.intermediate = Intermediate::InputType;
  recipe.zeroSign = ZeroSign::OnlyNegative;
  return recipe;
}

/// Its scale scale is 6.
static constexpr Recipe modeloptNV() {
  Recipe recipe;
  recipe.e4m3Floor = E4M3Floor::Pow2Minus9;
  recipe.e4m3Zero = E4M3Zero::SZeroToOne;
  recipe.zeroSign = ZeroSign::OnlyNegative;
  return recipe;
}

static constexpr Recipe gptossMX() {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::AmaxOver6;
  recipe.e8m0Rounding = E8M0Rounding::Above1;
  recipe.e8m0Tiny = E8M0Tiny::ByBits;
  recipe.elementOperand = ElementOperand::XTimesRcpQ;
  recipe.scaleByteZero = ScaleByteZero::ElementsZero;
  recipe.globalScaleUse = GlobalScaleUse::None;
  return recipe;
}

/// TransformerEngine, groups of 1 x 16.
static constexpr Recipe teNV() {
  Recipe recipe;
  recipe.scaleFormula = ScaleFormula::AmaxTimesGTimesR6;
  recipe.elementOperand = ElementOperand::XTimesRcpQTimesRcpG;
  recipe.scaleByteZero = ScaleByteZero::ReciprocalCapped;
  recipe.zeroSign = ZeroSign::OnlyNegative;
  recipe.globalScaleUse = GlobalScaleUse::Divide;
  return recipe;
}

static constexpr Recipe flashinferNV() {
  Recipe recipe = teNV();
  recipe.scaleFormula = ScaleFormula::GTimesAmaxTimesR6;
  recipe.scaleByteZero = ScaleByteZero::ElementsZero;
  return recipe;
}

static constexpr Preset mx(std::string_view name, Recipe recipe) {
  return {name, recipe, ScaleType::E8M0, 32};
}

static constexpr Preset nv(std::string_view name, Recipe recipe) {
  return {name, recipe, ScaleType::E4M3, 16};
}

static constexpr std::array<Preset, 13> table = {
    mx("law", Recipe()),
    mx("torchao-mx-floor", torchaoMX(E8M0Rounding::Never)),
    mx("torchao-mx-ceil", torchaoMX(E8M0Rounding::Above1)),
    mx("torchao-mx-even", torchaoMX(E8M0Rounding::From1_75)),
    mx("torchao-mx-rceil", torchaoMXRceil()),
    nv("torchao-nv1", torchaoNV1()),
    nv("torchao-nv2", torchaoNV2()),
    nv("ct-nv", ctNV()),
    mx("ct-mx", ctMX()),
    nv("modelopt-nv", modeloptNV()),
    mx("gptoss-mx", gptossMX()),
    nv("te-nv", teNV()),
    nv("flashinfer-nv", flashinferNV()),
};

const std::array<Preset, 13> fp4q::presets = table;

const Preset *fp4q::findPreset(std::string_view name) {
  for (const Preset &preset : presets)
    if (preset.name == name)
      return &preset;
  return nullptr;
}

const Preset *fp4q::findPreset(const Recipe &recipe) {
  for (const Preset &preset : presets)
    if (preset.recipe == recipe)
      return &preset;
  return nullptr;
}

std::string fp4q::presetNames() {
  std::string names;
  for (const Preset &preset : presets)
    names.append(names.empty() ? "" : ", ").append(preset.name);
  return names;
}

float fp4q::usualScaleScale(const Recipe &recipe, ScaleType scaleType) {
  if (!usesScaleScale(recipe.scaleFormula))
    return 1.0f;
  return scaleType == ScaleType::E8M0 ? 4.0f : 6.0f;
}

/// The setting of the other scale type that the recipe makes, or null.
static const char *strayScaleSetting(const Recipe &recipe,
                                     ScaleType scaleType) {
  const Recipe law;
  if (scaleType == ScaleType::E8M0) {
    if (recipe.e4m3Floor != law.e4m3Floor)
      return "an e4m3 floor";
    return recipe.e4m3Zero != law.e4m3Zero ? "an e4m3 zero" : nullptr;
  }
  if (recipe.e8m0Rounding != law.e8m0Rounding)
    return "an e8m0 rounding";
  if (recipe.e8m0Tiny != law.e8m0Tiny)
    return "an e8m0 rule for tiny scales";
  return recipe.e8m0Offset != law.e8m0Offset ? "an e8m0 offset" : nullptr;
}

std::string fp4q::checkRecipe(const Recipe &recipe, const RecipeUse &use) {
  if (recipe.e8m0Offset != 0 && recipe.e8m0Offset != -2)
    return "expects the recipe's e8m0 offset to be 0 or -2, but got " +
           std::to_string(recipe.e8m0Offset);
  if (const char *setting = strayScaleSetting(recipe, use.scaleType))
    return std::string("expects a recipe for ") +
           (use.scaleType == ScaleType::E8M0 ? "e8m0" : "e4m3") +
           " scales, but it sets " + setting;
  if (use.hasScaleScale && use.scalesAreGiven)
    return "expects no scale scale where the scales are given";
  if (use.hasScaleScale && !usesScaleScale(recipe.scaleFormula))
    return "expects no scale scale, because the recipe's scale formula does "
           "not read it";
  if (!use.hasGlobalScale)
    return "";
  if (recipe.globalScaleUse == GlobalScaleUse::None)
    return "expects no global scale, because the recipe has none";
  // Given scales leave nothing to compute by the scale formula.
  bool isRead = usesGlobalScale(recipe.elementOperand) ||
                (!use.scalesAreGiven && usesGlobalScale(recipe.scaleFormula));
  if (!isRead)
    return "expects no global scale, because the recipe does not read it";
  return "";
}
