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
