//===- PipelineSteps.h - what several pipelines have in common --*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_COMPILER_PIPELINESTEPS_H
#define FP4Q_LIB_COMPILER_PIPELINESTEPS_H

namespace mlir {
class OpPassManager;

namespace fp4q {

/// Tensors -> memrefs, row-major ones at the boundaries of functions. Results
/// become further arguments. Nothing frees what functions allocate.
void addBufferization(OpPassManager &manager);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_COMPILER_PIPELINESTEPS_H
