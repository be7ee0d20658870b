//===- FP4QRuntimeOps.h - calls of the fp4q runtime -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_FP4QRUNTIMEOPS_H
#define FP4Q_DIALECT_FP4Q_IR_FP4QRUNTIMEOPS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"

#define GET_OP_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h.inc"

#endif // FP4Q_DIALECT_FP4Q_IR_FP4QRUNTIMEOPS_H
