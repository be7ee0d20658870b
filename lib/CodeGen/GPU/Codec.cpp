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

Value WordEmitter::magnitude(Value x) {
  // llvm.intr.fabs and math.absf would become calls of libdevice.
  return LLVM::CallIntrinsicOp::create(
             b, x.getType(), b.getStringAttr("llvm.fabs"), ValueRange{x})
      .getResult(0);
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

Value WordEmitter::select(int64_t mask, Value ifSet, Value ifClear) {
  return bitOr(bitAnd(ifSet, mask), bitAnd(ifClear, ~mask));
}

Value WordEmitter::fma(Value x, double y, double z) {
  // math.fma would become a call of libdevice.
  return LLVM::FMAOp::create(b, x, constantF32(y), constantF32(z));
}

Value WordEmitter::constantF32(double value) {
  return arith::ConstantOp::create(
      b, b.getF32FloatAttr(static_cast<float>(value)));
}

Value WordEmitter::belowEvenTies(Value t) {
  // The bit alone is 2^-127. A product with 1 - 2^-24 is the number before.
  constexpr double last = 0x1p-24 * kEncodeFactor;
  Value factor = fma(floatOf(bitAnd(bitsOf(t), 0x00400000)), last * 0x1p127,
                     kEncodeFactor - last);
  return arith::MulFOp::create(b, t, factor);
}

Value WordEmitter::encodeTruncated(ValueRange elements) {
  auto pairType = VectorType::get({2}, b.getF16Type());
  // The f16 of 6 * kEncodeFactor: magnitudes beyond have code 7, too, and NaN.
  Value largest = LLVM::BitcastOp::create(b, pairType, constant(0x0E000E00));
  SmallVector<Value> nibbles; // Of elements i and i + 4, bits 15..12 of halves.
  for (int64_t i = 0; i < 4; ++i) {
    Value pair = NVVM::ConvertF32x2ToF16x2Op::create(
        b, pairType, /*src_hi=*/elements[i + 4], /*src_lo=*/elements[i],
        /*random_bits=*/Value(), NVVM::FPRoundingMode::RZ,
        NVVM::SaturationMode::NONE, /*relu=*/false);
    Value word = LLVM::BitcastOp::create(b, b.getI32Type(), pair);
    Value least = LLVM::MinNumOp::create(b, magnitude(pair), largest);
    // The bits 11..9 are the code but for rounding up; move them to 14..12.
    Value code =
        add(shiftLeft(LLVM::BitcastOp::create(b, b.getI32Type(), least), 3),
            constant(0x08000800));
    nibbles.push_back(select(0x80008000, word, code));
  }
  auto merge = [&](size_t first) {
    Value both =
        select(0xF000F000, nibbles[first + 1], shiftRight(nibbles[first], 4));
    return LLVM::BitcastOp::create(b, VectorType::get({4}, b.getI8Type()),
                                   both);
  };
  Value low = merge(0), high = merge(2);
  return LLVM::BitcastOp::create(
      b, b.getI32Type(),
      vector::ShuffleOp::create(b, low, high, ArrayRef<int64_t>{1, 5, 3, 7}));
}

Value WordEmitter::encodeElements(ValueRange elements) {
  SmallVector<Value> scaled;
  for (Value t : elements)
    scaled.push_back(belowEvenTies(t));
  while (scaled.size() < 8)
    scaled.push_back(constantF32(0));
  return encodeTruncated(scaled);
}
