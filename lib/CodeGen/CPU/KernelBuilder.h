//===- KernelBuilder.h - pieces shared by the CPU kernels -------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A builder with the few idioms of the kernels: index arithmetic, loops, loads
// and stores of vectors, splats.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LIB_CODEGEN_CPU_KERNELBUILDER_H
#define FP4Q_LIB_CODEGEN_CPU_KERNELBUILDER_H

#include "fp4q/Numerics/Recipe.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir {
namespace fp4q {

/// Four packed dwords (128 bits) of codes are 32 elements: what the kernels
/// read at a time.
constexpr int64_t kUnitBytes = 16;
constexpr int64_t kUnitElements = 32;
/// Bytes of a cache line. Scratch starts at one, so that no vector crosses one.
constexpr int64_t kLineBytes = 64;

class CPUKernelBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  // Types.
  VectorType vec(int64_t size, Type element) {
    return VectorType::get({size}, element);
  }
  Type i8() { return getI8Type(); }
  Type i32() { return getI32Type(); }
  Type f32() { return getF32Type(); }

  // Index arithmetic.
  Value index(int64_t value);
  Value add(Value lhs, Value rhs);
  Value add(Value lhs, int64_t rhs) { return add(lhs, index(rhs)); }
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, int64_t rhs);
  Value mul(Value lhs, Value rhs);
  Value min(Value lhs, Value rhs);
  Value max(Value lhs, Value rhs);
  Value ceilDiv(Value lhs, int64_t rhs);
  Value ceilDiv(Value lhs, Value rhs);
  Value less(Value lhs, Value rhs);
  /// The size of dimension `dim` of a memref.
  Value dim(Value memref, int64_t dim);

  // Splats and constants of the type of a value or of a given type.
  Value splat(Type type, uint32_t bits);
  Value splat(Type type, float value);
  /// A scalar in all lanes.
  Value broadcast(Value scalar, int64_t lanes);
  Value constantBytes(ArrayRef<int8_t> bytes);

  // Vectors.
  static int64_t lanesOf(Value vector) {
    return cast<VectorType>(vector.getType()).getNumElements();
  }
  Value load(int64_t size, Value memref, ValueRange indices);
  void store(Value vector, Value memref, ValueRange indices);
  Value loadScalar(Value memref, ValueRange indices);
  Value bitcast(Value value, int64_t size, Type element);
  Value slice(Value vector, int64_t offset, int64_t size);
  Value concat(ArrayRef<Value> vectors);
  Value shuffle(Value lhs, Value rhs, ArrayRef<int64_t> mask);
  /// a * b + c, rounded once on every level.
  Value fma(Value a, Value b, Value c);
  /// a * b + c, rounded once where the level has an instruction for that, and
  /// twice elsewhere: fast everywhere, for sums whose bits are free.
  Value multiplyAdd(Value a, Value b, Value c);
  /// A memref of f8 or i8 -> bytes in i8.
  Value loadBytes(int64_t size, Value memref, ValueRange indices);
  Value loadByte(Value memref, ValueRange indices);

  /// for (i = begin; i < end; i += step) values = body(i, values)
  SmallVector<Value>
  loop(Value begin, Value end, int64_t step, ValueRange inits,
       function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void loop(Value begin, Value end, int64_t step,
            function_ref<void(Value)> body);
  /// A parallel loop over 0 .. count-1.
  void parallel(Value count, function_ref<void(Value)> body);
  /// The same, where an iteration does `work`, and a thread should have at
  /// least `least` of it: a task is as many iterations as that takes.
  void parallel(Value count, Value work, int64_t least,
                function_ref<void(Value)> body);
  void ifThen(Value condition, function_ref<void()> body);
  void ifThenElse(Value condition, function_ref<void()> thenBody,
                  function_ref<void()> elseBody);

  /// A scratch buffer of `size` elements, aligned to cache lines.
  Value allocate(Value size, Type element);
  void deallocate(Value buffer);

  /// Asks for the cache line that holds an element, into the L1 or L2 cache.
  void prefetch(Value memref, ValueRange indices, int64_t cache = 1);
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_LIB_CODEGEN_CPU_KERNELBUILDER_H
