//===- CpuFeatures.cpp - what the CPU can do, as 32-bit words -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/ArtifactFile.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace fp4q;

namespace {
/// The place of a feature in CpuFeatureWords.
struct FeatureName {
  uint8_t word, bit;
  const char *name;
};
} // namespace

/// Those of the x86-64 levels and what decides the speed of FP4 code, under the
/// names of the kernel and of LLVM.
static constexpr FeatureName featureNames[] = {
    {0, 0, "sse3"},          {0, 9, "ssse3"},          {0, 12, "fma"},
    {0, 13, "cx16"},         {0, 19, "sse4.1"},        {0, 20, "sse4.2"},
    {0, 22, "movbe"},        {0, 23, "popcnt"},        {0, 27, "osxsave"},
    {0, 28, "avx"},          {0, 29, "f16c"},          {2, 3, "bmi"},
    {2, 5, "avx2"},          {2, 8, "bmi2"},           {2, 16, "avx512f"},
    {2, 17, "avx512dq"},     {2, 28, "avx512cd"},      {2, 30, "avx512bw"},
    {2, 31, "avx512vl"},     {3, 1, "avx512vbmi"},     {3, 6, "avx512vbmi2"},
    {3, 8, "gfni"},          {3, 11, "avx512vnni"},    {4, 23, "avx512fp16"},
    {4, 24, "amx-tile"},     {5, 4, "avxvnni"},        {5, 5, "avx512bf16"},
    {6, 4, "avxvnniint8"},   {7, 0, "sahf"},           {7, 5, "lzcnt"},
    {9, 1, "xmm state"},     {9, 2, "ymm state"},      {9, 5, "mask state"},
    {9, 6, "zmm0-15 state"}, {9, 7, "zmm16-31 state"},
};

static CpuFeatureWords readHostCpuFeatures() {
  CpuFeatureWords words{};
#if defined(__x86_64__)
  uint32_t eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
    words[0] = ecx;
    words[1] = edx;
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    words[2] = ebx;
    words[3] = ecx;
    words[4] = edx;
    if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
      words[5] = eax;
      words[6] = edx;
    }
  }
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) {
    words[7] = ecx;
    words[8] = edx;
  }
  // Only where the system has enabled it may the instruction be executed.
  if (words[0] & (1u << 27)) {
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    words[9] = eax;
  }
  // Whether there is a hypervisor says nothing about code.
  words[0] &= ~(1u << 31);
#endif
  return words;
}

const CpuFeatureWords &fp4q::getHostCpuFeatures() {
  // Under a hypervisor each CPUID takes tens of microseconds.
  static const CpuFeatureWords words = readHostCpuFeatures();
  return words;
}

static std::string nameOf(unsigned word, unsigned bit) {
  for (const FeatureName &feature : featureNames)
    if (feature.word == word && feature.bit == bit)
      return feature.name;
  return "word " + std::to_string(word) + " bit " + std::to_string(bit);
}

std::string fp4q::missingCpuFeatures(const CpuFeatureWords &required,
                                     const CpuFeatureWords &host) {
  std::string missing;
  for (unsigned word = 0; word < required.size(); ++word)
    for (unsigned bit = 0; bit < 32; ++bit)
      if ((required[word] & ~host[word]) >> bit & 1)
        missing += (missing.empty() ? "" : ", ") + nameOf(word, bit);
  return missing;
}

std::string fp4q::namedCpuFeatures(const CpuFeatureWords &words) {
  std::string names;
  for (const FeatureName &feature : featureNames)
    if (words[feature.word] >> feature.bit & 1)
      names += (names.empty() ? "" : ", ") + std::string(feature.name);
  return names.empty() ? "none of the features that have names" : names;
}
