//===- ElementwiseKernels.cpp - quantize, transform, dequantize -----------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows do not matter to these kernels but for a transform of each block: K is a
// multiple of the group size and of the block size, so groups and blocks lie
// one after the other in the whole array. A thread takes a chunk of elements,
// or a whole group if that is smaller. Threads beyond the end work on the last
// chunk again and store nothing, so that all lanes take part in shuffles.
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Codec.h"
#include "fp4q/CodeGen/GPU/Kernels.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Elements of a thread: of a quantization, where many share a scale; of the
/// rest, which then read and write 16 bytes of bf16.
constexpr int64_t kQuantizeChunk = 16, kChunk = 8;

namespace {
/// The chunk of a thread.
struct Chunk {
  Value number;  ///< among all chunks; that of the last one beyond the end
  Value inRange; ///< whether it is this thread's own
  int64_t size;
  Value begin; ///< its first element
};
} // namespace

static Chunk chunkOfThread(GPUKernelBuilder &k, Value array, int64_t size) {
  Value id = k.globalId(kElementwiseThreads);
  Value count = k.div(k.sizeOf(array), size);
  Value last = arith::SubIOp::create(k.b, count, k.index(1));
  Value number = k.least(id, last);
  return {number, k.isLess(id, count), size, k.mul(number, size)};
}

/// Elements of the transform's result, f32: each one chain of fused
/// multiply-adds over the elements of its block, from +0.
static Value loadTransformed(GPUKernelBuilder &k, Value x, const Chunk &chunk,
                             const KernelTransform &transform,
                             int64_t rowElements) {
  int64_t block = transform.blockSize;
  int64_t step = std::min(block, kChunk);
  Value zero = arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0.0f));
  SmallVector<Value> results;
  // Blocks smaller than a chunk lie in it, one after the other.
  for (int64_t first = 0; first < chunk.size; first += step) {
    Value at = k.add(chunk.begin, k.index(first));
    int64_t own = std::min(step, chunk.size - first);
    Value inBlock = k.rem(at, block);
    Value blockBegin = arith::SubIOp::create(k.b, at, inBlock);
    Value matrix = k.mul(inBlock, block); // Of its row for the first element.
    if (transform.perBlock)
      matrix = k.add(matrix, k.mul(k.div(k.rem(blockBegin, rowElements), block),
                                   block * block));
    auto accumulate = [&](Value j, ValueRange sums) {
      SmallVector<Value> xs =
          k.elementsOf(k.arith.extend(k.load(x, k.add(blockBegin, j), step)));
      SmallVector<Value> next(sums);
      for (int64_t e = 0; e < own; ++e) {
        Value row = k.add(k.add(matrix, k.index(e * block)), j);
        SmallVector<Value> factors =
            k.elementsOf(k.arith.extend(k.load(transform.matrix, row, step)));
        for (int64_t i = 0; i < step; ++i)
          next[e] = k.fma(xs[i], factors[i], next[e]);
      }
      return next;
    };
    auto loop =
        scf::ForOp::create(k.b, k.index(0), k.index(block), k.index(step),
                           SmallVector<Value>(own, zero));
    {
      OpBuilder::InsertionGuard guard(k.b);
      k.b.setInsertionPointToStart(loop.getBody());
      scf::YieldOp::create(
          k.b, accumulate(loop.getInductionVar(), loop.getRegionIterArgs()));
    }
    llvm::append_range(results, loop.getResults());
  }
  return vector::FromElementsOp::create(
      k.b, VectorType::get({chunk.size}, k.b.getF32Type()), results);
}

static Type elementTypeOf(Value array) {
  return cast<MemRefType>(array.getType()).getElementType();
}

//===----------------------------------------------------------------------===//
// quantize_pack
//===----------------------------------------------------------------------===//

int64_t QuantizeKernel::elementsPerThread(int64_t groupSize) {
  return std::min(groupSize, kQuantizeChunk);
}

/// The bits of the largest |x| of a thread's elements; NaN is above all.
static Value amaxBits(GPUKernelBuilder &k, Value elements) {
  auto type = cast<VectorType>(elements.getType());
  WordEmitter words(k.b);
  auto largest = [&](ArrayRef<Value> values) {
    Value amax = values.front();
    for (Value value : values.drop_front())
      amax = arith::MaxUIOp::create(k.b, amax, value);
    return amax;
  };
  if (type.getElementTypeBitWidth() == 32) {
    SmallVector<Value> bits;
    for (Value element : k.elementsOf(elements))
      bits.push_back(k.arith.absBits(element));
    return largest(bits);
  }
  // Two at a time: magnitudes of bf16 and f16 order as integers, too.
  auto pair = VectorType::get({2}, k.b.getI16Type());
  SmallVector<Value> pairs;
  for (Value word : words.wordsOf(elements))
    pairs.push_back(
        LLVM::BitcastOp::create(k.b, pair, words.bitAnd(word, 0x7FFF7FFF)));
  Value both = LLVM::BitcastOp::create(k.b, k.b.getI32Type(), largest(pairs));
  Value half =
      largest({words.bitAnd(both, 0xFFFF), words.shiftRight(both, 16)});
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

void QuantizeKernel::emit(GPUKernelBuilder &kernel) const {
  Chunk chunk = chunkOfThread(kernel, x, elementsPerThread(groupSize));
  int64_t lanes = groupSize / chunk.size;
  Type scaleElement = elementTypeOf(scales), inputType = elementTypeOf(x);
  ::fp4q::ScaleType scaleType = getScaleType(scaleElement);
  Value global = kernel.loadScalar(globalScale);
  Value loaded = transform.matrix
                     ? loadTransformed(kernel, x, chunk, transform, k)
                     : kernel.load(x, chunk.begin, chunk.size);
  SmallVector<Value> elements;
  for (Value element : kernel.elementsOf(loaded))
    elements.push_back(kernel.arith.extend(element));

  Value group = kernel.div(chunk.number, lanes), byte;
  Value amax = amaxBits(kernel, loaded);
  if (givenScales) {
    byte = kernel.byteToInt(kernel.loadOne(scales, group));
  } else {
    for (int64_t distance = 1; distance < lanes; distance *= 2)
      amax = arith::MaxUIOp::create(kernel.b, amax,
                                    kernel.shuffleXor(amax, distance));
    Value largest =
        arith::BitcastOp::create(kernel.b, kernel.b.getF32Type(), amax);
    Value scale = kernel.arith.scaleOf(
        largest, global, kernel.loadScalar(scaleScale), recipe, inputType);
    byte = kernel.arith.encodeScale(scale, scaleType, recipe);
  }
  Value factor = kernel.arith.groupFactor(byte, global, scaleType, recipe);

  bool hasFastPath = chunk.size % 8 == 0 &&
                     dividesByFactor(recipe.elementOperand) &&
                     recipe.intermediate == ::fp4q::Intermediate::F32 &&
                     recipe.zeroSign == ::fp4q::ZeroSign::SignBit;
  Value packed;
  if (hasFastPath) {
    auto type = VectorType::get({chunk.size / 2}, kernel.b.getI8Type());
    packed = kernel.ifElse(
        isInRange(kernel, amax, factor), type,
        [&] { return encodeByReciprocal(kernel, elements, factor); },
        [&] {
          return encodeByDivision(kernel, elements, factor, recipe, inputType);
        });
  } else {
    packed = encodeByDivision(kernel, elements, factor, recipe, inputType);
  }
  kernel.ifTrue(chunk.inRange, [&] {
    kernel.store(packed, codes, kernel.mul(chunk.number, chunk.size / 2));
  });
  if (givenScales)
    return;
  Value isFirst = kernel.isEqual(kernel.rem(chunk.number, lanes), 0);
  kernel.ifTrue(arith::AndIOp::create(kernel.b, chunk.inRange, isFirst), [&] {
    kernel.storeOne(kernel.intToByte(byte, scaleElement), scales, group);
  });
}

//===----------------------------------------------------------------------===//
// dequant
//===----------------------------------------------------------------------===//

int64_t DequantKernel::elementsPerThread(int64_t groupSize) {
  return std::min(groupSize, kChunk);
}

void DequantKernel::emit(GPUKernelBuilder &k) const {
  Chunk chunk = chunkOfThread(k, out, elementsPerThread(groupSize));
  Value byte = k.byteToInt(
      k.loadOne(scales, k.div(chunk.number, groupSize / chunk.size)));
  Value scale = k.arith.combinedScale(byte, k.loadScalar(globalScale), divide,
                                      getScaleType(elementTypeOf(scales)));
  Value packed =
      k.load(codes, k.mul(chunk.number, chunk.size / 2), chunk.size / 2);
  Value elements = DecodeOp::create(
      k.b, VectorType::get({chunk.size}, k.b.getF32Type()), packed,
      /*scales=*/Value(), NibbleOrder::Interleaved, /*bias=*/0);
  Value values =
      arith::MulFOp::create(k.b, elements, k.splat(scale, chunk.size));
  values = k.arith.truncate(values, elementTypeOf(out));
  k.ifTrue(chunk.inRange, [&] { k.store(values, out, chunk.begin); });
}

//===----------------------------------------------------------------------===//
// block_transform
//===----------------------------------------------------------------------===//

int64_t TransformKernel::elementsPerThread(int64_t blockSize) {
  return std::min(blockSize, kChunk);
}

void TransformKernel::emit(GPUKernelBuilder &kb) const {
  Chunk chunk = chunkOfThread(kb, x, elementsPerThread(transform.blockSize));
  Value values = loadTransformed(kb, x, chunk, transform, k);
  values = kb.arith.truncate(values, elementTypeOf(out));
  kb.ifTrue(chunk.inRange, [&] { kb.store(values, out, chunk.begin); });
}
