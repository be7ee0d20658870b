//===- Utils.cpp - pieces shared by the lowerings to linalg ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::fp4q;

RankedTensorType mlir::fp4q::tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Groups 0, 1, ..., and the last `count` of `rank` dimensions together.
static SmallVector<ReassociationIndices> lastDimsTogether(int64_t rank,
                                                          int64_t count) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < rank - count; ++i)
    groups.push_back({i});
  groups.push_back(llvm::to_vector<2>(llvm::seq<int64_t>(rank - count, rank)));
  return groups;
}

Value mlir::fp4q::splitLastDim(OpBuilder &builder, Location loc, Value value,
                               ArrayRef<int64_t> sizes) {
  RankedTensorType type = tensorTypeOf(value);
  SmallVector<int64_t> shape(type.getShape().drop_back());
  llvm::append_range(shape, sizes);
  int64_t rank = shape.size();
  return tensor::ExpandShapeOp::create(
      builder, loc, type.clone(shape), value,
      lastDimsTogether(rank, static_cast<int64_t>(sizes.size())));
}

Value mlir::fp4q::mergeLastDims(OpBuilder &builder, Location loc, Value value,
                                int64_t count) {
  return tensor::CollapseShapeOp::create(
      builder, loc, value,
      lastDimsTogether(tensorTypeOf(value).getRank(), count));
}

Value mlir::fp4q::repeatLastDim(OpBuilder &builder, Location loc, Value value,
                                int64_t count) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  sizes.push_back(builder.getIndexAttr(count));
  int64_t rank = sizes.size();
  Value init = tensor::EmptyOp::create(builder, loc, sizes,
                                       tensorTypeOf(value).getElementType());
  auto broadcast = linalg::BroadcastOp::create(builder, loc, value, init,
                                               ArrayRef<int64_t>{rank - 1});
  return mergeLastDims(builder, loc, broadcast->getResult(0), 2);
}

linalg::GenericOp mlir::fp4q::createGeneric(
    OpBuilder &builder, Location loc, ValueRange inputs, ValueRange inits,
    ArrayRef<AffineMap> maps, int64_t rank, int64_t numReductions,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> body) {
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  std::fill(iterators.end() - numReductions, iterators.end(),
            utils::IteratorType::reduction);
  return linalg::GenericOp::create(
      builder, loc, inits.getTypes(), inputs, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, nested);
        linalg::YieldOp::create(b, body(b, args));
      });
}

/// A scale of type f8E8M0FNU or f8E4M3FN -> its byte, zero-extended to i32.
static Value byteOf(ImplicitLocOpBuilder &builder, Value scale) {
  Value byte = arith::BitcastOp::create(builder, builder.getI8Type(), scale);
  return arith::ExtUIOp::create(builder, builder.getI32Type(), byte);
}

Value mlir::fp4q::mapScales(
    OpBuilder &builder, Location loc, Value scales, Value globalScale,
    Type elementType,
    function_ref<Value(ImplicitLocOpBuilder &, Value, Value)> body) {
  RankedTensorType type = tensorTypeOf(scales);
  int64_t rank = type.getRank();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  SmallVector<Value> inputs = {scales};
  SmallVector<AffineMap> maps = {identity};
  ScalarOperand scalar(globalScale);
  scalar.addTo(inputs, maps, rank);
  maps.push_back(identity);
  Value init = createEmptyLike(builder, loc, scales, type.getShape().back(),
                               elementType);
  return createGeneric(builder, loc, inputs, init, maps, rank,
                       /*numReductions=*/0,
                       [&](ImplicitLocOpBuilder &b,
                           ValueRange args) -> SmallVector<Value> {
                         return {body(b, byteOf(b, args[0]), scalar.get(args))};
                       })
      .getResult(0);
}

void ScalarOperand::addTo(SmallVectorImpl<Value> &inputs,
                          SmallVectorImpl<AffineMap> &maps, int64_t rank) {
  position.reset();
  if (!value || !isa<RankedTensorType>(value.getType()))
    return;
  position = inputs.size();
  inputs.push_back(value);
  maps.push_back(AffineMap::get(rank, 0, value.getContext()));
}

Value ScalarOperand::get(ValueRange args) const {
  return position ? args[*position] : value;
}
