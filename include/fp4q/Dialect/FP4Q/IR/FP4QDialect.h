//===- FP4QDialect.h - the fp4q dialect -------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_FP4Q_IR_FP4QDIALECT_H
#define FP4Q_DIALECT_FP4Q_IR_FP4QDIALECT_H

#include "mlir/IR/Dialect.h"

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h.inc"

#endif // FP4Q_DIALECT_FP4Q_IR_FP4QDIALECT_H
