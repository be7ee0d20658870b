//===- FP4QOps.td - operations of the fp4q dialect ----------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_OPS_TD
#define FP4Q_OPS_TD

include "fp4q/Dialect/FP4Q/IR/FP4QAttrs.td"
include "fp4q/Dialect/FP4Q/IR/FP4QOpBase.td"

//===----------------------------------------------------------------------===//
// block_transform
//===----------------------------------------------------------------------===//

def FP4Q_BlockTransformOp : FP4Q_Op<"block_transform"> {
  let summary = "multiply each block of the last dimension by a small matrix";
  let description = [{
    ```text
    y[..., c*B + i] = sum over j of T[c, i, j] * x[..., c*B + j]
    ```

    `T` is `(C, B, B)`, one matrix a block, or `(B, B)`, one for all blocks;
    it need not be orthogonal. Products are accumulated in f32 and rounded once
    to the type of `y`. The reference path accumulates with ascending `j` in
    one chain of fused multiply-adds from +0; other targets are free in the
    order, within the bound of `docs/numerics.md`.

    Constraints:
    - C1: `x` has rank >= 1 and a static, positive last dimension `K`.
    - C2: `T` is `(B, B)` or `(C, B, B)`, static, where `B` is a power of two
      from 2 to 128 that divides `K`, and `C = K/B`.
    - C3: the element type of `T` is that of `x`, or f32.
    - C4: the init has the shape of `x`.
    - C5: the operands are all tensors, or all memrefs (scalars aside).

    Example:

    ```mlir
    func.func @transform(%x: tensor<?x64xbf16>, %t: tensor<32x32xbf16>,
                         %init: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %y = fp4q.block_transform
          ins(%x, %t : tensor<?x64xbf16>, tensor<32x32xbf16>)
          outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
      return %y : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins FP4Q_Floats:$x, FP4Q_Floats:$transform,
                       FP4Q_Floats:$init);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $x `,` $transform `:` type($x) `,` type($transform) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$transform,
                   "::mlir::Type":$elementType)>,
  ];
  let extraClassDeclaration = commonDeclarations # [{
    /// The block size B.
    int64_t getBlockSize();
  }];
}

//===----------------------------------------------------------------------===//
// quantize_pack
//===----------------------------------------------------------------------===//

def FP4Q_QuantizePackOp
    : FP4Q_Op<"quantize_pack", [AttrSizedOperandSegments]> {
  let summary = "quantize to e2m1 codes, two a byte, with one scale a group";
  let description = [{
    For each group of `G` elements along the last dimension, all in f32,
    round to nearest even:

    ```text
    amax = max |x|                (NaN if any x is NaN)
    s    = amax / (scale_scale * global_scale)
    q    = s rounded to the scale type
    t    = x / (f32(q) * global_scale)
    code = t rounded to e2m1, nearest even, saturating at +-6
    ```

    e8m0 scales round to the nearest power of two, ties up; e4m3 scales round to
    nearest even and saturate at 448. `global_scale` and `scale_scale` are 1
    when absent. These are the formulas of the law; `recipe` names others. With
    `transform`, the group is taken from the *unrounded* f32
    result of `block_transform(x, transform)`. With `scales` given as an input,
    only the last two steps are computed, there is no `scale_scale`, and the
    only result is the codes.

    The group size and the format follow from the types: `G = K / cols` for
    linear scales of `cols` columns.

    Constraints:
    - C1: `x` has rank >= 1 and a static, positive, even last dimension `K`.
    - C2: the codes have the shape of `x` with last dimension `K/2`.
    - C3: linear scales have the shape of `x` with last dimension `K/G`, where
      `G` is a power of two from 2 to 128 that divides `K`.
    - C4: `transform` is `(B, B)` or `(C, B, B)`, static, where `B` is a power
      of two from 2 to 128 that divides `K`, and `C = K/B`; its element type is
      that of `x`, or f32.
    - C5: there are two inits (codes, scales), or one init (codes) and `scales`
      as an input; `scale_scale` needs two inits.
    - C6: a constant `global_scale` or `scale_scale` is finite and positive.
    - C7: the operands are all tensors, or all memrefs (scalars aside).
    - C8: with `scale_layout = blocked_128x4`, `group_size` is given and the
      scales are `(..., ceil(rows/128), ceil(cols/4), 512)`; with linear scales
      `group_size` is absent.
    - C9: the `recipe` is legal for the scale type, and reads the `global_scale`
      and `scale_scale` that are given.

    Example:

    ```mlir
    func.func @quantize(%x: tensor<?x64xbf16>, %gs: f32, %ss: f32,
                        %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>)
        -> (tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>) {
      %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x64xbf16>)
          global_scale(%gs : f32) scale_scale(%ss : f32)
          outs(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
          -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
      return %codes, %scales : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
    }
    ```
  }];
  let arguments = (ins FP4Q_Floats:$x, Optional<FP4Q_Floats>:$transform,
      Optional<FP4Q_Scales>:$scales, Optional<FP4Q_F32Scalar>:$global_scale,
      Optional<FP4Q_F32Scalar>:$scale_scale,
      Variadic<FP4Q_CodesOrScales>:$inits, OptionalAttr<FP4Q_RecipeAttr>:$recipe,
      DefaultValuedAttr<FP4Q_ScaleLayoutAttr, "ScaleLayout::Linear">:$scale_layout,
      OptionalAttr<I64Attr>:$group_size);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)`
    (`transform` `(` $transform^ `:` type($transform) `)`)?
    (`scales` `(` $scales^ `:` type($scales) `)`)?
    (`global_scale` `(` $global_scale^ `:` type($global_scale) `)`)?
    (`scale_scale` `(` $scale_scale^ `:` type($scale_scale) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict
    (`->` type($results)^)?
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$transform,
                   "::mlir::Value":$globalScale, "::mlir::Value":$scaleScale,
                   "int64_t":$groupSize, "::mlir::Type":$scaleType)>,
  ];
  let extraClassDeclaration = commonDeclarations # [{
    /// The scales: the given ones, or else the init of the scale result.
    ::mlir::Value getScaleOperand();
    /// The group size G, from the types or from the attribute.
    int64_t getGroupSizeValue();
    /// The recipe; the law if there is no attribute.
    ::fp4q::Recipe getRecipeValue();
    /// Whether the scales are an input.
    bool hasGivenScales() { return static_cast<bool>(getScales()); }
  }];
}

//===----------------------------------------------------------------------===//
// global_scale
//===----------------------------------------------------------------------===//

def FP4Q_GlobalScaleOp : FP4Q_Op<"global_scale"> {
  let summary = "the NVFP4 global scale of a tensor, amax / 2688";
  let description = [{
    ```text
    global = f32(max |x| over the whole tensor) / 2688      (2688 = 6 * 448)
    ```

    1.0 for an all-zero (or empty) tensor, since 0 would make every scale 0/0;
    NaN if any element is NaN.

    Constraints:
    - C1: the operands are all tensors, or all memrefs.

    Example:

    ```mlir
    func.func @global(%x: tensor<?x64xf32>, %init: tensor<f32>) -> tensor<f32> {
      %g = fp4q.global_scale ins(%x : tensor<?x64xf32>)
          outs(%init : tensor<f32>) -> tensor<f32>
      return %g : tensor<f32>
    }
    ```
  }];
  let arguments = (ins FP4Q_Floats:$x,
      AnyTypeOf<[TensorRankOf<[F32], [0]>, MemRefRankOf<[F32], [0]>],
                "tensor<f32> or memref<f32>">:$init);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)` `outs` `(` $init `:` type($init) `)`
    attr-dict (`->` type($results)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x)>];
}

//===----------------------------------------------------------------------===//
// dequant
//===----------------------------------------------------------------------===//

def FP4Q_DequantOp : FP4Q_Op<"dequant"> {
  let summary = "decode packed e2m1 codes and their scales";
  let description = [{
    ```text
    multiply: value = element(code) * (f32(scale) * global_scale)
    divide:   value = element(code) * (f32(scale) / global_scale)
    ```

    in f32, then one rounding to the result type. `global_scale` is 1 when
    absent. 0 * Inf = NaN is kept, and so is bit 7 of an e4m3 scale.

    Constraints:
    - C1: the init has rank >= 1 and a static, positive, even last dimension
      `K`.
    - C2: the codes have the shape of the init with last dimension `K/2`.
    - C3: linear scales have the shape of the init with last dimension `K/G`,
      where `G` is a power of two from 2 to 128 that divides `K`.
    - C4: a constant `global_scale` is finite and positive.
    - C5: the operands are all tensors, or all memrefs (scalars aside).
    - C6: with `scale_layout = blocked_128x4`, `group_size` is given and the
      scales are `(..., ceil(rows/128), ceil(cols/4), 512)`; with linear scales
      `group_size` is absent.

    Example:

    ```mlir
    func.func @dequant(%c: tensor<?x32xi8>, %s: tensor<?x4xf8E4M3FN>, %gs: f32,
                       %init: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
      %v = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x4xf8E4M3FN>)
          global_scale(%gs : f32) outs(%init : tensor<?x64xbf16>)
          {direction = #fp4q.direction<divide>} -> tensor<?x64xbf16>
      return %v : tensor<?x64xbf16>
    }
    ```
  }];
  let arguments = (ins FP4Q_Codes:$codes, FP4Q_Scales:$scales,
      Optional<FP4Q_F32Scalar>:$global_scale, FP4Q_Floats:$init,
      DefaultValuedAttr<FP4Q_DirectionAttr, "Direction::Multiply">:$direction,
      DefaultValuedAttr<FP4Q_ScaleLayoutAttr, "ScaleLayout::Linear">:$scale_layout,
      OptionalAttr<I64Attr>:$group_size);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $codes `,` $scales `:` type($codes) `,` type($scales) `)`
    (`global_scale` `(` $global_scale^ `:` type($global_scale) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$codes, "::mlir::Value":$scales,
                   "::mlir::Value":$globalScale, "Direction":$direction,
                   "::mlir::Type":$elementType)>,
  ];
  let extraClassDeclaration = commonDeclarations # [{
    /// The group size G, from the types or from the attribute.
    int64_t getGroupSizeValue();
  }];
}

//===----------------------------------------------------------------------===//
// scaled_matmul
//===----------------------------------------------------------------------===//

def FP4Q_ScaledMatmulOp
    : FP4Q_Op<"scaled_matmul", [AttrSizedOperandSegments]> {
  let summary = "matrix product of two block-scaled FP4 operands";
  let description = [{
    ```text
    acc[m, n] = sum over k of dequant(a)[m, k] * dequant(b)[n, k]     (f32)
    c[m, n]   = round(alpha * acc[m, n])                 without a bias
    c[m, n]   = round(fma(alpha, acc[m, n], f32(bias[n])))  with a bias
    ```

    where `dequant` uses a global scale of 1; `alpha` carries the product of the
    global scales and is 1 when absent, one value for all columns or one a
    column. Both operands are contiguous along `K`. `b` may have the batch
    dimensions of `a`, or none, and is then shared by all batches. The order of
    accumulation is free within the bound of `docs/numerics.md`; equal inputs
    give equal bits run after run and for any number of threads.

    Constraints:
    - C1: `a` has rank >= 2 and is `(..., M, K/2)`; `b` is `(N, K/2)`, or
      `(..., N, K/2)` with the batch dimensions of `a`; `K` and `N` are static
      and positive.
    - C2: linear scales have the shape of their codes with last dimension
      `K/G`, where `G` is a power of two from 2 to 128 that divides `K` and is
      the same for `a` and `b`.
    - C3: the scales of `a` and `b` have the same element type.
    - C4: the init is `(..., M, N)`.
    - C5: `alpha` of rank 1 has `N` elements.
    - C6: `bias` is `(N)`, of type f32 or of the result's type.
    - C7: the operands are all tensors, or all memrefs (scalars aside).
    - C8: with a layout `blocked_128x4`, `group_size` is given and those scales
      are `(..., ceil(rows/128), ceil(cols/4), 512)`; without one it is absent.
    - C9: with `b_layout = packed_16x8`, `b` is
      `(..., ceil(N/16), ceil(K/8), 64)`, where `N` is the last dimension of the
      init, static and positive, and `b_scales` are linear; both are static but
      for batch dimensions. `pack_weights` makes such codes; bytes that stand
      for none may be anything.

    Example:

    ```mlir
    func.func @matmul(%a: tensor<?x32xi8>, %sa: tensor<?x2xf8E8M0FNU>,
                      %b: tensor<8x32xi8>, %sb: tensor<8x2xf8E8M0FNU>,
                      %alpha: f32, %bias: tensor<8xf32>,
                      %init: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
      %c = fp4q.scaled_matmul
          ins(%a, %sa, %b, %sb : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>,
              tensor<8x32xi8>, tensor<8x2xf8E8M0FNU>)
          alpha(%alpha : f32) bias(%bias : tensor<8xf32>)
          outs(%init : tensor<?x8xbf16>) -> tensor<?x8xbf16>
      return %c : tensor<?x8xbf16>
    }
    ```
  }];
  let arguments = (ins FP4Q_Codes:$a, FP4Q_Scales:$a_scales,
      FP4Q_Codes:$b, FP4Q_Scales:$b_scales,
      Optional<FP4Q_Alpha>:$alpha, Optional<FP4Q_Floats>:$bias,
      FP4Q_Floats:$init,
      DefaultValuedAttr<FP4Q_ScaleLayoutAttr, "ScaleLayout::Linear">:$a_scale_layout,
      DefaultValuedAttr<FP4Q_ScaleLayoutAttr, "ScaleLayout::Linear">:$b_scale_layout,
      OptionalAttr<I64Attr>:$group_size,
      DefaultValuedAttr<FP4Q_WeightLayoutAttr, "WeightLayout::Linear">:$b_layout);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $a `,` $a_scales `,` $b `,` $b_scales `:` type($a) `,`
    type($a_scales) `,` type($b) `,` type($b_scales) `)`
    (`alpha` `(` $alpha^ `:` type($alpha) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($results)^)?
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$aScales,
                   "::mlir::Value":$b, "::mlir::Value":$bScales,
                   "::mlir::Value":$alpha, "::mlir::Value":$bias,
                   "::mlir::Type":$elementType)>,
  ];
  let extraClassDeclaration = commonDeclarations # [{
    /// The group size G, from the types or from the attribute.
    int64_t getGroupSizeValue();
    /// Whether one b serves all batches.
    bool hasSharedB();
    /// Whether b is in the layout packed_16x8.
    bool hasPackedB() { return getBLayout() == WeightLayout::Packed16x8; }
    /// N, the number of columns of the result.
    int64_t getColumns();
  }];
}

include "fp4q/Dialect/FP4Q/IR/FP4QLayoutOps.td"

#endif // FP4Q_OPS_TD
