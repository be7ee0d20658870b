//===- MatmulOperands.cpp - what all matmul kernels have in common --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Kernels.h"

using namespace mlir;
using namespace mlir::fp4q;

void MatmulOperands::store(GPUKernelBuilder &k, Value sum, Value batchBegin,
                           Value row, Value column) const {
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
  Type type = cast<MemRefType>(out.getType()).getElementType();
  Value at = k.add(k.mul(k.add(batchBegin, column), n), row);
  k.storeOne(k.arith.truncate(value, type), out, at);
}
