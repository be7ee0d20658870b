//===- RuntimeCalls.h - lowerings to calls of the runtime -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CONVERSION_FP4QTOLLVM_RUNTIMECALLS_H
#define FP4Q_LIB_CONVERSION_FP4QTOLLVM_RUNTIMECALLS_H

#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir {
namespace fp4q {

/// fp4q.gpu_workspace, fp4q.gpu_constant and fp4q.gpu_copy.
void populateGPUMemoryPatterns(const LLVMTypeConverter &converter,
                               ConversionTarget &target,
                               RewritePatternSet &patterns);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CONVERSION_FP4QTOLLVM_RUNTIMECALLS_H
