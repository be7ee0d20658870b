//===- MatmulTiles.cpp - a product by tiles -------------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulTiles.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::ScaleType;

/// Up to so many rows, each is a vector times a matrix.
constexpr int64_t kMaxSingleRows = 1;
/// Up to so many, weights are not worth a place in memory once decoded.
constexpr int64_t kMaxFewRows = 16;
/// Weights of a row of C that are worth a thread: they come from memory.
constexpr int64_t kTaskWeights = 1 << 18;

SmallVector<Value> TileKernel::clampedRows(Value first, int64_t count,
                                           Value limit) {
  // Rows past the end repeat the last one; nothing becomes of them.
  Value last = b.sub(limit, b.index(1));
  SmallVector<Value> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(b.min(b.add(first, i), last));
  return rows;
}

Value TileKernel::gatherScales(Value scales, ArrayRef<Value> rows,
                               Value group) {
  SmallVector<Value> bytes;
  for (Value row : rows)
    bytes.push_back(b.loadByte(scales, {row, group}));
  return extendBytes(
      b, vector::FromElementsOp::create(
             b, b.vec(static_cast<int64_t>(rows.size()), b.i8()), bytes));
}

SmallVector<SmallVector<Value>> TileKernel::loadChunk(Value matrix,
                                                      ArrayRef<Value> rows,
                                                      Value chunk,
                                                      int64_t bias) {
  SmallVector<SmallVector<Value>> groups(chunkGroups());
  int64_t numUnits = chunkElements() / kUnitElements;
  int64_t dwordsOfGroup = std::min<int64_t>(4, config.group / 8);
  for (int64_t unit = 0; unit < numUnits; ++unit) {
    Value offset =
        b.add(b.mul(chunk, numUnits * kUnitBytes), unit * kUnitBytes);
    SmallVector<Value> dwords = matrix == operands.b && config.packedB
                                    ? loadPackedUnit(rows.front(), offset)
                                    : loadUnit(b, matrix, rows, offset);
    for (int64_t first = 0; first < 4; first += dwordsOfGroup) {
      SmallVector<Value> &steps =
          groups[numUnits > 1 ? 0 : first / dwordsOfGroup];
      SmallVector<Value> odd;
      for (int64_t i = first; i < first + dwordsOfGroup; ++i) {
        int64_t bytes = 4 * static_cast<int64_t>(rows.size());
        Nibbles nibbles =
            emitDecode(b, b.bitcast(dwords[i], bytes, b.i8()), bias);
        steps.push_back(nibbles.low);
        odd.push_back(nibbles.high);
      }
      llvm::append_range(steps, odd);
    }
  }
  return groups;
}

//===----------------------------------------------------------------------===//
// Tiles of b
//===----------------------------------------------------------------------===//

void TileKernel::emitWeights(Value firstColumn, Value firstGroup,
                             Value numGroups) {
  Value n = b.index(config.n);
  b.loop(b.index(0), b.index(config.vectors.tileVectors), 1, [&](Value v) {
    Value column = b.mul(v, lanes);
    SmallVector<Value> rows = clampedRows(b.add(firstColumn, column), lanes, n);
    // Whole chunks: the number of groups is a multiple of those of a chunk.
    b.loop(b.index(0), numGroups, chunkGroups(), [&](Value group) {
      Value chunk = b.createOrFold<arith::DivUIOp>(b.add(firstGroup, group),
                                                   b.index(chunkGroups()));
      auto groups = loadChunk(operands.b, rows, chunk, kBias);
      for (auto [i, decoded] : llvm::enumerate(groups))
        for (auto [step, bytes] : llvm::enumerate(decoded)) {
          Value number = b.add(b.mul(b.add(group, i), steps()), step);
          Value place = b.add(b.mul(number, tileColumns()), column);
          b.store(bytes, weights, b.mul(place, 4));
        }
    });
  });
}

void TileKernel::emitTableEntries(Value bytes, Value group, Value column) {
  Type type = bytes.getType();
  Value scale;
  float unit = kUndouble;
  if (config.scaleType == ScaleType::E8M0) {
    scale = ArithEmitter(b).decodeScale(bytes, config.scaleType);
  } else {
    // In the place of an f32 a byte is 2^-120 times its scale. Scales of a
    // product have no sign, whatever the bit says.
    Value magnitude = arith::AndIOp::create(b, bytes, b.splat(type, 127u));
    Value moved = arith::ShLIOp::create(b, magnitude, b.splat(type, 20u));
    Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, magnitude,
                                        b.splat(type, 127u));
    moved =
        arith::SelectOp::create(b, isNaN, b.splat(type, 0x7FC00000u), moved);
    scale = b.bitcast(moved, lanes, b.f32());
    unit *= 0x1p120f;
  }
  for (int64_t i = 0; i < significands(); ++i) {
    float factor = unit * (1 + static_cast<float>(i) / 8);
    Value entry =
        arith::MulFOp::create(b, scale, b.splat(scale.getType(), factor));
    Value number = b.add(b.mul(group, significands()), i);
    b.store(entry, table, b.add(b.mul(number, tileColumns()), column));
  }
}

void TileKernel::emitTable(Value firstColumn, Value tableGroup) {
  Value n = b.index(config.n);
  b.loop(b.index(0), b.index(config.vectors.tileVectors), 1, [&](Value v) {
    Value column = b.mul(v, lanes);
    SmallVector<Value> rows = clampedRows(b.add(firstColumn, column), lanes, n);
    if (blockGroups() < kBlockGroups) {
      b.loop(b.index(0), b.index(blockGroups()), 1, [&](Value group) {
        Value bytes =
            gatherScales(operands.bScales, rows, b.add(tableGroup, group));
        emitTableEntries(bytes, group, column);
      });
      return;
    }
    SmallVector<Value> dwords = loadUnit(b, operands.bScales, rows, tableGroup);
    for (int64_t group = 0; group < kBlockGroups; ++group) {
      Value dword = dwords[group / 4];
      Type type = dword.getType();
      Value shifted = arith::ShRUIOp::create(
          b, dword, b.splat(type, static_cast<uint32_t>(group % 4 * 8)));
      Value byte = arith::AndIOp::create(b, shifted, b.splat(type, 255u));
      emitTableEntries(byte, b.index(group), column);
    }
  });
}

//===----------------------------------------------------------------------===//
// The inner kernel
//===----------------------------------------------------------------------===//

SmallVector<Value> TileKernel::emitGroup(ArrayRef<Value> words, Value entry,
                                         ValueRange state,
                                         LoadWeights loadWeights) {
  int64_t vectors = config.vectors.tileVectors;
  int64_t rows = static_cast<int64_t>(words.size()) * kPanelRows;
  auto scalar = [&](int64_t row, int64_t offset) {
    return b.loadScalar(
        panels, b.add(words[row / kPanelRows], offset + row % kPanelRows));
  };
  SmallVector<Value> dots;
  for (int64_t r = 0; r < rows; ++r)
    dots.append(vectors, b.broadcast(scalar(r, startWord()), lanes));
  for (int64_t step = 0; step < steps(); ++step) {
    SmallVector<Value> u = loadWeights(step);
    for (int64_t r = 0; r < rows; ++r) {
      Value s = b.bitcast(b.broadcast(scalar(r, step * kPanelRows), lanes),
                          4 * lanes, b.i8());
      for (int64_t v = 0; v < vectors; ++v)
        dots[r * vectors + v] = emitGroupDot(b, u[v], s, dots[r * vectors + v]);
    }
  }
  SmallVector<Value> next;
  for (int64_t r = 0; r < rows; ++r) {
    Value magic =
        b.bitcast(b.broadcast(scalar(r, magicWord()), lanes), lanes, b.f32());
    Value place = entry, significand;
    if (significands() > 1)
      place = b.add(entry, arith::IndexCastUIOp::create(
                               b, b.getIndexType(), scalar(r, indexWord())));
    else if (hasSignificand())
      significand =
          b.bitcast(b.broadcast(scalar(r, indexWord()), lanes), lanes, b.f32());
    for (int64_t v = 0; v < vectors; ++v) {
      Value dot = b.bitcast(dots[r * vectors + v], lanes, b.f32());
      Value product = arith::SubFOp::create(b, dot, magic);
      if (significand)
        product = arith::MulFOp::create(b, product, significand);
      Value scale = b.load(lanes, table, b.add(place, v * lanes));
      next.push_back(b.multiplyAdd(product, scale, state[r * vectors + v]));
    }
  }
  return next;
}

void TileKernel::updateSums(Value firstSum, int64_t rows,
                            function_ref<SmallVector<Value>(ValueRange)> body) {
  int64_t vectors = config.vectors.tileVectors;
  SmallVector<Value> places, values;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0; v < vectors; ++v) {
      places.push_back(b.add(firstSum, r * tileColumns() + v * lanes));
      values.push_back(b.load(lanes, sums, places.back()));
    }
  for (auto [place, value] : llvm::zip_equal(places, body(values)))
    b.store(value, sums, place);
}

void TileKernel::emitPanelTimesTile(Value panel, Value firstGroup,
                                    Value numGroups, Value tableShift,
                                    Value firstSum) {
  Value panelSum = b.add(firstSum, b.mul(panel, kPanelRows * tileColumns()));
  Value firstWord = groupPlace(panel, firstGroup);
  updateSums(panelSum, kPanelRows, [&](ValueRange inits) {
    return b.loop(
        b.index(0), numGroups, 1, inits, [&](Value group, ValueRange state) {
          Value word = b.add(firstWord, b.mul(group, groupWords()));
          Value firstByte = b.mul(b.mul(group, steps()), tileColumns() * 4);
          return emitGroup(
              word, tableEntry(b.add(group, tableShift)), state,
              [&](int64_t step) {
                SmallVector<Value> u;
                for (int64_t v = 0; v < config.vectors.tileVectors; ++v)
                  u.push_back(
                      b.load(4 * lanes, weights,
                             b.add(firstByte,
                                   4 * (step * tileColumns() + v * lanes))));
                return u;
              });
        });
  });
}

Value TileKernel::tableEntry(Value group) {
  return b.mul(group, significands() * tileColumns());
}

//===----------------------------------------------------------------------===//
// Tiles of C
//===----------------------------------------------------------------------===//

void TileKernel::emitResult(Value sumPlace, Value row, Value column,
                            int64_t width) {
  Type type = cast<MemRefType>(operands.c.getType()).getElementType();
  Value sum =
      width ? b.load(width, sums, sumPlace) : b.loadScalar(sums, sumPlace);
  Value value = emitEpilogue(b, sum, loadAlpha(b, operands, column, width),
                             loadBias(b, operands, column, width), type);
  SmallVector<Value> indices = {row, column};
  if (width)
    b.store(value, operands.c, indices);
  else
    memref::StoreOp::create(b, value, operands.c, indices);
}

void TileKernel::emitResults(Value firstColumn, Value firstRow, Value rows,
                             Value firstSum) {
  Value columns =
      b.min(b.sub(b.index(config.n), firstColumn), b.index(tileColumns()));
  Value whole =
      b.mul(b.createOrFold<arith::DivUIOp>(columns, b.index(lanes)), lanes);
  b.loop(b.index(0), rows, 1, [&](Value tileRow) {
    Value row = b.add(firstRow, tileRow);
    Value rowSum = b.add(firstSum, b.mul(tileRow, tileColumns()));
    Value isBad = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                        b.loadScalar(badRows, tileRow),
                                        b.splat(b.i32(), 0u));
    auto put = [&](Value column, int64_t width) {
      emitResult(b.add(rowSum, column), row, b.add(firstColumn, column), width);
    };
    b.ifThenElse(
        isBad,
        [&] {
          SmallVector<Value> arguments = operands.values();
          arguments.append({row, firstColumn, b.add(firstColumn, columns)});
          func::CallOp::create(b, rowKernel, arguments);
        },
        [&] {
          b.loop(b.index(0), whole, lanes,
                 [&](Value column) { put(column, lanes); });
          if (config.n % lanes != 0)
            b.loop(whole, columns, 1,
                   [&](Value column) { put(column, /*width=*/0); });
        });
  });
}

void TileKernel::clearSums(Value count) {
  Value zero = b.splat(b.vec(lanes, b.f32()), 0.0f);
  b.loop(b.index(0), count, lanes, [&](Value i) { b.store(zero, sums, i); });
}

void TileKernel::forEachBlock(function_ref<void(const GroupBlock &)> body) {
  Value groups = b.index(config.groups());
  b.loop(b.index(0), groups, blockGroups(), [&](Value first) {
    Value count = b.min(b.sub(groups, first), b.index(blockGroups()));
    // The last block's table begins earlier, so that no byte past the end of a
    // row of scales is read.
    Value tableFirst = b.min(first, b.index(config.groups() - blockGroups()));
    body({first, count, tableFirst, b.sub(first, tableFirst)});
  });
}

void TileKernel::emitTiles(Value task, Value firstRow, Value rows) {
  Value firstTile = b.mul(task, taskTiles());
  Value tiles =
      b.min(b.sub(b.index(numTiles()), firstTile), b.index(taskTiles()));
  Value rowPanels = b.ceilDiv(rows, kPanelRows);
  int64_t blockElements = blockGroups() * config.group;
  Value tileSums = b.mul(rowPanels, kPanelRows * tileColumns());
  Value sumCount = b.mul(tileSums, tiles);
  weights = b.allocate(b.index(blockElements * tileColumns()), b.i8());
  table = b.allocate(b.index(blockGroups() * significands() * tileColumns()),
                     b.f32());
  sums = b.allocate(sumCount, b.f32());
  clearSums(sumCount);
  auto firstColumn = [&](Value tile) {
    return b.mul(b.add(firstTile, tile), tileColumns());
  };
  forEachBlock([&](const GroupBlock &block) {
    b.loop(b.index(0), tiles, 1, [&](Value tile) {
      emitWeights(firstColumn(tile), block.first, block.count);
      emitTable(firstColumn(tile), block.tableFirst);
      Value firstSum = b.mul(tile, tileSums);
      b.loop(b.index(0), rowPanels, 1, [&](Value panel) {
        emitPanelTimesTile(panel, block.first, block.count, block.tableShift,
                           firstSum);
      });
    });
  });
  b.loop(b.index(0), tiles, 1, [&](Value tile) {
    emitResults(firstColumn(tile), firstRow, rows, b.mul(tile, tileSums));
  });
  for (Value buffer : {weights, table, sums})
    b.deallocate(buffer);
}

void TileKernel::withPanels(Value rows, function_ref<void()> body) {
  numPanels = b.ceilDiv(rows, kPanelRows);
  int64_t numBlocks = llvm::divideCeil(config.groups(), blockGroups());
  panels = b.allocate(
      b.mul(numPanels, numBlocks * blockGroups() * groupWords()), b.i32());
  badRows = b.allocate(b.mul(numPanels, kPanelRows), b.i32());
  body();
  b.deallocate(panels);
  b.deallocate(badRows);
}

void TileKernel::forEachPanel(Value rows, function_ref<void(Value)> body) {
  b.parallel(b.ceilDiv(rows, kPanelRows), b.index(kPanelRows * config.k),
             kTaskActivations, body);
}

void TileKernel::forEachTask(Value rows, function_ref<void(Value)> body) {
  Value work = b.mul(rows, taskTiles() * tileColumns() * config.k);
  b.parallel(b.index(numTasks()), work, kTaskProducts, body);
}

void TileKernel::emit(Value rows) {
  withPanels(b.min(rows, b.index(kBlockRows)), [&] {
    b.loop(b.index(0), rows, kBlockRows, [&](Value firstRow) {
      Value blockRows = b.min(b.sub(rows, firstRow), b.index(kBlockRows));
      forEachPanel(blockRows, [&](Value panel) { emitPanel(panel, firstRow); });
      forEachTask(blockRows,
                  [&](Value task) { emitTiles(task, firstRow, blockRows); });
    });
  });
}

void mlir::fp4q::emitMatmul(OpBuilder &builder, Location loc,
                            const MatmulConfig &config,
                            const MatmulOperands &operands,
                            func::FuncOp rowKernel) {
  CPUKernelBuilder b(loc, builder);
  Value rows = b.dim(operands.a, 0);
  // Columns of C that a call of the row kernel computes: it prepares the row
  // of a anew, but all threads should have some, if there is enough to do.
  int64_t rowColumns = llvm::alignTo(
      std::max<int64_t>(std::clamp<int64_t>(config.n / 32, 64, 512),
                        llvm::divideCeil(kTaskWeights, config.k)),
      2 * kPackedRows);
  // By the number of rows, when the code runs if it is not known before.
  int64_t known = cast<MemRefType>(operands.a.getType()).getDimSize(0);
  auto ifAtMost = [&](int64_t count, function_ref<void()> thenBody,
                      function_ref<void()> elseBody) {
    if (!ShapedType::isDynamic(known))
      return known <= count ? thenBody() : elseBody();
    Value isAtMost = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, rows,
                                           b.index(count));
    b.ifThenElse(isAtMost, thenBody, elseBody);
  };
  MatmulConfig narrow = config;
  narrow.vectors.tileVectors = 1;
  ifAtMost(
      kMaxSingleRows,
      [&] {
        Value parts = b.index(llvm::divideCeil(config.n, rowColumns));
        b.loop(b.index(0), rows, 1, [&](Value row) {
          b.parallel(parts, [&](Value part) {
            Value begin = b.mul(part, rowColumns);
            Value end = b.min(b.add(begin, rowColumns), b.index(config.n));
            SmallVector<Value> arguments = operands.values();
            arguments.append({row, begin, end});
            func::CallOp::create(b, rowKernel, arguments);
          });
        });
      },
      [&] {
        ifAtMost(
            kMaxFewRows,
            [&] {
              TileKernel(b, narrow, operands, rowKernel, /*isFew=*/true)
                  .emitFew(rows);
            },
            [&] {
              TileKernel(b, config, operands, rowKernel, /*isFew=*/false)
                  .emit(rows);
            });
      });
}
