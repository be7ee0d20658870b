//===- ScaleLayouts.h - operations on other scale layouts -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_SCALELAYOUTS_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_SCALELAYOUTS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/IR/Builders.h"

namespace mlir {
namespace fp4q {

/// The columns of linear scales of `codes` (..., K/2).
int64_t getScaleColumns(Value codes, int64_t groupSize);

/// unswizzle_scales of the blocked scales of `codes`, which tell the rows.
UnswizzleScalesOp createUnswizzle(OpBuilder &builder, Location loc,
                                  Value blocked, Value codes,
                                  int64_t groupSize);

/// The quantizer on tensors again, with its scale result in another layout.
QuantizePackOp createWithScaleLayout(OpBuilder &builder, QuantizePackOp op,
                                     ScaleLayout layout);

/// Makes an operation with one scale operand read `scales` in `layout`.
template <typename OpTy>
void setScales(OpTy op, Value scales, ScaleLayout layout, int64_t groupSize) {
  op.getScalesMutable().assign(scales);
  op.setScaleLayout(layout);
  if (layout == ScaleLayout::Linear)
    op.removeGroupSizeAttr();
  else
    op.setGroupSize(groupSize);
}

/// The same for both operands of a product; `scales` and `layouts` are those of
/// a and b.
void setScales(ScaledMatmulOp op, ArrayRef<Value> scales,
               ArrayRef<ScaleLayout> layouts, int64_t groupSize);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_SCALELAYOUTS_H
