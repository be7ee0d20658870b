//===- ArtifactFile.h - seal and check the file of an artifact --*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What can be said about an artifact without running any code of it. The loader
// and the compiler both link this; it is not exported from the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_RUNTIME_ARTIFACTFILE_H
#define FP4Q_RUNTIME_ARTIFACTFILE_H

#include "fp4q/Runtime/ArtifactFormat.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fp4q {

/// Features of a CPU, see FP4Q_CPU_FEATURE_WORDS.
using CpuFeatureWords = std::array<uint32_t, FP4Q_CPU_FEATURE_WORDS>;

/// The features of the CPU that executes this, as far as code can use them.
const CpuFeatureWords &getHostCpuFeatures();

/// The features in `required` that `host` lacks: "avx2, fma", or an empty
/// string. A feature without a well-known name is "word 5 bit 4".
std::string missingCpuFeatures(const CpuFeatureWords &required,
                               const CpuFeatureWords &host);

/// The features in `words` that have well-known names: "avx2, fma"; otherwise a
/// text that says that there are none.
std::string namedCpuFeatures(const CpuFeatureWords &words);

/// A target of an artifact.
struct ArtifactTarget {
  std::string name;
  int32_t deviceType = 1;
  CpuFeatureWords cpuFeatures{};
};

/// The target in the layout of the file; its name is cut to 31 bytes.
fp4q_artifact_target packTarget(const ArtifactTarget &target);
ArtifactTarget unpackTarget(const fp4q_artifact_target &packed);

/// The number of the target that `wanted` names, or if that is empty, of the
/// best one for `host`: among those for CPUs whose features it has, the one
/// that uses most of them, and of equals the first. Whether code for a GPU can
/// run, its device will say. On failure returns -1 and sets `error` to what
/// follows "artifact 'PATH' ".
int selectTarget(const std::vector<ArtifactTarget> &targets,
                 const std::string &wanted, const CpuFeatureWords &host,
                 std::string &error);

/// The number of the best target for CUDA device `device`, of that compute
/// capability: of the chips whose code it runs (GpuImages.h), the latest. Fails
/// likewise.
int selectGpuTarget(const std::vector<ArtifactTarget> &targets, int32_t device,
                    int major, int minor, const CpuFeatureWords &host,
                    std::string &error);

/// Appends to the shared object at `path` the targets and the trailer that make
/// it an artifact. Returns false and sets `error` if the file cannot be read or
/// written.
bool sealArtifact(const std::string &path,
                  const std::vector<ArtifactTarget> &targets,
                  const std::string &producer, std::string &error);

/// The bytes of a file.
class ByteSource {
public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /// Reads exactly `count` bytes at `offset`; sets errno if that fails.
  virtual bool read(void *data, uint64_t count, uint64_t offset) const = 0;
};

/// Bytes in memory, which must outlive it.
class MemorySource : public ByteSource {
public:
  MemorySource(const void *data, size_t count) : data(data), count(count) {}
  uint64_t size() const override { return count; }
  bool read(void *to, uint64_t count, uint64_t offset) const override;

private:
  const void *data;
  size_t count;
};

/// Checks that the bytes are an artifact that this version of the runtime can
/// load: an ELF shared object for this architecture, all of it there, its
/// headers within its bounds, format version, checksum, targets. Stores the
/// targets. On failure returns false and sets `error` to one line that calls
/// the file `path`.
bool checkArtifact(const ByteSource &source, const std::string &path,
                   std::vector<ArtifactTarget> &targets, std::string &error);

/// checkArtifact of an open file, which must be a regular one.
bool checkArtifactFile(int fd, const std::string &path,
                       std::vector<ArtifactTarget> &targets,
                       std::string &error);

/// The checksum that the trailer of the bytes should have; false if they cannot
/// be read or are too few.
bool computeChecksum(const ByteSource &source, uint64_t &checksum);

} // namespace fp4q

#endif // FP4Q_RUNTIME_ARTIFACTFILE_H
