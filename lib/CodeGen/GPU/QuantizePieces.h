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

/// The codes of a thread's elements, packed bytes, and the scale byte of their
/// group, i32.
struct QuantizedGroup {
  Value codes, byte;
};

/// The bits of the largest |x| of a vector; NaN is above all.
Value amaxBits(GPUKernelBuilder &k, Value elements);

/// Quantizes a thread's elements, f32, which are a group's together with those
/// of the `lanes` - 1 neighbors; all lanes of the warp take part. `group` is
/// the number of the group, for given scales. `amax` is amaxBits, if it is
/// known.
QuantizedGroup quantizeElements(GPUKernelBuilder &k,
                                const QuantizeKernel &kernel,
                                ArrayRef<Value> elements, int64_t lanes,
                                Value globalScale, Value scaleScale,
                                Value group, Value amax = Value());

} // namespace fp4q
} // namespace mlir

#endif // LIB_CODEGEN_GPU_QUANTIZEPIECES_H
