//===- ExpandedMatmulKernel.cpp - scaled_matmul for many rows --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On an H200 mma.sync shares what issues instructions with all others: one
// takes as long as 6.6 of them, and a loop as long as their sum. So it should
// decode as little as it can. One kernel decodes a, once; another multiplies,
// in which each warp has all rows of a tile and 32 columns, whose codes no
// other one decodes.
//
// Decoded rows have 256 bytes a chunk of 128 along k, in which unit 4w + j, of
// 16 bytes, has pair j (Codec.h) of word w of the pieces 0..3. So in the
// products of word w and halves h = 0 and 1 of its pairs, lane (g, t) needs of
// b what it has: of column g piece t, pairs 2h and 2h + 1.
//
//   matrix of a   0             1              2               3
//                 rows 0..7     rows 8..15     rows 0..7       rows 8..15
//                 unit w+8h     unit w+8h      unit w+8h+4     unit w+8h+4
//   b             b0: column g, pair 2h        b1: column g, pair 2h + 1
//
// (PTX ISA 9.7.14.5, "ldmatrix" and "Matrix Fragments for mma.m16n8k16".) In
// shared memory unit u of row r is at
//
//   16 * ((u & 8) | ((u ^ r) & 7))
//
// by which the eight lanes that store half a row and the eight that load unit u
// of eight rows each meet all banks. A stage has the rows of a and, 16 bytes a
// lane, the codes of b of a chunk. Scales of b come 16 bytes a row, for some
// chunks at a time.
//
//===----------------------------------------------------------------------===//

#include "ScaledReader.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Bytes of a row in a chunk, and of a unit.
constexpr int64_t kRowBytes = 2 * kChunkElements, kUnitBytes = 16;
/// Bytes of a row's scales that are copied at a time, for two chunks or four;
/// and how many such there are: the fetches under way are of three chunks.
constexpr int64_t kScaleRowBytes = 16, kScaleSlots = 2;
/// Steps of 16 along k in a chunk.
constexpr int64_t kSteps = kChunkElements / 16;
/// Columns of a warp: a lane copies the scales of one.
constexpr int64_t kColTiles = 4, kWarpColumns = 8 * kColTiles;
static_assert(kWarpColumns == kWarpSize);

int64_t ExpandedTiling::stageBytes() const {
  return rowsPerBlock() * kRowBytes + colsPerBlock() * kChunkElements / 2;
}

int64_t ExpandedTiling::sharedBytes() const {
  return stages * stageBytes() + kScaleSlots * colsPerBlock() * kScaleRowBytes;
}

int64_t ExpandedTiling::colsPerBlock() const { return kWarpColumns * warps; }

int64_t ExpandedTiling::bytesOfRow(int64_t k) {
  return llvm::divideCeil(k, kChunkElements) * kRowBytes;
}

ExpandedTiling ExpandedTiling::choose(int64_t sharedBytes) {
  for (ExpandedTiling tiling : {ExpandedTiling{8, 8, 4}, {8, 8, 3}, {4, 8, 3}})
    if (tiling.sharedBytes() <= sharedBytes)
      return tiling;
  return {4, 4, 3};
}

int64_t ExpandKernel::threadsOfRow(int64_t k) {
  return 4 * llvm::divideCeil(k, kChunkElements);
}

/// A thread has a word of each piece of a chunk, so four units.
void ExpandKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  GPUKernelBuilder &k = kernelBuilder;
  ScaledReader reader(k, *this, /*isWhole=*/false);
  ScaledReader::Source source = {k.pointerTo(a), k.pointerTo(aScales), m,
                                 k.index(0), FastScales::All};
  Value id = k.globalId(kElementwiseThreads);
  Value row = k.div(id, threadsOfRow(this->k));
  Value inRow = k.rem(id, threadsOfRow(this->k));
  Value chunk = k.div(inRow, 4), word = k.rem(inRow, 4);
  k.ifTrue(k.isLess(row, rows), [&] {
    Value from = reader.rowOf(source, row);
    SmallVector<Value> codes = reader.loadWords(source, from, chunk, word);
    SmallVector<SmallVector<Value>> pairs;
    for (auto [piece, bytes] :
         llvm::enumerate(reader.loadScalesOfChunk(source, from, chunk))) {
      SmallVector<Value, 2> factors = reader.anyFactorsOf(bytes);
      Value factor =
          k.select(k.isLess(word, k.index(2)), factors[0], factors[1]);
      pairs.push_back(reader.decodeAny(codes[piece], 0, factor));
      pairs.back().append(reader.decodeAny(codes[piece], 1, factor));
    }
    Value at = k.add(k.mul(row, ExpandedTiling::bytesOfRow(this->k)),
                     k.add(k.mul(chunk, kRowBytes), k.mul(word, kUnitBytes)));
    Value to = k.offset(k.pointerTo(out), at);
    for (int64_t j = 0; j < 4; ++j)
      k.storeTo(
          vector::FromElementsOp::create(
              k.b, VectorType::get({4}, k.b.getI32Type()),
              ValueRange{pairs[0][j], pairs[1][j], pairs[2][j], pairs[3][j]}),
          k.offset(to, j * 4 * kUnitBytes), kUnitBytes);
  });
}

namespace {

class ExpandedEmitter {
public:
  ExpandedEmitter(GPUKernelBuilder &k, const ExpandedMatmulKernel &kernel)
      : k(k), w(k.b), kernel(kernel), tiling(kernel.tiling),
        chunksOfScales(kScaleRowBytes /
                       (kChunkElements / groupSizeOf(kernel.format))),
        // Scales are copied for so many chunks.
        reader(k, kernel, kernel.k % (kChunkElements * chunksOfScales) == 0) {}

  void run();

private:
  void locate();
  void locateBlock();
  void fetch(Value chunk, Value slot);
  /// The codes and factors of this lane's columns, of a chunk: of each tile a
  /// vector of four words, which LLVM would load one by one where they are
  /// used, and two factors.
  SmallVector<Value> loadColumns(Value chunk, Value slot);
  /// b0 and b1 of tile i in step 0..7 of a chunk.
  SmallVector<Value> decode(ValueRange loaded, int64_t step, int64_t i) {
    int64_t word = step / 2;
    return reader.decodeAny(k.elementsOf(loaded[3 * i])[word], step % 2,
                            loaded[3 * i + 1 + word / 2]);
  }
  void multiply(Value slot, int64_t step, SmallVector<Value> &sums,
                SmallVector<Value> &pairs, ValueRange loaded);
  Value scalesOf(Value chunk);
  /// Where the codes of this thread's piece i are.
  Value codesOf(Value slot, int64_t i) {
    return k.offset(k.offset(slot, k.mul(thread, kUnitBytes)),
                    tiling.rowsPerBlock() * kRowBytes +
                        i * tiling.threads() * kUnitBytes);
  }

  GPUKernelBuilder &k;
  WordEmitter w;
  const ExpandedMatmulKernel &kernel;
  const ExpandedTiling &tiling;
  const int64_t chunksOfScales; ///< that are copied at a time
  ScaledReader reader;

  Value thread, lane, warp, g, t;
  Value rowBlock, colBlock, batchBegin; ///< first of the CTA, and of the batch
  ScaledReader::Source columns;
  SmallVector<Value> columnsOfLane; ///< of the tiles of 8
  Value columnsFrom; ///< this lane's codes of the first; null: by the reader
  Value rowsFrom, rowsTo; ///< what this thread copies, and where in the slot
  Value stages, scales;   ///< in shared memory
  Value matrixAt, permutation; ///< this lane's row for ldmatrix
};

} // namespace

/// CTAs that run at the same time have 8 blocks of columns and the more rows,
/// so that they share more of what they read than with all rows.
void ExpandedEmitter::locateBlock() {
  constexpr int64_t width = 8;
  int64_t colBlocks = llvm::divideCeil(kernel.n, tiling.colsPerBlock());
  Value rowBlocks = k.div(k.add(kernel.m, k.index(tiling.rowsPerBlock() - 1)),
                          tiling.rowsPerBlock());
  Value x = k.blockId();
  Value batch = k.div(x, rowBlocks);
  Value row = arith::RemUIOp::create(k.b, x, rowBlocks);
  Value number = k.add(k.mul(k.blockId(gpu::Dimension::y), rowBlocks), row);
  Value inGroup = k.mul(rowBlocks, width);
  Value first = k.mul(k.div(number, inGroup), width);
  Value rest = arith::RemUIOp::create(k.b, number, inGroup);
  Value count = k.least(arith::SubIOp::create(k.b, k.index(colBlocks), first),
                        k.index(width));
  batchBegin = k.mul(batch, kernel.m);
  rowBlock = k.mul(k.div(rest, count), tiling.rowsPerBlock());
  Value column = k.add(first, arith::RemUIOp::create(k.b, rest, count));
  colBlock = k.mul(column, tiling.colsPerBlock());
  columns = {
      k.pointerTo(kernel.b), k.pointerTo(kernel.bScales), k.index(kernel.n),
      kernel.batchedB ? k.mul(batch, kernel.n) : k.index(0), FastScales::All};
}

void ExpandedEmitter::locate() {
  thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  warp = k.div(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);
  locateBlock();
  stages = k.sharedMemory();
  scales = k.offset(stages, tiling.stages * tiling.stageBytes());

  constexpr int64_t units = kRowBytes / kUnitBytes;
  Value unit = k.rem(thread, units), row = k.div(thread, units);
  // Rows beyond the end are those of the next batch, or of padding.
  Value at = k.mul(k.add(batchBegin, k.add(rowBlock, row)),
                   ExpandedTiling::bytesOfRow(kernel.k));
  rowsFrom = k.offset(k.pointerTo(kernel.expanded),
                      k.add(at, k.mul(unit, kUnitBytes)));
  Value mixed = arith::XOrIOp::create(k.b, k.rem(unit, 8), k.rem(row, 8));
  rowsTo = k.add(k.mul(row, kRowBytes),
                 k.mul(k.add(k.mul(k.div(unit, 8), 8), mixed), kUnitBytes));

  // A warp beyond the end has the last columns, at the same distances.
  Value colBegin = k.add(colBlock, k.mul(warp, kWarpColumns));
  bool isWhole = kernel.n % kWarpColumns == 0;
  if (isWhole)
    colBegin = k.least(colBegin, k.index(kernel.n - kWarpColumns));
  for (int64_t i = 0; i < kColTiles; ++i) {
    Value column = k.add(k.add(colBegin, g), k.index(8 * i));
    columnsOfLane.push_back(isWhole ? k.add(columns.batchBegin, column)
                                    : reader.rowOf(columns, column));
  }
  if (isWhole && kernel.k % kChunkElements == 0)
    columnsFrom =
        k.offset(columns.codes, k.add(k.mul(columnsOfLane[0], kernel.k / 2),
                                      k.mul(t, kUnitBytes)));
  Value inMatrix = k.rem(lane, 8), matrix = k.div(lane, 8);
  matrixAt = k.mul(k.add(k.mul(k.rem(matrix, 2), 8), inMatrix), kRowBytes);
  permutation =
      arith::XOrIOp::create(k.b, k.mul(k.div(matrix, 2), 4), inMatrix);
}

/// Where the scales of b are of which `chunk` has a part.
Value ExpandedEmitter::scalesOf(Value chunk) {
  Value slot = k.rem(k.div(chunk, chunksOfScales), kScaleSlots);
  return k.offset(scales, k.mul(slot, tiling.colsPerBlock() * kScaleRowBytes));
}

void ExpandedEmitter::fetch(Value chunk, Value slot) {
  Value to = k.offset(slot, rowsTo);
  Value from = k.offset(rowsFrom, k.mul(chunk, kRowBytes));
  int64_t rowsAtATime = tiling.threads() * kUnitBytes / kRowBytes;
  for (int64_t i = 0; i < tiling.rowsPerBlock(); i += rowsAtATime)
    k.copyAsync(k.offset(to, i * kRowBytes),
                k.offset(from, i * ExpandedTiling::bytesOfRow(kernel.k)),
                kUnitBytes, Value());
  // One address, where it may be: registers are few.
  for (int64_t i = 0; i < kColTiles; ++i)
    if (columnsFrom)
      k.copyAsync(codesOf(slot, i),
                  k.offset(k.offset(columnsFrom, k.mul(chunk, kUnitBytes * 4)),
                           i * 8 * kernel.k / 2),
                  kUnitBytes, Value());
    else
      reader.fetchCodes(columns, columnsOfLane[i], chunk, t, codesOf(slot, i));
  if (!reader.hasScaleWords())
    return;
  k.ifTrue(k.isEqual(k.rem(chunk, chunksOfScales), 0), [&] {
    reader.fetchScales(
        columns, reader.rowOf(columns, k.add(colBlock, thread)), chunk,
        chunksOfScales,
        k.offset(scalesOf(chunk), k.mul(thread, kScaleRowBytes)));
  });
}

SmallVector<Value> ExpandedEmitter::loadColumns(Value chunk, Value slot) {
  SmallVector<Value> loaded;
  for (int64_t i = 0; i < kColTiles; ++i) {
    loaded.push_back(
        k.loadFrom(codesOf(slot, i), k.b.getI32Type(), 4, kUnitBytes));
    Value bytes;
    if (reader.hasScaleWords()) {
      Value column = k.add(k.mul(warp, kWarpColumns), k.add(g, k.index(8 * i)));
      Value at =
          k.add(k.mul(column, kScaleRowBytes),
                k.mul(k.rem(chunk, chunksOfScales), reader.scaleBytesOf(1)));
      bytes = reader.readScaleBytes(k.offset(scalesOf(chunk), at), t);
    } else {
      bytes = reader.loadScaleBytes(columns, columnsOfLane[i], chunk, t);
    }
    loaded.append(reader.anyFactorsOf(bytes));
  }
  return loaded;
}

/// Products of a step of 16 along k, with `pairs` of b; between them those of
/// the next step are decoded out of `loaded`, in their place.
void ExpandedEmitter::multiply(Value slot, int64_t step,
                               SmallVector<Value> &sums,
                               SmallVector<Value> &pairs, ValueRange loaded) {
  int64_t unit = step / 2 + 8 * (step % 2);
  Value mixed = arith::XOrIOp::create(k.b, permutation, k.index(unit & 7));
  Value at = k.add(k.mul(mixed, kUnitBytes), k.index((unit & 8) * kUnitBytes));
  Value from = k.offset(slot, k.add(matrixAt, at));
  SmallVector<Value> next;
  for (int64_t r = 0; r < tiling.rowTiles; ++r) {
    SmallVector<Value> a = k.loadMatrices(k.offset(from, r * 16 * kRowBytes));
    for (int64_t i = 0; i < kColTiles; ++i) {
      Value &sum = sums[r * kColTiles + i];
      SmallVector<Value> result =
          w.mmaBF16(a, ValueRange(pairs).slice(2 * i, 2), k.elementsOf(sum));
      sum = vector::FromElementsOp::create(k.b, sum.getType(), result);
    }
    if (r < kColTiles)
      next.append(decode(loaded, (step + 1) % kSteps, r));
  }
  pairs = next;
}

void ExpandedEmitter::run() {
  locate();
  int64_t chunks = llvm::divideCeil(kernel.k, kChunkElements);
  auto fetchChunk = [&](Value chunk, Value slotAt) {
    k.ifTrue(k.isLess(chunk, k.index(chunks)),
             [&] { fetch(chunk, k.offset(stages, slotAt)); });
    k.commitCopies();
  };
  for (int64_t i = 0; i < tiling.stages - 1; ++i)
    fetchChunk(k.index(i), k.index(i * tiling.stageBytes()));
  k.waitForCopies(tiling.stages - 2);
  gpu::BarrierOp::create(k.b);
  auto zero = arith::ConstantOp::create(
      k.b,
      DenseElementsAttr::get(VectorType::get({4}, k.b.getF32Type()), 0.0f));
  int64_t sumCount = tiling.rowTiles * kColTiles;
  // The slot, the one to fetch to, the columns, their pairs for step 0, sums.
  SmallVector<Value> carried = {
      k.index(0), k.index((tiling.stages - 1) * tiling.stageBytes())};
  carried.append(loadColumns(k.index(0), stages));
  int64_t loadedCount = static_cast<int64_t>(carried.size()) - 2;
  for (int64_t i = 0; i < kColTiles; ++i)
    carried.append(decode(ValueRange(carried).slice(2, loadedCount), 0, i));
  carried.append(sumCount, zero);
  auto loop =
      scf::ForOp::create(k.b, k.index(0), k.index(chunks), k.index(1), carried);
  {
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value chunk = loop.getInductionVar();
    ValueRange state = loop.getRegionIterArgs();
    auto after = [&](Value slotAt) {
      return k.nextInRing(slotAt, tiling.stages, tiling.stageBytes());
    };
    SmallVector<Value> loaded(state.slice(2, loadedCount));
    SmallVector<Value> pairs(state.slice(2 + loadedCount, 2 * kColTiles));
    SmallVector<Value> sums(state.take_back(sumCount));
    Value slot = k.offset(stages, state[0]);
    for (int64_t step = 0; step < kSteps - 1; ++step)
      multiply(slot, step, sums, pairs, loaded);
    // All have the next chunk, and no warp needs the one before this: its last
    // step was before the barrier.
    k.waitForCopies(tiling.stages - 3);
    gpu::BarrierOp::create(k.b);
    fetchChunk(k.add(chunk, k.index(tiling.stages - 1)), state[1]);
    SmallVector<Value> next = {after(state[0]), after(state[1])};
    // After the last one, what is read is not used.
    Value following = k.add(chunk, k.index(1));
    Value exists = k.isLess(following, k.index(chunks));
    loaded = loadColumns(k.select(exists, following, chunk),
                         k.offset(stages, k.select(exists, next[0], state[0])));
    multiply(slot, kSteps - 1, sums, pairs, loaded);
    next.append(loaded);
    next.append(pairs);
    next.append(sums);
    scf::YieldOp::create(k.b, next);
  }
  kernel.storeTiles(k, loop.getResults().take_back(sumCount), kColTiles,
                    rowBlock, k.add(colBlock, k.mul(warp, kWarpColumns)),
                    batchBegin, reader.isReduced() ? 0x1p14f : 1.0f);
}

void ExpandedMatmulKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  ExpandedEmitter(kernelBuilder, *this).run();
}
