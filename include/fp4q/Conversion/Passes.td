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

def FP4QLowerMicroOpsPass : Pass<"fp4q-lower-micro-ops"> {
  let summary = "lower the micro-ops so that they run on any chip";
  let description = [{
    Lowers `decode`, `encode` and `group_dot` to `arith` and `vector`, and
    `mma_block_scaled` to four bf16 `nvvm.mma.sync`, which every chip from sm_80
    on has. Scales of other lanes come by `gpu.shuffle`. With `mma=native` it
    becomes `nvvm.mma.block_scale` instead, for chips that have it.

    Before and after: `test/Conversion/FP4QMicroOps`.

    Preconditions: none; `mma_block_scaled` makes sense in a GPU kernel only.
    Numerics: bit-exact but for `mma_block_scaled`, whose products are exact and
    whose sum is within the bound of `docs/numerics.md`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
      "::mlir::NVVM::NVVMDialect", "::mlir::vector::VectorDialect"];
  let options = [
    Option<"mma", "mma", "MmaLowering", "MmaLowering::Expansion",
      "How a block-scaled tile is multiplied", [{::llvm::cl::values(
        clEnumValN(MmaLowering::Expansion, "expansion",
                   "by exact bf16 products, on every chip from sm_80 on"),
        clEnumValN(MmaLowering::Native, "native",
                   "by block-scaled mma.sync (sm_120a, sm_121a)"))}]>,
  ];
}

def FP4QAssemblePtxPass : Pass<"fp4q-assemble-ptx", "::mlir::ModuleOp"> {
  let summary = "add cubins to the PTX of gpu.binary operations";
  let description = [{
    Runs `ptxas` on every PTX object of a `gpu.binary` and adds what it makes,
    a cubin for the same target, behind it. `ptxas` is looked for in the folder
    `bin` of the CUDA Toolkit that `CUDA_ROOT`, `CUDA_HOME` or `CUDA_PATH`
    names, then in `PATH`.

    Before and after: `test/Conversion/AssemblePtx/fp4q-assemble-ptx.mlir`.

    Preconditions: none; objects of other formats and targets stay alone.
    Numerics: none of its own.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect",
                           "::mlir::NVVM::NVVMDialect"];
  let options = [
    Option<"ptxas", "ptxas", "std::string", /*default=*/"",
           "Program to run instead of the one found">
  ];
  let statistics = [
    Statistic<"numAssembled", "num-assembled", "Number of cubins made">
  ];
}

#endif // FP4Q_CONVERSION_PASSES_TD
