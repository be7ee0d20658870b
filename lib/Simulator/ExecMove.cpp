//===- ExecMove.cpp - mov, cvta and the like ------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, sections 9.7.9.4 "mov", 9.7.9.19 "isspacep", 9.7.9.20 "cvta",
// 9.7.9.23 "mapa", 9.7.9.24 "getctarank".
//
//===----------------------------------------------------------------------===//

#include "Exec.h"

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <typename T>
void execMov(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32];
  loadLanes(warp, inst.ops[1], a);
  storeLanes(warp, inst.ops[0], a, mask);
}

void execPack(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned bits = typeBits(inst.type2);
  uint64_t r[32] = {};
  for (unsigned part = 0; part < inst.vec; ++part) {
    uint32_t a[32];
    loadLanes(warp, inst.ops[1 + part], a);
    uint32_t low = bits == 32 ? ~0u : (1u << bits) - 1;
    for (int i = 0; i < 32; ++i)
      r[i] |= uint64_t(a[i] & low) << (bits * part);
  }
  if (typeBits(inst.type) == 64) {
    storeLanes(warp, inst.ops[0], r, mask);
    return;
  }
  uint32_t words[32];
  for (int i = 0; i < 32; ++i)
    words[i] = uint32_t(r[i]);
  storeLanes(warp, inst.ops[0], words, mask);
}

void execUnpack(Warp &warp, const Inst &inst, uint32_t mask) {
  unsigned bits = typeBits(inst.type2);
  uint64_t a[32];
  if (typeBits(inst.type) == 64) {
    loadLanes(warp, inst.ops[inst.vec], a);
  } else {
    uint32_t words[32];
    loadLanes(warp, inst.ops[inst.vec], words);
    for (int i = 0; i < 32; ++i)
      a[i] = words[i];
  }
  uint32_t low = bits == 32 ? ~0u : (1u << bits) - 1;
  for (unsigned part = 0; part < inst.vec; ++part) {
    uint32_t r[32];
    for (int i = 0; i < 32; ++i)
      r[i] = uint32_t(a[i] >> (bits * part)) & low;
    storeLanes(warp, inst.ops[part], r, mask);
  }
}

void execParamAddr(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t r[32];
  for (uint64_t &lane : r)
    lane = warp.cta->launch->paramAddress + uint64_t(inst.offset);
  storeLanes(warp, inst.ops[0], r, mask);
}

uint64_t windowOf(Space space) {
  return space == Space::Shared  ? kSharedWindow
         : space == Space::Local ? kLocalWindow
                                 : 0;
}

void execCvta(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t a[32], r[32];
  loadLanes(warp, inst.ops[1], a);
  uint64_t window = windowOf(inst.space);
  for (int i = 0; i < 32; ++i)
    r[i] = inst.mods.to ? a[i] - window : a[i] + window;
  storeLanes(warp, inst.ops[0], r, mask);
}

void execIsspacep(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t a[32];
  loadLanes(warp, inst.ops[1], a);
  uint32_t r = 0;
  for (int i = 0; i < 32; ++i) {
    uint64_t address;
    Space space = splitGeneric(a[i], address);
    if (space == Space::Global) {
      Allocation *block = warp.cta->launch->memory.find(address);
      if (block && block->readOnly)
        space = Space::Const;
    }
    r |= uint32_t(space == inst.space) << i;
  }
  storePred(warp, inst.ops[0], r, mask);
}

template <typename T>
void execMapa(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32], r[32];
  uint32_t b[32] = {};
  loadLanes(warp, inst.ops[1], a);
  if (inst.op == Op::Mapa)
    loadLanes(warp, inst.ops[2], b);
  T window =
      inst.space == Space::Generic && sizeof(T) == 8 ? T(kSharedWindow) : T(0);
  for (int i = 0; i < 32; ++i)
    r[i] = window + (((a[i] - window) & 0xffffff) | T(b[i] + 1) << 24);
  storeLanes(warp, inst.ops[0], r, mask);
}
template <typename T>
void execRank(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32];
  uint32_t r[32];
  loadLanes(warp, inst.ops[1], a);
  for (int i = 0; i < 32; ++i) {
    uint32_t rank = uint32_t(a[i] >> 24) & 0xff;
    r[i] = rank ? rank - 1 : warp.cta->rank;
  }
  storeLanes(warp, inst.ops[0], r, mask);
}

// Time is the number of warp instructions executed so far.
void execClock(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t r[32];
  for (uint64_t &lane : r)
    lane = warp.cta->cluster->executed;
  if (typeBits(inst.type) == 64) {
    storeLanes(warp, inst.ops[0], r, mask);
    return;
  }
  uint32_t words[32];
  for (int i = 0; i < 32; ++i)
    words[i] = uint32_t(r[i]);
  storeLanes(warp, inst.ops[0], words, mask);
}

void execExplicitCluster(Warp &warp, const Inst &inst, uint32_t mask) {
  storePred(warp, inst.ops[0],
            warp.cta->launch->config.explicitCluster ? ~0u : 0, mask);
}

} // namespace

ExecFn selectMove(const Inst &inst) {
  bool wide = typeBits(inst.type) == 64;
  switch (inst.op) {
  case Op::Mov:
    return wide                        ? execMov<uint64_t>
           : typeBits(inst.type) >= 16 ? execMov<uint32_t>
                                       : nullptr;
  case Op::MovPack:
    return execPack;
  case Op::MovUnpack:
    return execUnpack;
  case Op::ParamAddr:
    return execParamAddr;
  case Op::Cvta:
    return execCvta;
  case Op::Isspacep:
    return execIsspacep;
  case Op::Mapa:
    return wide ? execMapa<uint64_t> : execMapa<uint32_t>;
  case Op::GetCtaRank:
    return wide ? execRank<uint64_t> : execRank<uint32_t>;
  case Op::Clock:
    return execClock;
  case Op::IsExplicitCluster:
    return execExplicitCluster;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
