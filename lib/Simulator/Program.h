//===- Program.h - decoded PTX ----------------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel ready to run: every name is an index, every instruction has the
// function that executes it for a whole warp. Registers live in rows of 32
// lanes x 4 bytes; a 64-bit register takes two rows (32 lanes x 8 bytes).
// Immediates, addresses of variables and special registers are rows too, so
// that an operand is always a row. Predicates are lane masks.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_PROGRAM_H
#define FP4Q_LIB_SIMULATOR_PROGRAM_H

#include "Ast.h"
#include "Opcodes.h"

#include "fp4q/Simulator/Simulator.h"

namespace fp4q::sim {

struct Warp;
struct Inst;

/// Executes one instruction for the lanes of the mask (never 0).
using ExecFn = void (*)(Warp &warp, const Inst &inst, uint32_t mask);

constexpr uint32_t kRowBytes = 128;
/// Predicate 0 is always true, predicate 1 never: they stand for absent
/// sources. Predicate 2 takes results that nobody reads.
constexpr uint32_t kPredTrue = 0;
constexpr uint32_t kPredFalse = 1;
constexpr uint32_t kPredSink = 2;
constexpr uint32_t kFirstPred = 3;

/// What the warp scheduler has to know of an instruction.
enum class Control : uint8_t {
  None,
  Branch,    ///< `target`
  BranchIdx, ///< `targets`
  Exit,
  Aligned,    ///< all live lanes of the warp must be here together
  Collective, ///< the lanes of the member mask must be here together
  CtaBarrier, ///< Aligned or not (`aligned`), and may block the warp
  ClusterWait,
  Yield, ///< a failed try_wait lets other warps run
};

/// Rounding modifiers. PTX ISA, section 6.5.2.
enum class Round : uint8_t { None, RN, RZ, RM, RP, RNA, RNI, RZI, RMI, RPI };

/// Modifiers after decoding. Each opcode uses those its PTX ISA section names.
struct Mods {
  Round round = Round::None;
  bool ftz = false;
  bool sat = false;
  bool satfinite = false;
  bool relu = false;
  bool nan = false;
  bool abs = false;
  bool xorsign = false;
  bool approx = false;
  bool full = false;
  bool lo = false;
  bool hi = false;
  bool wide = false;
  bool carryOut = false;
  bool carryIn = false;
  bool wrap = false;
  bool aligned = false;
  bool negated = false; ///< the predicate source is !p
  bool to = false;      ///< cvta.to
  bool trans = false;
  bool parity = false;
  bool noinc = false;
  bool noftz = false;
  bool expectTx = false;
  bool volatileLike = false; ///< .volatile, .relaxed, ...: no data race
  bool acquire = false;
  bool release = false;
  uint8_t sub = 0;  ///< opcode's own: comparison, shuffle mode, atomic op ...
  uint8_t sub2 = 0; ///< second: boolean operator
};

struct Inst {
  ExecFn fn = nullptr;
  const uint32_t *ops = nullptr; ///< rows or predicates, destinations first
  uint32_t numOps = 0;
  int32_t target = -1; ///< Branch: index of an instruction
  int64_t offset = 0;  ///< of an address
  int64_t offset2 = 0; ///< of the second address (cp.async)
  uint32_t imm = 0;    ///< lop3's table, mma's selectors, ...
  uint32_t line = 0;
  uint32_t index = 0; ///< of this instruction
  uint32_t pred = kPredTrue;
  bool predNegated = false;
  bool leader = false;  ///< starts a basic block
  bool tracked = false; ///< uses or defines a register that may be undefined
  Op op = Op::Exit;
  Type type = Type::None;
  Type type2 = Type::None;
  Type type3 = Type::None;
  Space space = Space::Generic;
  bool cluster = false; ///< a .shared::cluster address
  uint8_t vec = 1;      ///< elements of a vector access
  bool wideBase = true; ///< the address register has 64 bits
  Control control = Control::None;
  InstClass cls = InstClass::Integer;
  Mods mods;
  /// BranchIdx: indices of instructions.
  std::vector<int32_t> targets;
};

/// True if control does not only go on to the next instruction.
inline bool endsBlock(const Inst &inst) {
  return inst.control == Control::Branch ||
         inst.control == Control::BranchIdx || inst.control == Control::Exit;
}

/// fn(index) of each instruction that may follow this one.
template <typename Fn>
void forSuccessors(const std::vector<Inst> &insts, uint32_t index, Fn fn) {
  const Inst &inst = insts[index];
  if ((!endsBlock(inst) || inst.pred != kPredTrue) && index + 1 < insts.size())
    fn(index + 1);
  if (inst.control == Control::Branch)
    fn(uint32_t(inst.target));
  for (int32_t target : inst.targets)
    fn(uint32_t(target));
}

/// A special register that a kernel reads, and its row.
struct SpecialUse {
  Special special;
  uint32_t row;
};

/// A register whose definition could not be proved for every use.
struct TrackedUse {
  uint32_t slot; ///< of Warp::defined
  bool use;
  bool def;
  bool guard; ///< the use is the instruction's guard
};

struct Program {
  KernelInfo info;
  std::string target;
  std::vector<Inst> insts;
  std::vector<std::string> texts; ///< by instruction: its opcode
  std::vector<std::vector<uint32_t>> operandPool;
  uint32_t rows = 0;               ///< of one warp's register file
  uint32_t constRows = 0;          ///< the first of them hold constants
  std::vector<uint32_t> constants; ///< constRows x 32 words
  uint32_t preds = kFirstPred;
  std::vector<SpecialUse> specials;
  std::vector<std::vector<TrackedUse>> tracked; ///< by instruction; often empty
  std::vector<std::string> trackedNames;        ///< by slot
  uint32_t trackedSlots = 0;
  /// log2 of the bytes that one entry of the shared-memory race shadow covers:
  /// of the narrowest access there is, at most 16.
  unsigned granuleShift = 4;
  uint32_t sharedAlign = 16;
};

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_PROGRAM_H
