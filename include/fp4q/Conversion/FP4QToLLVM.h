//===- FP4QToLLVM.h - lowering of runtime calls to LLVM ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CONVERSION_FP4QTOLLVM_H
#define FP4Q_CONVERSION_FP4QTOLLVM_H

namespace mlir {
class DialectRegistry;

namespace fp4q {

/// Lets upstream's convert-to-llvm lower fp4q.parallel_for to a call of the
/// runtime's fp4q_parallel_for.
void registerConvertFP4QToLLVMInterface(DialectRegistry &registry);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CONVERSION_FP4QTOLLVM_H
