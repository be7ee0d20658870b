//===- Version.h - the version of fp4q --------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_VERSION_H
#define FP4Q_COMPILER_VERSION_H

#include <string>

namespace mlir {
namespace fp4q {

/// "fp4q 0.1.0 (LLVM 22.1.8)": what --version of every tool prints.
std::string getVersion();

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_VERSION_H
