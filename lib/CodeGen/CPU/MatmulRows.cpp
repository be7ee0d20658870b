//===- MatmulRows.cpp - a row of a product: vector times matrix -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each row of b is read once, as a stream. A step takes 4*L bytes of codes in L
// lanes: lane l has bytes 4l .. 4l+3, which are elements 8l .. 8l+7, the even
// ones in low nibbles and the odd ones in high nibbles. The row of a is laid
// out the same way beforehand:
//
//   codes    step by step, 4*L signed bytes of even elements, then of odd ones
//   starts   a lane's start value: -12 * (sum of its 8 elements)
//   factors  a lane's scale of a
//
// A row of L*8*steps elements is followed by steps of 4 lanes for what is left.
//
// Any scale is represented, so this is the general path too. Where a check
// finds all scales of the row of a and of the rows of b at hand in a usual
// range, they are not decoded: a byte of e8m0 that is moved to the place of the
// exponent is its scale, and one of e4m3 is 2^-120 times its scale, for which
// fastFactors make up. For e8m0, fastStarts and fastFactors are the start and
// the magic that MatmulTiles.h explains, so that a lane's scale of a costs
// nothing.

#include "MatmulPieces.h"
#include "MatmulTiles.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::ScaleType;

/// Packed bytes, and elements, of one lane of a step.
constexpr int64_t kLaneBytes = 4;
constexpr int64_t kLaneElements = 8;
/// Rows of b that are read together, so that the row of a is read less.
constexpr int64_t kColumnsAtOnce = 4;

namespace {

/// Emits the body of the kernel.
class RowKernel {
public:
  RowKernel(CPUKernelBuilder &b, const MatmulConfig &config,
            const MatmulOperands &operands)
      : b(b), config(config), operands(operands) {}

  void emit(Value row, Value begin, Value end);

private:
  /// The steps of one number of lanes: elements [first, last) of a row.
  struct Steps {
    int64_t lanes, first, last;
  };

  SmallVector<Steps> getSteps() const;
  /// The bytes of the scales of a step, `bytesOfLane` times for each lane.
  Value loadScales(const Steps &steps, Value scales, Value row, Value k,
                   int64_t bytesOfLane);
  /// The bytes of the scales of a step, one a lane, in i32 lanes.
  Value loadLaneScales(const Steps &steps, Value scales, Value row, Value k);
  /// Whether the fast way can represent the row's scales.
  Value prepareActivations(Value row);
  /// What the fast way takes of the lanes' scales of a, and whether it can.
  Value prepareFast(Value bytes, Value sum, Value lane);
  /// Whether the fast way can represent the scales of these rows of b.
  Value checkWeights(Value begin, Value end);
  /// The sums of the lanes after one more step.
  Value step(const Steps &steps, Value column, Value k, Value sums);
  SmallVector<Value> fastStep(const Steps &steps, ValueRange columns, Value k,
                              ValueRange sums);
  Value reduce(Value vector);
  using Step =
      function_ref<SmallVector<Value>(const Steps &, Value, ValueRange)>;
  /// Sums of all steps of some columns, and their results.
  void emitColumns(Value row, ArrayRef<Value> columns, Step step);
  void emitGeneral(Value row, Value begin, Value end);
  void emitFast(Value row, Value begin, Value end);

  CPUKernelBuilder &b;
  const MatmulConfig &config;
  const MatmulOperands &operands;
  Value codes, starts, factors, fastStarts, fastFactors;
};

} // namespace

SmallVector<RowKernel::Steps> RowKernel::getSteps() const {
  int64_t lanes = config.vectors.lanes;
  int64_t whole = config.k / (lanes * kLaneElements) * lanes * kLaneElements;
  SmallVector<Steps> steps;
  if (whole > 0)
    steps.push_back({lanes, 0, whole});
  if (whole < config.k)
    steps.push_back({4, whole, config.k});
  return steps;
}

Value RowKernel::loadScales(const Steps &steps, Value scales, Value row,
                            Value k, int64_t bytesOfLane) {
  int64_t lanesOfGroup = config.group / kLaneElements;
  int64_t count = std::max<int64_t>(1, steps.lanes / lanesOfGroup);
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  Value bytes = b.loadBytes(count, scales, {row, group});
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < steps.lanes * bytesOfLane; ++i)
    mask.push_back(std::min(i / bytesOfLane / lanesOfGroup, count - 1));
  return b.shuffle(bytes, bytes, mask);
}

Value RowKernel::loadLaneScales(const Steps &steps, Value scales, Value row,
                                Value k) {
  return extendBytes(b, loadScales(steps, scales, row, k, /*bytesOfLane=*/1));
}

Value RowKernel::prepareFast(Value bytes, Value sum, Value lane) {
  Type type = bytes.getType();
  Value start, factor;
  uint32_t largest = kLargestE4M3;
  if (config.scaleType == ScaleType::E8M0) {
    largest = kLargestE8M0;
    // Twice the elements of a and of b: 2^-2.
    Value exponent = arith::SubIOp::create(b, bytes, b.splat(type, 129u));
    factor = arith::AddIOp::create(
        b, arith::ShLIOp::create(b, exponent, b.splat(type, 23u)),
        b.splat(type, kMagic));
    start = arith::SubIOp::create(b, factor, sum);
    b.store(start, fastStarts, lane);
  } else {
    Value scale = ArithEmitter(b).decodeScale(bytes, config.scaleType);
    factor = arith::MulFOp::create(
        b, scale, b.splat(scale.getType(), kUndouble * 0x1p120f));
    factor =
        b.bitcast(factor, cast<VectorType>(type).getNumElements(), b.i32());
  }
  b.store(factor, fastFactors, lane);
  Value inRange = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, bytes,
                                        b.splat(type, largest));
  return vector::ReductionOp::create(b, vector::CombiningKind::AND, inRange);
}

Value RowKernel::prepareActivations(Value row) {
  codes = b.allocate(b.index(config.k), b.i8());
  Value lanesOfRow = b.index(config.k / kLaneElements);
  for (Value *buffer : {&starts, &factors, &fastFactors})
    *buffer = b.allocate(lanesOfRow, b.i32());
  fastStarts = config.scaleType == ScaleType::E8M0
                   ? b.allocate(lanesOfRow, b.i32())
                   : starts;
  Value isFast = b.splat(b.getI1Type(), 1u);
  for (const Steps &steps : getSteps()) {
    int64_t lanes = steps.lanes;
    isFast =
        b.loop(b.index(steps.first), b.index(steps.last), lanes * kLaneElements,
               isFast,
               [&](Value k, ValueRange state) -> SmallVector<Value> {
                 Value byte = b.createOrFold<arith::DivUIOp>(k, b.index(2));
                 Value lane =
                     b.createOrFold<arith::DivUIOp>(k, b.index(kLaneElements));
                 Value packed =
                     b.loadBytes(lanes * kLaneBytes, operands.a, {row, byte});
                 Nibbles nibbles = emitDecode(b, packed, /*bias=*/0);
                 b.store(nibbles.low, codes, k);
                 b.store(nibbles.high, codes, b.add(k, lanes * kLaneBytes));
                 Type laneType = b.vec(lanes, b.i32());
                 Value zero = b.splat(laneType, 0u);
                 Value sum = emitBiasSum(b, nibbles.low, zero);
                 sum = emitBiasSum(b, nibbles.high, sum);
                 b.store(arith::SubIOp::create(b, zero, sum), starts, lane);
                 Value scale = loadLaneScales(steps, operands.aScales, row, k);
                 Value inRange = prepareFast(scale, sum, lane);
                 if (config.scaleType == ScaleType::E4M3) {
                   Value value =
                       ArithEmitter(b).decodeScale(scale, config.scaleType);
                   value = arith::MulFOp::create(
                       b, value, b.splat(value.getType(), kUndouble));
                   scale = b.bitcast(value, lanes, b.i32());
                 }
                 b.store(scale, factors, lane);
                 return {arith::AndIOp::create(b, state.front(), inRange)};
               })
            .front();
  }
  return isFast;
}

Value RowKernel::checkWeights(Value begin, Value end) {
  int64_t groups = config.groups();
  int64_t width = std::min<int64_t>(4 * config.vectors.lanes,
                                    llvm::bit_floor<uint64_t>(groups));
  Type type = b.vec(width, b.i8());
  bool isE8M0 = config.scaleType == ScaleType::E8M0;
  // Bytes of e8m0 from 1 on.
  Value offset = b.splat(type, isE8M0 ? 1u : 0u);
  Value largest = b.splat(type, isE8M0 ? 253u : kLargestE4M3);
  auto largestOf = [&](Value lhs, Value rhs) -> Value {
    return arith::MaxUIOp::create(b, lhs, rhs);
  };
  Value found =
      b.loop(begin, end, 1, b.splat(type, 0u),
             [&](Value column, ValueRange state) {
               return b.loop(
                   b.index(0), b.index(groups), width, state,
                   [&](Value group, ValueRange state) -> SmallVector<Value> {
                     // The last vector overlaps the one before.
                     Value place = b.min(group, b.index(groups - width));
                     Value bytes =
                         b.loadBytes(width, operands.bScales, {column, place});
                     return {largestOf(state.front(), arith::SubIOp::create(
                                                          b, bytes, offset))};
                   });
             })
          .front();
  Value inRange =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ule, found, largest);
  return vector::ReductionOp::create(b, vector::CombiningKind::AND, inRange);
}

SmallVector<Value> RowKernel::fastStep(const Steps &steps, ValueRange columns,
                                       Value k, ValueRange sums) {
  int64_t lanes = steps.lanes;
  Value byte = b.createOrFold<arith::DivUIOp>(k, b.index(2));
  Value lane = b.createOrFold<arith::DivUIOp>(k, b.index(kLaneElements));
  Value even = b.load(lanes * kLaneBytes, codes, k);
  Value odd = b.load(lanes * kLaneBytes, codes, b.add(k, lanes * kLaneBytes));
  Value start = b.load(lanes, fastStarts, lane);
  Value factor = b.bitcast(b.load(lanes, fastFactors, lane), lanes, b.f32());
  SmallVector<Value> next;
  for (auto [column, sum] : llvm::zip_equal(columns, sums)) {
    // The same place in the rows that come next.
    Value ahead = b.min(b.add(column, static_cast<int64_t>(columns.size())),
                        b.index(config.n - 1));
    if (lanes == config.vectors.lanes)
      b.prefetch(operands.b, {ahead, byte});
    Value packed = b.loadBytes(lanes * kLaneBytes, operands.b, {column, byte});
    Nibbles nibbles = emitDecode(b, packed, kBias);
    Value dot = emitGroupDot(b, nibbles.low, even, start);
    dot = emitGroupDot(b, nibbles.high, odd, dot);
    // Each byte on top of its lane, and what is below masked away.
    Value scale = loadScales(steps, operands.bScales, column, k,
                             /*bytesOfLane=*/4);
    scale = b.bitcast(scale, lanes, b.i32());
    Type type = scale.getType();
    bool isE8M0 = config.scaleType == ScaleType::E8M0;
    scale = arith::ShRUIOp::create(b, scale, b.splat(type, isE8M0 ? 1u : 4u));
    scale = arith::AndIOp::create(
        b, scale, b.splat(type, isE8M0 ? 0x7F800000u : 0x07F00000u));
    scale = b.bitcast(scale, lanes, b.f32());
    if (isE8M0) {
      Value product =
          arith::SubFOp::create(b, b.bitcast(dot, lanes, b.f32()), factor);
      next.push_back(b.multiplyAdd(product, scale, sum));
    } else {
      Value value = arith::SIToFPOp::create(b, factor.getType(), dot);
      scale = arith::MulFOp::create(b, scale, factor);
      next.push_back(b.multiplyAdd(value, scale, sum));
    }
  }
  return next;
}

Value RowKernel::step(const Steps &steps, Value column, Value k, Value sums) {
  int64_t lanes = steps.lanes;
  Value byte = b.createOrFold<arith::DivUIOp>(k, b.index(2));
  Value lane = b.createOrFold<arith::DivUIOp>(k, b.index(kLaneElements));
  Value packed = b.loadBytes(lanes * kLaneBytes, operands.b, {column, byte});
  Nibbles nibbles = emitDecode(b, packed, kBias);
  Value dot = b.load(lanes, starts, lane);
  dot = emitGroupDot(b, nibbles.low, b.load(lanes * kLaneBytes, codes, k), dot);
  dot = emitGroupDot(
      b, nibbles.high,
      b.load(lanes * kLaneBytes, codes, b.add(k, lanes * kLaneBytes)), dot);
  Value value = arith::SIToFPOp::create(b, b.vec(lanes, b.f32()), dot);
  Value factor = b.load(lanes, factors, lane);
  Value scale = loadLaneScales(steps, operands.bScales, column, k);
  if (config.scaleType == ScaleType::E4M3) {
    Value decoded = ArithEmitter(b).decodeScale(scale, config.scaleType);
    Value product =
        arith::MulFOp::create(b, decoded, b.bitcast(factor, lanes, b.f32()));
    return b.multiplyAdd(value, product, sums);
  }
  // 2^(ea + eb - 256), a power of two that f32 need not have, in two factors
  // that it has. A sum of 0 or 1 stands for a product below 2^-126.
  Type type = factor.getType();
  Value exponent = arith::AddIOp::create(b, factor, scale);
  exponent = arith::MaxSIOp::create(b, exponent, b.splat(type, 2u));
  Value half = arith::ShRUIOp::create(b, exponent, b.splat(type, 1u));
  Value rest = arith::SubIOp::create(b, exponent, half);
  auto power = [&](Value e) {
    Value field = arith::SubIOp::create(b, e, b.splat(type, 1u));
    Value bits = arith::ShLIOp::create(b, field, b.splat(type, 23u));
    return b.bitcast(bits, lanes, b.f32());
  };
  value = arith::MulFOp::create(b, value, power(half));
  Value isNaN =
      arith::OrIOp::create(b,
                           arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                 scale, b.splat(type, 255u)),
                           arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                 factor, b.splat(type, 255u)));
  Value otherPower = arith::SelectOp::create(
      b, isNaN, b.bitcast(b.splat(type, 0x7FC00000u), lanes, b.f32()),
      power(rest));
  return b.multiplyAdd(value, otherPower, sums);
}

Value RowKernel::reduce(Value vector) {
  for (int64_t size = cast<VectorType>(vector.getType()).getNumElements();
       size > 1; size /= 2)
    vector = arith::AddFOp::create(b, b.slice(vector, 0, size / 2),
                                   b.slice(vector, size / 2, size / 2));
  return vector::ExtractOp::create(b, vector, 0);
}

void RowKernel::emitColumns(Value row, ArrayRef<Value> columns, Step step) {
  Type result = cast<MemRefType>(operands.c.getType()).getElementType();
  SmallVector<Value> totals(columns.size());
  for (const Steps &steps : getSteps()) {
    SmallVector<Value> zeros(columns.size(),
                             b.splat(b.vec(steps.lanes, b.f32()), 0.0f));
    SmallVector<Value> sums = b.loop(
        b.index(steps.first), b.index(steps.last), steps.lanes * kLaneElements,
        zeros, [&](Value k, ValueRange sums) { return step(steps, k, sums); });
    for (auto [total, sum] : llvm::zip_equal(totals, sums)) {
      Value part = reduce(sum);
      total = total ? arith::AddFOp::create(b, total, part).getResult() : part;
    }
  }
  for (auto [column, total] : llvm::zip_equal(columns, totals)) {
    Value value =
        emitEpilogue(b, total, loadAlpha(b, operands, column, /*lanes=*/0),
                     loadBias(b, operands, column, /*lanes=*/0), result);
    memref::StoreOp::create(b, value, operands.c, ValueRange{row, column});
  }
}

void RowKernel::emitGeneral(Value row, Value begin, Value end) {
  b.loop(begin, end, 1, [&](Value column) {
    emitColumns(row, column,
                [&](const Steps &steps, Value k,
                    ValueRange sums) -> SmallVector<Value> {
                  return {step(steps, column, k, sums.front())};
                });
  });
}

void RowKernel::emitFast(Value row, Value begin, Value end) {
  auto emitSome = [&](Value first, int64_t count) {
    SmallVector<Value> columns;
    for (int64_t i = 0; i < count; ++i)
      columns.push_back(b.add(first, i));
    emitColumns(row, columns,
                [&](const Steps &steps, Value k, ValueRange sums) {
                  return fastStep(steps, columns, k, sums);
                });
  };
  // The columns of a call begin at a multiple of 4 and end at one, or at N.
  if (config.n % kColumnsAtOnce == 0) {
    b.loop(begin, end, kColumnsAtOnce,
           [&](Value column) { emitSome(column, kColumnsAtOnce); });
    return;
  }
  Value rest = b.createOrFold<arith::RemUIOp>(b.sub(end, begin),
                                              b.index(kColumnsAtOnce));
  Value whole = b.sub(end, rest);
  b.loop(begin, whole, kColumnsAtOnce,
         [&](Value column) { emitSome(column, kColumnsAtOnce); });
  b.loop(whole, end, 1, [&](Value column) { emitSome(column, 1); });
}

void RowKernel::emit(Value row, Value begin, Value end) {
  Value isFast = prepareActivations(row);
  isFast = arith::AndIOp::create(b, isFast, checkWeights(begin, end));
  b.ifThenElse(
      isFast, [&] { emitFast(row, begin, end); },
      [&] { emitGeneral(row, begin, end); });
  for (Value buffer : {codes, starts, factors, fastFactors})
    b.deallocate(buffer);
  if (fastStarts != starts)
    b.deallocate(fastStarts);
}

func::FuncOp mlir::fp4q::emitRowKernel(OpBuilder &builder, Location loc,
                                       StringRef name,
                                       const MatmulConfig &config,
                                       TypeRange operandTypes, bool hasAlpha,
                                       bool hasBias) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types(operandTypes);
  types.append(3, builder.getIndexType());
  auto function = func::FuncOp::create(builder, loc, name,
                                       builder.getFunctionType(types, {}));
  function.setPrivate();
  Block *block = function.addEntryBlock();
  CPUKernelBuilder b(loc, builder.getContext());
  b.setInsertionPointToStart(block);
  MatmulOperands operands;
  auto arguments = block->getArguments().begin();
  for (Value *operand :
       {&operands.a, &operands.aScales, &operands.b, &operands.bScales})
    *operand = *arguments++;
  if (hasAlpha)
    operands.alpha = *arguments++;
  if (hasBias)
    operands.bias = *arguments++;
  operands.c = *arguments++;
  Value row = *arguments++, begin = *arguments++, end = *arguments++;
  if (config.packedB)
    emitPackedRow(b, config, operands, row, begin, end);
  else
    RowKernel(b, config, operands).emit(row, begin, end);
  func::ReturnOp::create(b);
  return function;
}
