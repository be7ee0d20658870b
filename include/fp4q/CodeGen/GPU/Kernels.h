//===- Kernels.h - bodies of GPU kernels ------------------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function a kind of kernel; it writes the body at the insertion point, in
// terms of the micro-ops, and is the same for every chip. Operands are arrays
// as KernelBuilder.h says, or scalars. M is a number of rows, K the number of
// elements of a row, G a group size.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_GPU_KERNELS_H
#define FP4Q_CODEGEN_GPU_KERNELS_H

#include "fp4q/CodeGen/GPU/KernelBuilder.h"
#include "fp4q/Dialect/FP4Q/IR/FP4QMicroOps.h"

namespace mlir {
namespace fp4q {

/// Threads of a CTA of the kernels that treat elements alone.
constexpr int64_t kElementwiseThreads = 256;

/// A transform of blocks of the last dimension: T (B, B), or (K/B, B, B).
struct KernelTransform {
  Value matrix; ///< null: none
  int64_t blockSize = 0;
  bool perBlock = false;
};

/// quantize_pack. Each thread takes elementsPerThread(groupSize) elements; the
/// lanes of a group find its amax by shuffles.
struct QuantizeKernel {
  Value x;      ///< M * K of bf16, f16 or f32
  Value codes;  ///< M * K / 2 of i8
  Value scales; ///< M * K / G of an f8 type; written unless `givenScales`
  bool givenScales = false;
  KernelTransform transform;
  Value globalScale, scaleScale; ///< f32 or memref<f32>; null: 1
  int64_t k = 0, groupSize = 0;
  ::fp4q::Recipe recipe;

  static int64_t elementsPerThread(int64_t groupSize);
  void emit(GPUKernelBuilder &kernel) const;
};

/// dequant.
struct DequantKernel {
  Value codes, scales, globalScale;
  Value out; ///< M * K of bf16, f16 or f32
  bool divide = false;
  int64_t groupSize = 0;

  static int64_t elementsPerThread(int64_t groupSize);
  void emit(GPUKernelBuilder &kernel) const;
};

/// block_transform.
struct TransformKernel {
  Value x, out;
  KernelTransform transform;
  int64_t k = 0;

  /// At most 8, and a divisor of K.
  static int64_t elementsPerThread(int64_t blockSize);
  void emit(GPUKernelBuilder &kernel) const;
};

/// The three kernels of global_scale, to be launched one after the other: `out`
/// is memref<f32> and holds the bits of amax in between.
struct GlobalScaleKernels {
  Value x, out;

  static constexpr int64_t elementsPerThread = 8;
  /// One thread: out = 0.
  void emitInit(GPUKernelBuilder &kernel) const;
  /// out = max(out, |x|), atomically, by any number of CTAs.
  void emitMaximum(GPUKernelBuilder &kernel) const;
  /// One thread: out = the scale.
  void emitFinish(GPUKernelBuilder &kernel) const;
};

/// swizzle_scales and unswizzle_scales: one byte a thread, of the result.
struct ScaleLayoutKernel {
  Value source, out;
  Value rows; ///< R, index
  int64_t cols = 0;
  bool toBlocked = false;

  void emit(GPUKernelBuilder &kernel) const;
};

/// How a CTA of the matmul is divided. Rows are those of b, so N; columns are
/// those of a, so M: the instruction's m16n8k64 with the operands exchanged,
/// since few tokens then waste least.
struct MatmulTiling {
  int64_t rowWarps, colWarps; ///< warps side by side
  int64_t kWarps;             ///< warps that share a tile and divide K
  int64_t rowTiles, colTiles; ///< tiles of 16 rows and of 8 columns a warp
  int64_t unroll;             ///< steps of 64 along k whose loads are together

  int64_t rowsPerBlock() const { return 16 * rowTiles * rowWarps; }
  int64_t colsPerBlock() const { return 8 * colTiles * colWarps; }
  int64_t threads() const { return kWarpSize * rowWarps * colWarps * kWarps; }
  /// f32 of shared memory.
  int64_t sharedElements() const {
    return kWarps == 1 ? 0
                       : rowWarps * colWarps * kWarps * rowTiles * colTiles *
                             kWarpSize * 4;
  }
};

/// scaled_matmul of linear scales. The grid is (batches * tiles along M, tiles
/// along N).
struct MatmulKernel {
  Value a, aScales; ///< batches * M * K / 2, batches * M * K / G
  Value b, bScales; ///< N * K / 2, or as often as there are batches
  Value alpha;      ///< f32, memref<f32> or memref<Nxf32>; null: 1
  Value bias;       ///< memref<NxT>, or null
  Value out;        ///< batches * M * N
  Value m;          ///< index
  Value shared;     ///< f32 in shared memory, tiling.sharedElements(), or null
  bool batchedB = false;
  int64_t n = 0, k = 0;
  ScaledFormat format = ScaledFormat::MXFP4;
  MatmulTiling tiling;

  void emit(GPUKernelBuilder &kernel) const;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_GPU_KERNELS_H
