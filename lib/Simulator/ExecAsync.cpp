//===- ExecAsync.cpp - cp.async and its groups ----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, section 9.7.9.25.3 "Non-bulk copy". The source is read when the copy
// is issued, the target written when its group is waited for: in between, any
// access to the target is a fault.
//
//===----------------------------------------------------------------------===//

#include "Access.h"

namespace fp4q::sim::FP4Q_SIM_ISA {
namespace {

template <uint32_t Size>
void execCpAsync(Warp &warp, const Inst &inst, uint32_t mask) {
  uint64_t to[32], from[32];
  addresses(warp, inst.ops[0], inst.wideBase, inst.offset, to);
  addresses(warp, inst.ops[1], true, inst.offset2, from);
  const uint32_t *sizes = warp.row32(inst.ops[2]);
  uint32_t ignore = warp.preds[inst.ops[3]];
  if (inst.mods.negated)
    ignore = ~ignore;
  AsyncCopy &copy = warp.copies.push();
  copy.mask = mask;
  copy.tracked = 0;
  copy.bytes = Size;
  copy.line = inst.line;
  copy.index = inst.index;
  std::memcpy(copy.group, warp.groups, sizeof(copy.group));
  GlobalAccess<Size> source(warp, inst);
  SharedAccess<Size> target(warp, inst);
  uint32_t readers = 0, left = mask;
  for (; left; left &= left - 1) {
    uint32_t lane = uint32_t(__builtin_ctz(left));
    uint64_t offset = to[lane] - kSharedBase;
    const uint8_t *bytes = source.read(from[lane]);
    if (!bytes || (ignore >> lane & 1) || sizes[lane] != Size ||
        !target.inside(offset))
      break;
    if (target.checks) {
      if (!target.claim(offset, lane))
        break;
      std::memset(target.valid + offset, SharedView::Pending, Size);
    }
    std::memcpy(copy.data[lane], bytes, Size);
    copy.target[lane] = uint32_t(offset);
    readers |= 1u << lane;
  }
  if (target.checks)
    target.view.pendingBytes += uint32_t(__builtin_popcount(readers)) * Size;
  forLanes(left, [&](uint32_t lane) {
    uint32_t bytes = ignore >> lane & 1 ? 0 : sizes[lane];
    issueCopy(warp, inst, lane, to[lane], from[lane], bytes, copy);
    readers |= uint32_t(bytes != 0) << lane;
  });
  countShared(warp, inst, mask, to, Size, /*write=*/true);
  if (readers)
    countGlobal(warp, inst, readers, from, Size, /*write=*/false);
}

void execCommit(Warp &warp, const Inst &, uint32_t mask) {
  for (unsigned lane = 0; lane < 32; ++lane)
    warp.groups[lane] += mask >> lane & 1;
}

// wait_group n: all but the last n committed groups; wait_all: everything.
void execWait(Warp &warp, const Inst &inst, uint32_t mask) {
  if (inst.mods.hi)
    execCommit(warp, inst, mask);
  uint32_t limit[32];
  for (unsigned lane = 0; lane < 32; ++lane) {
    uint32_t committed = warp.groups[lane];
    limit[lane] = committed > inst.imm ? committed - inst.imm : 0;
  }
  completeCopies(warp, mask, limit);
}

} // namespace

ExecFn selectAsync(const Inst &inst) {
  switch (inst.op) {
  case Op::CpAsync:
    return inst.imm == 16  ? execCpAsync<16>
           : inst.imm == 8 ? execCpAsync<8>
                           : execCpAsync<4>;
  case Op::CpAsyncCommit:
    return execCommit;
  case Op::CpAsyncWait:
    return execWait;
  default:
    return nullptr;
  }
}

} // namespace fp4q::sim::FP4Q_SIM_ISA
