//===- Epilogue.h - what follows a product, step by step --------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_EPILOGUE_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_EPILOGUE_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

namespace mlir {
namespace fp4q {

/// One elementwise operation on a value (..., M, N).
struct EpilogueStep {
  enum Kind {
    Arithmetic, ///< v * factor, v + addend, or fma(v, factor, addend)
    Round,      ///< arith.truncf to `type`, to nearest even
    Widen       ///< arith.extf to `type`
  };
  Kind kind;
  Type type; ///< of the result's elements
  /// One value for all elements (a scalar, or a tensor of rank 0), or one a
  /// column (a tensor of N elements), of the type of the step or narrower.
  Value factor, addend;
  /// Leave to skip the rounding of this step's result: the operation has
  /// fp4q.relaxed.
  bool relaxed = false;
  /// fastmath<contract>: the same, if the next operation has it too.
  bool contract = false;
};

/// The steps of which `op` consists, applied to its operand `value`, (..., M,
/// N): an arith operation on tensors, or a linalg operation with parallel loops
/// only that reads other values by columns. Empty if there is anything else in
/// it.
SmallVector<EpilogueStep> matchEpilogueSteps(Operation *op, Value value);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_EPILOGUE_H
