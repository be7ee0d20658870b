//===- FP4QRuntimeOps.cpp - calls of the fp4q runtime ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::fp4q;

#define GET_OP_CLASSES
#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.cpp.inc"

LogicalResult
ParallelForOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto callee = symbolTable.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getBodyAttr());
  if (!callee) // C1
    return emitOpError() << "expects " << getBodyAttr()
                         << " to be a function of this module";
  SmallVector<Type> types(2, IndexType::get(getContext()));
  llvm::append_range(types, getCaptures().getTypes());
  // After the lowering of functions the callee's types are those of LLVM.
  if (callee->getName().getStringRef() != "func.func")
    return success();
  if (callee.getArgumentTypes() != ArrayRef<Type>(types) ||
      !callee.getResultTypes().empty()) {
    InFlightDiagnostic diagnostic = emitOpError() << "expects " << getBodyAttr()
                                                  << " to take (" << types
                                                  << ") and return nothing";
    diagnostic.attachNote(callee.getLoc())
        << "it takes (" << callee.getArgumentTypes() << ") and returns ("
        << callee.getResultTypes() << ")";
    return diagnostic;
  }
  return success();
}
