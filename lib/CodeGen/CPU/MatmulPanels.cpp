//===- MatmulPanels.cpp - activations of a product by tiles ---------------===//
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

TileKernel::PanelScales TileKernel::emitPanelScales(Value bytes) {
  Type type = bytes.getType();
  auto compare = [&](arith::CmpIPredicate predicate, Value lhs,
                     uint32_t rhs) -> Value {
    return arith::CmpIOp::create(b, predicate, lhs, b.splat(type, rhs));
  };
  auto shifted = [&](Value value, uint32_t left) -> Value {
    return arith::ShLIOp::create(b, value, b.splat(type, left));
  };
  PanelScales scales;
  if (config.scaleType == ScaleType::E8M0) {
    Value exponent = arith::SubIOp::create(b, bytes, b.splat(type, 127u));
    scales.exponent = shifted(exponent, 23);
    scales.isBad = compare(arith::CmpIPredicate::ugt, bytes, kLargestE8M0);
    return scales;
  }
  Value value = ArithEmitter(b).decodeScale(bytes, config.scaleType);
  Value bits = ArithEmitter(b).absBits(value);
  Value field = arith::AndIOp::create(b, bits, b.splat(type, 0x7F800000u));
  scales.exponent = arith::SubIOp::create(b, field, b.splat(type, 127u << 23));
  if (isFew) {
    Value mantissa = arith::AndIOp::create(b, bits, b.splat(type, 0x7FFFFFu));
    scales.index = arith::OrIOp::create(b, mantissa, b.splat(type, 127u << 23));
  } else {
    Value top = arith::ShRUIOp::create(b, bits, b.splat(type, 20u));
    Value significand = arith::AndIOp::create(b, top, b.splat(type, 7u));
    scales.index = arith::MulIOp::create(
        b, significand, b.splat(type, static_cast<uint32_t>(tileColumns())));
  }
  scales.isZero = compare(arith::CmpIPredicate::eq, bits, 0);
  scales.isBad = compare(arith::CmpIPredicate::uge, bits, 0x7F800000);
  return scales;
}

Value TileKernel::groupPlace(Value panel, Value group) {
  Value size = b.index(blockGroups());
  Value block = b.createOrFold<arith::DivUIOp>(group, size);
  Value inBlock = b.createOrFold<arith::RemUIOp>(group, size);
  Value number = b.add(b.mul(block, numPanels), panel);
  return b.mul(b.add(b.mul(number, blockGroups()), inBlock), groupWords());
}

void TileKernel::emitPanel(Value panel, Value firstRow) {
  Value first = b.add(firstRow, b.mul(panel, kPanelRows));
  SmallVector<Value> rows =
      clampedRows(first, kPanelRows, b.dim(operands.a, 0));
  Type type = b.vec(kPanelRows, b.i32());
  Value numChunks = b.index(config.k / chunkElements());
  Value bad =
      b.loop(b.index(0), numChunks, 1, b.splat(type, 0u),
             [&](Value chunk, ValueRange state) -> SmallVector<Value> {
               Value bad = state.front();
               auto groups = loadChunk(operands.a, rows, chunk, /*bias=*/0);
               for (auto [i, steps] : llvm::enumerate(groups)) {
                 Value group = b.add(b.mul(chunk, chunkGroups()), i);
                 PanelScales scales = emitPanelScales(
                     gatherScales(operands.aScales, rows, group));
                 Value word = groupPlace(panel, group);
                 auto put = [&](Value value, int64_t offset) {
                   b.store(value, panels, b.add(word, offset));
                 };
                 Value zero = b.splat(type, 0u);
                 Value sum = zero;
                 for (auto [step, bytes] : llvm::enumerate(steps)) {
                   Value dwords = b.bitcast(bytes, kPanelRows, b.i32());
                   if (scales.isZero)
                     dwords = arith::SelectOp::create(b, scales.isZero, zero,
                                                      dwords);
                   sum = emitBiasSum(
                       b, b.bitcast(dwords, 4 * kPanelRows, b.i8()), sum);
                   put(dwords, step * kPanelRows);
                 }
                 Value magic = arith::AddIOp::create(b, b.splat(type, kMagic),
                                                     scales.exponent);
                 put(arith::SubIOp::create(b, magic, sum), startWord());
                 put(magic, magicWord());
                 if (scales.index)
                   put(scales.index, indexWord());
                 bad = arith::OrIOp::create(
                     b, bad, arith::ExtUIOp::create(b, type, scales.isBad));
               }
               return {bad};
             })
          .front();
  b.store(bad, badRows, b.mul(panel, kPanelRows));
}
