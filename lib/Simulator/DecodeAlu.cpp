//===- DecodeAlu.cpp - decode arithmetic, comparison and moves ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace fp4q::sim;

static InstClass classOf(Type type) {
  switch (type) {
  case Type::F32:
  case Type::F64:
  case Type::F32x2:
    return InstClass::Float;
  case Type::F16:
  case Type::F16x2:
  case Type::BF16:
  case Type::BF16x2:
    return InstClass::Half;
  default:
    return InstClass::Integer;
  }
}

// PTX ISA, section 9.7.6 "Mixed Precision Floating Point Instructions": the
// operands of a product, or the first of a sum, are halves.
void Decoder::takeMixedType() {
  if (inst->type != Type::F32)
    return;
  if (take(".bf16"))
    inst->type2 = Type::BF16;
  else if (take(".f16"))
    inst->type2 = Type::F16;
  else
    return;
  requireTarget(100);
}

static Type doubled(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  case Type::S32:
    return Type::S64;
  default:
    return Type::None;
  }
}

// PTX ISA, sections 9.7.1 "Integer Arithmetic Instructions", 9.7.2 "Extended-
// Precision Integer Arithmetic", 9.7.3 "Floating Point", 9.7.4 "Half
// Precision".
void Decoder::decodeArith() {
  Mods &mods = inst->mods;
  std::string_view word = flat->raw->words[0];
  if (word == "addc" || word == "subc" || word == "madc")
    mods.carryIn = true;
  mods.carryOut = take(".cc");
  mods.lo = take(".lo");
  mods.hi = !mods.lo && take(".hi");
  mods.wide = !mods.lo && !mods.hi && take(".wide");
  takeFloatMods();
  Type type = inst->type = takeType();
  if (inst->op == Op::Add || inst->op == Op::Sub)
    takeMixedType();
  inst->cls = classOf(type);
  bool floating = inst->cls != InstClass::Integer;
  if (floating && inst->op == Op::Mad) {
    require(type == Type::F32 || type == Type::F64);
    inst->op = Op::Fma;
  }
  if (type == Type::BF16 || type == Type::BF16x2)
    requireTarget(80);
  if (type == Type::U16x2 || type == Type::S16x2)
    requireTarget(90);
  Type result = mods.wide ? doubled(type) : type;
  require(result != Type::None);
  unsigned sources =
      inst->op == Op::Abs || inst->op == Op::Neg                          ? 1
      : inst->op == Op::Mad || inst->op == Op::Sad || inst->op == Op::Fma ? 3
                                                                          : 2;
  // min and max take a third value from sm_100 on; ours never have one.
  count(sources + 1);
  addDst(operand(0), typeBits(result));
  bool mixed = inst->type2 != Type::None;
  for (unsigned i = 1; i <= sources; ++i)
    addSrc(operand(i), i == 3 ? result : mixed && i == 1 ? inst->type2 : type);
}

void Decoder::decodeFma() {
  takeFloatMods();
  inst->type = takeType();
  takeMixedType();
  inst->cls = classOf(inst->type);
  if (inst->type == Type::F32x2)
    requireTarget(100);
  count(4);
  addDst(operand(0), typeBits(inst->type));
  bool mixed = inst->type2 != Type::None;
  for (unsigned i = 1; i < 4; ++i)
    addSrc(operand(i), mixed && i < 3 ? inst->type2 : inst->type);
}

// PTX ISA, section 9.7.8 "Logic and Shift Instructions".
void Decoder::decodeLogic() {
  if (inst->op == Op::Lop3) {
    inst->type = takeType();
    count(5);
    addDst(operand(0), 32);
    for (unsigned i = 1; i < 4; ++i)
      addSrc(operand(i), Type::B32);
    inst->imm = immediate(operand(4), 0, 255, "lookup table");
    return;
  }
  Type type = inst->type = takeType();
  bool unary = inst->op == Op::Not || inst->op == Op::Cnot;
  count(unary ? 2 : 3);
  if (type != Type::Pred) {
    addDst(operand(0), typeBits(type));
    for (unsigned i = 1; i < numOperands(); ++i)
      addSrc(operand(i), type);
    return;
  }
  inst->cls = InstClass::Predicate;
  switch (inst->op) {
  case Op::And:
    inst->op = Op::PredAnd;
    break;
  case Op::Or:
    inst->op = Op::PredOr;
    break;
  case Op::Xor:
    inst->op = Op::PredXor;
    break;
  case Op::Not:
    inst->op = Op::PredNot;
    break;
  default:
    unsupported();
  }
  addPredDst(operand(0));
  for (unsigned i = 1; i < numOperands(); ++i)
    addPredSrc(operand(i));
}

void Decoder::decodeShift() {
  if (inst->op == Op::Shf) {
    inst->mods.hi = take(".r");
    if (!inst->mods.hi)
      require(take(".l"));
    inst->mods.wrap = take(".wrap");
    if (!inst->mods.wrap)
      require(take(".clamp"));
    inst->type = takeType();
    require(inst->type == Type::B32);
    count(4);
    addDst(operand(0), 32);
    for (unsigned i = 1; i < 4; ++i)
      addSrc(operand(i), Type::B32);
    return;
  }
  inst->type = takeType();
  count(3);
  addDst(operand(0), typeBits(inst->type));
  addSrc(operand(1), inst->type);
  addSrc(operand(2), Type::U32);
}

void Decoder::decodeBits() {
  static const std::pair<const char *, PrmtMode> modes[] = {
      {".f4e", PrmtMode::F4e}, {".b4e", PrmtMode::B4e},
      {".rc8", PrmtMode::Rc8}, {".ecl", PrmtMode::Ecl},
      {".ecr", PrmtMode::Ecr}, {".rc16", PrmtMode::Rc16}};
  Mods &mods = inst->mods;
  if (inst->op == Op::Bmsk || inst->op == Op::Szext) {
    mods.wrap = take(".wrap");
    if (!mods.wrap)
      require(take(".clamp"));
  }
  if (inst->op == Op::Bfind)
    mods.hi = take(".shiftamt");
  Type type = inst->type = takeType();
  if (inst->op == Op::Prmt)
    takeEnum(modes, mods.sub);
  // popc, clz and bfind give .u32 whatever their type.
  bool counts =
      inst->op == Op::Popc || inst->op == Op::Clz || inst->op == Op::Bfind;
  addDst(operand(0), counts ? 32 : typeBits(type));
  static const std::pair<Op, unsigned> arity[] = {
      {Op::Popc, 1}, {Op::Clz, 1},  {Op::Bfind, 1}, {Op::Brev, 1}, {Op::Bfe, 3},
      {Op::Bfi, 4},  {Op::Bmsk, 2}, {Op::Szext, 2}, {Op::Prmt, 3}};
  unsigned sources = 0;
  for (auto &entry : arity)
    if (entry.first == inst->op)
      sources = entry.second;
  count(sources + 1);
  unsigned values = inst->op == Op::Bfi ? 2 : 1;
  for (unsigned i = 1; i <= sources; ++i)
    addSrc(operand(i), i <= values || inst->op == Op::Prmt ? type : Type::U32);
}

// dp4a and dp2a. PTX ISA, sections 9.7.1.23 and 9.7.1.24.
void Decoder::decodeDot() {
  if (inst->op == Op::Dp2a) {
    inst->mods.hi = take(".hi");
    if (!inst->mods.hi)
      require(take(".lo"));
  }
  inst->type = takeType();
  inst->type2 = takeType();
  require((inst->type == Type::U32 || inst->type == Type::S32) &&
          (inst->type2 == Type::U32 || inst->type2 == Type::S32));
  count(4);
  addDst(operand(0), 32);
  for (unsigned i = 1; i < 4; ++i)
    addSrc(operand(i), Type::B32);
}

void Decoder::decodeApprox() {
  takeFloatMods();
  inst->type = takeType();
  inst->cls = classOf(inst->type);
  count(inst->op == Op::Copysign ? 3 : 2);
  addDst(operand(0), typeBits(inst->type));
  for (unsigned i = 1; i < numOperands(); ++i)
    addSrc(operand(i), inst->type);
}

// PTX ISA, sections 9.7.6 "Comparison and Selection" and 9.7.7 "Half Precision
// Comparison".
void Decoder::decodeCompare() {
  static const std::pair<const char *, Cmp> compares[] = {
      {".eq", Cmp::Eq},   {".ne", Cmp::Ne},   {".lt", Cmp::Lt},
      {".le", Cmp::Le},   {".gt", Cmp::Gt},   {".ge", Cmp::Ge},
      {".lo", Cmp::Lo},   {".ls", Cmp::Ls},   {".hi", Cmp::Hi},
      {".hs", Cmp::Hs},   {".equ", Cmp::Equ}, {".neu", Cmp::Neu},
      {".ltu", Cmp::Ltu}, {".leu", Cmp::Leu}, {".gtu", Cmp::Gtu},
      {".geu", Cmp::Geu}, {".num", Cmp::Num}, {".nan", Cmp::Nan}};
  static const std::pair<const char *, Bool> bools[] = {
      {".and", Bool::And}, {".or", Bool::Or}, {".xor", Bool::Xor}};
  Mods &mods = inst->mods;
  require(takeEnum(compares, mods.sub));
  bool combined = takeEnum(bools, mods.sub2);
  mods.ftz = take(".ftz");
  count(combined ? 4 : 3);
  inst->cls = InstClass::Predicate;
  if (inst->op == Op::Set) {
    inst->type2 = takeType();
    inst->type = takeType();
    addDst(operand(0), typeBits(inst->type2));
  } else {
    inst->type = takeType();
    addPredDst(operand(0));
    RawOperand none;
    addPredDst(operand(0).second.empty() ? none : operand(0).second[0]);
  }
  addSrc(operand(1), inst->type);
  addSrc(operand(2), inst->type);
  if (combined) {
    addPredSrc(operand(3), /*allowNegated=*/true);
    mods.negated = operand(3).negated;
  } else {
    ops->push_back(TagFixedPred | kPredTrue);
  }
}

void Decoder::decodeSelect() {
  count(4);
  if (inst->op == Op::Slct) {
    inst->mods.ftz = take(".ftz");
    inst->type = takeType();
    inst->type2 = takeType();
    addDst(operand(0), typeBits(inst->type));
    addSrc(operand(1), inst->type);
    addSrc(operand(2), inst->type);
    addSrc(operand(3), inst->type2);
    return;
  }
  inst->type = takeType();
  inst->cls = InstClass::Predicate;
  addDst(operand(0), typeBits(inst->type));
  addSrc(operand(1), inst->type);
  addSrc(operand(2), inst->type);
  addPredSrc(operand(3), /*allowNegated=*/true);
  inst->mods.negated = operand(3).negated;
}

void Decoder::decodeTestp() {
  static const std::pair<const char *, TestMode> modes[] = {
      {".finite", TestMode::Finite}, {".infinite", TestMode::Infinite},
      {".number", TestMode::Number}, {".notanumber", TestMode::NotANumber},
      {".normal", TestMode::Normal}, {".subnormal", TestMode::Subnormal}};
  require(takeEnum(modes, inst->mods.sub));
  inst->type = takeType();
  inst->cls = InstClass::Predicate;
  count(2);
  addPredDst(operand(0));
  addSrc(operand(1), inst->type);
}

// PTX ISA, section 9.7.9.4 and 9.7.9.5 "mov".
void Decoder::decodeMov() {
  Type type = inst->type = takeType();
  inst->cls = InstClass::Move;
  count(2);
  const RawOperand &to = operand(0), &from = operand(1);
  if (type == Type::Pred) {
    inst->op = Op::PredMov;
    inst->cls = InstClass::Predicate;
    addPredDst(to);
    if (from.kind == RawOperand::Special &&
        from.name == "%is_explicit_cluster") {
      inst->op = Op::IsExplicitCluster;
      return;
    }
    addPredSrc(from);
    return;
  }
  unsigned bits = typeBits(type);
  require(bits <= 64);
  if (to.kind == RawOperand::Vector || from.kind == RawOperand::Vector) {
    bool pack = from.kind == RawOperand::Vector;
    const RawOperand &vector = pack ? from : to;
    size_t n = vector.elems.size();
    require((n == 2 || n == 4) && bits / n >= 8 && isBits(type));
    inst->op = pack ? Op::MovPack : Op::MovUnpack;
    inst->vec = uint8_t(n);
    Type part = bits / n == 8    ? Type::B8
                : bits / n == 16 ? Type::B16
                                 : Type::B32;
    inst->type2 = part;
    if (pack) {
      addDst(to, bits);
      addVectorSrc(from, unsigned(n), part);
    } else {
      addVectorDst(to, unsigned(n), bits / unsigned(n));
      addSrc(from, type);
    }
    return;
  }
  addDst(to, bits);
  if (from.kind == RawOperand::Special &&
      (from.name == "%clock" || from.name == "%clock64" ||
       from.name == "%globaltimer")) {
    inst->op = Op::Clock;
    require(bits == (from.name == "%clock" ? 32u : 64u));
    return;
  }
  if (from.kind == RawOperand::Var && paramOffsets.count(from.var)) {
    require(bits == 64);
    inst->op = Op::ParamAddr;
    inst->offset = paramOffsets[from.var] + from.offset;
    return;
  }
  addSrc(from, type);
}

// PTX ISA, section 9.7.9.21 "cvt". `imm` and `vec` carry the widths of the
// registers in bytes: integer operands may be wider than their type.
void Decoder::decodeCvt() {
  takeFloatMods();
  inst->mods.satfinite = take(".satfinite");
  Type to = inst->type = takeType();
  Type from = inst->type2 = takeType();
  inst->cls = InstClass::Convert;
  const auto isF8 = [](Type t) {
    return t == Type::E4M3x2 || t == Type::E5M2x2;
  };
  const auto isBlackwell = [](Type t) {
    return t == Type::E2M1x2 || t == Type::UE8M0x2;
  };
  if (isBlackwell(to) || isBlackwell(from))
    requireBlackwell(/*consumer=*/false);
  if (isF8(to) || isF8(from))
    requireTarget(89);
  bool pair = (to == Type::F16x2 || to == Type::BF16x2 || isF8(to) ||
               isBlackwell(to)) &&
              from == Type::F32;
  count(pair ? 3 : 2);
  const auto registerBytes = [&](const RawOperand &op) -> unsigned {
    if (op.kind != RawOperand::Reg)
      return typeBytes(from);
    return typeBytes(flat->fn->regs[op.reg]);
  };
  bool integers = isInt(to);
  addDst(operand(0), typeBits(to), /*atLeast=*/integers);
  inst->imm = operand(0).kind == RawOperand::Reg
                  ? typeBytes(flat->fn->regs[operand(0).reg])
                  : typeBytes(to);
  addSrc(operand(1), from, /*atLeast=*/isInt(from));
  inst->vec = uint8_t(registerBytes(operand(1)));
  if (pair)
    addSrc(operand(2), from);
}

// PTX ISA, sections 9.7.9.19 "isspacep" and 9.7.9.20 "cvta".
void Decoder::decodeCvta() {
  inst->cls = InstClass::Move;
  inst->mods.to = take(".to");
  takeSpace();
  if (inst->op == Op::Isspacep) {
    count(2);
    addPredDst(operand(0));
    addSrc(operand(1), Type::U64);
    return;
  }
  inst->type = takeType();
  count(2);
  require(typeBits(inst->type) == 64);
  addDst(operand(0), 64);
  const RawOperand &from = operand(1);
  if (from.kind == RawOperand::Var && paramOffsets.count(from.var)) {
    inst->op = Op::ParamAddr;
    inst->offset = paramOffsets[from.var] + from.offset;
    return;
  }
  addSrc(from, Type::U64);
}

// PTX ISA, sections 9.7.9.23 "mapa" and 9.7.9.24 "getctarank".
void Decoder::decodeCluster() {
  requireTarget(90);
  inst->cls = InstClass::Move;
  takeSpace(/*sharedOnly=*/true);
  inst->type = takeType();
  bool rank = inst->op == Op::GetCtaRank;
  count(rank ? 2 : 3);
  addDst(operand(0), rank ? 32 : typeBits(inst->type));
  addSrc(operand(1), inst->type);
  if (!rank)
    addSrc(operand(2), Type::U32);
}
