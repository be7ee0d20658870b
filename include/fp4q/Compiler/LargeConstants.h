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
#include "llvm/ADT/DenseMap.h"

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
///
/// Several modules of one context, such as those for several targets, share
/// what they have in common.
class LargeConstants {
public:
  /// Takes the values of 4 KiB and more out of the LLVM dialect's constants of
  /// `module`, which become declarations. Fails, with a diagnostic, if a
  /// dense_resource does not have the size that its type says.
  LogicalResult detach(ModuleOp module);

  /// Renames the declarations of the module that was detached last, now
  /// translated, so that those of one value have one name in all modules.
  void unify(llvm::Module &module);

  /// Gives the declared constants of the module their values, as bytes, and
  /// makes them internal. The context must still exist.
  void attach(llvm::Module &module) const;

private:
  struct Constant {
    std::string name;
    ArrayRef<char> bytes;
  };
  /// Of the module that was detached last, under its names.
  std::vector<Constant> detached;
  /// Of all modules. Attributes are unique in a context, so one address is one
  /// value.
  std::vector<Constant> constants;
  llvm::DenseMap<std::pair<const char *, size_t>, size_t> numbers;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_LARGECONSTANTS_H
