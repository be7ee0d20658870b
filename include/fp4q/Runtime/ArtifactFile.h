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
#include <cstdint>
#include <string>

namespace fp4q {

/// Features of a CPU, see FP4Q_CPU_FEATURE_WORDS.
using CpuFeatureWords = std::array<uint32_t, FP4Q_CPU_FEATURE_WORDS>;

/// The features of the CPU that executes this, as far as code can use them.
CpuFeatureWords getHostCpuFeatures();

/// The features in `required` that `host` lacks: "avx2, fma", or an empty
/// string. A feature without a well-known name is "word 5 bit 4".
std::string missingCpuFeatures(const CpuFeatureWords &required,
                               const CpuFeatureWords &host);

/// Appends to the shared object at `path` the trailer that makes it an
/// artifact. Target and producer are cut to 31 bytes. Returns false and sets
/// `error` if the file cannot be read or written.
bool sealArtifact(const std::string &path, const std::string &target,
                  const std::string &producer,
                  const CpuFeatureWords &cpuFeatures, std::string &error);

/// Checks that the open file is an artifact that this machine and this version
/// of the runtime can load: an ELF shared object for this architecture, all of
/// it there, its headers within its bounds, format version, checksum, CPU
/// features. On failure returns false and sets `error` to one line that calls
/// the file `path`.
bool checkArtifactFile(int fd, const std::string &path, std::string &error);

} // namespace fp4q

#endif // FP4Q_RUNTIME_ARTIFACTFILE_H
