//===- ShapeFunctions.h - shapes of results and checks of sizes -*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between the pass fp4q-add-shape-functions and those who call the
// functions that it adds.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_TRANSFORMS_SHAPEFUNCTIONS_H
#define FP4Q_DIALECT_FP4Q_TRANSFORMS_SHAPEFUNCTIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace mlir {
namespace fp4q {

/// Two dimensions of operands of one operation that must be equal at run time,
/// and are not known to be from their types.
struct SizeCheck {
  Operation *op;
  Value lhs, rhs;
  std::string lhsName, rhsName;
  int64_t dimension;
  /// rhs is a blocked scale layout: its size is lhs / rhsTile, rounded up.
  int64_t rhsTile = 1;

  /// "a.mlir:3:8: fp4q.dequant expects codes and scales to agree in dimension
  /// 0", with the location if the operation is in a file.
  std::string describe() const;
};

/// The checks of the level-1 operations in the first block of `function`, in
/// the order of their numbers.
SmallVector<SizeCheck> collectSizeChecks(func::FuncOp function);

/// After the sizes of the results, the function stores the number of the first
/// check that failed, counted from 1, or 0, and then both sizes of it.
constexpr int64_t kNumCheckSlots = 3;

/// The name of the function that fp4q-add-shape-functions adds for `function`.
std::string getResultShapesName(StringRef function);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_DIALECT_FP4Q_TRANSFORMS_SHAPEFUNCTIONS_H
