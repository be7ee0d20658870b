//===- ParserBody.cpp - PTX within a function -----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include <cstring>

using namespace fp4q::sim;

static constexpr uint64_t kMaxRegisters = 1 << 18;
static constexpr unsigned kMaxNesting = 8;

void Parser::parseBody(RawFunction &fn) {
  size_t outer = scopes.size();
  expect('{', "before a function body");
  while (!(token.is('}') && scopes.size() == outer)) {
    if (token.kind == Tok::End)
      fail("unexpected end of text in function `" + std::string(fn.name) + "`");
    parseStatement(fn);
  }
  advance();
}

void Parser::parseStatement(RawFunction &fn) {
  if (accept('{')) {
    unsigned id = unsigned(fn.scopeParents.size());
    fn.scopeParents.push_back(scopes.back().id);
    scopes.push_back({id, {}, {}});
    return;
  }
  if (accept('}')) {
    scopes.pop_back();
    return;
  }
  if (accept(';'))
    return;
  if (token.kind == Tok::Dot)
    return parseDirective(fn);
  parseInstruction(fn);
}

void Parser::parseDirective(RawFunction &fn) {
  Space space;
  if (acceptDot(".reg"))
    return parseRegisters(fn);
  if (isSpaceWord(space)) {
    if (space == Space::Global || space == Space::Const)
      fail("unsupported " + shown() + " variable within a function");
    advance();
    // A .param variable of a call sequence ends in `;` like the others.
    std::vector<const Variable *> vars = parseVariables(space, false);
    if (space == Space::Param)
      expect(';', "after a variable");
    fn.locals.insert(fn.locals.end(), vars.begin(), vars.end());
    return;
  }
  if (token.text == ".pragma") {
    while (!token.is(';') && token.kind != Tok::End)
      advance();
    return expect(';', "after .pragma");
  }
  fail("unsupported directive " + shown());
}

void Parser::parseRegisters(RawFunction &fn) {
  Type type = Type::None;
  while (token.kind == Tok::Dot) {
    type = typeFromName(token.text);
    if (type == Type::None)
      fail("unsupported register type " + shown());
    advance();
  }
  if (type == Type::None)
    fail("register without a type");
  do {
    std::string_view name = expectIdent("of a register");
    uint64_t count = 0;
    if (accept('<')) {
      count = expectInt("of registers");
      expect('>', "after the number of registers");
    }
    uint64_t total = fn.regs.size() + std::max<uint64_t>(count, 1);
    if (count > kMaxRegisters || total > kMaxRegisters)
      fail("too many registers");
    scopes.back().regs[name] = {uint32_t(fn.regs.size()), uint32_t(count)};
    fn.regs.resize(total, type);
    for (uint64_t i = 0; i < std::max<uint64_t>(count, 1); ++i)
      fn.regNames.push_back(std::string(name) +
                            (count ? std::to_string(i) : ""));
  } while (accept(','));
  expect(';', "after registers");
}

bool Parser::findRegister(std::string_view word, uint32_t &reg) const {
  size_t stem = word.size();
  while (stem > 1 && word[stem - 1] >= '0' && word[stem - 1] <= '9')
    --stem;
  std::string_view digits = word.substr(stem);
  bool numbered = !digits.empty() && digits.size() <= 7 &&
                  (digits.size() == 1 || digits[0] != '0');
  uint32_t index = 0;
  for (char c : digits)
    index = numbered ? index * 10 + uint32_t(c - '0') : 0;
  for (size_t i = scopes.size(); i-- > 0;) {
    const auto &regs = scopes[i].regs;
    auto it = regs.find(word);
    if (it != regs.end() && it->second.count == 0) {
      reg = it->second.first;
      return true;
    }
    it = numbered ? regs.find(word.substr(0, stem)) : regs.end();
    if (it != regs.end() && index < it->second.count) {
      reg = it->second.first + index;
      return true;
    }
  }
  return false;
}

const Variable *Parser::findVariable(std::string_view word) const {
  for (size_t i = scopes.size(); i-- > 0;) {
    auto it = scopes[i].vars.find(word);
    if (it != scopes[i].vars.end())
      return it->second;
  }
  return nullptr;
}

RawOperand Parser::parseNumber(bool minus) {
  RawOperand operand;
  if (token.kind != Tok::Int && token.kind != Tok::Float)
    fail("expected a number, got " + shown());
  operand.kind = token.kind == Tok::Int ? RawOperand::Int : RawOperand::Float;
  operand.bits = token.bits;
  operand.single = token.single;
  if (minus && token.kind == Tok::Int)
    operand.bits = 0 - operand.bits;
  else if (minus)
    operand.bits ^= uint64_t(1) << (operand.single ? 31 : 63);
  advance();
  return operand;
}

RawOperand Parser::parseName(std::string_view word) {
  RawOperand operand;
  operand.name = word;
  if (word == "_") {
    operand.kind = RawOperand::Sink;
  } else if (findRegister(word, operand.reg)) {
    operand.kind = RawOperand::Reg;
  } else if ((operand.var = findVariable(word))) {
    operand.kind = RawOperand::Var;
  } else if (word[0] == '%') {
    // A dot word right after belongs to it: %tid.x. Both are in one text.
    operand.kind = RawOperand::Special;
    if (token.kind == Tok::Dot) {
      size_t length = size_t(token.text.end() - word.begin());
      operand.name = std::string_view(word.data(), length);
      advance();
    }
  } else {
    operand.kind = RawOperand::Name;
  }
  return operand;
}

RawOperand Parser::parseOperand(unsigned depth) {
  if (depth > kMaxNesting)
    fail("operands are nested too deeply");
  RawOperand operand;
  char open = token.kind == Tok::Punct ? token.punct : '\0';
  if (open == '{' || open == '(') {
    advance();
    char close = open == '{' ? '}' : ')';
    operand.kind = open == '{' ? RawOperand::Vector : RawOperand::List;
    while (!token.is(close)) {
      operand.elems.push_back(parseOperand(depth + 1));
      if (!accept(','))
        break;
    }
    expect(close, "after operands");
    return operand;
  }
  if (accept('[')) {
    operand.kind = RawOperand::Address;
    operand.elems.push_back(parseOperand(depth + 1));
    operand.offset = operand.elems[0].offset;
    expect(']', "after an address");
    return operand;
  }
  if (accept('!')) {
    operand = parseOperand(depth + 1);
    operand.negated = !operand.negated;
    return operand;
  }
  bool minus = accept('-');
  if (token.kind != Tok::Ident) {
    operand = parseNumber(minus);
  } else {
    if (minus)
      fail("expected a number after `-`, got " + shown());
    std::string_view word = token.text;
    advance();
    operand = parseName(word);
  }
  while (token.is('+') || token.is('-')) {
    bool negative = token.is('-');
    advance();
    negative ^= accept('-');
    int64_t value = int64_t(expectInt("as an offset"));
    operand.offset = int64_t(uint64_t(operand.offset) +
                             (negative ? 0 - uint64_t(value) : value));
  }
  if (accept('|'))
    operand.second.push_back(parseOperand(depth + 1));
  return operand;
}

void Parser::parseInstruction(RawFunction &fn) {
  RawInst inst;
  inst.scope = scopes.back().id;
  inst.line = token.line;
  if (accept('@')) {
    inst.predNegated = accept('!');
    std::string_view name = expectIdent("as a guard");
    uint32_t reg = 0;
    if (!findRegister(name, reg))
      fail("undeclared register `" + std::string(name) + "`");
    if (fn.regs[reg] != Type::Pred)
      fail("guard `" + std::string(name) + "` is no predicate");
    inst.pred = int32_t(reg);
  }
  std::string_view first = expectIdent("of an instruction");
  if (inst.pred < 0 && accept(':')) {
    auto key = std::make_pair(inst.scope, first);
    if (!fn.labels.emplace(key, uint32_t(fn.insts.size())).second)
      fail("redefinition of label `" + std::string(first) + "`");
    if (acceptDot(".branchtargets")) {
      auto &list = fn.branchTargets[key];
      do
        list.push_back(expectIdent("as a branch target"));
      while (accept(','));
      expect(';', "after .branchtargets");
    }
    return;
  }
  inst.text = std::string(first);
  inst.words.push_back(first);
  while (token.kind == Tok::Dot) {
    inst.text += token.text;
    inst.words.push_back(token.text);
    advance();
  }
  while (!token.is(';')) {
    inst.operands.push_back(parseOperand(0));
    // call has no comma after its list of results in some writers' text.
    if (!accept(',') && !token.is(';') &&
        inst.operands.back().kind != RawOperand::List)
      fail("expected `;` after `" + inst.text + "`, got " + shown());
  }
  advance();
  fn.insts.push_back(std::move(inst));
}
