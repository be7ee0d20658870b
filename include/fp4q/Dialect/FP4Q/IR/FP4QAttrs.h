//===- FP4QAttrs.h - attributes of the fp4q dialect -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_FP4QATTRS_H
#define FP4Q_DIALECT_FP4Q_IR_FP4QATTRS_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectImplementation.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.h.inc"

#endif // FP4Q_DIALECT_FP4Q_IR_FP4QATTRS_H
