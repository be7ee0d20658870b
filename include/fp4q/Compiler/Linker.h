//===- Linker.h - shared objects by the system's linker ---------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_LINKER_H
#define FP4Q_COMPILER_LINKER_H

#include "mlir/Support/LLVM.h"

#include <string>

namespace mlir {
namespace fp4q {

/// Links one object file into a shared object that needs libfp4q_runtime.so,
/// libc and libm, and nothing else. The linker is the C compiler named by the
/// environment variable FP4Q_LINKER, else the first of cc, clang-22, clang and
/// gcc in PATH: its driver knows where the system's libraries are. Fails with
/// a sentence in `error` that names what was tried, or quotes the linker.
LogicalResult linkSharedObject(StringRef object, StringRef output,
                               std::string &error);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_LINKER_H
