//===- FP4QDialect.td - the fp4q dialect --------------------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_DIALECT_TD
#define FP4Q_DIALECT_TD

include "mlir/IR/OpBase.td"

def FP4Q_Dialect : Dialect {
  let name = "fp4q";
  let cppNamespace = "::mlir::fp4q";
  let summary = "FP4-quantized linear layers";
  let description = [{
    The `fp4q` dialect holds the operations of an FP4-quantized linear layer:
    an optional block transform, quantization to packed e2m1 codes with one
    scale a group, dequantization, and a matrix product of two quantized
    operands. What each operation computes, bit for bit, is defined in
    `docs/numerics.md`; every lowering computes that and nothing else.

    All these operations are in destination-passing style: `ins` are read,
    `outs` are written entirely and never read. They take tensors, or memrefs
    for the bufferized form, and have memory effects on memrefs only.

    Kernels are written in terms of a few operations on vectors, the
    [micro-ops](micro-ops.md).

    Shapes follow one convention. The last dimension of a float operand is `K`,
    the dimension along which elements share a scale. Codes are `i8` with last
    dimension `K/2`: element `2i` is in bits 0-3 and element `2i+1` in bits 4-7
    of byte `i`. Scales have last dimension `K/G` for the group size `G`, a
    power of two from 2 to 128. `K` is static and positive; all other
    dimensions may be dynamic or zero unless an operation says otherwise.

    The discardable unit attribute `fp4q.relaxed`, on any operation, is the
    caller's leave to change its results within the bounds of
    `docs/numerics.md`, such as not to round one that is consumed at once;
    `docs/optimizer.md` says which rewrites ask for it.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    /// Registers the attributes; defined where their storage is complete.
    void registerAttributes();
  }];
}

#endif // FP4Q_DIALECT_TD
