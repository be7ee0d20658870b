//===- Cfg.cpp - control flow, definedness and row assignment -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two dataflow problems over the blocks of a kernel. Definedness (forward, all
// paths): uses it proves need no check at run time; the rest are tracked lane
// by lane. Liveness (backward): registers whose lives do not meet share rows,
// so that a warp's register file stays in cache. Both hold per thread, hence
// also for lanes that diverge.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>

using namespace fp4q::sim;

namespace {
using Bits = std::vector<uint64_t>;

struct Block {
  uint32_t begin = 0, end = 0; ///< instructions [begin, end)
  std::vector<uint32_t> succs, preds;
  Bits defs; ///< defined for certain within
  Bits uses; ///< used before a certain definition
  Bits liveIn, liveOut;
  Bits definedIn, definedOut;
};

struct Interval {
  uint32_t reg;
  uint32_t first = ~0u, last = 0;
  void cover(uint32_t at) {
    first = std::min(first, at);
    last = std::max(last, at);
  }
};
} // namespace

static bool test(const Bits &bits, uint32_t i) {
  return bits[i / 64] >> (i % 64) & 1;
}
static void set(Bits &bits, uint32_t i) {
  bits[i / 64] |= uint64_t(1) << (i % 64);
}

static std::vector<Block> buildBlocks(std::vector<Inst> &insts) {
  insts[0].leader = true;
  for (size_t i = 0; i < insts.size(); ++i) {
    if (!endsBlock(insts[i]))
      continue;
    if (i + 1 < insts.size())
      insts[i + 1].leader = true;
    if (insts[i].control == Control::Branch)
      insts[insts[i].target].leader = true;
    for (int32_t target : insts[i].targets)
      insts[target].leader = true;
  }
  std::vector<Block> blocks;
  std::vector<uint32_t> blockOf(insts.size());
  for (uint32_t i = 0; i < insts.size(); ++i) {
    if (insts[i].leader) {
      blocks.emplace_back();
      blocks.back().begin = i;
    }
    blocks.back().end = i + 1;
    blockOf[i] = uint32_t(blocks.size() - 1);
  }
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    forSuccessors(insts, blocks[b].end - 1, [&](uint32_t to) {
      blocks[b].succs.push_back(blockOf[to]);
      blocks[blockOf[to]].preds.push_back(b);
    });
  }
  return blocks;
}

static void solveLiveness(std::vector<Block> &blocks) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t b = blocks.size(); b-- > 0;) {
      Block &block = blocks[b];
      for (size_t w = 0; w < block.liveIn.size(); ++w) {
        uint64_t out = 0;
        for (uint32_t s : block.succs)
          out |= blocks[s].liveIn[w];
        uint64_t in = block.uses[w] | (out & ~block.defs[w]);
        changed |= in != block.liveIn[w];
        block.liveOut[w] = out;
        block.liveIn[w] = in;
      }
    }
  }
}

static void solveDefinedness(std::vector<Block> &blocks) {
  for (size_t b = 1; b < blocks.size(); ++b)
    std::fill(blocks[b].definedOut.begin(), blocks[b].definedOut.end(), ~0ull);
  blocks[0].definedOut = blocks[0].defs;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t b = 0; b < blocks.size(); ++b) {
      Block &block = blocks[b];
      for (size_t w = 0; w < block.defs.size(); ++w) {
        uint64_t in = b == 0 ? 0 : ~0ull;
        for (uint32_t p : block.preds)
          in &= blocks[p].definedOut[w];
        uint64_t out = in | block.defs[w];
        changed |= out != block.definedOut[w];
        block.definedIn[w] = in;
        block.definedOut[w] = out;
      }
    }
  }
}

/// The bytes that each lane of an instruction accesses in shared memory, where
/// it can; otherwise 0.
static uint32_t sharedBytesOf(const Inst &inst) {
  switch (inst.op) {
  case Op::Ld:
  case Op::St:
  case Op::Atom:
  case Op::Red:
    return inst.space == Space::Shared || inst.space == Space::Generic
               ? typeBytes(inst.type) * inst.vec
               : 0;
  case Op::CpAsync:
    return inst.imm;
  case Op::MbarInit:
  case Op::MbarInval:
  case Op::MbarArrive:
  case Op::MbarExpectTx:
  case Op::MbarCompleteTx:
  case Op::MbarTest:
  case Op::CpAsyncMbarrier:
    return 8;
  default:
    return 0; // matrices have rows of 16 bytes
  }
}

void Decoder::analyze() {
  std::vector<Inst> &insts = program->insts;
  // Guards are still tagged here; only an absent one must compare as true.
  for (Inst &one : insts)
    if (one.pred == (TagFixedPred | kPredTrue))
      one.pred = kPredTrue;
  std::vector<Block> blocks = buildBlocks(insts);
  uint32_t regs = uint32_t(function.regs.size());
  size_t words = regs / 64 + 1;
  if (words * blocks.size() > (size_t(1) << 22))
    throw PtxError("kernel `" + std::string(entry.name) + "` is too large",
                   entry.line);
  for (Block &block : blocks) {
    for (Bits *bits : {&block.defs, &block.uses, &block.liveIn, &block.liveOut,
                       &block.definedIn, &block.definedOut})
      bits->assign(words, 0);
    for (uint32_t i = block.begin; i < block.end; ++i) {
      for (uint32_t reg : regUses[i].uses)
        if (!test(block.defs, reg))
          set(block.uses, reg);
      if (insts[i].pred == kPredTrue)
        for (uint32_t reg : regUses[i].defs)
          set(block.defs, reg);
    }
  }
  solveLiveness(blocks);
  solveDefinedness(blocks);

  // Uses that are not proved defined.
  std::vector<uint32_t> slotOf(regs, ~0u);
  program->tracked.resize(insts.size());
  for (Block &block : blocks) {
    Bits defined = block.definedIn;
    for (uint32_t i = block.begin; i < block.end; ++i) {
      for (uint32_t reg : regUses[i].uses)
        if (!test(defined, reg)) {
          if (slotOf[reg] == ~0u) {
            slotOf[reg] = program->trackedSlots++;
            program->trackedNames.push_back(function.regNames[reg]);
          }
          bool guard = insts[i].pred == (TagPred | reg);
          program->tracked[i].push_back({slotOf[reg], true, false, guard});
          insts[i].tracked = true;
        }
      if (insts[i].pred == kPredTrue)
        for (uint32_t reg : regUses[i].defs)
          set(defined, reg);
    }
  }
  for (uint32_t i = 0; i < insts.size(); ++i)
    for (uint32_t reg : regUses[i].defs)
      if (slotOf[reg] != ~0u) {
        program->tracked[i].push_back({slotOf[reg], false, true, false});
        insts[i].tracked = true;
      }

  // Live intervals in program order.
  std::vector<Interval> intervals(regs);
  for (uint32_t reg = 0; reg < regs; ++reg)
    intervals[reg].reg = reg;
  for (const Block &block : blocks) {
    for (size_t w = 0; w < words; ++w) {
      for (uint64_t in = block.liveIn[w]; in; in &= in - 1)
        intervals[w * 64 + size_t(__builtin_ctzll(in))].cover(block.begin);
      for (uint64_t out = block.liveOut[w]; out; out &= out - 1)
        intervals[w * 64 + size_t(__builtin_ctzll(out))].cover(block.end - 1);
    }
    for (uint32_t i = block.begin; i < block.end; ++i) {
      for (uint32_t reg : regUses[i].uses)
        intervals[reg].cover(i);
      for (uint32_t reg : regUses[i].defs)
        intervals[reg].cover(i);
    }
  }
  for (uint32_t reg = 0; reg < regs; ++reg)
    if (slotOf[reg] != ~0u) {
      intervals[reg].first = 0;
      intervals[reg].last = uint32_t(insts.size());
    }
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval &a, const Interval &b) {
              return a.first != b.first ? a.first < b.first : a.reg < b.reg;
            });

  // Constants, special registers, scratch, then registers.
  std::vector<uint32_t> constRow, specialRows, scratchRows, regRow(regs, 0);
  uint32_t rows = 0;
  for (auto &[value, wide] : constants) {
    constRow.push_back(rows);
    for (unsigned i = 0; i < 32; ++i) {
      program->constants.push_back(uint32_t(value));
      if (wide)
        program->constants.push_back(uint32_t(value >> 32));
    }
    rows += wide ? 2 : 1;
  }
  program->constRows = rows;
  for (auto &[special, wide] : specials) {
    specialRows.push_back(rows);
    program->specials.push_back({special, rows});
    rows += wide ? 2 : 1;
  }
  for (unsigned bits : scratch) {
    scratchRows.push_back(rows);
    rows += bits > 32 ? 2 : 1;
  }
  uint32_t firstReg = rows;
  struct Busy {
    uint32_t last, row;
  };
  std::vector<Busy> busy[2];
  std::vector<uint32_t> freeRows[2];
  uint32_t preds = kFirstPred;
  for (const Interval &interval : intervals) {
    if (interval.first == ~0u)
      continue;
    if (function.regs[interval.reg] == Type::Pred) {
      regRow[interval.reg] = preds++;
      continue;
    }
    unsigned wide = typeBits(function.regs[interval.reg]) == 64;
    auto &active = busy[wide];
    for (size_t i = 0; i < active.size();) {
      if (active[i].last < interval.first) {
        freeRows[wide].push_back(active[i].row);
        active[i] = active.back();
        active.pop_back();
      } else {
        ++i;
      }
    }
    uint32_t row = rows;
    if (freeRows[wide].empty()) {
      rows += wide ? 2 : 1;
    } else {
      row = freeRows[wide].back();
      freeRows[wide].pop_back();
    }
    regRow[interval.reg] = row;
    active.push_back({interval.last, row});
  }
  program->rows = rows;
  program->preds = preds;
  program->info.registers = rows - firstReg;

  const auto place = [&](uint32_t operand) {
    uint32_t id = operand & ~TagMask;
    switch (operand & TagMask) {
    case TagConst:
      return constRow[id];
    case TagSpecial:
      return specialRows[id];
    case TagScratch:
      return scratchRows[id];
    case TagFixedPred:
      return id;
    default:
      return regRow[id];
    }
  };
  for (uint32_t i = 0; i < insts.size(); ++i) {
    Inst &one = insts[i];
    if (one.pred != kPredTrue)
      one.pred = place(one.pred);
    for (uint32_t &operand : program->operandPool[i])
      operand = place(operand);
    one.ops = program->operandPool[i].data();
    one.numOps = uint32_t(program->operandPool[i].size());
    if (uint32_t bytes = sharedBytesOf(one))
      program->granuleShift =
          std::min(program->granuleShift, unsigned(__builtin_ctz(bytes)));
  }
}
