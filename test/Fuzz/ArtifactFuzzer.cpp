//===- ArtifactFuzzer.cpp - artifacts that nobody compiled ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libFuzzer target: whatever the bytes, the checks that an artifact must pass
// before the system's loader sees it end with its targets or with an error of
// one line.
//
// The first byte says how much of the end is put right, so that inputs get past
// the checks in front: 1 the magic and the sizes in the trailer, 2 also the
// checksum. The rest is the file.
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/ArtifactFile.h"

#include <cstdlib>
#include <cstring>

using namespace fp4q;
using Trailer = fp4q_artifact_trailer;

static void require(bool condition) {
  if (!condition)
    std::abort();
}

/// Makes the end of the file agree with its size.
static void repairTrailer(std::string &file) {
  if (file.size() < sizeof(Trailer))
    return;
  Trailer trailer;
  char *end = &file[file.size() - sizeof(trailer)];
  std::memcpy(&trailer, end, sizeof(trailer));
  trailer.format_version = FP4Q_ARTIFACT_FORMAT_VERSION;
  trailer.trailer_size = sizeof(trailer);
  trailer.target_size = sizeof(fp4q_artifact_target);
  std::memcpy(trailer.magic, FP4Q_ARTIFACT_MAGIC, sizeof(trailer.magic));
  trailer.payload_size = file.size() - sizeof(trailer) -
                         trailer.num_targets * sizeof(fp4q_artifact_target);
  std::memcpy(end, &trailer, sizeof(trailer));
}

static void repairChecksum(std::string &file) {
  uint64_t checksum = 0;
  if (computeChecksum(MemorySource(file.data(), file.size()), checksum))
    std::memcpy(&file[file.size() - sizeof(Trailer)], &checksum,
                sizeof(checksum));
}

/// One line that names the file.
static bool isError(const std::string &error) {
  return error.rfind("artifact 'fuzz' ", 0) == 0 &&
         error.find('\n') == std::string::npos;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return -1;
  std::string file(reinterpret_cast<const char *>(data) + 1, size - 1);
  if (data[0] % 4 >= 1)
    repairTrailer(file);
  if (data[0] % 4 >= 2)
    repairChecksum(file);
  // A copy of its own size, so that reading past its end is seen.
  std::vector<char> bytes(file.begin(), file.end());
  std::vector<ArtifactTarget> targets;
  std::string error;
  if (!checkArtifact(MemorySource(bytes.data(), bytes.size()), "fuzz", targets,
                     error)) {
    require(isError(error));
    return 0;
  }
  require(error.empty() && !targets.empty() &&
          targets.size() <= FP4Q_MAX_ARTIFACT_TARGETS);
  CpuFeatureWords host{0xF, 0xF};
  for (const std::string &wanted : {std::string(), targets.back().name}) {
    int selected = selectTarget(targets, wanted, host, error);
    require(selected < 0 ? !error.empty()
                         : size_t(selected) < targets.size() &&
                               missingCpuFeatures(
                                   targets[size_t(selected)].cpuFeatures, host)
                                   .empty());
  }
  return 0;
}
