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

  static const DecodeTable *begin() { return entries; }
  static const DecodeTable *end();
  static const DecodeTable *find(std::string_view word);

private:
  static const DecodeTable entries[];
};
} // namespace fp4q::sim

const DecodeTable DecodeTable::entries[] = {
    {"add", &Decoder::decodeArith, Op::Add},
    {"addc", &Decoder::decodeArith, Op::Add},
    {"sub", &Decoder::decodeArith, Op::Sub},
    {"subc", &Decoder::decodeArith, Op::Sub},
    {"mul", &Decoder::decodeArith, Op::Mul},
    {"mad", &Decoder::decodeArith, Op::Mad},
    {"madc", &Decoder::decodeArith, Op::Mad},
    {"sad", &Decoder::decodeArith, Op::Sad},
    {"div", &Decoder::decodeArith, Op::Div},
    {"rem", &Decoder::decodeArith, Op::Rem},
    {"abs", &Decoder::decodeArith, Op::Abs},
    {"neg", &Decoder::decodeArith, Op::Neg},
    {"min", &Decoder::decodeArith, Op::Min},
    {"max", &Decoder::decodeArith, Op::Max},
    {"fma", &Decoder::decodeFma, Op::Fma},
    {"popc", &Decoder::decodeBits, Op::Popc},
    {"clz", &Decoder::decodeBits, Op::Clz},
    {"bfind", &Decoder::decodeBits, Op::Bfind},
    {"brev", &Decoder::decodeBits, Op::Brev},
    {"bfe", &Decoder::decodeBits, Op::Bfe},
    {"bfi", &Decoder::decodeBits, Op::Bfi},
    {"bmsk", &Decoder::decodeBits, Op::Bmsk},
    {"szext", &Decoder::decodeBits, Op::Szext},
    {"prmt", &Decoder::decodeBits, Op::Prmt},
    {"dp4a", &Decoder::decodeDot, Op::Dp4a},
    {"dp2a", &Decoder::decodeDot, Op::Dp2a},
    {"and", &Decoder::decodeLogic, Op::And},
    {"or", &Decoder::decodeLogic, Op::Or},
    {"xor", &Decoder::decodeLogic, Op::Xor},
    {"not", &Decoder::decodeLogic, Op::Not},
    {"cnot", &Decoder::decodeLogic, Op::Cnot},
    {"lop3", &Decoder::decodeLogic, Op::Lop3},
    {"shl", &Decoder::decodeShift, Op::Shl},
    {"shr", &Decoder::decodeShift, Op::Shr},
    {"shf", &Decoder::decodeShift, Op::Shf},
    {"rcp", &Decoder::decodeApprox, Op::Rcp},
    {"sqrt", &Decoder::decodeApprox, Op::Sqrt},
    {"rsqrt", &Decoder::decodeApprox, Op::Rsqrt},
    {"ex2", &Decoder::decodeApprox, Op::Ex2},
    {"lg2", &Decoder::decodeApprox, Op::Lg2},
    {"sin", &Decoder::decodeApprox, Op::Sin},
    {"cos", &Decoder::decodeApprox, Op::Cos},
    {"tanh", &Decoder::decodeApprox, Op::Tanh},
    {"copysign", &Decoder::decodeApprox, Op::Copysign},
    {"testp", &Decoder::decodeTestp, Op::Testp},
    {"setp", &Decoder::decodeCompare, Op::Setp},
    {"set", &Decoder::decodeCompare, Op::Set},
    {"selp", &Decoder::decodeSelect, Op::Selp},
    {"slct", &Decoder::decodeSelect, Op::Slct},
    {"mov", &Decoder::decodeMov, Op::Mov},
    {"cvt", &Decoder::decodeCvt, Op::Cvt},
    {"cvta", &Decoder::decodeCvta, Op::Cvta},
    {"isspacep", &Decoder::decodeCvta, Op::Isspacep},
    {"mapa", &Decoder::decodeCluster, Op::Mapa},
    {"getctarank", &Decoder::decodeCluster, Op::GetCtaRank},
    {"ld", &Decoder::decodeLoad, Op::Ld},
    {"ldu", &Decoder::decodeLoad, Op::Ld},
    {"st", &Decoder::decodeStore, Op::St},
    {"atom", &Decoder::decodeAtomic, Op::Atom},
    {"red", &Decoder::decodeAtomic, Op::Red},
    {"cp", &Decoder::decodeCpAsync, Op::CpAsync},
    {"prefetch", &Decoder::decodePrefetch, Op::Nop},
    {"prefetchu", &Decoder::decodePrefetch, Op::Nop},
    {"membar", &Decoder::decodeFence, Op::Nop},
    {"fence", &Decoder::decodeFence, Op::Nop},
    {"bar", &Decoder::decodeBarrier, Op::Bar},
    {"barrier", &Decoder::decodeBarrier, Op::Bar},
    {"shfl", &Decoder::decodeShfl, Op::Shfl},
    {"vote", &Decoder::decodeVote, Op::Vote},
    {"match", &Decoder::decodeMatch, Op::Match},
    {"redux", &Decoder::decodeRedux, Op::Redux},
    {"activemask", &Decoder::decodeElect, Op::Activemask},
    {"elect", &Decoder::decodeElect, Op::Elect},
    {"mbarrier", &Decoder::decodeMbarrier, Op::MbarInit},
    {"ldmatrix", &Decoder::decodeMatrixMove, Op::LdMatrix},
    {"stmatrix", &Decoder::decodeMatrixMove, Op::StMatrix},
    {"movmatrix", &Decoder::decodeMatrixMove, Op::MovMatrix},
    {"mma", &Decoder::decodeMma, Op::Mma},
    {"bra", &Decoder::decodeBranch, Op::Bra},
    {"brx", &Decoder::decodeBranch, Op::BrxIdx},
    {"ret", &Decoder::decodeExit, Op::Exit},
    {"exit", &Decoder::decodeExit, Op::Exit},
    {"trap", &Decoder::decodeExit, Op::Trap},
    {"nanosleep", &Decoder::decodeHint, Op::Nop},
    {"griddepcontrol", &Decoder::decodeHint, Op::Nop},
    {"setmaxnreg", &Decoder::decodeHint, Op::Nop},
    {"pmevent", &Decoder::decodeHint, Op::Nop},
};

const DecodeTable *DecodeTable::end() { return std::end(entries); }

const DecodeTable *DecodeTable::find(std::string_view word) {
  static const auto *index = [] {
    auto *map = new std::unordered_map<std::string_view, const DecodeTable *>;
    for (auto *entry = begin(); entry != end(); ++entry)
      map->emplace(entry->word, entry);
    return map;
  }();
  auto it = index->find(word);
  return it == index->end() ? nullptr : it->second;
}

std::vector<std::string> fp4q::sim::mnemonics() {
  std::vector<std::string> words{"call"}; // is inlined, not decoded
  for (auto *entry = DecodeTable::begin(); entry != DecodeTable::end(); ++entry)
    words.push_back(entry->word);
  return words;
}

std::vector<std::string> fp4q::sim::typeSpellings() {
  std::vector<std::string> names;
  for (unsigned i = 0; i < unsigned(Type::None); ++i)
    names.push_back(std::string(typeName(Type(i))));
  return names;
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
  require(isLegal());
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
    require(take(".sync") && take(".aligned") && takeType() == Type::U32);
    inst->control = Control::Aligned;
    immediate(operand(0), 24, 256, "register count");
  } else if (word == "griddepcontrol") {
    require(take(".launch_dependents") || take(".wait"));
  } else if (word == "nanosleep") {
    require(takeType() == Type::U32);
    inst->control = Control::Yield;
  }
}
