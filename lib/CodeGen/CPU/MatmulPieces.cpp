//===- MatmulPieces.cpp - pieces shared by the product's kernels ----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulPieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::fp4q;

SmallVector<Value> MatmulOperands::values() const {
  SmallVector<Value> all = {a, aScales, b, bScales};
  if (alpha)
    all.push_back(alpha);
  if (bias)
    all.push_back(bias);
  all.push_back(c);
  return all;
}

Nibbles mlir::fp4q::emitDecode(CPUKernelBuilder &b, Value codes, int64_t bias) {
  int64_t size = b.lanesOf(codes);
  Value decoded =
      DecodeOp::create(b, b.vec(2 * size, b.i8()), codes, /*scales=*/Value(),
                       NibbleOrder::Split, bias);
  return {b.slice(decoded, 0, size), b.slice(decoded, size, size)};
}

Value mlir::fp4q::emitGroupDot(CPUKernelBuilder &b, Value u, Value s,
                               Value acc) {
  return GroupDotOp::create(b, u, s, acc, /*e2m1_range=*/true);
}

Value mlir::fp4q::emitBiasSum(CPUKernelBuilder &b, Value s, Value acc) {
  return emitGroupDot(b, b.splat(s.getType(), uint32_t(kBias)), s, acc);
}

SmallVector<Value> mlir::fp4q::loadUnit(CPUKernelBuilder &b, Value matrix,
                                        ArrayRef<Value> rows, Value offset) {
  int64_t lanes = rows.size();
  // part[r] has rows r, 4 + r, 8 + r, ... in its 128-bit parts.
  SmallVector<Value> parts;
  for (int64_t r = 0; r < 4; ++r) {
    SmallVector<Value> quarters;
    for (int64_t q = 0; q < lanes; q += 4)
      quarters.push_back(
          b.loadBytes(kUnitBytes, matrix, {rows[q + r], offset}));
    parts.push_back(b.bitcast(b.concat(quarters), lanes, b.i32()));
  }
  // Transposes the 4x4 matrices of dwords in each 128-bit part, with the
  // shuffles that x86 and Arm have.
  auto interleave = [&](Value lhs, Value rhs, int64_t first, int64_t width) {
    SmallVector<int64_t> mask;
    for (int64_t part = 0; part < lanes; part += 4)
      for (int64_t i = first; i < first + 2; i += width) {
        for (int64_t j = 0; j < width; ++j)
          mask.push_back(part + i + j);
        for (int64_t j = 0; j < width; ++j)
          mask.push_back(lanes + part + i + j);
      }
    return b.shuffle(lhs, rhs, mask);
  };
  Value low01 = interleave(parts[0], parts[1], 0, 1);
  Value low23 = interleave(parts[2], parts[3], 0, 1);
  Value high01 = interleave(parts[0], parts[1], 2, 1);
  Value high23 = interleave(parts[2], parts[3], 2, 1);
  return {interleave(low01, low23, 0, 2), interleave(low01, low23, 2, 2),
          interleave(high01, high23, 0, 2), interleave(high01, high23, 2, 2)};
}

Value mlir::fp4q::extendBytes(CPUKernelBuilder &b, Value bytes) {
  return arith::ExtUIOp::create(b, b.vec(b.lanesOf(bytes), b.i32()), bytes);
}

Value mlir::fp4q::emitEpilogue(CPUKernelBuilder &b, Value sum, Value alpha,
                               Value bias, Type resultType) {
  Value value = sum;
  if (bias) {
    if (!alpha)
      value = arith::AddFOp::create(b, value, bias);
    else
      value = math::FmaOp::create(b, alpha, value, bias);
  } else if (alpha) {
    value = arith::MulFOp::create(b, alpha, value);
  }
  return ArithEmitter(b).truncate(value, resultType);
}

/// `lanes` elements of a vector in memory, or a scalar.
static Value loadColumns(CPUKernelBuilder &b, Value memref, Value column,
                         int64_t lanes) {
  return lanes ? b.load(lanes, memref, column) : b.loadScalar(memref, column);
}

Value mlir::fp4q::loadAlpha(CPUKernelBuilder &b, const MatmulOperands &operands,
                            Value column, int64_t lanes) {
  Value alpha = operands.alpha;
  if (!alpha)
    return nullptr;
  auto type = dyn_cast<MemRefType>(alpha.getType());
  if (type && type.getRank() == 1)
    return loadColumns(b, alpha, column, lanes);
  if (type)
    alpha = b.loadScalar(alpha, {});
  return lanes ? b.broadcast(alpha, lanes) : alpha;
}

Value mlir::fp4q::loadBias(CPUKernelBuilder &b, const MatmulOperands &operands,
                           Value column, int64_t lanes) {
  if (!operands.bias)
    return nullptr;
  return ArithEmitter(b).extend(loadColumns(b, operands.bias, column, lanes));
}
