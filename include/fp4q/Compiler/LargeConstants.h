//===- LargeConstants.h - weights as data of the object file ----*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_LARGECONSTANTS_H
#define FP4Q_COMPILER_LARGECONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace mlir {
namespace fp4q {

/// The initial values of large constants, kept from LLVM while it works on the
/// code: translating, optimizing and printing a constant takes time per
/// element, but copying its bytes does not.
class LargeConstants {
public:
  /// Takes the values of 4 KiB and more out of the LLVM dialect's constants of
  /// `module`, which become declarations. Fails, with a diagnostic, if a
  /// dense_resource does not have the size that its type says.
  LogicalResult detach(ModuleOp module);

  /// Gives the constants of the translated module their values back, as bytes,
  /// and makes them internal. The module that was detached must still exist.
  void attach(llvm::Module &module) const;

private:
  struct Constant {
    std::string name;
    ArrayRef<char> bytes;
  };
  std::vector<Constant> constants;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_LARGECONSTANTS_H
