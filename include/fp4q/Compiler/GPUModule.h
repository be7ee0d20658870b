//===- GPUModule.h - from kernels to PTX ------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_GPUMODULE_H
#define FP4Q_COMPILER_GPUMODULE_H

#include "fp4q/Conversion/FP4QMicroOps.h"
#include "fp4q/Target/TargetInfo.h"

namespace mlir {
class OpPassManager;

namespace fp4q {

/// Native where the chip has block-scaled mma.sync.
MmaLowering getMmaLowering(const ::fp4q::Target &target);

/// Adds to a manager of passes on modules those that lower every gpu.module,
/// as convert-fp4q-to-gpu leaves it, to the dialects LLVM and NVVM: what
/// gpu-module-to-binary takes. `target` is the chip of all of them, `mma` what
/// becomes of fp4q.mma_block_scaled.
void addGPUModulePasses(OpPassManager &manager, const ::fp4q::Target &target,
                        MmaLowering mma);
inline void addGPUModulePasses(OpPassManager &manager,
                               const ::fp4q::Target &target) {
  addGPUModulePasses(manager, target, getMmaLowering(target));
}

/// Registers --fp4q-lower-gpu-modules="chip=...".
void registerGPUModulePipeline();

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_GPUMODULE_H
