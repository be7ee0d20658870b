//===- FP4QRecipe.cpp - the text of #fp4q.recipe --------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// #fp4q.recipe<"ct-nv">, #fp4q.recipe<"law", zero_sign = only_negative>,
// #fp4q.recipe<scale_formula = amax, e8m0_offset = -2>: a preset (default: law)
// and settings on top of it.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h"
#include "fp4q/Numerics/Presets.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::Recipe;

namespace {

/// One setting: how its value is called in the text, by number.
struct Setting {
  StringRef key;
  ArrayRef<StringRef> values;
  unsigned (*get)(const Recipe &);
  void (*set)(Recipe &, unsigned);
};

} // namespace

/// A setting of the enumeration type of the member.
template <typename Enum, Enum Recipe::*member>
static constexpr Setting enumSetting(StringRef key,
                                     ArrayRef<StringRef> values) {
  return {key, values,
          [](const Recipe &recipe) {
            return static_cast<unsigned>(recipe.*member);
          },
          [](Recipe &recipe, unsigned value) {
            recipe.*member = static_cast<Enum>(value);
          }};
}

// In the order of the enumerators of fp4q/Numerics/Recipe.h.
static constexpr StringRef kScaleFormulas[] = {
    "amax_over_scales",      "amax",
    "amax_over_6",           "amax_times_r6",
    "amax_over_6_over_g",    "amax_over_6_times_g",
    "g_times_amax_times_r6", "amax_times_g_times_r6"};
static constexpr StringRef kIntermediates[] = {"f32", "input_type"};
static constexpr StringRef kE8M0Roundings[] = {"from_1_5", "never", "above_1",
                                               "from_1_75"};
static constexpr StringRef kE8M0Tinies[] = {"by_value", "by_bits"};
static constexpr StringRef kE8M0Offsets[] = {"0", "-2"};
static constexpr StringRef kE4M3Floors[] = {"none", "pow2_minus_9",
                                            "pow2_minus_6"};
static constexpr StringRef kE4M3Zeros[] = {"none", "s_zero_to_one",
                                           "q_zero_to_eighth"};
static constexpr StringRef kElementOperands[] = {
    "x_over_q_times_g",     "x_over_q",        "x_times_rcp_q",
    "x_times_rcp_g_over_q", "x_over_q_over_g", "x_times_rcp_q_times_rcp_g"};
static constexpr StringRef kScaleByteZeros[] = {"as_is", "elements_zero",
                                                "reciprocal_capped"};
static constexpr StringRef kZeroSigns[] = {"sign_bit", "only_negative"};
static constexpr StringRef kGlobalScaleUses[] = {"multiply", "divide", "none"};

static ArrayRef<Setting> getSettings() {
  using namespace ::fp4q;
  static const Setting settings[] = {
      enumSetting<ScaleFormula, &Recipe::scaleFormula>("scale_formula",
                                                       kScaleFormulas),
      enumSetting<Intermediate, &Recipe::intermediate>("intermediate",
                                                       kIntermediates),
      enumSetting<E8M0Rounding, &Recipe::e8m0Rounding>("e8m0_rounding",
                                                       kE8M0Roundings),
      enumSetting<E8M0Tiny, &Recipe::e8m0Tiny>("e8m0_tiny", kE8M0Tinies),
      {"e8m0_offset", kE8M0Offsets,
       [](const Recipe &recipe) -> unsigned { return recipe.e8m0Offset != 0; },
       [](Recipe &recipe, unsigned value) {
         recipe.e8m0Offset = value == 0 ? 0 : -2;
       }},
      enumSetting<E4M3Floor, &Recipe::e4m3Floor>("e4m3_floor", kE4M3Floors),
      enumSetting<E4M3Zero, &Recipe::e4m3Zero>("e4m3_zero", kE4M3Zeros),
      enumSetting<ElementOperand, &Recipe::elementOperand>("element_operand",
                                                           kElementOperands),
      enumSetting<ScaleByteZero, &Recipe::scaleByteZero>("scale_byte_zero",
                                                         kScaleByteZeros),
      enumSetting<ZeroSign, &Recipe::zeroSign>("zero_sign", kZeroSigns),
      enumSetting<GlobalScaleUse, &Recipe::globalScaleUse>("global_scale",
                                                           kGlobalScaleUses),
  };
  return settings;
}

/// A word or an integer.
static ParseResult parseValue(AsmParser &parser, std::string &value) {
  int64_t integer;
  OptionalParseResult parsed = parser.parseOptionalInteger(integer);
  if (parsed.has_value()) {
    value = std::to_string(integer);
    return *parsed;
  }
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  value = word.str();
  return success();
}

/// key = value
static ParseResult parseSetting(AsmParser &parser, Recipe &recipe) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef key;
  std::string value;
  if (parser.parseKeyword(&key) || parser.parseEqual())
    return failure();
  SMLoc valueLoc = parser.getCurrentLocation();
  if (parseValue(parser, value))
    return failure();
  for (const Setting &setting : getSettings()) {
    if (setting.key != key)
      continue;
    const StringRef *found = llvm::find(setting.values, value);
    if (found != setting.values.end()) {
      setting.set(recipe, found - setting.values.begin());
      return success();
    }
    return parser.emitError(valueLoc)
           << "unknown " << key << " '" << value << "', expected one of "
           << llvm::join(setting.values, ", ");
  }
  return parser.emitError(loc)
         << "unknown recipe setting '" << key << "', expected one of "
         << llvm::join(llvm::map_range(
                           getSettings(),
                           [](const Setting &setting) { return setting.key; }),
                       ", ");
}

Attribute RecipeAttr::parse(AsmParser &parser, Type) {
  Recipe recipe;
  std::string preset;
  if (parser.parseLess())
    return {};
  SMLoc loc = parser.getCurrentLocation();
  bool settings = true;
  if (succeeded(parser.parseOptionalString(&preset))) {
    const ::fp4q::Preset *found = ::fp4q::findPreset(preset);
    if (!found) {
      parser.emitError(loc) << "unknown recipe '" << preset
                            << "', expected one of " << ::fp4q::presetNames();
      return {};
    }
    recipe = found->recipe;
    settings = succeeded(parser.parseOptionalComma());
  }
  if (settings && parser.parseCommaSeparatedList(
                      [&] { return parseSetting(parser, recipe); }))
    return {};
  if (parser.parseGreater())
    return {};
  return RecipeAttr::get(parser.getContext(), recipe);
}

void RecipeAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (const ::fp4q::Preset *preset = ::fp4q::findPreset(getValue())) {
    printer << '"' << StringRef(preset->name) << "\">";
    return;
  }
  Recipe law;
  llvm::ListSeparator separator;
  for (const Setting &setting : getSettings())
    if (setting.get(getValue()) != setting.get(law))
      printer << StringRef(separator) << setting.key << " = "
              << setting.values[setting.get(getValue())];
  printer << '>';
}
