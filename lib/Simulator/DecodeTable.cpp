//===- DecodeTable.cpp - from mnemonics to decoders -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace fp4q::sim;

namespace fp4q::sim {
/// One mnemonic: the family that decodes it and its operation.
struct DecodeTable {
  const char *word;
  void (Decoder::*family)();
  Op op;

  static const DecodeTable *find(std::string_view word);
};
} // namespace fp4q::sim

const DecodeTable *DecodeTable::find(std::string_view word) {
  using D = Decoder;
  static const DecodeTable entries[] = {
      {"add", &D::decodeArith, Op::Add},
      {"addc", &D::decodeArith, Op::Add},
      {"sub", &D::decodeArith, Op::Sub},
      {"subc", &D::decodeArith, Op::Sub},
      {"mul", &D::decodeArith, Op::Mul},
      {"mad", &D::decodeArith, Op::Mad},
      {"madc", &D::decodeArith, Op::Mad},
      {"sad", &D::decodeArith, Op::Sad},
      {"div", &D::decodeArith, Op::Div},
      {"rem", &D::decodeArith, Op::Rem},
      {"abs", &D::decodeArith, Op::Abs},
      {"neg", &D::decodeArith, Op::Neg},
      {"min", &D::decodeArith, Op::Min},
      {"max", &D::decodeArith, Op::Max},
      {"fma", &D::decodeFma, Op::Fma},
      {"popc", &D::decodeBits, Op::Popc},
      {"clz", &D::decodeBits, Op::Clz},
      {"bfind", &D::decodeBits, Op::Bfind},
      {"brev", &D::decodeBits, Op::Brev},
      {"bfe", &D::decodeBits, Op::Bfe},
      {"bfi", &D::decodeBits, Op::Bfi},
      {"bmsk", &D::decodeBits, Op::Bmsk},
      {"szext", &D::decodeBits, Op::Szext},
      {"prmt", &D::decodeBits, Op::Prmt},
      {"dp4a", &D::decodeDot, Op::Dp4a},
      {"dp2a", &D::decodeDot, Op::Dp2a},
      {"and", &D::decodeLogic, Op::And},
      {"or", &D::decodeLogic, Op::Or},
      {"xor", &D::decodeLogic, Op::Xor},
      {"not", &D::decodeLogic, Op::Not},
      {"cnot", &D::decodeLogic, Op::Cnot},
      {"lop3", &D::decodeLogic, Op::Lop3},
      {"shl", &D::decodeShift, Op::Shl},
      {"shr", &D::decodeShift, Op::Shr},
      {"shf", &D::decodeShift, Op::Shf},
      {"rcp", &D::decodeApprox, Op::Rcp},
      {"sqrt", &D::decodeApprox, Op::Sqrt},
      {"rsqrt", &D::decodeApprox, Op::Rsqrt},
      {"ex2", &D::decodeApprox, Op::Ex2},
      {"lg2", &D::decodeApprox, Op::Lg2},
      {"sin", &D::decodeApprox, Op::Sin},
      {"cos", &D::decodeApprox, Op::Cos},
      {"tanh", &D::decodeApprox, Op::Tanh},
      {"copysign", &D::decodeApprox, Op::Copysign},
      {"testp", &D::decodeTestp, Op::Testp},
      {"setp", &D::decodeCompare, Op::Setp},
      {"set", &D::decodeCompare, Op::Set},
      {"selp", &D::decodeSelect, Op::Selp},
      {"slct", &D::decodeSelect, Op::Slct},
      {"mov", &D::decodeMov, Op::Mov},
      {"cvt", &D::decodeCvt, Op::Cvt},
      {"cvta", &D::decodeCvta, Op::Cvta},
      {"isspacep", &D::decodeCvta, Op::Isspacep},
      {"mapa", &D::decodeCluster, Op::Mapa},
      {"getctarank", &D::decodeCluster, Op::GetCtaRank},
      {"ld", &D::decodeLoad, Op::Ld},
      {"ldu", &D::decodeLoad, Op::Ld},
      {"st", &D::decodeStore, Op::St},
      {"atom", &D::decodeAtomic, Op::Atom},
      {"red", &D::decodeAtomic, Op::Red},
      {"cp", &D::decodeCpAsync, Op::CpAsync},
      {"prefetch", &D::decodePrefetch, Op::Nop},
      {"prefetchu", &D::decodePrefetch, Op::Nop},
      {"membar", &D::decodeFence, Op::Nop},
      {"fence", &D::decodeFence, Op::Nop},
      {"bar", &D::decodeBarrier, Op::Bar},
      {"barrier", &D::decodeBarrier, Op::Bar},
      {"shfl", &D::decodeShfl, Op::Shfl},
      {"vote", &D::decodeVote, Op::Vote},
      {"match", &D::decodeMatch, Op::Match},
      {"redux", &D::decodeRedux, Op::Redux},
      {"activemask", &D::decodeElect, Op::Activemask},
      {"elect", &D::decodeElect, Op::Elect},
      {"mbarrier", &D::decodeMbarrier, Op::MbarInit},
      {"ldmatrix", &D::decodeMatrixMove, Op::LdMatrix},
      {"stmatrix", &D::decodeMatrixMove, Op::StMatrix},
      {"movmatrix", &D::decodeMatrixMove, Op::MovMatrix},
      {"mma", &D::decodeMma, Op::Mma},
      {"bra", &D::decodeBranch, Op::Bra},
      {"brx", &D::decodeBranch, Op::BrxIdx},
      {"ret", &D::decodeExit, Op::Exit},
      {"exit", &D::decodeExit, Op::Exit},
      {"trap", &D::decodeExit, Op::Trap},
      {"nanosleep", &D::decodeHint, Op::Nop},
      {"griddepcontrol", &D::decodeHint, Op::Nop},
      {"setmaxnreg", &D::decodeHint, Op::Nop},
      {"pmevent", &D::decodeHint, Op::Nop},
  };
  static const auto *index = [] {
    auto *map = new std::unordered_map<std::string_view, const DecodeTable *>;
    for (const DecodeTable &entry : entries)
      map->emplace(entry.word, &entry);
    return map;
  }();
  auto it = index->find(word);
  return it == index->end() ? nullptr : it->second;
}

void Decoder::decodeOne(uint32_t index) {
  flat = &function.insts[index];
  const RawInst &raw = *flat->raw;
  inst = &program->insts[index];
  ops = &program->operandPool[index];
  used.assign(raw.words.size(), false);
  inst->index = index;
  inst->line = raw.line;
  program->texts[index] = raw.text;
  if (raw.pred >= 0) {
    RawOperand guard;
    guard.kind = RawOperand::Reg;
    guard.reg = uint32_t(raw.pred);
    inst->pred = regOperand(guard, /*def=*/false);
    inst->predNegated = raw.predNegated != flat->invert;
  } else {
    inst->pred = TagFixedPred | kPredTrue;
  }
  if (flat->jump) {
    inst->op = Op::Bra;
    inst->control = Control::Branch;
    inst->cls = InstClass::Control;
    inst->target = flat->target;
    return;
  }
  const DecodeTable *entry = DecodeTable::find(raw.words[0]);
  if (!entry)
    unsupported();
  inst->op = entry->op;
  (this->*entry->family)();
  for (size_t i = 1; i < used.size(); ++i)
    require(used[i]);
  bool scheduled =
      inst->control == Control::Branch || inst->control == Control::BranchIdx ||
      inst->control == Control::CtaBarrier ||
      inst->control == Control::ClusterWait || inst->control == Control::Exit;
  if (scheduled)
    return;
  inst->fn = selectExec(*inst);
  require(inst->fn);
}

// PTX ISA, section 9.7.12 "Control Flow Instructions".
void Decoder::decodeBranch() {
  inst->cls = InstClass::Control;
  take(".uni");
  if (inst->op == Op::BrxIdx) {
    require(take(".idx"));
    count(2);
    inst->control = Control::BranchIdx;
    inst->targets = flat->targets;
    addSrc(operand(0), Type::U32);
    return;
  }
  count(1);
  inst->control = Control::Branch;
  inst->target = flat->target;
}

void Decoder::decodeExit() {
  inst->cls = InstClass::Control;
  count(0);
  take(".uni");
  if (inst->op != Op::Trap)
    inst->control = Control::Exit;
}

// Instructions that change time, not results. setmaxnreg moves registers
// between warps and has nothing to compute.
void Decoder::decodeHint() {
  inst->cls = InstClass::Control;
  std::string_view word = flat->raw->words[0];
  if (word == "setmaxnreg") {
    requireTarget(90);
    require(take(".inc") || take(".dec"));
    require(take(".sync") && take(".aligned"));
    takeType();
    inst->control = Control::Aligned;
    immediate(operand(0), 24, 256, "register count");
  } else if (word == "griddepcontrol") {
    require(take(".launch_dependents") || take(".wait"));
  } else if (word == "nanosleep") {
    takeType();
    inst->control = Control::Yield;
  }
}
