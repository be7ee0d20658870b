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
// Leaf 0x80000001, ecx.
static constexpr uint32_t v2Extended = bits(0);              // lahf and sahf
static constexpr uint32_t v3Extended = v2Extended | bits(5); // lzcnt
// XCR0: the registers that the system saves.
static constexpr uint32_t v3Saved = bits(1, 2);              // xmm ymm
static constexpr uint32_t v4Saved = v3Saved | bits(5, 6, 7); // masks zmm

static constexpr CPULevel table[] = {
    {"x86-64", {}},
    {"x86-64-v2", {v2Leaf1, 0, 0, 0, 0, 0, 0, v2Extended, 0, 0}},
    {"x86-64-v3", {v3Leaf1, 0, v3Leaf7, 0, 0, 0, 0, v3Extended, 0, v3Saved}},
    {"x86-64-v4", {v3Leaf1, 0, v4Leaf7, 0, 0, 0, 0, v3Extended, 0, v4Saved}},
};

const CPULevel *const fp4q::cpuLevels = table;
const size_t fp4q::numCPULevels = sizeof(table) / sizeof(table[0]);
