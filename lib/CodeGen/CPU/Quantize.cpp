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

/// Elements that are worth a thread.
constexpr int64_t kTaskElements = 32768;

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
  void emitRow(Value row);
  void emitBlock(Value matrix, Value matrixRow, Value row, Value k);
  Value emitAmax(Value matrix, Value row, Value k);
  /// Scale bytes of the block, i32 lanes, computed and stored, or loaded.
  Value emitScales(Value matrix, Value matrixRow, Value row, Value k);

  CPUKernelBuilder &b;
  const QuantizeConfig &config;
  const QuantizeOperands &operands;
  int64_t lanes;
  Type inputType;
  int64_t blockGroups;
  std::optional<BF16Quantizer> fast;
  Value globalScale, scaleScale, preparedTransform;
  /// Of a task: the factors of a block, their 16-bit counterpart, and a row
  /// after the transform.
  Value spread, shortSpread, transformed;
};

} // namespace

Value QuantizeKernel::emitAmax(Value matrix, Value row, Value k) {
  int64_t pair = pairElements();
  ArithEmitter emitter(b);
  SmallVector<Value> vectors;
  int64_t pairsOfGroup = std::max<int64_t>(1, config.group / pair);
  for (int64_t i = 0; i < blockGroups * config.group / pair; ++i) {
    EvenOdd elements =
        loadEvenOdd(b, matrix, row, b.add(k, i * pair), pair / 2);
    Value amax = arith::MaxSIOp::create(b, emitter.absBits(elements.even),
                                        emitter.absBits(elements.odd));
    if (i % pairsOfGroup == 0)
      vectors.push_back(amax);
    else
      vectors.back() = arith::MaxSIOp::create(b, vectors.back(), amax);
  }
  return maxOfSegments(b, vectors, std::min(pair, config.group) / 2);
}

Value QuantizeKernel::emitScales(Value matrix, Value matrixRow, Value row,
                                 Value k) {
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  if (operands.hasGivenScales)
    return arith::ExtUIOp::create(
        b, b.vec(blockGroups, b.i32()),
        b.loadBytes(blockGroups, operands.scales, {row, group}));
  ArithEmitter emitter(b);
  Value amax = b.bitcast(emitAmax(matrix, matrixRow, k), blockGroups, b.f32());
  Value s =
      emitter.scaleOf(amax, globalScale, scaleScale, config.recipe, inputType);
  Value bytes = emitter.encodeScale(s, config.scaleType, config.recipe);
  Value narrow = arith::TruncIOp::create(b, b.vec(blockGroups, b.i8()), bytes);
  Type scaleType = getElementTypeOrSelf(operands.scales);
  b.store(arith::BitcastOp::create(b, b.vec(blockGroups, scaleType), narrow),
          operands.scales, {row, group});
  return bytes;
}

void QuantizeKernel::emitBlock(Value matrix, Value matrixRow, Value row,
                               Value k) {
  ArithEmitter emitter(b);
  Value bytes = emitScales(matrix, matrixRow, row, k);
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
    EvenOdd elements = loadEvenOdd(b, matrix, matrixRow, place, pair / 2);
    auto code = [&](Value element) {
      return emitter.quantizeElement(element, factor, config.recipe, inputType);
    };
    Value byte = b.createOrFold<arith::DivUIOp>(place, b.index(2));
    b.store(packCodes(b, code(elements.even), code(elements.odd)),
            operands.codes, {row, byte});
  });
}

void QuantizeKernel::emitRow(Value row) {
  Value matrix = operands.x, matrixRow = row;
  if (operands.transform) {
    emitTransformRow(b, operands.x, row, preparedTransform,
                     cast<MemRefType>(operands.transform.getType()), lanes,
                     transformed);
    matrix = transformed;
    matrixRow = b.index(0);
  }
  b.loop(b.index(0), b.index(config.k), blockGroups * config.group,
         [&](Value k) {
           auto general = [&] { emitBlock(matrix, matrixRow, row, k); };
           if (fast)
             fast->emit(b, config, operands, shortSpread, row, k, blockGroups,
                        general);
           else
             general();
         });
}

void QuantizeKernel::emit() {
  if (operands.transform)
    preparedTransform = prepareTransform(b, operands.transform, lanes);
  Value rows = b.dim(operands.x, 0);
  int64_t taskRows = std::max<int64_t>(1, kTaskElements / config.k);
  b.parallel(b.ceilDiv(rows, taskRows), [&](Value task) {
    globalScale = loadScaleOperand(b, operands.globalScale, blockGroups);
    scaleScale = loadScaleOperand(b, operands.scaleScale, blockGroups);
    Value first = b.mul(task, taskRows);
    Value last = b.min(b.add(first, taskRows), rows);
    spread = b.allocate(b.index(blockGroups), b.f32());
    if (fast)
      shortSpread = b.allocate(b.index(blockGroups), b.getI16Type());
    if (operands.transform)
      transformed =
          memref::AllocOp::create(b, MemRefType::get({1, config.k}, b.f32()));
    b.loop(first, last, 1, [&](Value row) { emitRow(row); });
    for (Value buffer : {spread, shortSpread, transformed})
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
