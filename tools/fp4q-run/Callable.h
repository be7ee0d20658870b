//===- Callable.h - a function of a module or of an artifact ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_TOOLS_FP4QRUN_CALLABLE_H
#define FP4Q_TOOLS_FP4QRUN_CALLABLE_H

#include "fp4q/Compiler/Jit.h"

#include <memory>
#include <string>

namespace mlir {
namespace fp4q {

/// A function with its signature. Whether it is compiled here or was compiled
/// before makes no difference to those who call it.
class Callable {
public:
  /// What is called, and how.
  struct Options {
    /// An artifact or a module.
    StringRef path;
    /// The function; if empty, the only one.
    StringRef entry;
    /// The code of an artifact for one target, or what to compile a module for.
    StringRef target;
    /// "cpu", "gpu:N", "sim".
    StringRef device;
    /// Of a module.
    StringRef backend;
    bool optimize;
    bool packWeights;
  };

  /// Null after an error on standard error.
  static std::unique_ptr<Callable> open(const Options &options);
  virtual ~Callable() = default;

  StringRef getName() const { return name; }
  const Signature &getSignature() const { return signature; }

  /// Makes the function ready to be called.
  virtual LogicalResult prepare() = 0;

  /// As JitFunction's functions of the same names.
  virtual LogicalResult
  getResultSizes(ArrayRef<TensorRef> arguments,
                 SmallVectorImpl<SmallVector<int64_t>> &sizes,
                 std::string &error) = 0;
  virtual LogicalResult invoke(ArrayRef<TensorRef> arguments,
                               ArrayRef<TensorRef> results,
                               std::string &error) = 0;

protected:
  /// Sets both from a function of a module, see findEntry.
  LogicalResult readSignature(ModuleOp module, StringRef entry);

  std::string name;
  Signature signature;
};

/// Prints "fp4q-run: error: MESSAGE"; always fails.
LogicalResult reportError(const Twine &message);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_TOOLS_FP4QRUN_CALLABLE_H
