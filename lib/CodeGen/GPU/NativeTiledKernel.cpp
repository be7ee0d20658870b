//===- NativeTiledKernel.cpp - scaled_matmul by block-scaled mma, tiled ---===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Codes and scales of a CTA's tiles come to shared memory by cp.async, 128
// along k a stage, several stages ahead. A row has 64 bytes of codes there, 4
// units of 16; unit u of row r is at 16 * (u ^ (r / 2 & 3)), so that the eight
// rows that ldmatrix reads at a time meet all banks. A unit is 32 of k:
// ldmatrix.x4 gives the fragments of m16n8k64 as they are (PTX ISA 9.7.14.5),
//
//   matrix   0             1              2               3
//   a        rows 0..7     rows 8..15     rows 0..7       rows 8..15
//            unit 2s       unit 2s        unit 2s+1       unit 2s+1
//   b        cols 0..7     cols 0..7      cols 8..15      cols 8..15
//            unit 2s       unit 2s+1      unit 2s         unit 2s+1
//
// Of scales each lane loads words of a row: a quad's four words are those of
// two tiles of a, or of four of b, which selectors tell apart:
//
//   t of lane    0          1          2          3
//   a            row g      row g+8    row g+16   row g+24
//   b            column g   column g+8 column g+16 column g+24
//
// A word serves two steps of mxfp4, or one of nvfp4. In shared memory row r's
// words are at place r ^ (r / 4 & 4), so that the half warps which load two
// words a lane meet all banks.
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Kernels.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Elements along k of a stage, of an instruction, of a unit of 16 bytes.
constexpr int64_t kStage = 128, kStep = 64, kUnit = 32;
constexpr int64_t kUnits = kStage / kUnit, kUnitBytes = 16;
constexpr int64_t kRowBytes = kUnits * kUnitBytes;

/// Words of scales of a row and stage.
static int64_t scaleWords(ScaledFormat format) {
  return kStage / groupSizeOf(format) / 4;
}

static int64_t stageBytes(const TiledTiling &tiling, ScaledFormat format) {
  return (tiling.rowsPerBlock() + tiling.colsPerBlock()) *
         (kRowBytes + 4 * scaleWords(format));
}

bool NativeTiledKernel::canTake(ScaledFormat format, int64_t k) {
  return k / groupSizeOf(format) % 4 == 0;
}

int64_t NativeTiledKernel::sharedBytes() const {
  return tiling.stages * stageBytes(tiling, format);
}

namespace {

class NativeEmitter {
public:
  NativeEmitter(GPUKernelBuilder &k, const NativeTiledKernel &kernel)
      : k(k), kernel(kernel), tiling(kernel.tiling) {}

  void run();

private:
  int64_t tileRows() const {
    return tiling.rowsPerBlock() + tiling.colsPerBlock();
  }
  void locate();
  Value rowOf(Value inTile, int64_t first);
  Value scalePlace(Value row);
  void fetch(Value stage, Value slot);
  void copy(Value to, Value from, Value begin, int64_t end, int64_t bytes);
  SmallVector<Value> multiply(Value slot, ValueRange sums);
  SmallVector<SmallVector<Value>> loadScales(Value slot, Value firstRow,
                                             int64_t groupsOf8);

  GPUKernelBuilder &k;
  const NativeTiledKernel &kernel;
  const TiledTiling &tiling;
  Value thread, lane, g, t;
  Value rowBlock, colBlock, batchBegin, batchOfB; ///< of the CTA
  Value rowOfWarp, colOfWarp;                     ///< in the tile
  Value aPointer, aScales, bPointer, bScales, shared;
};

} // namespace

void NativeEmitter::locate() {
  thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);
  Value warp = k.div(thread, kWarpSize);
  Value rowBlocks = k.div(k.add(kernel.m, k.index(tiling.rowsPerBlock() - 1)),
                          tiling.rowsPerBlock());
  Value block = k.blockId();
  Value batch = k.div(block, rowBlocks);
  rowBlock = k.mul(arith::RemUIOp::create(k.b, block, rowBlocks),
                   tiling.rowsPerBlock());
  colBlock = k.mul(k.blockId(gpu::Dimension::y), tiling.colsPerBlock());
  batchBegin = k.mul(batch, kernel.m);
  batchOfB = kernel.batchedB ? k.mul(batch, k.index(kernel.n)) : k.index(0);
  rowOfWarp = k.mul(k.rem(warp, tiling.rowWarps), 16 * tiling.rowTiles);
  colOfWarp = k.mul(k.div(warp, tiling.rowWarps), 8 * tiling.colTiles);
  aPointer = k.pointerTo(kernel.a);
  aScales = k.pointerTo(kernel.aScales);
  bPointer = k.pointerTo(kernel.b);
  bScales = k.pointerTo(kernel.bScales);
  shared = k.sharedMemory();
}

/// The row in memory of a row of the tiles, of which those from `first` on are
/// all of a or all of b.
Value NativeEmitter::rowOf(Value inTile, int64_t first) {
  bool isA = first < tiling.rowsPerBlock();
  Value count = isA ? kernel.m : k.index(kernel.n);
  Value row =
      isA ? k.add(rowBlock, inTile)
          : k.add(colBlock, arith::SubIOp::create(
                                k.b, inTile, k.index(tiling.rowsPerBlock())));
  Value last = arith::SubIOp::create(k.b, count, k.index(1));
  return k.add(isA ? batchBegin : batchOfB, k.least(row, last));
}

/// Copies the bytes of a row from `begin` on, or zeros if that is beyond `end`.
void NativeEmitter::copy(Value to, Value from, Value begin, int64_t end,
                         int64_t bytes) {
  Value size;
  if (kernel.k % kStage != 0) {
    Value exists = k.isLess(begin, k.index(end));
    begin = k.select(exists, begin, k.index(0));
    size = k.select(exists, k.constant(static_cast<int32_t>(bytes)),
                    k.constant(0));
  }
  k.copyAsync(to, k.offset(from, begin), bytes, size);
}

/// Where a row's scales are among those of its multiple of 32 rows.
Value NativeEmitter::scalePlace(Value row) {
  Value high = k.mul(k.rem(k.div(row, 16), 2), 4);
  return arith::XOrIOp::create(k.b, row, high);
}

void NativeEmitter::fetch(Value stage, Value slot) {
  int64_t threads = tiling.threads(), step = threads / kUnits;
  Value unit = k.rem(thread, kUnits), rowOfThread = k.div(thread, kUnits);
  for (int64_t first = 0; first < tileRows(); first += step) {
    Value inTile = k.add(rowOfThread, k.index(first));
    Value row = rowOf(inTile, first);
    Value pointer = first < tiling.rowsPerBlock() ? aPointer : bPointer;
    Value place =
        arith::XOrIOp::create(k.b, unit, k.rem(k.div(inTile, 2), kUnits));
    copy(k.offset(slot,
                  k.add(k.mul(inTile, kRowBytes), k.mul(place, kUnitBytes))),
         k.offset(pointer, k.mul(row, kernel.k / 2)),
         k.add(k.mul(stage, kRowBytes), k.mul(unit, kUnitBytes)), kernel.k / 2,
         kUnitBytes);
  }
  int64_t words = scaleWords(kernel.format);
  int64_t bytesOfRow = kernel.k / groupSizeOf(kernel.format);
  Value scalesAt = k.offset(slot, tileRows() * kRowBytes);
  // Both words of nvfp4 at once where rows begin at multiples of 8 bytes.
  int64_t bytes = kernel.k % kStage == 0 ? 4 * words : 4;
  for (int64_t first = 0; first < tileRows(); first += threads) {
    Value inTile = k.add(thread, k.index(first));
    auto copyRow = [&, first = first] {
      Value row = rowOf(inTile, first), place = scalePlace(inTile);
      Value pointer = first < tiling.rowsPerBlock() ? aScales : bScales;
      for (int64_t at = 0; at < 4 * words; at += bytes)
        copy(k.offset(scalesAt, k.add(k.mul(place, 4 * words), k.index(at))),
             k.offset(pointer, k.mul(row, bytesOfRow)),
             k.add(k.mul(stage, 4 * words), k.index(at)), bytesOfRow, bytes);
    };
    if (first + threads <= tileRows())
      copyRow();
    else
      k.ifTrue(k.isLess(inTile, k.index(tileRows())), copyRow);
  }
}

/// Of every four groups of 8 rows from `firstRow` of the tiles on, this lane's
/// words: [four groups][word].
SmallVector<SmallVector<Value>>
NativeEmitter::loadScales(Value slot, Value firstRow, int64_t groupsOf8) {
  int64_t words = scaleWords(kernel.format);
  Value scalesAt = k.offset(slot, tileRows() * kRowBytes);
  Value row = k.add(firstRow, scalePlace(k.add(k.mul(t, 8), g)));
  SmallVector<SmallVector<Value>> loaded;
  for (int64_t first = 0; first < groupsOf8; first += 4) {
    Value from =
        k.offset(scalesAt, k.mul(k.add(row, k.index(8 * first)), 4 * words));
    loaded.push_back(
        k.elementsOf(k.loadFrom(from, k.b.getI32Type(), words, 4 * words)));
  }
  return loaded;
}

SmallVector<Value> NativeEmitter::multiply(Value slot, ValueRange sums) {
  SmallVector<Value> next(sums);
  Value colsAt = k.add(colOfWarp, k.index(tiling.rowsPerBlock()));
  auto aWords = loadScales(slot, rowOfWarp, 2 * tiling.rowTiles);
  auto bWords = loadScales(slot, colsAt, tiling.colTiles);
  Value matrix = k.div(lane, 8), inMatrix = k.rem(lane, 8);
  Value low = k.rem(matrix, 2), high = k.div(matrix, 2);
  Value swizzle = k.div(inMatrix, 2);
  auto from = [&](Value row, Value unitOfLane, int64_t step) {
    Value unit = arith::XOrIOp::create(
        k.b, k.add(unitOfLane, k.index(2 * step)), swizzle);
    return k.offset(slot,
                    k.add(k.mul(row, kRowBytes), k.mul(unit, kUnitBytes)));
  };
  Value aRow = k.add(rowOfWarp, k.add(k.mul(low, 8), inMatrix));
  Value bRow = k.add(colsAt, k.add(k.mul(high, 8), inMatrix));
  bool wordPerStep = scaleWords(kernel.format) == kStage / kStep;
  for (int64_t step = 0; step < kStage / kStep; ++step) {
    auto fragment = [&](ArrayRef<Value> words) -> Value {
      return vector::FromElementsOp::create(
          k.b,
          VectorType::get({static_cast<int64_t>(words.size())},
                          k.b.getI32Type()),
          words);
    };
    SmallVector<Value> a, b;
    Value aFrom = from(aRow, high, step), bFrom = from(bRow, low, step);
    for (int64_t i = 0; i < tiling.rowTiles; ++i)
      a.push_back(
          fragment(k.loadMatrices(k.offset(aFrom, i * 16 * kRowBytes))));
    for (int64_t j = 0; j < tiling.colTiles; j += 2) {
      SmallVector<Value> both =
          k.loadMatrices(k.offset(bFrom, j * 8 * kRowBytes));
      b.push_back(fragment({both[0], both[1]}));
      b.push_back(fragment({both[2], both[3]}));
    }
    int64_t word = wordPerStep ? step : 0, byte = wordPerStep ? 0 : 2 * step;
    for (int64_t i = 0; i < tiling.rowTiles; ++i)
      for (int64_t j = 0; j < tiling.colTiles; ++j) {
        Value &sum = next[i * tiling.colTiles + j];
        sum = MmaBlockScaledOp::create(k.b, sum.getType(), kernel.format, a[i],
                                       aWords[i / 2][word], byte, i % 2, b[j],
                                       bWords[j / 4][word], byte, j % 4, sum);
      }
  }
  return next;
}

void NativeEmitter::run() {
  locate();
  int64_t stages = llvm::divideCeil(kernel.k, kStage);
  int64_t bytes = stageBytes(tiling, kernel.format);
  auto fetchStage = [&](Value stage, Value slotAt) {
    k.ifTrue(k.isLess(stage, k.index(stages)),
             [&] { fetch(stage, k.offset(shared, slotAt)); });
    k.commitCopies();
  };
  for (int64_t i = 0; i < tiling.stages - 1; ++i)
    fetchStage(k.index(i), k.index(i * bytes));
  // Sums go around the loop as scalars: of vectors LLVM makes pairs on chips
  // that have arithmetic on them, and moves.
  Value zero = arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0.0f));
  auto vectorsOf = [&](ValueRange scalars) {
    auto type = VectorType::get({4}, k.b.getF32Type());
    SmallVector<Value> vectors;
    for (size_t i = 0; i < scalars.size(); i += 4)
      vectors.push_back(
          vector::FromElementsOp::create(k.b, type, scalars.slice(i, 4)));
    return vectors;
  };
  SmallVector<Value> carried = {k.index(0),
                                k.index((tiling.stages - 1) * bytes)};
  carried.append(4 * tiling.rowTiles * tiling.colTiles, zero);
  auto loop =
      scf::ForOp::create(k.b, k.index(0), k.index(stages), k.index(1), carried);
  {
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    ValueRange state = loop.getRegionIterArgs();
    auto after = [&](Value slotAt) {
      Value next = k.add(slotAt, k.index(bytes));
      return k.select(k.isLess(next, k.index(tiling.stages * bytes)), next,
                      k.index(0));
    };
    // Everyone's copies are there, and the slot before is used up.
    k.waitForCopies(tiling.stages - 2);
    gpu::BarrierOp::create(k.b);
    fetchStage(k.add(loop.getInductionVar(), k.index(tiling.stages - 1)),
               state[1]);
    SmallVector<Value> next = {after(state[0]), after(state[1])};
    for (Value sum :
         multiply(k.offset(shared, state[0]), vectorsOf(state.drop_front(2))))
      next.append(k.elementsOf(sum));
    scf::YieldOp::create(k.b, next);
  }
  kernel.storeTiles(k, vectorsOf(loop.getResults().drop_front(2)),
                    tiling.colTiles, k.add(rowBlock, rowOfWarp),
                    k.add(colBlock, colOfWarp), batchBegin, /*factor=*/1.0f);
}

void NativeTiledKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  NativeEmitter(kernelBuilder, *this).run();
}
