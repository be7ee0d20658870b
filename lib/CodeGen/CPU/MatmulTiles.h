//===- MatmulTiles.h - a product by tiles -----------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product of many rows, kBlockRows at a time:
//
//   activations  a is decoded into panels of 4 rows, for each kBlockGroups
//                groups the panels of all rows, and in them group after group:
//                  G/4 x [4 rows][4 bytes], start[4], magic[4] (, index[4])
//   tile         48 (3 registers) columns of C; kBlockGroups groups of b at a
//                time are decoded into the L1 cache and meet all panels there:
//                  weights  [step][48 columns][4 bytes]
//                  table    [group][significand of a's scale][48 columns] f32
//
// A step is four elements of k. The even elements of 32 bytes come before the
// odd ones, in the same order for a and b.
//
// The epilogue of a group avoids conversions. `magic` is 1.5 * 2^(23 + e),
// where a's scale is 2^e times a significand 1 + index/8. The accumulator
// starts at the *bits* of magic, less kBias times the sum of the group of a, so
// that in the end its bits, as a float, are magic + I * 2^e for the exact
// integer I. Subtracting magic is exact, and C += (I * 2^e) * table[index]
// rounds once.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CODEGEN_CPU_MATMULTILES_H
#define FP4Q_LIB_CODEGEN_CPU_MATMULTILES_H

#include "MatmulPieces.h"

namespace mlir {
namespace fp4q {

/// Rows of a panel.
constexpr int64_t kPanelRows = 4;
/// Rows of C that are computed together; their panels of a fit the L2 cache
/// block by block, and C's tile does.
constexpr int64_t kBlockRows = 512;
/// Groups of b that are decoded together.
constexpr int64_t kBlockGroups = 16;
/// Tiles of a task, and the number of tasks that is worth smaller ones.
constexpr int64_t kMaxTaskTiles = 4;
constexpr int64_t kMinTasks = 40;
/// Multiplications that are worth a thread, and elements of a.
constexpr int64_t kTaskProducts = 1 << 20;
constexpr int64_t kTaskActivations = 1 << 15;
/// Elements along K of a block of packed weights, the 64 bytes of 16 rows.
constexpr int64_t kPackedElements = 2 * kPackedRowBytes;

/// Emits a product by tiles.
class TileKernel {
public:
  TileKernel(CPUKernelBuilder &b, const MatmulConfig &config,
             const MatmulOperands &operands, func::FuncOp rowKernel, bool isFew)
      : b(b), config(config), operands(operands), rowKernel(rowKernel),
        isFew(isFew), lanes(config.vectors.lanes) {}

  /// Many rows: weights are decoded into memory, and meet all panels there.
  void emit(Value rows);
  /// A few rows, in tiles of one register: weights stay in registers.
  void emitFew(Value rows);

protected:
  // Sizes. A chunk is the least number of elements that is a whole number of
  // units of 16 bytes and of groups.
  int64_t chunkElements() const {
    return std::max(config.group, kUnitElements);
  }
  int64_t chunkGroups() const { return chunkElements() / config.group; }
  int64_t steps() const { return config.group / 4; }
  /// Whether scales of a are powers of two times significands.
  bool hasSignificand() const {
    return config.scaleType == ::fp4q::ScaleType::E4M3;
  }
  /// Significands of a's scales that the table has a place for. A table that
  /// few rows use has one; their sums are multiplied by the significand.
  int64_t significands() const { return hasSignificand() && !isFew ? 8 : 1; }
  int64_t startWord() const { return kPanelRows * steps(); }
  int64_t magicWord() const { return startWord() + kPanelRows; }
  int64_t indexWord() const { return magicWord() + kPanelRows; }
  int64_t groupWords() const {
    return hasSignificand() ? indexWord() + kPanelRows : indexWord();
  }
  int64_t blockGroups() const {
    return std::min(kBlockGroups, config.groups());
  }
  int64_t tileColumns() const { return config.tileColumns(); }
  int64_t numTiles() const { return llvm::divideCeil(config.n, tileColumns()); }
  /// Tiles that a thread takes at a time: several, so that it finds the block
  /// of a in its L2 cache, but few enough for all threads to have some.
  int64_t taskTiles() const {
    return std::clamp<int64_t>(numTiles() / kMinTasks, 1, kMaxTaskTiles);
  }

  int64_t numTasks() const { return llvm::divideCeil(numTiles(), taskTiles()); }
  /// Loops over panels and over tasks, for so many rows.
  void forEachPanel(Value rows, function_ref<void(Value)> body);
  void forEachTask(Value rows, function_ref<void(Value)> body);

  /// What a panel keeps of four scales of a.
  struct PanelScales {
    /// To be added to the bits of the magic.
    Value exponent;
    /// Offset of the significand in the table, or with few rows the
    /// significand's bits; null if it is always 1.
    Value index;
    /// Lanes of ones where the scale is 0; null if it cannot be.
    Value isZero;
    /// Whether this cannot be represented.
    Value isBad;
  };

  /// Where the group of the panel begins.
  Value groupPlace(Value panel, Value group);
  PanelScales emitPanelScales(Value bytes);
  /// Four scale bytes, of the rows, in i32 lanes.
  Value gatherScales(Value scales, ArrayRef<Value> rows, Value group);
  /// The dwords of a chunk of rows in the order of steps, decoded.
  SmallVector<SmallVector<Value>> loadChunk(Value matrix, ArrayRef<Value> rows,
                                            Value chunk, int64_t bias);
  SmallVector<Value> clampedRows(Value first, int64_t count, Value limit);

  /// loadUnit of packed weights: the dwords of a register of columns.
  SmallVector<Value> loadPackedUnit(Value column, Value offset);
  /// Asks for what comes later in the stream of packed weights of a tile: for
  /// so many blocks of 64 bytes, a line each.
  void prefetchPacked(Value column, Value block, int64_t count);

  void emitPanel(Value panel, Value firstRow);
  void emitWeights(Value firstColumn, Value firstGroup, Value numGroups);
  void emitTable(Value firstColumn, Value tableGroup);
  void emitTableEntries(Value bytes, Value group, Value column);
  /// The weights of a step, a register each vector of the tile.
  using LoadWeights = function_ref<SmallVector<Value>(int64_t)>;
  /// One group: the sums `state` of the rows of panels, whose groups are at
  /// `words`, plus their products with weights; scales are at `entry` of the
  /// table.
  SmallVector<Value> emitGroup(ArrayRef<Value> words, Value entry,
                               ValueRange state, LoadWeights loadWeights);
  /// Sums of `rows` rows from `firstSum` on -> body(sums).
  void updateSums(Value firstSum, int64_t rows,
                  function_ref<SmallVector<Value>(ValueRange)> body);
  Value tableEntry(Value group);
  void emitPanelTimesTile(Value panel, Value firstGroup, Value numGroups,
                          Value tableShift, Value firstSum);
  void clearSums(Value count);

  /// Some groups, and those that the table has: from `tableFirst` on, which is
  /// `tableShift` before `first`.
  struct GroupBlock {
    Value first, count, tableFirst, tableShift;
  };
  void forEachBlock(function_ref<void(const GroupBlock &)> body);
  /// Allocates panels for so many rows.
  void withPanels(Value rows, function_ref<void()> body);
  void emitPanelsTimesRows(Value panel, int64_t count, ArrayRef<Value> columns,
                           const GroupBlock &block);
  void prefetchWeights(Value chunk, ArrayRef<Value> columns);
  void emitFewColumns(Value firstColumn, Value rows);
  void emitTiles(Value task, Value firstRow, Value rows);
  void emitResults(Value firstColumn, Value firstRow, Value rows,
                   Value firstSum);
  void emitResult(Value sumPlace, Value row, Value column, int64_t width);

  CPUKernelBuilder &b;
  const MatmulConfig &config;
  const MatmulOperands &operands;
  func::FuncOp rowKernel;
  /// Whether emitFew is used.
  bool isFew;
  int64_t lanes;
  /// Panels of a (i32), their number, and whether a row of them is bad (i32,
  /// not 0).
  Value panels, numPanels, badRows;
  /// Of the tile at hand.
  Value weights, table, sums;
};

/// The body of the function of emitRowKernel, for packed weights: `begin` is a
/// multiple of a register's lanes.
void emitPackedRow(CPUKernelBuilder &b, const MatmulConfig &config,
                   const MatmulOperands &operands, Value row, Value begin,
                   Value end);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CODEGEN_CPU_MATMULTILES_H
