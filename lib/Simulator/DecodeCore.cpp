//===- DecodeCore.cpp - operands and modifiers ----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Machine.h"

#include <algorithm>
#include <cstring>

using namespace fp4q::sim;

Decoder::Decoder(const RawModule &module, const SymbolTable &symbols,
                 const RawFunction &entry)
    : module(module), symbols(symbols), entry(entry),
      function(flatten(module, entry)) {
  targetNumber = unsigned(std::strtoul(module.target.c_str() + 3, nullptr, 10));
  char last = module.target.back();
  targetSuffix = last == 'a' || last == 'f' ? last : '\0';
}

//===----------------------------------------------------------------------===//
// Modifiers
//===----------------------------------------------------------------------===//

void Decoder::unsupported() const {
  throw PtxError("unsupported instruction `" + flat->raw->text + "`",
                 flat->raw->line);
}

void Decoder::fail(const std::string &what) const {
  throw PtxError(what + " in `" + flat->raw->text + "`", flat->raw->line);
}

void Decoder::requireTarget(unsigned sm) const {
  if (targetNumber < sm)
    fail("needs .target sm_" + std::to_string(sm) + " or newer, got " +
         module.target);
}

void Decoder::requireBlackwell(bool consumer) const {
  bool family = targetNumber / 10 == 12 || (!consumer && targetNumber >= 100);
  if (!family || !targetSuffix)
    fail(std::string("needs .target ") +
         (consumer ? "sm_120a or sm_121a" : "sm_100a, sm_103a, sm_120a, ...") +
         ", got " + module.target);
}

bool Decoder::take(std::string_view word) {
  const auto &words = flat->raw->words;
  for (size_t i = 1; i < words.size(); ++i)
    if (!used[i] && words[i] == word) {
      used[i] = true;
      return true;
    }
  return false;
}

bool Decoder::takePrefix(std::string_view prefix) {
  const auto &words = flat->raw->words;
  for (size_t i = 1; i < words.size(); ++i)
    if (!used[i] && words[i].substr(0, prefix.size()) == prefix) {
      used[i] = true;
      return true;
    }
  return false;
}

Type Decoder::takeType() {
  const auto &words = flat->raw->words;
  for (size_t i = 1; i < words.size(); ++i) {
    if (used[i])
      continue;
    Type type = typeFromName(words[i]);
    if (type != Type::None) {
      used[i] = true;
      return type;
    }
  }
  unsupported();
}

void Decoder::takeRound() {
  static const std::pair<const char *, Round> table[] = {
      {".rn", Round::RN},   {".rz", Round::RZ},   {".rm", Round::RM},
      {".rp", Round::RP},   {".rna", Round::RNA}, {".rni", Round::RNI},
      {".rzi", Round::RZI}, {".rmi", Round::RMI}, {".rpi", Round::RPI}};
  uint8_t round = 0;
  if (takeEnum(table, round))
    inst->mods.round = Round(round);
}

void Decoder::takeFloatMods() {
  takeRound();
  inst->mods.ftz = take(".ftz");
  inst->mods.sat = take(".sat");
  inst->mods.relu = take(".relu");
  inst->mods.nan = take(".NaN");
  if (take(".xorsign"))
    inst->mods.xorsign = take(".abs");
  inst->mods.approx = take(".approx");
  inst->mods.full = take(".full");
}

// PTX ISA, section 8 "Memory Consistency Model": scopes do not matter to one
// machine with one order; whether an access is synchronizing does.
void Decoder::takeMemoryOrder() {
  Mods &mods = inst->mods;
  if (take(".volatile") || take(".relaxed") || take(".mmio"))
    mods.volatileLike = true;
  if (take(".acquire"))
    mods.acquire = mods.volatileLike = true;
  if (take(".release"))
    mods.release = mods.volatileLike = true;
  if (take(".acq_rel") || take(".sc"))
    mods.acquire = mods.release = mods.volatileLike = true;
  take(".weak");
  if (!take(".cta") && !take(".cluster") && !take(".gpu"))
    take(".sys");
}

void Decoder::takeSpace(bool sharedOnly) {
  if (take(".shared") || take(".shared::cta")) {
    inst->space = Space::Shared;
  } else if (take(".shared::cluster")) {
    inst->space = Space::Shared;
    inst->cluster = true;
  } else if (sharedOnly) {
    inst->space = Space::Generic;
  } else if (take(".global")) {
    inst->space = Space::Global;
  } else if (take(".local")) {
    inst->space = Space::Local;
  } else if (take(".const")) {
    inst->space = Space::Const;
  } else if (take(".param") || take(".param::entry") || take(".param::func")) {
    inst->space = Space::Param;
  } else {
    inst->space = Space::Generic;
  }
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

const RawOperand &Decoder::operand(unsigned i) {
  if (i >= numOperands())
    fail("too few operands");
  return flat->raw->operands[i];
}

void Decoder::count(unsigned operands) {
  if (numOperands() != operands)
    fail("expected " + std::to_string(operands) + " operands, got " +
         std::to_string(numOperands()));
}

uint32_t Decoder::constantRow(uint64_t value, bool wide) {
  auto [it, fresh] =
      constantIds.emplace(std::make_pair(value, wide), constants.size());
  if (fresh)
    constants.push_back({value, wide});
  return TagConst | it->second;
}

uint32_t Decoder::specialRow(Special special, bool wide) {
  auto [it, fresh] = specialIds.emplace(special, specials.size());
  if (fresh)
    specials.push_back({special, wide});
  return TagSpecial | it->second;
}

uint32_t Decoder::scratchRow(unsigned bits) {
  scratch.push_back(bits);
  return TagScratch | uint32_t(scratch.size() - 1);
}

uint32_t Decoder::regOperand(const RawOperand &op, bool def) {
  uint32_t reg = flat->regBase + op.reg;
  RegUse &use = regUses[inst->index];
  (def ? use.defs : use.uses).push_back(reg);
  return (function.regs[reg] == Type::Pred ? TagPred : TagReg) | reg;
}

static std::string regName(const FlatInst &flat, const RawOperand &op) {
  return "`" + flat.fn->regNames[op.reg] + "`";
}

void Decoder::addDst(const RawOperand &op, unsigned bits, bool atLeast) {
  if (op.kind == RawOperand::Sink) {
    ops->push_back(scratchRow(bits));
    return;
  }
  if (op.kind == RawOperand::Name)
    fail("undeclared register `" + std::string(op.name) + "`");
  if (op.kind == RawOperand::Special)
    fail("undeclared register `" + std::string(op.name) + "`");
  if (op.kind != RawOperand::Reg || op.negated)
    fail("destination is no register");
  Type type = flat->fn->regs[op.reg];
  unsigned width = typeBits(type);
  if (type == Type::Pred || (atLeast ? width < bits : width != bits))
    fail("register " + regName(*flat, op) + " is " +
         std::string(typeName(type)) + ", but " + std::to_string(bits) +
         " bits are needed");
  ops->push_back(regOperand(op, /*def=*/true));
}

static const std::pair<const char *, Special> kSpecials[] = {
    {"%tid.x", Special::TidX},
    {"%tid.y", Special::TidY},
    {"%tid.z", Special::TidZ},
    {"%ntid.x", Special::NtidX},
    {"%ntid.y", Special::NtidY},
    {"%ntid.z", Special::NtidZ},
    {"%ctaid.x", Special::CtaidX},
    {"%ctaid.y", Special::CtaidY},
    {"%ctaid.z", Special::CtaidZ},
    {"%nctaid.x", Special::NctaidX},
    {"%nctaid.y", Special::NctaidY},
    {"%nctaid.z", Special::NctaidZ},
    {"%laneid", Special::LaneId},
    {"%warpid", Special::WarpId},
    {"%nwarpid", Special::NwarpId},
    {"%smid", Special::SmId},
    {"%nsmid", Special::NsmId},
    {"%lanemask_eq", Special::LanemaskEq},
    {"%lanemask_le", Special::LanemaskLe},
    {"%lanemask_lt", Special::LanemaskLt},
    {"%lanemask_ge", Special::LanemaskGe},
    {"%lanemask_gt", Special::LanemaskGt},
    {"%clusterid.x", Special::ClusteridX},
    {"%clusterid.y", Special::ClusteridY},
    {"%clusterid.z", Special::ClusteridZ},
    {"%nclusterid.x", Special::NclusteridX},
    {"%nclusterid.y", Special::NclusteridY},
    {"%nclusterid.z", Special::NclusteridZ},
    {"%cluster_ctaid.x", Special::ClusterCtaidX},
    {"%cluster_ctaid.y", Special::ClusterCtaidY},
    {"%cluster_ctaid.z", Special::ClusterCtaidZ},
    {"%cluster_nctaid.x", Special::ClusterNctaidX},
    {"%cluster_nctaid.y", Special::ClusterNctaidY},
    {"%cluster_nctaid.z", Special::ClusterNctaidZ},
    {"%cluster_ctarank", Special::ClusterCtarank},
    {"%cluster_nctarank", Special::ClusterNctarank},
    {"%dynamic_smem_size", Special::DynamicSmemSize},
    {"%total_smem_size", Special::TotalSmemSize},
    {"%gridid", Special::GridId},
    {"%clock", Special::Clock},
    {"%clock64", Special::Clock64},
    {"%globaltimer", Special::Globaltimer},
};

static bool findSpecial(std::string_view name, Special &special) {
  for (auto &entry : kSpecials)
    if (name == entry.first) {
      special = entry.second;
      return true;
    }
  return false;
}

void Decoder::addSrc(const RawOperand &op, Type type, bool atLeast) {
  unsigned bits = std::max(typeBits(type), 8u);
  bool wide = bits == 64;
  switch (op.kind) {
  case RawOperand::Reg: {
    Type have = flat->fn->regs[op.reg];
    unsigned width = typeBits(have);
    if (op.negated || have == Type::Pred ||
        (atLeast ? width < bits : width != bits))
      fail("register " + regName(*flat, op) + " is " +
           std::string(typeName(have)) + ", but " + std::to_string(bits) +
           " bits are needed");
    ops->push_back(regOperand(op, /*def=*/false));
    return;
  }
  case RawOperand::Special: {
    Special special;
    if (!findSpecial(op.name, special))
      fail((op.name.find('.') == std::string_view::npos
                ? "undeclared register `"
                : "unsupported special register `") +
           std::string(op.name) + "`");
    bool specialWide = special == Special::Clock64 ||
                       special == Special::Globaltimer ||
                       (special == Special::GridId && wide);
    if (specialWide != wide)
      fail("special register `" + std::string(op.name) + "` has another width");
    ops->push_back(specialRow(special, wide));
    return;
  }
  case RawOperand::Int:
  case RawOperand::Float: {
    uint64_t bitsValue = op.bits;
    if (op.kind == RawOperand::Float && op.single && wide) {
      float narrow;
      uint32_t word = uint32_t(op.bits);
      std::memcpy(&narrow, &word, 4);
      double value = narrow;
      std::memcpy(&bitsValue, &value, 8);
    } else if (op.kind == RawOperand::Float && !op.single && bits == 32) {
      double value;
      std::memcpy(&value, &op.bits, 8);
      float narrow = float(value);
      bitsValue = 0;
      std::memcpy(&bitsValue, &narrow, 4);
    } else if (op.kind == RawOperand::Float && bits < 32) {
      fail("float literal where " + std::to_string(bits) + " bits are needed");
    }
    if (bits < 64)
      bitsValue &= (uint64_t(1) << bits) - 1;
    ops->push_back(constantRow(bitsValue, wide));
    return;
  }
  case RawOperand::Var:
    if (bits < 32)
      fail("address of a variable where " + std::to_string(bits) +
           " bits are needed");
    ops->push_back(constantRow(addressOf(op), wide));
    return;
  case RawOperand::Name:
    fail("undeclared register `" + std::string(op.name) + "`");
  default:
    fail("operand of a kind that is not allowed here");
  }
}

void Decoder::addPredDst(const RawOperand &op) {
  if (op.kind == RawOperand::Sink) {
    ops->push_back(TagFixedPred | kPredSink);
    return;
  }
  if (op.kind == RawOperand::Name || op.kind == RawOperand::Special)
    fail("undeclared register `" + std::string(op.name) + "`");
  if (op.kind != RawOperand::Reg || flat->fn->regs[op.reg] != Type::Pred)
    fail("destination is no predicate");
  ops->push_back(regOperand(op, /*def=*/true));
}

void Decoder::addPredSrc(const RawOperand &op, bool allowNegated) {
  if (op.kind == RawOperand::Name || op.kind == RawOperand::Special)
    fail("undeclared register `" + std::string(op.name) + "`");
  if (op.kind == RawOperand::Int) {
    ops->push_back(TagFixedPred | (op.bits ? kPredTrue : kPredFalse));
  } else if (op.kind == RawOperand::Reg &&
             flat->fn->regs[op.reg] == Type::Pred) {
    ops->push_back(regOperand(op, /*def=*/false));
  } else {
    fail("operand is no predicate");
  }
  if (op.negated && !allowNegated)
    fail("negated predicate is not allowed here");
}

void Decoder::addVectorDst(const RawOperand &op, unsigned n, unsigned bits,
                           bool atLeast) {
  if (n == 1 && op.kind != RawOperand::Vector)
    return addDst(op, bits, atLeast);
  if (op.kind != RawOperand::Vector || op.elems.size() != n)
    fail("expected a vector of " + std::to_string(n));
  for (const RawOperand &elem : op.elems)
    addDst(elem, bits, atLeast);
}

void Decoder::addVectorSrc(const RawOperand &op, unsigned n, Type type,
                           bool atLeast) {
  if (n == 1 && op.kind != RawOperand::Vector)
    return addSrc(op, type, atLeast);
  if (op.kind != RawOperand::Vector || op.elems.size() != n)
    fail("expected a vector of " + std::to_string(n));
  for (const RawOperand &elem : op.elems)
    addSrc(elem, type, atLeast);
}

uint32_t Decoder::immediate(const RawOperand &op, uint64_t low, uint64_t high,
                            const char *what) {
  if (op.kind != RawOperand::Int)
    fail(std::string(what) + " must be an integer constant");
  if (op.bits < low || op.bits > high)
    fail(std::string(what) + " must be " + std::to_string(low) + " to " +
         std::to_string(high) + ", got " + std::to_string(int64_t(op.bits)));
  return uint32_t(op.bits);
}

// [base + offset]: a register, a variable, or an absolute address.
void Decoder::addAddress(const RawOperand &op) {
  if (op.kind != RawOperand::Address)
    fail("expected an address");
  const RawOperand &base = op.elems[0];
  inst->offset = op.offset;
  inst->wideBase = true;
  if (base.kind == RawOperand::Reg) {
    Type type = flat->fn->regs[base.reg];
    unsigned width = typeBits(type);
    bool windowed = inst->space == Space::Shared ||
                    inst->space == Space::Local || inst->space == Space::Param;
    if (type == Type::Pred || (width != 64 && !(width == 32 && windowed)))
      fail("address register " + regName(*flat, base) + " is " +
           std::string(typeName(type)));
    inst->wideBase = width == 64;
    ops->push_back(regOperand(base, /*def=*/false));
    return;
  }
  if (base.kind == RawOperand::Var) {
    RawOperand plain = base;
    plain.offset = 0;
    Space space = resolve(base.var).second->space;
    bool same = space == inst->space ||
                (space == Space::Param && inst->space == Space::Local);
    if (!same && inst->space != Space::Generic)
      fail("variable `" + std::string(base.var->name) +
           "` is in another space");
    uint64_t address = addressOf(plain);
    if (inst->space == Space::Generic && space == Space::Shared)
      address += kSharedWindow;
    ops->push_back(constantRow(address, /*wide=*/true));
    return;
  }
  if (base.kind == RawOperand::Int) {
    inst->offset = 0;
    ops->push_back(constantRow(base.bits + uint64_t(op.offset), true));
    return;
  }
  fail("undeclared register `" + std::string(base.name) + "`");
}
