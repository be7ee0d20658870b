//===- Presets.h - the quantizers of known libraries ------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_NUMERICS_PRESETS_H
#define FP4Q_NUMERICS_PRESETS_H

#include "fp4q/Numerics/Recipe.h"

#include <array>
#include <string>
#include <string_view>

namespace fp4q {

/// A recipe with a name. It gives the library's codes and scales for finite
/// inputs whose scale does not carry past 2^127; NaN and Inf follow the law.
struct Preset {
  std::string_view name;
  Recipe recipe;
  /// The format that the library uses the recipe for. `law` is for both and
  /// names mxfp4's.
  ScaleType scaleType;
  int groupSize;
};

/// All presets, `law` first. Presets.cpp says which library and version each
/// was compared with.
extern const std::array<Preset, 13> presets;

/// The preset of that name, or null.
const Preset *findPreset(std::string_view name);

/// The first preset with this recipe, or null.
const Preset *findPreset(const Recipe &recipe);

/// The names of all presets, separated by ", ", for messages.
std::string presetNames();

/// The scale scale that goes with a recipe: 4 for e8m0 and 6 for e4m3 scales
/// where the formula reads one, else 1.
float usualScaleScale(const Recipe &recipe, ScaleType scaleType);

/// How a quantization uses a recipe; see checkRecipe.
struct RecipeUse {
  ScaleType scaleType = ScaleType::E8M0;
  bool hasGlobalScale = false;
  bool hasScaleScale = false;
  /// The scales are operands, not results.
  bool scalesAreGiven = false;
};

/// Empty if the recipe may be used so, else what is wrong, as a sentence in the
/// style of MLIR's diagnostics (lower case, no full stop). Errors are:
///  - an e8m0 setting other than the law's with e4m3 scales, and the reverse,
///  - an exponent offset other than 0 and -2,
///  - a global scale that is given but not read, or in a recipe without one,
///  - a scale scale that is given but not read.
std::string checkRecipe(const Recipe &recipe, const RecipeUse &use);

} // namespace fp4q

#endif // FP4Q_NUMERICS_PRESETS_H
