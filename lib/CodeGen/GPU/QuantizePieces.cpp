//===- QuantizePieces.cpp - what quantizing kernels have in common --------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

static Type elementTypeOf(Value array) {
  return cast<MemRefType>(array.getType()).getElementType();
}

static Value largest(GPUKernelBuilder &k, ArrayRef<Value> values) {
  Value amax = values.front();
  for (Value value : values.drop_front())
    amax = arith::MaxUIOp::create(k.b, amax, value);
  return amax;
}

/// The bits of the largest |x| of numbers f32.
static Value amaxBitsOf(GPUKernelBuilder &k, ArrayRef<Value> elements) {
  SmallVector<Value> bits;
  for (Value element : elements)
    bits.push_back(k.arith.absBits(element));
  return largest(k, bits);
}

Value mlir::fp4q::amaxBits(GPUKernelBuilder &k, Value elements) {
  auto type = cast<VectorType>(elements.getType());
  WordEmitter words(k.b);
  if (type.getElementTypeBitWidth() == 32)
    return amaxBitsOf(k, k.elementsOf(elements));
  // Two at a time: magnitudes of bf16 and f16 order as integers, too.
  auto pair = VectorType::get({2}, k.b.getI16Type());
  SmallVector<Value> pairs;
  for (Value word : words.wordsOf(elements))
    pairs.push_back(
        LLVM::BitcastOp::create(k.b, pair, words.bitAnd(word, 0x7FFF7FFF)));
  Value both =
      LLVM::BitcastOp::create(k.b, k.b.getI32Type(), largest(k, pairs));
  Value half =
      largest(k, {words.bitAnd(both, 0xFFFF), words.shiftRight(both, 16)});
  half = arith::TruncIOp::create(k.b, k.b.getI16Type(), half);
  return k.arith.absBits(
      arith::BitcastOp::create(k.b, type.getElementType(), half));
}

/// The codes of a thread's elements, of one group with this factor, by dividing
/// each: packed bytes.
static Value encodeByDivision(GPUKernelBuilder &k, ValueRange elements,
                              Value factor, const ::fp4q::Recipe &recipe,
                              Type inputType) {
  int64_t size = elements.size();
  SmallVector<Value> scaled;
  for (Value x : elements)
    scaled.push_back(k.arith.scaleElement(x, factor, recipe, inputType));
  Value vector = vector::FromElementsOp::create(
      k.b, VectorType::get({size}, k.b.getF32Type()), scaled);
  return EncodeOp::create(k.b, VectorType::get({size / 2}, k.b.getI8Type()),
                          vector, NibbleOrder::Interleaved,
                          recipe.zeroSign == ::fp4q::ZeroSign::SignBit
                              ? SignOfZero::SignBit
                              : SignOfZero::OnlyNegative);
}

/// The same by one reciprocal, for factors and elements in a range without
/// surprises: t = q + (x - q * d) / d with q = x * (1 / d).
///
/// t is not always x / d, but it is wherever that lies within 4 units in the
/// last place of a number at which the code changes, and within 2 of it
/// elsewhere: GPUCodecTest.cpp, for all significands of d.
static Value encodeByReciprocal(GPUKernelBuilder &k, ValueRange elements,
                                Value factor) {
  WordEmitter words(k.b);
  Value one = arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(1.0f));
  Value reciprocal = arith::DivFOp::create(k.b, one, factor);
  Value negated = arith::NegFOp::create(k.b, factor);
  SmallVector<Value> scaled, signs, packed;
  for (Value x : elements) {
    Value q = arith::MulFOp::create(k.b, x, reciprocal);
    Value remainder = k.fma(q, negated, x);
    scaled.push_back(k.fma(remainder, reciprocal, q));
    signs.push_back(words.bitsOf(x));
  }
  for (size_t at = 0; at < scaled.size(); at += 8)
    packed.push_back(words.encodeElements(ArrayRef(scaled).slice(at, 8),
                                          ArrayRef(signs).slice(at, 8)));
  Value vector = vector::FromElementsOp::create(
      k.b,
      VectorType::get({static_cast<int64_t>(packed.size())}, k.b.getI32Type()),
      packed);
  return vector::BitCastOp::create(
      k.b,
      VectorType::get({static_cast<int64_t>(elements.size()) / 2},
                      k.b.getI8Type()),
      vector);
}

/// Whether `encodeByReciprocal` is right: the factor, which is positive, is
/// 2^-60..2^60, and no element is NaN.
static Value isInRange(GPUKernelBuilder &k, Value amax, Value factor) {
  WordEmitter words(k.b);
  constexpr int64_t lowest = int64_t(127 - 60) << 23;
  constexpr int64_t count = int64_t(120) << 23;
  Value distance = words.sub(words.bitsOf(factor), words.constant(lowest));
  auto isAtMost = [&](Value value, int64_t limit) -> Value {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ule, value,
                                 words.constant(limit));
  };
  return arith::AndIOp::create(k.b, isAtMost(distance, count),
                               isAtMost(amax, 0x7F800000));
}

QuantizedGroup mlir::fp4q::quantizeElements(GPUKernelBuilder &k,
                                            const QuantizeKernel &kernel,
                                            ArrayRef<Value> elements,
                                            int64_t lanes, Value globalScale,
                                            Value scaleScale, Value group,
                                            Value amax) {
  const ::fp4q::Recipe &recipe = kernel.recipe;
  Type inputType = elementTypeOf(kernel.x);
  ::fp4q::ScaleType scaleType = getScaleType(elementTypeOf(kernel.scales));
  if (!amax)
    amax = amaxBitsOf(k, elements);
  QuantizedGroup result;
  if (kernel.givenScales) {
    result.byte = k.byteToInt(k.loadOne(kernel.scales, group));
  } else {
    for (int64_t distance = 1; distance < lanes; distance *= 2)
      amax = arith::MaxUIOp::create(k.b, amax, k.shuffleXor(amax, distance));
    Value value = arith::BitcastOp::create(k.b, k.b.getF32Type(), amax);
    Value scale =
        k.arith.scaleOf(value, globalScale, scaleScale, recipe, inputType);
    result.byte = k.arith.encodeScale(scale, scaleType, recipe);
  }
  Value factor =
      k.arith.groupFactor(result.byte, globalScale, scaleType, recipe);
  auto byDivision = [&] {
    return encodeByDivision(k, elements, factor, recipe, inputType);
  };
  int64_t size = elements.size();
  bool hasFastPath = size % 8 == 0 && dividesByFactor(recipe.elementOperand) &&
                     recipe.intermediate == ::fp4q::Intermediate::F32 &&
                     recipe.zeroSign == ::fp4q::ZeroSign::SignBit;
  if (!hasFastPath) {
    result.codes = byDivision();
    return result;
  }
  result.codes = k.ifElse(
      isInRange(k, amax, factor), VectorType::get({size / 2}, k.b.getI8Type()),
      [&] { return encodeByReciprocal(k, elements, factor); }, byDivision);
  return result;
}
