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

/// quantize_pack. The lanes of a group find its amax by shuffles.
struct QuantizeKernel {
  Value x;      ///< M * K of bf16, f16 or f32
  Value codes;  ///< M * K / 2 of i8
  Value scales; ///< M * K / G of an f8 type; written unless `givenScales`
  bool givenScales = false;
  KernelTransform transform;
  Value globalScale, scaleScale; ///< f32 or memref<f32>; null: 1
  int64_t k = 0, groupSize = 0;
  ::fp4q::Recipe recipe;

  static int64_t threads() { return 128; }
  int64_t elementsPerBlock() const;
  void emit(GPUKernelBuilder &kernel) const;

private:
  int64_t chunks() const; ///< of elements, of a thread
};

/// quantize_pack with a transform, by tensor cores: within the bound of
/// docs/numerics.md for y. The grid has blocksPerRow CTAs for each rowsPerBlock
/// rows.
struct TransformQuantizeKernel {
  QuantizeKernel kernel;

  /// Whether it is for such blocks, groups and types.
  static bool canTake(int64_t blockSize, int64_t groupSize, Type xType,
                      Type matrixType);
  static int64_t threads();
  static int64_t rowsPerBlock();
  static int64_t blocksPerRow(int64_t k);
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
struct MatmulOperands {
  Value a, aScales; ///< batches * M * K / 2, batches * M * K / G
  Value b, bScales; ///< N * K / 2, or as often as there are batches
  Value alpha;      ///< f32, memref<f32> or memref<Nxf32>; null: 1
  Value bias;       ///< memref<NxT>, or null
  Value out;        ///< batches * M * N
  Value m;          ///< index
  bool batchedB = false;
  int64_t n = 0, k = 0;
  ScaledFormat format = ScaledFormat::MXFP4;

  /// out[column, row] of the batch whose first row is `batchBegin`: `sum` with
  /// alpha and bias, rounded. Rows are those of b, columns those of a.
  void store(GPUKernelBuilder &kernel, Value sum, Value batchBegin, Value row,
             Value column) const;
  /// The same for a row and the next one, of which the first is even; of what
  /// lies beyond N nothing is stored.
  void storePair(GPUKernelBuilder &kernel, Value sum, Value next,
                 Value batchBegin, Value row, Value column) const;

  /// A warp's 16 x 8 tiles of m16n8k16 or m16n8k64, times `factor`, of which
  /// `colTiles` are side by side: rows of a times columns, which are rows of b.
  void storeTiles(GPUKernelBuilder &kernel, ValueRange sums, int64_t colTiles,
                  Value rowBegin, Value colBegin, Value batchBegin,
                  float factor) const;

private:
  Value scaled(GPUKernelBuilder &kernel, Value sum, Value row) const;
};

/// The kernel that is made of mma_block_scaled.
struct MatmulKernel : public MatmulOperands {
  Value shared; ///< f32 in shared memory, tiling.sharedElements(), or null
  MatmulTiling tiling;

  void emit(GPUKernelBuilder &kernel) const;
};

/// How a CTA of the streaming matmul is divided.
struct StreamTiling {
  int64_t rowTiles, colTiles; ///< tiles of 16 rows and of 8 columns a warp
  int64_t warps;              ///< they divide K
  int64_t chunks;             ///< of 128 along k that a warp fetches at a time
  int64_t stages;             ///< fetches under way, and the one in use
  /// Whether a CTA keeps its part of the columns in registers, for several
  /// tiles of rows; else it fetches both, for one.
  bool keepsColumns;
  int64_t tilesPerBlock; ///< tiles of rows of a CTA; 1 unless keepsColumns
  int64_t tilesPerGroup; ///< of these, added up at a time

  int64_t rowsPerTile() const { return 16 * rowTiles; }
  int64_t rowsPerBlock() const { return rowsPerTile() * tilesPerBlock; }
  int64_t colsPerBlock() const { return 8 * colTiles; }
  int64_t threads() const { return kWarpSize * warps; }
  /// Passes over K, each of `chunks` of every warp, with the same tiles of
  /// rows.
  int64_t passes(int64_t k) const;
  /// Groups of 8 rows, and of 8 columns, of a unit: what a warp fetches at a
  /// time.
  int64_t groups() const;
  /// Bytes of a unit, of all units, and of dynamic shared memory.
  int64_t unitBytes(ScaledFormat format) const;
  int64_t ringBytes(ScaledFormat format) const;
  int64_t sharedBytes(ScaledFormat format) const;

  /// The fastest known for M up to `columns`, on a chip with so much shared
  /// memory a block and so many multiprocessors.
  static StreamTiling choose(int64_t columns, int64_t n, int64_t k,
                             ScaledFormat format, int64_t sharedBytes,
                             int64_t multiprocessors);
};

/// scaled_matmul for few columns by exact products in bf16: weights are read
/// once, 16 bytes a lane, and each warp decodes its part of K.
struct StreamMatmulKernel : public MatmulOperands {
  StreamTiling tiling;

  void emit(GPUKernelBuilder &kernel) const;
};

/// How a CTA of the tiled matmul is divided.
struct TiledTiling {
  int64_t rowWarps, colWarps; ///< warps side by side
  int64_t rowTiles, colTiles; ///< tiles of 16 rows of a, of 8 rows of b a warp
  int64_t stages;             ///< fetches under way, and the one in use

  int64_t rowsPerBlock() const { return 16 * rowTiles * rowWarps; }
  int64_t colsPerBlock() const { return 8 * colTiles * colWarps; }
  int64_t threads() const { return kWarpSize * rowWarps * colWarps; }
};

/// How a CTA of the matmul of decoded rows is divided.
struct ExpandedTiling {
  int64_t rowTiles; ///< tiles of 16 rows of a, which all warps share
  int64_t warps;    ///< side by side, each with 32 rows of b
  int64_t stages;   ///< fetches under way, and the one in use; at least 3

  int64_t rowsPerBlock() const { return 16 * rowTiles; }
  int64_t colsPerBlock() const;
  int64_t threads() const { return kWarpSize * warps; }
  int64_t stageBytes() const;
  /// Bytes of dynamic shared memory.
  int64_t sharedBytes() const;
  /// Bytes of a decoded row.
  static int64_t bytesOfRow(int64_t k);
  static ExpandedTiling choose(int64_t sharedBytes);
};

/// Decodes a: `out` has `rows` rows, of ExpandedTiling::bytesOfRow bytes (i8)
/// each, as bf16 in the order that ExpandedMatmulKernel needs. Those beyond m
/// are as the last one: of the last batch there is a whole number of blocks.
/// The grid is of rows * threadsOfRow(k) threads, kElementwiseThreads a CTA.
struct ExpandKernel : public MatmulOperands {
  Value rows; ///< index

  static int64_t threadsOfRow(int64_t k);
  void emit(GPUKernelBuilder &kernel) const;
};

/// scaled_matmul for many rows of a, which ExpandKernel has decoded: each
/// warp decodes its rows of b.
struct ExpandedMatmulKernel : public MatmulOperands {
  Value expanded;
  ExpandedTiling tiling;

  void emit(GPUKernelBuilder &kernel) const;
};

/// scaled_matmul for many rows of a on chips with block-scaled matrix
/// instructions: codes and scales come to shared memory by cp.async.
struct NativeTiledKernel : public MatmulOperands {
  TiledTiling tiling = {2, 2, 4, 8, 4};

  /// Whether each row's scales are whole words.
  static bool canTake(ScaledFormat format, int64_t k);
  /// Bytes of dynamic shared memory.
  int64_t sharedBytes() const;
  void emit(GPUKernelBuilder &kernel) const;
};

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_GPU_KERNELS_H
