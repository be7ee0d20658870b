//===- KernelBuilder.cpp - pieces shared by the CPU kernels ---------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value CPUKernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value CPUKernelBuilder::add(Value lhs, Value rhs) {
  return createOrFold<arith::AddIOp>(lhs, rhs);
}

Value CPUKernelBuilder::sub(Value lhs, Value rhs) {
  return createOrFold<arith::SubIOp>(lhs, rhs);
}

Value CPUKernelBuilder::mul(Value lhs, int64_t rhs) {
  return createOrFold<arith::MulIOp>(lhs, index(rhs));
}

Value CPUKernelBuilder::mul(Value lhs, Value rhs) {
  return createOrFold<arith::MulIOp>(lhs, rhs);
}

Value CPUKernelBuilder::min(Value lhs, Value rhs) {
  return createOrFold<arith::MinUIOp>(lhs, rhs);
}

Value CPUKernelBuilder::max(Value lhs, Value rhs) {
  return createOrFold<arith::MaxUIOp>(lhs, rhs);
}

Value CPUKernelBuilder::ceilDiv(Value lhs, int64_t rhs) {
  return createOrFold<arith::DivUIOp>(add(lhs, rhs - 1), index(rhs));
}

Value CPUKernelBuilder::ceilDiv(Value lhs, Value rhs) {
  return createOrFold<arith::DivUIOp>(sub(add(lhs, rhs), index(1)), rhs);
}

Value CPUKernelBuilder::less(Value lhs, Value rhs) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, lhs, rhs);
}

Value CPUKernelBuilder::dim(Value memref, int64_t dim) {
  int64_t size = cast<MemRefType>(memref.getType()).getDimSize(dim);
  if (!ShapedType::isDynamic(size))
    return index(size);
  return memref::DimOp::create(*this, memref, dim);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value CPUKernelBuilder::splat(Type type, uint32_t bits) {
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  APInt value = APInt(32, bits).trunc(width);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(*this,
                                     DenseElementsAttr::get(vector, value));
  return arith::ConstantOp::create(*this, IntegerAttr::get(type, value));
}

Value CPUKernelBuilder::splat(Type type, float value) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(*this,
                                     DenseElementsAttr::get(vector, value));
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value CPUKernelBuilder::broadcast(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(*this, vec(lanes, scalar.getType()),
                                     scalar);
}

Value CPUKernelBuilder::constantBytes(ArrayRef<int8_t> bytes) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(vec(bytes.size(), i8()), bytes));
}

Value CPUKernelBuilder::load(int64_t size, Value memref, ValueRange indices) {
  Type element = getElementTypeOrSelf(memref);
  return vector::LoadOp::create(*this, vec(size, element), memref, indices);
}

void CPUKernelBuilder::store(Value vector, Value memref, ValueRange indices) {
  vector::StoreOp::create(*this, vector, memref, indices);
}

Value CPUKernelBuilder::loadScalar(Value memref, ValueRange indices) {
  return memref::LoadOp::create(*this, memref, indices);
}

Value CPUKernelBuilder::bitcast(Value value, int64_t size, Type element) {
  if (value.getType() == vec(size, element))
    return value;
  return vector::BitCastOp::create(*this, vec(size, element), value);
}

Value CPUKernelBuilder::slice(Value vector, int64_t offset, int64_t size) {
  if (lanesOf(vector) == size)
    return vector;
  SmallVector<int64_t> mask =
      llvm::to_vector(llvm::seq<int64_t>(offset, offset + size));
  return shuffle(vector, vector, mask);
}

Value CPUKernelBuilder::concat(ArrayRef<Value> vectors) {
  SmallVector<Value> parts(vectors);
  while (parts.size() > 1) {
    SmallVector<Value> joined;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      int64_t size = lanesOf(parts[i]);
      joined.push_back(
          shuffle(parts[i], parts[i + 1],
                  llvm::to_vector(llvm::seq<int64_t>(0, 2 * size))));
    }
    parts = std::move(joined);
  }
  return parts.front();
}

Value CPUKernelBuilder::shuffle(Value lhs, Value rhs, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(*this, lhs, rhs, mask);
}

Value CPUKernelBuilder::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(*this, a, b, c);
}

Value CPUKernelBuilder::multiplyAdd(Value a, Value b, Value c) {
  // It becomes llvm.fmuladd.
  return vector::FMAOp::create(*this, a, b, c);
}

Value CPUKernelBuilder::loadBytes(int64_t size, Value memref,
                                  ValueRange indices) {
  Value bytes = load(size, memref, indices);
  if (getElementTypeOrSelf(bytes).isInteger(8))
    return bytes;
  return arith::BitcastOp::create(*this, vec(size, i8()), bytes);
}

Value CPUKernelBuilder::loadByte(Value memref, ValueRange indices) {
  Value byte = loadScalar(memref, indices);
  if (byte.getType().isInteger(8))
    return byte;
  return arith::BitcastOp::create(*this, i8(), byte);
}

//===----------------------------------------------------------------------===//
// Control flow and memory
//===----------------------------------------------------------------------===//

SmallVector<Value> CPUKernelBuilder::loop(
    Value begin, Value end, int64_t step, ValueRange inits,
    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, index(step), inits);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> results =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  // Without values the loop has its terminator already.
  if (!inits.empty())
    scf::YieldOp::create(*this, results);
  return SmallVector<Value>(loop.getResults());
}

void CPUKernelBuilder::loop(Value begin, Value end, int64_t step,
                            function_ref<void(Value)> body) {
  loop(begin, end, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

void CPUKernelBuilder::parallel(Value count, function_ref<void(Value)> body) {
  auto forall = scf::ForallOp::create(
      *this, ArrayRef<OpFoldResult>{getAsOpFoldResult(count)}, ValueRange(),
      std::nullopt);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(forall.getBody());
  body(forall.getInductionVar(0));
}

void CPUKernelBuilder::parallel(Value count, Value work, int64_t least,
                                function_ref<void(Value)> body) {
  Value atOnce = ceilDiv(index(least), max(work, index(1)));
  if (isConstantIntValue(atOnce, 1))
    return parallel(count, body);
  parallel(ceilDiv(count, atOnce), [&](Value task) {
    Value first = mul(task, atOnce);
    loop(first, min(add(first, atOnce), count), 1, body);
  });
}

void CPUKernelBuilder::ifThen(Value condition, function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
}

void CPUKernelBuilder::ifThenElse(Value condition,
                                  function_ref<void()> thenBody,
                                  function_ref<void()> elseBody) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  thenBody();
  setInsertionPointToStart(op.elseBlock());
  elseBody();
}

Value CPUKernelBuilder::allocate(Value size, Type element) {
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return memref::AllocOp::create(*this, type, size,
                                 getI64IntegerAttr(kLineBytes));
}

void CPUKernelBuilder::deallocate(Value buffer) {
  memref::DeallocOp::create(*this, buffer);
}

void CPUKernelBuilder::prefetch(Value memref, ValueRange indices,
                                int64_t cache) {
  memref::PrefetchOp::create(*this, memref, indices, /*isWrite=*/false,
                             /*localityHint=*/4 - cache, /*isDataCache=*/true);
}
