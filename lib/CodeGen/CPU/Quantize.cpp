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
// Between the amax of a block and its factors lie a hundred cycles and more in
// which its codes can only wait. So the factors of a strip, a block or what is
// transformed together, are computed before the codes of the strip before it.
//
//===----------------------------------------------------------------------===//

#include "TransformPieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

namespace {

class QuantizeKernel {
public:
  QuantizeKernel(CPUKernelBuilder &b, const QuantizeConfig &config,
                 const QuantizeOperands &operands)
      : b(b), config(config), operands(operands), lanes(config.vectors.lanes),
        inputType(getElementTypeOrSelf(operands.x)),
        blockGroups(chooseBlockGroups(config.k, config.group, kMaxGroups)),
        fast(BF16Quantizer::create(config, operands)),
        isProductEnough(isProductEnoughFor(config, operands)),
        canMultiply((isProductEnough || config.vectors.hasFMA) &&
                    !operands.hasGivenScales &&
                    canQuantizeInRange(config.recipe)) {
    if (operands.transform)
      transformer.emplace(b, cast<MemRefType>(operands.transform.getType()),
                          lanes, /*wantsSplit=*/true);
  }

  void emit();

private:
  static constexpr int64_t kMaxGroups = 16;
  /// Strips of a row that are under way.
  static constexpr int64_t kSlots = 2;

  /// Elements of a pair of vectors, no more than a block has.
  int64_t pairElements() const {
    return std::min(2 * lanes, blockGroups * config.group);
  }
  /// Where elements come from: x, or some of it after the transform, which may
  /// be split into even and odd ones.
  struct Source {
    Value matrix, row, k;
    bool isSplit = false;
  };
  EvenOdd loadPair(const Source &source, Value offset);

  int64_t blockElements() const { return blockGroups * config.group; }
  /// Whole blocks of groups, and of the transform.
  int64_t stripElements() const {
    return transformer ? std::max(blockElements(),
                                  transformer->elementsAtOnce(config.k))
                       : blockElements();
  }
  int64_t stripGroups() const { return stripElements() / config.group; }
  int64_t stripBlocks() const { return stripElements() / blockElements(); }
  int64_t rowsAtOnce() const {
    return transformer ? transformer->rowsAtOnce() : 1;
  }
  /// Strip `number` of rows from `row` on, and the row of scratch that keeps
  /// what there is of the first of them.
  struct Strip {
    Value number, row, scratchRow;
  };
  Strip getStrip(Value number, Value row);
  /// body(elements, row, k, offset) for each block of a strip's row r: its
  /// elements, their place, and the number of its first one among those of all
  /// strips in scratch.
  void
  forEachBlock(const Strip &strip, Value r,
               function_ref<void(const Source &, Value, Value, Value)> body);
  /// rowsAtOnce() rows from `row` on, or the `left` that there are.
  void emitRows(Value row, Value left);
  /// One row by `fast`.
  void emitFastRow(Value row);
  /// The amax of each group of a block, f32.
  Value emitAmax(const Source &source);
  /// Scale bytes of the block, i32 lanes, computed from amax and stored, or
  /// loaded if that is null.
  Value emitScales(Value amax, Value row, Value k);
  /// Scales of a block, and what its codes need of them.
  void emitFactors(const Source &source, Value row, Value k, Value offset);
  /// Codes of a block. Elements are divided by the factor of their group, or
  /// multiplied by its reciprocal.
  void emitCodes(const Source &source, Value row, Value k, Value offset,
                 bool isInRange);
  /// The same, multiplied if the block is in range.
  void emitCodesInRange(const Source &source, Value row, Value k, Value offset);
  void allocateScratch();

  CPUKernelBuilder &b;
  const QuantizeConfig &config;
  const QuantizeOperands &operands;
  int64_t lanes;
  Type inputType;
  int64_t blockGroups;
  std::optional<BF16Quantizer> fast;
  std::optional<BlockTransformer> transformer;
  Value globalScale, scaleScale;
  /// Whether an element times a reciprocal has the right code, and whether
  /// elements of groups in range are multiplied by reciprocals at all.
  bool isProductEnough, canMultiply;
  /// Of a task: the factors of groups of strips, their reciprocals, which
  /// blocks are in range, the 16-bit counterpart of the factors of a block, and
  /// elements before and after the transform.
  Value factors, reciprocals, inRange, shortSpread, scratch, transformed;
};

} // namespace

EvenOdd QuantizeKernel::loadPair(const Source &source, Value offset) {
  int64_t size = pairElements() / 2;
  Value place = b.add(source.k, offset);
  if (!source.isSplit)
    return loadEvenOdd(b, source.matrix, source.row, place, size);
  return {b.load(size, source.matrix, {source.row, place}),
          b.load(size, source.matrix, {source.row, b.add(place, size)})};
}

Value QuantizeKernel::emitAmax(const Source &source) {
  int64_t pair = pairElements();
  ArithEmitter emitter(b);
  SmallVector<Value> vectors;
  int64_t pairsOfGroup = std::max<int64_t>(1, config.group / pair);
  for (int64_t i = 0; i < blockElements() / pair; ++i) {
    EvenOdd elements = loadPair(source, b.index(i * pair));
    Value amax = arith::MaxSIOp::create(b, emitter.absBits(elements.even),
                                        emitter.absBits(elements.odd));
    if (i % pairsOfGroup == 0)
      vectors.push_back(amax);
    else
      vectors.back() = arith::MaxSIOp::create(b, vectors.back(), amax);
  }
  Value amax = maxOfSegments(b, vectors, std::min(pair, config.group) / 2);
  return b.bitcast(amax, blockGroups, b.f32());
}

Value QuantizeKernel::emitScales(Value amax, Value row, Value k) {
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  if (!amax)
    return arith::ExtUIOp::create(
        b, b.vec(blockGroups, b.i32()),
        b.loadBytes(blockGroups, operands.scales, {row, group}));
  ArithEmitter emitter(b);
  Value s =
      emitter.scaleOf(amax, globalScale, scaleScale, config.recipe, inputType);
  Value bytes = emitter.encodeScale(s, config.scaleType, config.recipe);
  Value narrow = arith::TruncIOp::create(b, b.vec(blockGroups, b.i8()), bytes);
  Type scaleType = getElementTypeOrSelf(operands.scales);
  b.store(arith::BitcastOp::create(b, b.vec(blockGroups, scaleType), narrow),
          operands.scales, {row, group});
  return bytes;
}

void QuantizeKernel::emitFactors(const Source &source, Value row, Value k,
                                 Value offset) {
  ArithEmitter emitter(b);
  Value amax = operands.hasGivenScales ? Value() : emitAmax(source);
  Value bytes = emitScales(amax, row, k);
  Value factor =
      emitter.groupFactor(bytes, globalScale, config.scaleType, config.recipe);
  Value group = b.createOrFold<arith::DivUIOp>(offset, b.index(config.group));
  b.store(factor, factors, group);
  if (!canMultiply)
    return;
  b.store(arith::DivFOp::create(b, b.splat(factor.getType(), 1.0f), factor),
          reciprocals, group);
  Value all = vector::ReductionOp::create(
      b, vector::CombiningKind::AND,
      arith::AndIOp::create(b, emitter.isInRange(amax, /*mayBeSmall=*/true),
                            emitter.isInRange(factor, /*mayBeSmall=*/false)));
  memref::StoreOp::create(
      b, arith::ExtUIOp::create(b, b.i8(), all), inRange,
      b.createOrFold<arith::DivUIOp>(offset, b.index(blockElements())));
}

void QuantizeKernel::emitCodes(const Source &source, Value row, Value k,
                               Value offset, bool isInRange) {
  ArithEmitter emitter(b);
  int64_t pair = pairElements();
  b.loop(b.index(0), b.index(blockElements()), pair, [&](Value i) {
    int64_t groups = std::max<int64_t>(1, pair / config.group);
    Value group =
        b.createOrFold<arith::DivUIOp>(b.add(offset, i), b.index(config.group));
    auto ofGroups = [&](Value buffer) {
      return groups == 1
                 ? b.broadcast(b.loadScalar(buffer, group), pair / 2)
                 : spreadLanes(b, b.load(groups, buffer, group), pair / 2);
    };
    Value factor, reciprocal;
    if (!isInRange || !isProductEnough)
      factor = ofGroups(factors);
    if (isInRange)
      reciprocal = ofGroups(reciprocals);
    auto code = [&](Value element) {
      return isInRange ? emitter.quantizeInRange(element, factor, reciprocal,
                                                 config.recipe, inputType)
                       : emitter.quantizeElement(element, factor, config.recipe,
                                                 inputType);
    };
    EvenOdd elements = loadPair(source, i);
    Value byte = b.createOrFold<arith::DivUIOp>(b.add(k, i), b.index(2));
    b.store(packCodes(b, code(elements.even), code(elements.odd)),
            operands.codes, {row, byte});
  });
}

void QuantizeKernel::emitCodesInRange(const Source &source, Value row, Value k,
                                      Value offset) {
  auto emitBy = [&](bool isInRange) {
    emitCodes(source, row, k, offset, isInRange);
  };
  if (!canMultiply)
    return emitBy(false);
  Value number =
      b.createOrFold<arith::DivUIOp>(offset, b.index(blockElements()));
  Value isInRange =
      arith::TruncIOp::create(b, b.getI1Type(), b.loadScalar(inRange, number));
  b.ifThenElse(isInRange, [&] { emitBy(true); }, [&] { emitBy(false); });
}

QuantizeKernel::Strip QuantizeKernel::getStrip(Value number, Value row) {
  Value slot = b.createOrFold<arith::RemUIOp>(number, b.index(kSlots));
  return {number, row, b.mul(slot, rowsAtOnce())};
}

void QuantizeKernel::forEachBlock(
    const Strip &strip, Value r,
    function_ref<void(const Source &, Value, Value, Value)> body) {
  int64_t size = stripElements();
  Value k = b.mul(strip.number, size), row = b.add(strip.row, r);
  Value scratchRow = b.add(strip.scratchRow, r);
  b.loop(b.index(0), b.index(size), blockElements(), [&](Value i) {
    Source source = {operands.x, row, b.add(k, i)};
    if (transformer)
      source = {transformed, scratchRow, i, transformer->isSplit()};
    body(source, row, b.add(k, i), b.add(b.mul(scratchRow, size), i));
  });
}

void QuantizeKernel::emitRows(Value row, Value left) {
  int64_t strips = config.k / stripElements();
  Value rows = b.min(left, b.index(rowsAtOnce()));
  auto forEachRow = [&](const Strip &strip, auto body) {
    b.loop(b.index(0), rows, 1, [&](Value r) { forEachBlock(strip, r, body); });
  };
  b.loop(b.index(0), b.index(strips + 1), 1, [&](Value number) {
    b.ifThen(b.less(number, b.index(strips)), [&] {
      Strip strip = getStrip(number, row);
      if (transformer)
        transformer->emit(
            operands.x, row, left, b.mul(number, stripElements()),
            stripElements(), scratch, [&](Value r, Value place, Value sums) {
              b.store(sums, transformed, {b.add(strip.scratchRow, r), place});
            });
      forEachRow(strip,
                 [&](const Source &source, Value row, Value k, Value offset) {
                   emitFactors(source, row, k, offset);
                 });
    });
    b.ifThen(b.less(b.index(0), number), [&] {
      forEachRow(getStrip(b.sub(number, b.index(1)), row),
                 [&](const Source &source, Value row, Value k, Value offset) {
                   emitCodesInRange(source, row, k, offset);
                 });
    });
  });
}

void QuantizeKernel::emitFastRow(Value row) {
  b.loop(b.index(0), b.index(config.k), blockElements(), [&](Value k) {
    fast->emit(b, config, operands, shortSpread, row, k, blockGroups, [&] {
      Source source = {operands.x, row, k};
      emitFactors(source, row, k, b.index(0));
      emitCodesInRange(source, row, k, b.index(0));
    });
  });
}

void QuantizeKernel::allocateScratch() {
  int64_t rows = kSlots * rowsAtOnce();
  factors = b.allocate(b.index(rows * stripGroups()), b.f32());
  if (canMultiply) {
    reciprocals = b.allocate(b.index(rows * stripGroups()), b.f32());
    inRange = b.allocate(b.index(rows * stripBlocks()), b.i8());
  }
  if (fast)
    shortSpread = b.allocate(b.index(blockGroups), b.getI16Type());
  if (transformer) {
    scratch = transformer->allocateScratch(stripElements(), 1);
    transformed = transformer->allocateScratch(stripElements(), kSlots);
  }
}

void QuantizeKernel::emit() {
  if (transformer)
    transformer->prepare(operands.transform);
  Value rows = b.dim(operands.x, 0);
  int64_t taskRows = llvm::alignTo(
      std::max<int64_t>(1, kTaskElements / config.k), rowsAtOnce());
  b.parallel(b.ceilDiv(rows, taskRows), [&](Value task) {
    globalScale = loadScaleOperand(b, operands.globalScale, blockGroups);
    scaleScale = loadScaleOperand(b, operands.scaleScale, blockGroups);
    Value first = b.mul(task, taskRows);
    Value last = b.min(b.add(first, taskRows), rows);
    allocateScratch();
    b.loop(first, last, rowsAtOnce(), [&](Value row) {
      if (fast)
        emitFastRow(row);
      else
        emitRows(row, b.sub(last, row));
    });
    for (Value buffer :
         {factors, reciprocals, inRange, shortSpread, scratch, transformed})
      if (buffer)
        b.deallocate(buffer);
  });
  if (transformer)
    transformer->release();
}

void mlir::fp4q::emitQuantize(OpBuilder &builder, Location loc,
                              const QuantizeConfig &config,
                              const QuantizeOperands &operands) {
  CPUKernelBuilder b(loc, builder);
  QuantizeKernel(b, config, operands).emit();
}
