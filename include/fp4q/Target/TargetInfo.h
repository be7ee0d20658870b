//===- TargetInfo.h - what code can be made for -----------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TARGET_TARGETINFO_H
#define FP4Q_TARGET_TARGETINFO_H

#include <array>
#include <cstddef>
#include <cstdint>

namespace fp4q {

/// A level of the x86-64 psABI ("Micro-Architecture Levels"), or any other
/// fixed set of CPU features.
struct CPULevel {
  /// What the user writes after "cpu:"; LLVM's name of the CPU as well.
  const char *name;
  /// What code of this level may use, in the words of
  /// fp4q/Runtime/ArtifactFormat.h (FP4Q_CPU_FEATURE_WORDS). On AVX levels the
  /// operating system must save the registers too.
  std::array<uint32_t, 10> features;
};

/// The table of CPU levels, from the least to the most demanding. The first one
/// is what "cpu" without a level stands for.
extern const CPULevel *const cpuLevels;
extern const size_t numCPULevels;

} // namespace fp4q

#endif // FP4Q_TARGET_TARGETINFO_H
