//===- FP4QToLinalg.h - lowering to linalg ----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CONVERSION_FP4QTOLINALG_H
#define FP4Q_CONVERSION_FP4QTOLINALG_H

namespace mlir {
class RewritePatternSet;

namespace fp4q {

/// Lowerings of the level-1 operations on tensors. An operation whose scales
/// are blocked, and scaled_matmul, are first rewritten to others of the
/// dialect.
void populateFP4QToLinalgPatterns(RewritePatternSet &patterns);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CONVERSION_FP4QTOLINALG_H
