//===- Exec.h - helpers of the execution functions --------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Execution functions compute all 32 lanes and store those of the mask: loops
// of fixed length over local arrays, which compilers turn into vector code. The
// files that hold them are compiled once per instruction set; FP4Q_SIM_ISA is
// the namespace of a set, and Select.cpp picks one when the library is loaded.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_SIMULATOR_EXEC_H
#define FP4Q_LIB_SIMULATOR_EXEC_H

#include "Formats.h"
#include "Machine.h"

#ifndef FP4Q_SIM_ISA
#define FP4Q_SIM_ISA portable
#endif

namespace fp4q::sim::FP4Q_SIM_ISA {

/// Each returns the function for a decoded instruction, or null.
ExecFn selectInteger(const Inst &inst);
ExecFn selectBits(const Inst &inst);
ExecFn selectFloat(const Inst &inst);
ExecFn selectHalf(const Inst &inst);
ExecFn selectCompare(const Inst &inst);
ExecFn selectConvert(const Inst &inst);
ExecFn selectMove(const Inst &inst);
ExecFn selectMma(const Inst &inst);
ExecFn selectLoadStore(const Inst &inst);
ExecFn selectAsync(const Inst &inst);
ExecFn selectMatrix(const Inst &inst);
ExecFn selectAtomic(const Inst &inst);
ExecFn selectWarp(const Inst &inst);

/// Reads a register's lanes as T; registers of up to 32 bits lie in a row of
/// 32-bit words.
template <typename T>
__attribute__((always_inline)) inline void loadLanes(Warp &warp, uint32_t row,
                                                     T (&out)[32]) {
  if constexpr (sizeof(T) >= 4) {
    std::memcpy(out, warp.file + size_t(row) * kRowBytes, sizeof(out));
  } else {
    const uint32_t *in = warp.row32(row);
    for (int i = 0; i < 32; ++i)
      out[i] = T(in[i]);
  }
}

/// Stores the lanes of the mask; narrow values are zero-extended.
template <typename T>
__attribute__((always_inline)) inline void
storeLanes(Warp &warp, uint32_t row, const T (&value)[32], uint32_t mask) {
  using Word = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  Word words[32];
  if constexpr (sizeof(T) >= 4) {
    std::memcpy(words, value, sizeof(words));
  } else {
    using Unsigned = std::conditional_t<sizeof(T) == 2, uint16_t, uint8_t>;
    for (int i = 0; i < 32; ++i)
      words[i] = Unsigned(value[i]);
  }
  auto *out = reinterpret_cast<Word *>(warp.file + size_t(row) * kRowBytes);
  if (mask == ~0u) {
    std::memcpy(out, words, sizeof(words));
    return;
  }
  for (int i = 0; i < 32; ++i)
    out[i] = mask >> i & 1 ? words[i] : out[i];
}

inline void storePred(Warp &warp, uint32_t pred, uint32_t value,
                      uint32_t mask) {
  warp.preds[pred] = (warp.preds[pred] & ~mask) | (value & mask);
}

/// make(T()) of the C++ type of an integer type; null for others.
template <typename Make>
ExecFn forInts(Type type, Make make) {
  switch (type) {
  case Type::U16:
    return make(uint16_t());
  case Type::U32:
    return make(uint32_t());
  case Type::U64:
    return make(uint64_t());
  case Type::S16:
    return make(int16_t());
  case Type::S32:
    return make(int32_t());
  case Type::S64:
    return make(int64_t());
  default:
    return nullptr;
  }
}

template <typename Fn>
inline void forLanes(uint32_t mask, Fn fn) {
  for (; mask; mask &= mask - 1)
    fn(uint32_t(__builtin_ctz(mask)));
}

/// Addresses of all lanes: a row of 64-bit (`wide`) or 32-bit bases plus the
/// offset.
inline void addresses(Warp &warp, uint32_t row, bool wide, int64_t offset,
                      uint64_t (&out)[32]) {
  if (wide) {
    loadLanes(warp, row, out);
    for (uint64_t &address : out)
      address += uint64_t(offset);
    return;
  }
  const uint32_t *words = warp.row32(row);
  for (int i = 0; i < 32; ++i)
    out[i] = uint32_t(words[i] + uint32_t(offset));
}

/// Executes F::run on T's of one, two or three sources; F may return another
/// type.
template <typename T, typename F>
void exec1(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32];
  loadLanes(warp, inst.ops[1], a);
  decltype(F::run(a[0])) r[32];
  for (int i = 0; i < 32; ++i)
    r[i] = F::run(a[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename T, typename F, typename B = T>
void exec2(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32];
  B b[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  decltype(F::run(a[0], b[0])) r[32];
  for (int i = 0; i < 32; ++i)
    r[i] = F::run(a[i], b[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}

template <typename T, typename F, typename C = T>
void exec3(Warp &warp, const Inst &inst, uint32_t mask) {
  T a[32], b[32];
  C c[32];
  loadLanes(warp, inst.ops[1], a);
  loadLanes(warp, inst.ops[2], b);
  loadLanes(warp, inst.ops[3], c);
  decltype(F::run(a[0], b[0], c[0])) r[32];
  for (int i = 0; i < 32; ++i)
    r[i] = F::run(a[i], b[i], c[i]);
  storeLanes(warp, inst.ops[0], r, mask);
}

} // namespace fp4q::sim::FP4Q_SIM_ISA

#endif // FP4Q_LIB_SIMULATOR_EXEC_H
