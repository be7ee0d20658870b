//===- FP4QLayoutOps.td - changes of layout ----------------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_LAYOUT_OPS_TD
#define FP4Q_LAYOUT_OPS_TD

include "fp4q/Dialect/FP4Q/IR/FP4QOpBase.td"

//===----------------------------------------------------------------------===//
// swizzle_scales, unswizzle_scales
//===----------------------------------------------------------------------===//

class FP4Q_ScaleLayoutOp<string mnemonic> : FP4Q_Op<mnemonic> {
  let arguments = (ins FP4Q_Scales:$source, FP4Q_Scales:$init);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
}

def FP4Q_SwizzleScalesOp : FP4Q_ScaleLayoutOp<"swizzle_scales"> {
  let summary = "lay scales out in 128x4 blocks";
  let description = [{
    From `linear` to `blocked_128x4`: `(..., R, C)` becomes
    `(..., ceil(R/128), ceil(C/4), 512)`, where byte `(r, c)` of the tile
    `(r / 128, c / 4)` is at `(r % 32) * 16 + (r % 128 / 32) * 4 + c % 4`.
    Bytes that stand for no scale are 0. Each batch matrix is laid out by itself.

    Constraints:
    - C1: the source has rank >= 2 and a static, positive last dimension.
    - C2: the init is `(..., ceil(R/128), ceil(C/4), 512)`.
    - C3: source and init have the same element type.
    - C4: the operands are all tensors, or all memrefs.

    Example:

    ```mlir
    func.func @swizzle(%s: tensor<200x6xf8E4M3FN>,
                       %init: tensor<2x2x512xf8E4M3FN>)
        -> tensor<2x2x512xf8E4M3FN> {
      %z = fp4q.swizzle_scales ins(%s : tensor<200x6xf8E4M3FN>)
          outs(%init : tensor<2x2x512xf8E4M3FN>) -> tensor<2x2x512xf8E4M3FN>
      return %z : tensor<2x2x512xf8E4M3FN>
    }
    ```
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$source)>];
}

def FP4Q_UnswizzleScalesOp : FP4Q_ScaleLayoutOp<"unswizzle_scales"> {
  let summary = "lay 128x4 blocks of scales out linearly";
  let description = [{
    The inverse of `swizzle_scales`; the logical rows and columns are those of
    the init, and padding is dropped.

    Constraints:
    - C1: the init has rank >= 2 and a static, positive last dimension.
    - C2: the source is `(..., ceil(R/128), ceil(C/4), 512)`.
    - C3: source and init have the same element type.
    - C4: the operands are all tensors, or all memrefs.

    Example:

    ```mlir
    func.func @unswizzle(%z: tensor<2x2x512xf8E4M3FN>,
                         %init: tensor<200x6xf8E4M3FN>)
        -> tensor<200x6xf8E4M3FN> {
      %s = fp4q.unswizzle_scales ins(%z : tensor<2x2x512xf8E4M3FN>)
          outs(%init : tensor<200x6xf8E4M3FN>) -> tensor<200x6xf8E4M3FN>
      return %s : tensor<200x6xf8E4M3FN>
    }
    ```
  }];
}

//===----------------------------------------------------------------------===//
// pack_weights, unpack_weights
//===----------------------------------------------------------------------===//

class FP4Q_WeightLayoutOp<string mnemonic> : FP4Q_Op<mnemonic> {
  let arguments = (ins FP4Q_Codes:$source, FP4Q_Codes:$init);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
}

def FP4Q_PackWeightsOp : FP4Q_WeightLayoutOp<"pack_weights"> {
  let summary = "lay codes of weights out as CPU kernels stream them";
  let description = [{
    From `linear` to `packed_16x8`: codes `(..., N, K/2)` become
    `(..., ceil(N/16), ceil(K/8), 64)`. A tile of 64 bytes has eight elements
    along K, four bytes, of 16 rows: byte `i` of row `n` in the tile
    `(n / 16, k)` is at `(n % 16) * 4 + i` and comes from byte `4 * k + i` of
    the row. Bytes that stand for no code are 0. Each batch matrix is laid out
    by itself. Scales stay as they are.

    Constraints:
    - C1: the source has rank >= 2 and a static, positive last dimension.
    - C2: the init is `(..., ceil(N/16), ceil(K/8), 64)`.
    - C3: the operands are all tensors, or all memrefs.

    Example:

    ```mlir
    func.func @pack(%w: tensor<40x36xi8>, %init: tensor<3x9x64xi8>)
        -> tensor<3x9x64xi8> {
      %p = fp4q.pack_weights ins(%w : tensor<40x36xi8>)
          outs(%init : tensor<3x9x64xi8>) -> tensor<3x9x64xi8>
      return %p : tensor<3x9x64xi8>
    }
    ```
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$source)>];
}

def FP4Q_UnpackWeightsOp : FP4Q_WeightLayoutOp<"unpack_weights"> {
  let summary = "lay packed codes of weights out linearly";
  let description = [{
    The inverse of `pack_weights`; the logical rows and columns are those of the
    init, and padding is dropped.

    Constraints:
    - C1: the init has rank >= 2 and a static, positive last dimension.
    - C2: the source is `(..., ceil(N/16), ceil(K/8), 64)`.
    - C3: the operands are all tensors, or all memrefs.

    Example:

    ```mlir
    func.func @unpack(%p: tensor<3x9x64xi8>, %init: tensor<40x36xi8>)
        -> tensor<40x36xi8> {
      %w = fp4q.unpack_weights ins(%p : tensor<3x9x64xi8>)
          outs(%init : tensor<40x36xi8>) -> tensor<40x36xi8>
      return %w : tensor<40x36xi8>
    }
    ```
  }];
}

#endif // FP4Q_LAYOUT_OPS_TD
