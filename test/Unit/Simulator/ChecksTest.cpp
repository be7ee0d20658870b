//===- ChecksTest.cpp - faults found, and correct code left alone ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each faulty body has beside it its nearest correct one.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace fp4q::sim;

// %r0 = this thread's word of shared memory, %r1 = its neighbor's.
static const std::string kWords =
    "mov.u32 %r2, sm; shl.b32 %r3, %t, 2; add.u32 %r0, %r2, %r3;\n"
    "xor.b32 %r3, %r3, 4; add.u32 %r1, %r2, %r3;\n";

TEST(Checks, SharedRaceBetweenLanes) {
  std::string write = kWords + "st.shared.u32 [%r0], %t;\n";
  std::string read = "ld.shared.u32 %r4, [%r1];";
  EXPECT_EQ(faultOf(write + read), "shared-race");
  EXPECT_EQ(faultOf(write + "bar.warp.sync 0xffffffff;" + read), "none");
  EXPECT_EQ(faultOf(write + "membar.cta;" + read), "shared-race");
}

TEST(Checks, SharedRaceBetweenWarps) {
  std::string write = kWords + "st.shared.u32 [%r0], %t;\n";
  std::string read = "xor.b32 %r5, %r0, 128; ld.shared.u32 %r4, [%r5];";
  EXPECT_EQ(faultOf(write + "bar.warp.sync 0xffffffff;" + read, 64),
            "uninitialized");
  EXPECT_EQ(faultOf(write + "bar.sync 0;" + read, 64), "none");
}

TEST(Checks, WriteAfterReadIsARace) {
  std::string start = kWords + "st.shared.u32 [%r0], %t; bar.sync 0;\n"
                               "ld.shared.u32 %r4, [%r1];\n";
  EXPECT_EQ(faultOf(start + "st.shared.u32 [%r0], 0;", 64), "shared-race");
  EXPECT_EQ(faultOf(start + "bar.sync 0; st.shared.u32 [%r0], 0;", 64), "none");
}

TEST(Checks, EqualStoresOfOneInstructionAreNoRace) {
  EXPECT_EQ(faultOf("mov.u32 %r0, sm; mov.u32 %r1, 7;\n"
                    "st.shared.u32 [%r0], %r1;"),
            "none");
  EXPECT_EQ(faultOf("mov.u32 %r0, sm; st.shared.u32 [%r0], %t;"),
            "shared-race");
}

TEST(Checks, AtomicsDoNotRace) {
  std::string init = "mov.u32 %r0, sm; setp.eq.u32 %p0, %t, 0;\n"
                     "@%p0 st.shared.u32 [%r0], 0; bar.sync 0;\n";
  EXPECT_EQ(faultOf(init + "atom.shared.add.u32 %r1, [%r0], 1;", 64), "none");
  EXPECT_EQ(faultOf(init + "atom.shared.add.u32 %r1, [%r0], 1;\n"
                           "ld.shared.u32 %r2, [%r0];",
                    64),
            "shared-race");
}

TEST(Checks, ArriveAndSyncOrderWarps) {
  // Warp 0 writes and arrives; warp 1 waits and reads.
  std::string body = kWords +
                     "xor.b32 %r5, %r0, 128; setp.lt.u32 %p0, %t, 32;\n"
                     "@!%p0 bra READ;\n"
                     "st.shared.u32 [%r0], %t; bar.arrive 1, 64; bra END;\n"
                     "READ: SYNC ld.shared.u32 %r4, [%r5]; END:\n";
  std::string with = body, without = body;
  with.replace(with.find("SYNC"), 4, "bar.sync 1, 64;");
  without.replace(without.find("SYNC"), 4, "bar.sync 2, 32;");
  EXPECT_EQ(faultOf(with, 64), "none");
  EXPECT_NE(faultOf(without, 64), "none");
}

TEST(Checks, MbarrierOrdersWarps) {
  std::string head = kWords +
                     "add.u32 %r6, %r2, 1024; setp.eq.u32 %p1, %t, 0;\n"
                     "@%p1 mbarrier.init.shared.b64 [%r6], 32; bar.sync 0;\n"
                     "xor.b32 %r5, %r0, 128; setp.lt.u32 %p0, %t, 32;\n"
                     "@!%p0 bra READ;\n"
                     "st.shared.u32 [%r0], %t;\n"
                     "mbarrier.arrive.shared.b64 %d0, [%r6]; bra END;\nREAD:\n";
  std::string wait =
      "WAIT: mbarrier.try_wait.parity.shared.b64 %p2, [%r6], 0;\n"
      "@!%p2 bra WAIT;\n";
  std::string tail = "ld.shared.u32 %r4, [%r5]; END:\n";
  EXPECT_EQ(faultOf(head + wait + tail, 64), "none");
  EXPECT_NE(faultOf(head + tail, 64), "none");
}

TEST(Checks, MbarrierMisuse) {
  std::string init = "mov.u32 %r0, sm; setp.eq.u32 %p0, %t, 0;\n"
                     "@%p0 mbarrier.init.shared.b64 [%r0], 32;\n"
                     "bar.warp.sync 0xffffffff;\n";
  std::string arrive = "mbarrier.arrive.shared.b64 %d0, [%r0];\n";
  EXPECT_EQ(faultOf(init + arrive), "none");
  EXPECT_EQ(faultOf("mov.u32 %r0, sm;" + arrive), "mbarrier");
  EXPECT_EQ(faultOf(init + "mbarrier.arrive.shared.b64 %d0, [%r0], 33;"),
            "mbarrier");
  EXPECT_EQ(faultOf(init + "ld.shared.u32 %r1, [%r0];"), "mbarrier");
  EXPECT_EQ(faultOf(init + "@%p0 mbarrier.init.shared.b64 [%r0], 1;"),
            "mbarrier");
  EXPECT_EQ(faultOf("mov.u32 %r0, sm;\n"
                    "mbarrier.init.shared.b64 [%r0], 0;"),
            "mbarrier");
}

TEST(Checks, MbarrierThatNeverCompletesIsADeadlock) {
  EXPECT_EQ(faultOf("mov.u32 %r0, sm; setp.eq.u32 %p0, %t, 0;\n"
                    "@%p0 mbarrier.init.shared.b64 [%r0], 33;\n"
                    "bar.warp.sync 0xffffffff;\n"
                    "mbarrier.arrive.shared.b64 %d0, [%r0];\n"
                    "W: mbarrier.try_wait.shared.b64 %p1, [%r0], %d0;\n"
                    "@!%p1 bra W;"),
            "deadlock");
}

TEST(Checks, AsyncCopies) {
  std::string copy = "mov.u32 %r0, sm; shl.b32 %r1, %t, 4;\n"
                     "add.u32 %r0, %r0, %r1;\n"
                     "cp.async.cg.shared.global [%r0], [%in], 16;\n"
                     "cp.async.commit_group;\n";
  std::string read = "ld.shared.u32 %r2, [%r0];";
  EXPECT_EQ(faultOf(copy + "cp.async.wait_group 0;" + read), "none");
  EXPECT_EQ(faultOf(copy + read), "async-pending");
  EXPECT_EQ(faultOf(copy + "st.shared.u32 [%r0], 0; cp.async.wait_all;"),
            "async-pending");
  EXPECT_EQ(faultOf(copy), "async-leftover");
  // What another lane copied needs a barrier as well.
  std::string other = "xor.b32 %r3, %r0, 16; cp.async.wait_all;\n";
  std::string readOther = "ld.shared.u32 %r2, [%r3];";
  EXPECT_EQ(faultOf(copy + other + readOther), "shared-race");
  EXPECT_EQ(faultOf(copy + other + "bar.warp.sync -1;" + readOther), "none");
}

TEST(Checks, Bounds) {
  std::string base = "mov.u32 %r0, sm;\n";
  EXPECT_EQ(faultOf(base + "st.shared.u32 [%r0+4096], 0;"), "out-of-bounds");
  EXPECT_EQ(faultOf(base + "st.shared.u32 [%r0+-4], 0;"), "out-of-bounds");
  EXPECT_EQ(faultOf(base + "st.shared.u32 [%r0+4092], 0;"), "none");
  EXPECT_EQ(faultOf(base + "st.shared.u32 [%r0+2], 0;"), "misaligned");
  EXPECT_EQ(faultOf("ld.global.u32 %r0, [%in+1];"), "misaligned");
  EXPECT_EQ(faultOf("mov.u64 %d0, 0; ld.u32 %r0, [%d0];"), "out-of-bounds");
  EXPECT_EQ(faultOf("ld.global.u32 %r0, [%out];"), "uninitialized");
  EXPECT_EQ(faultOf(".local .b8 l[16]; ld.local.u32 %r0, [l];"),
            "uninitialized");
  EXPECT_EQ(faultOf(".local .b8 l[16]; st.local.u32 [l+16], 0;"),
            "out-of-bounds");
  EXPECT_EQ(faultOf("mov.b64 %d0, in; cvta.param.u64 %d0, %d0;\n"
                    "st.u64 [%d0], %d0;"),
            "read-only");
}

TEST(Checks, RegistersReadBeforeTheyAreWritten) {
  EXPECT_EQ(faultOf("add.u32 %r0, %r1, 1;"), "uninitialized");
  EXPECT_EQ(faultOf("setp.lt.u32 %p0, %t, 8; @%p0 mov.u32 %r1, 1;\n"
                    "@%p0 add.u32 %r0, %r1, 1;"),
            "none");
  EXPECT_EQ(faultOf("setp.lt.u32 %p0, %t, 8; @%p0 mov.u32 %r1, 1;\n"
                    "add.u32 %r0, %r1, 1;"),
            "uninitialized");
  EXPECT_EQ(faultOf("@%p3 mov.u32 %r1, 1;"), "uninitialized");
}

TEST(Checks, DivergentBarriers) {
  std::string half = "setp.lt.u32 %p0, %t, 16;\n";
  EXPECT_EQ(faultOf(half + "@%p0 bra A; bar.sync 0; bra B; A: bar.sync 0; B:"),
            "divergent-barrier");
  EXPECT_EQ(faultOf(half + "@%p0 bra A; bar.warp.sync 0xffff0000; A:\n"
                           "bar.sync 0;"),
            "none");
  EXPECT_EQ(faultOf(half + "@%p0 shfl.sync.idx.b32 %r0, %t, 0, 31, -1;\n"
                           "bar.sync 0;"),
            "divergent-barrier");
  // Threads that have left are not waited for.
  EXPECT_EQ(faultOf(half + "@%p0 exit; bar.sync 0;"), "none");
}

TEST(Checks, BarrierThatNeverFillsIsADeadlock) {
  EXPECT_EQ(faultOf("bar.sync 0, 64;"), "deadlock");
}

TEST(Checks, CountersOfAccesses) {
  // A stride of 128 bytes: every lane a sector of its own.
  Outcome out =
      runKernel(makeKernel("ld.global.u32 %r0, [%in]; shl.b32 %r1, %t, 7;\n"
                           "mov.u32 %r2, sm; add.u32 %r1, %r1, %r2;\n"
                           "st.shared.u32 [%r1], %r0;",
                           32, 1, "sm_90a"),
                std::vector<uint32_t>(32 * 32), 32);
  ASSERT_TRUE(out.result.ok()) << out.result.message();
  EXPECT_EQ(out.result.counters.globalRequests, 1u);
  EXPECT_EQ(out.result.counters.globalSectors, 32u);
  EXPECT_EQ(out.result.counters.globalReadBytes, 128u);
  EXPECT_EQ(out.result.counters.sharedWavefronts, 32u);
  EXPECT_EQ(out.result.counters.bankConflicts, 31u);
}

static AccessProfile only(const std::vector<AccessProfile> &accesses,
                          const std::string &instruction) {
  AccessProfile found;
  for (const AccessProfile &access : accesses)
    if (access.instruction == instruction)
      found = access;
  return found;
}

static std::vector<AccessProfile>
profileOf(const std::string &body, unsigned inWords, unsigned threads = 32) {
  LaunchOptions options;
  options.profile = true;
  Outcome out = runKernel(makeKernel(body, inWords, 1, "sm_90a"),
                          std::vector<uint32_t>(inWords * threads + 64),
                          threads, threads, options);
  EXPECT_TRUE(out.result.ok()) << out.result.message();
  return out.result.accesses;
}

TEST(Profile, SectorsOfGlobalAccesses) {
  // 16 bytes a lane, one behind the other: 512 bytes are 16 sectors.
  AccessProfile access =
      only(profileOf("ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%in];", 4),
           "ld.global.v4.b32");
  EXPECT_EQ(access.laneBytes, 16u);
  EXPECT_EQ(access.globalRequests, 1u);
  EXPECT_EQ(access.globalSectors, 16u);
  EXPECT_EQ(access.leastSectors, 16u);
  EXPECT_EQ(access.sharedRequests, 0u);
  // Lanes 48 bytes apart: each is in a sector of its own.
  access = only(profileOf("ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%in];", 12),
                "ld.global.v4.b32");
  EXPECT_EQ(access.globalSectors, 32u);
  EXPECT_EQ(access.leastSectors, 16u);
  // Two warps, all lanes at one word; and the stores are coalesced.
  std::vector<AccessProfile> both =
      profileOf("ld.param.u64 %in, [in]; ld.global.u32 %r0, [%in];\n"
                "st.global.u32 [%out], %r0;",
                1, /*threads=*/64);
  EXPECT_EQ(only(both, "ld.global.u32").globalRequests, 2u);
  EXPECT_EQ(only(both, "ld.global.u32").globalSectors, 2u);
  EXPECT_EQ(only(both, "ld.global.u32").leastSectors, 2u);
  EXPECT_EQ(only(both, "st.global.u32").globalSectors, 8u);
  EXPECT_EQ(only(both, "st.global.u32").leastSectors, 8u);
  EXPECT_LT(only(both, "ld.global.u32").line, only(both, "st.global.u32").line);
}

TEST(Profile, BankConflictsOfSharedAccesses) {
  // %r1 = sm + lane * factor; rows of 16 bytes then.
  auto at = [](const std::string &factor) {
    return "mul.lo.u32 %r1, %t, " + factor +
           "; mov.u32 %r2, sm; add.u32 %r1, %r1, %r2;\n";
  };
  std::string store = "st.shared.v4.b32 [%r1], {%t, %t, %t, %t};\n";
  AccessProfile access =
      only(profileOf(at("16") + store, 1), "st.shared.v4.b32");
  EXPECT_EQ(access.sharedRequests, 1u);
  EXPECT_EQ(access.sharedWavefronts, 4u);
  EXPECT_EQ(access.bankConflicts, 0u);
  // 32 bytes apart, the eight lanes of a quarter warp meet in four of the eight
  // units of 16 bytes, two in each: twice the wavefronts.
  access = only(profileOf(at("32") + store, 1), "st.shared.v4.b32");
  EXPECT_EQ(access.sharedWavefronts, 8u);
  EXPECT_EQ(access.bankConflicts, 4u);
  // The same of words: 8 bytes apart, lanes l and l + 16 meet.
  access =
      only(profileOf(at("8") + "st.shared.u32 [%r1], %t;", 1), "st.shared.u32");
  EXPECT_EQ(access.sharedWavefronts, 2u);
  EXPECT_EQ(access.bankConflicts, 1u);
  // ldmatrix of rows 128 bytes apart: all eight rows of a matrix meet.
  std::string fill = at("128") + store;
  for (int i = 1; i < 8; ++i)
    fill += "st.shared.v4.b32 [%r1 + " + std::to_string(16 * i) +
            "], {%t, %t, %t, %t};\n";
  fill += "bar.sync 0;\n";
  access = only(profileOf(fill + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 "
                                 "{%r4, %r5, %r6, %r7}, [%r1];",
                          1),
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16");
  EXPECT_EQ(access.sharedWavefronts, 32u);
  EXPECT_EQ(access.bankConflicts, 28u);
}

TEST(Profile, CopiesAreOfBothKinds) {
  AccessProfile access =
      only(profileOf("mul.lo.u32 %r1, %t, 16; mov.u32 %r2, sm;\n"
                     "add.u32 %r1, %r1, %r2;\n"
                     "cp.async.cg.shared.global [%r1], [%in], 16;\n"
                     "cp.async.wait_all;",
                     4),
           "cp.async.cg.shared.global");
  EXPECT_EQ(access.globalSectors, 16u);
  EXPECT_EQ(access.sharedWavefronts, 4u);
  EXPECT_EQ(access.bankConflicts, 0u);
}

TEST(Profile, InnermostLoops) {
  std::vector<AccessProfile> accesses =
      profileOf("mov.u32 %r0, 0;\n"
                "OUTER: mov.u32 %r1, 0;\n"
                "ld.global.u32 %r2, [%in];\n"
                "INNER: add.u32 %r1, %r1, 1;\n"
                "st.global.u32 [%out], %r1;\n"
                "setp.lt.u32 %p0, %r1, 3;\n"
                "@%p0 bra INNER;\n"
                "add.u32 %r0, %r0, 1;\n"
                "setp.lt.u32 %p1, %r0, 2;\n"
                "@%p1 bra OUTER;\n"
                "st.global.b32 [%out], %r0;",
                1);
  AccessProfile load = only(accesses, "ld.global.u32");
  AccessProfile inner = only(accesses, "st.global.u32");
  AccessProfile after = only(accesses, "st.global.b32");
  EXPECT_EQ(load.globalRequests, 2u);
  EXPECT_EQ(inner.globalRequests, 6u);
  EXPECT_EQ(load.line - load.loop, 1u);
  EXPECT_EQ(inner.line - inner.loop, 1u);
  EXPECT_EQ(inner.line - load.line, 2u);
  EXPECT_EQ(after.loop, 0u);
}

TEST(Profile, NothingWithoutTheOption) {
  Outcome out = runKernel(makeKernel("st.global.u32 [%out], %t;", 1, 1),
                          std::vector<uint32_t>(32), 32);
  EXPECT_TRUE(out.result.ok());
  EXPECT_TRUE(out.result.accesses.empty());
}
