//===- OtherKernels.cpp - global scale, scale layouts ---------------------===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fp4q/CodeGen/GPU/Kernels.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::fp4q;

//===----------------------------------------------------------------------===//
// global_scale
//===----------------------------------------------------------------------===//

void GlobalScaleKernels::emitInit(GPUKernelBuilder &k) const {
  Value zero = arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(0.0f));
  memref::StoreOp::create(k.b, zero, out);
}

void GlobalScaleKernels::emitMaximum(GPUKernelBuilder &k) const {
  // Elements one by one, so that any number of them will do; a warp's loads
  // are adjacent.
  Value size = k.sizeOf(x);
  Value last = arith::SubIOp::create(k.b, size, k.index(1));
  Value begin =
      k.add(k.mul(k.blockId(), kElementwiseThreads * elementsPerThread),
            k.threadId());
  Value amax;
  for (int64_t i = 0; i < elementsPerThread; ++i) {
    Value at = k.least(k.add(begin, k.index(i * kElementwiseThreads)), last);
    Value bits = k.arith.absBits(k.loadOne(x, at));
    amax = amax ? arith::MaxUIOp::create(k.b, amax, bits).getResult() : bits;
  }
  for (int64_t distance = 1; distance < kWarpSize; distance *= 2)
    amax = arith::MaxUIOp::create(k.b, amax, k.shuffleXor(amax, distance));
  k.ifTrue(k.isEqual(k.rem(k.threadId(), kWarpSize), 0), [&] {
    // The bits of magnitudes order as the magnitudes, with NaN on top.
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(k.b, out);
    address = arith::IndexCastOp::create(k.b, k.b.getI64Type(), address);
    Value pointer = LLVM::IntToPtrOp::create(
        k.b, LLVM::LLVMPointerType::get(k.b.getContext(), /*addressSpace=*/1),
        address);
    LLVM::AtomicRMWOp::create(k.b, LLVM::AtomicBinOp::umax, pointer, amax,
                              LLVM::AtomicOrdering::monotonic);
  });
}

void GlobalScaleKernels::emitFinish(GPUKernelBuilder &k) const {
  Value amax = memref::LoadOp::create(k.b, out);
  auto constant = [&](float value) -> Value {
    return arith::ConstantOp::create(k.b, k.b.getF32FloatAttr(value));
  };
  Value isZero = arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, amax,
                                       constant(0.0f));
  // The largest code of e2m1 times the largest value of e4m3.
  Value scale = arith::DivFOp::create(k.b, amax, constant(6.0f * 448.0f));
  memref::StoreOp::create(k.b, k.select(isZero, constant(1.0f), scale), out);
}

//===----------------------------------------------------------------------===//
// swizzle_scales, unswizzle_scales
//===----------------------------------------------------------------------===//

void ScaleLayoutKernel::emit(GPUKernelBuilder &k) const {
  Value id = k.globalId(kElementwiseThreads);
  Value size = k.sizeOf(out);
  Type element = cast<MemRefType>(out.getType()).getElementType();
  int64_t tileCols = llvm::divideCeil(cols, kSwizzleCols);
  Value tileRows =
      k.div(k.add(rows, k.index(kSwizzleRows - 1)), k.index(kSwizzleRows));
  k.ifTrue(k.isLess(id, size), [&] {
    if (toBlocked) {
      // id -> batch, tile row, tile column, byte (r % 32, r / 32, c).
      Value byte = k.rem(id, kSwizzleBytes), tile = k.div(id, kSwizzleBytes);
      Value tileCol = k.rem(tile, tileCols);
      Value tileRowOfAll = k.div(tile, tileCols);
      Value batch = k.div(tileRowOfAll, tileRows);
      Value tileRow = arith::RemUIOp::create(k.b, tileRowOfAll, tileRows);
      Value row = k.add(
          k.mul(tileRow, kSwizzleRows),
          k.add(k.div(byte, 16), k.mul(k.rem(k.div(byte, 4), 4), int64_t(32))));
      Value col = k.add(k.mul(tileCol, kSwizzleCols), k.rem(byte, 4));
      Value exists = arith::AndIOp::create(k.b, k.isLess(row, rows),
                                           k.isLess(col, k.index(cols)));
      Value at = k.add(k.mul(k.add(k.mul(batch, rows), row), cols), col);
      Value value =
          k.byteToInt(k.loadOne(source, k.select(exists, at, k.index(0))));
      value = k.select(exists, value, k.constant(0));
      k.storeOne(k.intToByte(value, element), out, id);
      return;
    }
    Value col = k.rem(id, cols), rowOfAll = k.div(id, cols);
    Value batch = k.div(rowOfAll, rows);
    Value row = arith::RemUIOp::create(k.b, rowOfAll, rows);
    Value tile =
        k.add(k.mul(k.add(k.mul(batch, tileRows), k.div(row, kSwizzleRows)),
                    tileCols),
              k.div(col, kSwizzleCols));
    Value inTile =
        k.add(k.add(k.mul(k.rem(row, 32), 16),
                    k.mul(k.div(k.rem(row, kSwizzleRows), 32), kSwizzleCols)),
              k.rem(col, kSwizzleCols));
    Value at = k.add(k.mul(tile, kSwizzleBytes), inTile);
    k.storeOne(k.loadOne(source, at), out, id);
  });
}
