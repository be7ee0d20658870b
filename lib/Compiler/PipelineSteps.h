//===- PipelineSteps.h - what several pipelines have in common --*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_COMPILER_PIPELINESTEPS_H
#define FP4Q_LIB_COMPILER_PIPELINESTEPS_H

#include "mlir/Support/LLVM.h"

namespace mlir {
class OpPassManager;

namespace fp4q {

/// Gives each operation on tensors a back end on the target, `backEnd` ("auto":
/// the fastest) where that can compute it, and then the scale layouts and the K
/// that its kernels want; for constants at compile time, if `optimize`.
void addBackEndSelection(OpPassManager &manager, StringRef target,
                         StringRef backEnd, bool optimize);

/// Tensors -> memrefs, row-major ones at the boundaries of functions. Results
/// become further arguments. Nothing frees what functions allocate.
void addBufferization(OpPassManager &manager);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_COMPILER_PIPELINESTEPS_H
