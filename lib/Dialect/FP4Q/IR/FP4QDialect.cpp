//===- FP4QDialect.cpp - the fp4q dialect ---------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/CompilationInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace mlir::fp4q;

#include "fp4q/Dialect/FP4Q/IR/FP4QDialect.cpp.inc"

namespace {

/// Nothing in the dialect depends on the function that it is in.
struct FP4QInlinerInterface : public DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};

} // namespace

void FP4QDialect::initialize() {
  addInterfaces<FP4QInlinerInterface>();
  registerAttributes();
  // Its implementation makes LLVM IR, which this library knows nothing of.
  declarePromisedInterface<gpu::OffloadingLLVMTranslationAttrInterface,
                           EmbedImagesAttr>();
  addOperations<
#define GET_OP_LIST
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "fp4q/Dialect/FP4Q/IR/FP4QRuntimeOps.cpp.inc"
      >();
}

LogicalResult FP4QDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  if (attribute.getName() == kRelaxedAttr &&
      !isa<UnitAttr>(attribute.getValue()))
    return op->emitOpError()
           << "expects " << kRelaxedAttr << " to be a unit attribute, but got "
           << attribute.getValue();
  if (attribute.getName() != kBackEndAttr)
    return success();
  if (!isa<BackEndAttr>(attribute.getValue()))
    return op->emitOpError()
           << "expects " << kBackEndAttr << " to be a #fp4q.backend, but got "
           << attribute.getValue();
  if (op->getDialect() != this || !isa<DestinationStyleOpInterface>(op))
    return op->emitOpError() << "has " << kBackEndAttr
                             << ", which is for operations of fp4q on tensors "
                                "or memrefs";
  return success();
}

Operation *FP4QDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}
