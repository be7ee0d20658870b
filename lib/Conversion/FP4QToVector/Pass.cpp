//===- Pass.cpp - convert-fp4q-to-vector ----------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

#include "fp4q/Conversion/Passes.h"
#include "fp4q/Dialect/FP4Q/Transforms/SelectBackend.h"
#include "fp4q/Target/BackEnds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir {
namespace fp4q {
#define GEN_PASS_DEF_CONVERTFP4QTOVECTORPASS
#include "fp4q/Conversion/Passes.h.inc"
} // namespace fp4q
} // namespace mlir

using namespace mlir;
using namespace mlir::fp4q;

/// `value`, or a copy of it, whose last dimension is contiguous; the kernels
/// load vectors along it.
static Value makeRowsContiguous(IRRewriter &rewriter, Location loc,
                                Value value) {
  auto type = cast<MemRefType>(value.getType());
  if (type.getRank() == 0 || type.isLastDimUnitStride())
    return value;
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(rewriter, loc, value, i));
  return memref::AllocOp::create(
      rewriter, loc, MemRefType::get(type.getShape(), type.getElementType()),
      sizes);
}

/// Copies operands whose last dimension is strided, and results back.
static void makeOperandsContiguous(IRRewriter &rewriter,
                                   DestinationStyleOpInterface op) {
  Location loc = op.getLoc();
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    if (!isa<MemRefType>(value.getType()))
      continue;
    rewriter.setInsertionPoint(op);
    Value copy = makeRowsContiguous(rewriter, loc, value);
    if (copy == value)
      continue;
    if (!op.isDpsInit(&operand))
      memref::CopyOp::create(rewriter, loc, value, copy);
    operand.set(copy);
    rewriter.setInsertionPointAfter(op);
    if (op.isDpsInit(&operand))
      memref::CopyOp::create(rewriter, loc, copy, value);
    memref::DeallocOp::create(rewriter, loc, copy);
  }
}

/// Registers for the weights of a tile: each needs 4 of sums, as integers and
/// as floats, and there is one of a.
static CPUVectors chooseVectors(const ::fp4q::Target &target) {
  ::fp4q::VectorRegisters registers = ::fp4q::vectorRegisters(target);
  bool hasFMA = target.features.contains(::fp4q::Feature::AVX2) ||
                target.features.contains(::fp4q::Feature::NEON);
  return {registers.bytes / 4, registers.count >= 32 ? 3 : 1, hasFMA};
}

namespace {

struct ConvertFP4QToVectorPass
    : public mlir::fp4q::impl::ConvertFP4QToVectorPassBase<
          ConvertFP4QToVectorPass> {
  using ConvertFP4QToVectorPassBase::ConvertFP4QToVectorPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    target = ::fp4q::findTarget(chip.getValue());
    if (!target || target->kind != ::fp4q::TargetKind::CPU)
      return emitError(UnknownLoc::get(context))
             << "unknown CPU level '" << chip << "', expected one of "
             << ::fp4q::cpuLevelNames();
    vectors = chooseVectors(*target);
    return success();
  }

  void runOnOperation() override {
    SmallVector<DestinationStyleOpInterface> ops;
    getOperation()->walk([&](DestinationStyleOpInterface op) {
      if (isa_and_nonnull<FP4QDialect>(op->getDialect()) &&
          op.hasPureBufferSemantics() && isForCPUKernels(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      // The kernel of one row is a function beside it.
      if (isa<ScaledMatmulOp>(op) && !op->getParentOfType<func::FuncOp>()) {
        op->emitOpError("expects to be in a func.func to become a kernel");
        return signalPassFailure();
      }
      ::fp4q::Choice choice =
          ::fp4q::chooseBackEnd(::fp4q::backEndTable, *target, describeWork(op),
                                ::fp4q::BackEnd::CPU);
      if (choice.implementation)
        continue;
      op->emitOpError() << "has no kernel: " << choice.reason;
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    SymbolTable symbols(getOperation());
    for (DestinationStyleOpInterface op : ops) {
      makeOperandsContiguous(rewriter, op);
      if (auto matmul = dyn_cast<ScaledMatmulOp>(op.getOperation()))
        lowerMatmul(rewriter, symbols, vectors, matmul);
      else if (auto quantize = dyn_cast<QuantizePackOp>(op.getOperation()))
        lowerQuantize(rewriter, vectors, quantize);
      else if (auto transform = dyn_cast<BlockTransformOp>(op.getOperation()))
        lowerTransform(rewriter, vectors, transform);
      else if (auto dequant = dyn_cast<DequantOp>(op.getOperation()))
        lowerDequant(rewriter, vectors, dequant);
      ++numLowered;
    }
  }

private:
  const ::fp4q::Target *target = nullptr;
  CPUVectors vectors;
};

} // namespace
