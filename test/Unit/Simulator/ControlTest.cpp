//===- ControlTest.cpp - calls, jumps, clusters, grids --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace fp4q::sim;

static const std::string kHead =
    ".version 8.8\n.target sm_100a\n.address_size 64\n";

/// Runs kernel k(out) of this module; `count` words come out.
static Outcome runModule(const std::string &ptx, LaunchConfig config,
                         size_t count) {
  Outcome outcome;
  DeviceMemory memory;
  std::string error;
  std::unique_ptr<Module> module = Module::load(kHead + ptx, memory, error);
  EXPECT_TRUE(module) << error;
  if (!module)
    return outcome;
  uint64_t out = memory.allocate(count * 4);
  outcome.result = launch(*module, 0, config, &out, memory, {});
  EXPECT_TRUE(outcome.result.ok()) << outcome.result.message();
  outcome.words.resize(count);
  memory.read(out, outcome.words.data(), count * 4);
  return outcome;
}

static LaunchConfig oneWarp() {
  LaunchConfig config;
  config.block.x = 32;
  return config;
}

static const std::string kOut =
    ".reg .b32 %r<16>; .reg .b64 %d<8>; .reg .pred %p<4>;\n"
    "mov.u32 %r0, %tid.x; ld.param.u64 %d0, [out];\n"
    "mad.wide.u32 %d1, %r0, 4, %d0;\n";

TEST(Control, CallsAreInlinedWithTheirOwnVariables) {
  Outcome out =
      runModule(".func (.param .b32 r) twice(.param .b32 a) {\n"
                ".reg .b32 %r<2>; .local .b32 l;\n"
                "ld.param.b32 %r0, [a]; st.local.b32 [l], %r0;\n"
                "ld.local.b32 %r1, [l]; add.u32 %r1, %r1, %r0;\n"
                "st.param.b32 [r], %r1; ret; }\n"
                ".func (.param .b32 r) fourfold(.param .b32 a) {\n"
                ".reg .b32 %r<2>; .param .b32 x; .param .b32 y;\n"
                "ld.param.b32 %r0, [a]; st.param.b32 [x], %r0;\n"
                "call (y), twice, (x); ld.param.b32 %r0, [y];\n"
                "st.param.b32 [x], %r0; call (y), twice, (x);\n"
                "ld.param.b32 %r0, [y]; st.param.b32 [r], %r0; ret; }\n"
                ".visible .entry k(.param .u64 out) {\n" +
                    kOut +
                    ".param .b32 x; .param .b32 y; st.param.b32 [x], %r0;\n"
                    "st.param.b32 [y], 7; setp.lt.u32 %p0, %r0, 16;\n"
                    "@%p0 call (y), fourfold, (x); ld.param.b32 %r1, [y];\n"
                    "st.global.b32 [%d1], %r1; ret; }\n",
                oneWarp(), 32);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(out.words[i], i < 16 ? 4 * i : 7);
}

TEST(Control, IndexedBranchesDiverge) {
  Outcome out =
      runModule(".visible .entry k(.param .u64 out) {\n" + kOut +
                    "rem.u32 %r1, %r0, 3; mov.u32 %r2, 0;\n"
                    "T: .branchtargets A, B, C;\n"
                    "brx.idx %r1, T;\n"
                    "A: mov.u32 %r2, 10; bra.uni E;\n"
                    "B: mov.u32 %r2, 20; bra.uni E;\n"
                    "C: mov.u32 %r2, 30;\n"
                    "E: bar.warp.sync -1; st.global.b32 [%d1], %r2; ret; }\n",
                oneWarp(), 32);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(out.words[i], 10 * (i % 3 + 1));
}

TEST(Control, LoopsOfDifferentLengthJoin) {
  Outcome out =
      runModule(".visible .entry k(.param .u64 out) {\n" + kOut +
                    "mov.u32 %r1, 0; mov.u32 %r2, 0;\n"
                    "L: setp.ge.u32 %p0, %r1, %r0; @%p0 bra E;\n"
                    "add.u32 %r1, %r1, 1; add.u32 %r2, %r2, %r1; bra L;\n"
                    "E: redux.sync.add.u32 %r3, %r2, -1;\n"
                    "st.global.b32 [%d1], %r3; ret; }\n",
                oneWarp(), 32);
  uint32_t sum = 0;
  for (uint32_t i = 0; i < 32; ++i)
    sum += i * (i + 1) / 2;
  for (uint32_t word : out.words)
    EXPECT_EQ(word, sum);
}

// Each CTA of a cluster writes its rank into its neighbor's shared memory.
static std::string clusterKernel(const std::string &barrier) {
  return ".visible .entry k(.param .u64 out) {\n" + kOut +
         ".shared .b32 s[32]; mov.u32 %r1, s; mad.lo.u32 %r2, %r0, 4, %r1;\n"
         "mov.u32 %r3, %cluster_ctarank; xor.b32 %r4, %r3, 1;\n"
         "mapa.shared::cluster.u32 %r5, %r2, %r4;\n"
         "add.u32 %r6, %r3, 100;\n"
         "st.shared::cluster.u32 [%r5], %r6;\n" +
         barrier +
         "ld.shared.u32 %r7, [%r2]; mov.u32 %r8, %ctaid.x;\n"
         "mad.wide.u32 %d1, %r8, 128, %d1; st.global.u32 [%d1], %r7;\n"
         "getctarank.shared::cluster.u32 %r9, %r5; ret; }\n";
}

TEST(Control, ClustersShareMemory) {
  LaunchConfig config = oneWarp();
  config.grid.x = 4;
  config.cluster = {2, 1, 1};
  Outcome out = runModule(clusterKernel("barrier.cluster.arrive.aligned;\n"
                                        "barrier.cluster.wait.aligned;\n"),
                          config, 128);
  for (uint32_t i = 0; i < 128; ++i)
    EXPECT_EQ(out.words[i], 100 + (i / 32 + 1) % 2);
}

TEST(Control, ClusterAccessWithoutBarrierIsCaught) {
  DeviceMemory memory;
  std::string error;
  auto module = Module::load(kHead + clusterKernel(""), memory, error);
  ASSERT_TRUE(module) << error;
  uint64_t out = memory.allocate(512);
  LaunchConfig config = oneWarp();
  config.grid.x = 2;
  config.cluster = {2, 1, 1};
  LaunchResult result = launch(*module, 0, config, &out, memory, {});
  EXPECT_TRUE(result.fault);
}

// A grid-wide barrier by a counter works in a cooperative launch only.
TEST(Control, CooperativeGridsMakeProgressTogether) {
  LaunchConfig config = oneWarp();
  config.grid.x = 8;
  config.cooperative = true;
  Outcome out = runModule(
      ".global .u32 arrived;\n"
      ".visible .entry k(.param .u64 out) {\n" +
          kOut +
          "mov.u64 %d2, arrived; setp.ne.u32 %p0, %r0, 0; @%p0 bra D;\n"
          "red.release.gpu.global.add.u32 [%d2], 1;\n"
          "W: ld.acquire.gpu.global.u32 %r1, [%d2];\n"
          "setp.lt.u32 %p1, %r1, 8; @%p1 bra W;\n"
          "D: bar.sync 0; mov.u32 %r2, %ctaid.x;\n"
          "mad.wide.u32 %d1, %r2, 128, %d1; st.global.u32 [%d1], %r2; ret; }\n",
      config, 256);
  for (uint32_t i = 0; i < 256; ++i)
    EXPECT_EQ(out.words[i], i / 32);
}

TEST(Control, ModuleVariablesHaveTheirInitializers) {
  Outcome out =
      runModule(".global .align 8 .u64 where = table;\n"
                ".global .align 4 .b8 table[8] = {1, 0, 0, 0, 2};\n"
                ".const .align 4 .f32 half = 0f3F000000;\n"
                ".visible .entry k(.param .u64 out) {\n" +
                    kOut +
                    "ld.global.u64 %d2, [where]; ld.u32 %r1, [%d2];\n"
                    "ld.global.u32 %r2, [%d2+4]; ld.const.b32 %r3, [half];\n"
                    "add.u32 %r1, %r1, %r2; add.u32 %r1, %r1, %r3;\n"
                    "st.global.u32 [%d1], %r1; ret; }\n",
                oneWarp(), 32);
  EXPECT_EQ(out.words[0], 0x3F000003u);
}

TEST(Control, VectorAtomicsAndPackedFloats) {
  Outcome out = runModule(
      ".visible .entry k(.param .u64 out) {\n" + kOut +
          "mov.u32 %r1, 0; st.global.b32 [%d1], %r1; bar.warp.sync -1;\n"
          "mov.b32 %r2, 0f3F800000; mov.b32 %r3, 0f40000000;\n"
          "mov.b64 %d2, {%r2, %r3}; fma.rn.f32x2 %d3, %d2, %d2, %d2;\n"
          "mov.b64 {%r4, %r5}, %d3;\n"
          "red.global.add.v4.f32 [%d0], {%r2, %r3, %r4, %r5}; ret; }\n",
      oneWarp(), 32);
  const uint32_t want[] = {0x42000000, 0x42800000, 0x42800000, 0x43400000};
  for (uint32_t i = 0; i < 4; ++i)
    EXPECT_EQ(out.words[i], want[i]);
}

TEST(Control, ThreeDimensionalGrids) {
  LaunchConfig config;
  config.grid = {2, 3, 2};
  config.block = {4, 2, 2};
  Outcome out =
      runModule(".visible .entry k(.param .u64 out) {\n"
                ".reg .b32 %r<16>; .reg .b64 %d<4>;\n"
                "mov.u32 %r0, %ctaid.z; mov.u32 %r1, %nctaid.y;\n"
                "mov.u32 %r2, %ctaid.y; mad.lo.u32 %r0, %r0, %r1, %r2;\n"
                "mov.u32 %r1, %nctaid.x; mov.u32 %r2, %ctaid.x;\n"
                "mad.lo.u32 %r0, %r0, %r1, %r2;\n"
                "mov.u32 %r1, %ntid.z; mov.u32 %r2, %tid.z;\n"
                "mad.lo.u32 %r0, %r0, %r1, %r2;\n"
                "mov.u32 %r1, %ntid.y; mov.u32 %r2, %tid.y;\n"
                "mad.lo.u32 %r0, %r0, %r1, %r2;\n"
                "mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x;\n"
                "mad.lo.u32 %r0, %r0, %r1, %r2;\n"
                "ld.param.u64 %d0, [out]; mad.wide.u32 %d0, %r0, 4, %d0;\n"
                "st.global.u32 [%d0], %r0; ret; }\n",
                config, 192);
  for (uint32_t i = 0; i < 192; ++i)
    EXPECT_EQ(out.words[i], i);
}
