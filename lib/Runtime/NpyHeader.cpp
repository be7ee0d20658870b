//===- NpyHeader.cpp - headers of .npy files ------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NpyHeader.h"

#include <cstring>
#include <utility>

using namespace fp4q;

/// The header ends at a multiple of this, as numpy.lib.format has it.
static constexpr size_t headerAlignment = 64;

//===----------------------------------------------------------------------===//
// Types and shapes
//===----------------------------------------------------------------------===//

namespace {
struct TypeInfo {
  NpyType type;
  const char *code; ///< dtype.str without the byte order
  const char *name;
  int64_t size;
};
} // namespace

/// In the order of NpyType.
static constexpr TypeInfo types[] = {
    {NpyType::Bool, "b1", "bool", 1},   {NpyType::I8, "i1", "int8", 1},
    {NpyType::I16, "i2", "int16", 2},   {NpyType::I32, "i4", "int32", 4},
    {NpyType::I64, "i8", "int64", 8},   {NpyType::U8, "u1", "uint8", 1},
    {NpyType::U16, "u2", "uint16", 2},  {NpyType::U32, "u4", "uint32", 4},
    {NpyType::U64, "u8", "uint64", 8},  {NpyType::F16, "f2", "float16", 2},
    {NpyType::F32, "f4", "float32", 4}, {NpyType::F64, "f8", "float64", 8},
};

static const TypeInfo &infoOf(NpyType type) { return types[size_t(type)]; }

const char *fp4q::npyTypeName(NpyType type) { return infoOf(type).name; }

int64_t fp4q::npyTypeSize(NpyType type) { return infoOf(type).size; }

std::optional<int64_t> fp4q::npyDataSize(NpyType type,
                                         const std::vector<int64_t> &shape) {
  bool empty = false, overflows = false;
  int64_t size = npyTypeSize(type);
  for (int64_t dim : shape) {
    if (dim < 0)
      return std::nullopt;
    empty |= dim == 0;
    overflows |= __builtin_mul_overflow(size, dim, &size);
  }
  if (empty)
    return 0;
  if (overflows)
    return std::nullopt;
  return size;
}

std::string fp4q::npyShapeText(const std::vector<int64_t> &shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += i ? ", " : "";
    text += shape[i] == -1 ? "?" : std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

static std::string quoted(const std::string &text) { return "'" + text + "'"; }

//===----------------------------------------------------------------------===//
// The header: a Python dictionary of three entries
//===----------------------------------------------------------------------===//

namespace {
/// Parses the header's text. Each function returns false after setting `error`.
class HeaderParser {
public:
  HeaderParser(const std::string &text, std::string &error)
      : text(text), error(error) {}

  bool parse(NpyArray &array) {
    if (!expect('{'))
      return false;
    while (!accept('}')) {
      if (!parseEntry(array))
        return false;
      if (accept(','))
        continue;
      if (!accept('}'))
        return malformed("',' or '}'");
      break;
    }
    skipSpace();
    if (position != text.size())
      return malformed("nothing after '}'");
    for (auto [seen, key] :
         {std::pair(hasType, "descr"), std::pair(hasOrder, "fortran_order"),
          std::pair(hasShape, "shape")})
      if (!seen)
        return fail("its header lacks the key " + quoted(key));
    return true;
  }

private:
  bool parseEntry(NpyArray &array) {
    std::string key;
    if (!parseString(key) || !expect(':'))
      return false;
    if (key == "descr")
      return once(hasType, key) && parseType(array.type);
    if (key == "fortran_order")
      return once(hasOrder, key) && parseOrder();
    if (key == "shape")
      return once(hasShape, key) && parseShape(array.shape);
    return fail("its header has the unknown key " + quoted(key));
  }

  bool once(bool &seen, const std::string &key) {
    if (seen)
      return fail("its header has the key " + quoted(key) + " twice");
    return seen = true;
  }

  bool parseType(NpyType &type) {
    skipSpace();
    if (peek() == '[')
      return fail("it has a structured dtype; " + allowedTypes());
    std::string descr;
    if (!parseString(descr))
      return false;
    if (descr.size() > 1 && descr[0] == '>')
      return fail("its dtype " + quoted(descr) +
                  " is big-endian; save it little-endian");
    for (const TypeInfo &info : types) {
      char order = info.size == 1 ? '|' : '<';
      if (descr == order + std::string(info.code)) {
        type = info.type;
        return true;
      }
    }
    return fail("it has dtype " + quoted(descr) + "; " + allowedTypes());
  }

  static std::string allowedTypes() {
    std::string text = "the dtypes allowed are ";
    for (const TypeInfo &info : types)
      text += (info.type == NpyType::Bool ? "" : ", ") + std::string(info.name);
    return text;
  }

  bool parseOrder() {
    skipSpace();
    if (acceptWord("False"))
      return true;
    if (acceptWord("True"))
      return fail("it is in Fortran order; save it in C order "
                  "(numpy.ascontiguousarray)");
    return malformed("True or False");
  }

  bool parseShape(std::vector<int64_t> &shape) {
    if (!expect('('))
      return false;
    while (!accept(')')) {
      int64_t dim;
      if (!parseNumber(dim))
        return false;
      shape.push_back(dim);
      if (accept(','))
        continue;
      // (3) is a number in Python, not a tuple.
      if (shape.size() == 1 || !accept(')'))
        return malformed("','");
      break;
    }
    return true;
  }

  bool parseNumber(int64_t &number) {
    skipSpace();
    if (peek() < '0' || peek() > '9')
      return malformed("a size");
    for (number = 0; peek() >= '0' && peek() <= '9'; ++position)
      if (__builtin_mul_overflow(number, int64_t(10), &number) ||
          __builtin_add_overflow(number, int64_t(peek() - '0'), &number))
        return fail("its shape is too large");
    return true;
  }

  bool parseString(std::string &value) {
    skipSpace();
    char quote = peek();
    if (quote != '\'' && quote != '"')
      return malformed("a string");
    size_t end = text.find(quote, position + 1);
    if (end == std::string::npos)
      return malformed("the end of a string");
    value = text.substr(position + 1, end - position - 1);
    for (char c : value)
      if (c < ' ' || c > '~' || c == '\\')
        return malformed("a plain string");
    position = end + 1;
    return true;
  }

  void skipSpace() {
    while (peek() == ' ' || peek() == '\n')
      ++position;
  }

  char peek() const { return position < text.size() ? text[position] : 0; }

  bool accept(char c) {
    skipSpace();
    if (peek() != c)
      return false;
    ++position;
    return true;
  }

  bool acceptWord(const char *word) {
    if (text.compare(position, std::strlen(word), word) != 0)
      return false;
    position += std::strlen(word);
    return true;
  }

  bool expect(char c) { return accept(c) || malformed(quoted({c})); }

  bool malformed(const std::string &expected) {
    return fail("its header is malformed: expected " + expected +
                " at character " + std::to_string(position));
  }

  bool fail(const std::string &message) {
    error = message;
    return false;
  }

  const std::string &text;
  std::string &error;
  size_t position = 0;
  bool hasType = false, hasOrder = false, hasShape = false;
};
} // namespace

std::string fp4q::makeNpyHeader(NpyType type,
                                const std::vector<int64_t> &shape) {
  const TypeInfo &info = infoOf(type);
  std::string text = "{'descr': '";
  text += info.size == 1 ? '|' : '<';
  text += info.code;
  text += "', 'fortran_order': False, 'shape': " + npyShapeText(shape) + ", }";
  // Version 1.0 has two bytes for the length, 2.0 four.
  size_t lengthSize = text.size() + headerAlignment < 0x10000 ? 2 : 4;
  size_t prefix = npyMagicSize + 2 + lengthSize;
  while ((prefix + text.size() + 1) % headerAlignment)
    text += ' ';
  text += '\n';
  std::string header(npyMagic, npyMagicSize);
  header += lengthSize == 2 ? '\1' : '\2';
  header += '\0';
  for (size_t i = 0; i < lengthSize; ++i)
    header += char(text.size() >> (8 * i) & 0xFF);
  return header + text;
}

bool fp4q::parseNpyHeader(const std::string &text, NpyArray &array,
                          std::string &error) {
  return HeaderParser(text, error).parse(array);
}
