//===- ElementTrace.h - what an element of a tensor is made of --*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Front ends write one computation in many ways: as one linalg.generic or as
// twenty, with reshapes, concatenations and strided insertions between them. A
// trace follows one element of a tensor, at a symbolic index, back through all
// of these to where its data comes from. What is left is a straight line of
// scalar operations on elements ("leaves") of other tensors, which can be
// matched, and, if there is one small leaf, evaluated for each of its values.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_ELEMENTTRACE_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_ELEMENTTRACE_H

#include "LinearIndex.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Block.h"
#include "mlir/IR/Builders.h"

namespace mlir {
namespace fp4q {

class ElementTrace {
public:
  /// Where a trace ends: an element of a tensor at an index in normal form, or
  /// a scalar, whose index is empty.
  struct Leaf {
    Value source;
    SmallVector<AffineExpr> index;
  };

  /// Indices are expressions of dimensions of the given sizes.
  ElementTrace(MLIRContext *context, ArrayRef<int64_t> sizes)
      : builder(context), normalizer(context, sizes) {}

  /// The element of `tensor` at `index`, as a value of the scratch block: the
  /// result of scalar operations there on leaves, which are its arguments. Null
  /// if an operation on the way has no such form (a reduction, an index that
  /// enters the arithmetic), or the trace gets too long.
  Value trace(Value tensor, ArrayRef<AffineExpr> index);

  /// What an argument of the scratch block stands for; null for other values.
  const Leaf *getLeaf(Value value) const;

  /// The leaves that a value of the scratch block depends on.
  SmallVector<Value> getLeavesOf(Value value) const;

  /// A value of the scratch block that depends on `leaf` only, when `leaf` has
  /// the value `input`: computed by the folders of its operations. Null if one
  /// of them has none. No constant of the module is changed.
  Attribute evaluate(Value value, Value leaf, Attribute input);

  const IndexNormalizer &getNormalizer() const { return normalizer; }

private:
  Value traceUncached(Value tensor, ArrayRef<AffineExpr> index);
  Value traceLinalg(linalg::LinalgOp op, unsigned result,
                    ArrayRef<AffineExpr> index);
  Value traceBody(linalg::LinalgOp op, Value value, ArrayRef<AffineExpr> loops,
                  DenseMap<Value, Value> &done);
  Value traceElementwise(Operation *op, ArrayRef<AffineExpr> index);
  Value traceScalar(Value scalar);
  Value makeLeaf(Value source, ArrayRef<AffineExpr> index);
  Attribute evaluate(Value value, DenseMap<Value, Attribute> &known);
  bool takeStep() { return ++numSteps <= kMaxSteps; }

  /// A dequantization takes about twenty steps.
  static constexpr int kMaxSteps = 400;

  OpBuilder builder;
  IndexNormalizer normalizer;
  Block scratch;
  SmallVector<Leaf> leaves;
  DenseMap<std::pair<Value, AffineMap>, Value> traced;
  int numSteps = 0;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_ELEMENTTRACE_H
