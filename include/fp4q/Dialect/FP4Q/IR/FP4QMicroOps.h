//===- FP4QMicroOps.h - in-register operations of fp4q ----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_FP4QMICROOPS_H
#define FP4Q_DIALECT_FP4Q_IR_FP4QMICROOPS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h.inc"

namespace mlir {
namespace fp4q {

/// What the 8-bit results of fp4q.decode may be offset by: it makes 2*e2m1,
/// which is -12..12, unsigned.
constexpr int64_t kDecodeBias = 12;

/// The position of element `e` in an unpacked vector of `size` elements.
inline int64_t positionOfElement(int64_t e, int64_t size, NibbleOrder order) {
  return order == NibbleOrder::Interleaved ? e : e % 2 * (size / 2) + e / 2;
}

/// Elements along k that share a scale.
inline int64_t groupSizeOf(ScaledFormat format) {
  return format == ScaledFormat::MXFP4 ? 32 : 16;
}

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_IR_FP4QMICROOPS_H
