//===- Passes.td - conversions from the fp4q dialect --------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_CONVERSION_PASSES_TD
#define FP4Q_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertFP4QToLinalgPass : Pass<"convert-fp4q-to-linalg"> {
  let summary = "lower the fp4q dialect to linalg, the reference path";
  let description = [{
    Lowers every level-1 operation to `linalg` on tensors with `arith` bodies:
    readable, for any shape and any group. Operations on memrefs are wrapped in
    `bufferization.to_tensor` and `bufferization.materialize_in_destination`.
    Blocked scale layouts become `unswizzle_scales` and `swizzle_scales`, which
    are lowered too.

    Before and after: `test/Conversion/FP4QToLinalg`.

    Preconditions: none. Numerics: the law of `docs/numerics.md`, bit for bit
    for quantization, dequantization and scale layouts; products and transforms
    accumulate in ascending k, one f32 fused multiply-add chain an element.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::bufferization::BufferizationDialect",
      "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
      "::mlir::tensor::TensorDialect"];
}

#endif // FP4Q_CONVERSION_PASSES_TD
