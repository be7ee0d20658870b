//===- MatmulRows.cpp - a row of a product: vector times matrix -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each row of b is read once, as one stream. A step takes 4*L bytes of codes in
// L lanes: lane l has bytes 4l .. 4l+3, which are elements 8l .. 8l+7, the even
// ones in low nibbles and the odd ones in high nibbles. The row of a is laid
// out the same way beforehand:
//
//   codes    step by step, 4*L signed bytes of even elements, then of odd ones
//   start    a lane's start value: -12 * (sum of its 8 elements)
//   factor   a lane's scale of a
//
// A row of L*8*steps elements is followed by steps of 4 lanes for what is left.
// Any scale is represented, so this is the general path too.
//
//===----------------------------------------------------------------------===//

#include "MatmulPieces.h"

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::ScaleType;

/// Packed bytes, and elements, of one lane of a step.
constexpr int64_t kLaneBytes = 4;
constexpr int64_t kLaneElements = 8;

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
  /// The bytes of the scales of a step, one a lane, in i32 lanes.
  Value loadLaneScales(const Steps &steps, Value scales, Value row, Value k);
  void prepareActivations(Value row);
  /// The sums of the lanes after one more step.
  Value step(const Steps &steps, Value column, Value k, Value sums);
  /// Whether a byte of e8m0 is NaN, as a number that grows.
  Value reduce(Value vector);

  CPUKernelBuilder &b;
  const MatmulConfig &config;
  const MatmulOperands &operands;
  Value codes, starts, factors;
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

Value RowKernel::loadLaneScales(const Steps &steps, Value scales, Value row,
                                Value k) {
  int64_t lanesOfGroup = config.group / kLaneElements;
  int64_t count = std::max<int64_t>(1, steps.lanes / lanesOfGroup);
  Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
  Value bytes = b.loadBytes(count, scales, {row, group});
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < steps.lanes; ++lane)
    mask.push_back(std::min(lane / lanesOfGroup, count - 1));
  return extendBytes(b, b.shuffle(bytes, bytes, mask));
}

void RowKernel::prepareActivations(Value row) {
  codes = b.allocate(b.index(config.k), b.i8());
  starts = b.allocate(b.index(config.k / kLaneElements), b.i32());
  factors = b.allocate(b.index(config.k / kLaneElements), b.i32());
  for (const Steps &steps : getSteps()) {
    int64_t lanes = steps.lanes;
    b.loop(b.index(steps.first), b.index(steps.last), lanes * kLaneElements,
           [&](Value k) {
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
             if (config.scaleType == ScaleType::E4M3) {
               Value value =
                   ArithEmitter(b).decodeScale(scale, config.scaleType);
               value = arith::MulFOp::create(
                   b, value, b.splat(value.getType(), kUndouble));
               scale = b.bitcast(value, lanes, b.i32());
             }
             b.store(scale, factors, lane);
           });
  }
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
    return b.fma(value, product, sums);
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
  return b.fma(value, otherPower, sums);
}

Value RowKernel::reduce(Value vector) {
  for (int64_t size = cast<VectorType>(vector.getType()).getNumElements();
       size > 1; size /= 2)
    vector = arith::AddFOp::create(b, b.slice(vector, 0, size / 2),
                                   b.slice(vector, size / 2, size / 2));
  return vector::ExtractOp::create(b, vector, 0);
}

void RowKernel::emit(Value row, Value begin, Value end) {
  prepareActivations(row);
  Type result = cast<MemRefType>(operands.c.getType()).getElementType();
  b.loop(begin, end, 1, [&](Value column) {
    Value sum;
    for (const Steps &steps : getSteps()) {
      Value zero = b.splat(b.vec(steps.lanes, b.f32()), 0.0f);
      Value sums = b.loop(b.index(steps.first), b.index(steps.last),
                          steps.lanes * kLaneElements, zero,
                          [&](Value k, ValueRange sums) -> SmallVector<Value> {
                            return {step(steps, column, k, sums.front())};
                          })
                       .front();
      Value part = reduce(sums);
      sum = sum ? arith::AddFOp::create(b, sum, part).getResult() : part;
    }
    Value value =
        emitEpilogue(b, sum, loadAlpha(b, operands, column, /*lanes=*/0),
                     loadBias(b, operands, column, /*lanes=*/0), result);
    memref::StoreOp::create(b, value, operands.c, ValueRange{row, column});
  });
  for (Value buffer : {codes, starts, factors})
    b.deallocate(buffer);
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
  RowKernel(b, config, operands).emit(row, begin, end);
  func::ReturnOp::create(b);
  return function;
}
