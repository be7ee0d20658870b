//===- TargetInfoTest.cpp - the target table ------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Target/TargetInfo.h"

#include <gtest/gtest.h>

#include <set>

using namespace fp4q;

static bool contains(const CPUFeatureWords &words,
                     const CPUFeatureWords &inner) {
  for (size_t i = 0; i < words.size(); ++i)
    if (inner[i] & ~words[i])
      return false;
  return true;
}

TEST(TargetInfo, EveryTargetIsFoundByItsNameOnly) {
  std::set<std::string> names;
  for (size_t i = 0; i < numTargets; ++i) {
    EXPECT_TRUE(names.insert(targets[i].name).second) << targets[i].name;
    EXPECT_EQ(findTarget(targets[i].name), &targets[i]);
  }
  EXPECT_EQ(findTarget("cpu"), &targets[0]);
  // The plain names of chips whose instructions need the full one.
  for (const char *name : {"", "cpu:", "cpu:x86", "x86-64", "native", "sm_90",
                           "sm_100", "sm_120", "sm_80a", "SM_80", "sm_80 "})
    EXPECT_EQ(findTarget(name), nullptr) << name;
}

TEST(TargetInfo, MessagesListEveryTarget) {
  EXPECT_EQ(targetNames(),
            "cpu, cpu:x86-64, cpu:x86-64-v2, cpu:x86-64-v3, cpu:avx-vnni, "
            "cpu:x86-64-v4, cpu:avx512-vnni, cpu:aarch64, cpu:aarch64-dotprod, "
            "cpu:generic, sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_103a, "
            "sm_120a, sm_121a");
}

TEST(TargetInfo, AMoreDemandingLevelComesLaterAndHasTheFeatures) {
  for (size_t i = 0; i < numTargets; ++i)
    for (size_t j = 0; j < i; ++j) {
      const Target &later = targets[i], &earlier = targets[j];
      if (std::string(later.architecture) != "x86_64" ||
          std::string(earlier.architecture) != "x86_64")
        continue;
      EXPECT_FALSE(contains(earlier.cpuFeatures, later.cpuFeatures))
          << earlier.name << " " << later.name;
      if (contains(later.cpuFeatures, earlier.cpuFeatures))
        EXPECT_TRUE(later.features.containsAll(earlier.features))
            << earlier.name << " " << later.name;
    }
}

TEST(TargetInfo, GPURowsAreConsistent) {
  for (size_t i = 0; i < numTargets; ++i) {
    const Target &target = targets[i];
    if (target.kind != TargetKind::GPU)
      continue;
    EXPECT_TRUE(target.features.contains(Feature::MMABF16)) << target.name;
    EXPECT_EQ(std::string(target.name), target.cpu);
    bool hasBlockScale = target.features.contains(Feature::MMABlockScale) ||
                         target.features.contains(Feature::TCGen05BlockScale);
    EXPECT_EQ(hasBlockScale, !target.mmaFormats.empty()) << target.name;
    bool isSpecific = hasBlockScale || target.features.contains(Feature::WGMMA);
    EXPECT_EQ(isSpecific, std::string(target.name).back() == 'a')
        << target.name;
    // A block can have all but 1 KiB, which the system keeps.
    EXPECT_EQ(target.sharedMemoryPerBlock, target.sharedMemory - 1);
    EXPECT_EQ(llvmFeatures(target), "+ptx" + std::to_string(target.ptxVersion));
  }
  EXPECT_EQ(llvmFeatures(*findTarget("cpu:avx512-vnni")),
            "+avx512vnni,+avx512vbmi");
  EXPECT_EQ(llvmFeatures(*findTarget("cpu:x86-64-v4")), "");
}

TEST(TargetInfo, NamesOfBothKindsAreAllNames) {
  EXPECT_EQ("cpu, " + cpuLevelNames() + ", " + chipNames(), targetNames());
}

// Each column once more, so that a row does not change by mistake: the CUDA C++
// Programming Guide, "Compute Capabilities", and the PTX ISA.
TEST(TargetInfo, GPURowsSayWhatTheManualsSay) {
  struct Row {
    const char *name;
    int ptxVersion, sharedMemory;
    bool wgmma, mmaBlockScale, tcgen05, convert;
  };
  const Row rows[] = {
      {"sm_80", 70, 164, false, false, false, false},
      {"sm_86", 71, 100, false, false, false, false},
      {"sm_89", 78, 100, false, false, false, false},
      {"sm_90a", 80, 228, true, false, false, false},
      {"sm_100a", 88, 228, false, false, true, true},
      {"sm_103a", 88, 228, false, false, true, true},
      {"sm_120a", 87, 100, false, true, false, true},
      {"sm_121a", 88, 100, false, true, false, true},
  };
  size_t numChips = 0;
  for (size_t i = 0; i < numTargets; ++i)
    numChips += targets[i].kind == TargetKind::GPU;
  EXPECT_EQ(numChips, sizeof(rows) / sizeof(rows[0]));
  for (const Row &row : rows) {
    const Target *target = findTarget(row.name);
    ASSERT_TRUE(target) << row.name;
    auto has = [&](Feature feature) {
      return target->features.contains(feature);
    };
    EXPECT_EQ(target->ptxVersion, row.ptxVersion) << row.name;
    EXPECT_EQ(target->sharedMemory, row.sharedMemory) << row.name;
    EXPECT_EQ(has(Feature::WGMMA), row.wgmma) << row.name;
    EXPECT_EQ(has(Feature::MMABlockScale), row.mmaBlockScale) << row.name;
    EXPECT_EQ(has(Feature::TCGen05BlockScale), row.tcgen05) << row.name;
    EXPECT_EQ(has(Feature::ConvertE2M1), row.convert) << row.name;
    EXPECT_FALSE(has(Feature::AVX2) || has(Feature::NEON)) << row.name;
  }
}

TEST(TargetInfo, TheBestLevelIsTheLastOneThatRuns) {
  for (size_t i = 0; i < numTargets; ++i)
    if (std::string(targets[i].architecture) == "x86_64")
      EXPECT_EQ(bestCPULevel("x86_64", targets[i].cpuFeatures).name,
                std::string(targets[i].name));
  CPUFeatureWords all;
  all.fill(~0u);
  EXPECT_EQ(bestCPULevel("x86_64", all).name, std::string("cpu:avx512-vnni"));
  // Without one bit of it, the level below.
  CPUFeatureWords noVBMI = all, noZmm = all;
  noVBMI[3] &= ~(1u << 1);
  noZmm[9] &= ~(1u << 6);
  EXPECT_EQ(bestCPULevel("x86_64", noVBMI).name, std::string("cpu:x86-64-v4"));
  EXPECT_EQ(bestCPULevel("x86_64", noZmm).name, std::string("cpu:avx-vnni"));
  EXPECT_EQ(bestCPULevel("x86_64", {}).name, std::string("cpu:x86-64"));
  // Nothing tells there what the CPU has.
  EXPECT_EQ(bestCPULevel("aarch64", {}).name, std::string("cpu:aarch64"));
  EXPECT_EQ(bestCPULevel("riscv64", {}).name, std::string("cpu:generic"));
}

TEST(TargetInfo, FormatsFollowFromScaleTypeAndGroup) {
  EXPECT_EQ(formatOf(ScaleType::E8M0, 32), Format::MXFP4);
  EXPECT_EQ(formatOf(ScaleType::E4M3, 16), Format::NVFP4);
  EXPECT_EQ(formatOf(ScaleType::E8M0, 16), Format::Other);
  EXPECT_EQ(formatOf(ScaleType::E4M3, 32), Format::Other);
}
