//===- MatmulLowering.cpp - scaled_matmul to vector -----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"
#include "fp4q/CodeGen/CPU/Matmul.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// The function of the kernel of rows for operands of these types.
static func::FuncOp createRowKernel(OpBuilder &builder, SymbolTable &symbols,
                                    ScaledMatmulOp op,
                                    const MatmulConfig &config,
                                    const MatmulOperands &operands) {
  OpBuilder::InsertionGuard guard(builder);
  auto parent = op->getParentOfType<func::FuncOp>();
  builder.setInsertionPoint(parent);
  SmallVector<Value> values = operands.values();
  func::FuncOp function =
      emitRowKernel(builder, op.getLoc(), (parent.getName() + "_row").str(),
                    config, ValueRange(values).getTypes(),
                    operands.alpha != nullptr, operands.bias != nullptr);
  symbols.insert(function);
  return function;
}

static void emitProduct(OpBuilder &builder, SymbolTable &symbols,
                        ScaledMatmulOp op, const MatmulConfig &config,
                        const MatmulOperands &operands) {
  func::FuncOp rowKernel =
      createRowKernel(builder, symbols, op, config, operands);
  emitMatmul(builder, op.getLoc(), config, operands, rowKernel);
}

void mlir::fp4q::lowerMatmul(RewriterBase &rewriter, SymbolTable &symbols,
                             const CPUVectors &vectors, ScaledMatmulOp op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  MatmulOperands operands = {op.getA(),       op.getAScales(), op.getB(),
                             op.getBScales(), op.getAlpha(),   op.getBias(),
                             op.getInit()};
  MatmulConfig config;
  config.vectors = vectors;
  config.scaleType =
      getScaleType(memrefTypeOf(op.getAScales()).getElementType());
  config.group = op.getGroupSizeValue();
  config.k = 2 * memrefTypeOf(op.getA()).getShape().back();
  config.packedB = op.hasPackedB();
  config.n = memrefTypeOf(op.getInit()).getShape().back();

  // If one b serves all batches, they are just more rows.
  SmallVector<Value> memrefs = {operands.a, operands.aScales, operands.c};
  if (!op.hasSharedB())
    memrefs.append({operands.b, operands.bScales});
  forEachMatrix(rewriter, loc, memrefs, /*mayMerge=*/op.hasSharedB(),
                [&](OpBuilder &builder, ArrayRef<Value> matrices) {
                  operands.a = matrices[0];
                  operands.aScales = matrices[1];
                  operands.c = matrices[2];
                  if (!op.hasSharedB()) {
                    operands.b = matrices[3];
                    operands.bScales = matrices[4];
                  }
                  emitProduct(builder, symbols, op, config, operands);
                });
  rewriter.eraseOp(op);
}
