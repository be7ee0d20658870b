//===- MatmulPieces.h - pieces shared by the product's kernels --*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CODEGEN_CPU_MATMULPIECES_H
#define FP4Q_LIB_CODEGEN_CPU_MATMULPIECES_H

#include "KernelBuilder.h"

#include "fp4q/CodeGen/CPU/Matmul.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

namespace mlir {
namespace fp4q {

/// What is added to twice an element to make it unsigned.
constexpr int64_t kBias = kDecodeBias;
/// Elements of a and b are doubled, so a product is four times too large.
constexpr float kUndouble = 0.25f;
/// The bits of 1.5 * 2^23, to which integers of 22 bits can be added.
constexpr uint32_t kMagic = 0x4B400000;
/// Scales of a above 2^104 would make the magic overflow.
constexpr uint32_t kLargestE8M0 = 231;
/// The largest finite scale of e4m3, 448.
constexpr uint32_t kLargestE4M3 = 0x7E;

/// The low nibbles of some bytes, and the high nibbles.
struct Nibbles {
  Value low, high;
};

/// Packed codes (a byte vector) -> twice the elements, plus `bias`, as bytes.
Nibbles emitDecode(CPUKernelBuilder &b, Value codes, int64_t bias);

/// acc + dot products of 4 unsigned and 4 signed bytes a lane.
Value emitGroupDot(CPUKernelBuilder &b, Value u, Value s, Value acc);

/// kBias times the sums of 4 signed bytes a lane, added to `acc`.
Value emitBiasSum(CPUKernelBuilder &b, Value s, Value acc);

/// 16 bytes at `offset` of each of the rows, as the dwords of all rows:
/// result[i] has dword i of row l in lane l. There are 4, 8 or 16 rows.
SmallVector<Value> loadUnit(CPUKernelBuilder &b, Value matrix,
                            ArrayRef<Value> rows, Value offset);

/// The bytes of scales, zero-extended to i32 lanes.
Value extendBytes(CPUKernelBuilder &b, Value bytes);

/// round(alpha * sum) or round(fma(alpha, sum, bias)) in the type of C.
Value emitEpilogue(CPUKernelBuilder &b, Value sum, Value alpha, Value bias,
                   Type resultType);

/// Alpha and bias of the columns from `column` on: `lanes` of them, or, with
/// 0, a scalar. Null if absent.
Value loadAlpha(CPUKernelBuilder &b, const MatmulOperands &operands,
                Value column, int64_t lanes);
Value loadBias(CPUKernelBuilder &b, const MatmulOperands &operands,
               Value column, int64_t lanes);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CODEGEN_CPU_MATMULPIECES_H
