//===- FP4QMicroOps.h - lowerings of the micro-ops --------------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each set of patterns lowers some micro-ops for some targets. A target takes
// the portable sets and its own, which have a higher benefit: where
// one of those declines, by a shape it has no instruction for, the portable one
// applies.
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CONVERSION_FP4QMICROOPS_H
#define FP4Q_CONVERSION_FP4QMICROOPS_H

namespace fp4q {
struct Target;
} // namespace fp4q

namespace mlir {
class RewritePatternSet;

namespace fp4q {

/// Benefits of patterns: a lowering for the target at hand goes first.
enum class MicroOpBenefit : unsigned short { Portable = 1, ForTarget = 2 };

/// How mma_block_scaled is lowered: by exact bf16 products, or by the chip's
/// own block-scaled mma.sync.
enum class MmaLowering { Expansion, Native };

/// decode, encode and group_dot -> arith and vector, for every target.
void populatePortableCodecPatterns(RewritePatternSet &patterns);

/// decode to bytes and group_dot -> table look-ups and dot products of the
/// target, a CPU level: AVX-512 VNNI and VBMI, AVX-VNNI, AVX2, or dotprod. None
/// on other levels.
void populateCPUCodecPatterns(RewritePatternSet &patterns,
                              const ::fp4q::Target &target);

/// decode and encode of floats -> short sequences on the words of a lane: for
/// every GPU.
void populateGPUCodecPatterns(RewritePatternSet &patterns);

/// mma_block_scaled -> gpu.shuffle for the scales, decoding to pairs of bf16,
/// and four nvvm.mma.sync of m16n8k16: for every NVIDIA GPU from sm_80 on.
void populateMmaExpansionPatterns(RewritePatternSet &patterns);

/// mma_block_scaled -> nvvm.mma.block_scale: for chips whose row of the target
/// table has block-scaled mma.sync (sm_120a, sm_121a).
void populateMmaNativePatterns(RewritePatternSet &patterns);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CONVERSION_FP4QMICROOPS_H
