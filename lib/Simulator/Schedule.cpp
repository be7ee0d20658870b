//===- Schedule.cpp - run the warps of a gang of CTAs ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Warps take turns in a fixed order, so a launch gives the same result and the
// same report each time (atomics between CTAs on several host threads aside).
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>

using namespace fp4q::sim;

/// Warp instructions in one turn.
static constexpr uint32_t kTurn = 1024;
/// Turns of all warps without any change after which nothing can change. Loops
/// that poll give up some time; only then is it a deadlock.
static constexpr unsigned kIdleRounds = 4096;

static std::string laneList(uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08x", mask);
  return text;
}

/// Merges fragments that stand at the same instruction and picks the one to run
/// next; false if all are blocked.
static bool pickFragment(Warp &warp) {
  auto &fragments = warp.fragments;
  if (fragments.size() > 1) {
    const auto mergeable = [](const Fragment &f) {
      return f.wait == Wait::None || f.wait == Wait::Lanes;
    };
    std::sort(fragments.begin(), fragments.end(),
              [](const Fragment &a, const Fragment &b) { return a.pc < b.pc; });
    size_t kept = 0;
    for (size_t i = 1; i < fragments.size(); ++i) {
      Fragment &to = fragments[kept], &from = fragments[i];
      if (to.pc == from.pc && mergeable(to) && mergeable(from)) {
        to.mask |= from.mask;
        to.wait = Wait::None;
      } else {
        fragments[++kept] = from;
      }
    }
    fragments.resize(kept + 1);
  }
  for (size_t i = 0; i < fragments.size(); ++i)
    if (fragments[i].wait == Wait::None) {
      warp.current = uint32_t(i);
      return true;
    }
  return false;
}

static void checkTracked(Warp &warp, const Inst &inst, uint32_t mask,
                         uint32_t active) {
  const Program &program = warp.cta->launch->program;
  for (const TrackedUse &use : program.tracked[inst.index]) {
    if (!use.use)
      continue;
    uint32_t missing = (use.guard ? mask : active) & ~warp.defined[use.slot];
    if (missing)
      raiseMask(warp, inst, FaultKind::Uninitialized, missing,
                "register `" + program.trackedNames[use.slot] +
                    "` is read before it is written");
  }
  for (const TrackedUse &use : program.tracked[inst.index])
    if (use.def)
      warp.defined[use.slot] |= active;
}

/// The fragment splits: `away` goes on at `pc`.
static void split(Warp &warp, uint32_t away, uint32_t pc) {
  warp.fragments[warp.current].mask &= ~away;
  Fragment other;
  other.pc = pc;
  other.mask = away;
  warp.fragments.push_back(other);
}

static void removeCurrent(Warp &warp) {
  warp.fragments.erase(warp.fragments.begin() + warp.current);
}

/// shfl.sync and the like: runs the instruction for each group of lanes that
/// name the same members, or blocks. True if it ran.
static bool runCollective(Warp &warp, const Inst &inst, uint32_t active) {
  const uint32_t *members = warp.row32(inst.ops[inst.numOps - 1]);
  for (uint32_t left = active; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    if (!(members[lane] >> lane & 1))
      raise(warp, inst, FaultKind::Illegal, lane,
            "the member mask " + laneList(members[lane]) +
                " lacks the executing lane");
    if (members[lane] & warp.live & ~active)
      return false;
  }
  for (uint32_t left = active; left;) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    uint32_t group = 0;
    for (uint32_t i = 0; i < 32; ++i)
      group |= uint32_t((left >> i & 1) && members[i] == members[lane]) << i;
    inst.fn(warp, inst, group);
    left &= ~group;
  }
  return true;
}

/// Takes a branch for the lanes of `taken`. False if the fragment has split.
static bool branch(Warp &warp, Fragment &fragment, uint32_t taken,
                   uint32_t target) {
  if (taken == fragment.mask) {
    fragment.pc = target;
    return true;
  }
  ++fragment.pc;
  if (!taken)
    return true;
  split(warp, taken, target);
  return false;
}

/// Counts a warp's execution of an instruction. Most often all lanes take part;
/// a population count takes a dozen instructions on a host whose instruction
/// set must be taken for the least.
static void countExecution(Execution &execution, uint32_t active, int by) {
  execution.warps += by;
  if (__builtin_expect(active != ~0u, false))
    execution.idle += by * int(32 - __builtin_popcount(active));
}

/// Runs the current fragment until its turn ends, it splits, blocks, yields or
/// exits.
static void runFragment(Warp &warp, uint32_t &fuel) {
  Cta &cta = *warp.cta;
  const Program &program = cta.launch->program;
  const Inst *insts = program.insts.data();
  auto *executions = cta.cluster->executions.data();
  bool checks = cta.launch->options.checks;
  Fragment *fragment = &warp.fragments[warp.current];
  bool several = warp.fragments.size() > 1;
  bool first = true;
  for (; fuel; first = false) {
    const Inst &inst = insts[fragment->pc];
    // Where blocks begin, other fragments may have come here too.
    if (several && inst.leader && !first)
      return;
    uint32_t guard = warp.preds[inst.pred];
    uint32_t mask = fragment->mask;
    uint32_t active = mask & (inst.predNegated ? ~guard : guard);
    if (inst.control == Control::Aligned ||
        (inst.control == Control::CtaBarrier && inst.mods.aligned) ||
        (inst.control == Control::ClusterWait && inst.mods.aligned)) {
      // With a guard that differs between lanes they can never be together.
      if (active && active != warp.live) {
        if (active != mask)
          raiseMask(warp, inst, FaultKind::DivergentBarrier, active,
                    "lanes " + laneList(mask & ~active) +
                        " of the warp skip an aligned instruction");
        fragment->wait = Wait::Lanes;
        return;
      }
    }
    --fuel;
    countExecution(executions[inst.index], active, 1);
    if (inst.tracked && checks)
      checkTracked(warp, inst, mask, active);
    switch (inst.control) {
    case Control::None:
    case Control::Aligned:
      if (active)
        inst.fn(warp, inst, active);
      ++fragment->pc;
      break;
    case Control::Yield:
      if (active)
        inst.fn(warp, inst, active);
      ++fragment->pc;
      if (inst.op == Op::Nop)
        warp.yielded = true;
      if (warp.yielded)
        return;
      break;
    case Control::Branch:
      if (!branch(warp, *fragment, active, uint32_t(inst.target)))
        return;
      break;
    case Control::BranchIdx: {
      uint32_t lane = active ? uint32_t(__builtin_ctz(active)) : 0;
      uint32_t index = warp.row32(inst.ops[0])[lane], same = 0;
      if (active && index >= inst.targets.size())
        raise(warp, inst, FaultKind::Illegal, lane,
              "branch index " + std::to_string(index) + " of " +
                  std::to_string(inst.targets.size()) + " targets");
      for (uint32_t i = 0; i < 32; ++i)
        same |=
            uint32_t((active >> i & 1) && warp.row32(inst.ops[0])[i] == index)
            << i;
      // The lanes with other indices come here again on their own.
      if (active && same != mask) {
        if (active != mask)
          split(warp, mask & ~active, fragment->pc + 1);
        fragment = &warp.fragments[warp.current];
        if (same != active)
          split(warp, active & ~same, fragment->pc);
        warp.fragments[warp.current].pc = uint32_t(inst.targets[index]);
        return;
      }
      fragment->pc = active ? uint32_t(inst.targets[index]) : fragment->pc + 1;
      break;
    }
    case Control::Collective:
      if (active && active != mask) {
        split(warp, mask & ~active, fragment->pc + 1);
        fragment = &warp.fragments[warp.current];
        several = true;
      }
      if (active && !runCollective(warp, inst, active)) {
        fragment->wait = Wait::Lanes;
        return;
      }
      ++fragment->pc;
      break;
    case Control::CtaBarrier:
      if (active && active != mask) {
        split(warp, mask & ~active, fragment->pc + 1);
        fragment = &warp.fragments[warp.current];
        several = true;
      }
      if (active && !arriveBarrier(warp, inst, active))
        return;
      ++fragment->pc;
      break;
    case Control::ClusterWait:
      if (active && !passCluster(warp, inst, active)) {
        countExecution(executions[inst.index], active, -1);
        warp.yielded = true;
        return;
      }
      ++fragment->pc;
      break;
    case Control::Exit:
      if (active)
        exitLanes(warp, inst, active);
      if (active == mask) {
        removeCurrent(warp);
        return;
      }
      fragment->mask &= ~active;
      ++fragment->pc;
      break;
    }
  }
}

/// One turn of a warp. True if it used it up (it may have more to do).
static bool runTurn(Warp &warp) {
  uint32_t fuel = kTurn;
  warp.yielded = false;
  while (fuel && !warp.yielded && !warp.fragments.empty()) {
    if (!pickFragment(warp))
      break;
    runFragment(warp, fuel);
  }
  // A fragment that polls must not keep the others of its warp from running.
  if (warp.yielded && warp.fragments.size() > 1 && fuel) {
    std::rotate(warp.fragments.begin(), warp.fragments.begin() + 1,
                warp.fragments.end());
    for (size_t i = 0; i < warp.fragments.size() && fuel; ++i)
      if (warp.fragments[i].wait == Wait::None) {
        warp.current = uint32_t(i);
        warp.yielded = false;
        runFragment(warp, fuel);
        break;
      }
  }
  warp.cta->cluster->executed += kTurn - fuel;
  return fuel == 0;
}

/// Nothing can change any more: says who waits for what.
[[noreturn]] static void
raiseDeadlock(std::vector<std::unique_ptr<Cluster>> &gang) {
  Warp *stuck = nullptr;
  Fragment *waiting = nullptr;
  for (auto &cluster : gang)
    for (auto &cta : cluster->ctas)
      for (Warp &warp : cta->warps)
        for (Fragment &fragment : warp.fragments) {
          if (!stuck) {
            stuck = &warp;
            waiting = &fragment;
          }
          if (fragment.wait != Wait::Lanes)
            continue;
          const Inst &inst = cta->launch->program.insts[fragment.pc];
          raiseMask(warp, inst, FaultKind::DivergentBarrier, fragment.mask,
                    "lanes " + laneList(fragment.mask) + " wait for lanes " +
                        laneList(warp.live & ~fragment.mask) +
                        " of their warp, which never come here");
        }
  const Inst &inst = stuck->cta->launch->program.insts[waiting->pc];
  std::string what = "no thread can go on; this one waits for ";
  if (waiting->wait == Wait::CtaBarrier) {
    const Barrier &barrier = stuck->cta->barriers[waiting->barrier];
    uint32_t expected =
        barrier.expected ? barrier.expected : stuck->cta->liveThreads;
    what += "barrier " + std::to_string(waiting->barrier) + ", where " +
            std::to_string(barrier.arrived) + " of " +
            std::to_string(expected) + " threads have arrived";
  } else {
    what += inst.control == Control::ClusterWait
                ? "the other CTAs of its cluster"
                : "an mbarrier or a value in memory";
  }
  raiseMask(*stuck, inst, FaultKind::Deadlock, waiting->mask, what);
}

void fp4q::sim::runGang(std::vector<std::unique_ptr<Cluster>> &gang) {
  unsigned idle = 0;
  for (;;) {
    bool busy = false, alive = false;
    uint64_t before = 0, after = 0;
    for (auto &cluster : gang)
      before += cluster->events;
    for (auto &cluster : gang) {
      for (auto &cta : cluster->ctas)
        for (Warp &warp : cta->warps) {
          if (warp.fragments.empty())
            continue;
          busy |= runTurn(warp);
          alive |= !warp.fragments.empty();
        }
      const Launch &launch = *cluster->ctas[0]->launch;
      if (alive && cluster->executed > launch.options.budget)
        for (auto &cta : cluster->ctas)
          for (Warp &warp : cta->warps)
            if (!warp.fragments.empty())
              raiseMask(warp, launch.program.insts[warp.fragments[0].pc],
                        FaultKind::Budget, warp.fragments[0].mask,
                        "instruction budget of " +
                            std::to_string(launch.options.budget) +
                            " warp instructions is used up (endless loop?)");
    }
    if (!alive)
      return;
    for (auto &cluster : gang)
      after += cluster->events;
    idle = busy || after != before ? 0 : idle + 1;
    if (idle > kIdleRounds)
      raiseDeadlock(gang);
  }
}
