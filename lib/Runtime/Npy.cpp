//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/Npy.h"

#include "NpyHeader.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace fp4q;

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

static std::string quoted(const std::string &text) { return "'" + text + "'"; }

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
  if (got < int64_t(npyMagicSize) ||
      std::memcmp(start, npyMagic, npyMagicSize) != 0) {
    error = "it is not a .npy file";
    return false;
  }
  if (got > 7 && (start[6] < 1 || start[6] > 3 || start[7] != 0)) {
    error = "it has format version " + std::to_string(start[6]) + "." +
            std::to_string(start[7]) + "; allowed are 1.0, 2.0 and 3.0";
    return false;
  }
  int64_t lengthSize = start[6] == 1 ? 2 : 4;
  int64_t textBegin = npyMagicSize + 2 + lengthSize, length = 0;
  for (int64_t i = 0; i < lengthSize; ++i)
    length |= int64_t(start[npyMagicSize + 2 + i]) << (8 * i);
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
      !parseNpyHeader(text, array, error))
    return false;
  std::optional<int64_t> size = npyDataSize(array.type, array.shape);
  if (!size) {
    error = "its shape " + npyShapeText(array.shape) + " is too large";
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
            npyShapeText(array.shape) + ", but " + npyTypeName(type) + " " +
            npyShapeText(shape) + " is expected";
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
    reason = "the shape " + npyShapeText(shape) + " is too large";
    return false;
  }
  std::string header = makeNpyHeader(type, shape);
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
