//===- FP4QRuntimeOps.cpp - calls of the fp4q runtime ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
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

//===----------------------------------------------------------------------===//
// GPU memory
//===----------------------------------------------------------------------===//

static bool isRowMajor(Type type) {
  return cast<MemRefType>(type).getLayout().isIdentity();
}

LogicalResult GPUWorkspaceOp::verify() {
  auto type = cast<MemRefType>(getMemory().getType());
  if (!isRowMajor(type)) // C1
    return emitOpError() << "expects a row-major result, but got " << type;
  if (type.getNumDynamicDims() != static_cast<int64_t>(getSizes().size()))
    return emitOpError() << "expects " << type.getNumDynamicDims()
                         << " sizes for " << type << ", but got "
                         << getSizes().size();
  return success();
}

LogicalResult
GPUConstantOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  Operation *symbol =
      symbolTable.lookupNearestSymbolFrom(*this, getGlobalAttr());
  // After the lowering of memrefs the global is one of LLVM.
  if (symbol && symbol->getName().getStringRef() == "llvm.mlir.global")
    return success();
  auto global = dyn_cast_or_null<memref::GlobalOp>(symbol);
  if (!global || !global.getConstant() || global.isExternal() ||
      global.isUninitialized()) // C1
    return emitOpError() << "expects " << getGlobalAttr()
                         << " to be a constant memref.global of this module "
                            "with an initial value";
  if (global.getType() != getMemory().getType())
    return emitOpError() << "expects " << getGlobalAttr() << " to be of type "
                         << getMemory().getType() << ", but it is of type "
                         << global.getType();
  return success();
}

LogicalResult GPUCopyOp::verify() {
  if (!isRowMajor(getSource().getType())) // C1
    return emitOpError() << "expects row-major memory, but got "
                         << getSource().getType();
  return success();
}
