//===- Transform.h - block_transform for CPUs -------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_CPU_TRANSFORM_H
#define FP4Q_CODEGEN_CPU_TRANSFORM_H

#include "fp4q/CodeGen/CPU/Vectors.h"

#include "mlir/IR/Builders.h"

namespace mlir {
namespace fp4q {

/// block_transform of a matrix.
struct TransformOperands {
  /// memref (rows, K) of bf16, f16 or f32.
  Value x;
  /// memref (B, B) or (K/B, B, B) of x's type or f32.
  Value transform;
  /// memref (rows, K) of bf16, f16 or f32, the result.
  Value y;
};

/// Transforms at the insertion point, rows in parallel: chains of fused
/// multiply-adds of ascending j, from +0, then one rounding. K is static.
void emitTransform(OpBuilder &builder, Location loc, const CPUVectors &vectors,
                   const TransformOperands &operands);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_CPU_TRANSFORM_H
