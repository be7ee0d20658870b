//===- TransformQuantizeKernel.cpp - block transform on tensor cores ------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// quantize_pack with a transform of blocks of B = 32 or 64 of bf16. A warp
// keeps the matrices of 64 columns in registers and goes through rows, 16 at a
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
// Of each piece, a block of row g or g + 8, a lane has B/4 elements, and L
// lanes have a group: L = 4G / B. The amax of a group is needed by one of them,
// which computes the scale. So lanes exchange what they have of two pieces, and
// each is left with half of the pieces, at each step that halves L:
//
//   pieces of B = 32: 0: row g, block 0   1: row g, block 1
//                     2: row g + 8, 0     3: row g + 8, block 1
//   lane t of L = 4 has the scale of piece t; of L = 2 those of t % 2, t % 2 +
//   2
//
// The same exchange of words of codes gives lane t of B = 32 all of piece t: 16
// bytes, and a quad writes whole sectors of 32.
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Warps of a CTA, side by side; columns of a warp; its tiles of 16 rows.
constexpr int64_t kWarps = 8, kColumns = 64, kTiles = 8;

bool TransformQuantizeKernel::canTake(int64_t blockSize, int64_t groupSize,
                                      Type xType, Type matrixType) {
  return (blockSize == 32 || blockSize == 64) && groupSize <= blockSize &&
         groupSize >= blockSize / 4 && xType.isBF16() && matrixType.isBF16();
}

int64_t TransformQuantizeKernel::threads() { return kWarps * kWarpSize; }

int64_t TransformQuantizeKernel::rowsPerBlock() { return 16 * kTiles; }

int64_t TransformQuantizeKernel::blocksPerRow(int64_t k) {
  return llvm::divideCeil(k, kWarps * kColumns);
}

namespace {

/// Writes the kernel.
class TransformEmitter {
public:
  TransformEmitter(GPUKernelBuilder &k, const QuantizeKernel &kernel)
      : k(k), w(k.b), kernel(kernel), block(kernel.transform.blockSize),
        blocks(kColumns / block), lanes(4 * kernel.groupSize / block),
        quantizer(k, kernel, block / 4) {}

  void run();

private:
  using Words = SmallVector<Value>;

  Words loadLane(Value array, Value at);
  void loadMatrices();
  SmallVector<Words> transform(ArrayRef<Words> xs);
  void quantize(ArrayRef<Words> pieces, Value row);
  void storeCodes(ArrayRef<Value> codes, Value row);
  SmallVector<Value> exchange(ArrayRef<Value> values, int64_t distance,
                              llvm::function_ref<Value(Value, Value)> merge);

  /// The row and the first column of a lane's piece: index, or known.
  Value rowOf(Value row, Value piece);
  Value columnOf(Value piece);
  Value exists(Value row, Value piece);

  int64_t laneElements() const { return block / 4; }
  /// Pieces of a lane.
  int64_t pieces() const { return 2 * blocks; }

  GPUKernelBuilder &k;
  WordEmitter w;
  const QuantizeKernel &kernel;
  int64_t block, blocks; ///< its size, their number in a warp's columns
  int64_t lanes;         ///< of a group
  GroupQuantizer quantizer;
  Value lane, g, t, rows, columnBegin;
  SmallVector<SmallVector<Words>> matrices; ///< [block][tile of columns][pair]
};

} // namespace

/// This lane's elements from `at` on as pairs.
SmallVector<Value> TransformEmitter::loadLane(Value array, Value at) {
  return w.wordsOf(k.load(array, at, laneElements()));
}

Value TransformEmitter::rowOf(Value row, Value piece) {
  return k.add(row, k.mul(k.div(piece, blocks), int64_t(8)));
}

Value TransformEmitter::columnOf(Value piece) {
  return k.add(columnBegin, k.mul(k.rem(piece, blocks), block));
}

Value TransformEmitter::exists(Value row, Value piece) {
  return arith::AndIOp::create(k.b, k.isLess(rowOf(row, piece), rows),
                               k.isLess(columnOf(piece), k.index(kernel.k)));
}

void TransformEmitter::loadMatrices() {
  for (int64_t i = 0; i < blocks; ++i) {
    matrices.emplace_back();
    // There may be no such block; then any will do.
    Value number = k.least(k.div(columnOf(k.index(i)), block),
                           k.index(kernel.k / block - 1));
    Value begin =
        kernel.transform.perBlock ? k.mul(number, block * block) : k.index(0);
    for (int64_t n = 0; n < block / 8; ++n) {
      Value row = k.add(k.add(k.mul(k.div(g, 2), laneElements()), k.rem(g, 2)),
                        k.index(2 * n));
      Value at =
          k.add(begin, k.add(k.mul(row, block), k.mul(t, laneElements())));
      matrices.back().push_back(loadLane(kernel.transform.matrix, at));
    }
  }
}

/// From the pairs of each piece of x its elements of y.
SmallVector<SmallVector<Value>>
TransformEmitter::transform(ArrayRef<Words> xs) {
  Value zero = arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0.0f));
  SmallVector<Words> ys(pieces());
  for (int64_t i = 0; i < blocks; ++i) {
    const Words &upper = xs[i], &lower = xs[blocks + i];
    for (const Words &tile : matrices[i]) {
      SmallVector<Value> sum(4, zero);
      for (size_t s = 0; s < tile.size(); s += 2)
        sum = w.mmaBF16({upper[s], lower[s], upper[s + 1], lower[s + 1]},
                        {tile[s], tile[s + 1]}, sum);
      ys[i].append({sum[0], sum[1]});
      ys[blocks + i].append({sum[2], sum[3]});
    }
  }
  return ys;
}

/// Of each two values, merges that of this lane's parity (of lane / distance)
/// with the same one of its neighbor.
SmallVector<Value>
TransformEmitter::exchange(ArrayRef<Value> values, int64_t distance,
                           llvm::function_ref<Value(Value, Value)> merge) {
  Value isOdd = k.isEqual(k.rem(k.div(lane, distance), 2), 1);
  SmallVector<Value> results;
  for (size_t i = 0; i < values.size(); i += 2) {
    Value own = k.select(isOdd, values[i + 1], values[i]);
    Value other = k.select(isOdd, values[i], values[i + 1]);
    results.push_back(merge(own, k.shuffleXor(other, distance)));
  }
  return results;
}

/// `row` is that of piece 0.
void TransformEmitter::quantize(ArrayRef<Words> ys, Value row) {
  SmallVector<Value> amax;
  for (const Words &y : ys) {
    Value most = w.magnitude(y.front());
    for (Value value : ArrayRef(y).drop_front())
      most = arith::MaximumFOp::create(k.b, most, w.magnitude(value));
    amax.push_back(most);
  }
  int64_t owners = 1; // Lanes of a group that have scales of different pieces.
  for (int64_t distance = 1; distance < lanes; distance *= 2) {
    auto most = [&](Value lhs, Value rhs) -> Value {
      return arith::MaximumFOp::create(k.b, lhs, rhs);
    };
    if (amax.size() > 1) {
      amax = exchange(amax, distance, most);
      owners *= 2;
    } else {
      amax.front() = most(amax.front(), k.shuffleXor(amax.front(), distance));
    }
  }
  SmallVector<Value> bytes, factors, groups, reciprocals, ownPieces;
  Value fast;
  for (auto [i, value] : llvm::enumerate(amax)) {
    Value piece = k.add(k.rem(lane, owners), k.index(i * owners));
    Value group =
        k.add(k.mul(rowOf(row, piece), kernel.k / kernel.groupSize),
              k.add(k.div(columnOf(piece), kernel.groupSize), k.div(t, lanes)));
    Value bits = arith::BitcastOp::create(k.b, k.b.getI32Type(), value);
    Value readable = group;
    if (kernel.givenScales)
      readable = k.select(exists(row, piece), group, k.index(0));
    GroupScale scale = quantizer.scaleOf(bits, readable);
    ownPieces.push_back(piece);
    groups.push_back(group);
    bytes.push_back(scale.byte);
    factors.push_back(scale.factor);
    if (!quantizer.hasFastPath())
      continue;
    reciprocals.push_back(quantizer.reciprocalOf(scale.factor));
    Value own = quantizer.isFast(bits, scale.factor);
    fast = fast ? arith::AndIOp::create(k.b, fast, own).getResult() : own;
  }
  // What the owner of a piece has.
  auto fromOwner = [&](ArrayRef<Value> owned, int64_t piece) {
    Value value = owned[piece / owners];
    if (owners == 1)
      return value;
    Value first = arith::SubIOp::create(k.b, lane, k.rem(lane, owners));
    return k.shuffleFrom(value, k.add(first, k.index(piece % owners)));
  };
  auto encodeAll = [&](bool isFast) {
    SmallVector<Value> codes;
    for (int64_t i = 0; i < pieces(); ++i) {
      Value factor = fromOwner(factors, i);
      codes.push_back(isFast ? quantizer.encodeFast(ys[i], factor,
                                                    fromOwner(reciprocals, i))
                             : quantizer.encodeAny(ys[i], factor));
    }
    return codes;
  };
  SmallVector<Value> codes;
  if (quantizer.hasFastPath()) {
    // The whole warp goes the same way, with shuffles in it.
    Value isSlow = arith::XOrIOp::create(
        k.b, fast, arith::ConstantOp::create(k.b, k.b.getBoolAttr(true)));
    codes = k.ifElse(
        k.anyLane(isSlow), [&] { return encodeAll(false); },
        [&] { return encodeAll(true); });
  } else {
    codes = encodeAll(false);
  }
  storeCodes(codes, row);
  if (kernel.givenScales)
    return;
  Type type = cast<MemRefType>(kernel.scales.getType()).getElementType();
  for (auto [i, piece] : llvm::enumerate(ownPieces)) {
    Value stores = exists(row, piece);
    if (owners < lanes)
      stores = arith::AndIOp::create(
          k.b, stores, k.isLess(k.rem(lane, lanes), k.index(owners)));
    k.ifTrue(stores, [&, i = i] {
      k.storeOne(k.intToByte(bytes[i], type), kernel.scales, groups[i]);
    });
  }
}

void TransformEmitter::storeCodes(ArrayRef<Value> codes, Value row) {
  auto store = [&](Value vector, Value piece, Value elementInBlock) {
    k.ifTrue(exists(row, piece), [&] {
      Value at = k.add(k.mul(rowOf(row, piece), kernel.k),
                       k.add(columnOf(piece), elementInBlock));
      k.store(vector, kernel.codes, k.div(at, 2));
    });
  };
  if (pieces() != 4) {
    for (auto [i, vector] : llvm::enumerate(codes))
      store(vector, k.index(i), k.mul(t, laneElements()));
    return;
  }
  // Pieces of a word to a lane: of piece t the words of the other lanes, in the
  // order of their distance.
  SmallVector<Value> words, order;
  for (Value vector : codes)
    words.push_back(w.wordsOf(vector).front());
  SmallVector<Value> near, far;
  Value isOdd = k.isEqual(k.rem(lane, 2), 1);
  exchange(words, 1, [&](Value own, Value other) {
    // Of lanes 2 * (t / 2) and the next one.
    near.push_back(k.select(isOdd, other, own));
    far.push_back(k.select(isOdd, own, other));
    return own;
  });
  Value isUpper = k.isEqual(k.rem(k.div(lane, 2), 2), 1);
  for (SmallVector<Value> *both : {&near, &far})
    exchange(*both, 2, [&](Value own, Value other) {
      order.push_back(k.select(isUpper, other, own));
      order.push_back(k.select(isUpper, own, other));
      return own;
    });
  // Lanes 0 and 2, 1 and 3.
  Value vector = vector::FromElementsOp::create(
      k.b, VectorType::get({4}, k.b.getI32Type()),
      ValueRange{order[0], order[2], order[1], order[3]});
  vector = vector::BitCastOp::create(
      k.b, VectorType::get({16}, k.b.getI8Type()), vector);
  store(vector, t, k.index(0));
}

void TransformEmitter::run() {
  Value thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);
  int64_t perRow = TransformQuantizeKernel::blocksPerRow(kernel.k);
  Value warp = k.add(k.mul(k.rem(k.blockId(), perRow), kWarps),
                     k.div(thread, kWarpSize));
  columnBegin = k.mul(warp, kColumns);
  rows = k.div(k.sizeOf(kernel.x), kernel.k);
  loadMatrices();

  // The elements of the next 16 rows are on their way while these are at work.
  Value rowBegin = k.mul(k.div(k.blockId(), perRow), 16 * kTiles);
  Value last = arith::SubIOp::create(k.b, rows, k.index(1));
  auto loadTile = [&](Value first) {
    SmallVector<Value> all;
    for (int64_t i = 0; i < pieces(); ++i) {
      Value piece = k.index(i);
      Value row = k.least(rowOf(k.add(first, g), piece), last);
      Value column = k.least(columnOf(piece), k.index(kernel.k - block));
      column = k.add(column, k.mul(t, laneElements()));
      llvm::append_range(
          all, loadLane(kernel.x, k.add(k.mul(row, kernel.k), column)));
    }
    return all;
  };
  Value end = k.least(k.add(rowBegin, k.index(16 * kTiles)), rows);
  auto loop =
      scf::ForOp::create(k.b, rowBegin, end, k.index(16), loadTile(rowBegin));
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  SmallVector<Value> pairs(loop.getRegionIterArgs());
  SmallVector<Value> next = loadTile(k.add(first, k.index(16)));
  SmallVector<Words> xs;
  for (int64_t i = 0; i < pieces(); ++i)
    xs.emplace_back(ArrayRef(pairs).slice(i * block / 8, block / 8));
  quantize(transform(xs), k.add(first, g));
  scf::YieldOp::create(k.b, next);
}

void TransformQuantizeKernel::emit(GPUKernelBuilder &k) const {
  TransformEmitter(k, kernel).run();
}
