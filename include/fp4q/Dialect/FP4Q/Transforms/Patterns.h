//===- Patterns.h - rewrites of the fp4q dialect ----------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_PATTERNS_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_PATTERNS_H

namespace mlir {
class RewritePatternSet;

namespace fp4q {

/// Operations with blocked scales -> the same with linear scales and
/// fp4q.swizzle_scales / fp4q.unswizzle_scales.
void populateMaterializeScaleLayoutsPatterns(RewritePatternSet &patterns);

/// fp4q.scaled_matmul on linear scales -> fp4q.dequant and linalg.
void populateDecomposeMatmulPatterns(RewritePatternSet &patterns);

/// Reshapes of the result of fp4q.dequant -> fp4q.dequant of reshaped codes and
/// scales; roundings of it -> its own.
void populateReshapeDequantPatterns(RewritePatternSet &patterns);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_PATTERNS_H
