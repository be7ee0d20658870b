//===- FP4QAttrs.td - attributes of the fp4q dialect --------*- tablegen -*-===//
//
// Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FP4Q_ATTRS_TD
#define FP4Q_ATTRS_TD

include "fp4q/Dialect/FP4Q/IR/FP4QDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def FP4Q_DirectionMultiply : I32EnumAttrCase<"Multiply", 0, "multiply">;
def FP4Q_DirectionDivide : I32EnumAttrCase<"Divide", 1, "divide">;
def FP4Q_Direction : I32EnumAttr<"Direction",
    "how the global scale enters decoding",
    [FP4Q_DirectionMultiply, FP4Q_DirectionDivide]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_DirectionAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_Direction, "direction"> {
  let summary = "how the global scale enters decoding";
  let description = [{
    `multiply`: value = element * (scale * global). `divide`: value = element *
    (scale / global), for checkpoints that store the reciprocal.
  }];
  let assemblyFormat = "`<` custom<EnumKeyword>($value) `>`";
}

def FP4Q_ScaleLayoutLinear : I32EnumAttrCase<"Linear", 0, "linear">;
def FP4Q_ScaleLayoutBlocked
    : I32EnumAttrCase<"Blocked128x4", 1, "blocked_128x4">;
def FP4Q_ScaleLayout : I32EnumAttr<"ScaleLayout",
    "how scales lie in memory",
    [FP4Q_ScaleLayoutLinear, FP4Q_ScaleLayoutBlocked]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_ScaleLayoutAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_ScaleLayout, "scale_layout"> {
  let summary = "how the scales of one operand lie in memory";
  let description = [{
    `linear`: row-major `(..., rows, cols)`. `blocked_128x4`: the layout of
    cuBLAS and CUTLASS, `(..., ceil(rows/128), ceil(cols/4), 512)`, rows padded
    to 128 and columns to 4 with zeros; inside a tile, byte `(r, c)` is at
    `(r % 32) * 16 + (r / 32) * 4 + c` (cuBLAS, "1D block scaling factors
    layout"). It is an attribute of the operation, not an encoding of the
    tensor type, because bufferization drops encodings.
  }];
  let assemblyFormat = "`<` custom<EnumKeyword>($value) `>`";
}

def FP4Q_WeightLayoutLinear : I32EnumAttrCase<"Linear", 0, "linear">;
def FP4Q_WeightLayoutPacked : I32EnumAttrCase<"Packed16x8", 1, "packed_16x8">;
def FP4Q_WeightLayout : I32EnumAttr<"WeightLayout",
    "how codes of weights lie in memory",
    [FP4Q_WeightLayoutLinear, FP4Q_WeightLayoutPacked]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_WeightLayoutAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_WeightLayout, "weight_layout"> {
  let summary = "how the codes of weights lie in memory";
  let description = [{
    `linear`: row-major `(..., N, K/2)`. `packed_16x8`:
    `(..., ceil(N/16), ceil(K/8), 64)`, tiles of 16 rows by eight elements; byte
    `i` of the four of row `n` is at `(n % 16) * 4 + i`. 16 columns of a product
    are then one sequential stream, in the order in which CPU kernels use it.
    `pack_weights` and `unpack_weights` convert. An attribute of the operation
    for the reason given for `scale_layout`.
  }];
  let assemblyFormat = "`<` custom<EnumKeyword>($value) `>`";
}

def FP4Q_RecipeAttr : AttrDef<FP4Q_Dialect, "Recipe"> {
  let mnemonic = "recipe";
  let summary = "the parameters of a quantizer";
  let description = [{
    Which quantizer: a preset by name, and settings on top of it. Without a
    preset the settings are on top of the law of `docs/numerics.md`, whose
    section "Recipes" says what each setting means. The first value is the
    law's.

    | setting | values |
    |---|---|
    | `scale_formula` | `amax_over_scales`, `amax`, `amax_over_6`, `amax_times_r6`, `amax_over_6_over_g`, `amax_over_6_times_g`, `g_times_amax_times_r6`, `amax_times_g_times_r6` |
    | `intermediate` | `f32`, `input_type` |
    | `e8m0_rounding` | `from_1_5`, `never`, `above_1`, `from_1_75` |
    | `e8m0_tiny` | `by_value`, `by_bits` |
    | `e8m0_offset` | `0`, `-2` |
    | `e4m3_floor` | `none`, `pow2_minus_9`, `pow2_minus_6` |
    | `e4m3_zero` | `none`, `s_zero_to_one`, `q_zero_to_eighth` |
    | `element_operand` | `x_over_q_times_g`, `x_over_q`, `x_times_rcp_q`, `x_times_rcp_g_over_q`, `x_over_q_over_g`, `x_times_rcp_q_times_rcp_g` |
    | `scale_byte_zero` | `as_is`, `elements_zero`, `reciprocal_capped` |
    | `zero_sign` | `sign_bit`, `only_negative` |
    | `global_scale` | `multiply`, `divide`, `none` |

    Presets: `law`, `torchao-mx-floor`, `torchao-mx-ceil`, `torchao-mx-even`,
    `torchao-mx-rceil`, `torchao-nv1`, `torchao-nv2`, `ct-nv`, `ct-mx`,
    `modelopt-nv`, `gptoss-mx`, `te-nv`, `flashinfer-nv`.

    Examples: `#fp4q.recipe<"ct-nv">`,
    `#fp4q.recipe<"law", zero_sign = only_negative>`,
    `#fp4q.recipe<scale_formula = amax, e8m0_offset = -2>`.
  }];
  let parameters = (ins "::fp4q::Recipe":$value);
  let hasCustomAssemblyFormat = 1;
}

def FP4Q_BackEndAttr : AttrDef<FP4Q_Dialect, "BackEnd"> {
  let mnemonic = "backend";
  let summary = "the kernels that compute an operation";
  let description = [{
    As the discardable attribute `fp4q.backend` of an operation, it asks for a
    back end; the pass `fp4q-select-backend` puts the one there that will
    compute the operation. What each does is in `docs/targets.md`.

    Values: `"reference"`, `"cpu"`, `"gpu-portable"`, `"gpu-native"`.

    Example:

    ```mlir
    func.func @global(%x: tensor<?x64xf32>, %init: tensor<f32>) -> tensor<f32> {
      %g = fp4q.global_scale ins(%x : tensor<?x64xf32>)
          outs(%init : tensor<f32>)
          {fp4q.backend = #fp4q.backend<"reference">} -> tensor<f32>
      return %g : tensor<f32>
    }
    ```
  }];
  let parameters = (ins "::fp4q::BackEnd":$value);
  let hasCustomAssemblyFormat = 1;
}

//===----------------------------------------------------------------------===//
// Of the micro-ops (FP4QMicroOps.td)
//===----------------------------------------------------------------------===//

def FP4Q_NibbleOrderInterleaved
    : I32EnumAttrCase<"Interleaved", 0, "interleaved">;
def FP4Q_NibbleOrderSplit : I32EnumAttrCase<"Split", 1, "split">;
def FP4Q_NibbleOrder : I32EnumAttr<"NibbleOrder",
    "the order of elements in an unpacked vector",
    [FP4Q_NibbleOrderInterleaved, FP4Q_NibbleOrderSplit]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_NibbleOrderAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_NibbleOrder, "nibble_order"> {
  let summary = "the order of elements in an unpacked vector";
  let description = [{
    Byte `i` of `N` packed bytes holds the elements `2i` (bits 0-3) and `2i+1`
    (bits 4-7). In a vector of the `2N` elements, `interleaved` puts element
    `e` at position `e`. `split` puts all low nibbles first: element `2i` at
    position `i` and element `2i+1` at position `N + i`, which saves a shuffle
    where a consumer can take its elements in that order.
  }];
  let assemblyFormat = "`<` custom<EnumKeyword>($value) `>`";
}

def FP4Q_SignOfZeroSignBit : I32EnumAttrCase<"SignBit", 0, "sign_bit">;
def FP4Q_SignOfZeroOnlyNegative
    : I32EnumAttrCase<"OnlyNegative", 1, "only_negative">;
def FP4Q_SignOfZero : I32EnumAttr<"SignOfZero",
    "which numbers get a code with the sign bit",
    [FP4Q_SignOfZeroSignBit, FP4Q_SignOfZeroOnlyNegative]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_SignOfZeroAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_SignOfZero, "sign_of_zero"> {
  let summary = "which numbers get a code with the sign bit";
  let description = [{
    The setting `zero_sign` of a recipe: `sign_bit` gives code 8 to -0 and to
    negatives that round to zero; with `only_negative` -0 gets code 0.
  }];
  let assemblyFormat = "`<` custom<EnumKeyword>($value) `>`";
}

def FP4Q_ScaledFormatMXFP4 : I32EnumAttrCase<"MXFP4", 0, "mxfp4">;
def FP4Q_ScaledFormatNVFP4 : I32EnumAttrCase<"NVFP4", 1, "nvfp4">;
def FP4Q_ScaledFormat : I32EnumAttr<"ScaledFormat",
    "a block-scaled format that matrix units know",
    [FP4Q_ScaledFormatMXFP4, FP4Q_ScaledFormatNVFP4]> {
  let cppNamespace = "::mlir::fp4q";
  let genSpecializedAttr = 0;
}
def FP4Q_ScaledFormatAttr
    : EnumAttr<FP4Q_Dialect, FP4Q_ScaledFormat, "scaled_format"> {
  let summary = "a block-scaled format that matrix units know";
  let description = [{
    `mxfp4`: one e8m0 scale for 32 elements along k. `nvfp4`: one e4m3 scale,
    bit 7 clear, for 16 elements along k.
  }];
  let assemblyFormat = "`<` custom<EnumKeyword>($value) `>`";
}

// What gpu.binary asks of its handler; upstream's definition comes with enums
// that would be generated once more.
def FP4Q_OffloadingTranslationAttrTrait
    : NativeTrait<"OffloadingTranslationAttrTrait", ""> {
  let cppNamespace = "::mlir::gpu";
}

def FP4Q_EmbedImagesAttr : AttrDef<FP4Q_Dialect, "EmbedImages",
    [FP4Q_OffloadingTranslationAttrTrait]> {
  let mnemonic = "embed_images";
  let summary = "embed all objects of a gpu.binary";
  let description = [{
    The offloading handler of `gpu.binary` for the runtime's
    `fp4q/Runtime/Gpu.h`. The binary becomes one `fp4q_gpu_module` with an image
    for each chip among its objects: `format = assembly` gives the PTX and
    `format = bin` the cubin of that chip. `gpu.launch_func` becomes
    `fp4q_gpu_launch`, or `fp4q_gpu_launch_cluster` for one with clusters; the
    stream is the caller's, so launches take no tokens and no stream operand.

    Example:

    ```mlir
    gpu.binary @kernels <#fp4q.embed_images> [
      #gpu.object<#nvvm.target<chip = "sm_90a">, assembly = ".version 8.0">,
      #gpu.object<#nvvm.target<chip = "sm_90a">, bin = "...">
    ]
    ```
  }];
  let assemblyFormat = "";
}

#endif // FP4Q_ATTRS_TD
