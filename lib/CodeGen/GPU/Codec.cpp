//===- Codec.cpp - e2m1 codes in the words of GPU lanes -------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Codec.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

Value WordEmitter::constant(int64_t value) {
  return arith::ConstantOp::create(
      b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value WordEmitter::add(Value lhs, Value rhs) {
  return arith::AddIOp::create(b, lhs, rhs);
}

Value WordEmitter::sub(Value lhs, Value rhs) {
  return arith::SubIOp::create(b, lhs, rhs);
}

Value WordEmitter::mul(Value lhs, int64_t rhs) {
  return arith::MulIOp::create(b, lhs, constant(rhs));
}

Value WordEmitter::bitAnd(Value lhs, int64_t mask) {
  return arith::AndIOp::create(b, lhs, constant(mask));
}

Value WordEmitter::bitOr(Value lhs, Value rhs) {
  return arith::OrIOp::create(b, lhs, rhs);
}

Value WordEmitter::shiftLeft(Value lhs, int64_t count) {
  return count == 0
             ? lhs
             : arith::ShLIOp::create(b, lhs, constant(count)).getResult();
}

Value WordEmitter::shiftRight(Value lhs, int64_t count) {
  return count == 0
             ? lhs
             : arith::ShRUIOp::create(b, lhs, constant(count)).getResult();
}

Value WordEmitter::bitsOf(Value x) {
  return arith::BitcastOp::create(b, b.getI32Type(), x);
}

Value WordEmitter::floatOf(Value bits) {
  return arith::BitcastOp::create(b, b.getF32Type(), bits);
}

SmallVector<Value> WordEmitter::wordsOf(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  int64_t bits = type.getElementTypeBitWidth();
  // vector.bitcast knows no f8.
  if (bits == 8 && !type.getElementType().isInteger())
    vector = arith::BitcastOp::create(b, type.clone(b.getI8Type()), vector);
  auto words = vector::BitCastOp::create(
      b, VectorType::get({type.getNumElements() * bits / 32}, b.getI32Type()),
      vector);
  return SmallVector<Value>(
      vector::ToElementsOp::create(b, words).getResults());
}

static Value pairFromWord(ImplicitLocOpBuilder &b, Value word) {
  return LLVM::BitcastOp::create(b, VectorType::get({2}, b.getBF16Type()),
                                 word);
}

Value WordEmitter::mulPairs(Value lhs, Value rhs) {
  // Written as a fused multiply-add, which sm_80 has for pairs of bf16; adding
  // -0 changes nothing. Neither flushes subnormals.
  auto type = VectorType::get({2}, b.getBF16Type());
  auto zero = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, APFloat::getZero(APFloat::BFloat(),
                                                       /*Negative=*/true)));
  Value product =
      LLVM::FMAOp::create(b, pairFromWord(b, lhs), pairFromWord(b, rhs), zero);
  return LLVM::BitcastOp::create(b, b.getI32Type(), product);
}

Value WordEmitter::pairOf(float value) {
  uint32_t half = llvm::bit_cast<uint32_t>(value) >> 16;
  return constant(static_cast<int32_t>(half << 16 | half));
}

Value WordEmitter::twice(Value half) { return mul(half, 0x10001); }

Value WordEmitter::decodeElement(Value code) {
  // Moved to the sign, and to the lower exponent and upper mantissa bits, the
  // code is the element times 2^-126.
  Value bits =
      bitOr(shiftLeft(bitAnd(code, 7), 22), shiftLeft(bitAnd(code, 8), 28));
  return arith::MulFOp::create(
      b, floatOf(bits),
      arith::ConstantOp::create(b, b.getF32FloatAttr(0x1p126f)));
}

SmallVector<Value> WordEmitter::decodeToPairs(Value codes, Value factor,
                                              bool twoSteps) {
  SmallVector<Value> pairs;
  for (int64_t half : {0, 1})
    pairs.append(decodeHalfToPairs(codes, half, factor, twoSteps));
  return pairs;
}

SmallVector<Value> WordEmitter::decodeHalfToPairs(Value codes, int64_t half,
                                                  Value factor, bool twoSteps) {
  SmallVector<Value> pairs;
  for (int64_t nibble : {0, 4}) {
    Value pair =
        bitAnd(shiftRight(codes, 8 * half), int64_t(0x000F000F) << nibble);
    pair = bitAnd(mul(pair, 0x1040 >> nibble), 0x81C081C0);
    if (twoSteps)
      pair = mulPairs(pair, pairOf(0x1p126f));
    pairs.push_back(mulPairs(pair, factor));
  }
  return pairs;
}

Value WordEmitter::pairOfE8M0(Value byte) {
  // The exponent field; 0 is the subnormal 2^-127, and 255 is NaN, not Inf:
  // both have the upper bit of the mantissa.
  Value isSpecial =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                            bitAnd(add(byte, constant(1)), 0xFF), constant(1));
  Value upper =
      arith::SelectOp::create(b, isSpecial, constant(0x40), constant(0));
  return twice(bitOr(shiftLeft(byte, 7), upper));
}

Value WordEmitter::pairOfE4M3(Value byte) {
  // Moved to the place of a bf16 whose exponent is 120 too small, which makes
  // the subnormals right, too.
  Value isNaN =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, byte, constant(0x7F));
  Value value = mulPairs(twice(shiftLeft(byte, 4)), pairOf(0x1p120f));
  return arith::SelectOp::create(b, isNaN, constant(0x7FC07FC0), value);
}

SmallVector<Value> WordEmitter::mmaBF16(ValueRange a, ValueRange b2,
                                        ValueRange c) {
  auto resultType = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  Value product = NVVM::MmaOp::create(
      b, resultType, a, b2, c, ArrayRef<int64_t>{16, 8, 16},
      /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
      std::array{NVVM::MMATypes::bf16, NVVM::MMATypes::bf16},
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> results;
  for (int64_t i = 0; i < 4; ++i)
    results.push_back(LLVM::ExtractValueOp::create(b, product, i));
  return results;
}

/// The signs of eight f32, bits, at the bits 4i + 3: bytes of even elements,
/// and those of odd ones, are where they belong but for a shift.
Value WordEmitter::packSigns(ValueRange signs) {
  auto type = VectorType::get({4}, b.getI8Type());
  SmallVector<Value> bytes;
  for (Value bits : signs)
    bytes.push_back(LLVM::BitcastOp::create(b, type, bits));
  auto shuffle = [&](Value lhs, Value rhs, ArrayRef<int64_t> mask) -> Value {
    return vector::ShuffleOp::create(b, lhs, rhs, mask);
  };
  auto gather = [&](size_t first) -> Value {
    Value low = shuffle(bytes[first], bytes[first + 2], {3, 7, 3, 7});
    Value high = shuffle(bytes[first + 4], bytes[first + 6], {3, 7, 3, 7});
    return LLVM::BitcastOp::create(b, b.getI32Type(),
                                   shuffle(low, high, {0, 1, 4, 5}));
  };
  return bitOr(bitAnd(shiftRight(gather(0), 4), 0x08080808),
               bitAnd(gather(1), int64_t(0x80808080)));
}

Value WordEmitter::encodeElements(ValueRange elements, ValueRange signs) {
  constexpr int64_t one = 0x3F800000, exponent = 0x7F800000;
  Value largest = arith::ConstantOp::create(b, b.getF32FloatAttr(6.0f));
  Value word;
  uint32_t excess = 0;
  for (auto [i, t] : llvm::enumerate(elements)) {
    Value magnitude = floatOf(bitAnd(bitsOf(t), 0x7FFFFFFF));
    // Of NaN and a number, this is the number.
    magnitude = LLVM::MinNumOp::create(b, magnitude, largest);
    Value power = arith::MaxUIOp::create(b, bitAnd(bitsOf(magnitude), exponent),
                                         constant(one));
    Value rounder = floatOf(add(power, constant(22 << 23)));
    Value sum = bitsOf(arith::AddFOp::create(b, magnitude, rounder));
    // sum - rounder + 2e, but for constants, which are taken off at the end.
    Value code = sub(add(sum, shiftRight(power, 22)), power);
    excess += ((22u << 23) + (uint32_t(one) >> 22)) << (4 * i);
    code = shiftLeft(code, 4 * i);
    word = word ? add(word, code) : code;
  }
  word = sub(word, constant(static_cast<int32_t>(excess)));
  if (signs.size() == 8)
    return bitOr(word, packSigns(signs));
  for (auto [i, bits] : llvm::enumerate(signs)) {
    int64_t shift = 28 - 4 * static_cast<int64_t>(i);
    word = bitOr(word, bitAnd(shiftRight(bits, shift), int64_t(8) << (4 * i)));
  }
  return word;
}
