//===- TransformQuantizeKernel.cpp - block transform on tensor cores ------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// quantize_pack with a transform of blocks of B = 32 or 64 of bf16. A warp
// keeps the matrix of its block in registers and goes through rows, 16 at a
// time: y (16, B) = x (16, B) * T^T by m16n8k16 products, accumulated in f32.
//
// With g = lane / 4 and t = lane % 4 a lane reads the elements B/4 * t and on
// of rows g and g + 8 of x: 16 bytes of 32, or 32 bytes of 64. Step s takes
// pairs 2s and 2s + 1 of them, and the same of T; the k of the instruction are
// a permutation of the block's. The rows of T are permuted, too, so that a lane
// gets B/4 consecutive elements of y:
//
//   tile n of 8 columns: column c is row (B/4) * (c / 2) + 2n + c % 2 of T
//   c[0], c[1]: row g, elements (B/4) * t + 2n, + 1 of y; c[2], c[3]: row g + 8
//
// (PTX ISA 9.7.14.5 "Matrix Fragments for mma.m16n8k16 with floating point
// type".) A quad has a row's block, so groups need shuffles within it only.
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Warps of a CTA, which take neighboring blocks; tiles of 16 rows of a warp.
constexpr int64_t kWarps = 8, kTiles = 8;

bool TransformQuantizeKernel::canTake(int64_t blockSize, int64_t groupSize,
                                      Type xType, Type matrixType) {
  return (blockSize == 32 || blockSize == 64) && groupSize <= blockSize &&
         groupSize >= blockSize / 4 && xType.isBF16() && matrixType.isBF16();
}

int64_t TransformQuantizeKernel::threads() { return kWarps * kWarpSize; }

int64_t TransformQuantizeKernel::rowsPerBlock() { return 16 * kTiles; }

int64_t TransformQuantizeKernel::blocksOfGrid(int64_t k, int64_t blockSize) {
  return llvm::divideCeil(k / blockSize, kWarps);
}

namespace {

/// Writes the kernel.
class TransformEmitter {
public:
  TransformEmitter(GPUKernelBuilder &k, const QuantizeKernel &kernel)
      : k(k), w(k.b), kernel(kernel), block(kernel.transform.blockSize) {}

  void run();

private:
  SmallVector<Value> loadLane(Value array, Value at);
  SmallVector<Value> loadRow(Value row);
  SmallVector<Value> transform(ArrayRef<Value> upper, ArrayRef<Value> lower);
  void quantizeRow(ArrayRef<Value> elements, Value row);

  int64_t laneElements() const { return block / 4; }

  GPUKernelBuilder &k;
  WordEmitter w;
  const QuantizeKernel &kernel;
  int64_t block;
  Value g, t, rows, column, isBlock, global, scaleScale;
  SmallVector<SmallVector<Value>> matrix; ///< [tile of columns][pair]
};

} // namespace

/// This lane's elements from `at` on as pairs.
SmallVector<Value> TransformEmitter::loadLane(Value array, Value at) {
  return w.wordsOf(k.load(array, at, laneElements()));
}

/// Those of a row of x, or of the last one.
SmallVector<Value> TransformEmitter::loadRow(Value row) {
  Value last = arith::SubIOp::create(k.b, rows, k.index(1));
  return loadLane(kernel.x, k.add(k.mul(k.least(row, last), kernel.k), column));
}

/// This lane's elements of y of two rows, one after the other.
SmallVector<Value> TransformEmitter::transform(ArrayRef<Value> upper,
                                               ArrayRef<Value> lower) {
  Value zero = arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0.0f));
  SmallVector<Value> first, second;
  for (const SmallVector<Value> &tile : matrix) {
    SmallVector<Value> sum(4, zero);
    for (size_t s = 0; s < tile.size(); s += 2)
      sum = w.mmaBF16({upper[s], lower[s], upper[s + 1], lower[s + 1]},
                      {tile[s], tile[s + 1]}, sum);
    first.append({sum[0], sum[1]});
    second.append({sum[2], sum[3]});
  }
  llvm::append_range(first, second);
  return first;
}

void TransformEmitter::quantizeRow(ArrayRef<Value> elements, Value row) {
  int64_t lanes = kernel.groupSize / laneElements();
  Value group = k.add(k.mul(row, kernel.k / kernel.groupSize),
                      k.div(column, kernel.groupSize));
  Value exists = arith::AndIOp::create(k.b, isBlock, k.isLess(row, rows));
  // All lanes take part in the shuffles.
  Value readable = k.select(exists, group, k.index(0));
  QuantizedGroup result = quantizeElements(k, kernel, elements, lanes, global,
                                           scaleScale, readable);
  k.ifTrue(exists, [&] {
    Value at = k.add(k.mul(row, kernel.k), column);
    k.store(result.codes, kernel.codes, k.div(at, 2));
  });
  if (kernel.givenScales)
    return;
  Value isFirst = k.isEqual(k.rem(t, lanes), 0);
  k.ifTrue(arith::AndIOp::create(k.b, exists, isFirst), [&] {
    Type type = cast<MemRefType>(kernel.scales.getType()).getElementType();
    k.storeOne(k.intToByte(result.byte, type), kernel.scales, group);
  });
}

void TransformEmitter::run() {
  Value thread = k.threadId(), lane = k.rem(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);
  int64_t blocks = kernel.k / block;
  Value number = k.add(k.mul(k.blockId(), kWarps), k.div(thread, kWarpSize));
  isBlock = k.isLess(number, k.index(blocks));
  number = k.least(number, k.index(blocks - 1));
  rows = k.div(k.sizeOf(kernel.x), kernel.k);
  column = k.add(k.mul(number, block), k.mul(t, laneElements()));
  global = k.loadScalar(kernel.globalScale);
  scaleScale = k.loadScalar(kernel.scaleScale);

  Value matrixBegin =
      kernel.transform.perBlock ? k.mul(number, block * block) : k.index(0);
  for (int64_t n = 0; n < block / 8; ++n) {
    Value row = k.add(k.add(k.mul(k.div(g, 2), laneElements()), k.rem(g, 2)),
                      k.index(2 * n));
    Value at =
        k.add(matrixBegin, k.add(k.mul(row, block), k.mul(t, laneElements())));
    matrix.push_back(loadLane(kernel.transform.matrix, at));
  }

  // The elements of the next 16 rows are on their way while these are at work.
  Value rowBegin = k.mul(k.blockId(gpu::Dimension::y), 16 * kTiles);
  auto loadTile = [&](Value first) {
    Value row = k.add(first, g);
    SmallVector<Value> pairs = loadRow(row);
    llvm::append_range(pairs, loadRow(k.add(row, k.index(8))));
    return pairs;
  };
  Value end = k.least(k.add(rowBegin, k.index(16 * kTiles)), rows);
  auto loop =
      scf::ForOp::create(k.b, rowBegin, end, k.index(16), loadTile(rowBegin));
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  SmallVector<Value> pairs(loop.getRegionIterArgs());
  SmallVector<Value> next = loadTile(k.add(first, k.index(16)));
  size_t half = pairs.size() / 2;
  SmallVector<Value> y = transform(ArrayRef(pairs).take_front(half),
                                   ArrayRef(pairs).drop_front(half));
  Value row = k.add(first, g);
  quantizeRow(ArrayRef(y).take_front(laneElements()), row);
  quantizeRow(ArrayRef(y).drop_front(laneElements()), k.add(row, k.index(8)));
  scf::YieldOp::create(k.b, next);
}

void TransformQuantizeKernel::emit(GPUKernelBuilder &k) const {
  TransformEmitter(k, kernel).run();
}
