//===- SymbolicShapes.h - sizes as expressions of symbols -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_SYMBOLICSHAPES_H
#define FP4Q_COMPILER_SYMBOLICSHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace mlir {
namespace fp4q {

/// The sizes of a function's arguments and results, one text a dimension: a
/// number; a symbol, which stands for the same size wherever it occurs; for a
/// size that follows from others an expression of symbols, such as
/// "ceildiv(M, 128)"; or "?" for a size of a result that depends on more than
/// the sizes of the arguments.
///
/// A symbol is named after the dimension that it first occurs in: K for the
/// last one, M for the one before, B for those in front. Further ones of the
/// name have numbers, M2.
struct SymbolicShapes {
  std::vector<std::vector<std::string>> arguments, results;
};

/// The symbolic shapes of functions of one module, which no other function
/// calls and which have not been lowered: sizes of
/// arguments are one symbol if the size checks of the function
/// (collectSizeChecks) demand that they agree, and sizes of results are traced
/// to those of arguments. Scalars and values of other types have no dimensions.
std::vector<SymbolicShapes> getSymbolicShapes(ArrayRef<func::FuncOp> functions);

/// How the scales lie in memory that each argument of `function`, and then each
/// result, consists of: the keyword of its #fp4q.scale_layout, or an empty
/// string if it is no operand or result of an operation for scales.
std::vector<std::string> getScaleLayouts(func::FuncOp function);

/// The same of the weights that are not linear: their #fp4q.weight_layout.
std::vector<std::string> getWeightLayouts(func::FuncOp function);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_SYMBOLICSHAPES_H
