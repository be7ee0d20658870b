//===- BufferizableOpInterfaceImpl.cpp - bufferization of fp4q operations -===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"
#include "fp4q/Dialect/FP4Q/Transforms/Interfaces.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mlir::fp4q;

namespace {

/// op ins(tensors) outs(tensors) -> op ins(memrefs) outs(memrefs)
template <typename OpTy>
struct FP4QOpInterface
    : public DstBufferizableOpInterfaceExternalModel<FP4QOpInterface<OpTy>,
                                                     OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &state) const {
    // Inits are written entirely and never read.
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto dpsOp = cast<DestinationStyleOpInterface>(op);
    if (dpsOp.hasPureBufferSemantics())
      return success();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    SmallVector<Value> buffers;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<TensorType>(operand.get().getType())) {
        operands.push_back(operand.get());
        continue;
      }
      FailureOr<Value> buffer =
          getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
      if (dpsOp.isDpsInit(&operand))
        buffers.push_back(*buffer);
    }
    OperationState newOp(op->getLoc(), op->getName(), operands, TypeRange(),
                         op->getDiscardableAttrDictionary().getValue());
    newOp.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(newOp);
    replaceOpWithBufferizedValues(rewriter, op, buffers);
    return success();
  }
};

} // namespace

void mlir::fp4q::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, FP4QDialect *) {
    BlockTransformOp::attachInterface<FP4QOpInterface<BlockTransformOp>>(
        *context);
    QuantizePackOp::attachInterface<FP4QOpInterface<QuantizePackOp>>(*context);
    GlobalScaleOp::attachInterface<FP4QOpInterface<GlobalScaleOp>>(*context);
    DequantOp::attachInterface<FP4QOpInterface<DequantOp>>(*context);
    ScaledMatmulOp::attachInterface<FP4QOpInterface<ScaledMatmulOp>>(*context);
    SwizzleScalesOp::attachInterface<FP4QOpInterface<SwizzleScalesOp>>(
        *context);
    UnswizzleScalesOp::attachInterface<FP4QOpInterface<UnswizzleScalesOp>>(
        *context);
    PackWeightsOp::attachInterface<FP4QOpInterface<PackWeightsOp>>(*context);
    UnpackWeightsOp::attachInterface<FP4QOpInterface<UnpackWeightsOp>>(
        *context);
  });
}
