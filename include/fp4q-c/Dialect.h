//===- Dialect.h - fp4q in MLIR's C API ---------------------------*- C -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For programs that use MLIR's C API and want fp4q in their contexts. Such a
// program must use the libMLIR.so that libfp4q-c.so uses.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_C_DIALECT_H
#define FP4Q_C_DIALECT_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The handle of the dialect, mlirGetDialectHandle__fp4q__.
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(FP4Q, fp4q);

/// Adds the dialect to the registry, and the interfaces that its passes need.
MLIR_CAPI_EXPORTED void fp4q_register_dialects(MlirDialectRegistry registry);

/// Registers the passes and pipelines of fp4q, once a process.
MLIR_CAPI_EXPORTED void fp4q_register_passes(void);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // FP4Q_C_DIALECT_H
