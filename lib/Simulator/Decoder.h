//===- Decoder.h - from PTX as written to a Program -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls are inlined (PTX of ours calls rarely; recursion is refused), names
// become rows, and each instruction's modifiers are checked word by word: one
// that nobody took makes the instruction unsupported.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_DECODER_H
#define FP4Q_LIB_SIMULATOR_DECODER_H

#include "Program.h"

#include <functional>
#include <map>

namespace fp4q::sim {

/// Where module variables live: name -> address.
using SymbolTable = std::unordered_map<std::string_view, uint64_t>;

/// An instruction after inlining.
struct FlatInst {
  const RawInst *raw = nullptr;
  const RawFunction *fn = nullptr;
  uint32_t regBase = 0;
  uint32_t instance = 0; ///< which inlined body it stands in
  int32_t target = -1;   ///< index of a flat instruction
  std::vector<int32_t> targets;
  bool jump = false;   ///< a synthesized branch (return, guarded call)
  bool invert = false; ///< of a synthesized branch: the guard's sense
  bool guarded = false;
};

/// A function with its calls inlined.
struct FlatFunction {
  const RawFunction *entry = nullptr;
  std::vector<FlatInst> insts;
  std::vector<Type> regs;
  std::vector<std::string> regNames;
  /// Formal parameters of inlined bodies: (instance, formal) -> (instance,
  /// actual).
  std::map<std::pair<uint32_t, const Variable *>,
           std::pair<uint32_t, const Variable *>>
      aliases;
};

/// Inlines all calls of a kernel. Throws PtxError on recursion, on unknown
/// functions and labels, and on more code than any kernel of ours would be.
FlatFunction flatten(const RawModule &module, const RawFunction &entry);

/// Register indices that an instruction reads and writes, for the dataflow.
struct RegUse {
  std::vector<uint32_t> uses;
  std::vector<uint32_t> defs;
};

class Decoder {
public:
  Decoder(const RawModule &module, const SymbolTable &symbols,
          const RawFunction &entry);
  std::unique_ptr<Program> decode();

private:
  friend struct DecodeTable;

  // The instruction at hand.
  [[noreturn]] void unsupported() const;
  [[noreturn]] void fail(const std::string &what) const;
  void require(bool condition) const {
    if (!condition)
      unsupported();
  }
  /// Fails unless the target's number is at least this (80 for sm_80).
  void requireTarget(unsigned sm) const;
  /// Fails unless the target is one of Blackwell's with an a or f suffix:
  /// `consumer` for sm_120/121 only.
  void requireBlackwell(bool consumer) const;

  bool take(std::string_view word);
  bool takePrefix(std::string_view prefix);
  Type takeType();
  template <typename T, size_t N>
  bool takeEnum(const std::pair<const char *, T> (&table)[N], uint8_t &out) {
    for (auto &entry : table)
      if (take(entry.first)) {
        out = uint8_t(entry.second);
        return true;
      }
    return false;
  }
  void takeRound();
  void takeMixedType();
  void takeFloatMods();
  void takeMemoryOrder();
  /// .v2, .v4 or .v8 of a load or store, and hints that change no result.
  void takeVectorAndHints();
  void takeSpace(bool sharedOnly = false);

  // Operands.
  const RawOperand &operand(unsigned i);
  size_t numOperands() const { return flat->raw->operands.size(); }
  void addDst(const RawOperand &op, unsigned bits, bool atLeast = false);
  void addSrc(const RawOperand &op, Type type, bool atLeast = false);
  void addPredDst(const RawOperand &op);
  void addPredSrc(const RawOperand &op, bool allowNegated = false);
  void addAddress(const RawOperand &op);
  void addVectorDst(const RawOperand &op, unsigned count, unsigned bits,
                    bool atLeast = false);
  void addVectorSrc(const RawOperand &op, unsigned count, Type type,
                    bool atLeast = false);
  uint32_t immediate(const RawOperand &op, uint64_t low, uint64_t high,
                     const char *what);
  uint32_t constantRow(uint64_t value, bool wide);
  uint32_t specialRow(Special special, bool wide);
  uint32_t scratchRow(unsigned bits);
  uint32_t regOperand(const RawOperand &op, bool def);
  uint64_t addressOf(const RawOperand &op);
  std::pair<uint32_t, const Variable *> resolve(const Variable *var) const;
  void count(unsigned operands);
  /// True if PTX has the instruction with these types and modifiers.
  bool isLegal() const;

  // Families of instructions; DecodeTable names them.
  void decodeOne(uint32_t index);
  void decodeArith();
  void decodeLogic();
  void decodeShift();
  void decodeBits();
  void decodeDot();
  void decodeApprox();
  void decodeFma();
  void decodeCompare();
  void decodeSelect();
  void decodeTestp();
  void decodeMov();
  void decodeCvt();
  void decodeCvta();
  void decodeCluster();
  void decodeLoad();
  void decodeStore();
  void decodeAtomic();
  void decodeCpAsync();
  void decodePrefetch();
  void decodeFence();
  void decodeBarrier();
  void decodeClusterBarrier();
  void decodeShfl();
  void decodeVote();
  void decodeMatch();
  void decodeRedux();
  void decodeElect();
  void decodeMbarrier();
  void decodeMatrixMove();
  void decodeMma();
  void decodeMmaTypes();
  void decodeMmaScaled();
  void decodeBranch();
  void decodeExit();
  void decodeHint();

  void layoutVariables();
  void layoutParams();
  void finishOperands();
  // Cfg.cpp
  void analyze();

  const RawModule &module;
  const SymbolTable &symbols;
  const RawFunction &entry;
  FlatFunction function;
  std::unique_ptr<Program> program;
  const FlatInst *flat = nullptr;
  Inst *inst = nullptr;
  std::vector<uint32_t> *ops = nullptr;
  std::vector<bool> used;
  unsigned targetNumber = 0;
  char targetSuffix = 0;

  /// Operands are registers, constants, ... until rows are assigned: the high
  /// bits of an operand say which.
  enum Tag : uint32_t {
    TagReg = 0u << 29,
    TagConst = 1u << 29,
    TagSpecial = 2u << 29,
    TagScratch = 3u << 29,
    TagPred = 4u << 29, ///< a predicate register
    TagFixedPred = 5u << 29,
    TagMask = 7u << 29,
  };
  std::map<std::pair<uint64_t, bool>, uint32_t> constantIds;
  std::vector<std::pair<uint64_t, bool>> constants;
  std::map<Special, uint32_t> specialIds;
  std::vector<std::pair<Special, bool>> specials;
  std::vector<unsigned> scratch; ///< widths in bits
  std::vector<RegUse> regUses;
  std::map<std::pair<uint32_t, const Variable *>, uint64_t> localOffsets;
  std::unordered_map<const Variable *, uint64_t> sharedOffsets;
  std::unordered_map<const Variable *, uint32_t> paramOffsets;
};

/// The function that executes a decoded instruction, or null if its types and
/// modifiers are no combination PTX has (or the simulator supports).
ExecFn selectExec(const Inst &inst);

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_DECODER_H
