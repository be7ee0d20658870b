//===- Lexer.h - tokens of PTX text -----------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA, section 4 "Syntax". The text must outlive the tokens.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_LEXER_H
#define FP4Q_LIB_SIMULATOR_LEXER_H

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fp4q::sim {

/// An error in the PTX text: one line that ends in " at line N".
struct PtxError : std::runtime_error {
  PtxError(const std::string &what, unsigned line)
      : std::runtime_error(what + " at line " + std::to_string(line)) {}
};

enum class Tok : uint8_t {
  End,
  Ident,  ///< name, %r1, $L__BB0_1
  Dot,    ///< .word, with its :: parts: .shared::cta
  Int,    ///< integer literal; value in `bits`
  Float,  ///< float literal; bits of the double or float in `bits`
  String, ///< text without the quotes
  Punct,  ///< one character
};

struct Token {
  Tok kind = Tok::End;
  char punct = 0;      ///< Punct only
  bool single = false; ///< Float only: 0f literal, bits are a float's
  unsigned line = 1;
  uint64_t bits = 0;
  std::string_view text;

  bool is(char c) const { return kind == Tok::Punct && punct == c; }
};

/// Splits PTX text into tokens; comments and debug directives (.loc, .file,
/// .section) are skipped.
class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}

  /// The next token. Throws PtxError on a character PTX does not have.
  Token next();

private:
  Token scan();
  void skipBlank();
  void skipDebugDirective(std::string_view word);
  void scanNumber(Token &token);
  char at(size_t i) const { return i < text.size() ? text[i] : '\0'; }

  std::string_view text;
  size_t pos = 0;
  unsigned line = 1;
};

} // namespace fp4q::sim

#endif // FP4Q_LIB_SIMULATOR_LEXER_H
