//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Npy.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace fp4q;

static constexpr char magic[] = "\x93NUMPY";
static constexpr size_t magicSize = 6;
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

/// `shape` as NumPy prints it: (), (3,), (3, 4); -1 prints as ?.
static std::string toString(const std::vector<int64_t> &shape) {
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

/// Everything that stands in front of the data of an array.
static std::string makeHeader(NpyType type, const std::vector<int64_t> &shape) {
  const TypeInfo &info = infoOf(type);
  std::string text = "{'descr': '";
  text += info.size == 1 ? '|' : '<';
  text += info.code;
  text += "', 'fortran_order': False, 'shape': " + toString(shape) + ", }";
  // Version 1.0 has two bytes for the length, 2.0 four.
  size_t lengthSize = text.size() + headerAlignment < 0x10000 ? 2 : 4;
  size_t prefix = magicSize + 2 + lengthSize;
  while ((prefix + text.size() + 1) % headerAlignment)
    text += ' ';
  text += '\n';
  std::string header(magic, magicSize);
  header += lengthSize == 2 ? '\1' : '\2';
  header += '\0';
  for (size_t i = 0; i < lengthSize; ++i)
    header += char(text.size() >> (8 * i) & 0xFF);
  return header + text;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {
/// An open file descriptor that closes itself.
class File {
public:
  File(const std::string &path, int flags) {
    do
      descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
  }
  ~File() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
  File(const File &) = delete;
  File &operator=(const File &) = delete;

  explicit operator bool() const { return descriptor >= 0; }
  int get() const { return descriptor; }

  /// Reads up to `size` bytes; returns how many, less only at the end of the
  /// file, or -1 with errno set.
  int64_t read(void *data, int64_t size) {
    return transfer(size, [&](int64_t done, size_t chunk) {
      return ::read(descriptor, static_cast<char *>(data) + done, chunk);
    });
  }

  /// Writes all of `size` bytes, or returns false with errno set.
  bool write(const void *data, int64_t size) {
    return transfer(size, [&](int64_t done, size_t chunk) {
             return ::write(descriptor, static_cast<const char *>(data) + done,
                            chunk);
           }) == size;
  }

  /// Closes, reporting errors that only show then.
  bool close() {
    int result = ::close(descriptor);
    descriptor = -1;
    return result == 0;
  }

private:
  /// Calls `step(done, chunk)` until `size` bytes are done or it returns 0.
  template <typename Step>
  static int64_t transfer(int64_t size, Step step) {
    int64_t done = 0;
    while (done < size) {
      ssize_t count =
          step(done, size_t(std::min<int64_t>(size - done, 1 << 30)));
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return -1;
      if (count == 0)
        break;
      done += count;
    }
    return done;
  }

  int descriptor;
};
} // namespace

static std::string systemError() { return std::strerror(errno); }

/// Reads magic, version and length, then the header's text. Sets `error`
/// without the file's name.
static bool readHeader(File &file, int64_t fileSize, std::string &text,
                       int64_t &dataBegin, std::string &error) {
  uint8_t start[12] = {};
  int64_t got = file.read(start, sizeof(start));
  if (got < 0) {
    error = systemError();
    return false;
  }
  if (got < int64_t(magicSize) || std::memcmp(start, magic, magicSize) != 0) {
    error = "it is not a .npy file";
    return false;
  }
  if (got > 7 && (start[6] < 1 || start[6] > 3 || start[7] != 0)) {
    error = "it has format version " + std::to_string(start[6]) + "." +
            std::to_string(start[7]) + "; allowed are 1.0, 2.0 and 3.0";
    return false;
  }
  int64_t lengthSize = start[6] == 1 ? 2 : 4;
  int64_t textBegin = magicSize + 2 + lengthSize, length = 0;
  for (int64_t i = 0; i < lengthSize; ++i)
    length |= int64_t(start[magicSize + 2 + i]) << (8 * i);
  dataBegin = textBegin + length;
  if (got < textBegin || fileSize < dataBegin) {
    error = "it is truncated in its header";
    return false;
  }
  text.resize(size_t(length));
  if (::lseek(file.get(), textBegin, SEEK_SET) < 0 ||
      file.read(&text[0], length) != length) {
    error = "its header could not be read";
    return false;
  }
  return true;
}

/// readNpy with an `error` that does not name the file.
static bool readArray(const std::string &path, NpyArray &array,
                      std::string &error) {
  // Opening a pipe would wait for its writer.
  File file(path, O_RDONLY | O_NONBLOCK);
  struct stat status;
  if (!file || ::fstat(file.get(), &status) != 0) {
    error = systemError();
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    error = S_ISDIR(status.st_mode) ? "it is a directory"
                                    : "it is not a regular file";
    return false;
  }
  std::string text;
  int64_t dataBegin;
  if (!readHeader(file, status.st_size, text, dataBegin, error) ||
      !HeaderParser(text, error).parse(array))
    return false;
  std::optional<int64_t> size = npyDataSize(array.type, array.shape);
  if (!size) {
    error = "its shape " + toString(array.shape) + " is too large";
    return false;
  }
  // Compared before anything is allocated: the shape is only a claim.
  int64_t present = status.st_size - dataBegin;
  if (present != *size) {
    error =
        (present < *size ? "it is truncated: " : "it has trailing bytes: ") +
        std::to_string(*size) + " bytes of data expected, " +
        std::to_string(present) + " found";
    return false;
  }
  array.data.resize(size_t(*size));
  int64_t got = file.read(array.data.data(), *size);
  if (got == *size)
    return true;
  error = got < 0 ? systemError() : "it shrank while being read";
  return false;
}

std::optional<NpyArray> fp4q::readNpy(const std::string &path,
                                      std::string &error) {
  NpyArray array;
  std::string reason;
  if (readArray(path, array, reason))
    return array;
  error = "cannot read " + quoted(path) + ": " + reason;
  return std::nullopt;
}

bool fp4q::checkNpy(const std::string &path, const NpyArray &array,
                    NpyType type, const std::vector<int64_t> &shape,
                    std::string &error) {
  bool fits = array.type == type && array.shape.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] == -1 || shape[i] == array.shape[i];
  if (!fits)
    error = quoted(path) + " holds " + npyTypeName(array.type) + " " +
            toString(array.shape) + ", but " + npyTypeName(type) + " " +
            toString(shape) + " is expected";
  return fits;
}

/// Writes header and data to `path`, opened with `flags`.
static bool writeFile(const std::string &path, int flags,
                      const std::string &header, const void *data, int64_t size,
                      std::string &reason) {
  File file(path, O_WRONLY | flags);
  if (file && file.write(header.data(), int64_t(header.size())) &&
      file.write(data, size) && file.close())
    return true;
  reason = systemError();
  return false;
}

/// The file that `path` stands for, if it is a link: renaming onto the link
/// would replace it.
static std::string resolveLinks(const std::string &path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) ? resolved : path;
}

static bool writeArray(const std::string &path, NpyType type,
                       const std::vector<int64_t> &shape, const void *data,
                       std::string &reason) {
  std::optional<int64_t> size = npyDataSize(type, shape);
  if (!size) {
    reason = "the shape " + toString(shape) + " is too large";
    return false;
  }
  std::string header = makeHeader(type, shape);
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return writeFile(path, 0, header, data, *size, reason);

  static std::atomic<unsigned> counter{0};
  std::string target = resolveLinks(path);
  std::string temporary = target + ".tmp" + std::to_string(::getpid()) + "-" +
                          std::to_string(counter++);
  if (!writeFile(temporary, O_CREAT | O_EXCL, header, data, *size, reason)) {
    ::unlink(temporary.c_str());
    return false;
  }
  if (::rename(temporary.c_str(), target.c_str()) == 0)
    return true;
  reason = systemError();
  ::unlink(temporary.c_str());
  return false;
}

bool fp4q::writeNpy(const std::string &path, NpyType type,
                    const std::vector<int64_t> &shape, const void *data,
                    std::string &error) {
  std::string reason;
  if (writeArray(path, type, shape, data, reason))
    return true;
  error = "cannot write " + quoted(path) + ": " + reason;
  return false;
}
