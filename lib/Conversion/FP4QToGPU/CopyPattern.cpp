//===- CopyPattern.cpp - copies of strided memrefs to kernels -------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slices of columns, concatenations along them, and what kernels that want
// contiguous operands make of either. Copies of contiguous memrefs are left to
// the driver. Each thread copies 16 bytes, or as much of that as all rows of
// both sides are known to be multiples of.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::fp4q;

/// What a thread copies at most, in bytes; the alignment of all memory.
constexpr int64_t kCopyBytes = 16;

namespace {

/// One side of a copy: element (i, j, ...) is at offset + i * strides[0] + j *
/// strides[1] + ... of a flat array.
struct StridedArray {
  Value array;
  OpFoldResult offset;
  SmallVector<OpFoldResult> strides;
};

/// memref.copy, of which a side is not contiguous -> one kernel
struct CopyToKernel : public OpRewritePattern<memref::CopyOp> {
  CopyToKernel(MLIRContext *context, KernelModule &kernels)
      : OpRewritePattern(context), kernels(kernels) {}

  LogicalResult matchAndRewrite(memref::CopyOp op,
                                PatternRewriter &rewriter) const override;

private:
  KernelModule &kernels;
};

/// Writes the kernel.
struct CopyKernel {
  StridedArray from, to;
  ArrayRef<OpFoldResult> sizes;
  int64_t width; ///< elements of a thread
  /// The kernel's arguments for what is not constant, in this order: offset and
  /// strides of `from` and of `to`, sizes, the number of threads.
  ArrayRef<Value> arguments;

  void emit(GPUKernelBuilder &kernel) {
    Value source = next(kernel, from.offset);
    SmallVector<Value> sourceStrides = next(kernel, from.strides);
    Value target = next(kernel, to.offset);
    SmallVector<Value> targetStrides = next(kernel, to.strides);
    SmallVector<Value> extents = next(kernel, sizes);
    Value rest = kernel.globalId(kElementwiseThreads);
    kernel.ifTrue(kernel.isLess(rest, arguments.front()), [&] {
      for (size_t i = extents.size(); i-- > 0;) {
        Value index = rest;
        Value extent = extents[i];
        if (i + 1 == extents.size())
          extent = kernel.div(extent, width);
        if (i > 0) {
          rest = kernel.div(index, extent);
          index =
              arith::SubIOp::create(kernel.b, index, kernel.mul(rest, extent));
        }
        if (i + 1 == extents.size())
          index = kernel.mul(index, width);
        source = kernel.add(source, kernel.mul(index, sourceStrides[i]));
        target = kernel.add(target, kernel.mul(index, targetStrides[i]));
      }
      if (width == 1)
        return kernel.storeOne(kernel.loadOne(from.array, source), to.array,
                               target);
      kernel.store(kernel.load(from.array, source, width), to.array, target);
    });
  }

private:
  Value next(GPUKernelBuilder &kernel, OpFoldResult value) {
    if (std::optional<int64_t> constant = getConstantIntValue(value))
      return kernel.index(*constant);
    Value argument = arguments.front();
    arguments = arguments.drop_front();
    return argument;
  }
  SmallVector<Value> next(GPUKernelBuilder &kernel,
                          ArrayRef<OpFoldResult> values) {
    SmallVector<Value> result;
    for (OpFoldResult value : values)
      result.push_back(next(kernel, value));
    return result;
  }
};

} // namespace

/// The memref taken apart, and its sizes.
static StridedArray takeApart(ImplicitLocOpBuilder &b, Value memref,
                              SmallVector<OpFoldResult> &sizes) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  sizes = metadata.getConstifiedMixedSizes();
  StridedArray result;
  result.offset = metadata.getConstifiedMixedOffset();
  result.strides = metadata.getConstifiedMixedStrides();
  // Its size is not looked at.
  Value zero = arith::ConstantIndexOp::create(b, 0);
  auto flat = MemRefType::get({ShapedType::kDynamic},
                              getElementTypeOrSelf(memref.getType()));
  OpFoldResult begin = b.getIndexAttr(0), step = b.getIndexAttr(1);
  result.array = memref::ReinterpretCastOp::create(
      b, flat, metadata.getBaseBuffer(), begin, OpFoldResult(zero), step);
  return result;
}

/// Whether offset, strides and the size of a row are multiples of `width`.
static bool isMultiple(const StridedArray &side, int64_t width) {
  auto holds = [&](OpFoldResult value) {
    std::optional<int64_t> constant = getConstantIntValue(value);
    return constant && *constant % width == 0;
  };
  return isConstantIntValue(side.strides.back(), 1) && holds(side.offset) &&
         llvm::all_of(ArrayRef(side.strides).drop_back(), holds);
}

/// How many elements a thread can copy at a time.
static int64_t chooseWidth(const StridedArray &from, const StridedArray &to,
                           ArrayRef<OpFoldResult> sizes, Type element) {
  if (sizes.empty() || !element.isIntOrFloat() ||
      element.getIntOrFloatBitWidth() % 8 != 0)
    return 1;
  std::optional<int64_t> row = getConstantIntValue(sizes.back());
  int64_t width = kCopyBytes * 8 / element.getIntOrFloatBitWidth();
  while (width > 1 && !(row && *row % width == 0 && isMultiple(from, width) &&
                        isMultiple(to, width)))
    width /= 2;
  return std::max<int64_t>(width, 1);
}

bool mlir::fp4q::needsKernel(memref::CopyOp op) {
  auto isStrided = [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return memref && memref.isStrided();
  };
  auto isContiguous = [](Type type) {
    return cast<MemRefType>(type).getLayout().isIdentity();
  };
  Type from = op.getSource().getType(), to = op.getTarget().getType();
  return isStrided(from) && isStrided(to) &&
         !(isContiguous(from) && isContiguous(to));
}

LogicalResult CopyToKernel::matchAndRewrite(memref::CopyOp op,
                                            PatternRewriter &rewriter) const {
  if (!needsKernel(op))
    return rewriter.notifyMatchFailure(op, "expects strided memrefs, of which "
                                           "one is not contiguous");
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  SmallVector<OpFoldResult> sizes, toSizes;
  StridedArray from = takeApart(b, op.getSource(), sizes);
  StridedArray to = takeApart(b, op.getTarget(), toSizes);
  // They are the same, of which one may be known.
  for (auto [size, other] : llvm::zip_equal(sizes, toSizes))
    if (isa<Attribute>(other))
      size = other;
  int64_t width = chooseWidth(from, to, sizes,
                              getElementTypeOrSelf(op.getSource().getType()));

  Value threads = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Value> operands = {from.array, to.array};
  auto pass = [&](OpFoldResult value) {
    if (auto dynamic = dyn_cast<Value>(value))
      operands.push_back(dynamic);
  };
  auto passArray = [&](const StridedArray &side) {
    pass(side.offset);
    llvm::for_each(side.strides, pass);
  };
  passArray(from);
  passArray(to);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    pass(size);
    Value extent = getValueOrCreateConstantIndexOp(b, op.getLoc(), size);
    if (i + 1 == sizes.size())
      extent = arith::DivUIOp::create(b, extent,
                                      arith::ConstantIndexOp::create(b, width));
    threads = arith::MulIOp::create(b, threads, extent);
  }
  operands.push_back(threads);
  LaunchShape shape;
  shape.gridX = blocksFor(b, threads, kElementwiseThreads);
  shape.threads = kElementwiseThreads;
  kernels.launch(
      b, "copy", shape, operands,
      [&](GPUKernelBuilder &kernel, ArrayRef<Value> arguments) {
        from.array = arguments[0];
        to.array = arguments[1];
        CopyKernel{from, to, sizes, width, arguments.drop_front(2)}.emit(
            kernel);
      });
  rewriter.eraseOp(op);
  return success();
}

void mlir::fp4q::populateCopyToGPUPatterns(RewritePatternSet &patterns,
                                           KernelModule &kernels) {
  patterns.add<CopyToKernel>(patterns.getContext(), kernels);
}
