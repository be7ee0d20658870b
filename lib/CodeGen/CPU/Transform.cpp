//===- Transform.cpp - block_transform as vector code for CPUs ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/CPU/Transform.h"

#include "TransformPieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

void mlir::fp4q::emitTransform(OpBuilder &builder, Location loc,
                               const CPUVectors &vectors,
                               const TransformOperands &operands) {
  CPUKernelBuilder b(loc, builder);
  int64_t k = cast<MemRefType>(operands.x.getType()).getDimSize(1);
  BlockTransformer transformer(
      b, cast<MemRefType>(operands.transform.getType()), vectors.lanes,
      /*wantsSplit=*/false);
  transformer.prepare(operands.transform);
  int64_t rowsAtOnce = transformer.rowsAtOnce();
  int64_t size = transformer.elementsAtOnce(k);
  int64_t taskRows =
      llvm::alignTo(std::max<int64_t>(1, kTaskElements / k), rowsAtOnce);
  Type type = getElementTypeOrSelf(operands.y);
  Value rows = b.dim(operands.x, 0);
  b.parallel(b.ceilDiv(rows, taskRows), [&](Value task) {
    Value scratch = transformer.allocateScratch(size, 1);
    Value first = b.mul(task, taskRows);
    Value last = b.min(b.add(first, taskRows), rows);
    b.loop(first, last, rowsAtOnce, [&](Value row) {
      b.loop(b.index(0), b.index(k), size, [&](Value place) {
        transformer.emit(operands.x, row, b.sub(last, row), place, size,
                         scratch, [&](Value r, Value offset, Value sums) {
                           b.store(ArithEmitter(b).truncate(sums, type),
                                   operands.y,
                                   {b.add(row, r), b.add(place, offset)});
                         });
      });
    });
    b.deallocate(scratch);
  });
  transformer.release();
}
