//===- TiledMatmulKernel.cpp - scaled_matmul for many rows ----------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A CTA computes a tile of the result. Per chunk of 128 along k:
//
// 1. Each thread waits for the pieces (ScaledReader.h) that it copied to its
//    ring, copies those of a later chunk, and decodes: 16 bytes become 64 bytes
//    of bf16 in a tile in shared memory, of rows of 256 bytes.
// 2. After a barrier, each warp multiplies its part: ldmatrix, m16n8k16.
// 3. After another, the tile may be overwritten. Two CTAs fit on a
//    multiprocessor, so that one decodes while the other multiplies.
//
// A decoded word is 16 bytes, unit 4 * piece + word of the row: of each pair j
// the elements j and j + 4. So k is permuted, in both operands alike. Unit u of
// row r is at
//
//   16 * ((u & 8) | ((u ^ r ^ 2 * (u / 8)) & 7))
//
// by which both the eight lanes that store pieces 0..3 of two rows at a time
// and the eight that load unit u of eight rows meet all banks.
//
// Rows are those of a, columns are rows of b, as in the result. Fragments as
// ldmatrix.x4 gives them (PTX ISA 9.7.14.5, "ldmatrix" and "Matrix Fragments
// for mma.m16n8k16"), with i the lane's row of a matrix:
//
//   matrix   0             1              2               3
//   a        rows 0..7     rows 8..15     rows 0..7       rows 8..15
//            unit 2s       unit 2s        unit 2s+1       unit 2s+1
//   b        cols 0..7     cols 0..7      cols 8..15      cols 8..15
//            unit 2s       unit 2s+1      unit 2s         unit 2s+1
//
//===----------------------------------------------------------------------===//

#include "ScaledReader.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Bytes of a row of the decoded tile, and of a unit.
constexpr int64_t kRowBytes = 2 * kChunkElements, kUnitBytes = 16;
/// Pieces of a row in a chunk.
constexpr int64_t kPieces = kChunkElements / kPieceElements;

namespace {

class TiledEmitter {
public:
  TiledEmitter(GPUKernelBuilder &k, const TiledMatmulKernel &kernel)
      : k(k), w(k.b), kernel(kernel), tiling(kernel.tiling),
        reader(k, kernel, kernel.k % kChunkElements == 0) {}

  void run();

private:
  using Source = ScaledReader::Source;

  /// A piece of each thread.
  struct Piece {
    const Source *source;
    Value row; ///< of the operand
    Value to;  ///< where its row of the decoded tile begins
  };

  int64_t pieceCount() const {
    return (tiling.rowsPerBlock() + tiling.colsPerBlock()) * kPieces /
           tiling.threads();
  }
  int64_t stageBytes() const {
    return pieceCount() * tiling.threads() * (kUnitBytes + 4);
  }

  void locate();
  void fetch(Value chunk, Value slot);
  Value scalesOf(Value slot, int64_t i);
  void decode(Value chunk, Value slot);
  SmallVector<Value> multiply(ValueRange sums);
  Value unitOf(int64_t step, Value permutation);

  GPUKernelBuilder &k;
  WordEmitter w;
  const TiledMatmulKernel &kernel;
  const TiledTiling &tiling;
  ScaledReader reader;

  Value thread, lane, piece;
  Value rowBegin, colBegin, batchBegin; ///< of the warp
  Source rows, columns;
  SmallVector<Piece> pieces;
  Value ring, tile; ///< in shared memory
  /// Where this lane's rows for ldmatrix begin, and which unit it takes.
  Value rowsAt, colsAt, rowUnit, colUnit;
};

} // namespace

int64_t TiledTiling::sharedBytes() const {
  int64_t rows = rowsPerBlock() + colsPerBlock();
  return rows * kRowBytes + stages * rows * kPieces * (kUnitBytes + 4);
}

TiledTiling TiledTiling::choose(int64_t rows, int64_t n, int64_t sharedBytes,
                                int64_t multiprocessors) {
  TiledTiling tiling = {2, 2, 4, 8, 2};
  // One row of large tiles is not enough for all multiprocessors.
  bool isSmall = rows <= tiling.rowsPerBlock() &&
                 n < tiling.colsPerBlock() / 2 * multiprocessors;
  if (isSmall || tiling.sharedBytes() > sharedBytes)
    tiling.colTiles = 4;
  return tiling;
}

void TiledEmitter::locate() {
  thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  piece = k.rem(thread, kPieces);
  Value warp = k.div(thread, kWarpSize);
  Value rowBlocks = k.div(k.add(kernel.m, k.index(tiling.rowsPerBlock() - 1)),
                          tiling.rowsPerBlock());
  Value block = k.blockId();
  Value batch = k.div(block, rowBlocks);
  Value rowBlock = k.mul(arith::RemUIOp::create(k.b, block, rowBlocks),
                         tiling.rowsPerBlock());
  Value colBlock = k.mul(k.blockId(gpu::Dimension::y), tiling.colsPerBlock());
  batchBegin = k.mul(batch, kernel.m);
  Value rowOfWarp = k.mul(k.rem(warp, tiling.rowWarps), 16 * tiling.rowTiles);
  Value colOfWarp = k.mul(k.div(warp, tiling.rowWarps), 8 * tiling.colTiles);
  rowBegin = k.add(rowBlock, rowOfWarp);
  colBegin = k.add(colBlock, colOfWarp);

  Value n = k.index(kernel.n);
  rows = {k.pointerTo(kernel.a), k.pointerTo(kernel.aScales), kernel.m,
          batchBegin, FastScales::All};
  columns = {k.pointerTo(kernel.b), k.pointerTo(kernel.bScales), n,
             kernel.batchedB ? k.mul(batch, n) : k.index(0),
             FastScales::UpToOne};
  Value shared = k.sharedMemory();
  int64_t tileBytes =
      (tiling.rowsPerBlock() + tiling.colsPerBlock()) * kRowBytes;
  tile = shared;
  ring = k.offset(shared, tileBytes);

  // Piece i of a thread: consecutive threads have the pieces of a row, then
  // those of the next one.
  int64_t rowsAtATime = tiling.threads() / kPieces;
  Value rowOfThread = k.div(thread, kPieces);
  for (int64_t i = 0; i < pieceCount(); ++i) {
    int64_t first = i * rowsAtATime;
    bool isRow = first < tiling.rowsPerBlock();
    Value inTile = k.add(rowOfThread, k.index(first));
    Value row =
        isRow ? k.add(rowBlock, inTile)
              : k.add(colBlock, k.add(rowOfThread,
                                      k.index(first - tiling.rowsPerBlock())));
    const Source &source = isRow ? rows : columns;
    pieces.push_back({&source, reader.rowOf(source, row),
                      k.offset(tile, k.mul(inTile, kRowBytes))});
  }

  Value matrix = k.div(lane, 8), inMatrix = k.rem(lane, 8);
  Value low = k.rem(matrix, 2), high = k.div(matrix, 2);
  Value aRow = k.add(rowOfWarp, k.add(k.mul(low, 8), inMatrix));
  Value bRow = k.add(k.add(colOfWarp, k.index(tiling.rowsPerBlock())),
                     k.add(k.mul(high, 8), inMatrix));
  rowsAt = k.offset(tile, k.mul(aRow, kRowBytes));
  colsAt = k.offset(tile, k.mul(bRow, kRowBytes));
  // Rows of tiles begin at multiples of 8, so r & 7 is the lane's.
  rowUnit = arith::XOrIOp::create(k.b, high, inMatrix);
  colUnit = arith::XOrIOp::create(k.b, low, inMatrix);
}

void TiledEmitter::fetch(Value chunk, Value slot) {
  for (auto [i, own] : llvm::enumerate(pieces)) {
    int64_t at = i * tiling.threads();
    Value to =
        k.offset(k.offset(slot, k.mul(thread, kUnitBytes)), at * kUnitBytes);
    reader.fetchCodes(*own.source, own.row, chunk, piece, to);
  }
  if (!reader.hasScaleWords())
    return;
  k.ifTrue(k.isEqual(piece, 0), [&] {
    for (auto [i, own] : llvm::enumerate(pieces))
      reader.fetchScales(*own.source, own.row, chunk, 1, scalesOf(slot, i));
  });
}

/// Where the scales of this thread's row of piece i are.
Value TiledEmitter::scalesOf(Value slot, int64_t i) {
  Value row =
      k.add(k.div(thread, kPieces), k.index(i * tiling.threads() / kPieces));
  return k.offset(k.offset(slot, k.mul(row, 8)),
                  pieceCount() * tiling.threads() * kUnitBytes);
}

/// Decodes this thread's pieces into the tile.
void TiledEmitter::decode(Value chunk, Value slot) {
  SmallVector<PieceScales> scales;
  Value bad;
  for (auto [i, own] : llvm::enumerate(pieces)) {
    Value bytes;
    if (reader.hasScaleWords()) {
      bytes = reader.readScaleBytes(scalesOf(slot, i), piece);
    } else {
      bytes = reader.loadScaleBytes(*own.source, own.row, chunk, piece);
    }
    scales.push_back(reader.factorsOf(bytes, own.source->fast));
    Value isBad = scales.back().bad;
    bad = bad ? arith::OrIOp::create(k.b, bad, isBad).getResult() : isBad;
  }
  auto decodeAll = [&](bool fast) {
    for (auto [i, own] : llvm::enumerate(pieces)) {
      Value at = k.offset(k.offset(slot, k.mul(thread, kUnitBytes)),
                          int64_t(i) * tiling.threads() * kUnitBytes);
      SmallVector<Value> words =
          k.elementsOf(k.loadFrom(at, k.b.getI32Type(), 4, 16));
      // Unit 4 * piece + word of the row: r & 7 is the same for all pieces.
      Value r = k.rem(k.div(thread, kPieces), 8);
      Value upper = k.div(piece, 2);
      Value base = arith::XOrIOp::create(
          k.b, r,
          arith::XOrIOp::create(k.b, k.mul(k.rem(piece, 2), 4),
                                k.mul(upper, 2)));
      for (int64_t word = 0; word < 4; ++word) {
        Value unit = arith::XOrIOp::create(k.b, base, k.index(word));
        unit = k.add(unit, k.mul(upper, 8));
        SmallVector<Value> pairs =
            reader.decode(words[word], word, scales[i], own.source->fast, fast);
        Value vector = vector::FromElementsOp::create(
            k.b, VectorType::get({4}, k.b.getI32Type()), pairs);
        k.storeTo(vector, k.offset(own.to, k.mul(unit, kUnitBytes)), 16);
      }
    }
  };
  auto choice = scf::IfOp::create(k.b, k.anyLane(bad), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(choice.thenBlock());
  decodeAll(/*fast=*/false);
  k.b.setInsertionPointToStart(choice.elseBlock());
  decodeAll(/*fast=*/true);
}

/// Where unit 2 * step + 0 or 1 of a lane's row is; its permutation is that 0
/// or 1 ^ (r & 7).
Value TiledEmitter::unitOf(int64_t step, Value permutation) {
  int64_t unit = 2 * step, upper = unit / 8;
  Value mixed = arith::XOrIOp::create(k.b, permutation,
                                      k.index((unit & 7) ^ (2 * upper)));
  return k.mul(k.add(mixed, k.index(8 * upper)), kUnitBytes);
}

SmallVector<Value> TiledEmitter::multiply(ValueRange sums) {
  SmallVector<Value> next(sums);
  for (int64_t step = 0; step < kChunkElements / 16; ++step) {
    Value rowsFrom = k.offset(rowsAt, unitOf(step, rowUnit));
    Value colsFrom = k.offset(colsAt, unitOf(step, colUnit));
    SmallVector<SmallVector<Value>> a, b;
    for (int64_t i = 0; i < tiling.rowTiles; ++i)
      a.push_back(k.loadMatrices(k.offset(rowsFrom, i * 16 * kRowBytes)));
    for (int64_t i = 0; i < tiling.colTiles; i += 2) {
      SmallVector<Value> both =
          k.loadMatrices(k.offset(colsFrom, i * 8 * kRowBytes));
      b.push_back({both[0], both[1]});
      b.push_back({both[2], both[3]});
    }
    for (int64_t i = 0; i < tiling.rowTiles; ++i)
      for (int64_t j = 0; j < tiling.colTiles; ++j) {
        Value &sum = next[i * tiling.colTiles + j];
        SmallVector<Value> result = w.mmaBF16(a[i], b[j], k.elementsOf(sum));
        sum = vector::FromElementsOp::create(k.b, sum.getType(), result);
      }
  }
  return next;
}

void TiledEmitter::run() {
  locate();
  int64_t chunks = llvm::divideCeil(kernel.k, kChunkElements);
  auto fetchChunk = [&](Value chunk, Value slotAt) {
    k.ifTrue(k.isLess(chunk, k.index(chunks)),
             [&] { fetch(chunk, k.offset(ring, slotAt)); });
    k.commitCopies();
  };
  for (int64_t i = 0; i < tiling.stages - 1; ++i)
    fetchChunk(k.index(i), k.index(i * stageBytes()));
  auto zero = arith::ConstantOp::create(
      k.b,
      DenseElementsAttr::get(VectorType::get({4}, k.b.getF32Type()), 0.0f));
  SmallVector<Value> carried = {k.index(0),
                                k.index((tiling.stages - 1) * stageBytes())};
  carried.append(tiling.rowTiles * tiling.colTiles, zero);
  auto loop =
      scf::ForOp::create(k.b, k.index(0), k.index(chunks), k.index(1), carried);
  {
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value chunk = loop.getInductionVar();
    ValueRange state = loop.getRegionIterArgs();
    auto after = [&](Value slotAt) {
      Value next = k.add(slotAt, k.index(stageBytes()));
      Value isInRing = k.isLess(next, k.index(tiling.stages * stageBytes()));
      return k.select(isInRing, next, k.index(0));
    };
    k.waitForCopies(tiling.stages - 2);
    k.syncWarp();
    fetchChunk(k.add(chunk, k.index(tiling.stages - 1)), state[1]);
    decode(chunk, k.offset(ring, state[0]));
    gpu::BarrierOp::create(k.b);
    SmallVector<Value> next = {after(state[0]), after(state[1])};
    next.append(multiply(state.drop_front(2)));
    gpu::BarrierOp::create(k.b);
    scf::YieldOp::create(k.b, next);
  }
  kernel.storeTiles(k, loop.getResults().drop_front(2), tiling.colTiles,
                    rowBegin, colBegin, batchBegin,
                    reader.isReduced() ? 0x1p14f : 1.0f);
}

void TiledMatmulKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  TiledEmitter(kernelBuilder, *this).run();
}
