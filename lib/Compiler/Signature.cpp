//===- Signature.cpp - what a compiled function takes and returns ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Compiler/Signature.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::fp4q;

int64_t ValueSpec::elementBytes() const {
  if (elementType.isIndex())
    return 8;
  return elementType.getIntOrFloatBitWidth() / 8;
}

std::string ValueSpec::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (isTensor)
    os << RankedTensorType::get(shape, elementType);
  else
    os << elementType;
  return text;
}

static bool isSupportedElement(Type type) {
  if (type.isIndex())
    return true;
  if (!type.isIntOrFloat())
    return false;
  unsigned width = type.getIntOrFloatBitWidth();
  return width == 8 || width == 16 || width == 32 || width == 64;
}

FailureOr<ValueSpec> mlir::fp4q::getValueSpec(Type type) {
  if (!type)
    return failure();
  ValueSpec spec;
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    spec.elementType = tensor.getElementType();
    spec.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  } else {
    spec.elementType = type;
    spec.isTensor = false;
  }
  if (!isSupportedElement(spec.elementType))
    return failure();
  return spec;
}

FailureOr<Signature> mlir::fp4q::getSignature(func::FuncOp function) {
  Signature signature;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    FailureOr<ValueSpec> spec = getValueSpec(type);
    if (failed(spec)) {
      function.emitError() << "argument #" << i << " of @" << function.getName()
                           << " is " << type
                           << ", but a compiled function takes ranked tensors "
                              "and scalars of 8, 16, 32 or 64 bits";
      return failure();
    }
    signature.arguments.push_back(*spec);
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    FailureOr<ValueSpec> spec = getValueSpec(type);
    if (failed(spec) || !spec->isTensor) {
      function.emitError() << "result #" << i << " of @" << function.getName()
                           << " is " << type
                           << ", but a compiled function returns ranked "
                              "tensors of 8, 16, 32 or 64 bits an element";
      return failure();
    }
    signature.results.push_back(*spec);
  }
  return signature;
}

FailureOr<func::FuncOp> mlir::fp4q::findEntry(ModuleOp module, StringRef name) {
  SmallVector<func::FuncOp> entries;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      entries.push_back(function);
  for (func::FuncOp entry : entries)
    if (entry.getName() == name || (name.empty() && entries.size() == 1))
      return entry;
  std::string known;
  llvm::raw_string_ostream os(known);
  llvm::interleaveComma(
      entries, os, [&](func::FuncOp entry) { os << '@' << entry.getName(); });
  InFlightDiagnostic diagnostic = module.emitError();
  if (entries.empty())
    diagnostic << "the module has no public function with a body";
  else if (name.empty())
    diagnostic << "the module has several entries, name one of " << known;
  else
    diagnostic << "unknown entry '" << name << "', expected one of " << known;
  return failure();
}
