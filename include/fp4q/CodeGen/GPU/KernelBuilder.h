//===- KernelBuilder.h - the common pieces of GPU kernels -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels see memory as flat arrays, memref<?xT> or memref<NxT>, of operands
// that are contiguous and begin at a multiple of 16 bytes.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_GPU_KERNELBUILDER_H
#define FP4Q_CODEGEN_GPU_KERNELBUILDER_H

#include "fp4q/CodeGen/Arith/ArithEmitter.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
namespace fp4q {

/// Lanes of a warp.
constexpr int64_t kWarpSize = 32;

/// Writes index arithmetic, memory accesses and warp-wide operations at the
/// builder's insertion point.
class GPUKernelBuilder {
public:
  explicit GPUKernelBuilder(ImplicitLocOpBuilder &builder)
      : b(builder), arith(builder) {}

  Value index(int64_t value);
  Value constant(int32_t value);
  Value add(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value mul(Value lhs, int64_t rhs);
  /// Unsigned division and remainder.
  Value div(Value lhs, Value rhs);
  Value div(Value lhs, int64_t rhs);
  Value rem(Value lhs, int64_t rhs);
  /// The lesser of two indices.
  Value least(Value lhs, Value rhs);
  /// The largest of integers, unsigned.
  Value largest(ArrayRef<Value> values);
  /// Whether lhs < rhs, unsigned.
  Value isLess(Value lhs, Value rhs);
  Value isEqual(Value lhs, int64_t rhs);
  Value select(Value condition, Value ifTrue, Value ifFalse);
  /// The place of the slot after `slot` in a ring of `slots`, each of so many
  /// bytes, that begins at 0.
  Value nextInRing(Value slot, int64_t slots, int64_t bytes);

  Value threadId();
  Value blockId(gpu::Dimension dimension = gpu::Dimension::x);
  /// blockId * blockSize + threadId.
  Value globalId(int64_t blockSize);

  /// `count` elements of a flat array as a vector. `aligned` says that `at` is
  /// a multiple of `count`, which is a power of two.
  Value load(Value array, Value at, int64_t count, bool aligned = true);
  void store(Value vector, Value array, Value at, bool aligned = true);
  /// One element.
  Value loadOne(Value array, Value at);
  void storeOne(Value value, Value array, Value at);
  /// An f32 that is a scalar, or lies in an array without dimensions; null
  /// stays null.
  Value loadScalar(Value scalarOrArray);
  /// The size of a flat array.
  Value sizeOf(Value array);

  /// A byte of an f8 type, zero-extended to i32, and back.
  Value byteToInt(Value byte);
  Value intToByte(Value value, Type type);

  Value splat(Value scalar, int64_t count);
  SmallVector<Value> elementsOf(Value vector);
  /// x * y + z of f32, rounded once.
  Value fma(Value x, Value y, Value z);
  /// 1 / x within one unit in the last place (PTX ISA 9.7.3 "rcp.approx"), of a
  /// normal number with a normal reciprocal.
  Value approximateReciprocal(Value x);
  /// The value of lane (lane ^ distance); the whole warp takes part.
  Value shuffleXor(Value value, int64_t distance);
  /// The value of a lane, index; the whole warp takes part.
  Value shuffleFrom(Value value, Value lane);

  /// The address of an array in global memory, or of shared memory's bytes.
  Value pointerTo(Value array);
  /// The dynamic shared memory of the kernel.
  Value sharedMemory();
  /// An address `bytes` further on.
  Value offset(Value pointer, Value bytes);
  Value offset(Value pointer, int64_t bytes);
  /// `count` words (i32) or numbers (f32) at an address that is a multiple of
  /// `alignment` bytes.
  Value loadFrom(Value pointer, Type element, int64_t count, int64_t alignment);
  void storeTo(Value vector, Value pointer, int64_t alignment);

  /// cp.async: 4, 8 or 16 bytes from global to shared memory. Of these `size`
  /// (i32) are read and the others are 0; null: all of them.
  void copyAsync(Value to, Value from, int64_t bytes, Value size);
  void commitCopies();
  /// Until at most `pending` of this thread's commits are under way.
  void waitForCopies(int64_t pending);
  /// Waits for the lanes of the warp; what they wrote before is seen.
  void syncWarp();
  /// ldmatrix: of four matrices of 8 x 8 halves, whose rows the lanes 0..7,
  /// 8..15, 16..23, 24..31 point to in shared memory, a lane's words.
  SmallVector<Value> loadMatrices(Value pointer);
  /// Whether it holds in any lane of the warp; the whole warp takes part.
  Value anyLane(Value condition);

  /// if (condition) body().
  void ifTrue(Value condition, llvm::function_ref<void()> body);

  /// condition ? ifTrue() : ifFalse(), of which one runs.
  Value ifElse(Value condition, Type type, llvm::function_ref<Value()> ifTrue,
               llvm::function_ref<Value()> ifFalse);
  SmallVector<Value> ifElse(Value condition,
                            llvm::function_ref<SmallVector<Value>()> ifTrue,
                            llvm::function_ref<SmallVector<Value>()> ifFalse);

  ImplicitLocOpBuilder &b;
  ArithEmitter arith;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_GPU_KERNELBUILDER_H
