//===- Registration.h - the dialects of modules to compile ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_REGISTRATION_H
#define FP4Q_COMPILER_REGISTRATION_H

namespace mlir {
class DialectRegistry;

namespace fp4q {

/// Registers what a module to be compiled may contain and the pipelines need:
/// fp4q, and all dialects and extensions of MLIR. Programs that include this
/// rather than MLIR's InitAll headers build faster.
void registerCompilerDialects(DialectRegistry &registry);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_REGISTRATION_H
