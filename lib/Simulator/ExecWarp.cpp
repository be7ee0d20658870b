//===- ExecWarp.cpp - warp-wide communication and mbarriers ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.9.6 "shfl.sync", 9.7.13.9 "vote.sync", 9.7.13.10
// "match.sync", 9.7.13.12 "redux.sync", 9.7.13.15 "mbarrier". The scheduler has
// seen to it that the lanes of the member mask are here together.
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

#include <algorithm>
#include <cmath>

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

// d = the value of lane j; lanes whose j is out of their segment keep their own
// value and get predicate false.
void execShfl(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], b[32], c[32], r[32];
  loadLanes(warp, inst.ops[2], a);
  loadLanes(warp, inst.ops[3], b);
  loadLanes(warp, inst.ops[4], c);
  uint32_t valid = 0;
  for (int lane = 0; lane < 32; ++lane) {
    int bval = int(b[lane] & 31), cval = int(c[lane] & 31);
    int segment = int(c[lane] >> 8 & 31);
    int maxLane = (lane & segment) | (cval & ~segment);
    int minLane = lane & segment;
    int j = lane;
    bool in = false;
    switch (ShflMode(inst.mods.sub)) {
    case ShflMode::Up:
      j = lane - bval;
      in = j >= maxLane;
      break;
    case ShflMode::Down:
      j = lane + bval;
      in = j <= maxLane;
      break;
    case ShflMode::Bfly:
      j = lane ^ bval;
      in = j <= maxLane;
      break;
    case ShflMode::Idx:
      j = minLane | (bval & ~segment);
      in = j <= maxLane;
      break;
    }
    if (!in)
      j = lane;
    valid |= uint32_t(in) << lane;
    bool reads = mask >> lane & 1;
    if (reads && !(mask >> j & 1))
      raise(warp, inst, FaultKind::Illegal, uint32_t(lane),
            "shuffle reads lane " + std::to_string(j) +
                ", which does not take part");
    r[lane] = a[j];
  }
  storeLanes(warp, inst.ops[0], r, mask);
  storePred(warp, inst.ops[1], valid, mask);
}

void execVote(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a = warp.preds[inst.ops[1]];
  a = (inst.mods.negated ? ~a : a) & mask;
  bool result = false;
  switch (VoteMode(inst.mods.sub)) {
  case VoteMode::Ballot: {
    uint32_t r[32];
    std::fill(r, r + 32, a);
    storeLanes(warp, inst.ops[0], r, mask);
    return;
  }
  case VoteMode::All:
    result = a == mask;
    break;
  case VoteMode::Any:
    result = a != 0;
    break;
  case VoteMode::Uni:
    result = a == 0 || a == mask;
    break;
  }
  storePred(warp, inst.ops[0], result ? ~0u : 0, mask);
}

template <typename T>
void execMatch(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32];
  uint32_t r[32] = {};
  loadLanes(warp, inst.ops[2], a);
  for (int i = 0; i < 32; ++i)
    for (int j = 0; j < 32; ++j)
      r[i] |= uint32_t((mask >> j & 1) && a[i] == a[j]) << j;
  bool all = inst.mods.hi;
  uint32_t valid = 0;
  for (int i = 0; i < 32; ++i) {
    if (all && r[i] != mask)
      r[i] = 0;
    valid |= uint32_t(r[i] == mask) << i;
  }
  storeLanes(warp, inst.ops[0], r, mask);
  storePred(warp, inst.ops[1], valid, mask);
}

void execRedux(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t a[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  Atomic op = Atomic(inst.mods.sub);
  bool first = true;
  uint32_t result = 0;
  for (int i = 0; i < 32; ++i) {
    if (!(mask >> i & 1))
      continue;
    uint32_t x = a[i];
    if (inst.type == Type::F32 && inst.mods.abs)
      x &= 0x7fffffff;
    if (first) {
      result = x;
      first = false;
      continue;
    }
    if (inst.type == Type::F32) {
      float p = bitCast<float>(result), q = bitCast<float>(x);
      bool nan = p != p || q != q;
      if (inst.mods.nan && nan)
        result = 0x7fffffff;
      else if (p != p || (q == q && (p < q) == (op == Atomic::Max)))
        result = x;
      continue;
    }
    bool sign = inst.type == Type::S32;
    bool less = sign ? int32_t(x) < int32_t(result) : x < result;
    result = op == Atomic::Add             ? result + x
             : op == Atomic::And           ? result & x
             : op == Atomic::Or            ? result | x
             : op == Atomic::Xor           ? result ^ x
             : less == (op == Atomic::Min) ? x
                                           : result;
  }
  std::fill(r, r + 32, result);
  storeLanes(warp, inst.ops[0], r, mask);
}

void execActivemask(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t r[32];
  std::fill(r, r + 32, mask);
  storeLanes(warp, inst.ops[0], r, mask);
}

// The leader is the lowest lane.
void execElect(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t r[32];
  std::fill(r, r + 32, uint32_t(__builtin_ctz(mask)));
  storeLanes(warp, inst.ops[0], r, mask);
  storePred(warp, inst.ops[1], mask & -mask, mask);
}

void execBarWarp(Warp &warp, const Inst &, uint32_t) {
  tick(warp);
  ++warp.cta->cluster->events;
}

void execClusterArrive(Warp &warp, const Inst &, uint32_t mask) {
  arriveCluster(warp, mask);
}

void execNothing(Warp &, const Inst &, uint32_t) {}

void execTrap(Warp &warp, const Inst &inst, uint32_t mask) {
  raiseMask(warp, inst, FaultKind::Trap, mask, "trap was executed");
}

//===----------------------------------------------------------------------===//
// mbarrier
//===----------------------------------------------------------------------===//

struct Place {
  Cta *cta;
  uint32_t offset;
  uint64_t address;
};

Place place(Warp &warp, const Inst &inst, uint32_t lane, uint32_t operand) {
  uint64_t address = inst.wideBase
                         ? warp.row64(inst.ops[operand])[lane] + inst.offset
                         : uint32_t(warp.row32(inst.ops[operand])[lane] +
                                    uint32_t(inst.offset));
  if (inst.space == Space::Generic &&
      splitGeneric(address, address) != Space::Shared)
    raise(warp, inst, FaultKind::Mbarrier, lane,
          "mbarrier object is not in shared memory", address);
  uint32_t offset;
  Cta &cta = sharedOwner(warp, inst, lane, address, offset);
  if (offset >= cta.shared.size() || cta.shared.size() - offset < 8)
    raise(warp, inst, FaultKind::OutOfBounds, lane,
          "mbarrier object is out of bounds", address);
  if (offset % 8)
    raise(warp, inst, FaultKind::Misaligned, lane,
          "mbarrier object is misaligned", address);
  return {&cta, offset, address};
}

Mbarrier &object(Warp &warp, const Inst &inst, uint32_t lane, const Place &at) {
  auto it = at.cta->mbarriers.find(at.offset);
  if (it == at.cta->mbarriers.end())
    raise(warp, inst, FaultKind::Mbarrier, lane,
          "no mbarrier object was initialized here", at.address);
  return it->second;
}

void completePhase(Warp &warp, Mbarrier &barrier) {
  if (barrier.pending || barrier.tx)
    return;
  ++barrier.phase;
  barrier.expected = barrier.nextExpected;
  barrier.pending = barrier.expected;
  joinClock(barrier.completed, barrier.clock);
  barrier.clock.clear();
  ++warp.cta->cluster->events;
}

void execMbarInit(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    Place at = place(warp, inst, lane, 0);
    uint32_t count = warp.row32(inst.ops[1])[lane];
    if (count == 0 || count > (1u << 20) - 1)
      raise(warp, inst, FaultKind::Mbarrier, lane,
            "mbarrier count is " + std::to_string(count) + " (1 to 1048575)",
            at.address);
    if (at.cta->mbarriers.count(at.offset))
      raise(warp, inst, FaultKind::Mbarrier, lane,
            "an mbarrier object is here already (no mbarrier.inval between)",
            at.address);
    // The object overwrites what was here: that must not race.
    sharedBytes(warp, inst, lane, at.address, 8, Access::Write);
    at.cta->shared.addObject(at.offset);
    Mbarrier &barrier = at.cta->mbarriers[at.offset];
    barrier.expected = barrier.nextExpected = barrier.pending = count;
  }
  ++warp.cta->cluster->events;
}

void execMbarInval(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    Place at = place(warp, inst, lane, 0);
    object(warp, inst, lane, at);
    at.cta->mbarriers.erase(at.offset);
  }
}

// Initialization must be visible before other threads use the object.
void checkInitialized(Warp &warp, const Inst &inst, uint32_t lane,
                      const Place &at) {
  if (!warp.cta->launch->options.checks)
    return;
  uint64_t mark =
      AccessMark::make(warp.clock[warp.clusterId], warp.clusterId, lane,
                       /*atomic=*/true, inst.index);
  if (at.cta->shared.recordRead(at.offset, 8, mark, warp.clock).mark)
    raise(warp, inst, FaultKind::SharedRace, lane,
          "mbarrier object is used without a barrier after its "
          "initialization",
          at.address);
}

void arrive(Warp &warp, const Inst &inst, uint32_t lane, const Place &at,
            Mbarrier &barrier, uint32_t count) {
  if (count > barrier.pending)
    raise(warp, inst, FaultKind::Mbarrier, lane,
          "arrival of " + std::to_string(count) + " where " +
              std::to_string(barrier.pending) + " are pending",
          at.address);
  barrier.pending -= count;
  joinClock(barrier.clock, warp.clock);
  completePhase(warp, barrier);
}

void execMbarArrive(Warp &warp, const Inst &inst, uint32_t mask) {
  const Mods &mods = inst.mods;
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    Place at = place(warp, inst, lane, 1);
    checkInitialized(warp, inst, lane, at);
    Mbarrier &barrier = object(warp, inst, lane, at);
    uint32_t operand = warp.row32(inst.ops[2])[lane];
    uint64_t state = barrier.phase | uint64_t(barrier.pending) << 32;
    uint64_t phase = barrier.phase;
    uint32_t count = mods.expectTx ? 1 : operand;
    if (mods.expectTx)
      barrier.tx += operand;
    if (mods.sub) // arrive_drop
      barrier.nextExpected -= std::min(count, barrier.nextExpected);
    arrive(warp, inst, lane, at, barrier, count);
    if (mods.noinc && barrier.phase != phase)
      raise(warp, inst, FaultKind::Mbarrier, lane,
            "mbarrier.arrive.noComplete completes the phase", at.address);
    warp.row64(inst.ops[0])[lane] = state;
  }
  tick(warp);
  ++warp.cta->cluster->events;
}

void execMbarTx(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    Place at = place(warp, inst, lane, 0);
    checkInitialized(warp, inst, lane, at);
    Mbarrier &barrier = object(warp, inst, lane, at);
    uint32_t count = warp.row32(inst.ops[1])[lane];
    bool expect = inst.op == Op::MbarExpectTx;
    barrier.tx += expect ? int64_t(count) : -int64_t(count);
    if (!expect)
      completePhase(warp, barrier);
  }
  ++warp.cta->cluster->events;
}

// The state is the number of the phase that was current (its low half; the high
// one is the pending count); a parity names the current phase or the one
// before.
void execMbarTest(Warp &warp, const Inst &inst, uint32_t mask) {
  uint32_t done = 0;
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    Place at = place(warp, inst, lane, 1);
    checkInitialized(warp, inst, lane, at);
    Mbarrier &barrier = object(warp, inst, lane, at);
    bool complete;
    if (inst.mods.parity) {
      uint32_t parity = warp.row32(inst.ops[2])[lane];
      if (parity > 1)
        raise(warp, inst, FaultKind::Mbarrier, lane,
              "phase parity is " + std::to_string(parity) + " (0 or 1)",
              at.address);
      complete = (barrier.phase & 1) != parity;
    } else {
      uint64_t state = uint32_t(warp.row64(inst.ops[2])[lane]);
      if (state > barrier.phase || state + 1 < barrier.phase)
        raise(warp, inst, FaultKind::Mbarrier, lane,
              "state is neither of the current nor of the last phase",
              at.address);
      complete = state < barrier.phase;
    }
    if (complete) {
      joinClock(warp.clock, barrier.completed);
      if (barrier.tracksCopies)
        completeTracked(*at.cta, at.offset, barrier.phase);
      done |= 1u << lane;
    }
  }
  storePred(warp, inst.ops[0], done, mask);
  if (done == mask)
    ++warp.cta->cluster->events;
  else
    warp.yielded = true;
}

void execMbarPending(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t state[32];
  uint32_t r[32];
  loadLanes(warp, inst.ops[1], state);
  for (int i = 0; i < 32; ++i)
    r[i] = uint32_t(state[i] >> 32);
  storeLanes(warp, inst.ops[0], r, mask);
}

// Without .noinc the arrival adds one to the pending count first. The arrival
// counts at once; what was copied stays pending until somebody has waited.
void execAsyncArrive(Warp &warp, const Inst &inst, uint32_t mask) {
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    Place at = place(warp, inst, lane, 0);
    if (at.cta != warp.cta)
      raise(warp, inst, FaultKind::Mbarrier, lane,
            "mbarrier object is not in the shared memory of the own CTA",
            at.address);
    checkInitialized(warp, inst, lane, at);
    Mbarrier &barrier = object(warp, inst, lane, at);
    if (!inst.mods.noinc)
      ++barrier.pending;
    barrier.tracksCopies = true;
    trackCopies(warp, lane, at.offset, barrier.phase);
    arrive(warp, inst, lane, at, barrier, 1);
  }
  tick(warp);
  ++warp.cta->cluster->events;
}

} // namespace

ExecFn selectWarp(const Inst &inst) {
  switch (inst.op) {
  case Op::Shfl:
    return execShfl;
  case Op::Vote:
    return execVote;
  case Op::Match:
    return typeBits(inst.type) == 64 ? execMatch<uint64_t>
                                     : execMatch<uint32_t>;
  case Op::Redux: {
    Atomic op = Atomic(inst.mods.sub);
    bool logic = op == Atomic::And || op == Atomic::Or || op == Atomic::Xor;
    bool minMax = op == Atomic::Min || op == Atomic::Max;
    bool legal = inst.type == Type::B32   ? logic
                 : inst.type == Type::F32 ? minMax
                 : inst.type == Type::U32 || inst.type == Type::S32
                     ? op == Atomic::Add || minMax
                     : false;
    return legal ? execRedux : nullptr;
  }
  case Op::Activemask:
    return execActivemask;
  case Op::Elect:
    return execElect;
  case Op::BarWarp:
    return execBarWarp;
  case Op::ClusterArrive:
    return execClusterArrive;
  case Op::Nop:
    return execNothing;
  case Op::Trap:
    return execTrap;
  case Op::MbarInit:
    return execMbarInit;
  case Op::MbarInval:
    return execMbarInval;
  case Op::MbarArrive:
    return execMbarArrive;
  case Op::MbarExpectTx:
  case Op::MbarCompleteTx:
    return execMbarTx;
  case Op::MbarTest:
    return execMbarTest;
  case Op::MbarPending:
    return execMbarPending;
  case Op::CpAsyncMbarrier:
    return execAsyncArrive;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
