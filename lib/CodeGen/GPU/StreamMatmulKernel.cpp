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
// used by the lane that fetched it, so the ring needs no barriers.
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
// Fast decoding takes the scale into the one multiplication that makes
// subnormals into elements: scale * 2^126 must be a bf16. For mxfp4 that is so
// for bytes 0..127; scales of nvfp4 are taken times 2^-7, which all of them
// allow, and the sum is multiplied by 2^7 in the end. Warps look at all scales
// of a unit, and decode one that has others, or NaN, in two steps.
//
// Sums over warps and passes are in a fixed order: equal inputs, equal bits.
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Codec.h"
#include "fp4q/CodeGen/GPU/Kernels.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Along k: a chunk, a lane's part of it.
constexpr int64_t kChunk = 128, kLaneElements = 32;
/// Bytes in the ring of a group of 8 rows or columns and a chunk: codes, and
/// for each lane the word that has its scales.
constexpr int64_t kCodeBytes = 16 * kWarpSize, kScaleBytes = 4 * kWarpSize;
/// Bytes of the 16 x 8 sums of a tile.
constexpr int64_t kTileBytes = 16 * kWarpSize;

namespace {

/// Decoded words of one group of 8 rows or columns: of each word four pairs.
using Pairs = SmallVector<SmallVector<Value>>;

/// The scales of a lane for a group and chunk, in both decodings.
struct LaneScales {
  Value fast[2], exact[2]; ///< factors of words 0, 1 and of words 2, 3
  Value bad;               ///< i1: fast decoding would be wrong
};

class StreamEmitter {
public:
  StreamEmitter(GPUKernelBuilder &k, const StreamMatmulKernel &kernel)
      : k(k), w(k.b), kernel(kernel), tiling(kernel.tiling),
        group(groupSizeOf(kernel.format)),
        isMXFP4(kernel.format == ScaledFormat::MXFP4) {}

  void run();

private:
  /// Where an operand's codes and scales begin.
  struct Source {
    Value codes, scales, count, batchBegin;
  };

  int64_t rowGroups() const { return 2 * tiling.rowTiles; }
  int64_t groups() const {
    return rowGroups() + (tiling.keepsColumns ? 0 : tiling.colTiles);
  }
  int64_t unitBytes() const {
    return groups() * tiling.chunks * (kCodeBytes + kScaleBytes);
  }
  int64_t tiles() const { return tiling.rowTiles * tiling.colTiles; }
  int64_t scalesOfRow() const { return kernel.k / group; }
  /// Whether each row's scales are whole words, which cp.async can fetch.
  bool hasScaleWords() const { return scalesOfRow() % 4 == 0; }
  /// Whether all lanes' parts of K are whole.
  bool isWhole() const {
    return kernel.k % (kChunk * tiling.warps * tiling.chunks) == 0;
  }

  void locate();
  Value rowOf(const Source &source, Value group8);
  Value chunkAt(Value step, int64_t chunk);
  Value firstOf(Value chunk);
  Value scaleByteAt(Value row, Value chunk);
  void fetch(Value tile, Value step, Value slot);
  void fetchGroup(const Source &source, Value row, Value chunk, Value to,
                  Value scalesTo);
  Value scaleBytes(const Source &source, Value row, Value chunk);
  Value ringScaleBytes(Value word);
  LaneScales factorsOf(Value bytes, bool isColumn);
  Pairs decode(ArrayRef<Value> words, const LaneScales &scales, bool fast,
               bool isColumn);
  SmallVector<Pairs> loadColumns(Value step);
  SmallVector<Value> multiplyUnit(Value slot, Value tile, Value step,
                                  ArrayRef<Pairs> columns, ValueRange sums);
  SmallVector<Value> multiply(ArrayRef<SmallVector<Value>> words,
                              ArrayRef<LaneScales> scales,
                              ArrayRef<Pairs> columns, ValueRange sums,
                              bool fast);
  void reduce(ArrayRef<Value> sums, Value pass, Value iteration, Value tile);
  void storeTile(Value sum, Value rowBegin, int64_t rowTile, int64_t colTile);

  GPUKernelBuilder &k;
  WordEmitter w;
  const StreamMatmulKernel &kernel;
  const StreamTiling &tiling;
  int64_t group;
  bool isMXFP4;

  Value lane, g, t, warp;
  Value tileBegin, tileCount, colBegin, batchBegin;
  Source rows, columns;
  /// In shared memory: this warp's ring, this lane's part of it; the sums.
  Value ring, sumsAt;
};

} // namespace

int64_t StreamTiling::passes(int64_t k) const {
  return llvm::divideCeil(llvm::divideCeil(k, kChunk), warps * chunks);
}

/// Sums of all warps: twice if the next tile's may come while these are read.
static int64_t sumBytes(const StreamTiling &tiling) {
  return (tiling.keepsColumns ? 2 : 1) * tiling.warps * tiling.rowTiles *
         tiling.colTiles * kTileBytes;
}

static int64_t ringBytes(const StreamTiling &tiling) {
  int64_t groups =
      2 * tiling.rowTiles + (tiling.keepsColumns ? 0 : tiling.colTiles);
  return tiling.warps * tiling.stages * tiling.chunks * groups *
         (kCodeBytes + kScaleBytes);
}

int64_t StreamTiling::sharedBytes(int64_t k) const {
  if (!keepsColumns) // Sums lie where the ring was.
    return std::max(ringBytes(*this), sumBytes(*this));
  int64_t kept =
      passes(k) == 1 ? 0 : tilesPerBlock * rowTiles * colTiles * kTileBytes;
  return ringBytes(*this) + sumBytes(*this) + kept;
}

StreamTiling StreamTiling::choose(int64_t columns, int64_t n, int64_t k,
                                  int64_t sharedBytes,
                                  int64_t multiprocessors) {
  int64_t chunksOfK = llvm::divideCeil(k, kChunk);
  StreamTiling tiling;
  tiling.colTiles = llvm::divideCeil(columns, 8);
  tiling.keepsColumns = columns <= 16;
  tiling.tilesPerBlock = 1;
  auto powerOf2 = [](int64_t value) {
    return static_cast<int64_t>(llvm::PowerOf2Ceil(value));
  };
  if (tiling.keepsColumns) {
    tiling.chunks = chunksOfK > 1 ? 2 : 1;
    tiling.warps = std::min<int64_t>(
        16, powerOf2(llvm::divideCeil(chunksOfK, tiling.chunks)));
    tiling.rowTiles = columns <= 8 ? 2 : 1;
    tiling.stages = columns <= 8 ? 2 : 3;
    auto distribute = [&] {
      int64_t tiles = llvm::divideCeil(n, tiling.rowsPerTile());
      tiling.tilesPerBlock = llvm::divideCeil(tiles, multiprocessors);
    };
    distribute();
    while (tiling.sharedBytes(k) > sharedBytes) {
      if (tiling.stages > 2)
        --tiling.stages;
      else if (tiling.rowTiles > 1)
        tiling.rowTiles /= 2;
      else if (tiling.warps > 4)
        tiling.warps /= 2;
      else
        multiprocessors *= 2;
      distribute();
    }
    return tiling;
  }
  tiling.chunks = 1;
  tiling.warps = std::min<int64_t>(8, powerOf2(chunksOfK));
  tiling.rowTiles = n >= 64 * multiprocessors ? 4 : 2;
  tiling.stages = 4;
  while (tiling.sharedBytes(k) > sharedBytes) {
    if (tiling.stages > 2)
      --tiling.stages;
    else if (tiling.rowTiles > 1)
      tiling.rowTiles /= 2;
    else
      tiling.warps /= 2;
  }
  return tiling;
}

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
  tileCount = k.least(k.index(tiling.tilesPerBlock),
                      arith::SubIOp::create(k.b, k.index(tilesOfN), tileBegin));

  Value n = k.index(kernel.n);
  rows = {k.pointerTo(kernel.b), k.pointerTo(kernel.bScales), n,
          kernel.batchedB ? k.mul(batch, n) : k.index(0)};
  columns = {k.pointerTo(kernel.a), k.pointerTo(kernel.aScales), kernel.m,
             batchBegin};
  Value shared = k.sharedMemory();
  ring = k.offset(shared, k.mul(warp, tiling.stages * unitBytes()));
  sumsAt = tiling.keepsColumns ? k.offset(shared, ringBytes(tiling)) : shared;
}

/// The row of this lane among 8; beyond the end, the last one.
Value StreamEmitter::rowOf(const Source &source, Value first) {
  Value last = arith::SubIOp::create(k.b, source.count, k.index(1));
  return k.add(source.batchBegin, k.least(k.add(first, g), last));
}

/// Chunk `chunk` of this warp's in a step: a step is of all warps.
Value StreamEmitter::chunkAt(Value step, int64_t chunk) {
  Value unit = k.add(k.mul(step, tiling.warps), warp);
  return k.add(k.mul(unit, tiling.chunks), k.index(chunk));
}

/// The first k of this lane in a chunk.
Value StreamEmitter::firstOf(Value chunk) {
  return k.add(k.mul(chunk, kChunk), k.mul(t, kLaneElements));
}

/// Fetches one group and chunk; what lies beyond K is 0.
void StreamEmitter::fetchGroup(const Source &source, Value row, Value chunk,
                               Value to, Value scalesTo) {
  Value first = firstOf(chunk), end = k.index(kernel.k);
  Value rowAt = k.mul(row, kernel.k / 2);
  // Rows of K/2 bytes begin at multiples of 16, or, with an odd number of
  // groups of 16, of 8.
  int64_t bytes = kernel.k % 32 == 0 ? 16 : 8;
  for (int64_t part = 0; part < 16; part += bytes) {
    Value begin = k.add(first, k.index(2 * part));
    Value at = k.div(begin, 2), size;
    if (!isWhole()) {
      Value exists = k.isLess(begin, end);
      at = k.select(exists, at, k.index(0));
      size = k.select(exists, k.constant(static_cast<int32_t>(bytes)),
                      k.constant(0));
    }
    k.copyAsync(k.offset(to, part), k.offset(source.codes, k.add(rowAt, at)),
                bytes, size);
  }
  if (!hasScaleWords())
    return;
  // The word that has the lane's scales.
  Value word = isMXFP4 ? chunk : k.add(k.mul(chunk, 2), k.div(t, 2));
  Value at = k.mul(word, 4), size;
  if (!isWhole()) {
    Value exists = k.isLess(at, k.index(scalesOfRow()));
    at = k.select(exists, at, k.index(0));
    size = k.select(exists, k.constant(4), k.constant(0));
  }
  k.copyAsync(scalesTo,
              k.offset(source.scales, k.add(k.mul(row, scalesOfRow()), at)), 4,
              size);
}

/// Sends for a unit: the rows of a tile, and the columns if they are not kept.
void StreamEmitter::fetch(Value tile, Value step, Value slot) {
  Value rowBegin = k.mul(tile, tiling.rowsPerTile());
  for (int64_t i = 0; i < groups(); ++i) {
    bool isColumn = i >= rowGroups();
    const Source &source = isColumn ? columns : rows;
    Value first = isColumn ? k.add(colBegin, k.index(8 * (i - rowGroups())))
                           : k.add(rowBegin, k.index(8 * i));
    Value row = rowOf(source, first);
    for (int64_t c = 0; c < tiling.chunks; ++c) {
      int64_t at = i * tiling.chunks + c;
      Value to = k.offset(k.offset(slot, k.mul(lane, 16)), at * kCodeBytes);
      Value scalesTo =
          k.offset(k.offset(slot, k.mul(lane, 4)),
                   groups() * tiling.chunks * kCodeBytes + at * kScaleBytes);
      fetchGroup(source, row, chunkAt(step, c), to, scalesTo);
    }
  }
}

/// This lane's scale bytes out of the word fetched: one, or two in the lower
/// bytes.
Value StreamEmitter::ringScaleBytes(Value word) {
  Value lane32 = arith::IndexCastOp::create(k.b, k.b.getI32Type(), lane);
  int64_t bits = isMXFP4 ? 8 : 16;
  Value part = w.bitAnd(lane32, isMXFP4 ? 3 : 1);
  Value shifted =
      arith::ShRUIOp::create(k.b, word, w.mul(part, bits)).getResult();
  return w.bitAnd(shifted, (1 << bits) - 1);
}

/// The same, from global memory, byte by byte; 0 beyond K.
Value StreamEmitter::scaleBytes(const Source &source, Value row, Value chunk) {
  Value first = firstOf(chunk), bytes;
  for (int64_t i = 0; i < kLaneElements / group; ++i) {
    Value begin = k.add(first, k.index(i * group));
    Value exists = k.isLess(begin, k.index(kernel.k));
    Value at = k.select(exists, k.div(begin, group), k.index(0));
    at = k.add(k.mul(row, scalesOfRow()), at);
    Value loaded =
        k.loadFrom(k.offset(source.scales, at), k.b.getI8Type(), 1, 1);
    Value byte = arith::ExtUIOp::create(
        k.b, k.b.getI32Type(),
        vector::ExtractOp::create(k.b, loaded, int64_t(0)));
    byte = w.shiftLeft(k.select(exists, byte, w.constant(0)), 8 * i);
    bytes = bytes ? w.bitOr(bytes, byte) : byte;
  }
  return bytes;
}

LaneScales StreamEmitter::factorsOf(Value bytes, bool isColumn) {
  LaneScales scales;
  auto isSet = [&](Value value, int64_t mask) -> Value {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne,
                                 w.bitAnd(value, mask), w.constant(0));
  };
  if (isMXFP4) {
    Value exact = w.pairOfE8M0(bytes), fast;
    if (isColumn) {
      // In two steps, too, but for the choices: 0 is 2^-127, and no NaN.
      Value bits =
          arith::MaxUIOp::create(k.b, w.shiftLeft(bytes, 7), w.constant(0x40));
      fast = w.twice(bits);
      scales.bad = isSet(w.add(bytes, w.constant(1)), 0x100);
    } else {
      // The exponent field byte + 126.
      fast = w.add(w.mul(bytes, 0x00800080), w.constant(0x3F003F00));
      scales.bad = isSet(bytes, 0x80);
    }
    for (int i : {0, 1}) {
      scales.fast[i] = fast;
      scales.exact[i] = exact;
    }
    return scales;
  }
  // Both scales times 2^-120, as bf16 whose exponent is that much too small;
  // then times 2^-7 and 2^126.
  Value pair = w.bitAnd(w.bitOr(bytes, w.shiftLeft(bytes, 8)), 0x00FF00FF);
  Value both = w.mulPairs(w.shiftLeft(pair, 4), w.pairOf(0x1p120f));
  both = w.mulPairs(both, w.pairOf(0x1p119f));
  scales.fast[0] = w.twice(w.bitAnd(both, 0xFFFF));
  scales.fast[1] = w.twice(w.shiftRight(both, 16));
  // NaN, or bit 7, which no scale has.
  scales.bad = isSet(w.add(pair, w.constant(0x00010001)), 0x00800080);
  for (int i : {0, 1})
    scales.exact[i] =
        w.mulPairs(w.pairOfE4M3(w.bitAnd(w.shiftRight(bytes, 8 * i), 0xFF)),
                   w.pairOf(0x1p-7f));
  return scales;
}

Pairs StreamEmitter::decode(ArrayRef<Value> words, const LaneScales &scales,
                            bool fast, bool isColumn) {
  Pairs pairs;
  for (auto [i, word] : llvm::enumerate(words)) {
    Value factor = fast ? scales.fast[i / 2] : scales.exact[i / 2];
    pairs.push_back(
        w.decodeToPairs(word, factor,
                        /*twoSteps=*/!fast || (isColumn && isMXFP4)));
  }
  return pairs;
}

/// The columns of this warp's chunks of a step, decoded: [chunk][column tile].
SmallVector<Pairs> StreamEmitter::loadColumns(Value step) {
  SmallVector<Pairs> decoded;
  for (int64_t c = 0; c < tiling.chunks; ++c)
    for (int64_t i = 0; i < tiling.colTiles; ++i) {
      Value row = rowOf(columns, k.add(colBegin, k.index(8 * i)));
      Value chunk = chunkAt(step, c), first = firstOf(chunk);
      int64_t bytes = kernel.k % 32 == 0 ? 16 : 8;
      SmallVector<Value> words;
      for (int64_t part = 0; part < 16; part += bytes) {
        Value begin = k.add(first, k.index(2 * part));
        Value exists = k.isLess(begin, k.index(kernel.k));
        Value at = k.select(exists, k.div(begin, 2), k.index(0));
        at = k.add(k.mul(row, kernel.k / 2), at);
        Value loaded = k.loadFrom(k.offset(columns.codes, at), k.b.getI32Type(),
                                  bytes / 4, bytes);
        for (Value word : k.elementsOf(loaded))
          words.push_back(k.select(exists, word, w.constant(0)));
      }
      LaneScales scales =
          factorsOf(scaleBytes(columns, row, chunk), /*isColumn=*/true);
      if (!isMXFP4)
        for (int half : {0, 1}) // Undone once only, that of the rows.
          scales.exact[half] = w.mulPairs(scales.exact[half], w.pairOf(0x1p7f));
      decoded.push_back(
          decode(words, scales, /*fast=*/false, /*isColumn=*/true));
    }
  return decoded;
}

/// The sums after one chunk, of words [group][word].
SmallVector<Value> StreamEmitter::multiply(ArrayRef<SmallVector<Value>> words,
                                           ArrayRef<LaneScales> scales,
                                           ArrayRef<Pairs> columns,
                                           ValueRange sums, bool fast) {
  SmallVector<Value> next(sums);
  for (int64_t word = 0; word < 4; ++word) {
    auto pairsOf = [&](int64_t i, bool isColumn) {
      Value factor =
          fast ? scales[i].fast[word / 2] : scales[i].exact[word / 2];
      return w.decodeToPairs(words[i][word], factor,
                             /*twoSteps=*/!fast || (isColumn && isMXFP4));
    };
    SmallVector<SmallVector<Value>> b;
    for (int64_t i = 0; i < tiling.colTiles; ++i)
      b.push_back(tiling.keepsColumns ? columns[i][word]
                                      : pairsOf(rowGroups() + i, true));
    for (int64_t r = 0; r < tiling.rowTiles; ++r) {
      SmallVector<Value> upper = pairsOf(2 * r, false);
      SmallVector<Value> lower = pairsOf(2 * r + 1, false);
      for (int64_t h : {0, 1})
        for (int64_t i = 0; i < tiling.colTiles; ++i) {
          Value &sum = next[r * tiling.colTiles + i];
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
  SmallVector<SmallVector<LaneScales>> scales(tiling.chunks);
  Value bad;
  for (int64_t c = 0; c < tiling.chunks; ++c)
    for (int64_t i = 0; i < groups(); ++i) {
      bool isColumn = i >= rowGroups();
      Value bytes;
      if (hasScaleWords()) {
        Value at = k.offset(k.offset(slot, k.mul(lane, 4)),
                            groups() * tiling.chunks * kCodeBytes +
                                (i * tiling.chunks + c) * kScaleBytes);
        bytes = ringScaleBytes(
            k.elementsOf(k.loadFrom(at, k.b.getI32Type(), 1, 4)).front());
      } else {
        Value first = isColumn ? k.add(colBegin, k.index(8 * (i - rowGroups())))
                               : k.add(rowBegin, k.index(8 * i));
        const Source &source = isColumn ? columns : rows;
        bytes = scaleBytes(source, rowOf(source, first), chunkAt(step, c));
      }
      scales[c].push_back(factorsOf(bytes, isColumn));
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

void StreamEmitter::storeTile(Value sum, Value rowBegin, int64_t rowTile,
                              int64_t colTile) {
  // c[0], c[1]: row g, columns 2t and 2t + 1; c[2], c[3]: row g + 8.
  for (auto [i, element] : llvm::enumerate(k.elementsOf(sum))) {
    Value row = k.add(k.add(rowBegin, k.index(16 * rowTile + i / 2 * 8)), g);
    Value column =
        k.add(k.add(colBegin, k.index(8 * colTile + i % 2)), k.mul(t, 2));
    Value exists = arith::AndIOp::create(k.b, k.isLess(row, k.index(kernel.n)),
                                         k.isLess(column, kernel.m));
    Value total = element;
    if (!isMXFP4)
      total = arith::MulFOp::create(
          k.b, total,
          arith::ConstantOp::create(
              k.b,
              k.b.getF32FloatAttr(tiling.keepsColumns ? 0x1p7f : 0x1p14f)));
    k.ifTrue(exists, [&] { kernel.store(k, total, batchBegin, row, column); });
  }
}

/// Adds the sums of all warps, and those of earlier passes, and stores the
/// tile in the last one. Warps take turns.
void StreamEmitter::reduce(ArrayRef<Value> sums, Value pass, Value iteration,
                           Value tile) {
  Type f32 = k.b.getF32Type();
  Value lanePart = k.mul(lane, 16);
  Value buffer = sumsAt;
  if (tiling.keepsColumns)
    buffer = k.offset(buffer, k.mul(k.rem(iteration, 2),
                                    tiling.warps * tiles() * kTileBytes));
  buffer = k.offset(buffer, lanePart);
  Value own = k.offset(buffer, k.mul(warp, tiles() * kTileBytes));
  for (auto [i, sum] : llvm::enumerate(sums))
    k.storeTo(sum, k.offset(own, i * kTileBytes), 16);
  gpu::BarrierOp::create(k.b);
  Value keptAt = k.offset(
      k.offset(k.offset(sumsAt, sumBytes(tiling)), lanePart),
      k.mul(arith::SubIOp::create(k.b, tile, tileBegin), tiles() * kTileBytes));
  int64_t passes = tiling.keepsColumns ? tiling.passes(kernel.k) : 1;
  for (int64_t i = 0; i < tiles(); ++i) {
    // A tile's turn is the same in all passes, so its kept sums need no
    // barrier.
    Value turn = arith::RemUIOp::create(
        k.b, k.add(k.mul(tile, tiles()), k.index(i)), k.index(tiling.warps));
    Value isTurn =
        arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, warp, turn);
    k.ifTrue(isTurn, [&, i = i] {
      Value total;
      for (int64_t from = 0; from < tiling.warps; ++from) {
        Value part = k.loadFrom(
            k.offset(buffer, (from * tiles() + i) * kTileBytes), f32, 4, 16);
        total =
            total ? arith::AddFOp::create(k.b, total, part).getResult() : part;
      }
      Value kept = k.offset(keptAt, i * kTileBytes);
      Value rowBegin = k.mul(tile, tiling.rowsPerTile());
      int64_t rowTile = i / tiling.colTiles, colTile = i % tiling.colTiles;
      if (passes == 1)
        return storeTile(total, rowBegin, rowTile, colTile);
      total = k.ifElse(
          k.isEqual(pass, 0), total.getType(), [&] { return total; },
          [&]() -> Value {
            return arith::AddFOp::create(k.b, k.loadFrom(kept, f32, 4, 16),
                                         total);
          });
      Value isLast = k.isEqual(pass, passes - 1);
      k.ifTrue(isLast, [&] { storeTile(total, rowBegin, rowTile, colTile); });
      k.ifTrue(k.isLess(pass, k.index(passes - 1)),
               [&] { k.storeTo(total, kept, 16); });
    });
  }
}

void StreamEmitter::run() {
  locate();
  int64_t steps = tiling.passes(kernel.k);
  int64_t unit = unitBytes(), ringEnd = tiling.stages * unit;
  auto zero = arith::ConstantOp::create(
      k.b,
      DenseElementsAttr::get(VectorType::get({4}, k.b.getF32Type()), 0.0f));
  SmallVector<Value> zeros(tiles(), zero);
  // Units in the order in which they are used: steps of tiles if columns are
  // kept, else steps of the one tile.
  Value inner = tiling.keepsColumns ? tileCount : k.index(steps);
  Value outer = k.index(tiling.keepsColumns ? steps : 1);
  Value all = k.mul(inner, outer);
  auto fetchUnit = [&](Value number, Value slotAt) {
    k.ifTrue(k.isLess(number, all), [&] {
      Value at = arith::RemUIOp::create(k.b, number, inner);
      Value slot = k.offset(ring, slotAt);
      if (tiling.keepsColumns)
        fetch(k.add(tileBegin, at), k.div(number, inner), slot);
      else
        fetch(tileBegin, at, slot);
    });
    k.commitCopies();
  };
  auto after = [&](Value slotAt) {
    Value next = k.add(slotAt, k.index(unit));
    return k.select(k.isLess(next, k.index(ringEnd)), next, k.index(0));
  };
  for (int64_t i = 0; i < tiling.stages - 1; ++i)
    fetchUnit(k.index(i), k.index(i * unit));

  // One loop over units: the number, the slots of this unit and of the one to
  // send for, and the sums if the tile goes on.
  auto loopOverInner = [&](Value pass, ArrayRef<Pairs> columnPairs,
                           ValueRange slots) {
    SmallVector<Value> carried(slots);
    if (!tiling.keepsColumns)
      carried.append(zeros);
    auto loop = scf::ForOp::create(k.b, k.index(0), inner, k.index(1), carried);
    OpBuilder::InsertionGuard guard(k.b);
    k.b.setInsertionPointToStart(loop.getBody());
    Value at = loop.getInductionVar();
    Value number = k.add(k.mul(pass, inner), at);
    ValueRange state = loop.getRegionIterArgs();
    k.waitForCopies(tiling.stages - 2);
    fetchUnit(k.add(number, k.index(tiling.stages - 1)), state[1]);
    SmallVector<Value> next = {after(state[0]), after(state[1])};
    Value slot = k.offset(ring, state[0]);
    if (tiling.keepsColumns) {
      Value tile = k.add(tileBegin, at);
      reduce(multiplyUnit(slot, tile, pass, columnPairs, zeros), pass, number,
             tile);
    } else {
      next.append(multiplyUnit(slot, tileBegin, at, {}, state.drop_front(2)));
    }
    scf::YieldOp::create(k.b, next);
    return loop;
  };
  SmallVector<Value> slots = {k.index(0), k.index((tiling.stages - 1) * unit)};
  if (!tiling.keepsColumns) {
    auto loop = loopOverInner(k.index(0), {}, slots);
    // All warps are done with their rings, where the sums go.
    k.waitForCopies(0);
    gpu::BarrierOp::create(k.b);
    reduce(SmallVector<Value>(loop.getResults().drop_front(2)), k.index(0),
           k.index(0), tileBegin);
    return;
  }
  if (steps == 1) {
    loopOverInner(k.index(0), loadColumns(k.index(0)), slots);
    return;
  }
  auto passes = scf::ForOp::create(k.b, k.index(0), outer, k.index(1), slots);
  OpBuilder::InsertionGuard guard(k.b);
  k.b.setInsertionPointToStart(passes.getBody());
  Value pass = passes.getInductionVar();
  auto loop =
      loopOverInner(pass, loadColumns(pass), passes.getRegionIterArgs());
  scf::YieldOp::create(k.b, loop.getResults());
}

void StreamMatmulKernel::emit(GPUKernelBuilder &kernelBuilder) const {
  StreamEmitter(kernelBuilder, *this).run();
}
