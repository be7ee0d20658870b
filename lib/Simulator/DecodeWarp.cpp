//===- DecodeWarp.cpp - decode barriers, warp-wide and matrix operations --===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace fp4q::sim;

// PTX ISA, sections 9.7.13.1 "bar, barrier", 9.7.13.2 "bar.warp.sync".
// Operands: [destination,] barrier, threads (0: all) [, predicate].
void Decoder::decodeBarrier() {
  inst->cls = InstClass::Barrier;
  if (take(".cluster"))
    return decodeClusterBarrier();
  if (take(".warp")) {
    require(take(".sync"));
    inst->op = Op::BarWarp;
    inst->control = Control::Collective;
    count(1);
    return addSrc(operand(0), Type::U32);
  }
  take(".cta");
  bool isBar = flat->raw->words[0] == "bar";
  inst->control = Control::CtaBarrier;
  bool red = take(".red"), arrive = take(".arrive");
  require(red || arrive || take(".sync"));
  inst->mods.aligned = take(".aligned") || isBar;
  unsigned at = 0, tail = red ? 1 : 0;
  if (red) {
    static const std::pair<const char *, Atomic> kinds[] = {
        {".popc", Atomic::Popc}, {".and", Atomic::And}, {".or", Atomic::Or}};
    inst->op = Op::BarRed;
    require(takeEnum(kinds, inst->mods.sub));
    bool popc = inst->mods.sub == uint8_t(Atomic::Popc);
    require(takeType() == (popc ? Type::U32 : Type::Pred));
    if (popc)
      addDst(operand(at++), 32);
    else
      addPredDst(operand(at++));
  } else if (arrive) {
    inst->op = Op::BarArrive;
    count(2);
  }
  addSrc(operand(at++), Type::U32);
  if (at + tail < numOperands())
    addSrc(operand(at++), Type::U32);
  else
    ops->push_back(constantRow(0, false));
  if (red) {
    addPredSrc(operand(at), /*allowNegated=*/true);
    inst->mods.negated = operand(at++).negated;
  }
  count(at);
}

// PTX ISA, section 9.7.13.3 "barrier.cluster".
void Decoder::decodeClusterBarrier() {
  requireTarget(90);
  inst->op = take(".arrive") ? Op::ClusterArrive : Op::ClusterWait;
  bool wait = inst->op == Op::ClusterWait;
  if (wait)
    require(take(".wait"));
  take(".release");
  take(".relaxed");
  take(".acquire");
  inst->mods.aligned = take(".aligned");
  inst->control = wait                 ? Control::ClusterWait
                  : inst->mods.aligned ? Control::Aligned
                                       : Control::None;
  count(0);
}

// PTX ISA, section 9.7.9.6 "shfl.sync".
void Decoder::decodeShfl() {
  static const std::pair<const char *, ShflMode> modes[] = {
      {".up", ShflMode::Up},
      {".down", ShflMode::Down},
      {".bfly", ShflMode::Bfly},
      {".idx", ShflMode::Idx}};
  inst->cls = InstClass::Warp;
  inst->control = Control::Collective;
  require(take(".sync") && takeEnum(modes, inst->mods.sub));
  require(takeType() == Type::B32);
  count(5);
  addDst(operand(0), 32);
  RawOperand none;
  addPredDst(operand(0).second.empty() ? none : operand(0).second[0]);
  for (unsigned i = 1; i < 5; ++i)
    addSrc(operand(i), Type::B32);
}

// PTX ISA, section 9.7.13.9 "vote.sync".
void Decoder::decodeVote() {
  static const std::pair<const char *, VoteMode> modes[] = {
      {".all", VoteMode::All},
      {".any", VoteMode::Any},
      {".uni", VoteMode::Uni},
      {".ballot", VoteMode::Ballot}};
  inst->cls = InstClass::Warp;
  inst->control = Control::Collective;
  require(take(".sync") && takeEnum(modes, inst->mods.sub));
  bool ballot = inst->mods.sub == uint8_t(VoteMode::Ballot);
  require(takeType() == (ballot ? Type::B32 : Type::Pred));
  count(3);
  if (ballot)
    addDst(operand(0), 32);
  else
    addPredDst(operand(0));
  addPredSrc(operand(1), /*allowNegated=*/true);
  inst->mods.negated = operand(1).negated;
  addSrc(operand(2), Type::B32);
}

// PTX ISA, section 9.7.13.10 "match.sync".
void Decoder::decodeMatch() {
  inst->cls = InstClass::Warp;
  inst->control = Control::Collective;
  bool all = inst->mods.hi = take(".all");
  require(all || take(".any"));
  require(take(".sync"));
  Type type = inst->type = takeType();
  require(typeBits(type) == 32 || typeBits(type) == 64);
  count(3);
  addDst(operand(0), 32);
  RawOperand none;
  addPredDst(operand(0).second.empty() ? none : operand(0).second[0]);
  addSrc(operand(1), type);
  addSrc(operand(2), Type::B32);
}

// PTX ISA, section 9.7.13.12 "redux.sync".
void Decoder::decodeRedux() {
  static const std::pair<const char *, Atomic> kinds[] = {
      {".add", Atomic::Add}, {".min", Atomic::Min}, {".max", Atomic::Max},
      {".and", Atomic::And}, {".or", Atomic::Or},   {".xor", Atomic::Xor}};
  requireTarget(80);
  inst->cls = InstClass::Warp;
  inst->control = Control::Collective;
  require(take(".sync") && takeEnum(kinds, inst->mods.sub));
  inst->mods.abs = take(".abs");
  inst->mods.nan = take(".NaN");
  Type type = inst->type = takeType();
  if (type != Type::F32)
    require(!inst->mods.abs && !inst->mods.nan);
  else if (targetNumber / 10 != 10 || !targetSuffix)
    fail("needs .target sm_100a or sm_103a, got " + module.target);
  count(3);
  addDst(operand(0), 32);
  addSrc(operand(1), type);
  addSrc(operand(2), Type::B32);
}

// PTX ISA, sections 9.7.13.11 "activemask" and 9.7.13.16 "elect.sync".
void Decoder::decodeElect() {
  inst->cls = InstClass::Warp;
  if (inst->op == Op::Activemask) {
    require(takeType() == Type::B32);
    count(1);
    return addDst(operand(0), 32);
  }
  requireTarget(90);
  inst->control = Control::Collective;
  require(take(".sync"));
  count(2);
  addDst(operand(0), 32);
  require(!operand(0).second.empty());
  addPredDst(operand(0).second[0]);
  addSrc(operand(1), Type::B32);
}

// PTX ISA, sections 9.7.14.5.15 "ldmatrix", 9.7.14.5.16 "stmatrix" and
// 9.7.14.5.17 "movmatrix"; the shape .m8n8 with .b16 elements.
void Decoder::decodeMatrixMove() {
  inst->cls = InstClass::Matrix;
  inst->control = Control::Aligned;
  require(take(".sync") && take(".aligned") && take(".m8n8"));
  inst->mods.trans = take(".trans");
  if (inst->op == Op::MovMatrix) {
    require(inst->mods.trans && takeType() == Type::B16);
    count(2);
    addDst(operand(0), 32);
    return addSrc(operand(1), Type::B32);
  }
  inst->vec = take(".x1") ? 1 : take(".x2") ? 2 : 4;
  if (inst->vec == 4)
    require(take(".x4"));
  takeSpace(/*sharedOnly=*/true);
  require(takeType() == Type::B16);
  count(2);
  if (inst->op == Op::LdMatrix) {
    addVectorDst(operand(0), inst->vec, 32);
    return addAddress(operand(1));
  }
  requireTarget(90);
  addVectorSrc(operand(1), inst->vec, Type::B32);
  addAddress(operand(0));
}

//===----------------------------------------------------------------------===//
// mma.sync. PTX ISA, section 9.7.14.5.14 "mma".
//===----------------------------------------------------------------------===//

void Decoder::decodeMma() {
  inst->cls = InstClass::Mma;
  inst->control = Control::Aligned;
  if (take(".sp"))
    unsupported();
  require(take(".sync") && take(".aligned"));
  static const std::pair<const char *, uint8_t> shapes[] = {{".m16n8k4", 4},
                                                            {".m16n8k8", 8},
                                                            {".m16n8k16", 16},
                                                            {".m16n8k32", 32},
                                                            {".m16n8k64", 64}};
  uint8_t k = 0;
  require(takeEnum(shapes, k));
  inst->imm = k;
  require(take(".row") && take(".col"));
  if (take(".block_scale"))
    return decodeMmaScaled();
  bool f8f6f4 = take(".kind::f8f6f4");
  if (f8f6f4) {
    requireBlackwell(/*consumer=*/true);
    require(k == 32);
  }
  inst->mods.satfinite = take(".satfinite");
  inst->mods.wide = f8f6f4;
  decodeMmaTypes();
}

// Registers: a matrix of r rows and k columns of n bits takes r * k * n / 1024
// of them; 4- and 6-bit elements of kind::f8f6f4 and kind::mxf8f6f4 take a byte
// each.
void Decoder::decodeMmaTypes() {
  Type d = inst->type = takeType();
  Type a = inst->type2 = takeType();
  Type b = inst->type3 = takeType();
  Type c = takeType();
  require(c == d);
  unsigned k = inst->imm & 0xff;
  bool scaled4 = inst->op == Op::MmaScaled && k == 64;
  unsigned bits = scaled4 ? 4 : std::max(typeBits(a), 8u);
  const auto isNarrow = [](Type t) {
    return t == Type::E4M3 || t == Type::E5M2 || t == Type::E2M3 ||
           t == Type::E3M2 || t == Type::E2M1;
  };
  bool legal = false;
  if (a == Type::BF16) {
    requireTarget(80);
    legal = b == a && d == Type::F32 && (k == 8 || k == 16);
  } else if (a == Type::F16) {
    requireTarget(k == 8 ? 75 : 80);
    legal = b == a && (d == Type::F32 || d == Type::F16) && (k == 8 || k == 16);
  } else if (a == Type::TF32) {
    requireTarget(80);
    legal = b == a && d == Type::F32 && (k == 4 || k == 8);
  } else if (isNarrow(a) && isNarrow(b)) {
    bool plain = typeBits(a) == 8 && typeBits(b) == 8 &&
                 (a == Type::E4M3 || a == Type::E5M2) &&
                 (b == Type::E4M3 || b == Type::E5M2);
    if (inst->op == Op::MmaScaled)
      legal = d == Type::F32;
    else if (inst->mods.wide)
      legal = d == Type::F32 || d == Type::F16;
    else
      legal =
          plain && (d == Type::F32 || d == Type::F16) && (k == 16 || k == 32);
    if (inst->op != Op::MmaScaled && !inst->mods.wide)
      requireTarget(89);
  } else if ((a == Type::S8 || a == Type::U8) &&
             (b == Type::S8 || b == Type::U8)) {
    requireTarget(80);
    inst->op = Op::MmaInt;
    legal = !inst->mods.wide && d == Type::S32 && (k == 16 || k == 32);
  }
  require(legal && (!inst->mods.satfinite || inst->op == Op::MmaInt));
  unsigned aRegs = 16 * k * bits / 1024, bRegs = aRegs / 2;
  unsigned dRegs = d == Type::F16 ? 2 : 4;
  require(numOperands() >= 4);
  addVectorDst(operand(0), dRegs, 32);
  addVectorSrc(operand(1), aRegs, Type::B32);
  addVectorSrc(operand(2), bRegs, Type::B32);
  addVectorSrc(operand(3), dRegs, Type::B32);
  if (inst->op != Op::MmaScaled)
    count(4);
}

// PTX ISA, section 9.7.14.3 "Block Scaling for mma.sync", table 36. `imm` is k
// plus the scale vector size (1, 2 or 4) in its second byte.
void Decoder::decodeMmaScaled() {
  inst->op = Op::MmaScaled;
  requireBlackwell(/*consumer=*/true);
  unsigned k = inst->imm;
  bool mxf8 = take(".kind::mxf8f6f4"), mxf4 = take(".kind::mxf4");
  bool nvf4 = take(".kind::mxf4nvf4");
  unsigned vec = take(".scale_vec::1X")   ? 1
                 : take(".scale_vec::2X") ? 2
                 : take(".scale_vec::4X") ? 4
                 : mxf8                   ? 1
                 : mxf4                   ? 2
                                          : 0;
  // The scale type comes last, behind the four matrix types.
  bool ue8m0 = take(".ue8m0");
  require(ue8m0 || take(".ue4m3"));
  if (mxf8)
    require(k == 32 && vec == 1 && ue8m0);
  else if (mxf4)
    require(k == 64 && vec == 2 && ue8m0);
  else
    require(nvf4 && k == 64 && (vec == 4 || (vec == 2 && ue8m0)));
  inst->imm = k | vec << 8;
  inst->mods.wide = mxf8;
  inst->mods.sub = uint8_t(ue8m0 ? Type::UE8M0 : Type::UE4M3);
  decodeMmaTypes();
  if (!mxf8)
    require(inst->type2 == Type::E2M1 && inst->type3 == Type::E2M1);
  count(8);
  for (unsigned side = 0; side < 2; ++side) {
    const RawOperand &data = operand(4 + 2 * side);
    const RawOperand &selector = operand(5 + 2 * side);
    addVectorSrc(data, 1, Type::B32);
    if (selector.kind != RawOperand::Vector || selector.elems.size() != 2)
      fail("expected a selector {byte-id, thread-id}");
    const RawOperand &byte = selector.elems[0], &thread = selector.elems[1];
    if (byte.kind == RawOperand::Int) {
      immediate(byte, 0, vec == 1 ? 3 : vec == 2 ? 2 : 0, "byte-id");
      if (vec == 2 && byte.bits == 1)
        fail("byte-id must be 0 or 2, got 1");
    }
    if (thread.kind == RawOperand::Int)
      immediate(thread, 0, side == 0 ? 1 : 3, "thread-id");
    addVectorSrc(selector, 2, Type::U16);
  }
}
