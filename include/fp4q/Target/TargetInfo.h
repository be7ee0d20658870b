//===- TargetInfo.h - what code can be made for -----------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The facts about chips and CPU levels. They are in one table, TargetTable.cpp,
// and nowhere else in fp4q is there a condition on the name of a chip: a kernel
// names the features that it needs (BackEnds.h).
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TARGET_TARGETINFO_H
#define FP4Q_TARGET_TARGETINFO_H

#include "fp4q/Numerics/Recipe.h"
#include "fp4q/Target/EnumSet.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fp4q {

enum class TargetKind : uint8_t { CPU, GPU };

/// What kernels may ask of a target beyond its kind. A feature stands for the
/// older ones that every chip with it has.
enum class Feature : uint8_t {
  // x86-64.
  AVX2,       ///< x86-64-v3: AVX2, FMA, BMI
  AVXVNNI,    ///< vpdpbusd on ymm
  AVX512,     ///< x86-64-v4: AVX-512 F, BW, CD, DQ, VL
  AVX512VNNI, ///< vpdpbusd on zmm, and vpermb (AVX-512 VBMI)
  // AArch64.
  NEON,
  DotProd, ///< sdot, udot
  // GPU: kinds of matrix instructions, and conversions.
  MMABF16,           ///< mma.sync m16n8k16, bf16
  WGMMA,             ///< wgmma.mma_async
  MMABlockScale,     ///< mma.sync m16n8k64 block_scale, e2m1
  TCGen05BlockScale, ///< tcgen05.mma block_scale, e2m1
  ConvertE2M1,       ///< cvt between f32 or f16 and e2m1x2
};

/// A format by its group size and scale type.
enum class Format : uint8_t {
  MXFP4, ///< groups of 32, e8m0
  NVFP4, ///< groups of 16, e4m3
  Other
};

/// The format of groups of that size with such scales.
constexpr Format formatOf(ScaleType scaleType, int64_t groupSize) {
  if (scaleType == ScaleType::E8M0 && groupSize == 32)
    return Format::MXFP4;
  if (scaleType == ScaleType::E4M3 && groupSize == 16)
    return Format::NVFP4;
  return Format::Other;
}

/// What a CPU has, in the words of fp4q/Runtime/ArtifactFormat.h
/// (FP4Q_CPU_FEATURE_WORDS). On AVX levels the operating system must save the
/// registers too.
using CPUFeatureWords = std::array<uint32_t, 10>;

/// A chip, or a level of CPUs: one of the psABI for x86-64
/// ("Micro-Architecture Levels"), or another fixed set of features.
struct Target {
  /// As the user writes it: "cpu:x86-64-v3", "sm_120a".
  const char *name;
  TargetKind kind;
  /// As in LLVM's target triple; empty where any will do.
  const char *architecture;
  /// LLVM's names of the CPU or chip, and of features beyond it: "+avxvnni".
  const char *cpu;
  const char *extensions;
  EnumSet<Feature> features;

  /// CPU: what code for this level may use.
  CPUFeatureWords cpuFeatures = {};

  /// GPU: the least version of the PTX ISA that has all features, times 10.
  int ptxVersion = 0;
  /// GPU: the formats that its block-scaled matrix instructions take.
  EnumSet<Format> mmaFormats = {};
  /// GPU: shared memory in KiB, of a multiprocessor and at most of one block.
  int sharedMemory = 0, sharedMemoryPerBlock = 0;
  /// GPU: multiprocessors of the usual product with this chip, for the sizes of
  /// grids. Kernels are right for any number.
  int multiprocessors = 0;
};

/// All targets: CPU levels, first the one that plain "cpu" stands for, each
/// after those that it contains; then chips.
extern const Target *const targets;
extern const size_t numTargets;

/// The target of that name ("cpu" too), or null.
const Target *findTarget(std::string_view name);

/// The features to give LLVM: the extensions, or "+ptx87".
std::string llvmFeatures(const Target &target);

/// The names of the chips, and of the CPU levels, separated by ", ", for
/// messages.
std::string chipNames();
std::string cpuLevelNames();

/// The release of the CUDA Toolkit whose ptxas, and of the driver which, first
/// takes a version of the PTX ISA, times 10: "12.8" for 87 (PTX ISA, "Release
/// Notes").
std::string cudaRelease(int ptxVersion);

/// The vector registers of a CPU.
struct VectorRegisters {
  /// Bytes of a register.
  int bytes;
  int count;
};

/// The widest registers that kernels for the CPU should use.
VectorRegisters vectorRegisters(const Target &target);

/// The names of all targets, separated by ", ", for messages.
std::string targetNames();

/// The most demanding CPU level for that architecture (as in LLVM's triple)
/// which a CPU with these features can run. There is always one.
const Target &bestCPULevel(std::string_view architecture,
                           const CPUFeatureWords &features);

/// The best chip to make code for, of those whose code runs on a GPU of that
/// compute capability; null if there is none. A name that ends in "a" is for
/// that chip alone, others are for later chips too.
const Target *bestChip(int major, int minor);

/// The name in documentation and messages: "avx512-vnni", "mma block_scale".
const char *name(Feature feature);
const char *name(Format format);

} // namespace fp4q

#endif // FP4Q_TARGET_TARGETINFO_H
