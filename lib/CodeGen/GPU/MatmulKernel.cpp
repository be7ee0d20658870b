//===- MatmulKernel.cpp - scaled_matmul by mma_block_scaled ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For up to 64 tokens, and for any number where NativeTiledKernel.cpp does not
// take K; the tiling says which. Lanes load their fragments from global memory
// as m16n8k64 wants them (the tables are in the description of
// fp4q.mma_block_scaled): rows are those of b, columns those of a. With few
// tokens the warps of a CTA divide K, so that its weights are read once and by
// many loads at a time; their sums are added in shared memory in the order of
// the warps, so equal inputs give equal bits.
//
// Rows and columns beyond the end are those at the end again, and are not
// stored. Codes beyond the end of K are 0 with scale byte 0, which adds zeros.
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Kernels.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// The k of one instruction.
constexpr int64_t kStep = 64;

namespace {

/// One of the two operands, as a lane sees it.
struct Operand {
  Value codes, scales;
  /// Of each 8 rows or columns that the lane has codes of: where they begin.
  SmallVector<Value> codesAt;
  /// Of each word of scales that the lane holds.
  SmallVector<Value> scalesAt;
};

/// What a lane has loaded for some steps: per step, fragments and scale words.
struct Loaded {
  SmallVector<SmallVector<Value>> words;  ///< [step][2 * group of 8 + half]
  SmallVector<SmallVector<Value>> scales; ///< [step][word of scales]
};

class Emitter {
public:
  Emitter(GPUKernelBuilder &k, const MatmulKernel &kernel)
      : k(k), kernel(kernel), tiling(kernel.tiling),
        group(groupSizeOf(kernel.format)) {}

  void run();

private:
  void locate();
  Operand locateOperand(Value codes, Value scales, Value begin, Value count,
                        Value batchBegin, int64_t groupsOf8, int64_t words,
                        llvm::function_ref<Value(int64_t)> scaleGroup);
  Loaded load(const Operand &operand, Value k0);
  Value wordOf(Value bytes);
  Value loadWord(const Operand &operand, Value at, Value k0, int64_t half);
  Value loadScales(const Operand &operand, Value at, Value k0);
  SmallVector<Value> multiply(const Loaded &rows, const Loaded &columns,
                              ValueRange sums);
  Value sumAt(Value warp, int64_t tile);
  Value sumOverWarps(int64_t tile);
  void storeTile(Value sum, int64_t rowTile, int64_t colTile);

  int64_t bytesOfScales() const { return kernel.k / group; }
  /// Whether each row's scales are whole words, so that one can be loaded.
  bool hasScaleWords() const { return bytesOfScales() % 4 == 0; }
  /// Whether a turn of the loop can reach beyond the end of K.
  bool hasTail() const { return kernel.k % (kStep * tiling.unroll) != 0; }
  /// Steps that one word of scales is for.
  int64_t stepsPerWord() const {
    return hasScaleWords() ? 4 * group / kStep : 1;
  }

  GPUKernelBuilder &k;
  const MatmulKernel &kernel;
  const MatmulTiling &tiling;
  int64_t group;

  Value lane, g, t; ///< of the warp: lane, lane / 4, lane % 4
  Value kWarp;      ///< which part of K
  Value tileWarp;   ///< which tile of the CTA
  Value rowBegin, colBegin, batchBegin; ///< of the warp; of the batch, in rows
  Value kBegin, kEnd;
  Operand rows, columns;
};

} // namespace

Operand Emitter::locateOperand(Value codes, Value scales, Value begin,
                               Value count, Value batchBegin, int64_t groupsOf8,
                               int64_t words,
                               llvm::function_ref<Value(int64_t)> scaleGroup) {
  Operand operand = {codes, scales, {}, {}};
  Value last = arith::SubIOp::create(k.b, count, k.index(1));
  auto rowOf = [&](Value groupOf8) {
    Value row = k.add(k.add(begin, k.mul(groupOf8, 8)), g);
    return k.add(batchBegin, k.least(row, last));
  };
  for (int64_t i = 0; i < groupsOf8; ++i)
    operand.codesAt.push_back(
        k.add(k.mul(rowOf(k.index(i)), kernel.k / 2), k.mul(t, 4)));
  for (int64_t i = 0; i < words; ++i)
    operand.scalesAt.push_back(k.mul(rowOf(scaleGroup(i)), bytesOfScales()));
  return operand;
}

void Emitter::locate() {
  Value thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);
  Value warp = k.div(thread, kWarpSize);
  kWarp = k.rem(warp, tiling.kWarps);
  tileWarp = k.div(warp, tiling.kWarps);
  Value rowWarp = k.rem(tileWarp, tiling.rowWarps);
  Value colWarp = k.div(tileWarp, tiling.rowWarps);

  Value colBlocks = k.div(k.add(kernel.m, k.index(tiling.colsPerBlock() - 1)),
                          tiling.colsPerBlock());
  Value block = k.blockId();
  Value batch = k.div(block, colBlocks);
  Value colBlock = arith::RemUIOp::create(k.b, block, colBlocks);
  Value rowBlock = k.blockId(gpu::Dimension::y);
  rowBegin = k.add(k.mul(rowBlock, tiling.rowsPerBlock()),
                   k.mul(rowWarp, 16 * tiling.rowTiles));
  colBegin = k.add(k.mul(colBlock, tiling.colsPerBlock()),
                   k.mul(colWarp, 8 * tiling.colTiles));
  batchBegin = k.mul(batch, kernel.m);

  // Each warp that shares a tile takes a part of K, in whole turns of the loop.
  int64_t turn = kStep * tiling.unroll;
  int64_t part = llvm::divideCeil(kernel.k, turn * tiling.kWarps) * turn;
  kBegin = k.mul(kWarp, part);
  kEnd = k.least(k.add(kBegin, k.index(part)), k.index(kernel.k));

  // A quad's four lanes hold the scales of two tiles of rows, or of four tiles
  // of columns; lanes without a tile of their own hold those of the last one.
  Value n = k.index(kernel.n);
  Value rowsOfBatch = kernel.batchedB ? k.mul(batch, n) : k.index(0);
  rows = locateOperand(kernel.b, kernel.bScales, rowBegin, n, rowsOfBatch,
                       2 * tiling.rowTiles,
                       llvm::divideCeil(tiling.rowTiles, 2), [&](int64_t word) {
                         return k.least(k.add(k.index(4 * word), t),
                                        k.index(2 * tiling.rowTiles - 1));
                       });
  columns = locateOperand(
      kernel.a, kernel.aScales, colBegin, kernel.m, batchBegin, tiling.colTiles,
      llvm::divideCeil(tiling.colTiles, 4), [&](int64_t word) {
        return k.least(k.add(k.index(4 * word), t),
                       k.index(tiling.colTiles - 1));
      });
}

/// Four bytes as an i32.
Value Emitter::wordOf(Value bytes) {
  if (!cast<VectorType>(bytes.getType()).getElementType().isInteger())
    bytes = arith::BitcastOp::create(k.b, VectorType::get({4}, k.b.getI8Type()),
                                     bytes);
  Value words = vector::BitCastOp::create(
      k.b, VectorType::get({1}, k.b.getI32Type()), bytes);
  return vector::ExtractOp::create(k.b, words, int64_t(0));
}

/// Eight codes: k0 + 32 * half + 8t and on, or zeros beyond the end.
Value Emitter::loadWord(const Operand &operand, Value at, Value k0,
                        int64_t half) {
  Value offset = k.add(k.add(at, k.div(k0, 2)), k.index(half * kStep / 4));
  Value exists;
  if (hasTail()) {
    Value first = k.add(k.add(k0, k.index(half * kStep / 2)), k.mul(t, 8));
    exists = k.isLess(first, kEnd);
    offset = k.select(exists, offset, k.index(0));
  }
  Value word = wordOf(k.load(operand.codes, offset, 4));
  return exists ? k.select(exists, word, k.constant(0)) : word;
}

/// The scales of one step: a word, whose bytes are in the order of k from the
/// byte that the step's selector names.
Value Emitter::loadScales(const Operand &operand, Value at, Value k0) {
  Value groupAt = k.add(at, k.div(k0, group));
  if (hasScaleWords()) {
    Value exists;
    if (hasTail()) {
      exists = k.isLess(k0, kEnd);
      groupAt = k.select(exists, groupAt, k.index(0));
    }
    Value word = wordOf(k.load(operand.scales, groupAt, 4));
    return exists ? k.select(exists, word, k.constant(0)) : word;
  }
  Value word = k.constant(0);
  for (int64_t i = 0; i < kStep / group; ++i) {
    Value exists = k.isLess(k.add(k0, k.index(i * group)), kEnd);
    Value byte = k.byteToInt(
        k.loadOne(operand.scales,
                  k.select(exists, k.add(groupAt, k.index(i)), k.index(0))));
    byte = k.select(exists, byte, k.constant(0));
    byte = arith::ShLIOp::create(k.b, byte,
                                 k.constant(static_cast<int32_t>(8 * i)));
    word = arith::OrIOp::create(k.b, word, byte);
  }
  return word;
}

Loaded Emitter::load(const Operand &operand, Value k0) {
  Loaded loaded;
  for (int64_t step = 0; step < tiling.unroll; ++step) {
    Value at = k.add(k0, k.index(step * kStep));
    SmallVector<Value> words, scales;
    for (Value codesAt : operand.codesAt)
      for (int64_t half : {0, 1})
        words.push_back(loadWord(operand, codesAt, at, half));
    if (step % stepsPerWord() != 0)
      scales = loaded.scales.back();
    else
      for (Value scalesAt : operand.scalesAt)
        scales.push_back(loadScales(operand, scalesAt, at));
    loaded.words.push_back(words);
    loaded.scales.push_back(scales);
  }
  return loaded;
}

SmallVector<Value> Emitter::multiply(const Loaded &rows, const Loaded &columns,
                                     ValueRange sums) {
  SmallVector<Value> next(sums);
  auto fragment = [&](ArrayRef<Value> words) -> Value {
    return vector::FromElementsOp::create(
        k.b,
        VectorType::get({static_cast<int64_t>(words.size())}, k.b.getI32Type()),
        words);
  };
  for (int64_t step = 0; step < tiling.unroll; ++step) {
    int64_t byte = step % stepsPerWord() * (kStep / group);
    SmallVector<Value> bs;
    for (int64_t j = 0; j < tiling.colTiles; ++j)
      bs.push_back(fragment(ArrayRef(columns.words[step]).slice(2 * j, 2)));
    for (int64_t i = 0; i < tiling.rowTiles; ++i) {
      // Registers: row g and g + 8 of the lower half of k, then of the upper.
      ArrayRef<Value> words = ArrayRef(rows.words[step]).slice(4 * i, 4);
      Value a = fragment({words[0], words[2], words[1], words[3]});
      for (int64_t j = 0; j < tiling.colTiles; ++j) {
        Value &sum = next[i * tiling.colTiles + j];
        sum = MmaBlockScaledOp::create(
            k.b, sum.getType(), kernel.format, a, rows.scales[step][i / 2],
            byte, i % 2, bs[j], columns.scales[step][j / 4], byte, j % 4, sum);
      }
    }
  }
  return next;
}

/// Where the sum of a warp of those that share this warp's tiles lies in shared
/// memory, this lane's part.
Value Emitter::sumAt(Value warp, int64_t tile) {
  Value number = k.add(k.mul(tileWarp, tiling.kWarps), warp);
  number =
      k.add(k.mul(number, tiling.rowTiles * tiling.colTiles), k.index(tile));
  return k.mul(k.add(k.mul(number, kWarpSize), lane), 4);
}

/// The sum over the warps that share a tile, always in the same order.
Value Emitter::sumOverWarps(int64_t tile) {
  Value total;
  for (int64_t warp = 0; warp < tiling.kWarps; ++warp) {
    Value part = k.load(kernel.shared, sumAt(k.index(warp), tile), 4);
    total = total ? arith::AddFOp::create(k.b, total, part).getResult() : part;
  }
  return total;
}

void Emitter::storeTile(Value sum, int64_t rowTile, int64_t colTile) {
  // c[0], c[1]: row g, columns 2t and 2t + 1; c[2], c[3]: row g + 8.
  for (auto [i, element] : llvm::enumerate(k.elementsOf(sum))) {
    Value row = k.add(k.add(rowBegin, k.index(16 * rowTile + i / 2 * 8)), g);
    Value column =
        k.add(k.add(colBegin, k.index(8 * colTile + i % 2)), k.mul(t, 2));
    Value exists = arith::AndIOp::create(k.b, k.isLess(row, k.index(kernel.n)),
                                         k.isLess(column, kernel.m));
    k.ifTrue(exists, [&, element = element] {
      kernel.store(k, element, batchBegin, row, column);
    });
  }
}

void Emitter::run() {
  locate();
  auto zero = arith::ConstantOp::create(
      k.b,
      DenseElementsAttr::get(VectorType::get({4}, k.b.getF32Type()), 0.0f));
  int64_t tiles = tiling.rowTiles * tiling.colTiles;
  auto loop =
      scf::ForOp::create(k.b, kBegin, kEnd, k.index(kStep * tiling.unroll),
                         SmallVector<Value>(tiles, zero));
  {
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Loaded loadedRows = load(rows, loop.getInductionVar());
    Loaded loadedColumns = load(columns, loop.getInductionVar());
    scf::YieldOp::create(
        k.b, multiply(loadedRows, loadedColumns, loop.getRegionIterArgs()));
  }
  auto store = [&](Value sum, int64_t tile) {
    storeTile(sum, tile / tiling.colTiles, tile % tiling.colTiles);
  };
  if (tiling.kWarps == 1) {
    for (int64_t tile = 0; tile < tiles; ++tile)
      store(loop.getResult(tile), tile);
    return;
  }
  for (int64_t tile = 0; tile < tiles; ++tile)
    k.store(loop.getResult(tile), kernel.shared, sumAt(kWarp, tile));
  gpu::BarrierOp::create(k.b);
  for (int64_t tile = 0; tile < tiles; ++tile)
    k.ifTrue(k.isEqual(kWarp, tile % tiling.kWarps),
             [&] { store(sumOverWarps(tile), tile); });
}

void MatmulKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  Emitter(kernelBuilder, *this).run();
}
