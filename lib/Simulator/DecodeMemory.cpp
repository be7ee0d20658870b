//===- DecodeMemory.cpp - decode memory and asynchronous copies -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace fp4q::sim;

// Cache operators and hints say nothing about values. PTX ISA, section 9.7.9.1.
static bool isCacheHint(std::string_view word) {
  static const std::string_view hints[] = {".ca", ".cg", ".cs", ".lu",
                                           ".cv", ".wb", ".wt", ".nc"};
  for (std::string_view hint : hints)
    if (word == hint)
      return true;
  return word.substr(0, 5) == ".L1::" || word.substr(0, 5) == ".L2::";
}

static unsigned vectorLength(std::string_view word) {
  return word == ".v2" ? 2 : word == ".v4" ? 4 : word == ".v8" ? 8 : 1;
}

void Decoder::takeVectorAndHints() {
  for (size_t i = 1; i < used.size(); ++i) {
    used[i] = used[i] || isCacheHint(flat->raw->words[i]);
    if (vectorLength(flat->raw->words[i]) > 1) {
      inst->vec = uint8_t(vectorLength(flat->raw->words[i]));
      used[i] = true;
    }
  }
}

// PTX ISA, sections 9.7.9.8 "ld", 9.7.9.9 "ld.global.nc", 9.7.9.10 "ldu".
void Decoder::decodeLoad() {
  takeVectorAndHints();
  takeMemoryOrder();
  takeSpace();
  Type type = inst->type = takeType();
  unsigned bits = typeBits(type);
  require(bits >= 8 && bits <= 64 && bits * inst->vec <= 256);
  if (bits * inst->vec > 128)
    requireTarget(100);
  require(numOperands() == 2 || numOperands() == 3);
  const RawOperand &to = operand(0);
  addVectorDst(to, inst->vec, bits, /*atLeast=*/true);
  const RawOperand &first = to.kind == RawOperand::Vector ? to.elems[0] : to;
  inst->imm = first.kind == RawOperand::Reg
                  ? typeBytes(flat->fn->regs[first.reg])
                  : std::max(typeBytes(type), 4u);
  // All elements are extended alike, so their registers must be of one width.
  for (const RawOperand &elem : to.elems)
    if (elem.kind == RawOperand::Reg)
      require((typeBytes(flat->fn->regs[elem.reg]) == 8) == (inst->imm == 8));
  const RawOperand &address = operand(1);
  require(address.kind == RawOperand::Address);
  const RawOperand &base = address.elems[0];
  if (inst->space == Space::Param && base.kind == RawOperand::Var) {
    auto param = paramOffsets.find(base.var);
    if (param != paramOffsets.end() && flat->instance == 0) {
      inst->op = Op::LdParam;
      inst->cls = InstClass::Move;
      inst->offset = param->second + address.offset;
      uint64_t end = uint64_t(address.offset) + typeBytes(type) * inst->vec;
      if (address.offset < 0 || end > base.var->size)
        fail("read beyond parameter `" + std::string(base.var->name) + "`");
      return;
    }
    inst->space = Space::Local; // a variable of a call sequence
  } else if (inst->space == Space::Param) {
    inst->space = Space::Generic; // an address made by mov of a parameter
  }
  inst->cls = inst->space == Space::Shared   ? InstClass::LoadShared
              : inst->space == Space::Global ? InstClass::LoadGlobal
                                             : InstClass::LoadOther;
  addAddress(address);
}

// PTX ISA, section 9.7.9.11 "st".
void Decoder::decodeStore() {
  takeVectorAndHints();
  takeMemoryOrder();
  takeSpace();
  require(inst->space != Space::Const);
  Type type = inst->type = takeType();
  unsigned bits = typeBits(type);
  require(bits >= 8 && bits <= 64 && bits * inst->vec <= 256);
  if (bits * inst->vec > 128)
    requireTarget(100);
  require(numOperands() == 2 || numOperands() == 3);
  if (inst->space == Space::Param)
    inst->space = Space::Local;
  inst->cls = inst->space == Space::Shared   ? InstClass::StoreShared
              : inst->space == Space::Global ? InstClass::StoreGlobal
                                             : InstClass::StoreOther;
  const RawOperand &from = operand(1);
  addVectorSrc(from, inst->vec, type, /*atLeast=*/true);
  inst->imm = 0; // bit i: source i is a 64-bit register
  for (unsigned i = 0; i < inst->vec; ++i) {
    const RawOperand &elem =
        from.kind == RawOperand::Vector ? from.elems[i] : from;
    bool wide = elem.kind == RawOperand::Reg
                    ? typeBits(flat->fn->regs[elem.reg]) == 64
                    : bits == 64;
    inst->imm |= unsigned(wide) << i;
  }
  addAddress(operand(0));
}

static const std::pair<const char *, Atomic> kAtomics[] = {
    {".add", Atomic::Add},   {".min", Atomic::Min}, {".max", Atomic::Max},
    {".and", Atomic::And},   {".or", Atomic::Or},   {".xor", Atomic::Xor},
    {".exch", Atomic::Exch}, {".cas", Atomic::Cas}, {".inc", Atomic::Inc},
    {".dec", Atomic::Dec}};

// PTX ISA, sections 9.7.13.6 "atom" and 9.7.13.7 "red".
void Decoder::decodeAtomic() {
  if (take(".async"))
    unsupported();
  for (size_t i = 1; i < used.size(); ++i) {
    std::string_view word = flat->raw->words[i];
    used[i] = used[i] || word.substr(0, 5) == ".L2::";
    if (vectorLength(word) > 1) {
      inst->vec = uint8_t(vectorLength(word));
      used[i] = true;
    }
  }
  takeMemoryOrder();
  takeSpace();
  require(inst->space == Space::Generic || inst->space == Space::Global ||
          inst->space == Space::Shared);
  require(takeEnum(kAtomics, inst->mods.sub));
  inst->mods.noftz = take(".noftz");
  Type type = inst->type = takeType();
  require(typeBits(type) >= 16 && typeBits(type) <= 64);
  if (inst->vec > 1) {
    requireTarget(90);
    require(inst->space == Space::Global || inst->space == Space::Generic);
  }
  inst->cls = InstClass::Atomic;
  bool returns = inst->op == Op::Atom;
  bool cas = inst->mods.sub == uint8_t(Atomic::Cas);
  unsigned at = 0;
  unsigned expected = (returns ? 1 : 0) + 2 + (cas ? 1 : 0);
  require(numOperands() == expected || numOperands() == expected + 1);
  if (returns)
    addVectorDst(operand(at++), inst->vec, typeBits(type));
  addAddress(operand(at++));
  addVectorSrc(operand(at++), inst->vec, type);
  if (cas)
    addSrc(operand(at), type);
}

// PTX ISA, section 9.7.9.25.3 "Non-bulk copy".
void Decoder::decodeCpAsync() {
  requireTarget(80);
  require(take(".async"));
  inst->cls = InstClass::Async;
  if (take(".commit_group")) {
    inst->op = Op::CpAsyncCommit;
    return count(0);
  }
  if (take(".wait_all")) {
    inst->op = Op::CpAsyncWait;
    inst->mods.hi = true; // also what is not committed
    return count(0);
  }
  if (take(".wait_group")) {
    inst->op = Op::CpAsyncWait;
    count(1);
    inst->imm = immediate(operand(0), 0, 1 << 20, "number of groups");
    return;
  }
  if (take(".mbarrier")) {
    require(take(".arrive"));
    inst->op = Op::CpAsyncMbarrier;
    inst->mods.noinc = take(".noinc");
    takeSpace(/*sharedOnly=*/true);
    require(takeType() == Type::B64);
    count(1);
    return addAddress(operand(0));
  }
  bool global16 = take(".cg");
  require(global16 || take(".ca"));
  require(take(".shared") || take(".shared::cta"));
  require(take(".global"));
  for (size_t i = 1; i < used.size(); ++i)
    used[i] = used[i] || isCacheHint(flat->raw->words[i]);
  require(numOperands() >= 3 && numOperands() <= 5);
  inst->imm = immediate(operand(2), 4, 16, "copy size");
  require(inst->imm == 16 || (!global16 && (inst->imm == 4 || inst->imm == 8)));
  inst->space = Space::Shared;
  addAddress(operand(0));
  int64_t offset = inst->offset;
  bool wide = inst->wideBase;
  inst->space = Space::Global;
  addAddress(operand(1));
  inst->offset2 = inst->offset;
  inst->offset = offset;
  inst->wideBase = wide;
  inst->space = Space::Shared;
  // The fourth operand is the number of source bytes, or a predicate that
  // makes the source be ignored.
  bool predicate = numOperands() > 3 && operand(3).kind == RawOperand::Reg &&
                   flat->fn->regs[operand(3).reg] == Type::Pred;
  if (predicate) {
    ops->push_back(constantRow(inst->imm, false));
    addPredSrc(operand(3), /*allowNegated=*/true);
    inst->mods.negated = operand(3).negated;
  } else {
    if (numOperands() > 3)
      addSrc(operand(3), Type::U32);
    else
      ops->push_back(constantRow(inst->imm, false));
    ops->push_back(TagFixedPred | kPredFalse);
  }
}

void Decoder::decodePrefetch() {
  inst->cls = InstClass::LoadOther;
  takeSpace();
  for (size_t i = 1; i < used.size(); ++i)
    used[i] = used[i] || isCacheHint(flat->raw->words[i]) ||
              flat->raw->words[i] == ".L1" || flat->raw->words[i] == ".L2";
  take(".tensormap");
  count(1);
  addAddress(operand(0));
}

// PTX ISA, section 9.7.13.4 "membar / fence". One memory with one order needs
// none, and a fence alone does not order two threads.
void Decoder::decodeFence() {
  inst->cls = InstClass::Barrier;
  for (size_t i = 1; i < used.size(); ++i)
    used[i] = true;
  if (numOperands() > 0)
    count(0);
}

// PTX ISA, sections 9.7.13.15.9 to 9.7.13.15.18 "mbarrier".
void Decoder::decodeMbarrier() {
  requireTarget(80);
  inst->cls = InstClass::Barrier;
  Mods &mods = inst->mods;
  bool init = take(".init"), inval = take(".inval");
  bool arrive = take(".arrive"), drop = take(".arrive_drop");
  bool test = take(".test_wait"), tryWait = take(".try_wait");
  bool expect = take(".expect_tx"), complete = take(".complete_tx");
  bool pending = take(".pending_count");
  mods.parity = take(".parity");
  mods.noinc = take(".noComplete");
  takeMemoryOrder();
  takeSpace(/*sharedOnly=*/true);
  require(takeType() == Type::B64);
  if (pending) {
    inst->op = Op::MbarPending;
    count(2);
    addDst(operand(0), 32);
    addSrc(operand(1), Type::B64);
  } else if (init) {
    inst->op = Op::MbarInit;
    count(2);
    addAddress(operand(0));
    addSrc(operand(1), Type::U32);
  } else if (inval) {
    inst->op = Op::MbarInval;
    count(1);
    addAddress(operand(0));
  } else if (arrive || drop) {
    inst->op = Op::MbarArrive;
    mods.expectTx = expect;
    mods.sub = drop;
    if (expect || inst->cluster)
      requireTarget(90);
    require(numOperands() == 2 || numOperands() == 3);
    require(!expect || numOperands() == 3);
    addDst(operand(0), 64);
    addAddress(operand(1));
    if (numOperands() == 3)
      addSrc(operand(2), Type::U32);
    else
      ops->push_back(constantRow(1, false));
  } else if (expect || complete) {
    requireTarget(90);
    inst->op = expect ? Op::MbarExpectTx : Op::MbarCompleteTx;
    count(2);
    addAddress(operand(0));
    addSrc(operand(1), Type::U32);
  } else {
    require(test || tryWait);
    inst->op = Op::MbarTest;
    if (tryWait) {
      requireTarget(90);
      inst->control = Control::Yield;
    }
    require(numOperands() == 3 || (tryWait && numOperands() == 4));
    addPredDst(operand(0));
    addAddress(operand(1));
    addSrc(operand(2), mods.parity ? Type::U32 : Type::B64);
  }
}
