//===- Passes.h - conversions from the fp4q dialect -------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CONVERSION_PASSES_H
#define FP4Q_CONVERSION_PASSES_H

#include "fp4q/Conversion/FP4QMicroOps.h"

#include "mlir/Pass/Pass.h"

namespace mlir {
namespace fp4q {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fp4q/Conversion/Passes.h.inc"

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CONVERSION_PASSES_H
