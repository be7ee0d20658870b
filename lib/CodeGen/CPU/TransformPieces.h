//===- TransformPieces.h - block transforms in CPU kernels ------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A transform is the chain of fused multiply-adds of ascending j from +0, the
// bits of Numerics and of the reference path. Sums stay in registers; several
// blocks share what is read of T: blocks of a row if T is shared, else the same
// block of several rows. An element of x is broadcast from memory, where it has
// to be an f32, so x is widened into scratch beforehand.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CODEGEN_CPU_TRANSFORMPIECES_H
#define FP4Q_LIB_CODEGEN_CPU_TRANSFORMPIECES_H

#include "QuantizePieces.h"

namespace mlir {
namespace fp4q {

/// Emits block transforms of rows of x by one T.
class BlockTransformer {
public:
  /// `type` is that of T, (B, B) or (C, B, B). With `wantsSplit`, results come
  /// split if a block has that many elements: vectors of `lanes` even elements
  /// and of the odd ones between them take turns.
  BlockTransformer(CPUKernelBuilder &b, MemRefType type, int64_t lanes,
                   bool wantsSplit);

  bool isSplit() const { return split; }
  int64_t block() const { return type.getShape().back(); }
  /// How many rows `emit` takes at a time.
  int64_t rowsAtOnce() const;
  /// How many elements of a row, of `k`, are best taken at a time.
  int64_t elementsAtOnce(int64_t k) const;

  /// Widens T once for all tasks.
  void prepare(Value transform);
  void release();

  /// Room for `size` f32 elements of `count` times the rows, of a task.
  Value allocateScratch(int64_t size, int64_t count);

  /// What becomes of a vector of sums: row r of those at hand, and place of its
  /// first element after `first`, in the order of isSplit().
  using Sink = function_ref<void(Value r, Value place, Value sums)>;
  /// Transforms elements [first, first + size) of rows from `row` on:
  /// rowsAtOnce() of them, or the `left` that there are, if less.
  void emit(Value x, Value row, Value left, Value first, int64_t size,
            Value scratch, Sink sink);

private:
  bool isShared() const { return type.getRank() == 2; }
  /// Elements of a vector of sums.
  int64_t width() const { return std::min(lanes, block()); }
  void widen(Value x, Value row, Value first, int64_t size, Value scratch,
             Value r);
  /// The rows r, ..., r + count - 1 of scratch.
  void emitRows(Value r, int64_t count, Value first, int64_t size,
                Value scratch, Sink sink);
  /// Blocks whose sums are kept in registers.
  struct Block {
    Value row, place;
  };
  void emitBlocks(ArrayRef<Block> blocks, Value matrix, Value scratch,
                  Sink sink);

  CPUKernelBuilder &b;
  MemRefType type;
  int64_t lanes;
  bool split;
  /// T as f32: (C, j, i), i in the order of results.
  Value prepared;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CODEGEN_CPU_TRANSFORMPIECES_H
