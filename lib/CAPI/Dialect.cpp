//===- Dialect.cpp - fp4q in MLIR's C API ---------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q-c/Dialect.h"

#include "fp4q/InitAll.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"

#include <mutex>

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(FP4Q, fp4q, mlir::fp4q::FP4QDialect)

void fp4q_register_dialects(MlirDialectRegistry registry) {
  mlir::fp4q::registerAllDialects(*unwrap(registry));
}

void fp4q_register_passes() {
  static std::once_flag once;
  std::call_once(once, mlir::fp4q::registerAllPasses);
}
