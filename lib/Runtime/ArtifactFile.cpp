//===- ArtifactFile.cpp - seal and check the file of an artifact ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The system's loader trusts what it loads: a truncated file can crash it. So
// everything is checked before, above all a checksum of the whole file.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/ArtifactFile.h"

#include "Descriptor.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

// Header-only use: no library is needed at run time.
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace fp4q;

using Trailer = fp4q_artifact_trailer;

/// The architecture of this build of the runtime, an ELF machine number.
#if defined(__x86_64__)
static constexpr uint16_t hostMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t hostMachine = EM_AARCH64;
#else
#error "name the ELF machine number of this architecture"
#endif

static std::string systemError() { return std::strerror(errno); }

/// Reads exactly `size` bytes at `offset`.
static bool readAt(int fd, void *data, uint64_t size, uint64_t offset) {
  auto *bytes = static_cast<char *>(data);
  while (size > 0) {
    ssize_t count = ::pread(fd, bytes, size, off_t(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count == 0)
      errno = EIO; // The file has become shorter.
    if (count <= 0)
      return false;
    bytes += count;
    offset += uint64_t(count);
    size -= uint64_t(count);
  }
  return true;
}

/// The checksum of a file of `payloadSize` bytes and the given trailer.
static bool computeChecksum(int fd, uint64_t payloadSize,
                            const Trailer &trailer, uint64_t &checksum) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  std::vector<char> chunk(1 << 20);
  for (uint64_t offset = 0; offset < payloadSize; offset += chunk.size()) {
    uint64_t size = std::min<uint64_t>(chunk.size(), payloadSize - offset);
    if (!readAt(fd, chunk.data(), size, offset))
      return false;
    XXH3_64bits_update(&state, chunk.data(), size);
  }
  constexpr size_t skipped = sizeof(trailer.checksum);
  static_assert(offsetof(Trailer, checksum) == 0, "it is what is skipped");
  XXH3_64bits_update(&state, reinterpret_cast<const char *>(&trailer) + skipped,
                     sizeof(trailer) - skipped);
  checksum = XXH3_64bits_digest(&state);
  return true;
}

template <size_t N>
static void copyText(char (&to)[N], const std::string &from) {
  std::memcpy(to, from.data(), std::min(from.size(), N - 1));
}

template <size_t N>
static std::string textOf(const char (&field)[N]) {
  return std::string(field, ::strnlen(field, N));
}

bool fp4q::sealArtifact(const std::string &path, const std::string &target,
                        const std::string &producer,
                        const CpuFeatureWords &cpuFeatures,
                        std::string &error) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat status;
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) {
    error = "'" + path + "' cannot be opened: " + systemError();
    return false;
  }
  Trailer trailer{};
  trailer.payload_size = uint64_t(status.st_size);
  copyText(trailer.target, target);
  copyText(trailer.producer, producer);
  std::copy(cpuFeatures.begin(), cpuFeatures.end(), trailer.cpu_features);
  trailer.trailer_size = sizeof(trailer);
  trailer.format_version = FP4Q_ARTIFACT_FORMAT_VERSION;
  std::memcpy(trailer.magic, FP4Q_ARTIFACT_MAGIC, sizeof(trailer.magic));
  if (!computeChecksum(file.fd, trailer.payload_size, trailer,
                       trailer.checksum)) {
    error = "'" + path + "' cannot be read: " + systemError();
    return false;
  }
  if (::pwrite(file.fd, &trailer, sizeof(trailer), status.st_size) !=
      ssize_t(sizeof(trailer))) {
    error = "'" + path + "' cannot be written: " + systemError();
    return false;
  }
  return true;
}

namespace {
/// Checks one open file.
class Checker {
public:
  Checker(int fd, const std::string &path, std::string &error)
      : fd(fd), path(path), error(error) {}

  bool run() {
    struct stat status;
    if (::fstat(fd, &status) != 0)
      return unreadable();
    if (!S_ISREG(status.st_mode))
      return refuse("is not a regular file");
    size = uint64_t(status.st_size);
    return checkElfHeader() && checkTrailer() && checkBounds() &&
           checkContents() && checkCpu();
  }

private:
  bool refuse(const std::string &what) {
    error = "artifact '" + path + "' " + what;
    return false;
  }
  bool unreadable() { return refuse("cannot be read: " + systemError()); }

  bool checkElfHeader() {
    if (size < SELFMAG)
      return refuse("is not an fp4q artifact: it has only " +
                    std::to_string(size) + " bytes");
    std::memset(&header, 0, sizeof(header));
    if (!readAt(fd, &header, std::min<uint64_t>(size, sizeof(header)), 0))
      return unreadable();
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
      return refuse("is not an fp4q artifact: it is no ELF file");
    if (size < sizeof(header))
      return refuse("is truncated: it has only " + std::to_string(size) +
                    " bytes");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != hostMachine)
      return refuse("is for another architecture (ELF machine " +
                    std::to_string(header.e_machine) + ", this one is " +
                    std::to_string(hostMachine) + ")");
    if (header.e_type != ET_DYN)
      return refuse("is not an fp4q artifact: it is no shared object");
    return true;
  }

  /// The magic, the version, and the sizes; these say whose file it is.
  bool checkTrailer() {
    std::memset(&trailer, 0, sizeof(trailer));
    uint64_t offset = size - std::min<uint64_t>(size, sizeof(trailer));
    if (!readAt(fd, &trailer, std::min<uint64_t>(size, sizeof(trailer)),
                offset))
      return unreadable();
    if (std::memcmp(trailer.magic, FP4Q_ARTIFACT_MAGIC,
                    sizeof(trailer.magic)) != 0) {
      // Linkers put the section table last.
      uint64_t end =
          header.e_shoff + uint64_t(header.e_shnum) * sizeof(Elf64_Shdr);
      if (end > size)
        return refuse("is truncated: it has " + std::to_string(size) +
                      " bytes, but its sections end at " + std::to_string(end));
      return refuse("is not an fp4q artifact, or is truncated: it does not end "
                    "in fp4q's trailer");
    }
    if (trailer.format_version != FP4Q_ARTIFACT_FORMAT_VERSION)
      return refuse(
          "has format version " + std::to_string(trailer.format_version) +
          ", but this runtime loads version " +
          std::to_string(FP4Q_ARTIFACT_FORMAT_VERSION) + "; compile it again");
    if (trailer.trailer_size != sizeof(trailer) ||
        trailer.payload_size != size - sizeof(trailer))
      return refuse("is damaged: it has " + std::to_string(size) +
                    " bytes, but was written with " +
                    std::to_string(trailer.payload_size + sizeof(trailer)));
    return true;
  }

  /// Whether [offset, offset + count * entry) lies in the shared object.
  bool isInside(uint64_t offset, uint64_t count, uint64_t entry) const {
    uint64_t limit = trailer.payload_size;
    return offset <= limit && (entry == 0 || count <= (limit - offset) / entry);
  }

  bool checkBounds() {
    if (!isInside(header.e_shoff, header.e_shnum, sizeof(Elf64_Shdr)) ||
        !isInside(header.e_phoff, header.e_phnum, sizeof(Elf64_Phdr)) ||
        header.e_phentsize != sizeof(Elf64_Phdr))
      return refuse("is damaged: its ELF tables do not fit");
    for (uint64_t i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      if (!readAt(fd, &segment, sizeof(segment),
                  header.e_phoff + i * sizeof(segment)))
        return unreadable();
      if (!isInside(segment.p_offset, segment.p_filesz, 1))
        return refuse("is damaged: its segment #" + std::to_string(i) +
                      " does not fit");
    }
    return true;
  }

  bool checkContents() {
    uint64_t checksum = 0;
    if (!computeChecksum(fd, trailer.payload_size, trailer, checksum))
      return unreadable();
    if (checksum != trailer.checksum)
      return refuse("is damaged or was edited: its checksum does not match");
    return true;
  }

  bool checkCpu() {
    CpuFeatureWords required;
    std::copy(std::begin(trailer.cpu_features), std::end(trailer.cpu_features),
              required.begin());
    std::string missing = missingCpuFeatures(required, getHostCpuFeatures());
    if (missing.empty())
      return true;
    return refuse("is for " + textOf(trailer.target) + ", but this CPU lacks " +
                  missing);
  }

  int fd;
  const std::string &path;
  std::string &error;
  uint64_t size = 0;
  Elf64_Ehdr header;
  Trailer trailer;
};
} // namespace

bool fp4q::checkArtifactFile(int fd, const std::string &path,
                             std::string &error) {
  return Checker(fd, path, error).run();
}
