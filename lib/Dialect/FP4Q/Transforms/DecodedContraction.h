//===- DecodedContraction.h - products of decoded operands ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The description of a linalg operation that sums products of two fp4q.dequant,
// and the conditions under which it is an fp4q.scaled_matmul.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_DECODEDCONTRACTION_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_DECODEDCONTRACTION_H

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir {
namespace fp4q {

/// One factor of the products.
struct DecodedFactor {
  /// Null if the factor is not made of decoded values alone.
  DequantOp dequant;
  /// The loop of each leading dimension of the decoded tensor.
  SmallVector<unsigned> leading;
  /// The narrowest type that a decoded value is rounded to on the way.
  Type element;
};

/// acc += a * b, summed over one loop. Once all conditions hold, `a` has the
/// rows of the result and `b` its columns.
struct DecodedContraction {
  linalg::LinalgOp op;
  DecodedFactor a, b;
  unsigned sumLoop;
  /// The loops of the result's dimensions.
  SmallVector<unsigned> result;
  SmallVector<int64_t> sizes;
  /// One value a column that the sums start from, or null for 0.
  Value bias;
  /// The types in which products and sums are rounded.
  Type product, sum;

  bool isWeightOnly() {
    return static_cast<bool>(a.dequant) != static_cast<bool>(b.dequant);
  }
  /// The loops that the leading dimensions of `b` are to be: those of the
  /// result without its rows, or the columns alone if all batches share b.
  SmallVector<unsigned> getColumnLoops() const;
};

/// Describes `contraction.op` and checks all conditions. Returns why it stays,
/// or null; an empty reason if it is no product with a decoded operand. With
/// `relaxed`, roundings are no reason.
const char *describeContraction(DecodedContraction &contraction, bool relaxed);

/// Why the roundings of the contraction do not let it be a scaled_matmul; null
/// if they do, which is when there are none, or when leave was given to skip
/// them. Without `withLeave` no leave counts.
const char *whyRounded(DecodedContraction &contraction, bool withLeave);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_DECODEDCONTRACTION_H
