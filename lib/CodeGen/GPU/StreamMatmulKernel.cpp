//===- StreamMatmulKernel.cpp - scaled_matmul for few columns -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With few tokens the product takes as long as reading the weights. So all is
// arranged for that: the warps of a CTA divide K, and each keeps several units
// on their way from global memory to a ring in shared memory. Every byte is
// used in the warp that fetched it, so the ring needs no barriers of the CTA.
//
// A unit has rows of b (and columns of a, unless they stay in registers) of
// some chunks of 128 along k. With g = lane / 4 and t = lane % 4, a lane takes
//
//   16 bytes: row g of 8, k = 32t .. 32t + 31     words 0..3 of 8 elements
//   scales:   mxfp4 byte t, nvfp4 bytes 2t, 2t + 1 of the row's for the chunk
//
//        t = 0          1           2           3
//   row  0 k 0..31      k 32..63    k 64..95    k 96..127
//        1   .           .           .           .
//        7   .           .           .           .
//
// which are whole sectors in memory, and two chunks whole lines. A word becomes
// four pairs of bf16 (Codec.h), pair j of elements j and j + 4, which are the
// registers of two m16n8k16 products, h = 0 and 1:
//
//   a0: row g, pair 2h       a1: row g + 8, pair 2h       b0: column g, pair 2h
//   a2: row g, pair 2h + 1   a3: row g + 8, pair 2h + 1   b1: ..., pair 2h + 1
//
// (PTX ISA 9.7.14.5 "Matrix Fragments for mma.m16n8k16 with floating point
// type".) The instruction's k are not the product's, but those of A and B
// agree.
//
// Each warp puts its sums of a tile into shared memory without waiting for the
// others; a group of tiles is added up at once. Sums over passes and warps are
// in a fixed order: equal inputs, equal bits.
//
//===----------------------------------------------------------------------===//

#include "ScaledReader.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

/// Decoded words of one group of 8 rows or columns: of each word four pairs.
using Pairs = SmallVector<SmallVector<Value>>;

class StreamEmitter {
public:
  StreamEmitter(GPUKernelBuilder &k, const StreamMatmulKernel &kernel)
      : k(k), w(k.b), kernel(kernel), tiling(kernel.tiling),
        reader(k, kernel,
               kernel.k % (kChunkElements * tiling.warps * tiling.chunks) ==
                   0) {}

  void run();

private:
  using Source = ScaledReader::Source;

  int64_t rowGroups() const { return 2 * tiling.rowTiles; }
  int64_t groups() const { return tiling.groups(); }
  int64_t unitBytes() const { return tiling.unitBytes(kernel.format); }
  /// Where the scales of a group of 8 begin in a unit.
  int64_t scalesAt(int64_t group) const {
    return groups() * tiling.chunks * kCodeBytes +
           8 * group * reader.scaleBytesOf(tiling.chunks);
  }
  int64_t tiles() const { return tiling.rowTiles * tiling.colTiles; }
  /// Sums of a tile: two where there is but one tile, so that products need
  /// not wait for each other.
  int64_t accumulators() const { return tiles() == 1 ? 2 : 1; }

  void locate();
  Value chunkAt(Value step, int64_t chunk);
  void fetch(Value tile, Value step, Value slot);
  void fetchScales(const Source &source, Value begin, int64_t first,
                   int64_t count, Value step, Value slot);
  void waitForUnit();
  SmallVector<Pairs> loadColumns(Value step);
  SmallVector<Value> multiplyUnit(Value slot, Value tile, Value step,
                                  ArrayRef<Pairs> kept, ValueRange sums);
  SmallVector<Value> multiply(ArrayRef<SmallVector<Value>> words,
                              ArrayRef<PieceScales> scales,
                              ArrayRef<Pairs> kept, ValueRange sums, bool fast);
  void keepSums(ValueRange sums, Value tileOfGroup, Value pass);
  void reduce(Value firstTile);
  void storeTile(Value sum, Value rowBegin, Value colTile);
  void runKeepingColumns();
  void runFetchingColumns();
  Value slotAfter(Value slot);

  GPUKernelBuilder &k;
  WordEmitter w;
  const StreamMatmulKernel &kernel;
  const StreamTiling &tiling;
  ScaledReader reader;

  Value lane, g, t, warp;
  Value tileBegin, tileEnd, colBegin, batchBegin;
  Source rows, columns;
  /// In shared memory: this warp's ring, this lane's part of it; the sums.
  Value ring, sumsAt;
};

} // namespace

void StreamEmitter::locate() {
  Value thread = k.threadId();
  lane = k.rem(thread, kWarpSize);
  warp = k.div(thread, kWarpSize);
  g = k.div(lane, 4);
  t = k.rem(lane, 4);

  Value colBlocks = k.div(k.add(kernel.m, k.index(tiling.colsPerBlock() - 1)),
                          tiling.colsPerBlock());
  Value block = k.blockId();
  Value batch = k.div(block, colBlocks);
  Value colBlock = arith::RemUIOp::create(k.b, block, colBlocks);
  colBegin = k.mul(colBlock, tiling.colsPerBlock());
  batchBegin = k.mul(batch, kernel.m);
  tileBegin = k.mul(k.blockId(gpu::Dimension::y), tiling.tilesPerBlock);
  int64_t tilesOfN = llvm::divideCeil(kernel.n, tiling.rowsPerTile());
  tileEnd = k.least(k.add(tileBegin, k.index(tiling.tilesPerBlock)),
                    k.index(tilesOfN));

  Value n = k.index(kernel.n);
  rows = {k.pointerTo(kernel.b), k.pointerTo(kernel.bScales), n,
          kernel.batchedB ? k.mul(batch, n) : k.index(0), FastScales::UpToOne};
  columns = {k.pointerTo(kernel.a), k.pointerTo(kernel.aScales), kernel.m,
             batchBegin, FastScales::All};
  Value shared = k.sharedMemory();
  ring = k.offset(shared, k.mul(warp, tiling.stages * unitBytes()));
  sumsAt = tiling.keepsColumns
               ? k.offset(shared, tiling.ringBytes(kernel.format))
               : shared;
}

/// Chunk `chunk` of this warp's in a step: a step is of all warps.
Value StreamEmitter::chunkAt(Value step, int64_t chunk) {
  Value unit = k.add(k.mul(step, tiling.warps), warp);
  return k.add(k.mul(unit, tiling.chunks), k.index(chunk));
}

/// Sends for a unit: the rows of a tile, and the columns if they are not kept.
void StreamEmitter::fetch(Value tile, Value step, Value slot) {
  Value rowBegin = k.mul(tile, tiling.rowsPerTile());
  for (int64_t i = 0; i < groups(); ++i) {
    bool isColumn = i >= rowGroups();
    const Source &source = isColumn ? columns : rows;
    Value first = isColumn ? k.add(colBegin, k.index(8 * (i - rowGroups())))
                           : k.add(rowBegin, k.index(8 * i));
    Value row = reader.rowOf(source, k.add(first, g));
    for (int64_t c = 0; c < tiling.chunks; ++c) {
      int64_t at = i * tiling.chunks + c;
      reader.fetchCodes(
          source, row, chunkAt(step, c), t,
          k.offset(k.offset(slot, k.mul(lane, 16)), at * kCodeBytes));
    }
  }
  if (!reader.hasScaleWords())
    return;
  fetchScales(rows, rowBegin, 0, rowGroups(), step, slot);
  if (!tiling.keepsColumns)
    fetchScales(columns, colBegin, rowGroups(), tiling.colTiles, step, slot);
}

/// Until the warp has the oldest unit, and no lane reads the one before it.
void StreamEmitter::waitForUnit() {
  k.waitForCopies(tiling.stages - 2);
  k.syncWarp();
}

/// Sends for the scales of `count` groups, `first` and on of the unit: a row a
/// lane.
void StreamEmitter::fetchScales(const Source &source, Value begin,
                                int64_t first, int64_t count, Value step,
                                Value slot) {
  Value scales = k.offset(slot, scalesAt(first));
  for (int64_t done = 0; done < 8 * count; done += kWarpSize) {
    Value number = k.add(lane, k.index(done));
    auto fetchRow = [&] {
      Value to =
          k.offset(scales, k.mul(number, reader.scaleBytesOf(tiling.chunks)));
      reader.fetchScales(source, reader.rowOf(source, k.add(begin, number)),
                         chunkAt(step, 0), tiling.chunks, to);
    };
    if (8 * count - done >= kWarpSize)
      fetchRow();
    else
      k.ifTrue(k.isLess(number, k.index(8 * count)), fetchRow);
  }
}

/// The columns of this warp's chunks of a step, decoded: [chunk][column tile].
SmallVector<Pairs> StreamEmitter::loadColumns(Value step) {
  SmallVector<Pairs> decoded;
  for (int64_t c = 0; c < tiling.chunks; ++c)
    for (int64_t i = 0; i < tiling.colTiles; ++i) {
      Value first = k.add(k.add(colBegin, k.index(8 * i)), g);
      Value row = reader.rowOf(columns, first), chunk = chunkAt(step, c);
      PieceScales scales = reader.factorsOf(
          reader.loadScaleBytes(columns, row, chunk, t), FastScales::All);
      Pairs pairs;
      for (auto [word, codes] :
           llvm::enumerate(reader.loadCodes(columns, row, chunk, t)))
        pairs.push_back(reader.decode(codes, word, scales, FastScales::All,
                                      /*fast=*/false));
      decoded.push_back(pairs);
    }
  return decoded;
}

/// The sums after one chunk, of words [group][word].
SmallVector<Value> StreamEmitter::multiply(ArrayRef<SmallVector<Value>> words,
                                           ArrayRef<PieceScales> scales,
                                           ArrayRef<Pairs> kept,
                                           ValueRange sums, bool fast) {
  SmallVector<Value> next(sums);
  for (int64_t word = 0; word < 4; ++word) {
    auto pairsOf = [&](int64_t i, const Source &source) {
      return reader.decode(words[i][word], word, scales[i], source.fast, fast);
    };
    SmallVector<SmallVector<Value>> b;
    for (int64_t i = 0; i < tiling.colTiles; ++i)
      b.push_back(tiling.keepsColumns ? kept[i][word]
                                      : pairsOf(rowGroups() + i, columns));
    for (int64_t r = 0; r < tiling.rowTiles; ++r) {
      SmallVector<Value> upper = pairsOf(2 * r, rows);
      SmallVector<Value> lower = pairsOf(2 * r + 1, rows);
      for (int64_t h : {0, 1})
        for (int64_t i = 0; i < tiling.colTiles; ++i) {
          Value &sum = next[(r * tiling.colTiles + i) * accumulators() +
                            h % accumulators()];
          SmallVector<Value> result = w.mmaBF16(
              {upper[2 * h], lower[2 * h], upper[2 * h + 1], lower[2 * h + 1]},
              {b[i][2 * h], b[i][2 * h + 1]}, k.elementsOf(sum));
          sum = vector::FromElementsOp::create(k.b, sum.getType(), result);
        }
    }
  }
  return next;
}

/// The sums after the unit in a slot of the ring.
SmallVector<Value> StreamEmitter::multiplyUnit(Value slot, Value tile,
                                               Value step,
                                               ArrayRef<Pairs> columnPairs,
                                               ValueRange sums) {
  Value rowBegin = k.mul(tile, tiling.rowsPerTile());
  SmallVector<SmallVector<PieceScales>> scales(tiling.chunks);
  Value bad;
  for (int64_t c = 0; c < tiling.chunks; ++c)
    for (int64_t i = 0; i < groups(); ++i) {
      bool isColumn = i >= rowGroups();
      Value bytes;
      if (reader.hasScaleWords()) {
        Value row = k.mul(g, reader.scaleBytesOf(tiling.chunks));
        bytes = reader.readScaleBytes(
            k.offset(k.offset(slot, row), scalesAt(i) + reader.scaleBytesOf(c)),
            t);
      } else {
        Value first = isColumn ? k.add(colBegin, k.index(8 * (i - rowGroups())))
                               : k.add(rowBegin, k.index(8 * i));
        const Source &source = isColumn ? columns : rows;
        Value row = reader.rowOf(source, k.add(first, g));
        bytes = reader.loadScaleBytes(source, row, chunkAt(step, c), t);
      }
      scales[c].push_back(
          reader.factorsOf(bytes, isColumn ? columns.fast : rows.fast));
      Value isBad = scales[c].back().bad;
      bad = bad ? arith::OrIOp::create(k.b, bad, isBad).getResult() : isBad;
    }
  auto multiplyAll = [&](bool fast) {
    SmallVector<Value> next(sums);
    for (int64_t c = 0; c < tiling.chunks; ++c) {
      SmallVector<SmallVector<Value>> words;
      for (int64_t i = 0; i < groups(); ++i) {
        Value at = k.offset(k.offset(slot, k.mul(lane, 16)),
                            (i * tiling.chunks + c) * kCodeBytes);
        words.push_back(k.elementsOf(k.loadFrom(at, k.b.getI32Type(), 4, 16)));
      }
      ArrayRef<Pairs> pairs;
      if (tiling.keepsColumns)
        pairs = columnPairs.slice(c * tiling.colTiles, tiling.colTiles);
      next = multiply(words, scales[c], pairs, next, fast);
    }
    return next;
  };
  auto choice =
      scf::IfOp::create(k.b, ValueRange(sums).getTypes(), k.anyLane(bad),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(k.b, multiplyAll(/*fast=*/false));
  k.b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(k.b, multiplyAll(/*fast=*/true));
  return SmallVector<Value>(choice.getResults());
}

void StreamEmitter::storeTile(Value sum, Value rowBegin, Value colTile) {
  // c[0], c[1]: row g, columns 2t and 2t + 1; c[2], c[3]: row g + 8.
  Value columnBegin = k.add(k.add(colBegin, k.mul(colTile, 8)), k.mul(t, 2));
  for (auto [i, element] : llvm::enumerate(k.elementsOf(sum))) {
    Value row = k.add(k.add(rowBegin, k.index(i / 2 * 8)), g);
    Value column = k.add(columnBegin, k.index(i % 2));
    Value exists = arith::AndIOp::create(k.b, k.isLess(row, k.index(kernel.n)),
                                         k.isLess(column, kernel.m));
    Value total = element;
    if (reader.isReduced())
      total = arith::MulFOp::create(
          k.b, total,
          arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0x1p14f)));
    k.ifTrue(exists, [&] { kernel.store(k, total, batchBegin, row, column); });
  }
}

/// Puts a tile's sums of this warp, or adds them in a later pass, to shared
/// memory: each lane has its own part.
void StreamEmitter::keepSums(ValueRange sums, Value tileOfGroup, Value pass) {
  Value at = k.add(k.mul(warp, tiling.tilesPerGroup), tileOfGroup);
  at = k.add(k.mul(at, tiles() * kTileBytes), k.mul(lane, 16));
  for (int64_t i = 0; i < tiles(); ++i) {
    Value sum = sums[i * accumulators()];
    if (accumulators() == 2)
      sum = arith::AddFOp::create(k.b, sum, sums[2 * i + 1]);
    Value to = k.offset(k.offset(sumsAt, at), i * kTileBytes);
    if (pass)
      sum = k.ifElse(
          k.isEqual(pass, 0), sum.getType(), [&] { return sum; },
          [&]() -> Value {
            return arith::AddFOp::create(
                k.b, k.loadFrom(to, k.b.getF32Type(), 4, 16), sum);
          });
    k.storeTo(sum, to, 16);
  }
}

/// Adds the sums of all warps, always in the same order, and stores a group of
/// tiles; the warps share the tiles.
void StreamEmitter::reduce(Value firstTile) {
  gpu::BarrierOp::create(k.b);
  int64_t all = tiling.tilesPerGroup * tiles();
  auto loop = scf::ForOp::create(k.b, warp, k.index(all), k.index(tiling.warps),
                                 ValueRange());
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  Value tile = k.add(firstTile, k.div(number, tiles()));
  k.ifTrue(k.isLess(tile, tileEnd), [&] {
    Value at = k.add(k.mul(number, kTileBytes), k.mul(lane, 16)), total;
    for (int64_t from = 0; from < tiling.warps; ++from) {
      Value part =
          k.loadFrom(k.offset(k.offset(sumsAt, at), from * all * kTileBytes),
                     k.b.getF32Type(), 4, 16);
      total =
          total ? arith::AddFOp::create(k.b, total, part).getResult() : part;
    }
    Value inTile = k.rem(number, tiles());
    Value rowBegin = k.add(k.mul(tile, tiling.rowsPerTile()),
                           k.mul(k.div(inTile, tiling.colTiles), 16));
    storeTile(total, rowBegin, k.rem(inTile, tiling.colTiles));
  });
}

Value StreamEmitter::slotAfter(Value slot) {
  return k.nextInRing(slot, tiling.stages, unitBytes());
}

static SmallVector<Value> zeroSums(GPUKernelBuilder &k, int64_t count) {
  auto zero = arith::ConstantOp::create(
      k.b,
      DenseElementsAttr::get(VectorType::get({4}, k.b.getF32Type()), 0.0f));
  return SmallVector<Value>(count, zero);
}

/// Units in the order of groups of tiles, passes over K, tiles of the group.
void StreamEmitter::runKeepingColumns() {
  int64_t inGroup = tiling.tilesPerGroup, passes = tiling.passes(kernel.k);
  int64_t groupCount = llvm::divideCeil(tiling.tilesPerBlock, inGroup);
  auto fetchUnit = [&](Value number, Value slotAt) {
    Value group = k.div(number, inGroup * passes);
    Value tile =
        k.add(k.add(tileBegin, k.mul(group, inGroup)), k.rem(number, inGroup));
    k.ifTrue(k.isLess(tile, tileEnd), [&] {
      fetch(tile, k.rem(k.div(number, inGroup), passes),
            k.offset(ring, slotAt));
    });
    k.commitCopies();
  };
  for (int64_t i = 0; i < tiling.stages - 1; ++i)
    fetchUnit(k.index(i), k.index(i * unitBytes()));
  SmallVector<Value> slots = {k.index(0),
                              k.index((tiling.stages - 1) * unitBytes())};
  SmallVector<Pairs> kept;
  if (passes == 1)
    kept = loadColumns(k.index(0));

  auto loopOver =
      [&](int64_t count, ValueRange carried,
          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
        auto loop = scf::ForOp::create(k.b, k.index(0), k.index(count),
                                       k.index(1), carried);
        OpBuilder::InsertionGuard guard(k.b);
        k.b.setInsertionPointToStart(loop.getBody());
        scf::YieldOp::create(
            k.b, body(loop.getInductionVar(), loop.getRegionIterArgs()));
        return SmallVector<Value>(loop.getResults());
      };
  auto runTile = [&](Value group, Value pass, ArrayRef<Pairs> columnPairs,
                     Value tileOfGroup, ValueRange state) {
    Value number =
        k.add(k.mul(k.add(k.mul(group, passes), pass), inGroup), tileOfGroup);
    Value tile = k.add(k.add(tileBegin, k.mul(group, inGroup)), tileOfGroup);
    waitForUnit();
    fetchUnit(k.add(number, k.index(tiling.stages - 1)), state[1]);
    k.ifTrue(k.isLess(tile, tileEnd), [&] {
      keepSums(multiplyUnit(k.offset(ring, state[0]), tile, pass, columnPairs,
                            zeroSums(k, tiles() * accumulators())),
               tileOfGroup, passes == 1 ? Value() : pass);
    });
    return SmallVector<Value>{slotAfter(state[0]), slotAfter(state[1])};
  };
  loopOver(groupCount, slots, [&](Value group, ValueRange outer) {
    auto next = loopOver(passes, outer, [&](Value pass, ValueRange middle) {
      SmallVector<Pairs> columnPairs = passes == 1 ? kept : loadColumns(pass);
      return loopOver(inGroup, middle, [&](Value tile, ValueRange inner) {
        return runTile(group, pass, columnPairs, tile, inner);
      });
    });
    reduce(k.add(tileBegin, k.mul(group, inGroup)));
    if (groupCount > 1) // The sums are overwritten.
      gpu::BarrierOp::create(k.b);
    return next;
  });
}

/// Units in the order of K, of one tile.
void StreamEmitter::runFetchingColumns() {
  int64_t steps = tiling.passes(kernel.k);
  auto fetchUnit = [&](Value step, Value slotAt) {
    k.ifTrue(k.isLess(step, k.index(steps)),
             [&] { fetch(tileBegin, step, k.offset(ring, slotAt)); });
    k.commitCopies();
  };
  for (int64_t i = 0; i < tiling.stages - 1; ++i)
    fetchUnit(k.index(i), k.index(i * unitBytes()));
  SmallVector<Value> carried = {k.index(0),
                                k.index((tiling.stages - 1) * unitBytes())};
  carried.append(zeroSums(k, tiles() * accumulators()));
  auto loop =
      scf::ForOp::create(k.b, k.index(0), k.index(steps), k.index(1), carried);
  {
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value step = loop.getInductionVar();
    ValueRange state = loop.getRegionIterArgs();
    waitForUnit();
    fetchUnit(k.add(step, k.index(tiling.stages - 1)), state[1]);
    SmallVector<Value> next = {slotAfter(state[0]), slotAfter(state[1])};
    next.append(multiplyUnit(k.offset(ring, state[0]), tileBegin, step, {},
                             state.drop_front(2)));
    scf::YieldOp::create(k.b, next);
  }
  // All warps are done with their rings, where the sums go.
  k.waitForCopies(0);
  gpu::BarrierOp::create(k.b);
  keepSums(loop.getResults().drop_front(2), k.index(0), Value());
  reduce(tileBegin);
}

void StreamEmitter::run() {
  locate();
  if (tiling.keepsColumns)
    runKeepingColumns();
  else
    runFetchingColumns();
}

void StreamMatmulKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  StreamEmitter(kernelBuilder, *this).run();
}
