//===- QuantizeBF16.cpp - e8m0 quantization of bf16 in 16-bit lanes -------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dividing by a power of two times a constant only moves exponents. So the code
// of x in a group with scale byte e is the number of thresholds, constants,
// that bits(|x|) - (e << 7) reaches, and e is the exponent of amax, moved by a
// constant after rounding. Both are read off Numerics when the kernel is made,
// for each value of amax and on both sides of each threshold, and the kernel
// checks that its groups lie in the range where they hold; subnormals, huge
// values, Inf and NaN do not.
//
//===----------------------------------------------------------------------===//

#include "QuantizePieces.h"

#include "fp4q/CodeGen/CPU/Quantize.h"
#include "fp4q/Numerics/Quantize.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/bit.h"

#include <cmath>

using namespace mlir;
using namespace mlir::fp4q;
using ::fp4q::QuantizeParams;
using ::fp4q::ScaleType;
using ::fp4q::ZeroSign;

constexpr int32_t kInfinity = 0x7F80;
constexpr int32_t kMantissaBits = 7;
/// The bits of 1: where carry, offset and thresholds are read off.
constexpr int32_t kOne = 0x3F80;

static float valueOf(int32_t bits) {
  return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

static int32_t byteOf(int32_t amax, const QuantizeParams &params) {
  float s =
      ::fp4q::unroundedScale(valueOf(amax), params, ::fp4q::FloatType::BF16);
  return ::fp4q::encodeScale(s, ScaleType::E8M0, params.recipe);
}

/// The value of a constant operand, 1 for null.
static std::optional<float> constantOf(Value operand) {
  if (!operand)
    return 1.0f;
  FloatAttr constant;
  if (!matchPattern(operand, m_Constant(&constant)))
    return std::nullopt;
  return constant.getValue().convertToFloat();
}

bool mlir::fp4q::isProductEnoughFor(const QuantizeConfig &config,
                                    const QuantizeOperands &operands) {
  std::optional<float> globalScale = constantOf(operands.globalScale);
  if (config.scaleType != ScaleType::E8M0 || !globalScale ||
      config.recipe.intermediate != ::fp4q::Intermediate::F32)
    return false;
  QuantizeParams params;
  params.format = {static_cast<int32_t>(config.group), ScaleType::E8M0};
  params.recipe = config.recipe;
  params.globalScale = *globalScale;
  // Factors are that of the scale 1 times powers of two, which change nothing
  // in range. Codes grow with |x|, so only thresholds and what is just below
  // them have to be looked at.
  constexpr uint8_t one = 127;
  ::fp4q::ElementQuantizer quantizer(one, params, ::fp4q::FloatType::F32);
  float factor = quantizer.factor();
  float reciprocal = 1.0f / factor;
  if (!(factor > 0) || !std::isnormal(factor) || !std::isnormal(reciprocal))
    return false;
  auto differs = [&](uint32_t bits) {
    float x = llvm::bit_cast<float>(bits);
    return ::fp4q::encodeE2M1(x * reciprocal, ZeroSign::SignBit) !=
           quantizer(x);
  };
  for (int32_t code = 1; code <= 7; ++code) {
    uint32_t low = 0, high = 0x7F7FFFFF;
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      if (quantizer(llvm::bit_cast<float>(middle)) >= code)
        high = middle;
      else
        low = middle + 1;
    }
    if (low == 0 || differs(low) || differs(low - 1))
      return false;
  }
  return true;
}

/// The bits of the least |x| whose code in a group with this byte has at least
/// this magnitude, or nothing if no finite one has.
static std::optional<int32_t> findThreshold(int32_t byte, int32_t magnitude,
                                            const QuantizeParams &params) {
  ::fp4q::ElementQuantizer quantizer(static_cast<uint8_t>(byte), params,
                                     ::fp4q::FloatType::BF16);
  int32_t low = 0, high = kInfinity;
  while (low < high) {
    int32_t middle = (low + high) / 2;
    if (quantizer(valueOf(middle)) >= magnitude)
      high = middle;
    else
      low = middle + 1;
  }
  if (low == kInfinity)
    return std::nullopt;
  return low;
}

std::optional<BF16Quantizer>
BF16Quantizer::create(const QuantizeConfig &config,
                      const QuantizeOperands &operands) {
  std::optional<float> globalScale = constantOf(operands.globalScale);
  std::optional<float> scaleScale = constantOf(operands.scaleScale);
  // Groups are whole vectors of 16-bit lanes.
  if (!getElementTypeOrSelf(operands.x).isBF16() || operands.transform ||
      operands.hasGivenScales || config.scaleType != ScaleType::E8M0 ||
      config.recipe.zeroSign != ZeroSign::SignBit || !globalScale ||
      !scaleScale || config.group != 32)
    return std::nullopt;
  QuantizeParams params;
  params.format = {static_cast<int32_t>(config.group), ScaleType::E8M0};
  params.recipe = config.recipe;
  params.globalScale = *globalScale;
  params.scaleScale = *scaleScale;

  BF16Quantizer fast;
  int32_t byte = byteOf(kOne, params);
  fast.offset = byte - (kOne >> kMantissaBits);
  // The least mantissa that the scale is rounded up for.
  int32_t up = 0;
  while (up < 128 && byteOf(kOne + up, params) == byte)
    ++up;
  fast.carry = 128 - up;
  for (int32_t i = 0; i < 7; ++i) {
    std::optional<int32_t> threshold = findThreshold(byte, i + 1, params);
    if (!threshold)
      return std::nullopt;
    fast.thresholds[i] = *threshold - (byte << kMantissaBits);
  }
  // All amax round kOne for which both rules hold. A byte's thresholds are
  // found once.
  int32_t lastByte = -1;
  bool lastHolds = false;
  auto holds = [&](int32_t amax) {
    int32_t expected = ((amax + fast.carry) >> kMantissaBits) + fast.offset;
    if (expected < 1 || expected > 254 || byteOf(amax, params) != expected)
      return false;
    if (expected == lastByte)
      return lastHolds;
    lastByte = expected;
    lastHolds = true;
    for (int32_t i = 0; i < 7; ++i) {
      std::optional<int32_t> found = findThreshold(expected, i + 1, params);
      lastHolds &=
          found && *found == fast.thresholds[i] + (expected << kMantissaBits);
    }
    return lastHolds;
  };
  if (!holds(kOne))
    return std::nullopt;
  for (fast.least = kOne; fast.least > 0 && holds(fast.least - 1);)
    --fast.least;
  lastByte = -1;
  for (fast.largest = kOne;
       fast.largest < kInfinity - 1 && holds(fast.largest + 1);)
    ++fast.largest;
  return fast;
}

void BF16Quantizer::emit(CPUKernelBuilder &b, const QuantizeConfig &config,
                         const QuantizeOperands &operands, Value spread,
                         Value row, Value k, int64_t blockGroups,
                         function_ref<void()> otherwise) const {
  int64_t size = config.group, words = size / 2;
  Type shortType = b.getI16Type();
  Type shorts = b.vec(size, shortType);
  auto loadBits = [&](Value place) {
    return b.bitcast(b.load(size, operands.x, {row, place}), size, shortType);
  };
  // In dwords: LLVM would take the mask of bf16 lanes for llvm.fabs, and
  // compute that through f32 and a function that is missing on CPUs without
  // bf16.
  Type dwords = b.vec(words, b.i32());
  Value magnitudeMask = b.splat(dwords, 0x7FFF7FFFu);
  auto magnitudes = [&](Value bits) -> Value {
    return arith::AndIOp::create(b, b.bitcast(bits, words, b.i32()),
                                 magnitudeMask);
  };
  SmallVector<Value> vectors;
  for (int64_t i = 0; i < blockGroups; ++i) {
    Value bits = loadBits(b.add(k, i * size));
    vectors.push_back(magnitudes(bits));
  }
  // From here on dwords are compared, so both halves of each become one number.
  for (Value &vector : vectors) {
    Value upper =
        arith::ShRUIOp::create(b, vector, b.splat(vector.getType(), 16u));
    Value lower =
        arith::AndIOp::create(b, vector, b.splat(vector.getType(), 0xFFFFu));
    vector = arith::MaxSIOp::create(b, upper, lower);
  }
  Value amax = maxOfSegments(b, vectors, words);
  Type type = amax.getType();
  auto within = [&](arith::CmpIPredicate predicate, int32_t bound) -> Value {
    return arith::CmpIOp::create(b, predicate, amax,
                                 b.splat(type, static_cast<uint32_t>(bound)));
  };
  Value inRange =
      arith::AndIOp::create(b, within(arith::CmpIPredicate::sge, least),
                            within(arith::CmpIPredicate::sle, largest));
  Value all =
      vector::ReductionOp::create(b, vector::CombiningKind::AND, inRange);
  b.ifThenElse(
      all,
      [&] {
        Value rounded = arith::AddIOp::create(
            b, amax, b.splat(type, static_cast<uint32_t>(carry)));
        Value exponent = arith::ShRUIOp::create(
            b, rounded, b.splat(type, static_cast<uint32_t>(kMantissaBits)));
        Value bytes = arith::AddIOp::create(
            b, exponent, b.splat(type, static_cast<uint32_t>(offset)));
        Value group = b.createOrFold<arith::DivUIOp>(k, b.index(config.group));
        Value narrow =
            arith::TruncIOp::create(b, b.vec(blockGroups, b.i8()), bytes);
        Type scaleType = getElementTypeOrSelf(operands.scales);
        b.store(
            arith::BitcastOp::create(b, b.vec(blockGroups, scaleType), narrow),
            operands.scales, {row, group});
        Value fields = arith::ShLIOp::create(
            b, bytes, b.splat(type, static_cast<uint32_t>(kMantissaBits)));
        b.store(
            arith::TruncIOp::create(b, b.vec(blockGroups, shortType), fields),
            spread, b.index(0));
        b.loop(b.index(0), b.index(blockGroups), 1, [&](Value i) {
          Value place = b.add(k, b.mul(i, size));
          Value bits = loadBits(place);
          Value magnitude = b.bitcast(magnitudes(bits), size, shortType);
          Value relative = arith::SubIOp::create(
              b, magnitude, b.broadcast(b.loadScalar(spread, i), size));
          Value code;
          for (int32_t threshold : thresholds) {
            Value reached = arith::CmpIOp::create(
                b, arith::CmpIPredicate::sge, relative,
                b.splat(shorts, static_cast<uint32_t>(threshold)));
            Value one = arith::ExtUIOp::create(b, shorts, reached);
            code = code ? arith::AddIOp::create(b, code, one).getResult() : one;
          }
          Value sign = arith::AndIOp::create(
              b, arith::ShRUIOp::create(b, bits, b.splat(shorts, 12u)),
              b.splat(shorts, 8u));
          code = arith::OrIOp::create(b, code, sign);
          // Two codes in a dword, 16 bits apart, become a byte.
          Value pairs = b.bitcast(code, words, b.i32());
          Value folded = arith::OrIOp::create(
              b, pairs,
              arith::ShRUIOp::create(b, pairs, b.splat(pairs.getType(), 12u)));
          Value byte = b.createOrFold<arith::DivUIOp>(place, b.index(2));
          b.store(arith::TruncIOp::create(b, b.vec(words, b.i8()), folded),
                  operands.codes, {row, byte});
        });
      },
      otherwise);
}
