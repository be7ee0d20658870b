//===- Barriers.cpp - CTA and cluster barriers, exit ----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.13.1 "bar, barrier" and 9.7.13.3 "barrier.cluster".
// Threads that have exited are not waited for.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace fp4q::sim;

static bool isComplete(const Cta &cta, const Barrier &barrier) {
  if (!barrier.arrived)
    return false;
  if (barrier.expected == 0)
    return barrier.arrived >= cta.liveThreads;
  return barrier.arrivedWarps >= barrier.expected;
}

/// Lets all fragments that wait for the barrier go on.
static void release(Cta &cta, uint32_t id) {
  Barrier &barrier = cta.barriers[id];
  const Program &program = cta.launch->program;
  for (Warp &warp : cta.warps)
    for (Fragment &fragment : warp.fragments) {
      if (fragment.wait != Wait::CtaBarrier || fragment.barrier != id)
        continue;
      const Inst &inst = program.insts[fragment.pc];
      joinClock(warp.clock, barrier.clock);
      if (inst.op == Op::BarRed) {
        bool popc = inst.mods.sub == uint8_t(Atomic::Popc);
        bool all = inst.mods.sub == uint8_t(Atomic::And);
        bool value = all ? barrier.votes == barrier.arrived : barrier.votes;
        for (uint32_t lane = 0; lane < 32; ++lane) {
          if (!(fragment.mask >> lane & 1))
            continue;
          if (popc)
            warp.row32(inst.ops[0])[lane] = barrier.votes;
          else if (value)
            warp.preds[inst.ops[0]] |= 1u << lane;
          else
            warp.preds[inst.ops[0]] &= ~(1u << lane);
        }
      }
      fragment.wait = Wait::None;
      ++fragment.pc;
    }
  // In a cluster, other CTAs may access the memory too.
  if (barrier.arrived == cta.liveThreads && cta.cluster->ctas.size() == 1)
    cta.shared.nextEpoch();
  barrier.clear();
  ++cta.cluster->events;
}

bool fp4q::sim::arriveBarrier(Warp &warp, const Inst &inst, uint32_t mask) {
  Cta &cta = *warp.cta;
  uint32_t lane = uint32_t(__builtin_ctz(mask));
  bool red = inst.op == Op::BarRed;
  uint32_t id = warp.row32(inst.ops[red])[lane];
  uint32_t threads = warp.row32(inst.ops[red + 1])[lane];
  if (id > 15)
    raise(warp, inst, FaultKind::Illegal, lane,
          "barrier " + std::to_string(id) + " (0 to 15)");
  if (threads % 32)
    raise(warp, inst, FaultKind::Illegal, lane,
          "thread count " + std::to_string(threads) +
              " is no multiple of the warp size");
  for (uint32_t i = 0; i < 32; ++i)
    if ((mask >> i & 1) && (warp.row32(inst.ops[red])[i] != id ||
                            warp.row32(inst.ops[red + 1])[i] != threads))
      raise(warp, inst, FaultKind::DivergentBarrier, i,
            "lanes of a warp name different barriers or thread counts");
  Barrier &barrier = cta.barriers[id];
  if (barrier.arrived && barrier.expected != threads)
    raise(warp, inst, FaultKind::DivergentBarrier, lane,
          "barrier " + std::to_string(id) + " is used with " +
              std::to_string(threads) + " threads here and " +
              std::to_string(barrier.expected) + " at line " +
              std::to_string(barrier.line) + " (0: all)");
  barrier.expected = threads;
  barrier.line = inst.line;
  barrier.arrived += uint32_t(__builtin_popcount(mask));
  barrier.arrivedWarps +=
      inst.mods.aligned ? 32 : uint32_t(__builtin_popcount(mask));
  if (threads && barrier.arrivedWarps > threads)
    raise(warp, inst, FaultKind::DivergentBarrier, lane,
          "more threads arrive at barrier " + std::to_string(id) +
              " than the " + std::to_string(threads) + " it is for");
  if (red) {
    uint32_t value = warp.preds[inst.ops[3]];
    value = inst.mods.negated ? ~value : value;
    barrier.votes += uint32_t(__builtin_popcount(value & mask));
  }
  joinClock(barrier.clock, warp.clock);
  tick(warp);
  ++cta.cluster->events;
  if (inst.op == Op::BarArrive) {
    if (isComplete(cta, barrier))
      release(cta, id);
    return true;
  }
  Fragment &fragment = warp.fragments[warp.current];
  fragment.wait = Wait::CtaBarrier;
  fragment.barrier = uint8_t(id);
  if (isComplete(cta, barrier))
    release(cta, id);
  return false;
}

static void completeCluster(Cluster &cluster) {
  if (!cluster.arrived || cluster.arrived < cluster.liveThreads)
    return;
  cluster.arrived = 0;
  ++cluster.phase;
  cluster.completed = cluster.clock;
  ++cluster.events;
}

void fp4q::sim::arriveCluster(Warp &warp, uint32_t mask) {
  Cluster &cluster = *warp.cta->cluster;
  cluster.arrived += uint32_t(__builtin_popcount(mask));
  joinClock(cluster.clock, warp.clock);
  warp.clusterPhase = cluster.phase;
  tick(warp);
  ++cluster.events;
  completeCluster(cluster);
}

bool fp4q::sim::passCluster(Warp &warp, const Inst &inst, uint32_t mask) {
  Cluster &cluster = *warp.cta->cluster;
  if (warp.clusterPhase == ~uint64_t(0))
    raiseMask(warp, inst, FaultKind::DivergentBarrier, mask,
              "barrier.cluster.wait without barrier.cluster.arrive before");
  if (cluster.phase <= warp.clusterPhase)
    return false;
  joinClock(warp.clock, cluster.completed);
  ++cluster.events;
  return true;
}

void fp4q::sim::exitLanes(Warp &warp, const Inst &inst, uint32_t mask) {
  Cta &cta = *warp.cta;
  for (size_t i = 0; cta.launch->options.checks && i < warp.copies.size(); ++i)
    if (const AsyncCopy &copy = warp.copies[i];
        copy.mask & ~copy.tracked & mask) {
      uint32_t lane = uint32_t(__builtin_ctz(copy.mask & ~copy.tracked & mask));
      raise(warp, inst, FaultKind::AsyncLeftover, lane,
            "thread exits with the cp.async of line " +
                std::to_string(copy.line) + " unfinished",
            copy.target[lane] + kSharedBase);
    }
  uint32_t count = uint32_t(__builtin_popcount(mask));
  warp.live &= ~mask;
  // Lanes that waited for these alone need not wait any more.
  for (Fragment &fragment : warp.fragments)
    if (fragment.wait == Wait::Lanes)
      fragment.wait = Wait::None;
  cta.liveThreads -= count;
  cta.cluster->liveThreads -= count;
  ++cta.cluster->events;
  for (uint32_t id = 0; id < 16; ++id)
    if (isComplete(cta, cta.barriers[id]))
      release(cta, id);
  completeCluster(*cta.cluster);
}
