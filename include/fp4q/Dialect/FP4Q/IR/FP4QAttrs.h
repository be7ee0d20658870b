//===- FP4QAttrs.h - attributes of the fp4q dialect -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_FP4QATTRS_H
#define FP4Q_DIALECT_FP4Q_IR_FP4QATTRS_H

#include "fp4q/Numerics/Recipe.h"
#include "fp4q/Target/BackEnds.h"

#include "mlir/Dialect/GPU/IR/CompilationInterfaces.h"
#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectImplementation.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QEnums.h.inc"

namespace fp4q {

/// Lets a recipe be a parameter of an attribute.
inline llvm::hash_code hash_value(const Recipe &recipe) {
  return llvm::hash_combine(
      recipe.scaleFormula, recipe.intermediate, recipe.e8m0Rounding,
      recipe.e8m0Tiny, recipe.e8m0Offset, recipe.e4m3Floor, recipe.e4m3Zero,
      recipe.elementOperand, recipe.scaleByteZero, recipe.zeroSign,
      recipe.globalScaleUse);
}

} // namespace fp4q

#define GET_ATTRDEF_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h.inc"

#endif // FP4Q_DIALECT_FP4Q_IR_FP4QATTRS_H
