//===- Ast.h - PTX as written -----------------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parser makes of a PTX module: names are resolved to registers and
// variables, instructions are still text. Views point into the module's text.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_AST_H
#define FP4Q_LIB_SIMULATOR_AST_H

#include "Lexer.h"
#include "Types.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fp4q::sim {

/// Where a variable lives. PTX ISA, section 5.1 "State Spaces".
enum class Space : uint8_t { Generic, Global, Const, Shared, Local, Param };

/// A variable declaration. PTX ISA, section 5.4 "Variables".
struct Variable {
  std::string_view name;
  Space space = Space::Global;
  Type type = Type::B8;
  unsigned align = 1;
  uint64_t size = 0; ///< bytes; 0 for `extern x[]`
  bool external = false;
  unsigned line = 0;
  std::vector<uint8_t> init;
  /// An address within the initializer: the bytes at `offset` hold the address
  /// of `symbol` plus `addend`.
  struct Reloc {
    uint64_t offset;
    std::string_view symbol;
    int64_t addend;
  };
  std::vector<Reloc> relocs;
};

/// One operand of an instruction.
struct RawOperand {
  enum Kind : uint8_t {
    Reg,     ///< `reg`
    Var,     ///< `var` + offset
    Special, ///< `name` with its suffix: %tid.x
    Name,    ///< label or function: `name`
    Int,     ///< `bits`
    Float,   ///< `bits`; `single` says which literal it was
    Vector,  ///< {elems}
    Address, ///< [elems[0] + offset]
    List,    ///< (elems), of call
    Sink,    ///< _
  };
  Kind kind = Sink;
  bool single = false;
  bool negated = false; ///< !%p
  uint32_t reg = 0;
  const Variable *var = nullptr;
  uint64_t bits = 0;
  int64_t offset = 0;
  std::string_view name;
  std::vector<RawOperand> elems;
  /// The q of p|q, as a list of one.
  std::vector<RawOperand> second;
};

/// One instruction.
struct RawInst {
  unsigned line = 0;
  unsigned scope = 0;
  int32_t pred = -1; ///< register of the guard
  bool predNegated = false;
  std::string text;                    ///< "ld.global.v4.b32"
  std::vector<std::string_view> words; ///< "ld", ".global", ".v4", ".b32"
  std::vector<RawOperand> operands;
};

/// A function or a kernel entry.
struct RawFunction {
  std::string_view name;
  bool entry = false;
  bool defined = false;
  unsigned line = 0;
  std::vector<const Variable *> params;
  std::vector<const Variable *> results;
  std::vector<Type> regs;
  std::vector<std::string> regNames;
  std::vector<RawInst> insts;
  /// Labels: (scope, name) -> index into insts.
  std::map<std::pair<unsigned, std::string_view>, uint32_t> labels;
  std::vector<unsigned> scopeParents;
  /// `.branchtargets` lists: (scope, name) -> label names.
  std::map<std::pair<unsigned, std::string_view>, std::vector<std::string_view>>
      branchTargets;
  std::vector<const Variable *> locals; ///< shared, local and param variables
  uint32_t reqntid[3] = {0, 0, 0};      ///< 0: not given
  uint32_t maxntid[3] = {0, 0, 0};
  uint32_t reqCluster[3] = {0, 0, 0};
};

/// A module.
struct RawModule {
  unsigned version = 0;                             ///< major * 10 + minor
  std::string target;                               ///< "sm_90a"
  std::vector<std::unique_ptr<Variable>> variables; ///< all, every scope
  std::vector<const Variable *> globals;            ///< module scope
  std::unordered_map<std::string_view, const Variable *> globalNames;
  std::vector<std::unique_ptr<RawFunction>> functions;
  std::unordered_map<std::string_view, RawFunction *> functionNames;
};

/// Parses PTX text, which must outlive the result. Throws PtxError.
RawModule parsePtx(std::string_view text);

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_AST_H
