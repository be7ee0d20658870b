//===- Lexer.cpp - tokens of PTX text -------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace fp4q::sim;

static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || c == '%';
}
static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isWord(char c) { return isLetter(c) || isDigit(c); }

void Lexer::skipBlank() {
  for (;;) {
    char c = at(pos);
    if (c == '\n') {
      ++line;
      ++pos;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
      ++pos;
    } else if (c == '/' && at(pos + 1) == '/') {
      while (pos < text.size() && text[pos] != '\n')
        ++pos;
    } else if (c == '/' && at(pos + 1) == '*') {
      unsigned start = line;
      size_t end = text.find("*/", pos + 2);
      if (end == std::string_view::npos)
        throw PtxError("unterminated comment", start);
      for (; pos < end + 2; ++pos)
        line += text[pos] == '\n';
    } else {
      return;
    }
  }
}

// .loc and .file end with their line; .section has a braced body.
void Lexer::skipDebugDirective(std::string_view word) {
  if (word != ".section") {
    while (pos < text.size() && text[pos] != '\n')
      ++pos;
    return;
  }
  unsigned start = line;
  for (; pos < text.size(); ++pos) {
    line += text[pos] == '\n';
    if (text[pos] == '}') {
      ++pos;
      return;
    }
  }
  throw PtxError("unterminated .section", start);
}

void Lexer::scanNumber(Token &token) {
  size_t start = pos;
  char second = at(pos + 1);
  if (at(pos) == '0' &&
      (second == 'f' || second == 'F' || second == 'd' || second == 'D')) {
    bool single = second == 'f' || second == 'F';
    size_t digits = single ? 8 : 16;
    pos += 2;
    for (size_t i = 0; i < digits; ++i, ++pos) {
      char c = at(pos);
      int value = isDigit(c)               ? c - '0'
                  : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                  : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                           : -1;
      if (value < 0)
        throw PtxError("malformed float literal", line);
      token.bits = token.bits << 4 | unsigned(value);
    }
    token.kind = Tok::Float;
    token.single = single;
    token.text = text.substr(start, pos - start);
    return;
  }
  while (isWord(at(pos)) ||
         (at(pos) == '.' && isDigit(at(pos + 1)) && second != 'x'))
    ++pos;
  std::string word(text.substr(start, pos - start));
  token.text = text.substr(start, pos - start);
  char *end = nullptr;
  if (word.find('.') != std::string::npos) {
    double value = std::strtod(word.c_str(), &end);
    std::memcpy(&token.bits, &value, sizeof(value));
    token.kind = Tok::Float;
  } else {
    if (word.size() > 1 && word.back() == 'U')
      word.pop_back();
    bool binary =
        word.size() > 2 && word[0] == '0' && (word[1] == 'b' || word[1] == 'B');
    const char *first = word.c_str() + (binary ? 2 : 0);
    token.bits = std::strtoull(first, &end, binary ? 2 : 0);
    token.kind = Tok::Int;
  }
  if (*end)
    throw PtxError("malformed number `" + word + "`", line);
}

Token Lexer::scan() {
  skipBlank();
  Token token;
  token.line = line;
  if (pos >= text.size())
    return token;
  size_t start = pos;
  char c = text[pos];
  if (isDigit(c)) {
    scanNumber(token);
    return token;
  }
  if (isLetter(c)) {
    while (isWord(at(pos)))
      ++pos;
    token.kind = Tok::Ident;
  } else if (c == '.' && isWord(at(pos + 1))) {
    ++pos;
    while (isWord(at(pos)) ||
           (at(pos) == ':' && at(pos + 1) == ':' && isWord(at(pos + 2))))
      pos += at(pos) == ':' ? 2 : 1;
    token.kind = Tok::Dot;
  } else if (c == '"') {
    size_t end = text.find_first_of("\"\n", pos + 1);
    if (end == std::string_view::npos || text[end] != '"')
      throw PtxError("unterminated string", line);
    token.kind = Tok::String;
    token.text = text.substr(pos + 1, end - pos - 1);
    pos = end + 1;
    return token;
  } else if (c && std::strchr("{}()[],;:@!|+-<>=*#~?&^/", c)) {
    ++pos;
    token.kind = Tok::Punct;
    token.punct = c;
  } else {
    char name[16];
    std::snprintf(name, sizeof(name), c > ' ' && c < 127 ? "`%c`" : "0x%02x",
                  static_cast<unsigned char>(c));
    throw PtxError(std::string("unexpected character ") + name, line);
  }
  token.text = text.substr(start, pos - start);
  return token;
}

Token Lexer::next() {
  for (;;) {
    Token token = scan();
    bool debug = token.kind == Tok::Dot &&
                 (token.text == ".loc" || token.text == ".file" ||
                  token.text == ".section");
    if (!debug)
      return token;
    skipDebugDirective(token.text);
  }
}
