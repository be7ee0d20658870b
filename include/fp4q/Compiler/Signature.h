//===- Signature.h - what a compiled function takes and returns -*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_COMPILER_SIGNATURE_H
#define FP4Q_COMPILER_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace mlir {
namespace fp4q {

/// One argument or result: a ranked tensor, or a scalar.
struct ValueSpec {
  Type elementType;
  /// Sizes, ShapedType::kDynamic where only known at run time. Empty for a
  /// scalar and for a tensor of rank 0.
  SmallVector<int64_t> shape;
  bool isTensor = true;

  /// Bytes of one element in memory.
  int64_t elementBytes() const;
  /// As in MLIR: tensor<?x64xbf16>, or f32.
  std::string str() const;
};

/// The spec of a ranked tensor or a scalar of 8, 16, 32 or 64 bits an element;
/// fails for any other type, and for null.
FailureOr<ValueSpec> getValueSpec(Type type);

/// The arguments and results of one function.
struct Signature {
  SmallVector<ValueSpec> arguments;
  SmallVector<ValueSpec> results;
};

/// The signature of `function`, or an error at its location if it has an
/// argument that is neither a ranked tensor nor a scalar, or a result that is
/// not a ranked tensor, of 8, 16, 32 or 64 bits an element.
FailureOr<Signature> getSignature(func::FuncOp function);

/// The public function `name` of the module, which must have a body; if `name`
/// is empty, the only one. Otherwise an error that lists those there are.
FailureOr<func::FuncOp> findEntry(ModuleOp module, StringRef name);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_COMPILER_SIGNATURE_H
