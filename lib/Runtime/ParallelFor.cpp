//===- ParallelFor.cpp - parallel loops on oneTBB or a host's pool --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/ParallelFor.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

static constexpr int32_t maxThreads = 4096;

namespace {
/// What loops run on. The host's function wins over the arena.
struct Executor {
  fp4q_parallel_for_fn hostFunction = nullptr;
  void *hostUser = nullptr;
  /// Null when there is one thread.
  std::shared_ptr<tbb::task_arena> arena;
  int32_t threads = 1;
};

/// The current executor. A loop takes a copy, so that it is unaffected by a
/// change while it runs.
class Settings {
public:
  /// Never destroyed: loops may still run while the process exits.
  static Settings &get() {
    static Settings &settings = *new Settings;
    return settings;
  }

  Executor executor() {
    std::lock_guard<std::mutex> lock(mutex);
    Executor executor = current;
    if (isForked)
      executor.arena.reset();
    return executor;
  }

  int32_t getThreads() {
    std::lock_guard<std::mutex> lock(mutex);
    return isForked ? 1 : current.threads;
  }

  void setHost(fp4q_parallel_for_fn function, void *user) {
    std::lock_guard<std::mutex> lock(mutex);
    current.hostFunction = function;
    current.hostUser = user;
  }

  void setThreads(int32_t threads) {
    if (threads < 1)
      threads = initialThreads;
    threads = std::min(threads, maxThreads);
    std::lock_guard<std::mutex> lock(mutex);
    if (threads == current.threads)
      return;
    current.threads = threads;
    if (isForked) // An arena may wait for threads that are not there.
      return;
    current.arena.reset();
    if (threads == 1)
      return;
    growPool(threads);
    current.arena = std::make_shared<tbb::task_arena>(int(threads));
  }

private:
  Settings() : initialThreads(threadsOfEnvironment()) {
    setThreads(initialThreads);
    // A forked process has only the thread that forked, but TBB's memory says
    // otherwise: loops would wait for the others. So they run on their callers.
    // The lock is taken so that no other thread holds it in the new process.
    pthread_atfork([] { get().mutex.lock(); }, [] { get().mutex.unlock(); },
                   [] {
                     get().isForked = true;
                     get().mutex.unlock();
                   });
  }

  /// The process-wide pool has a thread a core unless told otherwise. Of
  /// several such controls TBB heeds the smallest, so a host's own limit still
  /// holds, and ours must never shrink: a loop may still use the old arena.
  void growPool(int32_t threads) {
    if (threads <= poolThreads)
      return;
    auto control = std::make_unique<tbb::global_control>(
        tbb::global_control::max_allowed_parallelism, size_t(threads));
    poolControl = std::move(control);
    poolThreads = threads;
  }

  static int32_t threadsOfEnvironment() {
    const char *text = std::getenv("FP4Q_NUM_THREADS");
    if (!text)
      return tbb::info::default_concurrency();
    int32_t value = 0;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9' && value <= maxThreads; ++digit)
      value = value * 10 + (*digit - '0');
    if (*digit == 0 && value >= 1 && value <= maxThreads)
      return value;
    std::fprintf(stderr,
                 "fp4q: warning: ignoring FP4Q_NUM_THREADS='%s': it is not a "
                 "whole number from 1 to %d\n",
                 text, int(maxThreads));
    return tbb::info::default_concurrency();
  }

  std::mutex mutex;
  /// Whether this process was forked from one that may have had threads.
  bool isForked = false;
  const int32_t initialThreads;
  Executor current;
  std::unique_ptr<tbb::global_control> poolControl;
  int32_t poolThreads = tbb::info::default_concurrency();
};

/// A loop cut into ranges of `grain` iterations, numbered from 0.
struct Loop {
  int64_t begin, end, grain;
  fp4q_parallel_body body;
  void *ctx;

  /// In uint64_t because end - begin may not fit int64_t.
  uint64_t size() const { return uint64_t(end) - uint64_t(begin); }

  int64_t numRanges() const {
    return int64_t((size() - 1) / uint64_t(grain) + 1);
  }

  void runRanges(int64_t first, int64_t last) const {
    for (int64_t range = first; range < last; ++range) {
      uint64_t offset = uint64_t(range) * uint64_t(grain);
      uint64_t length = std::min(uint64_t(grain), size() - offset);
      int64_t lo = int64_t(uint64_t(begin) + offset);
      body(ctx, lo, int64_t(uint64_t(lo) + length));
    }
  }

  /// The fp4q_parallel_body that hosts call with numbers of ranges.
  static void runRangesOf(void *loop, int64_t first, int64_t last) {
    static_cast<const Loop *>(loop)->runRanges(first, last);
  }
};
} // namespace

void fp4q_parallel_for(int64_t begin, int64_t end, int64_t grain,
                       fp4q_parallel_body body, void *ctx) {
  if (end <= begin)
    return;
  Loop loop{begin, end, std::max<int64_t>(grain, 1), body, ctx};
  if (loop.size() <= uint64_t(loop.grain))
    return body(ctx, begin, end);
  Executor executor = Settings::get().executor();
  // The loop over numbers of ranges may be cut anywhere.
  if (executor.hostFunction)
    return executor.hostFunction(executor.hostUser, 0, loop.numRanges(), 1,
                                 Loop::runRangesOf, &loop);
  if (!executor.arena)
    return loop.runRanges(0, loop.numRanges());
  executor.arena->execute([&] {
    // Isolated, so that a thread that waits here takes no range of another
    // loop: bodies may rely on what they keep per thread.
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(tbb::blocked_range<int64_t>(0, loop.numRanges()),
                        [&](const tbb::blocked_range<int64_t> &ranges) {
                          loop.runRanges(ranges.begin(), ranges.end());
                        });
    });
  });
}

void fp4q_set_parallel_for(fp4q_parallel_for_fn fn, void *user) {
  Settings::get().setHost(fn, user);
}

void fp4q_set_num_threads(int32_t n) { Settings::get().setThreads(n); }

int32_t fp4q_get_num_threads(void) { return Settings::get().getThreads(); }
