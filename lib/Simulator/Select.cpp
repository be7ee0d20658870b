//===- Select.cpp - the instruction set of the execution functions --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The execution functions are built for several instruction sets of the host;
// the first one the machine has is used. Results do not depend on it.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

namespace fp4q::sim::portable {
ExecFn selectAtomic(const Inst &inst);
ExecFn selectWarp(const Inst &inst);
} // namespace fp4q::sim::portable

// clang-format off
#define FP4Q_SIM_DECLARE(isa)                                                  \
  namespace fp4q::sim::isa {                                                   \
  ExecFn selectInteger(const Inst &inst);                                      \
  ExecFn selectBits(const Inst &inst);                                         \
  ExecFn selectFloat(const Inst &inst);                                        \
  ExecFn selectHalf(const Inst &inst);                                         \
  ExecFn selectCompare(const Inst &inst);                                      \
  ExecFn selectConvert(const Inst &inst);                                      \
  ExecFn selectMove(const Inst &inst);                                         \
  ExecFn selectMma(const Inst &inst);                                          \
  ExecFn selectLoadStore(const Inst &inst);                                    \
  ExecFn selectAsync(const Inst &inst);                                        \
  ExecFn selectMatrix(const Inst &inst);                                       \
  static ExecFn select(const Inst &inst) {                                     \
    for (auto family : {selectInteger, selectBits, selectFloat, selectHalf,    \
                        selectCompare, selectConvert, selectMove, selectMma,   \
                        selectLoadStore, selectAsync, selectMatrix,            \
                        portable::selectAtomic, portable::selectWarp})         \
      if (ExecFn fn = family(inst))                                            \
        return fn;                                                             \
    return nullptr;                                                            \
  }                                                                            \
  }
// clang-format on

FP4Q_SIM_DECLARE(portable)
#ifdef FP4Q_SIM_HAS_AVX2
FP4Q_SIM_DECLARE(avx2)
#endif

using Selector = fp4q::sim::ExecFn (*)(const fp4q::sim::Inst &);

static Selector chooseSelector() {
#ifdef FP4Q_SIM_HAS_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return fp4q::sim::avx2::select;
#endif
  return fp4q::sim::portable::select;
}

fp4q::sim::ExecFn fp4q::sim::selectExec(const Inst &inst) {
  static const Selector selector = chooseSelector();
  return selector(inst);
}
