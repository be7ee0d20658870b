//===- ParallelForTest.cpp - parallel loops -------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/ParallelFor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {
using Ranges = std::multiset<std::pair<int64_t, int64_t>>;

/// Restores the defaults that a test changes.
class ParallelFor : public testing::Test {
protected:
  ~ParallelFor() override {
    fp4q_set_parallel_for(nullptr, nullptr);
    fp4q_set_num_threads(0);
  }
};
} // namespace

/// Runs `body(lo, hi)` in parallel.
template <typename Body>
static void parallelFor(int64_t begin, int64_t end, int64_t grain, Body body) {
  fp4q_parallel_for(
      begin, end, grain,
      [](void *ctx, int64_t lo, int64_t hi) {
        (*static_cast<Body *>(ctx))(lo, hi);
      },
      &body);
}

/// The ranges that the body is called with.
static Ranges rangesOf(int64_t begin, int64_t end, int64_t grain) {
  std::mutex mutex;
  Ranges ranges;
  parallelFor(begin, end, grain, [&](int64_t lo, int64_t hi) {
    std::lock_guard<std::mutex> lock(mutex);
    ranges.emplace(lo, hi);
  });
  return ranges;
}

static Ranges expectedRanges(int64_t begin, int64_t end, int64_t grain) {
  Ranges ranges;
  for (int64_t lo = begin; lo < end; lo += grain)
    ranges.emplace(lo, std::min(lo + grain, end));
  return ranges;
}

TEST_F(ParallelFor, RangesDependOnTheGrainOnly) {
  for (int32_t threads : {1, 2, 3, 8}) {
    fp4q_set_num_threads(threads);
    for (int64_t begin : {-5, 0, 7})
      for (int64_t size : {1, 2, 10, 64, 1000})
        for (int64_t grain : {1, 3, 64, 1000, 5000})
          ASSERT_EQ(rangesOf(begin, begin + size, grain),
                    expectedRanges(begin, begin + size, grain))
              << threads << " threads, grain " << grain;
  }
}

TEST_F(ParallelFor, EmptyLoopsAndBadGrains) {
  EXPECT_TRUE(rangesOf(0, 0, 4).empty());
  EXPECT_TRUE(rangesOf(5, -5, 4).empty());
  EXPECT_TRUE(rangesOf(INT64_MAX, INT64_MIN, 4).empty());
  EXPECT_EQ(rangesOf(0, 3, 0), expectedRanges(0, 3, 1));
  EXPECT_EQ(rangesOf(0, 3, -7), expectedRanges(0, 3, 1));
  EXPECT_EQ(rangesOf(0, 3, INT64_MIN), expectedRanges(0, 3, 1));
}

TEST_F(ParallelFor, ExtremeBounds) {
  Ranges ranges = rangesOf(INT64_MIN, INT64_MAX, INT64_MAX);
  EXPECT_EQ(ranges, (Ranges{{INT64_MIN, -1},
                            {-1, INT64_MAX - 1},
                            {INT64_MAX - 1, INT64_MAX}}));
  EXPECT_EQ(
      rangesOf(INT64_MAX - 3, INT64_MAX, 2),
      (Ranges{{INT64_MAX - 3, INT64_MAX - 1}, {INT64_MAX - 1, INT64_MAX}}));
}

TEST_F(ParallelFor, SmallLoopsAndOneThreadStayOnTheCaller) {
  std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> strangers{0}, calls{0};
  auto body = [&](int64_t, int64_t) {
    ++calls;
    strangers += std::this_thread::get_id() != caller;
  };
  fp4q_set_num_threads(4);
  for (int i = 0; i < 100; ++i)
    parallelFor(0, 10, 10, body);
  fp4q_set_num_threads(1);
  parallelFor(0, 1000, 1, body);
  EXPECT_EQ(calls, 1100);
  EXPECT_EQ(strangers, 0);
}

TEST_F(ParallelFor, UsesAsManyThreadsAsAsked) {
  for (int32_t threads : {2, 5}) {
    fp4q_set_num_threads(threads);
    // Each range waits for all others, so fewer threads would never finish.
    std::atomic<int> arrived{0};
    parallelFor(0, threads, 1, [&](int64_t, int64_t) {
      ++arrived;
      while (arrived < threads)
        std::this_thread::yield();
    });
    EXPECT_EQ(arrived, threads);
  }
}

TEST_F(ParallelFor, NestedLoopsCoverEverything) {
  fp4q_set_num_threads(4);
  const int64_t size = 20;
  std::vector<std::atomic<int>> counts(size * size * size);
  parallelFor(0, size, 1, [&](int64_t i0, int64_t i1) {
    for (int64_t i = i0; i < i1; ++i)
      parallelFor(0, size, 2, [&, i](int64_t j0, int64_t j1) {
        for (int64_t j = j0; j < j1; ++j)
          parallelFor(0, size, 3, [&, i, j](int64_t k0, int64_t k1) {
            for (int64_t k = k0; k < k1; ++k)
              ++counts[size_t((i * size + j) * size + k)];
          });
      });
  });
  for (std::atomic<int> &count : counts)
    ASSERT_EQ(count, 1);
}

TEST_F(ParallelFor, AWaitingThreadTakesNoRangeOfAnotherLoop) {
  fp4q_set_num_threads(4);
  thread_local bool inside = false;
  std::atomic<int> reentered{0};
  // Uneven inner loops on several callers: threads that run dry take inner
  // ranges, so that the owners of those loops wait while other loops still have
  // ranges to offer. Without isolation a round sees that three times in four.
  auto outerLoop = [&] {
    parallelFor(0, 40, 1, [&](int64_t lo, int64_t) {
      reentered += inside;
      inside = true;
      parallelFor(0, 4, 1, [lo](int64_t i, int64_t) {
        std::this_thread::sleep_for(
            std::chrono::microseconds((lo * 7 + i * 3) % 5 * 100));
      });
      inside = false;
    });
  };
  for (int round = 0; round < 6; ++round) {
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller)
      callers.emplace_back(outerLoop);
    for (std::thread &caller : callers)
      caller.join();
  }
  EXPECT_EQ(reentered, 0);
}

TEST_F(ParallelFor, ManyCallers) {
  fp4q_set_num_threads(2);
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        parallelFor(0, 100, 7, [&](int64_t lo, int64_t hi) {
          for (int64_t i = lo; i < hi; ++i)
            sum += i;
        });
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(sum, 8 * 20 * 4950);
}

TEST_F(ParallelFor, SettingsMayChangeWhileLoopsRun) {
  std::atomic<bool> stop{false};
  std::atomic<int64_t> wrong{0};
  std::thread changer([&] {
    for (int32_t n = 1; !stop; n = n % 5 + 1)
      fp4q_set_num_threads(n);
  });
  for (int round = 0; round < 300; ++round) {
    std::atomic<int64_t> count{0};
    parallelFor(0, 64, 1, [&](int64_t lo, int64_t hi) { count += hi - lo; });
    wrong += count != 64;
  }
  stop = true;
  changer.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ParallelFor, AHostCanTakeOver) {
  struct Host {
    int calls = 0;
    int64_t begin = -1, end = -1;
  } host;
  fp4q_set_parallel_for(
      [](void *user, int64_t begin, int64_t end, int64_t grain,
         fp4q_parallel_body body, void *ctx) {
        Host &host = *static_cast<Host *>(user);
        ++host.calls;
        host.begin = begin;
        host.end = end;
        EXPECT_EQ(grain, 1);
        // Uneven pieces, backward: the ranges seen by the loop's body must not
        // depend on them.
        body(ctx, begin + 3, end);
        body(ctx, begin, begin + 3);
      },
      &host);
  EXPECT_EQ(rangesOf(10, 110, 9), expectedRanges(10, 110, 9));
  EXPECT_EQ(host.calls, 1);
  EXPECT_EQ(host.begin, 0);
  EXPECT_EQ(host.end, 12);
  // Too small to bother the host.
  rangesOf(0, 9, 9);
  EXPECT_EQ(host.calls, 1);
  fp4q_set_parallel_for(nullptr, nullptr);
  EXPECT_EQ(rangesOf(10, 110, 9), expectedRanges(10, 110, 9));
  EXPECT_EQ(host.calls, 1);
}

TEST_F(ParallelFor, AForkedProcessHasOneThread) {
  fp4q_set_num_threads(4);
  std::atomic<bool> stop{false};
  auto sum = [] {
    std::atomic<int64_t> sum{0};
    parallelFor(0, 1000, 1, [&](int64_t lo, int64_t hi) {
      for (int64_t i = lo; i < hi; ++i)
        sum += i;
    });
    return sum.load();
  };
  // The pool is at work while processes are forked.
  std::thread other([&] {
    while (!stop)
      sum();
  });
  for (int round = 0; round < 10; ++round) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20); // It would wait forever.
      bool isRight = sum() == 499500 && fp4q_get_num_threads() == 1;
      fp4q_set_num_threads(3);
      isRight &= sum() == 499500 && fp4q_get_num_threads() == 1;
      _exit(isRight ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  other.join();
  EXPECT_EQ(fp4q_get_num_threads(), 4);
}

TEST_F(ParallelFor, NumThreads) {
  int32_t initial = fp4q_get_num_threads();
  EXPECT_GE(initial, 1);
  fp4q_set_num_threads(3);
  EXPECT_EQ(fp4q_get_num_threads(), 3);
  fp4q_set_num_threads(INT32_MAX);
  EXPECT_EQ(fp4q_get_num_threads(), 4096);
  fp4q_set_num_threads(0);
  EXPECT_EQ(fp4q_get_num_threads(), initial);
  fp4q_set_num_threads(2);
  fp4q_set_num_threads(INT32_MIN);
  EXPECT_EQ(fp4q_get_num_threads(), initial);
}
