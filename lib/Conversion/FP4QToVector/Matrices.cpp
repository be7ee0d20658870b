//===- Matrices.cpp - operands of any rank as matrices --------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowerings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::fp4q;

/// (columns) -> (1, columns), and (..., rows, columns) -> (... * rows, columns)
static Value mergeRows(OpBuilder &builder, Location loc, Value memref) {
  MemRefType type = memrefTypeOf(memref);
  int64_t rank = type.getRank();
  if (rank == 2)
    return memref;
  if (rank == 1)
    return memref::ExpandShapeOp::create(
        builder, loc, ArrayRef<int64_t>{1, type.getDimSize(0)}, memref,
        ArrayRef<ReassociationIndices>{{0, 1}});
  SmallVector<ReassociationIndices> groups = {
      llvm::to_vector<2>(llvm::seq<int64_t>(0, rank - 1)), {rank - 1}};
  return memref::CollapseShapeOp::create(builder, loc, memref, groups);
}

/// The matrix at these leading indices: all of the other dimensions.
static Value sliceMatrix(OpBuilder &builder, Location loc, Value memref,
                         ValueRange leading) {
  MemRefType type = memrefTypeOf(memref);
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> offsets(leading.begin(), leading.end());
  SmallVector<OpFoldResult> sizes(leading.size(), builder.getIndexAttr(1));
  int64_t first = static_cast<int64_t>(leading.size());
  for (int64_t i = first; i < rank; ++i) {
    offsets.push_back(builder.getIndexAttr(0));
    if (type.isDynamicDim(i))
      sizes.push_back(
          memref::DimOp::create(builder, loc, memref, i).getResult());
    else
      sizes.push_back(builder.getIndexAttr(type.getDimSize(i)));
  }
  SmallVector<OpFoldResult> strides(rank, builder.getIndexAttr(1));
  auto reduced = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(first), type, offsets, sizes, strides);
  return memref::SubViewOp::create(builder, loc, cast<MemRefType>(reduced),
                                   memref, offsets, sizes, strides);
}

void mlir::fp4q::forEachMatrix(
    OpBuilder &builder, Location loc, ArrayRef<Value> memrefs, bool mayMerge,
    function_ref<void(OpBuilder &, ArrayRef<Value>)> body) {
  OpBuilder::InsertionGuard guard(builder);
  int64_t rank = memrefTypeOf(memrefs.front()).getRank();
  bool areContiguous = llvm::all_of(memrefs, [](Value memref) {
    return memrefTypeOf(memref).getLayout().isIdentity();
  });
  SmallVector<Value> matrices;
  if (rank <= 2 || (mayMerge && areContiguous)) {
    for (Value memref : memrefs)
      matrices.push_back(mergeRows(builder, loc, memref));
    return body(builder, matrices);
  }
  SmallVector<Value> leading;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  for (int64_t i = 0; i < rank - 2; ++i) {
    Value size = memref::DimOp::create(builder, loc, memrefs.front(), i);
    auto loop = scf::ForOp::create(builder, loc, zero, size, one);
    leading.push_back(loop.getInductionVar());
    builder.setInsertionPointToStart(loop.getBody());
  }
  for (Value memref : memrefs)
    matrices.push_back(sliceMatrix(builder, loc, memref, leading));
  body(builder, matrices);
}
