//===- RunTool.h - run the linker, ptxas and the like -----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_SUPPORT_RUNTOOL_H
#define FP4Q_SUPPORT_RUNTOOL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

#include <string>

namespace mlir {
namespace fp4q {

/// Runs `program` with `arguments` (the program's name not among them) and an
/// empty standard input, and waits. Unless it exits with status 0, fails and
/// sets `message` to the first line that it printed, or else to what went
/// wrong.
llvm::LogicalResult runTool(llvm::StringRef program,
                            llvm::ArrayRef<llvm::StringRef> arguments,
                            std::string &message);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_SUPPORT_RUNTOOL_H
