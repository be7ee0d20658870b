//===- PresetsTest.cpp - named recipes and their legal uses ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// That presets give the bits of their libraries is tested by test/oracle/
// check_recipes.py, with an oracle that has the libraries' formulas on its own.

#include "fp4q/Numerics/Presets.h"

#include <gtest/gtest.h>

#include <set>

using namespace fp4q;

TEST(Presets, AreFoundByNameAndByRecipe) {
  std::set<std::string_view> names;
  for (const Preset &preset : presets) {
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
    EXPECT_EQ(findPreset(preset.name), &preset);
    EXPECT_EQ(findPreset(preset.recipe), &preset)
        << preset.name << " has the recipe of another preset";
  }
  EXPECT_TRUE(findPreset("law")->recipe == Recipe());
  EXPECT_EQ(findPreset("Law"), nullptr);
  EXPECT_EQ(findPreset(""), nullptr);
  Recipe odd;
  odd.e4m3Floor = E4M3Floor::Pow2Minus6;
  odd.e8m0Offset = -2;
  EXPECT_EQ(findPreset(odd), nullptr);
}

TEST(Presets, AreTheOnesOfNumericsMd) {
  EXPECT_EQ(presetNames(),
            "law, torchao-mx-floor, torchao-mx-ceil, torchao-mx-even, "
            "torchao-mx-rceil, torchao-nv1, torchao-nv2, ct-nv, ct-mx, "
            "modelopt-nv, gptoss-mx, te-nv, flashinfer-nv");
}

TEST(Presets, AreLegalWithTheirFormat) {
  for (const Preset &preset : presets) {
    bool isMX = preset.name.find("-mx") != std::string_view::npos;
    EXPECT_EQ(preset.scaleType == ScaleType::E8M0,
              isMX || preset.name == "law");
    EXPECT_EQ(preset.groupSize, preset.scaleType == ScaleType::E8M0 ? 32 : 16);
    RecipeUse use;
    use.scaleType = preset.scaleType;
    use.hasGlobalScale = !isMX && preset.name != "torchao-nv1";
    use.hasScaleScale = preset.name == "law" || preset.name == "modelopt-nv";
    EXPECT_EQ(checkRecipe(preset.recipe, use), "") << preset.name;
    EXPECT_EQ(usualScaleScale(preset.recipe, use.scaleType),
              preset.name == "law"           ? 4
              : preset.name == "modelopt-nv" ? 6
                                             : 1);
    use.hasScaleScale = false;
    use.scalesAreGiven = true;
    EXPECT_EQ(checkRecipe(preset.recipe, use), "") << preset.name;
    use.hasGlobalScale = true;
    EXPECT_EQ(checkRecipe(preset.recipe, use).empty(),
              !isMX && preset.name != "torchao-nv1")
        << preset.name;
  }
}

/// What checkRecipe says after `change` has been applied to law and plain use.
template <typename Change>
static std::string errorOf(Change change) {
  Recipe recipe;
  RecipeUse use;
  change(recipe, use);
  return checkRecipe(recipe, use);
}

TEST(CheckRecipe, SettingsOfTheOtherScaleType) {
  auto e4m3 = [](auto change) {
    return errorOf([&](Recipe &recipe, RecipeUse &use) {
      use.scaleType = ScaleType::E4M3;
      change(recipe);
    });
  };
  EXPECT_EQ(e4m3([](Recipe &) {}), "");
  EXPECT_EQ(e4m3([](Recipe &r) { r.e8m0Rounding = E8M0Rounding::Never; }),
            "expects a recipe for e4m3 scales, but it sets an e8m0 rounding");
  EXPECT_EQ(e4m3([](Recipe &r) { r.e8m0Tiny = E8M0Tiny::ByBits; }),
            "expects a recipe for e4m3 scales, but it sets an e8m0 rule for "
            "tiny scales");
  EXPECT_EQ(e4m3([](Recipe &r) { r.e8m0Offset = -2; }),
            "expects a recipe for e4m3 scales, but it sets an e8m0 offset");
  EXPECT_EQ(e4m3([](Recipe &r) { r.e4m3Zero = E4M3Zero::SZeroToOne; }), "");
  EXPECT_EQ(errorOf([](Recipe &r, RecipeUse &) {
              r.e4m3Floor = E4M3Floor::Pow2Minus9;
            }),
            "expects a recipe for e8m0 scales, but it sets an e4m3 floor");
  EXPECT_EQ(errorOf([](Recipe &r, RecipeUse &) {
              r.e4m3Zero = E4M3Zero::QZeroToEighth;
            }),
            "expects a recipe for e8m0 scales, but it sets an e4m3 zero");
}

TEST(CheckRecipe, Offset) {
  EXPECT_EQ(errorOf([](Recipe &r, RecipeUse &) { r.e8m0Offset = -2; }), "");
  EXPECT_EQ(errorOf([](Recipe &r, RecipeUse &) { r.e8m0Offset = 3; }),
            "expects the recipe's e8m0 offset to be 0 or -2, but got 3");
}

TEST(CheckRecipe, ScalesThatNothingReads) {
  EXPECT_EQ(errorOf([](Recipe &, RecipeUse &use) {
              use.hasGlobalScale = use.hasScaleScale = true;
            }),
            "");
  EXPECT_EQ(errorOf([](Recipe &r, RecipeUse &use) {
              r.scaleFormula = ScaleFormula::AmaxOver6OverG;
              use.hasScaleScale = true;
            }),
            "expects no scale scale, because the recipe's scale formula does "
            "not read it");
  EXPECT_EQ(errorOf([](Recipe &, RecipeUse &use) {
              use.hasScaleScale = use.scalesAreGiven = true;
            }),
            "expects no scale scale where the scales are given");
  EXPECT_EQ(errorOf([](Recipe &r, RecipeUse &use) {
              r.globalScaleUse = GlobalScaleUse::None;
              use.hasGlobalScale = true;
            }),
            "expects no global scale, because the recipe has none");
  // Read by the operand only, by the formula only, by neither.
  auto reads = [](ScaleFormula formula, ElementOperand operand, bool given) {
    return errorOf([&](Recipe &r, RecipeUse &use) {
      r.scaleFormula = formula;
      r.elementOperand = operand;
      use.hasGlobalScale = true;
      use.scalesAreGiven = given;
    });
  };
  const std::string unread =
      "expects no global scale, because the recipe does not read it";
  for (bool given : {false, true}) {
    EXPECT_EQ(reads(ScaleFormula::Amax, ElementOperand::XOverQTimesG, given),
              "");
    EXPECT_EQ(reads(ScaleFormula::Amax, ElementOperand::XOverQ, given), unread);
    EXPECT_EQ(
        reads(ScaleFormula::AmaxOverScales, ElementOperand::XOverQ, given),
        given ? unread : "");
  }
}
