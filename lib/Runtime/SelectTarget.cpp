//===- SelectTarget.cpp - which code of an artifact runs ------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Runtime/ArtifactFile.h"

#include "GpuImages.h"
#include "fp4q/Runtime/DLPack.h"

using namespace fp4q;

/// Why a target cannot run here, or an empty string. Code for GPUs must be
/// named.
static std::string whyNot(const ArtifactTarget &target, bool isNamed,
                          const CpuFeatureWords &host) {
  if (target.deviceType != FP4Q_DL_CPU &&
      !(isNamed && target.deviceType == FP4Q_DL_CUDA))
    return "is for DLPack device type " + std::to_string(target.deviceType);
  std::string missing = missingCpuFeatures(target.cpuFeatures, host);
  return missing.empty() ? missing : "needs " + missing;
}

static unsigned countFeatures(const CpuFeatureWords &words) {
  unsigned count = 0;
  for (uint32_t word : words)
    count += unsigned(__builtin_popcount(word));
  return count;
}

int fp4q::selectTarget(const std::vector<ArtifactTarget> &targets,
                       const std::string &wanted, const CpuFeatureWords &host,
                       std::string &error) {
  int best = -1;
  unsigned bestCount = 0;
  std::string names, reasons;
  for (size_t i = 0; i < targets.size(); ++i) {
    const ArtifactTarget &target = targets[i];
    names += (i ? ", " : "") + target.name;
    if (!wanted.empty() && target.name != wanted)
      continue;
    std::string reason = whyNot(target, !wanted.empty(), host);
    unsigned count = countFeatures(target.cpuFeatures);
    if (!reason.empty())
      reasons += (reasons.empty() ? "" : "; ") + target.name + " " + reason;
    else if (best < 0 || count > bestCount) {
      best = int(i);
      bestCount = count;
    }
  }
  if (best >= 0)
    return best;
  if (reasons.empty())
    error = "has no code for target '" + wanted + "', only for " + names;
  else
    error = "has no code that can run here: " + reasons + "; this CPU has " +
            namedCpuFeatures(host);
  return -1;
}

int fp4q::selectGpuTarget(const std::vector<ArtifactTarget> &targets,
                          int32_t device, int major, int minor,
                          const CpuFeatureWords &host, std::string &error) {
  int best = -1, bestRank = -1;
  std::string names, reasons;
  for (size_t i = 0; i < targets.size(); ++i) {
    const ArtifactTarget &target = targets[i];
    names += (i ? ", " : "") + target.name;
    if (target.deviceType != FP4Q_DL_CUDA)
      continue;
    int rank = rankChip(target.name, major, minor);
    std::string reason = whyNot(target, /*isNamed=*/true, host);
    if (rank >= 0 && !reason.empty())
      reasons += "; " + target.name + " " + reason;
    else if (rank > bestRank) {
      best = int(i);
      bestRank = rank;
    }
  }
  if (best < 0)
    error = "has no code for CUDA device " + std::to_string(device) +
            ", which is sm_" + std::to_string(major * 10 + minor) +
            ", only for " + names + reasons;
  return best;
}
