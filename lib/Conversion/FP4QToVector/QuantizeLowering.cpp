//===- QuantizeLowering.cpp - what is done row by row, to vector ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"
#include "fp4q/CodeGen/CPU/Quantize.h"
#include "fp4q/CodeGen/CPU/Transform.h"

using namespace mlir;
using namespace mlir::fp4q;

void mlir::fp4q::lowerQuantize(RewriterBase &rewriter,
                               const CPUVectors &vectors, QuantizePackOp op) {
  rewriter.setInsertionPoint(op);
  Value scales = op.getScaleOperand();
  QuantizeConfig config;
  config.scaleType = getScaleType(memrefTypeOf(scales).getElementType());
  config.group = op.getGroupSizeValue();
  config.k = memrefTypeOf(op.getX()).getShape().back();
  config.recipe = op.getRecipeValue();
  config.vectors = vectors;
  QuantizeOperands operands;
  operands.transform = op.getTransform();
  operands.globalScale = op.getGlobalScale();
  operands.scaleScale = op.getScaleScale();
  operands.hasGivenScales = op.hasGivenScales();
  forEachMatrix(rewriter, op.getLoc(),
                {op.getX(), op.getInits().front(), scales}, /*mayMerge=*/true,
                [&](OpBuilder &builder, ArrayRef<Value> matrices) {
                  operands.x = matrices[0];
                  operands.codes = matrices[1];
                  operands.scales = matrices[2];
                  emitQuantize(builder, op.getLoc(), config, operands);
                });
  rewriter.eraseOp(op);
}

void mlir::fp4q::lowerTransform(RewriterBase &rewriter,
                                const CPUVectors &vectors,
                                BlockTransformOp op) {
  rewriter.setInsertionPoint(op);
  forEachMatrix(rewriter, op.getLoc(), {op.getX(), op.getInit()},
                /*mayMerge=*/true,
                [&](OpBuilder &builder, ArrayRef<Value> matrices) {
                  emitTransform(builder, op.getLoc(), vectors,
                                {matrices[0], op.getTransform(), matrices[1]});
                });
  rewriter.eraseOp(op);
}

void mlir::fp4q::lowerDequant(RewriterBase &rewriter, const CPUVectors &vectors,
                              DequantOp op) {
  rewriter.setInsertionPoint(op);
  DequantizeConfig config;
  config.scaleType =
      getScaleType(memrefTypeOf(op.getScales()).getElementType());
  config.group = op.getGroupSizeValue();
  config.k = memrefTypeOf(op.getInit()).getShape().back();
  config.divide = op.getDirection() == Direction::Divide;
  config.vectors = vectors;
  DequantizeOperands operands;
  operands.globalScale = op.getGlobalScale();
  forEachMatrix(
      rewriter, op.getLoc(), {op.getInit(), op.getCodes(), op.getScales()},
      /*mayMerge=*/true, [&](OpBuilder &builder, ArrayRef<Value> matrices) {
        operands.values = matrices[0];
        operands.codes = matrices[1];
        operands.scales = matrices[2];
        emitDequantize(builder, op.getLoc(), config, operands);
      });
  rewriter.eraseOp(op);
}
