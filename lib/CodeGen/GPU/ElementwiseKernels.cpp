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

#include "QuantizePieces.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

/// Elements of a thread: of a quantization, where many share a scale; of the
/// rest, which then read and write 16 bytes of bf16.
constexpr int64_t kQuantizeChunk = 32, kChunk = 8;

namespace {
/// The chunk of a thread.
struct Chunk {
  Value number;  ///< among all chunks; that of the last one beyond the end
  Value inRange; ///< whether it is this thread's own
  int64_t size;
  Value begin; ///< its first element
};
} // namespace

static Chunk chunkOfThread(GPUKernelBuilder &k, Value array, int64_t size,
                           Value id) {
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

static Chunk chunkOfThread(GPUKernelBuilder &k, Value array, int64_t size) {
  return chunkOfThread(k, array, size, k.globalId(kElementwiseThreads));
}

static Type elementTypeOf(Value array) {
  return cast<MemRefType>(array.getType()).getElementType();
}

//===----------------------------------------------------------------------===//
// quantize_pack
//===----------------------------------------------------------------------===//

/// Elements that share a scale or are stored at once, of one thread.
static int64_t quantizeChunk(int64_t groupSize) {
  return std::min(groupSize, kQuantizeChunk);
}

int64_t QuantizeKernel::chunks() const {
  // Loads of 64 bytes of bf16 are under way at a time.
  return quantizeChunk(groupSize) == 16 && !transform.blockSize ? 2 : 1;
}

int64_t QuantizeKernel::elementsPerBlock() const {
  return quantizeChunk(groupSize) * chunks() * threads();
}

void QuantizeKernel::emit(GPUKernelBuilder &kernel) const {
  int64_t size = quantizeChunk(groupSize), lanes = groupSize / size;
  Value first = kernel.add(kernel.mul(kernel.blockId(), threads() * chunks()),
                           kernel.threadId());
  SmallVector<Chunk> ours;
  SmallVector<Value> loaded;
  for (int64_t i = 0; i < chunks(); ++i) {
    Value id = kernel.add(first, kernel.index(i * threads()));
    ours.push_back(chunkOfThread(kernel, x, size, id));
    loaded.push_back(transform.matrix
                         ? loadTransformed(kernel, x, ours.back(), transform, k)
                         : kernel.load(x, ours.back().begin, size));
  }
  GroupQuantizer quantizer(kernel, *this, size);
  SmallVector<SmallVector<Value>> elements;
  SmallVector<Value> amax, groups, bytes, factors;
  for (auto [chunk, vector] : llvm::zip_equal(ours, loaded)) {
    elements.emplace_back();
    for (Value element : kernel.elementsOf(vector))
      elements.back().push_back(kernel.arith.extend(element));
    amax.push_back(amaxBits(kernel, vector));
    for (int64_t distance = 1; distance < lanes && !givenScales; distance *= 2)
      amax.back() = kernel.largest(
          {amax.back(), kernel.shuffleXor(amax.back(), distance)});
    groups.push_back(kernel.div(chunk.number, lanes));
    GroupScale scale = quantizer.scaleOf(amax.back(), groups.back());
    bytes.push_back(scale.byte);
    factors.push_back(scale.factor);
  }
  SmallVector<Value> packed = quantizer.encode(elements, amax, factors);
  for (auto [i, chunk] : llvm::enumerate(ours)) {
    kernel.ifTrue(chunk.inRange, [&, i = i, chunk = chunk] {
      kernel.store(packed[i], codes, kernel.mul(chunk.number, size / 2));
    });
    if (givenScales)
      continue;
    Value isFirst = kernel.isEqual(kernel.rem(chunk.number, lanes), 0);
    Value stores = arith::AndIOp::create(kernel.b, chunk.inRange, isFirst);
    kernel.ifTrue(stores, [&, i = i] {
      kernel.storeOne(kernel.intToByte(bytes[i], elementTypeOf(scales)), scales,
                      groups[i]);
    });
  }
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
