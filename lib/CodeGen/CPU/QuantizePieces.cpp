//===- QuantizePieces.cpp - pieces of the quantization kernels ------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

/// first, first + 2, ... of `count` lanes.
static SmallVector<int64_t> everySecond(int64_t first, int64_t count) {
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < count; ++i)
    mask.push_back(first + 2 * i);
  return mask;
}

EvenOdd mlir::fp4q::loadEvenOdd(CPUKernelBuilder &b, Value matrix, Value row,
                                Value k, int64_t lanes) {
  Type element = getElementTypeOrSelf(matrix);
  if (element.isF32()) {
    Value low = b.load(lanes, matrix, {row, k});
    Value high = b.load(lanes, matrix, {row, b.add(k, lanes)});
    return {b.shuffle(low, high, everySecond(0, lanes)),
            b.shuffle(low, high, everySecond(1, lanes))};
  }
  Value pairs = b.load(2 * lanes, matrix, {row, k});
  if (element.isF16()) {
    ArithEmitter emitter(b);
    return {emitter.extend(b.shuffle(pairs, pairs, everySecond(0, lanes))),
            emitter.extend(b.shuffle(pairs, pairs, everySecond(1, lanes)))};
  }
  // bf16 is the upper half of f32.
  Value words = b.bitcast(pairs, lanes, b.i32());
  Value even = arith::ShLIOp::create(b, words, b.splat(words.getType(), 16u));
  Value odd =
      arith::AndIOp::create(b, words, b.splat(words.getType(), 0xFFFF0000u));
  return {b.bitcast(even, lanes, b.f32()), b.bitcast(odd, lanes, b.f32())};
}

void mlir::fp4q::storeEvenOdd(CPUKernelBuilder &b, EvenOdd elements,
                              Value matrix, Value row, Value k) {
  int64_t lanes = b.lanesOf(elements.even);
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < lanes; ++i)
    mask.append({i, lanes + i});
  Value all = b.shuffle(elements.even, elements.odd, mask);
  all = ArithEmitter(b).truncate(all, getElementTypeOrSelf(matrix));
  b.store(all, matrix, {row, k});
}

Value mlir::fp4q::maxOfSegments(CPUKernelBuilder &b, SmallVector<Value> vectors,
                                int64_t segment) {
  for (; segment > 1; segment /= 2) {
    bool pairs = vectors.size() > 1;
    SmallVector<Value> halved;
    for (size_t i = 0; i < vectors.size(); i += pairs ? 2 : 1) {
      Value first = vectors[i], second = vectors[pairs ? i + 1 : i];
      SmallVector<int64_t> low, high;
      int64_t lanes = b.lanesOf(first);
      for (int64_t part = 0; part < (pairs ? 2 * lanes : lanes);
           part += segment)
        for (int64_t j = 0; j < segment / 2; ++j) {
          low.push_back(part + j);
          high.push_back(part + segment / 2 + j);
        }
      halved.push_back(arith::MaxSIOp::create(b, b.shuffle(first, second, low),
                                              b.shuffle(first, second, high)));
    }
    vectors = std::move(halved);
  }
  return b.concat(vectors);
}

Value mlir::fp4q::spreadLanes(CPUKernelBuilder &b, Value vector,
                              int64_t lanes) {
  int64_t count = b.lanesOf(vector);
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < lanes; ++i)
    mask.push_back(i * count / lanes);
  return b.shuffle(vector, vector, mask);
}

Value mlir::fp4q::loadScaleOperand(CPUKernelBuilder &b, Value operand,
                                   int64_t lanes) {
  if (!operand)
    return nullptr;
  if (isa<MemRefType>(operand.getType()))
    operand = b.loadScalar(operand, {});
  return b.broadcast(operand, lanes);
}

Value mlir::fp4q::packCodes(CPUKernelBuilder &b, Value even, Value odd) {
  Value four = b.splat(odd.getType(), 4u);
  Value pair =
      arith::OrIOp::create(b, even, arith::ShLIOp::create(b, odd, four));
  return arith::TruncIOp::create(b, b.vec(b.lanesOf(pair), b.i8()), pair);
}

int64_t mlir::fp4q::chooseBlockGroups(int64_t k, int64_t group, int64_t limit) {
  int64_t groups = k / group, count = 1;
  while (2 * count <= limit && groups % (2 * count) == 0)
    count *= 2;
  return count;
}
