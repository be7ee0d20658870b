//===- GpuImages.cpp - which images of a module a chip can run ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuImages.h"

#include <algorithm>
#include <cstdlib>
#include <string>

using namespace fp4q;

namespace {

/// "sm_90a", taken apart.
struct Chip {
  explicit Chip(const std::string &name) {
    char *end = nullptr;
    if (name.compare(0, 3, "sm_") != 0)
      return;
    long number = std::strtol(name.c_str() + 3, &end, 10);
    major = int(number / 10);
    minor = int(number % 10);
    isExact = *end == 'a';
  }

  int version() const { return major * 10 + minor; }

  int major = 0, minor = 0;
  /// Whether it has features that only this chip has.
  bool isExact = false;
};

} // namespace

int fp4q::rankChip(const std::string &name, int major, int minor) {
  Chip chip(name);
  int version = major * 10 + minor;
  if (chip.major == 0 ||
      (chip.isExact ? chip.version() != version : chip.version() > version))
    return -1;
  return 2 * chip.version() + chip.isExact;
}

std::vector<ImageChoice> fp4q::chooseImages(const fp4q_gpu_module &module,
                                            int major, int minor) {
  struct Ranked {
    ImageChoice choice;
    int version;
    bool isExact;
  };
  std::vector<Ranked> found;
  for (int32_t i = 0; i < module.num_images; ++i) {
    const fp4q_gpu_image &image = module.images[i];
    Chip chip(image.chip);
    if (chip.major == 0)
      continue;
    bool sameChip = chip.major == major && chip.minor == minor;
    bool sameMajor = chip.major == major && chip.minor <= minor;
    bool runs = chip.version() <= major * 10 + minor;
    if (image.cubin && (chip.isExact ? sameChip : sameMajor))
      found.push_back({{&image, true}, chip.version(), chip.isExact});
    if (image.ptx && (chip.isExact ? sameChip : runs))
      found.push_back({{&image, false}, chip.version(), chip.isExact});
  }
  std::sort(found.begin(), found.end(), [](const Ranked &a, const Ranked &b) {
    if (a.choice.isCubin != b.choice.isCubin)
      return a.choice.isCubin;
    if (a.version != b.version)
      return a.version > b.version;
    if (a.isExact != b.isExact)
      return a.isExact;
    return a.choice.image < b.choice.image;
  });
  std::vector<ImageChoice> choices;
  for (const Ranked &ranked : found)
    choices.push_back(ranked.choice);
  return choices;
}
