//===- PipelineSteps.h - what several pipelines have in common --*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_COMPILER_PIPELINESTEPS_H
#define FP4Q_LIB_COMPILER_PIPELINESTEPS_H

#include <memory>
#include <string>

namespace mlir {
class OpPassManager;
class Pass;

namespace fp4q {

/// A target, and the options of fp4q-select-backend.
struct BackEndChoice {
  std::string target, backEnd, quantize, matmul;
  /// Whether constant weights are packed for kernels that want it.
  bool packWeights = false;
};

/// Makes linalg operations of those of arith and math on tensors. Gives each
/// operation of fp4q a back end, as fp4q-select-backend does, and then those
/// on tensors the scale layouts and the K that its kernels want; of constants
/// at compile time, if `optimize`.
void addBackEndSelection(OpPassManager &manager, const BackEndChoice &choice,
                         bool optimize);

/// The canonicalizer, which begins with the last operation: beginning with the
/// first, it takes time quadratic in the unrolled operations of a kernel.
std::unique_ptr<Pass> createKernelCanonicalizerPass();

/// Tensors -> memrefs, row-major ones at the boundaries of functions. Results
/// become further arguments. Nothing frees what functions allocate.
void addBufferization(OpPassManager &manager);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_COMPILER_PIPELINESTEPS_H
