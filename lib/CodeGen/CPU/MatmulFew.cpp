//===- MatmulFew.cpp - a product of a few rows ----------------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Panels and epilogue are those of tiles, but a tile is one register wide, and
// its weights go straight from memory through registers to two panels at a
// time: with few rows, writing decoded weights would cost more than using them.
//
//===----------------------------------------------------------------------===//

#include "MatmulTiles.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Panels that weights in registers meet.
constexpr int64_t kPanelsAtOnce = 2;

void TileKernel::prefetchWeights(Value chunk, ArrayRef<Value> columns) {
  // Units come in order, and there is a line for several.
  int64_t chunkBytes = chunkElements() / 2;
  int64_t chunksOfLine = std::max<int64_t>(1, kLineBytes / chunkBytes);
  Value place = b.createOrFold<arith::RemUIOp>(chunk, b.index(chunksOfLine));
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, b.index(0));
  b.ifThen(isFirst, [&] {
    if (config.packedB) {
      Value block = b.mul(chunk, chunkElements() / kPackedElements);
      prefetchPacked(columns.front(), block,
                     chunksOfLine * chunkElements() / kPackedElements);
      return;
    }
    Value last = b.sub(b.dim(operands.b, 0), b.index(1));
    for (Value column : columns)
      b.prefetch(operands.b,
                 {b.min(b.add(column, lanes), last), b.mul(chunk, chunkBytes)},
                 /*cache=*/2);
  });
}

void TileKernel::emitPanelsTimesRows(Value panel, int64_t count,
                                     ArrayRef<Value> columns,
                                     const GroupBlock &block) {
  Value firstSum = b.mul(panel, kPanelRows * tileColumns());
  SmallVector<Value> firstWords;
  for (int64_t i = 0; i < count; ++i)
    firstWords.push_back(groupPlace(b.add(panel, i), block.first));
  updateSums(firstSum, count * kPanelRows, [&](ValueRange inits) {
    return b.loop(
        b.index(0), block.count, chunkGroups(), inits,
        [&](Value group, ValueRange state) {
          Value chunk = b.createOrFold<arith::DivUIOp>(
              b.add(block.first, group), b.index(chunkGroups()));
          prefetchWeights(chunk, columns);
          auto decoded = loadChunk(operands.b, columns, chunk, kBias);
          SmallVector<Value> sums(state);
          for (int64_t i = 0; i < chunkGroups(); ++i) {
            Value number = b.add(group, i);
            SmallVector<Value> words;
            for (Value first : firstWords)
              words.push_back(b.add(first, b.mul(number, groupWords())));
            sums = emitGroup(words, tableEntry(b.add(number, block.tableShift)),
                             sums, [&](int64_t step) {
                               return SmallVector<Value>{decoded[i][step]};
                             });
          }
          return sums;
        });
  });
}

void TileKernel::emitFewColumns(Value firstColumn, Value rows) {
  clearSums(b.mul(numPanels, kPanelRows * tileColumns()));
  SmallVector<Value> columns =
      clampedRows(firstColumn, lanes, b.index(config.n));
  forEachBlock([&](const GroupBlock &block) {
    emitTable(firstColumn, block.tableFirst);
    b.loop(b.index(0), numPanels, kPanelsAtOnce, [&](Value panel) {
      Value last = b.add(panel, kPanelsAtOnce - 1);
      b.ifThenElse(
          b.less(last, numPanels),
          [&] { emitPanelsTimesRows(panel, kPanelsAtOnce, columns, block); },
          [&] { emitPanelsTimesRows(panel, 1, columns, block); });
    });
  });
  emitResults(firstColumn, b.index(0), rows, b.index(0));
}

void TileKernel::emitFew(Value rows) {
  withPanels(rows, [&] {
    forEachPanel(rows, [&](Value panel) { emitPanel(panel, b.index(0)); });
    forEachTask(rows, [&](Value task) {
      table = b.allocate(
          b.index(blockGroups() * significands() * tileColumns()), b.f32());
      sums = b.allocate(b.mul(numPanels, kPanelRows * tileColumns()), b.f32());
      Value first = b.mul(task, taskTiles());
      Value last = b.min(b.add(first, taskTiles()), b.index(numTiles()));
      b.loop(first, last, 1, [&](Value tile) {
        emitFewColumns(b.mul(tile, tileColumns()), rows);
      });
      b.deallocate(table);
      b.deallocate(sums);
    });
  });
}
