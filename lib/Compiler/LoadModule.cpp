//===- LoadModule.cpp - read a module for a command-line tool -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/LoadModule.h"

#include "fp4q/Compiler/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace mlir::fp4q;

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  return registry;
}

LoadedModule::LoadedModule(StringRef tool)
    : tool(tool), context(makeRegistry()),
      handler(&context,
              [this](Diagnostic &diagnostic) { return print(diagnostic); }) {}

LogicalResult LoadedModule::print(Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
  if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning)
    return success();
  llvm::errs() << tool << (isError ? ": error: " : ": warning: ");
  if (auto file = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    llvm::errs() << file.getFilename().getValue() << ':' << file.getLine()
                 << ':' << file.getColumn() << ": ";
  llvm::errs() << diagnostic.str() << '\n';
  return success();
}

LogicalResult LoadedModule::load(StringRef path) {
  if (!llvm::sys::fs::exists(path))
    return emitError(UnknownLoc::get(&context))
           << "module '" << path << "' does not exist";
  module = parseSourceFile<ModuleOp>(path, &context);
  return success(static_cast<bool>(module));
}
