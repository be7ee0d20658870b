//===- Parser.cpp - PTX at module level -----------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace fp4q::sim;

// A module of ours has kilobytes; these only keep hostile text from taking the
// machine's memory.
static constexpr uint64_t kMaxVariableBytes = uint64_t(1) << 30;

RawModule fp4q::sim::parsePtx(std::string_view text) {
  return Parser(text).parse();
}

std::string Parser::shown() const {
  if (token.kind == Tok::End)
    return "end of text";
  return "`" + std::string(token.text) + "`";
}

bool Parser::accept(char c) {
  if (!token.is(c))
    return false;
  advance();
  return true;
}

bool Parser::acceptDot(std::string_view word) {
  if (token.kind != Tok::Dot || token.text != word)
    return false;
  advance();
  return true;
}

void Parser::expect(char c, const char *context) {
  if (!accept(c))
    fail(std::string("expected `") + c + "` " + context + ", got " + shown());
}

std::string_view Parser::expectIdent(const char *context) {
  if (token.kind != Tok::Ident)
    fail(std::string("expected a name ") + context + ", got " + shown());
  std::string_view word = token.text;
  advance();
  return word;
}

uint64_t Parser::expectInt(const char *context) {
  if (token.kind != Tok::Int)
    fail(std::string("expected an integer ") + context + ", got " + shown());
  uint64_t value = token.bits;
  advance();
  return value;
}

void Parser::parseVersion() {
  if (!acceptDot(".version"))
    fail("PTX text must start with .version, got " + shown());
  // "9.0" is lexed as a float literal: its text has the two parts.
  std::string text(token.text);
  unsigned major = 0, minor = 0;
  char rest = 0;
  if (token.kind != Tok::Float ||
      std::sscanf(text.c_str(), "%u.%u%c", &major, &minor, &rest) != 2)
    fail("malformed .version " + shown());
  module.version = major * 10 + minor;
  if (major < 6 || major > 9 || minor > 9 || module.version > 92)
    fail("unsupported .version " + text + " (supported: 6.0 to 9.2)");
  advance();
}

// PTX ISA, section 11.1.2 ".target".
void Parser::parseTarget() {
  static const std::string_view known[] = {
      "sm_70",   "sm_72",   "sm_75",   "sm_80",   "sm_86",   "sm_87",
      "sm_89",   "sm_90",   "sm_90a",  "sm_100",  "sm_100a", "sm_100f",
      "sm_103",  "sm_103a", "sm_103f", "sm_110a", "sm_120",  "sm_120a",
      "sm_120f", "sm_121",  "sm_121a", "sm_121f"};
  if (!acceptDot(".target"))
    fail("expected .target after .version, got " + shown());
  for (;;) {
    unsigned line = token.line;
    std::string word(expectIdent("after .target"));
    if (word.rfind("sm_", 0) == 0) {
      bool found = false;
      for (std::string_view name : known)
        found |= word == name;
      if (!found)
        throw PtxError("unknown .target " + word, line);
      module.target = word;
    } else if (word != "texmode_independent" && word != "debug") {
      throw PtxError("unknown .target option " + word, line);
    }
    if (!accept(','))
      break;
  }
  if (module.target.empty())
    fail(".target names no chip");
}

RawModule Parser::parse() {
  parseVersion();
  parseTarget();
  unsigned line = token.line;
  if (acceptDot(".address_size"))
    if (uint64_t size = expectInt("after .address_size"); size != 64)
      throw PtxError("unsupported .address_size " + std::to_string(size) +
                         " (supported: 64)",
                     line);
  scopes.push_back({0, {}, {}});
  while (token.kind != Tok::End)
    parseTopLevel();
  return std::move(module);
}

bool Parser::isSpaceWord(Space &space) const {
  if (token.kind != Tok::Dot)
    return false;
  if (token.text == ".global")
    space = Space::Global;
  else if (token.text == ".const")
    space = Space::Const;
  else if (token.text == ".shared")
    space = Space::Shared;
  else if (token.text == ".local")
    space = Space::Local;
  else if (token.text == ".param")
    space = Space::Param;
  else
    return false;
  return true;
}

void Parser::parseTopLevel() {
  bool external = false;
  for (;;) {
    if (acceptDot(".extern"))
      external = true;
    else if (!acceptDot(".visible") && !acceptDot(".weak") &&
             !acceptDot(".common"))
      break;
  }
  Space space;
  if (acceptDot(".entry")) {
    parseFunction(/*entry=*/true);
  } else if (acceptDot(".func")) {
    parseFunction(/*entry=*/false);
  } else if (isSpaceWord(space) && space != Space::Local &&
             space != Space::Param) {
    advance();
    for (const Variable *var : parseVariables(space, external)) {
      module.globals.push_back(var);
      module.globalNames[var->name] = var;
    }
  } else if (token.kind == Tok::Dot && token.text == ".pragma") {
    while (!token.is(';') && token.kind != Tok::End)
      advance();
    expect(';', "after .pragma");
  } else {
    fail("unsupported directive " + shown());
  }
}

// .align 8 .b8 name[16] = {...}, name2; the space word is gone already.
std::vector<const Variable *> Parser::parseVariables(Space space,
                                                     bool external) {
  Variable prototype;
  prototype.space = space;
  prototype.external = external;
  unsigned vector = 1;
  bool typed = false;
  while (token.kind == Tok::Dot) {
    if (acceptDot(".align")) {
      uint64_t align = expectInt("after .align");
      if (align == 0 || align > 1024 || (align & (align - 1)))
        fail("bad .align " + std::to_string(align) +
             " (a power of two up to 1024)");
      prototype.align = unsigned(align);
      continue;
    }
    if (token.text == ".v2" || token.text == ".v4") {
      vector = token.text == ".v2" ? 2 : 4;
    } else if (token.text == ".ptr" || token.text == ".global" ||
               token.text == ".const" || token.text == ".shared" ||
               token.text == ".local") {
      // Attributes of a pointer parameter say nothing the simulator needs.
    } else {
      prototype.type = typeFromName(token.text);
      if (prototype.type == Type::None || prototype.type == Type::Pred)
        fail("unsupported variable type " + shown());
      typed = true;
    }
    advance();
  }
  if (!typed)
    fail("variable without a type");
  prototype.size = uint64_t(typeBytes(prototype.type)) * vector;
  prototype.align = std::max<unsigned>(prototype.align, prototype.size);
  std::vector<const Variable *> result;
  do
    result.push_back(parseDeclarator(prototype));
  while (space != Space::Param && accept(','));
  if (space != Space::Param)
    expect(';', "after a variable");
  return result;
}

Variable *Parser::parseDeclarator(const Variable &prototype) {
  auto var = std::make_unique<Variable>(prototype);
  var->line = token.line;
  var->name = expectIdent("of a variable");
  while (accept('[')) {
    uint64_t count = 0;
    if (!token.is(']'))
      count = expectInt("as array size");
    expect(']', "after array size");
    if (count && var->size > kMaxVariableBytes / count)
      fail("variable `" + std::string(var->name) + "` is too large");
    var->size *= count;
  }
  if (accept('='))
    parseInitializer(*var);
  Variable *raw = var.get();
  module.variables.push_back(std::move(var));
  scopes.back().vars[raw->name] = raw;
  return raw;
}

void Parser::parseInitializer(Variable &var) {
  if (var.space != Space::Global && var.space != Space::Const)
    fail("initializer on a variable that is not .global or .const");
  uint64_t offset = 0;
  unsigned depth = 0;
  do {
    while (accept('{'))
      ++depth;
    if (!token.is('}'))
      parseInitValue(var, offset);
    while (depth && accept('}'))
      --depth;
  } while (accept(',') && depth);
  if (depth)
    fail("expected `}` after initializer, got " + shown());
  if (var.size == 0)
    var.size = offset;
  if (offset > var.size)
    fail("initializer of `" + std::string(var.name) + "` is too long");
}

void Parser::parseInitValue(Variable &var, uint64_t &offset) {
  unsigned bytes = typeBytes(var.type);
  if (offset + bytes > kMaxVariableBytes)
    fail("initializer is too long");
  uint64_t bits = 0;
  if (token.kind == Tok::Ident) {
    bool generic = token.text == "generic";
    std::string_view symbol = expectIdent("in initializer");
    if (generic) {
      expect('(', "after generic");
      symbol = expectIdent("in generic()");
      expect(')', "after generic(");
    }
    int64_t addend = 0;
    if (accept('+'))
      addend = int64_t(expectInt("after `+`"));
    if (bytes != 8)
      fail("address initializer in a variable that is not 64 bits wide");
    var.relocs.push_back({offset, symbol, addend});
  } else {
    RawOperand value = parseNumber(accept('-'));
    bits = value.bits;
    if (value.kind == RawOperand::Float && !value.single && bytes == 4) {
      double wide;
      std::memcpy(&wide, &bits, 8);
      float narrow = float(wide);
      bits = 0;
      std::memcpy(&bits, &narrow, 4);
    }
  }
  var.init.resize(offset + bytes);
  for (unsigned i = 0; i < bytes && i < 8; ++i)
    var.init[offset + i] = uint8_t(bits >> (8 * i));
  offset += bytes;
}

std::vector<const Variable *> Parser::parseParams() {
  std::vector<const Variable *> params;
  expect('(', "before parameters");
  while (!token.is(')')) {
    if (acceptDot(".reg"))
      fail("unsupported .reg parameter of a function");
    if (!acceptDot(".param"))
      fail("expected .param, got " + shown());
    params.push_back(parseVariables(Space::Param, false).front());
    if (!accept(','))
      break;
  }
  expect(')', "after parameters");
  return params;
}

void Parser::parseDims(uint32_t (&dims)[3]) {
  dims[0] = dims[1] = dims[2] = 1;
  unsigned count = 0;
  do {
    if (count == 3)
      fail("more than three dimensions");
    dims[count++] = uint32_t(expectInt("as a dimension"));
  } while (accept(','));
}

// PTX ISA, section 11.4 "Performance-Tuning Directives" and 11.7 "Cluster
// Dimension Directives". Those that bound registers say nothing here.
void Parser::parseFunctionAttributes(RawFunction &fn) {
  while (token.kind == Tok::Dot) {
    if (acceptDot(".reqntid")) {
      parseDims(fn.reqntid);
    } else if (acceptDot(".maxntid")) {
      parseDims(fn.maxntid);
    } else if (acceptDot(".reqnctapercluster")) {
      parseDims(fn.reqCluster);
    } else if (acceptDot(".minnctapersm") || acceptDot(".maxnreg") ||
               acceptDot(".maxclusterrank") || acceptDot(".maxnctapersm")) {
      expectInt("after a tuning directive");
    } else if (acceptDot(".pragma")) {
      while (!token.is(';') && token.kind != Tok::End)
        advance();
      expect(';', "after .pragma");
    } else if (!acceptDot(".noreturn") && !acceptDot(".explicitcluster") &&
               !acceptDot(".blocksareclusters") && !acceptDot(".unique")) {
      fail("unsupported directive " + shown());
    }
  }
}

void Parser::parseFunction(bool entry) {
  auto owned = std::make_unique<RawFunction>();
  RawFunction &fn = *owned;
  fn.entry = entry;
  fn.scopeParents.push_back(0);
  scopes.push_back({0, {}, {}});
  if (!entry && token.is('('))
    fn.results = parseParams();
  fn.line = token.line;
  fn.name = expectIdent("of a function");
  if (token.is('('))
    fn.params = parseParams();
  parseFunctionAttributes(fn);
  if (!accept(';')) {
    auto known = module.functionNames.find(fn.name);
    if (known != module.functionNames.end() && known->second->defined)
      throw PtxError("redefinition of `" + std::string(fn.name) + "`", fn.line);
    fn.defined = true;
    parseBody(fn);
  }
  scopes.pop_back();
  auto &slot = module.functionNames[fn.name];
  if (!slot || fn.defined) {
    slot = &fn;
    module.functions.push_back(std::move(owned));
  }
}
