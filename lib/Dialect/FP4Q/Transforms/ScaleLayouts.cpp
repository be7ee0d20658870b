//===- ScaleLayouts.cpp - operations on other scale layouts ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaleLayouts.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

int64_t mlir::fp4q::getScaleColumns(Value codes, int64_t groupSize) {
  return 2 * cast<ShapedType>(codes.getType()).getShape().back() / groupSize;
}

UnswizzleScalesOp mlir::fp4q::createUnswizzle(OpBuilder &builder, Location loc,
                                              Value blocked, Value codes,
                                              int64_t groupSize) {
  Value init =
      createEmptyLike(builder, loc, codes, getScaleColumns(codes, groupSize),
                      getElementTypeOrSelf(blocked));
  return UnswizzleScalesOp::create(builder, loc, init.getType(), blocked, init);
}

QuantizePackOp mlir::fp4q::createWithScaleLayout(OpBuilder &builder,
                                                 QuantizePackOp op,
                                                 ScaleLayout layout) {
  Location loc = op.getLoc();
  Value codes = op.getInits().front();
  int64_t groupSize = op.getGroupSizeValue();
  Value scales =
      createEmptyLike(builder, loc, codes, getScaleColumns(codes, groupSize),
                      getElementTypeOrSelf(op.getInits().back()));
  IntegerAttr groupSizeAttr;
  if (layout != ScaleLayout::Linear) {
    scales = createBlockedEmptyLike(builder, loc, scales);
    groupSizeAttr = builder.getI64IntegerAttr(groupSize);
  }
  auto created = QuantizePackOp::create(
      builder, loc, TypeRange{codes.getType(), scales.getType()}, op.getX(),
      op.getTransform(), /*scales=*/Value(), op.getGlobalScale(),
      op.getScaleScale(), ValueRange{codes, scales}, op.getRecipeAttr(), layout,
      groupSizeAttr);
  created->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return created;
}

void mlir::fp4q::setScales(ScaledMatmulOp op, ArrayRef<Value> scales,
                           ArrayRef<ScaleLayout> layouts, int64_t groupSize) {
  op.getAScalesMutable().assign(scales[0]);
  op.getBScalesMutable().assign(scales[1]);
  op.setAScaleLayout(layouts[0]);
  op.setBScaleLayout(layouts[1]);
  if (layouts[0] == ScaleLayout::Linear && layouts[1] == ScaleLayout::Linear)
    op.removeGroupSizeAttr();
  else
    op.setGroupSize(groupSize);
}
