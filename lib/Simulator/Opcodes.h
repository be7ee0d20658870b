//===- Opcodes.h - the operations the simulator executes --------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_OPCODES_H
#define FP4Q_LIB_SIMULATOR_OPCODES_H

#include <cstdint>

namespace fp4q::sim {

/// One entry per PTX operation; types and modifiers are elsewhere in Inst.
enum class Op : uint8_t {
  // Integer and logic. PTX ISA, sections 9.7.1, 9.7.2 and 9.7.8.
  Add,
  Sub,
  Mul,
  Mad,
  Sad,
  Div,
  Rem,
  Abs,
  Neg,
  Min,
  Max,
  Popc,
  Clz,
  Bfind,
  Brev,
  Bfe,
  Bfi,
  Bmsk,
  Szext,
  Dp4a,
  Dp2a,
  And,
  Or,
  Xor,
  Not,
  Cnot,
  Lop3,
  Shl,
  Shr,
  Shf,
  Prmt,
  // Floating point. Sections 9.7.3 to 9.7.5.
  Fma,
  Rcp,
  Sqrt,
  Rsqrt,
  Ex2,
  Lg2,
  Sin,
  Cos,
  Tanh,
  Testp,
  Copysign,
  // Comparison and selection. Sections 9.7.6 and 9.7.7.
  Setp,
  Set,
  Selp,
  Slct,
  PredAnd,
  PredOr,
  PredXor,
  PredNot,
  PredMov,
  // Movement and conversion. Section 9.7.9.
  Mov,
  MovPack,
  MovUnpack,
  ParamAddr,
  Cvt,
  Cvta,
  Isspacep,
  Mapa,
  GetCtaRank,
  Clock,
  IsExplicitCluster,
  // Memory. Sections 9.7.9 and 9.7.13.
  Ld,
  LdParam,
  St,
  Atom,
  Red,
  CpAsync,
  CpAsyncCommit,
  CpAsyncWait,
  CpAsyncMbarrier,
  Nop,
  // Synchronization and communication. Section 9.7.13.
  Bar,
  BarArrive,
  BarRed,
  BarWarp,
  ClusterArrive,
  ClusterWait,
  Shfl,
  Vote,
  Match,
  Redux,
  Activemask,
  Elect,
  MbarInit,
  MbarInval,
  MbarArrive,
  MbarExpectTx,
  MbarCompleteTx,
  MbarTest,
  MbarPending,
  // Matrices. Section 9.7.14.
  LdMatrix,
  StMatrix,
  MovMatrix,
  Mma,
  MmaInt,
  MmaScaled,
  // Control. Section 9.7.12.
  Bra,
  BrxIdx,
  Trap,
  Exit,
};

/// Special registers. PTX ISA, section 10.
enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NwarpId,
  SmId,
  NsmId,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  ClusteridX,
  ClusteridY,
  ClusteridZ,
  NclusteridX,
  NclusteridY,
  NclusteridZ,
  ClusterCtaidX,
  ClusterCtaidY,
  ClusterCtaidZ,
  ClusterNctaidX,
  ClusterNctaidY,
  ClusterNctaidZ,
  ClusterCtarank,
  ClusterNctarank,
  DynamicSmemSize,
  TotalSmemSize,
  GridId,
  Clock,
  Clock64,
  Globaltimer,
};

/// Comparison operators, in Mods::sub. PTX ISA, section 9.7.6.
enum class Cmp : uint8_t {
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
  Lo,
  Ls,
  Hi,
  Hs,
  Equ,
  Neu,
  Ltu,
  Leu,
  Gtu,
  Geu,
  Num,
  Nan,
};

/// Boolean operators of set and setp, in Mods::sub2.
enum class Bool : uint8_t { None, And, Or, Xor };

/// Operations of atom, red and redux, in Mods::sub.
enum class Atomic : uint8_t {
  Add,
  Min,
  Max,
  And,
  Or,
  Xor,
  Exch,
  Cas,
  Inc,
  Dec,
  Popc,
};

/// Modes of shfl, vote, match and testp, in Mods::sub.
enum class ShflMode : uint8_t { Up, Down, Bfly, Idx };
enum class VoteMode : uint8_t { All, Any, Uni, Ballot };
enum class TestMode : uint8_t {
  Finite,
  Infinite,
  Number,
  NotANumber,
  Normal,
  Subnormal,
};

/// Modes of prmt, in Mods::sub.
enum class PrmtMode : uint8_t { Default, F4e, B4e, Rc8, Ecl, Ecr, Rc16 };

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_OPCODES_H
