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
// The order of a file: shared object, targets, trailer.
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
using PackedTarget = fp4q_artifact_target;

/// The architecture of this build of the runtime, an ELF machine number.
#if defined(__x86_64__)
static constexpr uint16_t hostMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t hostMachine = EM_AARCH64;
#else
#error "name the ELF machine number of this architecture"
#endif

static std::string systemError() { return std::strerror(errno); }

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

bool MemorySource::read(void *to, uint64_t wanted, uint64_t offset) const {
  if (offset > count || wanted > count - offset) {
    errno = EIO;
    return false;
  }
  if (wanted > 0)
    std::memcpy(to, static_cast<const char *>(data) + offset, wanted);
  return true;
}

namespace {
/// An open file. It may shrink while it is read.
class FileSource : public ByteSource {
public:
  FileSource(int fd, uint64_t count) : fd(fd), count(count) {}

  uint64_t size() const override { return count; }

  bool read(void *to, uint64_t wanted, uint64_t offset) const override {
    auto *bytes = static_cast<char *>(to);
    while (wanted > 0) {
      ssize_t got = ::pread(fd, bytes, wanted, off_t(offset));
      if (got < 0 && errno == EINTR)
        continue;
      if (got == 0)
        errno = EIO;
      if (got <= 0)
        return false;
      bytes += got;
      offset += uint64_t(got);
      wanted -= uint64_t(got);
    }
    return true;
  }

private:
  int fd;
  uint64_t count;
};
} // namespace

/// Adds the first `count` bytes of the source to the state.
static bool addBytes(XXH3_state_t &state, const ByteSource &source,
                     uint64_t count) {
  std::vector<char> chunk(std::min<uint64_t>(count, 1 << 20));
  for (uint64_t offset = 0; offset < count; offset += chunk.size()) {
    uint64_t size = std::min<uint64_t>(chunk.size(), count - offset);
    if (!source.read(chunk.data(), size, offset))
      return false;
    XXH3_64bits_update(&state, chunk.data(), size);
  }
  return true;
}

/// The checksum of the first `count` bytes of the source and what is appended.
static bool computeChecksum(const ByteSource &source, uint64_t count,
                            const std::vector<PackedTarget> &targets,
                            const Trailer &trailer, uint64_t &checksum) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  if (!addBytes(state, source, count))
    return false;
  XXH3_64bits_update(&state, targets.data(),
                     targets.size() * sizeof(PackedTarget));
  constexpr size_t skipped = sizeof(trailer.checksum);
  static_assert(offsetof(Trailer, checksum) == 0, "it is what is skipped");
  XXH3_64bits_update(&state, reinterpret_cast<const char *>(&trailer) + skipped,
                     sizeof(trailer) - skipped);
  checksum = XXH3_64bits_digest(&state);
  return true;
}

bool fp4q::computeChecksum(const ByteSource &source, uint64_t &checksum) {
  Trailer trailer;
  if (source.size() < sizeof(trailer))
    return false;
  uint64_t count = source.size() - sizeof(trailer);
  return source.read(&trailer, sizeof(trailer), count) &&
         ::computeChecksum(source, count, {}, trailer, checksum);
}

//===----------------------------------------------------------------------===//
// Sealing
//===----------------------------------------------------------------------===//

template <size_t N>
static void copyText(char (&to)[N], const std::string &from) {
  std::memcpy(to, from.data(), std::min(from.size(), N - 1));
}

PackedTarget fp4q::packTarget(const ArtifactTarget &target) {
  PackedTarget packed{};
  copyText(packed.name, target.name);
  packed.device_type = target.deviceType;
  std::copy(target.cpuFeatures.begin(), target.cpuFeatures.end(),
            packed.cpu_features);
  return packed;
}

ArtifactTarget fp4q::unpackTarget(const PackedTarget &packed) {
  ArtifactTarget target;
  target.name =
      std::string(packed.name, ::strnlen(packed.name, sizeof(packed.name)));
  target.deviceType = packed.device_type;
  std::copy(std::begin(packed.cpu_features), std::end(packed.cpu_features),
            target.cpuFeatures.begin());
  return target;
}

/// Writes exactly `count` bytes at `offset`.
static bool writeAt(int fd, const void *data, size_t count, uint64_t offset) {
  return ::pwrite(fd, data, count, off_t(offset)) == ssize_t(count);
}

bool fp4q::sealArtifact(const std::string &path,
                        const std::vector<ArtifactTarget> &targets,
                        const std::string &producer, std::string &error) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat status;
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) {
    error = "'" + path + "' cannot be opened: " + systemError();
    return false;
  }
  std::vector<PackedTarget> packed;
  for (const ArtifactTarget &target : targets)
    packed.push_back(packTarget(target));
  Trailer trailer{};
  trailer.payload_size = uint64_t(status.st_size);
  copyText(trailer.producer, producer);
  trailer.num_targets = uint32_t(packed.size());
  trailer.target_size = sizeof(PackedTarget);
  trailer.trailer_size = sizeof(trailer);
  trailer.format_version = FP4Q_ARTIFACT_FORMAT_VERSION;
  std::memcpy(trailer.magic, FP4Q_ARTIFACT_MAGIC, sizeof(trailer.magic));
  FileSource source(file.fd, trailer.payload_size);
  if (!::computeChecksum(source, trailer.payload_size, packed, trailer,
                         trailer.checksum)) {
    error = "'" + path + "' cannot be read: " + systemError();
    return false;
  }
  size_t bytes = packed.size() * sizeof(PackedTarget);
  if (!writeAt(file.fd, packed.data(), bytes, trailer.payload_size) ||
      !writeAt(file.fd, &trailer, sizeof(trailer),
               trailer.payload_size + bytes)) {
    error = "'" + path + "' cannot be written: " + systemError();
    return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Checking
//===----------------------------------------------------------------------===//

namespace {
/// Checks one artifact.
class Checker {
public:
  Checker(const ByteSource &source, const std::string &path, std::string &error)
      : source(source), size(source.size()), path(path), error(error) {}

  bool run(std::vector<ArtifactTarget> &targets) {
    return checkElfHeader() && checkTrailer() && checkBounds() &&
           checkContents() && checkTargets(targets);
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
    if (!source.read(&header, std::min<uint64_t>(size, sizeof(header)), 0))
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
    // A short file gives a short trailer; its end must be at the end.
    uint64_t present = size - offset;
    if (!source.read(reinterpret_cast<char *>(&trailer) + sizeof(trailer) -
                         present,
                     present, offset))
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
        trailer.target_size != sizeof(PackedTarget) ||
        trailer.num_targets == 0 ||
        trailer.num_targets > FP4Q_MAX_ARTIFACT_TARGETS)
      return refuse("is damaged: its trailer contradicts its format version");
    uint64_t appended =
        sizeof(trailer) + trailer.num_targets * sizeof(PackedTarget);
    if (size < appended || trailer.payload_size != size - appended)
      return refuse("is damaged: it has " + std::to_string(size) +
                    " bytes, but was written with " +
                    std::to_string(trailer.payload_size + appended));
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
      if (!source.read(&segment, sizeof(segment),
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
    if (!fp4q::computeChecksum(source, checksum))
      return unreadable();
    if (checksum != trailer.checksum)
      return refuse("is damaged or was edited: its checksum does not match");
    return true;
  }

  /// What was written is consistent, so only a wrong writer fails here.
  bool checkTargets(std::vector<ArtifactTarget> &targets) {
    std::vector<PackedTarget> packed(trailer.num_targets);
    if (!source.read(packed.data(), packed.size() * sizeof(PackedTarget),
                     trailer.payload_size))
      return unreadable();
    targets.clear();
    for (const PackedTarget &target : packed) {
      targets.push_back(unpackTarget(target));
      const std::string &name = targets.back().name;
      if (name.empty() || name.size() == sizeof(target.name))
        return refuse("is damaged: its target #" +
                      std::to_string(targets.size() - 1) + " has no name");
    }
    return true;
  }

  const ByteSource &source;
  uint64_t size;
  const std::string &path;
  std::string &error;
  Elf64_Ehdr header;
  Trailer trailer;
};
} // namespace

bool fp4q::checkArtifact(const ByteSource &source, const std::string &path,
                         std::vector<ArtifactTarget> &targets,
                         std::string &error) {
  return Checker(source, path, error).run(targets);
}

bool fp4q::checkArtifactFile(int fd, const std::string &path,
                             std::vector<ArtifactTarget> &targets,
                             std::string &error) {
  struct stat status;
  bool known = ::fstat(fd, &status) == 0;
  if (known && S_ISREG(status.st_mode))
    return checkArtifact(FileSource(fd, uint64_t(status.st_size)), path,
                         targets, error);
  error =
      "artifact '" + path + "' " +
      (known ? "is not a regular file" : "cannot be read: " + systemError());
  return false;
}
