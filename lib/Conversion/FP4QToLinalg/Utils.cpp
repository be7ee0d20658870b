//===- Utils.cpp - pieces shared by the lowerings to linalg ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

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
  groups.push_back(
      llvm::to_vector<2>(llvm::seq<int64_t>(rank - count, rank)));
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

linalg::GenericOp mlir::fp4q::createGeneric(
    OpBuilder &builder, Location loc, ValueRange inputs, ValueRange inits,
    ArrayRef<AffineMap> maps, int64_t rank, int64_t numReductions,
    function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)>
        body) {
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
