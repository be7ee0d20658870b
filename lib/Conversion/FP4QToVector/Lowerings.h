//===- Lowerings.h - what convert-fp4q-to-vector lowers ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CONVERSION_FP4QTOVECTOR_LOWERINGS_H
#define FP4Q_LIB_CONVERSION_FP4QTOVECTOR_LOWERINGS_H

#include "fp4q/CodeGen/CPU/Vectors.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir {
namespace fp4q {

/// scaled_matmul on memrefs -> loops, and a function for single rows.
void lowerMatmul(RewriterBase &rewriter, SymbolTable &symbols,
                 const CPUVectors &vectors, ScaledMatmulOp op);

/// quantize_pack on memrefs -> loops over rows.
void lowerQuantize(RewriterBase &rewriter, const CPUVectors &vectors,
                   QuantizePackOp op);

/// block_transform on memrefs -> loops over rows.
void lowerTransform(RewriterBase &rewriter, const CPUVectors &vectors,
                    BlockTransformOp op);

/// dequant on memrefs -> loops over rows.
void lowerDequant(RewriterBase &rewriter, const CPUVectors &vectors,
                  DequantOp op);

/// Reduces memrefs, whose leading dimensions (all but the last two of the
/// first) agree, to matrices: calls `body` with matrices in which leading
/// dimensions are just more rows, where memory is contiguous, and else in a
/// loop over the leading dimensions. A vector becomes a matrix of one row. With
/// `mayMerge` false rows of different leading dimensions are kept apart.
void forEachMatrix(OpBuilder &builder, Location loc, ArrayRef<Value> memrefs,
                   bool mayMerge,
                   function_ref<void(OpBuilder &, ArrayRef<Value>)> body);

/// The type of a memref.
inline MemRefType memrefTypeOf(Value memref) {
  return cast<MemRefType>(memref.getType());
}

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CONVERSION_FP4QTOVECTOR_LOWERINGS_H
