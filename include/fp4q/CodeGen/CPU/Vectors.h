//===- Vectors.h - what CPU kernels know of registers -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_CPU_VECTORS_H
#define FP4Q_CODEGEN_CPU_VECTORS_H

#include <cstdint>

namespace mlir {
namespace fp4q {

/// The vector registers of a CPU, as far as kernels care.
struct CPUVectors {
  /// 32-bit lanes of a register: 4, 8 or 16.
  int64_t lanes = 16;
  /// Registers of weights in a tile of a product.
  int64_t tileVectors = 3;
  /// Whether a fused multiply-add is one instruction.
  bool hasFMA = true;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_CPU_VECTORS_H
