//===- LoadModule.h - read a module for a command-line tool -----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_LOADMODULE_H
#define FP4Q_COMPILER_LOADMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace mlir {
namespace fp4q {

/// A context with all dialects, and the module that a tool works on. Errors and
/// warnings go to standard error, one line each: "TOOL: error: FILE:1:2:
/// MESSAGE", without the place if there is none.
class LoadedModule {
public:
  explicit LoadedModule(StringRef tool);

  /// Parses the text or bytecode at `path`, after an error if that fails.
  LogicalResult load(StringRef path);

  ModuleOp get() { return *module; }
  MLIRContext &getContext() { return context; }

private:
  /// Prints an error, and passes over anything else.
  LogicalResult print(Diagnostic &diagnostic);

  std::string tool;
  MLIRContext context;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_LOADMODULE_H
