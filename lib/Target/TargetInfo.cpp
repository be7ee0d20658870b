//===- TargetInfo.cpp - questions to the target table ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Target/TargetInfo.h"

#include <cstdlib>

using namespace fp4q;

const Target *fp4q::findTarget(std::string_view name) {
  if (name == "cpu")
    return targets;
  for (size_t i = 0; i < numTargets; ++i)
    if (targets[i].name == name)
      return &targets[i];
  return nullptr;
}

std::string fp4q::targetNames() {
  std::string names = "cpu";
  for (size_t i = 0; i < numTargets; ++i)
    names += std::string(", ") + targets[i].name;
  return names;
}

static std::string namesOf(TargetKind kind) {
  std::string names;
  for (size_t i = 0; i < numTargets; ++i)
    if (targets[i].kind == kind)
      names += (names.empty() ? "" : ", ") + std::string(targets[i].name);
  return names;
}

std::string fp4q::chipNames() { return namesOf(TargetKind::GPU); }

std::string fp4q::cpuLevelNames() { return namesOf(TargetKind::CPU); }

std::string fp4q::cudaRelease(int ptxVersion) {
  int major = ptxVersion / 10 + 4, minor = ptxVersion % 10;
  // PTX 8.5 came with 12.5 and 12.6.
  if (ptxVersion >= 86 && ptxVersion < 90)
    ++minor;
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string fp4q::llvmFeatures(const Target &target) {
  if (target.kind == TargetKind::GPU)
    return "+ptx" + std::to_string(target.ptxVersion);
  return target.extensions;
}

VectorRegisters fp4q::vectorRegisters(const Target &target) {
  // Without byte look-ups AVX-512 is no better than AVX2.
  if (target.features.contains(Feature::AVX512VNNI))
    return {64, 32};
  if (target.features.contains(Feature::AVX2))
    return {32, 16};
  if (target.features.contains(Feature::NEON))
    return {16, 32};
  return {16, 16};
}

static bool hasAll(const CPUFeatureWords &words,
                   const CPUFeatureWords &needed) {
  for (size_t i = 0; i < words.size(); ++i)
    if (needed[i] & ~words[i])
      return false;
  return true;
}

const Target &fp4q::bestCPULevel(std::string_view architecture,
                                 const CPUFeatureWords &features) {
  const Target *best = nullptr;
  const Target *generic = nullptr;
  for (size_t i = 0; i < numTargets; ++i) {
    const Target &target = targets[i];
    if (target.kind != TargetKind::CPU)
      continue;
    if (!*target.architecture)
      generic = &target;
    // Where no words tell levels apart, only the least is known to run.
    bool isKnown = target.cpuFeatures != CPUFeatureWords() || !best;
    if (target.architecture == architecture && isKnown &&
        hasAll(features, target.cpuFeatures))
      best = &target;
  }
  return best ? *best : *generic;
}

const Target *fp4q::bestChip(int major, int minor) {
  std::string exact = "sm_" + std::to_string(10 * major + minor);
  const Target *best = nullptr;
  int bestVersion = 0;
  for (size_t i = 0; i < numTargets; ++i) {
    const Target &target = targets[i];
    if (target.kind != TargetKind::GPU)
      continue;
    if (target.name == exact || target.name == exact + "a")
      return &target;
    char *end = nullptr;
    int version = int(std::strtol(target.name + 3, &end, 10));
    if (*end == 0 && version < 10 * major + minor && version > bestVersion) {
      best = &target;
      bestVersion = version;
    }
  }
  return best;
}

const char *fp4q::name(Feature feature) {
  switch (feature) {
  case Feature::AVX2:
    return "AVX2";
  case Feature::AVXVNNI:
    return "AVX-VNNI";
  case Feature::AVX512:
    return "AVX-512";
  case Feature::AVX512VNNI:
    return "AVX-512 VNNI";
  case Feature::NEON:
    return "Neon";
  case Feature::DotProd:
    return "dotprod";
  case Feature::MMABF16:
    return "mma bf16";
  case Feature::WGMMA:
    return "wgmma";
  case Feature::MMABlockScale:
    return "mma block_scale";
  case Feature::TCGen05BlockScale:
    return "tcgen05.mma block_scale";
  case Feature::ConvertE2M1:
    return "cvt e2m1x2";
  }
  return "";
}

const char *fp4q::name(Format format) {
  switch (format) {
  case Format::MXFP4:
    return "mxfp4";
  case Format::NVFP4:
    return "nvfp4";
  case Format::Other:
    return "other";
  }
  return "";
}
