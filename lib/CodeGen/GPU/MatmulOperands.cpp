//===- MatmulOperands.cpp - what all matmul kernels have in common --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Kernels.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// alpha * sum + bias, rounded to the result's type.
Value MatmulOperands::scaled(GPUKernelBuilder &k, Value sum, Value row) const {
  Value value = sum;
  Value addend = bias ? k.arith.extend(k.loadOne(bias, row)) : Value();
  if (alpha) {
    auto type = dyn_cast<MemRefType>(alpha.getType());
    Value factor = type && type.getRank() == 1 ? k.loadOne(alpha, row)
                                               : k.loadScalar(alpha);
    value = addend ? k.fma(factor, sum, addend)
                   : arith::MulFOp::create(k.b, factor, sum).getResult();
  } else if (addend) {
    value = arith::AddFOp::create(k.b, sum, addend);
  }
  return k.arith.truncate(value,
                          cast<MemRefType>(out.getType()).getElementType());
}

void MatmulOperands::store(GPUKernelBuilder &k, Value sum, Value batchBegin,
                           Value row, Value column) const {
  Value at = k.add(k.mul(k.add(batchBegin, column), n), row);
  k.storeOne(scaled(k, sum, row), out, at);
}

void MatmulOperands::storePair(GPUKernelBuilder &k, Value sum, Value next,
                               Value batchBegin, Value row,
                               Value column) const {
  Value end = k.index(n), second = k.add(row, k.index(1));
  if (n % 2 != 0) {
    k.ifTrue(k.isLess(row, end),
             [&] { store(k, sum, batchBegin, row, column); });
    k.ifTrue(k.isLess(second, end),
             [&] { store(k, next, batchBegin, second, column); });
    return;
  }
  k.ifTrue(k.isLess(row, end), [&] {
    Value at = k.add(k.mul(k.add(batchBegin, column), n), row);
    auto type =
        VectorType::get({2}, cast<MemRefType>(out.getType()).getElementType());
    k.store(vector::FromElementsOp::create(
                k.b, type,
                ValueRange{scaled(k, sum, row), scaled(k, next, second)}),
            out, at);
  });
}

void MatmulOperands::storeTiles(GPUKernelBuilder &k, ValueRange sums,
                                int64_t colTiles, Value rowBegin,
                                Value colBegin, Value batchBegin,
                                float factor) const {
  Value lane = k.rem(k.threadId(), kWarpSize);
  Value g = k.div(lane, 4), t = k.rem(lane, 4);
  int64_t rowTiles = static_cast<int64_t>(sums.size()) / colTiles;
  // c[0], c[1]: row g, columns 2t and 2t + 1; c[2], c[3]: row g + 8.
  for (int64_t i = 0; i < rowTiles; ++i)
    for (int64_t half : {0, 1}) {
      Value row = k.add(k.add(rowBegin, k.index(16 * i + 8 * half)), g);
      k.ifTrue(k.isLess(row, m), [&] {
        for (int64_t j = 0; j < colTiles; ++j) {
          Value column = k.add(k.add(colBegin, k.index(8 * j)), k.mul(t, 2));
          SmallVector<Value> own = k.elementsOf(sums[i * colTiles + j]);
          SmallVector<Value> pair = {own[2 * half], own[2 * half + 1]};
          if (factor != 1.0f)
            for (Value &value : pair)
              value = arith::MulFOp::create(
                  k.b, value,
                  arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(factor)));
          storePair(k, pair[0], pair[1], batchBegin, column, row);
        }
      });
    }
}
