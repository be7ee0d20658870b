//===- LinearIndex.h - a normal form of index expressions -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Affine expressions of dimensions whose sizes are known, in a form that tells
// whether two of them are the same function. Upstream's simplification knows no
// ranges, so to it (2 * d0 + 1) floordiv 32 and d0 floordiv 16 differ, and it
// loses track of an index that a chain of reshapes splits and joins again.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_LINEARINDEX_H
#define FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_LINEARINDEX_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <utility>

namespace mlir {
namespace fp4q {

/// Normalizes expressions of the dimensions d0, d1, ..., where di is in
/// [0, sizes[i]), or has no upper bound if sizes[i] is ShapedType::kDynamic.
class IndexNormalizer {
public:
  IndexNormalizer(MLIRContext *context, ArrayRef<int64_t> sizes)
      : context(context), sizes(sizes) {}

  /// The normal form of `expr`: a sum of multiples of dimensions and of
  /// `floordiv`s of normal forms, and a constant. Two expressions without
  /// symbols and without products of dimensions are the same function if their
  /// normal forms are equal; the converse holds for what reshapes produce.
  AffineExpr normalize(AffineExpr expr) const;

  unsigned getNumDims() const { return sizes.size(); }

  /// Bounds on `expr`, both included, as far as they are known; not tight.
  using Range = std::pair<std::optional<int64_t>, std::optional<int64_t>>;
  Range getRange(AffineExpr expr) const;

private:
  /// constant + sum of coefficient * atom, where an atom is a dimension or a
  /// floordiv. Atoms are in a fixed order, coefficients are not zero.
  struct Sum {
    SmallVector<std::pair<AffineExpr, int64_t>> terms;
    int64_t constant = 0;

    void add(AffineExpr atom, int64_t coefficient);
    void add(const Sum &other, int64_t factor);
  };

  Sum toSum(AffineExpr expr) const;
  AffineExpr toExpr(const Sum &sum) const;
  Sum floorDiv(const Sum &sum, int64_t divisor) const;
  Range getRange(const Sum &sum) const;
  Range getAtomRange(AffineExpr atom) const;

  MLIRContext *context;
  SmallVector<int64_t> sizes;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_DIALECT_FP4Q_TRANSFORMS_LINEARINDEX_H
