//===- TargetTable.cpp - one row a target ---------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Target/TargetInfo.h"

using namespace fp4q;

/// Bits `numbers` of a word.
template <typename... Numbers>
static constexpr uint32_t bits(Numbers... numbers) {
  return ((1u << numbers) | ...);
}

// Leaf 1, ecx.
static constexpr uint32_t v2Leaf1 = // sse3 ssse3 cx16 sse4.1 sse4.2 popcnt
    bits(0, 9, 13, 19, 20, 23);
static constexpr uint32_t v3Leaf1 = // fma movbe osxsave avx f16c
    v2Leaf1 | bits(12, 22, 27, 28, 29);
// Leaf 7, ebx.
static constexpr uint32_t v3Leaf7 = bits(3, 5, 8); // bmi avx2 bmi2
static constexpr uint32_t v4Leaf7 =                // avx512 f, dq, cd, bw, vl
    v3Leaf7 | bits(16, 17, 28, 30, 31);
// Leaf 7, ecx.
static constexpr uint32_t vnniLeaf7 = bits(1, 11); // avx512 vbmi, vnni
// Leaf 7, subleaf 1, eax.
static constexpr uint32_t avxVNNI = bits(4);
// Leaf 0x80000001, ecx.
static constexpr uint32_t v2Extended = bits(0);              // lahf and sahf
static constexpr uint32_t v3Extended = v2Extended | bits(5); // lzcnt
// XCR0: the registers that the system saves.
static constexpr uint32_t v3Saved = bits(1, 2);              // xmm ymm
static constexpr uint32_t v4Saved = v3Saved | bits(5, 6, 7); // masks zmm

static constexpr CPUFeatureWords v2 = {v2Leaf1, 0, 0,          0, 0,
                                       0,       0, v2Extended, 0, 0};
static constexpr CPUFeatureWords v3 = {v3Leaf1, 0, v3Leaf7,    0, 0,
                                       0,       0, v3Extended, 0, v3Saved};
static constexpr CPUFeatureWords v3VNNI = {v3Leaf1, 0, v3Leaf7,    0, 0,
                                           avxVNNI, 0, v3Extended, 0, v3Saved};
static constexpr CPUFeatureWords v4 = {v3Leaf1, 0, v4Leaf7,    0, 0,
                                       0,       0, v3Extended, 0, v4Saved};
static constexpr CPUFeatureWords v4VNNI = {
    v3Leaf1, 0, v4Leaf7, vnniLeaf7, 0, 0, 0, v3Extended, 0, v4Saved};

/// A row for x86-64.
static constexpr Target x86(const char *name, const char *cpu,
                            const char *extensions, EnumSet<Feature> features,
                            CPUFeatureWords words) {
  return {name, TargetKind::CPU, "x86_64", cpu, extensions, features, words};
}

/// A row for another CPU, of which the artifact's trailer says nothing.
static constexpr Target cpu(const char *name, const char *architecture,
                            const char *extensions, EnumSet<Feature> features) {
  return {name, TargetKind::CPU, architecture, "generic", extensions, features};
}

/// A row for a chip of NVIDIA: name, PTX ISA times 10, features, formats of its
/// block-scaled matrix instructions, shared memory of a multiprocessor and of
/// one block in KiB, multiprocessors.
static constexpr Target chip(const char *name, int ptxVersion,
                             EnumSet<Feature> features,
                             EnumSet<Format> mmaFormats, int sharedMemory,
                             int sharedMemoryPerBlock, int multiprocessors) {
  return {name,
          TargetKind::GPU,
          "nvptx64",
          name,
          "",
          features,
          {},
          ptxVersion,
          mmaFormats,
          sharedMemory,
          sharedMemoryPerBlock,
          multiprocessors};
}

using F = Feature;
static constexpr EnumSet<F> avx2 = {F::AVX2}, avx512 = {F::AVX2, F::AVX512};
static constexpr EnumSet<F> avxVnni = avx2 | EnumSet<F>{F::AVXVNNI};
static constexpr EnumSet<F> avx512Vnni = avx512 | EnumSet<F>{F::AVX512VNNI};
static constexpr EnumSet<F> neon = {F::NEON}, dotProd = {F::NEON, F::DotProd};
static constexpr EnumSet<F> ampere = {F::MMABF16};
static constexpr EnumSet<F> hopper = {F::MMABF16, F::WGMMA};
static constexpr EnumSet<F> dataCenterBlackwell = {
    F::MMABF16, F::TCGen05BlockScale, F::ConvertE2M1};
static constexpr EnumSet<F> consumerBlackwell = {F::MMABF16, F::MMABlockScale,
                                                 F::ConvertE2M1};
static constexpr EnumSet<Format> none = {};
static constexpr EnumSet<Format> both = {Format::MXFP4, Format::NVFP4};

// Sources: the psABI for x86-64; LLVM's processor tables; the CUDA C++
// Programming Guide, "Compute Capabilities", for shared memory; the PTX ISA,
// which says of each instruction on which chips it is since which version.
//
// The plain names of chips (sm_90, sm_120) are missing on purpose: wgmma,
// tcgen05 and block-scaled mma are for architecture-specific targets only.
static constexpr Target table[] = {
    x86("cpu:x86-64", "x86-64", "", {}, {}),
    x86("cpu:x86-64-v2", "x86-64-v2", "", {}, v2),
    x86("cpu:x86-64-v3", "x86-64-v3", "", avx2, v3),
    x86("cpu:avx-vnni", "x86-64-v3", "+avxvnni", avxVnni, v3VNNI),
    x86("cpu:x86-64-v4", "x86-64-v4", "", avx512, v4),
    x86("cpu:avx512-vnni", "x86-64-v4", "+avx512vnni,+avx512vbmi", avx512Vnni,
        v4VNNI),
    cpu("cpu:aarch64", "aarch64", "", neon),
    cpu("cpu:aarch64-dotprod", "aarch64", "+dotprod", dotProd),
    cpu("cpu:generic", "", "", {}),
    chip("sm_80", 70, ampere, none, 164, 163, 108),
    chip("sm_86", 71, ampere, none, 100, 99, 84),
    chip("sm_89", 78, ampere, none, 100, 99, 128),
    chip("sm_90a", 80, hopper, none, 228, 227, 132),
    chip("sm_100a", 88, dataCenterBlackwell, both, 228, 227, 148),
    chip("sm_103a", 88, dataCenterBlackwell, both, 228, 227, 148),
    chip("sm_120a", 87, consumerBlackwell, both, 100, 99, 170),
    chip("sm_121a", 88, consumerBlackwell, both, 100, 99, 48),
};

const Target *const fp4q::targets = table;
const size_t fp4q::numTargets = sizeof(table) / sizeof(table[0]);
