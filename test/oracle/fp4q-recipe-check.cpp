//===- fp4q-recipe-check.cpp - quantize raw files by a preset -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The other side of check_recipes.py: it writes inputs that are hard to
// quantize, this program quantizes them with lib/Numerics, and it compares the
// bytes with those of its oracle.

#include "fp4q/Numerics/Presets.h"
#include "fp4q/Numerics/Quantize.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

using namespace fp4q;

static constexpr char usage[] =
    "usage: fp4q-recipe-check PRESET TYPE SCALE_TYPE GROUP GLOBAL_SCALE "
    "SCALE_SCALE INPUT CODES SCALES\n"
    "TYPE is bf16, f16 or f32; SCALE_TYPE is e8m0 or e4m3; INPUT holds whole\n"
    "groups of raw values; CODES and SCALES are written.\n";

[[noreturn]] static void die(const std::string &message) {
  std::fprintf(stderr, "fp4q-recipe-check: error: %s\n", message.c_str());
  std::exit(1);
}

/// The value that `text` names in `values`, or an error that lists them.
template <typename T>
static T pick(const char *what, const std::string &text,
              const std::map<std::string, T> &values) {
  auto found = values.find(text);
  if (found != values.end())
    return found->second;
  std::string names;
  for (const auto &[name, value] : values)
    names += (names.empty() ? "" : ", ") + name;
  die(std::string(what) + " is '" + text + "'; allowed are " + names);
}

static float parseFloat(const char *what, const char *text) {
  char *end;
  float value = std::strtof(text, &end);
  if (end == text || *end)
    die(std::string(what) + " is '" + text + "', which is no number");
  return value;
}

static std::vector<char> readFile(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    die(std::string("cannot read '") + path + "'");
  return {std::istreambuf_iterator<char>(file), {}};
}

static void writeFile(const char *path, const std::vector<uint8_t> &bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             std::streamsize(bytes.size()));
  if (!file.flush())
    die(std::string("cannot write '") + path + "'");
}

int main(int argc, char **argv) {
  if (argc != 10) {
    std::fputs(usage, stderr);
    return 1;
  }
  const Preset *preset = findPreset(argv[1]);
  if (!preset)
    die(std::string("there is no preset '") + argv[1] + "'; allowed are " +
        presetNames());
  FloatType type = pick<FloatType>("TYPE", argv[2],
                                   {{"bf16", FloatType::BF16},
                                    {"f16", FloatType::F16},
                                    {"f32", FloatType::F32}});
  QuantizeParams params;
  params.recipe = preset->recipe;
  params.format.scaleType =
      pick<ScaleType>("SCALE_TYPE", argv[3],
                      {{"e8m0", ScaleType::E8M0}, {"e4m3", ScaleType::E4M3}});
  params.format.groupSize = std::atoi(argv[4]);
  params.globalScale = parseFloat("GLOBAL_SCALE", argv[5]);
  params.scaleScale = parseFloat("SCALE_SCALE", argv[6]);
  std::string error = checkRecipe(
      params.recipe, {params.format.scaleType, params.globalScale != 1.0f,
                      params.scaleScale != 1.0f, /*scalesAreGiven=*/false});
  if (!error.empty())
    die(std::string(preset->name) + ": " + error);

  std::vector<char> input = readFile(argv[7]);
  const int64_t groupSize = params.format.groupSize;
  const int64_t count = int64_t(input.size()) / sizeOf(type);
  if (count == 0 || !isLegalGroup(groupSize, count))
    die(std::string("'") + argv[7] + "' does not hold whole groups of " +
        argv[4]);
  std::vector<uint8_t> codes(size_t(count / 2));
  std::vector<uint8_t> scales(size_t(count / groupSize));
  quantize({input.data(), type}, count / groupSize, groupSize, params,
           codes.data(), scales.data());
  writeFile(argv[8], codes);
  writeFile(argv[9], scales);
  return 0;
}
