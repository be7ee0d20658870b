//===- ScaledReader.cpp - lanes fetch and decode codes and scales ---------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaledReader.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::fp4q;

Value ScaledReader::rowOf(const Source &source, Value row) {
  Value last = arith::SubIOp::create(k.b, source.count, k.index(1));
  return k.add(source.batchBegin, k.least(row, last));
}

Value ScaledReader::firstOf(Value chunk, Value piece) {
  return k.add(k.mul(chunk, kChunkElements), k.mul(piece, kPieceElements));
}

void ScaledReader::copy(Value to, Value from, Value rowAt, Value begin,
                        int64_t end, int64_t bytes) {
  Value size;
  if (!isWhole) {
    Value exists = k.isLess(begin, k.index(end));
    begin = k.select(exists, begin, k.index(0));
    size = k.select(exists, k.constant(static_cast<int32_t>(bytes)),
                    k.constant(0));
  }
  k.copyAsync(to, k.offset(from, k.add(rowAt, begin)), bytes, size);
}

void ScaledReader::fetchCodes(const Source &source, Value row, Value chunk,
                              Value piece, Value to) {
  Value first = k.div(firstOf(chunk, piece), 2);
  Value rowAt = k.mul(row, depth / 2);
  int64_t bytes = accessBytes();
  for (int64_t part = 0; part < 16; part += bytes)
    copy(k.offset(to, part), source.codes, rowAt, k.add(first, k.index(part)),
         depth / 2, bytes);
}

void ScaledReader::fetchScales(const Source &source, Value row, Value chunk,
                               int64_t chunks, Value to) {
  int64_t all = scaleBytesOf(chunks);
  // A copy is of 4, 8 or 16 bytes, all at such multiples.
  auto bytes = static_cast<int64_t>(
      llvm::MinAlign(llvm::MinAlign(all, scalesOfRow()), 16));
  Value first = k.mul(chunk, scaleBytesOf(1));
  Value rowAt = k.mul(row, scalesOfRow());
  for (int64_t part = 0; part < all; part += bytes)
    copy(k.offset(to, part), source.scales, rowAt, k.add(first, k.index(part)),
         scalesOfRow(), bytes);
}

Value ScaledReader::readScaleBytes(Value at, Value piece) {
  if (!isMXFP4)
    at = k.offset(at, k.mul(k.div(piece, 2), 4));
  Value word = k.elementsOf(k.loadFrom(at, k.b.getI32Type(), 1, 4)).front();
  Value number = arith::IndexCastOp::create(k.b, k.b.getI32Type(), piece);
  int64_t bits = isMXFP4 ? 8 : 16;
  Value shift = w.mul(w.bitAnd(number, isMXFP4 ? 3 : 1), bits);
  Value shifted = arith::ShRUIOp::create(k.b, word, shift);
  return w.bitAnd(shifted, (1 << bits) - 1);
}

Value ScaledReader::loadScaleBytes(const Source &source, Value row, Value chunk,
                                   Value piece) {
  Value first = firstOf(chunk, piece), bytes;
  for (int64_t i = 0; i < kPieceElements / group; ++i) {
    Value begin = k.add(first, k.index(i * group));
    Value exists = k.isLess(begin, k.index(depth));
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

SmallVector<Value> ScaledReader::loadCodes(const Source &source, Value row,
                                           Value chunk, Value piece) {
  SmallVector<Value> words;
  Value first = firstOf(chunk, piece);
  int64_t bytes = accessBytes();
  for (int64_t part = 0; part < 16; part += bytes) {
    Value begin = k.add(first, k.index(2 * part));
    Value exists = k.isLess(begin, k.index(depth));
    Value at = k.select(exists, k.div(begin, 2), k.index(0));
    at = k.add(k.mul(row, depth / 2), at);
    Value loaded = k.loadFrom(k.offset(source.codes, at), k.b.getI32Type(),
                              bytes / 4, bytes);
    for (Value word : k.elementsOf(loaded))
      words.push_back(k.select(exists, word, w.constant(0)));
  }
  return words;
}

SmallVector<Value> ScaledReader::loadWords(const Source &source, Value row,
                                           Value chunk, Value word) {
  SmallVector<Value> words;
  for (int64_t piece = 0; piece < 4; ++piece) {
    Value at = k.add(k.div(firstOf(chunk, k.index(piece)), 2), k.mul(word, 4));
    words.push_back(
        loadOneWord(source.codes, k.mul(row, depth / 2), at, depth / 2));
  }
  return words;
}

/// The word at `at` of a row that begins at `rowAt`; 0 beyond `end`.
Value ScaledReader::loadOneWord(Value array, Value rowAt, Value at,
                                int64_t end) {
  Value exists = k.isLess(at, k.index(end));
  at = k.add(rowAt, k.select(exists, at, k.index(0)));
  Value loaded = k.loadFrom(k.offset(array, at), k.b.getI32Type(), 1, 4);
  return k.select(exists, k.elementsOf(loaded).front(), w.constant(0));
}

SmallVector<Value> ScaledReader::loadScalesOfChunk(const Source &source,
                                                   Value row, Value chunk) {
  SmallVector<Value> bytes, words;
  if (hasScaleWords())
    for (int64_t i = 0; i < scaleBytesOf(1); i += 4)
      words.push_back(loadOneWord(
          source.scales, k.mul(row, scalesOfRow()),
          k.add(k.mul(chunk, scaleBytesOf(1)), k.index(i)), scalesOfRow()));
  int64_t bits = isMXFP4 ? 8 : 16, perWord = 32 / bits;
  for (int64_t piece = 0; piece < 4; ++piece)
    bytes.push_back(words.empty()
                        ? loadScaleBytes(source, row, chunk, k.index(piece))
                        : w.bitAnd(w.shiftRight(words[piece / perWord],
                                                piece % perWord * bits),
                                   (1 << bits) - 1));
  return bytes;
}

/// Two scales of nvfp4 times 2^119, as bf16. `isNaN` has bit 7 of each half if
/// that one is, or if the byte has bit 7, which no scale has.
Value ScaledReader::pairOfScales(Value bytes, Value &isNaN) {
  // Times 2^-120, as bf16 whose exponent is that much too small; then times
  // 2^-7 and 2^126.
  Value pair = w.bitAnd(w.bitOr(bytes, w.shiftLeft(bytes, 8)), 0x00FF00FF);
  isNaN = w.bitAnd(w.add(pair, w.constant(0x00010001)), 0x00800080);
  Value both = w.mulPairs(w.shiftLeft(pair, 4), w.pairOf(0x1p120f));
  return w.mulPairs(both, w.pairOf(0x1p119f));
}

SmallVector<Value, 2> ScaledReader::anyFactorsOf(Value bytes) {
  if (isMXFP4) {
    Value factor = w.pairOfE8M0(bytes);
    return {factor, factor};
  }
  Value isNaN, both = pairOfScales(bytes, isNaN);
  both = w.bitOr(both, w.mul(w.shiftRight(isNaN, 7), 0x7FC0));
  return {w.twice(w.bitAnd(both, 0xFFFF)), w.twice(w.shiftRight(both, 16))};
}

PieceScales ScaledReader::factorsOf(Value bytes, FastScales fastScales) {
  PieceScales scales;
  auto isSet = [&](Value value, int64_t mask) -> Value {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne,
                                 w.bitAnd(value, mask), w.constant(0));
  };
  if (isMXFP4) {
    Value exact = w.pairOfE8M0(bytes), fast;
    if (fastScales == FastScales::All) {
      // As the exact one, but for NaN: 0 is the subnormal 2^-127.
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
  Value isNaN, both = pairOfScales(bytes, isNaN);
  scales.fast[0] = w.twice(w.bitAnd(both, 0xFFFF));
  scales.fast[1] = w.twice(w.shiftRight(both, 16));
  scales.bad = isSet(isNaN, 0x00800080);
  for (int i : {0, 1})
    scales.exact[i] =
        w.mulPairs(w.pairOfE4M3(w.bitAnd(w.shiftRight(bytes, 8 * i), 0xFF)),
                   w.pairOf(0x1p-7f));
  return scales;
}

SmallVector<Value> ScaledReader::decode(Value codes, int64_t word,
                                        const PieceScales &scales,
                                        FastScales fastScales, bool fast) {
  Value factor = fast ? scales.fast[word / 2] : scales.exact[word / 2];
  bool twoSteps = !fast || (isMXFP4 && fastScales == FastScales::All);
  return w.decodeToPairs(codes, factor, twoSteps);
}
