//===- Quantize.cpp - quantize_pack as vector code for CPUs ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row is done a block of groups at a time, so that the scales of a block fill
// a register: the amax of each group, then scales and factors of all of them,
// then the codes. Elements are kept as a vector of even ones and one of odd
// ones, whose codes make the nibbles of a byte. ArithEmitter writes the
// arithmetic.
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Rows that are transformed together.
constexpr int64_t kTransformRows = 4;

namespace {

class QuantizeKernel {
public:
  QuantizeKernel(CPUKernelBuilder &b, const QuantizeConfig &config,
                 const QuantizeOperands &operands)
      : b(b), config(config), operands(operands), lanes(config.vectors.lanes),
        inputType(getElementTypeOrSelf(operands.x)),
        blockGroups(chooseBlockGroups(config.k, config.group, kMaxGroups)),
        fast(BF16Quantizer::create(config, operands)) {}

  void emit();

private:
  static constexpr int64_t kMaxGroups = 16;

  /// Elements of a pair of vectors, no more than a block has.
  int64_t pairElements() const {
    return std::min(2 * lanes, blockGroups * config.group);
  }
  /// Where elements come from: x, or some of it after the transform.
  struct Source {
    Value matrix, row, k;
  };

  int64_t blockElements() const { return blockGroups * config.group; }
  /// Whole blocks of groups and of the transform.
  int64_t transformElements() const {
    return std::max(blockElements(), memrefShape(operands.transform).back());
  }
  static ArrayRef<int64_t> memrefShape(Value memref) {
    return cast<MemRefType>(memref.getType()).getShape();
  }
  void emitRow(Value row);
  /// kTransformRows rows from `row` on, or the `left` that there are.
  void emitTransformedRows(Value row, Value left);
  /// The block at element k of a row.
  void emitBlock(const Source &source, Value row, Value k);
  Value emitAmax(const Source &source);
  /// Scale bytes of the block, i32 lanes, computed and stored, or loaded.
  Value emitScales(const Source &source, Value row, Value k);

  CPUKernelBuilder &b;
  const QuantizeConfig &config;
  const QuantizeOperands &operands;
  int64_t lanes;
  Type inputType;
  int64_t blockGroups;
  std::optional<BF16Quantizer> fast;
  Value globalScale, scaleScale, preparedTransform;
  /// Of a task: the factors of a block, their 16-bit counterpart, and some
  /// elements of kTransformRows rows before and after the transform.
  Value spread, shortSpread, wide, transformed;
};

} // namespace

Value QuantizeKernel::emitAmax(const Source &source) {
  int64_t pair = pairElements();
  ArithEmitter emitter(b);
  SmallVector<Value> vectors;
  int64_t pairsOfGroup = std::max<int64_t>(1, config.group / pair);
  for (int64_t i = 0; i < blockGroups * config.group / pair; ++i) {
    EvenOdd elements = loadEvenOdd(b, source.matrix, source.row,
                                   b.add(source.k, i * pair), pair / 2);
    Value amax = arith::MaxSIOp::create(b, emitter.absBits(elements.even),
                                        emitter.absBits(elements.odd));
    if (i % pairsOfGroup == 0)
      vectors.push_back(amax);
    else
      vectors.back() = arith::MaxSIOp::create(b, vectors.back(), amax);
  }
  return maxOfSegments(b, vectors, std::min(pair, config.group) / 2);
}

Value QuantizeKernel::emitScales(const Source &source, Value row, Value k) {
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  if (operands.hasGivenScales)
    return arith::ExtUIOp::create(
        b, b.vec(blockGroups, b.i32()),
        b.loadBytes(blockGroups, operands.scales, {row, group}));
  ArithEmitter emitter(b);
  Value amax = b.bitcast(emitAmax(source), blockGroups, b.f32());
  Value s =
      emitter.scaleOf(amax, globalScale, scaleScale, config.recipe, inputType);
  Value bytes = emitter.encodeScale(s, config.scaleType, config.recipe);
  Value narrow = arith::TruncIOp::create(b, b.vec(blockGroups, b.i8()), bytes);
  Type scaleType = getElementTypeOrSelf(operands.scales);
  b.store(arith::BitcastOp::create(b, b.vec(blockGroups, scaleType), narrow),
          operands.scales, {row, group});
  return bytes;
}

void QuantizeKernel::emitBlock(const Source &source, Value row, Value k) {
  ArithEmitter emitter(b);
  Value bytes = emitScales(source, row, k);
  Value factors =
      emitter.groupFactor(bytes, globalScale, config.scaleType, config.recipe);
  // Read back a group or a few at a time.
  b.store(factors, spread, b.index(0));
  int64_t pair = pairElements();
  b.loop(b.index(0), b.index(blockGroups * config.group), pair, [&](Value i) {
    int64_t groups = std::max<int64_t>(1, pair / config.group);
    Value group = b.createOrFold<arith::DivUIOp>(i, b.index(config.group));
    Value factor =
        groups == 1 ? b.broadcast(b.loadScalar(spread, group), pair / 2)
                    : spreadLanes(b, b.load(groups, spread, group), pair / 2);
    Value place = b.add(k, i);
    EvenOdd elements =
        loadEvenOdd(b, source.matrix, source.row, b.add(source.k, i), pair / 2);
    auto code = [&](Value element) {
      return emitter.quantizeElement(element, factor, config.recipe, inputType);
    };
    Value byte = b.createOrFold<arith::DivUIOp>(place, b.index(2));
    b.store(packCodes(b, code(elements.even), code(elements.odd)),
            operands.codes, {row, byte});
  });
}

void QuantizeKernel::emitRow(Value row) {
  b.loop(b.index(0), b.index(config.k), blockElements(), [&](Value k) {
    auto general = [&] { emitBlock({operands.x, row, k}, row, k); };
    if (fast)
      fast->emit(b, config, operands, shortSpread, row, k, blockGroups,
                 general);
    else
      general();
  });
}

void QuantizeKernel::emitTransformedRows(Value row, Value left) {
  int64_t size = transformElements();
  b.loop(b.index(0), b.index(config.k), size, [&](Value first) {
    auto transform = [&](Value firstRow, int64_t count, Value resultRow) {
      emitTransform(b,
                    {operands.x, firstRow, first, count, size, wide,
                     transformed, resultRow},
                    preparedTransform,
                    cast<MemRefType>(operands.transform.getType()), lanes);
    };
    b.ifThenElse(
        b.less(left, b.index(kTransformRows)),
        [&] {
          b.loop(b.index(0), left, 1,
                 [&](Value r) { transform(b.add(row, r), 1, r); });
        },
        [&] { transform(row, kTransformRows, b.index(0)); });
    b.loop(b.index(0), b.min(left, b.index(kTransformRows)), 1, [&](Value r) {
      b.loop(b.index(0), b.index(size), blockElements(), [&](Value k) {
        emitBlock({transformed, r, k}, b.add(row, r), b.add(first, k));
      });
    });
  });
}

void QuantizeKernel::emit() {
  int64_t rowsAtOnce = 1;
  if (operands.transform) {
    preparedTransform = prepareTransform(b, operands.transform);
    rowsAtOnce = kTransformRows;
  }
  Value rows = b.dim(operands.x, 0);
  int64_t taskRows =
      llvm::alignTo(std::max<int64_t>(1, kTaskElements / config.k), rowsAtOnce);
  b.parallel(b.ceilDiv(rows, taskRows), [&](Value task) {
    globalScale = loadScaleOperand(b, operands.globalScale, blockGroups);
    scaleScale = loadScaleOperand(b, operands.scaleScale, blockGroups);
    Value first = b.mul(task, taskRows);
    Value last = b.min(b.add(first, taskRows), rows);
    spread = b.allocate(b.index(blockGroups), b.f32());
    if (fast)
      shortSpread = b.allocate(b.index(blockGroups), b.getI16Type());
    if (operands.transform)
      for (Value *buffer : {&wide, &transformed})
        *buffer = memref::AllocOp::create(
            b, MemRefType::get({kTransformRows, transformElements()}, b.f32()),
            b.getI64IntegerAttr(kLineBytes));
    b.loop(first, last, rowsAtOnce, [&](Value row) {
      if (operands.transform)
        emitTransformedRows(row, b.sub(last, row));
      else
        emitRow(row);
    });
    for (Value buffer : {spread, shortSpread, wide, transformed})
      if (buffer)
        b.deallocate(buffer);
  });
  if (preparedTransform)
    b.deallocate(preparedTransform);
}

void mlir::fp4q::emitQuantize(OpBuilder &builder, Location loc,
                              const QuantizeConfig &config,
                              const QuantizeOperands &operands) {
  CPUKernelBuilder b(loc, builder);
  QuantizeKernel(b, config, operands).emit();
}
