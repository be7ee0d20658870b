//===- LookThrough.h - casts and reshapes between operations ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What front ends put between a producer and a consumer that belong together:
// conversions of the element type, and reshapes of the leading dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_LOOKTHROUGH_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_LOOKTHROUGH_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SetVector.h"

namespace mlir {
namespace fp4q {

/// The arith operation that computes `value` elementwise from one tensor: the
/// definition of `value`, or the whole body of a linalg operation with identity
/// maps, whose operand 0 is that tensor. Null if there is none.
Operation *getElementwiseUnaryOp(Value value);

/// An elementwise conversion between bf16, f16 and f32 tensors: arith.extf or
/// arith.truncf, on tensors or as the whole body of a linalg operation with
/// identity maps.
struct FloatCast {
  Operation *op;
  Value source;
  /// arith.extf: every value stays what it is.
  bool widens;
  /// Whether the rounding may be skipped: the operation is relaxed, or the
  /// conversion is marked fastmath<contract>.
  bool relaxed;
};

/// The cast that defines `value`, if it is one that rounds to nearest even.
std::optional<FloatCast> matchFloatCast(Value value);

/// `value`, or what it was widened from.
Value skipWidening(Value value);

/// Whether `op` is a tensor.collapse_shape, tensor.expand_shape or tensor.cast
/// that leaves the last dimension alone: row-wise operations commute with it.
bool isLeadingReshape(Operation *op);

/// `reshape`, for which isLeadingReshape holds, of `source`, whose leading
/// dimensions are those of the original source, but whose last dimension
/// (static) and element type may differ.
Value applyLeadingReshape(OpBuilder &builder, Operation *reshape, Value source);

/// Erases those of `ops` that have neither uses nor effects, and then what only
/// they used.
void eraseDead(llvm::SetVector<Operation *> ops);

/// The value of a float constant of one element, or of a splat.
std::optional<APFloat> getConstantSplat(Value value);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_LOOKTHROUGH_H
