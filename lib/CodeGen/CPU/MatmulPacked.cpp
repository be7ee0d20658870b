//===- MatmulPacked.cpp - products of packed weights ----------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights in the layout packed_16x8 lie in the order of use: 16 columns of C
// are one stream, and a load has four bytes of each. Few rows and many are done
// as with linear weights, but for the transpose that loads need there. One row
// is done one or two tiles at a time. The row of a is laid out beforehand:
//
//   codes    for each step of L or 4 blocks of eight elements: the even ones of
//            each block, four signed bytes, then the odd ones
//   starts   of a group: the accumulator's start value
//   magics   of a group: for e8m0 the magic of MatmulTiles.h, for e4m3 the
//            scale; e8m0 scales above 2^104 are 2^64 times smaller there
//   factors  for e8m0: 2^64 for such groups, NaN for those with that scale, 1
//
// So each scale is represented, and there is no other path. A sum is one chain
// over ascending groups that rounds what the tiles' chain rounds: the results
// have the same bits as if there were more rows.
//
//===----------------------------------------------------------------------===//

#include "MatmulTiles.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include <cfloat>

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::ScaleType;

/// How far ahead in the stream of weights lines are asked for.
constexpr int64_t kPrefetchBytes = 2048;
/// Registers of sums of one row, at least: one stream alone would not keep as
/// many lines on their way as the memory takes.
constexpr int64_t kMinVectors = 2;
/// What scales above 2^104 are divided by.
constexpr uint32_t kRebase = 64;

SmallVector<Value> TileKernel::loadPackedUnit(Value column, Value offset) {
  // Registers past the end repeat the last one.
  int64_t last = (config.n - 1) / lanes * lanes;
  Value first = b.min(column, b.index(last));
  Value rows = b.index(kPackedRows);
  Value tile = b.createOrFold<arith::DivUIOp>(first, rows);
  Value byte =
      b.mul(b.createOrFold<arith::RemUIOp>(first, rows), kPackedRowBytes);
  Value block =
      b.createOrFold<arith::DivUIOp>(offset, b.index(kPackedRowBytes));
  SmallVector<Value> dwords;
  for (int64_t i = 0; i < kUnitBytes / kPackedRowBytes; ++i)
    dwords.push_back(b.bitcast(b.loadBytes(kPackedRowBytes * lanes, operands.b,
                                           {tile, b.add(block, i), byte}),
                               lanes, b.i32()));
  return dwords;
}

void TileKernel::prefetchPacked(Value column, Value block, int64_t count) {
  int64_t blocks = config.k / kPackedElements;
  count = std::min(count, blocks);
  int64_t all = llvm::divideCeil(config.n, kPackedRows) * blocks;
  Value tile = b.createOrFold<arith::DivUIOp>(column, b.index(kPackedRows));
  Value later =
      b.add(b.add(b.mul(tile, blocks), block), kPrefetchBytes / kPackedBytes);
  later = b.min(later, b.index(all - count));
  Value laterTile = b.createOrFold<arith::DivUIOp>(later, b.index(blocks));
  Value laterBlock =
      b.min(b.createOrFold<arith::RemUIOp>(later, b.index(blocks)),
            b.index(blocks - count));
  for (int64_t i = 0; i < count; ++i)
    b.prefetch(operands.b, {laterTile, b.add(laterBlock, i), b.index(0)});
}

namespace {

/// Emits one row. The tile of TileKernel is one or several packed tiles wide.
class PackedRowKernel : public TileKernel {
public:
  PackedRowKernel(CPUKernelBuilder &b, const MatmulConfig &config,
                  const MatmulOperands &operands)
      : TileKernel(b, config, operands, func::FuncOp(), /*isFew=*/true) {}

  void emit(Value row, Value begin, Value end);

private:
  int64_t groupsOf(int64_t blocks) const {
    return blocks * kPackedElements / config.group;
  }
  /// Elements of a row that steps of as many blocks as there are lanes take.
  int64_t wholeElements() const {
    int64_t step = lanes * kPackedElements;
    return config.k / step * step;
  }
  int64_t blocksOfGroup() const { return config.group / kPackedElements; }

  void prepareStep(Value row, Value k, int64_t blocks);
  void prepareScales(Value bytes, Value sum, Value group);
  SmallVector<Value> emitStep(Value tile, Value group, Value tableGroup,
                              int64_t blocks, ValueRange state);
  SmallVector<Value> emitGroupEnd(ArrayRef<Value> dots, Value group,
                                  Value entry, ValueRange state);
  void emitTile(Value tile);
  void emitTileResults(Value row, Value tile, Value begin, Value end);

  Value codes, starts, magics, factors;
};

} // namespace

void PackedRowKernel::prepareScales(Value bytes, Value sum, Value group) {
  Type type = bytes.getType();
  Value start, magic;
  if (config.scaleType == ScaleType::E4M3) {
    start = arith::SubIOp::create(b, b.splat(type, 0u), sum);
    magic = ArithEmitter(b).decodeScale(bytes, config.scaleType);
    magic = b.bitcast(magic, b.lanesOf(bytes), b.i32());
  } else {
    auto isAbove = [&](uint32_t limit) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, bytes,
                                   b.splat(type, limit));
    };
    auto select = [&](Value condition, uint32_t yes, Value no) -> Value {
      return arith::SelectOp::create(b, condition, b.splat(type, yes), no);
    };
    Value isLarge = isAbove(kLargestE8M0);
    Value base = select(isLarge, 127 + kRebase, b.splat(type, 127u));
    Value exponent = arith::SubIOp::create(b, bytes, base);
    magic = arith::AddIOp::create(
        b, arith::ShLIOp::create(b, exponent, b.splat(type, 23u)),
        b.splat(type, kMagic));
    start = arith::SubIOp::create(b, magic, sum);
    Value factor =
        select(isLarge, (127 + kRebase) << 23, b.splat(type, 127u << 23));
    b.store(select(isAbove(254), 0x7FC00000u, factor), factors, group);
  }
  b.store(start, starts, group);
  b.store(magic, magics, group);
}

void PackedRowKernel::prepareStep(Value row, Value k, int64_t blocks) {
  Value byte = b.createOrFold<arith::DivUIOp>(k, b.index(2));
  Value dword = b.createOrFold<arith::DivUIOp>(k, b.index(4));
  Nibbles nibbles = emitDecode(
      b, b.loadBytes(kPackedRowBytes * blocks, operands.a, {row, byte}),
      /*bias=*/0);
  b.store(b.bitcast(nibbles.low, blocks, b.i32()), codes, dword);
  b.store(b.bitcast(nibbles.high, blocks, b.i32()), codes,
          b.add(dword, blocks));
  Value sum = b.splat(b.vec(blocks, b.i32()), 0u);
  sum = emitBiasSum(b, nibbles.low, sum);
  sum = emitBiasSum(b, nibbles.high, sum);
  // Sums of blocks -> of groups.
  for (int64_t size = blocks; size > groupsOf(blocks); size /= 2) {
    SmallVector<int64_t> even, odd;
    for (int64_t i = 0; i < size; i += 2) {
      even.push_back(i);
      odd.push_back(i + 1);
    }
    sum = arith::AddIOp::create(b, b.shuffle(sum, sum, even),
                                b.shuffle(sum, sum, odd));
  }
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  Value bytes = b.loadBytes(groupsOf(blocks), operands.aScales, {row, group});
  prepareScales(extendBytes(b, bytes), sum, group);
}

SmallVector<Value> PackedRowKernel::emitGroupEnd(ArrayRef<Value> dots,
                                                 Value group, Value entry,
                                                 ValueRange state) {
  auto broadcast = [&](Value memref) {
    return b.bitcast(b.broadcast(b.loadScalar(memref, group), lanes), lanes,
                     b.f32());
  };
  Value magic = broadcast(magics), factor;
  if (config.scaleType == ScaleType::E8M0)
    factor = broadcast(factors);
  SmallVector<Value> next;
  for (auto [v, dot] : llvm::enumerate(dots)) {
    Value scale = b.load(lanes, table, b.add(entry, v * lanes));
    Value product;
    if (factor) {
      product = arith::SubFOp::create(b, b.bitcast(dot, lanes, b.f32()), magic);
      // What overflows here does so with any element but 0.
      scale =
          arith::MinimumFOp::create(b, arith::MulFOp::create(b, scale, factor),
                                    b.splat(scale.getType(), FLT_MAX));
    } else {
      product = arith::SIToFPOp::create(b, magic.getType(), dot);
      scale = arith::MulFOp::create(b, scale, magic);
    }
    next.push_back(b.multiplyAdd(product, scale, state[v]));
  }
  return next;
}

SmallVector<Value> PackedRowKernel::emitStep(Value tile, Value group,
                                             Value tableGroup, int64_t blocks,
                                             ValueRange state) {
  int64_t vectors = config.vectors.tileVectors;
  Value firstBlock = b.mul(group, blocksOfGroup());
  Value firstDword = b.mul(group, config.group / 4);
  // Tiles past the end repeat the last one.
  Value lastTile = b.index((config.n - 1) / kPackedRows);
  SmallVector<Value> tiles;
  for (int64_t i = 0; i < tileColumns() / kPackedRows; ++i) {
    tiles.push_back(b.min(b.add(tile, i), lastTile));
    if (blocks == lanes)
      prefetchPacked(b.mul(tiles.back(), kPackedRows), firstBlock, blocks);
  }
  SmallVector<Value> sums(state);
  for (int64_t g = 0; g < groupsOf(blocks); ++g) {
    Value number = b.add(group, g);
    SmallVector<Value> dots(vectors,
                            b.broadcast(b.loadScalar(starts, number), lanes));
    for (int64_t i = 0; i < blocksOfGroup(); ++i) {
      int64_t block = g * blocksOfGroup() + i;
      auto loadCodes = [&](int64_t place) {
        return b.bitcast(
            b.broadcast(b.loadScalar(codes, b.add(firstDword, place)), lanes),
            4 * lanes, b.i8());
      };
      Value even = loadCodes(block), odd = loadCodes(blocks + block);
      for (int64_t v = 0; v < vectors; ++v) {
        int64_t place = v * kPackedRowBytes * lanes;
        Value bytes =
            b.loadBytes(kPackedRowBytes * lanes, operands.b,
                        {tiles[place / kPackedBytes], b.add(firstBlock, block),
                         b.index(place % kPackedBytes)});
        Nibbles nibbles = emitDecode(b, bytes, kBias);
        dots[v] = emitGroupDot(b, nibbles.low, even, dots[v]);
        dots[v] = emitGroupDot(b, nibbles.high, odd, dots[v]);
      }
    }
    sums = emitGroupEnd(dots, number, tableEntry(b.add(tableGroup, g)), sums);
  }
  return sums;
}

void PackedRowKernel::emitTile(Value tile) {
  clearSums(b.index(tileColumns()));
  forEachBlock([&](const GroupBlock &block) {
    emitTable(b.mul(tile, kPackedRows), block.tableFirst);
    updateSums(b.index(0), /*rows=*/1, [&](ValueRange state) {
      // Steps of as many blocks as there are lanes, and then of 4.
      Value rest =
          b.createOrFold<arith::RemUIOp>(block.count, b.index(groupsOf(lanes)));
      Value whole = b.sub(block.count, rest);
      SmallVector<Value> sums(state);
      for (auto [first, last, blocks] :
           {std::tuple(b.index(0), whole, lanes),
            std::tuple(whole, block.count, kUnitElements / kPackedElements)}) {
        bool isRest = blocks != lanes;
        if (isRest ? wholeElements() == config.k : wholeElements() == 0)
          continue;
        sums = b.loop(first, last, groupsOf(blocks), sums,
                      [&, blocks = blocks](Value group, ValueRange state) {
                        return emitStep(tile, b.add(block.first, group),
                                        b.add(group, block.tableShift), blocks,
                                        state);
                      });
      }
      return sums;
    });
  });
}

void PackedRowKernel::emitTileResults(Value row, Value tile, Value begin,
                                      Value end) {
  Value firstColumn = b.mul(tile, kPackedRows);
  for (int64_t v = 0; v < config.vectors.tileVectors; ++v) {
    Value column = b.add(firstColumn, v * lanes);
    Value next = b.add(column, lanes);
    auto isAtMost = [&](Value lhs, Value rhs) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, lhs, rhs);
    };
    b.ifThenElse(
        arith::AndIOp::create(b, isAtMost(begin, column), isAtMost(next, end)),
        [&] { emitResult(b.index(v * lanes), row, column, lanes); },
        [&] {
          b.loop(arith::MaxUIOp::create(b, begin, column), b.min(next, end), 1,
                 [&](Value i) {
                   emitResult(b.sub(i, firstColumn), row, i, /*width=*/0);
                 });
        });
  }
}

void PackedRowKernel::emit(Value row, Value begin, Value end) {
  codes = b.allocate(b.index(config.k / 4), b.i32());
  Value groups = b.index(config.groups());
  starts = b.allocate(groups, b.i32());
  magics = b.allocate(groups, b.i32());
  SmallVector<Value> buffers = {codes, starts, magics};
  if (config.scaleType == ScaleType::E8M0)
    buffers.push_back(factors = b.allocate(groups, b.i32()));
  table = b.allocate(b.index(blockGroups() * tileColumns()), b.f32());
  sums = b.allocate(b.index(tileColumns()), b.f32());
  buffers.append({table, sums});

  Value whole = b.index(wholeElements());
  b.loop(b.index(0), whole, lanes * kPackedElements,
         [&](Value k) { prepareStep(row, k, lanes); });
  b.loop(whole, b.index(config.k), kUnitElements, [&](Value k) {
    prepareStep(row, k, kUnitElements / kPackedElements);
  });
  Value firstTile = b.createOrFold<arith::DivUIOp>(begin, b.index(kPackedRows));
  b.loop(firstTile, b.ceilDiv(end, kPackedRows), tileColumns() / kPackedRows,
         [&](Value tile) {
           emitTile(tile);
           emitTileResults(row, tile, begin, end);
         });
  for (Value buffer : buffers)
    b.deallocate(buffer);
}

void mlir::fp4q::emitPackedRow(CPUKernelBuilder &b, const MatmulConfig &config,
                               const MatmulOperands &operands, Value row,
                               Value begin, Value end) {
  MatmulConfig wide = config;
  wide.vectors.tileVectors =
      std::max(kPackedRows / config.vectors.lanes, kMinVectors);
  PackedRowKernel(b, wide, operands).emit(row, begin, end);
}
