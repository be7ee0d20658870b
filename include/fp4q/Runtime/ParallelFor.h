//===- ParallelFor.h - the runtime's one source of threads ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code has one way to run in parallel, fp4q_parallel_for. The default
// implementation is oneTBB, because
//  - loops may nest, and may start on any thread, without oversubscription: TBB
//    adds tasks to one process-wide pool instead of making a team of threads,
//  - a host that uses TBB shares that pool with us, and so do several copies of
//    this library,
//  - the number of threads can be limited for us alone.
// A host with a pool of its own hands it over by fp4q_set_parallel_for, so that
// two pools never fight over the cores.
//
// This header is plain C. All functions may be called from any thread.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_PARALLELFOR_H
#define FP4Q_RUNTIME_PARALLELFOR_H

#include "fp4q/Runtime/Export.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Executes the iterations [lo, hi) of a loop. Must not throw.
typedef void (*fp4q_parallel_body)(void *ctx, int64_t lo, int64_t hi);

/// A host's parallel loop: it must cover [begin, end) by calls of `body` on
/// disjoint ranges, of any size and on any threads, and return after the last
/// of them has. `grain` is the least number of iterations worth a task.
typedef void (*fp4q_parallel_for_fn)(void *user, int64_t begin, int64_t end,
                                     int64_t grain, fp4q_parallel_body body,
                                     void *ctx);

/// Calls `body` on [begin, begin + grain), [begin + grain, begin + 2 * grain),
/// ... up to `end`, each once, in any order and on any threads, and returns
/// after the last call. The ranges depend on neither the number of threads nor
/// the implementation, so results that are combined range by range repeat bit
/// for bit. A range of at most `grain` iterations runs on the caller's thread,
/// as does everything when there is one thread. grain < 1 is taken as 1.
///
/// `body` may call this function again. While it waits for that inner loop, its
/// thread executes no range of any other loop, so data that belongs to a thread
/// is safe to use in a body.
FP4Q_RUNTIME_EXPORT void fp4q_parallel_for(int64_t begin, int64_t end,
                                           int64_t grain,
                                           fp4q_parallel_body body, void *ctx);

/// Runs all further loops by `fn(user, ...)`; null restores the default. Loops
/// that are under way finish where they began.
FP4Q_RUNTIME_EXPORT void fp4q_set_parallel_for(fp4q_parallel_for_fn fn,
                                               void *user);

/// Sets how many threads a loop of the default implementation uses at most, the
/// caller included; values above 4096 are taken as 4096. More than one a core
/// are possible, unless the host limits TBB's pool (tbb::global_control). n < 1
/// restores the initial value: that of the environment variable
/// FP4Q_NUM_THREADS (1 to 4096; any other text is reported once on stderr and
/// ignored), else one a core. In a process that was forked after the first call
/// of a function of this header, there is one, whatever is set.
FP4Q_RUNTIME_EXPORT void fp4q_set_num_threads(int32_t n);

/// How many threads a loop of the default implementation uses at most.
FP4Q_RUNTIME_EXPORT int32_t fp4q_get_num_threads(void);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // FP4Q_RUNTIME_PARALLELFOR_H
