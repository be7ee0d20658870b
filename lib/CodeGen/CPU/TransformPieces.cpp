//===- TransformPieces.cpp - block transforms in CPU kernels --------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransformPieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Rows whose blocks of the same number are transformed together.
constexpr int64_t kRows = 4;

/// Registers for sums: of 32, as CPUs with 16 lanes have, or of 16.
static int64_t sumRegisters(int64_t lanes) { return lanes >= 16 ? 16 : 8; }

BlockTransformer::BlockTransformer(CPUKernelBuilder &b, MemRefType type,
                                   int64_t lanes, bool wantsSplit)
    : b(b), type(type), lanes(lanes),
      split(wantsSplit && block() >= 2 * lanes) {}

int64_t BlockTransformer::rowsAtOnce() const { return isShared() ? 1 : kRows; }

int64_t BlockTransformer::elementsAtOnce(int64_t k) const {
  // As many blocks as fill the registers with two sums of each.
  int64_t blocks = isShared() ? sumRegisters(lanes) / 2 : 1;
  return block() * chooseBlockGroups(k, block(), blocks);
}

void BlockTransformer::prepare(Value transform) {
  int64_t size = block();
  prepared = b.allocate(b.index(type.getNumElements()), b.f32());
  auto prepareMatrix = [&](Value c) {
    b.loop(b.index(0), b.index(size), 1, [&](Value i) {
      Value column = i;
      if (split) {
        // Element 2l + odd of a pair of vectors is lane l of vector `odd`.
        Value inPair = b.createOrFold<arith::RemUIOp>(i, b.index(2 * lanes));
        Value lane = b.createOrFold<arith::DivUIOp>(inPair, b.index(2));
        Value odd = b.createOrFold<arith::RemUIOp>(i, b.index(2));
        column = b.add(b.add(b.sub(i, inPair), b.mul(odd, lanes)), lane);
      }
      b.loop(b.index(0), b.index(size), 1, [&](Value j) {
        SmallVector<Value> indices = {i, j};
        if (!isShared())
          indices.insert(indices.begin(), c);
        Value element =
            ArithEmitter(b).extend(b.loadScalar(transform, indices));
        Value place = b.add(b.mul(b.add(b.mul(c, size), j), size), column);
        memref::StoreOp::create(b, element, prepared, place);
      });
    });
  };
  if (isShared())
    prepareMatrix(b.index(0));
  else
    b.parallel(b.index(type.getDimSize(0)), b.index(size * size), kTaskElements,
               prepareMatrix);
}

void BlockTransformer::release() { b.deallocate(prepared); }

Value BlockTransformer::allocateScratch(int64_t size, int64_t count) {
  return memref::AllocOp::create(
      b, MemRefType::get({count * rowsAtOnce(), size}, b.f32()),
      b.getI64IntegerAttr(kLineBytes));
}

void BlockTransformer::widen(Value x, Value row, Value first, int64_t size,
                             Value scratch, Value r) {
  Value from = b.add(row, r);
  if (!split) {
    b.loop(b.index(0), b.index(size), width(), [&](Value i) {
      Value elements = b.load(width(), x, {from, b.add(first, i)});
      b.store(ArithEmitter(b).extend(elements), scratch, {r, i});
    });
    return;
  }
  b.loop(b.index(0), b.index(size), 2 * lanes, [&](Value i) {
    EvenOdd elements = loadEvenOdd(b, x, from, b.add(first, i), lanes);
    b.store(elements.even, scratch, {r, i});
    b.store(elements.odd, scratch, {r, b.add(i, lanes)});
  });
}

void BlockTransformer::emitBlocks(ArrayRef<Block> blocks, Value matrix,
                                  Value scratch, Sink sink) {
  int64_t count = blocks.size();
  int64_t vectors =
      std::clamp<int64_t>(sumRegisters(lanes) / count, 1, block() / width());
  SmallVector<Value> zeros(vectors * count,
                           b.splat(b.vec(width(), b.f32()), 0.0f));
  b.loop(b.index(0), b.index(block()), vectors * width(), [&](Value i) {
    // One j, whose elements of x are at `place` of their blocks.
    auto step = [&](Value j, Value place, ValueRange state) {
      Value from = b.add(b.add(matrix, b.mul(j, block())), i);
      SmallVector<Value> columns, next;
      for (int64_t v = 0; v < vectors; ++v)
        columns.push_back(b.load(width(), prepared, b.add(from, v * width())));
      for (auto [number, block] : llvm::enumerate(blocks)) {
        Value element = b.broadcast(
            b.loadScalar(scratch, {block.row, b.add(block.place, place)}),
            width());
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(
              b.fma(element, columns[v], state[number * vectors + v]));
      }
      return next;
    };
    // Pairs of j, which are neighbors or, in split order, `lanes` apart.
    int64_t pairs = split ? lanes : block() / 2;
    SmallVector<Value> sums = b.loop(
        b.index(0), b.index(block()), 2 * pairs, zeros,
        [&](Value first, ValueRange state) {
          return b.loop(b.index(0), b.index(pairs), 1, state,
                        [&](Value pair, ValueRange state) {
                          Value j = b.add(first, b.mul(pair, 2));
                          Value even = split ? b.add(first, pair) : j;
                          SmallVector<Value> half = step(j, even, state);
                          return step(b.add(j, 1),
                                      b.add(even, split ? lanes : 1), half);
                        });
        });
    for (auto [number, block] : llvm::enumerate(blocks))
      for (int64_t v = 0; v < vectors; ++v)
        sink(block.row, b.add(b.add(block.place, i), v * width()),
             sums[number * vectors + v]);
  });
}

void BlockTransformer::emitRows(Value r, int64_t count, Value first,
                                int64_t size, Value scratch, Sink sink) {
  int64_t blocksOfRow =
      isShared() ? chooseBlockGroups(size, block(), sumRegisters(lanes) / 2)
                 : 1;
  b.loop(b.index(0), b.index(size), block() * blocksOfRow, [&](Value place) {
    SmallVector<Block> blocks;
    for (int64_t row = 0; row < count; ++row)
      for (int64_t i = 0; i < blocksOfRow; ++i)
        blocks.push_back({b.add(r, row), b.add(place, i * block())});
    Value matrix =
        isShared() ? b.index(0) : b.mul(b.add(first, place), block());
    emitBlocks(blocks, matrix, scratch, sink);
  });
}

void BlockTransformer::emit(Value x, Value row, Value left, Value first,
                            int64_t size, Value scratch, Sink sink) {
  auto emitOnly = [&](Value r) {
    widen(x, row, first, size, scratch, r);
    emitRows(r, 1, first, size, scratch, sink);
  };
  if (isShared())
    return emitOnly(b.index(0));
  b.ifThenElse(
      b.less(left, b.index(kRows)),
      [&] { b.loop(b.index(0), left, 1, emitOnly); },
      [&] {
        for (int64_t r = 0; r < kRows; ++r)
          widen(x, row, first, size, scratch, b.index(r));
        emitRows(b.index(0), kRows, first, size, scratch, sink);
      });
}
