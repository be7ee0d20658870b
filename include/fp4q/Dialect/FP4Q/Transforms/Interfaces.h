//===- Interfaces.h - external models of the fp4q operations ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_INTERFACES_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_INTERFACES_H

namespace mlir {
class DialectRegistry;

namespace fp4q {

/// Lets upstream's tiling and fusion handle the level-1 operations. The loops
/// of the row-wise operations are the leading dimensions and the last dimension
/// in units of max(G, B) elements; those of scaled_matmul are the batch
/// dimensions, M and N; those of the scale layouts the batch dimensions.
void registerTilingInterfaceExternalModels(DialectRegistry &registry);

/// Lets one-shot bufferization turn the level-1 operations on tensors into the
/// same operations on memrefs, written in place.
void registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_INTERFACES_H
