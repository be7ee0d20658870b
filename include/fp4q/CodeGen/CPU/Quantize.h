//===- Quantize.h - quantize_pack and dequant for CPUs ----------*- C++ -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CODEGEN_CPU_QUANTIZE_H
#define FP4Q_CODEGEN_CPU_QUANTIZE_H

#include "fp4q/CodeGen/CPU/Vectors.h"
#include "fp4q/Numerics/Recipe.h"

#include "mlir/IR/Builders.h"

#include <optional>

namespace mlir {
namespace fp4q {

/// quantize_pack of a matrix (rows, K) with linear scales.
struct QuantizeConfig {
  ::fp4q::ScaleType scaleType;
  int64_t group;
  int64_t k;
  ::fp4q::Recipe recipe;
  CPUVectors vectors;
};

struct QuantizeOperands {
  /// memref (rows, K) of bf16, f16 or f32.
  Value x;
  /// memref (B, B) or (K/B, B, B); null for none.
  Value transform;
  /// f32 or memref<f32>; null for 1.
  Value globalScale, scaleScale;
  /// memref (rows, K/G): an input if the scales are given, else a result.
  Value scales;
  bool hasGivenScales = false;
  /// memref (rows, K/2), the result.
  Value codes;
};

/// Quantizes at the insertion point, rows in parallel. Bit-exact; a transform
/// is the chain of fused multiply-adds of ascending j, from +0.
void emitQuantize(OpBuilder &builder, Location loc,
                  const QuantizeConfig &config,
                  const QuantizeOperands &operands);

/// dequant of a matrix (rows, K) with linear scales.
struct DequantizeConfig {
  ::fp4q::ScaleType scaleType;
  int64_t group;
  int64_t k;
  bool divide;
  CPUVectors vectors;
};

struct DequantizeOperands {
  Value codes, scales;
  /// f32 or memref<f32>; null for 1.
  Value globalScale;
  /// memref (rows, K) of bf16, f16 or f32, the result.
  Value values;
};

/// Dequantizes at the insertion point, rows in parallel. Bit-exact.
void emitDequantize(OpBuilder &builder, Location loc,
                    const DequantizeConfig &config,
                    const DequantizeOperands &operands);

} // namespace fp4q
} // namespace mlir

#endif // FP4Q_CODEGEN_CPU_QUANTIZE_H
