//===- Parser.h - recursive descent over PTX --------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_PARSER_H
#define FP4Q_LIB_SIMULATOR_PARSER_H

#include "Ast.h"

#include <memory>

namespace fp4q::sim {

/// The parser's state. Parser.cpp holds what stands at module level,
/// ParserBody.cpp what stands within a function.
class Parser {
public:
  explicit Parser(std::string_view text) : lexer(text) { advance(); }
  RawModule parse();

private:
  /// A run of registers declared together: %r<30>, or one register.
  struct RegRun {
    uint32_t first;
    uint32_t count; ///< 0: a plain name
  };
  struct Scope {
    unsigned id;
    std::unordered_map<std::string_view, RegRun> regs;
    std::unordered_map<std::string_view, const Variable *> vars;
  };

  void advance() { token = lexer.next(); }
  bool accept(char c);
  bool acceptDot(std::string_view word);
  void expect(char c, const char *context);
  std::string_view expectIdent(const char *context);
  uint64_t expectInt(const char *context);
  [[noreturn]] void fail(const std::string &what) const {
    throw PtxError(what, token.line);
  }
  /// The current token as an error message shows it.
  std::string shown() const;

  void parseVersion();
  void parseTarget();
  void parseTopLevel();
  void parseFunction(bool entry);
  void parseFunctionAttributes(RawFunction &fn);
  void parseDims(uint32_t (&dims)[3]);
  std::vector<const Variable *> parseParams();
  bool isSpaceWord(Space &space) const;
  std::vector<const Variable *> parseVariables(Space space, bool external);
  Variable *parseDeclarator(const Variable &prototype);
  void parseInitializer(Variable &var);
  void parseInitValue(Variable &var, uint64_t &offset);

  void parseBody(RawFunction &fn);
  void parseStatement(RawFunction &fn);
  void parseDirective(RawFunction &fn);
  void parseRegisters(RawFunction &fn);
  void parseInstruction(RawFunction &fn);
  RawOperand parseOperand(unsigned depth);
  RawOperand parseName(std::string_view word);
  RawOperand parseNumber(bool minus);
  bool findRegister(std::string_view word, uint32_t &reg) const;
  const Variable *findVariable(std::string_view word) const;

  Lexer lexer;
  Token token;
  RawModule module;
  std::vector<Scope> scopes;
};

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_PARSER_H
