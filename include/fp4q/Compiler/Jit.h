//===- Jit.h - compile a module for this machine and call it ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_JIT_H
#define FP4Q_COMPILER_JIT_H

#include "fp4q/Compiler/Pipelines.h"
#include "fp4q/Compiler/Signature.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace mlir {
class ExecutionEngine;

namespace fp4q {

/// A tensor in memory: row-major and contiguous, as many sizes as its spec
/// says.
struct TensorRef {
  void *data = nullptr;
  SmallVector<int64_t> sizes;
};

/// One function of a module, compiled for the machine that runs it.
class JitFunction {
public:
  /// Compiles `entry` of `module`, which is lowered in place. Errors are
  /// reported as diagnostics of the context.
  static FailureOr<std::unique_ptr<JitFunction>>
  compile(ModuleOp module, StringRef entry, const CPUPipelineOptions &options);
  ~JitFunction();

  const Signature &getSignature() const { return signature; }

  /// The sizes of the results for arguments of these sizes (their data is not
  /// read unless a size depends on it). An argument whose spec is a scalar
  /// points to its value. Fails if the sizes of the arguments contradict each
  /// other, with a sentence in `error`.
  LogicalResult getResultSizes(ArrayRef<TensorRef> arguments,
                               SmallVectorImpl<SmallVector<int64_t>> &sizes,
                               std::string &error);

  /// Calls the function: arguments and results as in the signature, results of
  /// the sizes that getResultSizes says, not overlapping the arguments.
  LogicalResult invoke(ArrayRef<TensorRef> arguments,
                       ArrayRef<TensorRef> results, std::string &error);

private:
  JitFunction(std::string name, Signature signature);

  /// Calls _mlir_ciface_`symbol` with the arguments and then the tensors.
  LogicalResult call(StringRef symbol, ArrayRef<TensorRef> arguments,
                     ArrayRef<TensorRef> tensors, std::string &error);

  std::string name;
  Signature signature;
  /// What each size check says, see ShapeFunctions.h.
  std::vector<std::string> sizeChecks;
  std::unique_ptr<ExecutionEngine> engine;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_JIT_H
