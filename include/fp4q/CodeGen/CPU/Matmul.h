//===- Matmul.h - scaled_matmul as vector code for CPUs ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elements are decoded to 8-bit integers (twice the e2m1 value), so that the
// dot product of two groups is an exact 32-bit integer. Weights are decoded
// with 12 added, to make them unsigned; 12 times the sum of a group of a is
// subtracted in the accumulator's start value.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_CPU_MATMUL_H
#define FP4Q_CODEGEN_CPU_MATMUL_H

#include "fp4q/CodeGen/CPU/Vectors.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir {
namespace fp4q {

/// One product C (M, N) = A (M, K) * B (N, K)^T of two-dimensional memrefs with
/// linear scales. Packed, B has three dimensions.
struct MatmulOperands {
  Value a, aScales, b, bScales;
  /// f32, memref<f32> or memref<Nxf32>; null for 1.
  Value alpha;
  /// memref<N> of f32 or of the result's type; null for none.
  Value bias;
  Value c;

  SmallVector<Value> values() const;
};

/// What is known of a product at compile time.
struct MatmulConfig {
  ::fp4q::ScaleType scaleType;
  int64_t group;
  int64_t k;
  int64_t n;
  CPUVectors vectors;
  /// Whether B is in the layout packed_16x8.
  bool packedB = false;

  /// Groups of a row.
  int64_t groups() const { return k / group; }
  /// Columns of C that a tile has.
  int64_t tileColumns() const { return vectors.lanes * vectors.tileVectors; }
};

/// A function (operands, row, begin, end) that computes columns [begin, end) of
/// one row of C for all scales: C's row is a vector times a matrix. It is
/// inserted into the module at the builder's insertion point.
func::FuncOp emitRowKernel(OpBuilder &builder, Location loc, StringRef name,
                           const MatmulConfig &config, TypeRange operandTypes,
                           bool hasAlpha, bool hasBias);

/// The product, at the insertion point: few rows by `rowKernel`, more rows by
/// tiles that are decoded once. A row of a with a scale that tiles cannot
/// represent is done by `rowKernel` too.
void emitMatmul(OpBuilder &builder, Location loc, const MatmulConfig &config,
                const MatmulOperands &operands, func::FuncOp rowKernel);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_CPU_MATMUL_H
