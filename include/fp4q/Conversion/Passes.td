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
    are lowered too. Operations whose `fp4q.backend` is `cpu` are
    left to `convert-fp4q-to-vector`.

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

def ConvertFP4QToGPUPass : Pass<"convert-fp4q-to-gpu", "::mlir::ModuleOp"> {
  let summary = "lower the fp4q dialect to GPU kernels and their launches";
  let description = [{
    Replaces every level-1 operation on memrefs by launches of kernels, which
    are functions of one `gpu.module` with the target `chip`. Kernels are
    written in terms of the micro-ops, the same for every chip. Operands that
    are not contiguous are copied first. `scaled_matmul` chooses its kernel by
    the number of rows, at run time if that is dynamic. A `linalg.generic` whose
    loops are all parallel, what stands between them, becomes a kernel as well,
    and so does a `memref.copy` of which a side is not contiguous.

    Before and after: `test/Conversion/FP4QToGPU`.

    Preconditions: the module is bufferized; scales are linear
    (`fp4q-legalize-layouts`); memrefs are in the memory of the device
    and begin at a multiple of 16 bytes; `scaled_matmul` has mxfp4 or nvfp4
    operands. Numerics: bit-exact for quantization, dequantization and scale
    layouts, and for transforms, whose sums are in the reference's order;
    products within the bound of `docs/numerics.md`, the same bits every time.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::fp4q::FP4QDialect", "::mlir::gpu::GPUDialect",
      "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
      "::mlir::NVVM::NVVMDialect",
      "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_90a\"",
           "The chip to make kernels for">,
  ];
}

def FP4QLowerMicroOpsPass : Pass<"fp4q-lower-micro-ops"> {
  let summary = "lower the micro-ops so that they run on any chip";
  let description = [{
    Lowers `decode`, `encode` and `group_dot` to `arith` and `vector`, and
    `mma_block_scaled` to four bf16 `nvvm.mma.sync`, which every chip from sm_80
    on has. Scales of other lanes come by `gpu.shuffle`. With `mma=native` it
    becomes `nvvm.mma.block_scale` instead, for chips that have it. With `chip`
    a CPU level, `decode` to bytes and `group_dot` become its instructions; with
    a GPU, `decode` and `encode` become short sequences for lanes.

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
    Option<"chip", "chip", "std::string", /*default=*/"",
      "The target, if its instructions are wanted, such as cpu:avx512-vnni "
      "or sm_90a">,
  ];
}

def ConvertFP4QToVectorPass
    : Pass<"convert-fp4q-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower the fp4q dialect to vector kernels for CPUs";
  let description = [{
    Lowers the level-1 operations on memrefs whose `fp4q.backend` is `cpu` to
    `vector`, `arith` and `scf` with micro-ops of the dialect.

    In `scaled_matmul` elements are 8-bit integers, so that the dot product of
    two groups is exact. One function serves every M: one row is a vector times
    a matrix, up to 16 rows meet weights in registers, more rows meet tiles of
    `b` that are decoded once. What
    a tile cannot represent, such as a NaN scale, is found by a check and done by
    the kernel of rows. `quantize_pack`, `block_transform` and `dequant` are
    vectors of the arithmetic that the reference path uses; e8m0 scales of bf16
    are compared in 16-bit lanes where a check shows that this gives the same
    bits.

    Before and after: `test/Conversion/FP4QToVector`.

    Preconditions: memrefs, linear scales; for `scaled_matmul` mxfp4 or
    nvfp4 operands, a K that is a multiple of 32 (`fp4q-legalize-layouts` pads
    it), and a `func.func` around it. Numerics: bit-exact but for products, which are
    within the bound of `docs/numerics.md` and the same for any number of
    threads.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
      "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
      "::mlir::vector::VectorDialect"];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"cpu\"",
      "The CPU level whose registers the kernels are made for">,
  ];
  let statistics = [
    Statistic<"numLowered", "num-lowered", "Number of operations lowered">
  ];
}

def FP4QAssemblePtxPass : Pass<"fp4q-assemble-ptx", "::mlir::ModuleOp"> {
  let summary = "add cubins to the PTX of gpu.binary operations";
  let description = [{
    Runs `ptxas` on every PTX object of a `gpu.binary` and adds what it makes,
    a cubin for the same target, behind it. `ptxas` is looked for in the folder
    `bin` of the CUDA Toolkit that `CUDA_ROOT`, `CUDA_HOME` or `CUDA_PATH`
    names, then in `PATH`. A `ptxas` that is missing, or too old for the chip,
    is an error that says which release is needed.

    Before and after: `test/Conversion/AssemblePtx/fp4q-assemble-ptx.mlir`.

    Preconditions: none; objects of other formats and targets stay alone.
    Numerics: none of its own.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect",
                           "::mlir::NVVM::NVVMDialect"];
  let options = [
    Option<"ptxas", "ptxas", "std::string", /*default=*/"",
           "Program to run instead of the one found">,
    Option<"optional", "optional", "bool", /*default=*/"false",
           "Without a ptxas, warn and leave the PTX alone">
  ];
  let statistics = [
    Statistic<"numAssembled", "num-assembled", "Number of cubins made">
  ];
}

#endif // FP4Q_CONVERSION_PASSES_TD
