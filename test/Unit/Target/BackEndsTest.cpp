//===- BackEndsTest.cpp - who may do what, and who is chosen --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../lib/TestBackEnds.h"

#include <gtest/gtest.h>

#include <functional>

using namespace fp4q;

static const Target &target(const char *name) { return *findTarget(name); }

static const char *automatic(const char *targetName, const Work &work) {
  Choice choice = chooseBackEnd(testBackEnds, target(targetName), work);
  return choice.implementation ? name(choice.implementation->backEnd) : "none";
}

/// Empty if the back end can do the work, else why not.
static std::string asked(const char *targetName, const Work &work,
                         BackEnd backEnd) {
  Choice choice =
      chooseBackEnd(testBackEnds, target(targetName), work, backEnd);
  EXPECT_EQ(choice.implementation == nullptr, !choice.reason.empty());
  return choice.reason;
}

// On chips, all but matmuls of groups that matrix units do not know.
TEST(BackEnds, AllWorkIsDoneOnAnyTarget) {
  for (size_t i = 0; i < numTargets; ++i)
    for (unsigned role = 0; role <= unsigned(Role::Matmul); ++role)
      for (unsigned type = 0; type <= unsigned(FloatType::F32); ++type)
        for (int64_t groupSize : {2, 16, 32, 128})
          for (unsigned kind = 0; kind <= unsigned(TransformKind::PerBlock);
               ++kind)
            for (ScaleSource source :
                 {ScaleSource::Computed, ScaleSource::Given}) {
              Work work{
                  Role(role), FloatType(type), ScaleType::E4M3,    groupSize,
                  {},         source,          TransformKind(kind)};
              work.recipe.zeroSign = ZeroSign::OnlyNegative;
              Choice choice = chooseBackEnd(backEndTable, targets[i], work);
              bool isDone = targets[i].kind == TargetKind::CPU ||
                            work.role != Role::Matmul || groupSize == 16;
              ASSERT_EQ(choice.implementation != nullptr, isDone)
                  << targets[i].name << " " << choice.reason;
            }
}

TEST(BackEnds, TheFastestThatCanIsChosen) {
  Work matmul;
  matmul.role = Role::Matmul;
  EXPECT_STREQ(automatic("sm_120a", matmul), "gpu-native");
  EXPECT_STREQ(automatic("sm_100a", matmul), "gpu-portable");
  EXPECT_STREQ(automatic("sm_80", matmul), "gpu-portable");
  EXPECT_STREQ(automatic("cpu:avx512-vnni", matmul), "cpu");
  EXPECT_STREQ(automatic("cpu:x86-64-v4", matmul), "reference");
  matmul.type = FloatType::F32;
  EXPECT_STREQ(automatic("sm_120a", matmul), "gpu-portable");
  matmul.groupSize = 16;
  EXPECT_STREQ(automatic("sm_120a", matmul), "none");
  EXPECT_STREQ(automatic("cpu:avx512-vnni", matmul), "reference");
  // Roles are chosen for independently.
  Work dequantize;
  dequantize.role = Role::Dequantize;
  EXPECT_STREQ(automatic("sm_120a", dequantize), "gpu-portable");
  EXPECT_STREQ(automatic("cpu:avx512-vnni", dequantize), "reference");
}

TEST(BackEnds, ReasonsForTheFasterOnesAreGiven) {
  Work matmul;
  matmul.role = Role::Matmul;
  matmul.type = FloatType::F32;
  Choice choice = chooseBackEnd(testBackEnds, target("sm_120a"), matmul);
  EXPECT_EQ(choice.reason, "gpu-native does not take f32");
  matmul.groupSize = 16;
  choice = chooseBackEnd(testBackEnds, target("sm_120a"), matmul);
  EXPECT_EQ(choice.reason,
            "gpu-native does not take f32; gpu-portable does not take e8m0 "
            "scales of groups of 16; cpu is for CPUs; reference is used on "
            "request only");
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::Reference), "");
}

TEST(BackEnds, EachConstraintHasItsReason) {
  // Each case: what works, then the nearest that does not.
  struct Case {
    const char *target;
    BackEnd backEnd;
    std::function<void(Work &)> good, bad;
    const char *reason;
  };
  auto setType = [](FloatType type) {
    return [type](Work &work) { work.type = type; };
  };
  const auto nothing = [](Work &) {};
  const Case cases[] = {
      {"sm_120a", BackEnd::GPUNative, nothing, setType(FloatType::F16),
       "gpu-native does not take f16"},
      {"sm_120a", BackEnd::GPUNative, nothing,
       [](Work &work) { work.groupSize = 64; },
       "gpu-native does not take e8m0 scales of groups of 64"},
      {"sm_120a", BackEnd::GPUNative,
       [](Work &work) { work.transform = TransformKind::Shared; },
       [](Work &work) { work.transform = TransformKind::PerBlock; },
       "gpu-native does not take a transform of each block"},
      {"sm_120a", BackEnd::GPUNative, nothing,
       [](Work &work) { work.scaleSource = ScaleSource::Given; },
       "gpu-native does not take given scales"},
      {"sm_120a", BackEnd::GPUNative, nothing,
       [](Work &work) { work.recipe.e8m0Offset = -2; },
       "gpu-native takes no recipe but the law"},
      {"sm_120a", BackEnd::GPUNative, nothing,
       [](Work &work) { work.role = Role::Dequantize; },
       "gpu-native has no kernel for dequantize"},
      {"cpu:avx512-vnni", BackEnd::CPU, nothing, setType(FloatType::F16),
       "cpu does not take f16"},
  };
  for (const Case &test : cases) {
    Work good, bad;
    test.good(good);
    test.bad(bad);
    EXPECT_EQ(asked(test.target, good, test.backEnd), "") << test.reason;
    EXPECT_EQ(asked(test.target, bad, test.backEnd), test.reason);
  }
}

TEST(BackEnds, TheTargetIsAConstraintToo) {
  Work work;
  EXPECT_EQ(asked("cpu:avx512-vnni", work, BackEnd::CPU), "");
  EXPECT_EQ(asked("cpu:x86-64-v4", work, BackEnd::CPU),
            "cpu needs AVX-512 VNNI, which cpu:x86-64-v4 lacks");
  EXPECT_EQ(asked("sm_90a", work, BackEnd::GPUNative),
            "gpu-native needs cvt e2m1x2, which sm_90a lacks");
  EXPECT_EQ(asked("cpu", work, BackEnd::GPUNative), "gpu-native is for GPUs");
  EXPECT_EQ(asked("sm_90a", work, BackEnd::CPU), "cpu is for CPUs");
  Choice choice =
      chooseBackEnd(backEndTable, target("sm_120a"), work, BackEnd::GPUNative);
  EXPECT_EQ(choice.reason, "gpu-native has no kernel for quantize");
}

TEST(BackEnds, MemRefsAreTakenAsTheyLie) {
  Work matmul;
  matmul.role = Role::Matmul;
  matmul.scaleOrders = {ScaleOrder::Linear};
  matmul.k = 96;
  // Tensors are converted and padded.
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUNative), "");
  matmul.isInPlace = true;
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUNative),
            "gpu-native does not take linear scales in memrefs");
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUPortable), "");
  matmul.scaleOrders = {ScaleOrder::Blocked128x4};
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUNative),
            "gpu-native takes K in multiples of 128 and cannot pad memrefs "
            "from 96");
  matmul.k = 128;
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUNative), "");
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUPortable),
            "gpu-portable does not take blocked scales in memrefs");
  // One of each: each of the two takes one.
  matmul.scaleOrders = {ScaleOrder::Linear, ScaleOrder::Blocked128x4};
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUNative),
            "gpu-native does not take linear scales in memrefs");
  EXPECT_EQ(asked("sm_120a", matmul, BackEnd::GPUPortable),
            "gpu-portable does not take blocked scales in memrefs");
  // The lowering of the reference converts them.
  matmul.k = 96;
  EXPECT_EQ(asked("cpu", matmul, BackEnd::Reference), "");
}

TEST(BackEnds, VectorsHaveNoBlocks) {
  Work dequantize;
  dequantize.role = Role::Dequantize;
  const char *level = "cpu:aarch64-dotprod";
  EXPECT_EQ(asked(level, dequantize, BackEnd::CPU), "");
  dequantize.isVector = true;
  EXPECT_EQ(asked(level, dequantize, BackEnd::CPU),
            "cpu does not take linear scales, the only ones of a vector");
  EXPECT_STREQ(automatic(level, dequantize), "reference");
}

TEST(BackEnds, BackEndsOfARoleAreListedFastestFirst) {
  std::vector<BackEnd> expected = {BackEnd::GPUNative, BackEnd::GPUPortable,
                                   BackEnd::Reference};
  EXPECT_EQ(backEndsFor(testBackEnds, target("sm_120a"), Role::Matmul),
            expected);
  expected = {BackEnd::GPUPortable, BackEnd::Reference};
  EXPECT_EQ(backEndsFor(testBackEnds, target("sm_90a"), Role::Matmul),
            expected);
  expected = {};
  EXPECT_EQ(backEndsFor({nullptr, 0}, target("sm_90a"), Role::Matmul),
            expected);
}
