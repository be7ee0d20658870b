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

/// The bits of the largest |x| of numbers f32.
static Value amaxBitsOf(GPUKernelBuilder &k, ArrayRef<Value> elements) {
  SmallVector<Value> bits;
  for (Value element : elements)
    bits.push_back(k.arith.absBits(element));
  return k.largest(bits);
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
  Value both = LLVM::BitcastOp::create(k.b, k.b.getI32Type(), k.largest(pairs));
  Value half =
      k.largest({words.bitAnd(both, 0xFFFF), words.shiftRight(both, 16)});
  half = arith::TruncIOp::create(k.b, k.b.getI16Type(), half);
  return k.arith.absBits(
      arith::BitcastOp::create(k.b, type.getElementType(), half));
}

//===----------------------------------------------------------------------===//
// Codes of a thread's elements, which have one factor d: packed bytes
//===----------------------------------------------------------------------===//
//
// t = x / d decides the code. It is never divided: what is computed instead has
// the same code, which GPUCodecTest.cpp shows for all significands of d.

/// The codes where elements are not divided by the factor, or in steps.
static Value encodeScaled(GPUKernelBuilder &k, ArrayRef<Value> elements,
                          Value factor, const ::fp4q::Recipe &recipe,
                          Type inputType) {
  int64_t size = static_cast<int64_t>(elements.size());
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

/// Eight elements at a time by `encode`, which gives a word.
static Value
encodeWords(GPUKernelBuilder &k, ArrayRef<Value> elements,
            llvm::function_ref<Value(WordEmitter &, ValueRange)> encode) {
  WordEmitter words(k.b);
  SmallVector<Value> packed;
  for (size_t at = 0; at < elements.size(); at += 8)
    packed.push_back(encode(words, elements.slice(at, 8)));
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

static Value constantF32(GPUKernelBuilder &k, float value) {
  return arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(value));
}

/// x / d where it is within 4 units in the last place of a number at which
/// codes change, and within 2 of it elsewhere: q + (x - q * d) / d with
/// q = x * (1 / d). The sign of zero is that of x, for
/// d > 0.
static Value quotient(GPUKernelBuilder &k, Value x, Value d, Value reciprocal,
                      Value *estimate = nullptr) {
  Value q = arith::MulFOp::create(k.b, x, reciprocal);
  Value excess = k.fma(q, d, arith::NegFOp::create(k.b, x));
  if (estimate)
    *estimate = q;
  return k.fma(arith::NegFOp::create(k.b, excess), reciprocal, q);
}

/// For all elements and factors. Where the quotient is NaN, as its last step is
/// for infinite operands or results, and where it is zero, which would not have
/// the sign of the factor, the estimate is right.
static Value encodeAnyQuotients(GPUKernelBuilder &k, ArrayRef<Value> elements,
                                Value factor) {
  // In the range where the steps are exact, by a power of two.
  WordEmitter words(k.b);
  Value magnitude = words.bitAnd(words.bitsOf(factor), 0x7FFFFFFF);
  auto isAbove = [&](int64_t exponent) -> Value {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ugt, magnitude,
                                 words.constant((127 + exponent) << 23));
  };
  Value power = k.select(
      isAbove(60), constantF32(k, 0x1p-80f),
      k.select(isAbove(-60), constantF32(k, 1.0f), constantF32(k, 0x1p80f)));
  factor = arith::MulFOp::create(k.b, factor, power);
  Value reciprocal = arith::DivFOp::create(k.b, constantF32(k, 1.0f), factor);
  return encodeWords(k, elements, [&](WordEmitter &words, ValueRange xs) {
    SmallVector<Value> ts;
    for (Value x : xs) {
      x = arith::MulFOp::create(k.b, x, power);
      Value q, t = quotient(k, x, factor, reciprocal, &q);
      Value isSpecial = arith::CmpFOp::create(k.b, arith::CmpFPredicate::UEQ, t,
                                              constantF32(k, 0.0f));
      ts.push_back(k.select(isSpecial, q, t));
    }
    return words.encodeElements(ts);
  });
}

/// For elements and factors that are `isInRange`; the reciprocal is the nearest
/// to 1 / factor.
static Value encodeInRange(GPUKernelBuilder &k, ArrayRef<Value> elements,
                           Value factor, Value reciprocal) {
  return encodeWords(k, elements, [&](WordEmitter &words, ValueRange xs) {
    SmallVector<Value> ts;
    for (Value x : xs)
      ts.push_back(quotient(k, x, factor, reciprocal));
    return words.encodeElements(ts);
  });
}

/// For products, which are exact or rounded as wanted.
static Value
encodeProducts(GPUKernelBuilder &k, ArrayRef<Value> elements, Value reciprocal,
               llvm::function_ref<Value(WordEmitter &, ValueRange)> encode) {
  return encodeWords(k, elements, [&](WordEmitter &words, ValueRange xs) {
    SmallVector<Value> ts;
    for (Value x : xs)
      ts.push_back(arith::MulFOp::create(k.b, x, reciprocal));
    return encode(words, ts);
  });
}

/// Whether no bf16 is so near a tie times the factor that a reciprocal a little
/// too large makes it pass: between 8 units in the last place of the product
/// below it and one above; or it may pass, since the tie goes up. That is so
/// for the significand of 1/3, the usual global scale of mxfp4.
static Value isFarFromTies(GPUKernelBuilder &k, Value factor) {
  WordEmitter words(k.b);
  Value isFar;
  for (float tie : {1.0f, 1.25f, 1.5f, 1.75f}) {
    Value product = arith::MulFOp::create(k.b, factor, constantF32(k, tie));
    // From the bf16 below it, and one more. (Not shifted: what a compiler makes
    // of a product whose bits are shifted is wrong, ptxas 13.0.)
    Value distance = words.bitAnd(
        words.add(words.bitsOf(product), words.constant(1)), 0xFFFF);
    Value fits = arith::CmpIOp::create(k.b, arith::CmpIPredicate::ugt, distance,
                                       words.constant(9));
    isFar = isFar ? arith::AndIOp::create(k.b, isFar, fits).getResult() : fits;
  }
  Value significand = words.bitAnd(words.bitsOf(factor), 0x007FFFFF);
  Value isThird = arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq,
                                        significand, words.constant(0x2AAAAB));
  return arith::OrIOp::create(k.b, isFar, isThird);
}

/// Whether the factor, which is positive, is 2^-60..2^60, and no element is
/// above 2^66 or NaN, so that no step overflows or is subnormal where it
/// matters.
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
                               isAtMost(amax, int64_t(127 + 66) << 23));
}

//===----------------------------------------------------------------------===//
// GroupQuantizer
//===----------------------------------------------------------------------===//

GroupQuantizer::GroupQuantizer(GPUKernelBuilder &k,
                               const QuantizeKernel &kernel,
                               int64_t elementCount)
    : k(k), kernel(kernel), inputType(elementTypeOf(kernel.x)),
      scaleType(getScaleType(elementTypeOf(kernel.scales))),
      global(k.loadScalar(kernel.globalScale)),
      scaleScale(k.loadScalar(kernel.scaleScale)) {
  const ::fp4q::Recipe &recipe = kernel.recipe;
  if (elementCount % 8 != 0 || !dividesByFactor(recipe.elementOperand) ||
      recipe.intermediate != ::fp4q::Intermediate::F32 ||
      recipe.zeroSign != ::fp4q::ZeroSign::SignBit)
    return;
  fastPath = FastPath::InRange;
  if (scaleType != ::fp4q::ScaleType::E8M0)
    return;
  if (!global || recipe.elementOperand == ::fp4q::ElementOperand::XOverQ)
    fastPath = FastPath::PowerOfTwo;
  else if (inputType.isBF16() && !kernel.transform.matrix)
    fastPath = FastPath::FarFromTies;
}

GroupScale GroupQuantizer::scaleOf(Value amax, Value group) {
  Value byte;
  if (kernel.givenScales) {
    byte = k.byteToInt(k.loadOne(kernel.scales, group));
  } else {
    Value value = arith::BitcastOp::create(k.b, k.b.getF32Type(), amax);
    Value scale =
        k.arith.scaleOf(value, global, scaleScale, kernel.recipe, inputType);
    byte = k.arith.encodeScale(scale, scaleType, kernel.recipe);
  }
  return {byte, k.arith.groupFactor(byte, global, scaleType, kernel.recipe)};
}

Value GroupQuantizer::isFast(Value amax, Value factor) {
  Value inRange = isInRange(k, amax, factor);
  if (fastPath == FastPath::PowerOfTwo)
    return inRange;
  Value fits;
  if (fastPath == FastPath::FarFromTies) {
    // As the significand of e8m0 scales is one, all groups go the same way.
    fits = isFarFromTies(k, factor);
  } else {
    // Else a step of Newton's method gives the nearest to 1 / factor.
    WordEmitter words(k.b);
    Value significand = words.bitAnd(words.bitsOf(factor), 0x007FFFFF);
    fits = arith::CmpIOp::create(k.b, arith::CmpIPredicate::ne, significand,
                                 words.constant(0x007FFFFF));
  }
  return arith::AndIOp::create(k.b, inRange, fits);
}

Value GroupQuantizer::reciprocalOf(Value factor) {
  WordEmitter words(k.b);
  if (fastPath == FastPath::PowerOfTwo)
    return words.floatOf(
        words.sub(words.constant(int64_t(254) << 23), words.bitsOf(factor)));
  Value reciprocal = k.approximateReciprocal(factor);
  if (fastPath == FastPath::FarFromTies) {
    // A little too large, and times kEncodeFactor.
    constexpr int64_t unitsAbove = 3, exponent = 14;
    static_assert(WordEmitter::kEncodeFactor == 0x1p-14f);
    return words.floatOf(
        words.add(words.bitsOf(reciprocal),
                  words.constant(unitsAbove - (exponent << 23))));
  }
  Value error = k.fma(arith::NegFOp::create(k.b, factor), reciprocal,
                      constantF32(k, 1.0f));
  return k.fma(error, reciprocal, reciprocal);
}

Value GroupQuantizer::encodeFast(ArrayRef<Value> elements, Value factor,
                                 Value reciprocal) {
  switch (fastPath) {
  case FastPath::PowerOfTwo:
    return encodeProducts(k, elements, reciprocal,
                          [](WordEmitter &words, ValueRange ts) {
                            return words.encodeElements(ts);
                          });
  case FastPath::FarFromTies:
    return encodeProducts(k, elements, reciprocal,
                          [](WordEmitter &words, ValueRange ts) {
                            return words.encodeTruncated(ts);
                          });
  case FastPath::InRange:
    return encodeInRange(k, elements, factor, reciprocal);
  case FastPath::None:
    break;
  }
  llvm_unreachable("there is no fast path");
}

Value GroupQuantizer::encodeAny(ArrayRef<Value> elements, Value factor) {
  if (hasFastPath())
    return encodeAnyQuotients(k, elements, factor);
  return encodeScaled(k, elements, factor, kernel.recipe, inputType);
}

SmallVector<Value> GroupQuantizer::encode(ArrayRef<SmallVector<Value>> elements,
                                          ArrayRef<Value> amax,
                                          ArrayRef<Value> factors) {
  auto encodeAll = [&](bool fast) {
    SmallVector<Value> codes;
    for (auto [xs, factor] : llvm::zip_equal(elements, factors))
      codes.push_back(fast ? encodeFast(xs, factor, reciprocalOf(factor))
                           : encodeAny(xs, factor));
    return codes;
  };
  if (!hasFastPath())
    return encodeAll(false);
  // One branch for all groups, so that all of their loads are before it.
  Value fast;
  for (auto [bits, factor] : llvm::zip_equal(amax, factors)) {
    Value own = isFast(bits, factor);
    fast = fast ? arith::AndIOp::create(k.b, fast, own).getResult() : own;
  }
  return k.ifElse(
      fast, [&] { return encodeAll(true); }, [&] { return encodeAll(false); });
}
