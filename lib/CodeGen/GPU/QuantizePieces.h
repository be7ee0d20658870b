//===- QuantizePieces.h - shared by quantizing kernels ----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CODEGEN_GPU_QUANTIZEPIECES_H
#define LIB_CODEGEN_GPU_QUANTIZEPIECES_H

#include "fp4q/CodeGen/GPU/Codec.h"
#include "fp4q/CodeGen/GPU/Kernels.h"

namespace mlir {
namespace fp4q {

/// The bits of the largest |x| of a vector; NaN is above all.
Value amaxBits(GPUKernelBuilder &k, Value elements);

/// The scale byte of a group, i32, and what its elements are divided by or
/// multiplied with.
struct GroupScale {
  Value byte, factor;
};

/// Quantizes groups by a kernel's recipe. Elements are f32.
///
/// Where elements are divided, there is a fast path for factors and elements
/// that are not extreme: `isFast` says so of a group. It need not be taken.
class GroupQuantizer {
public:
  /// For `elementCount` elements of a group a thread.
  GroupQuantizer(GPUKernelBuilder &k, const QuantizeKernel &kernel,
                 int64_t elementCount);

  /// From the bits of its amax, or of the number of the group if scales are
  /// given.
  GroupScale scaleOf(Value amax, Value group);

  bool hasFastPath() const { return fastPath != FastPath::None; }
  Value isFast(Value amax, Value factor);
  Value reciprocalOf(Value factor);
  /// The codes of elements, packed bytes.
  Value encodeFast(ArrayRef<Value> elements, Value factor, Value reciprocal);
  Value encodeAny(ArrayRef<Value> elements, Value factor);

  /// The codes of each group's elements, all by the same path.
  SmallVector<Value> encode(ArrayRef<SmallVector<Value>> elements,
                            ArrayRef<Value> amax, ArrayRef<Value> factors);

private:
  /// How quotients are computed: not at all; of factors in the range; by powers
  /// of two; of bf16 by factors whose ties are far from any bf16.
  enum class FastPath { None, InRange, PowerOfTwo, FarFromTies };

  GPUKernelBuilder &k;
  const QuantizeKernel &kernel;
  Type inputType;
  ::fp4q::ScaleType scaleType;
  Value global, scaleScale;
  FastPath fastPath = FastPath::None;
};

} // namespace fp4q
} // namespace mlir

#endif // LIB_CODEGEN_GPU_QUANTIZEPIECES_H
