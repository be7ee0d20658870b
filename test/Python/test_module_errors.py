# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules that do not verify, given to fp4q-run: one line that names the
culprit and what is allowed, exit status 1, no crash, and no output file."""

import re

import pytest
from fp4q_failures import fails


def tensor(text):
    """tensor<...>, or a type that is written out."""
    written_out = re.fullmatch(r"[a-z]+\d+|tensor<.*>", text)
    return text if written_out else f"tensor<{text}>"


def op(mnemonic, inputs, inits, clauses=(), attributes=""):
    """A module with one op; its operands and results are those of @main."""
    types = [tensor(t) for t in inputs]
    clause_types = [tensor(t) for _, t in clauses]
    results = [tensor(t) for t in inits]
    arguments = [
        f"%a{i}: {t}" for i, t in enumerate([*types, *clause_types, *results])
    ]
    operands = ", ".join(f"%a{i}" for i in range(len(types)))
    text = f"fp4q.{mnemonic} ins({operands} : {', '.join(types)})"
    place = len(types)
    for (keyword, _), clause_type in zip(clauses, clause_types, strict=True):
        text += f" {keyword}(%a{place} : {clause_type})"
        place += 1
    targets = ", ".join(f"%a{place + i}" for i in range(len(results)))
    joined = ", ".join(results)
    text += f" outs({targets} : {joined}) {attributes} -> {joined}"
    names = ", ".join(f"%r#{i}" for i in range(len(results)))
    if len(results) == 1:
        names = "%r"
    return (
        f"func.func @main({', '.join(arguments)}) -> ({joined}) {{\n"
        f"  %r{':2' if len(results) == 2 else ''} = {text}\n"
        f"  return {names} : {joined}\n}}\n"
    )


def quantize(x="4x64xbf16", codes="4x32xi8", scales="4x2xf8E8M0FNU", **more):
    return op("quantize_pack", [x], [codes, scales], **more)


def given(x="4x64xbf16", codes="4x32xi8", scales="4x2xf8E8M0FNU", clauses=()):
    clauses = [("scales", scales), *clauses]
    return op("quantize_pack", [x], [codes], clauses)


def transform(x="4x64xbf16", t="32x32xbf16", y="4x64xf32"):
    return op("block_transform", [x, t], [y])


def dequant(codes="4x32xi8", scales="4x2xf8E8M0FNU", y="4x64xbf16", **more):
    return op("dequant", [codes, scales], [y], **more)


def matmul(
    a="4x32xi8", sa="4x2xf8E8M0FNU", b="8x32xi8", sb="8x2xf8E8M0FNU",
    c="4x8xf32", **more,
):  # fmt: skip
    return op("scaled_matmul", [a, sa, b, sb], [c], **more)


def swizzle(scales="200x6xf8E8M0FNU", blocked="2x2x512xf8E8M0FNU"):
    return op("swizzle_scales", [scales], [blocked])


def unswizzle(blocked="2x2x512xf8E8M0FNU", scales="200x6xf8E8M0FNU"):
    return op("unswizzle_scales", [blocked], [scales])


def constant_scale(keyword, number):
    """quantize_pack with a constant global_scale or scale_scale."""
    text = quantize(clauses=[(keyword, "f32")])
    return text.replace("%a1: f32, ", "").replace(
        "  %r:2", f"  %a1 = arith.constant {number} : f32\n  %r:2"
    )


def resource(size):
    """quantize_pack of a dense_resource with `size` bytes."""
    hexadecimal = (4).to_bytes(4, "little").hex() + "00" * size
    text = quantize().replace("%a0: tensor<4x64xbf16>, ", "")
    text = text.replace(
        "  %r:2",
        "  %a0 = arith.constant dense_resource<weights> : tensor<4x64xbf16>"
        "\n  %r:2",
    )
    return (
        f"{text}\n{{-#\n  dialect_resources: {{\n    builtin: {{\n"
        f'      weights: "0x{hexadecimal}"\n    }}\n  }}\n#-}}\n'
    )


GROUP = r"a power of two from 2 to 128 (that|and) divides K = "
BLOCK = "BxB or CxBxB, where B is " + GROUP

# name -> (module, what the message says, a regular expression).
MODULES = {
    "k_no_multiple_of_g": (
        quantize(x="4x48xbf16", codes="4x24xi8", scales="4x5xf8E8M0FNU"),
        f"last dimension of scales .*{GROUP}48, but got 5",
    ),
    "g_no_power_of_two": (
        quantize(x="4x48xbf16", codes="4x24xi8"),
        f"last dimension of scales .*{GROUP}48, but got 2",
    ),
    "g_too_large": (
        quantize(x="4x256xbf16", codes="4x128xi8", scales="4x1xf8E8M0FNU"),
        f"last dimension of scales .*{GROUP}256, but got 1",
    ),
    "g_too_small": (
        quantize(scales="4x64xf8E8M0FNU"),
        f"last dimension of scales .*{GROUP}64, but got 64",
    ),
    "k_odd": (
        quantize(x="4x63xbf16", codes="4x31xi8"),
        "K to be even, but got 63",
    ),
    "k_zero": (
        quantize(x="4x0xbf16", codes="4x0xi8", scales="4x0xf8E8M0FNU"),
        "last dimension of x to be static and positive, but got 4x0",
    ),
    "k_dynamic": (
        quantize(x="4x?xbf16", codes="4x?xi8", scales="4x?xf8E8M0FNU"),
        r"last dimension of x to be static and positive, but got 4x\?",
    ),
    "x_rank_0": (
        quantize(x="tensor<bf16>"),
        "x to have rank >= 1, but got 0",
    ),
    "x_f64": (
        quantize(x="4x64xf64"),
        "operand #0 must be bf16, f16 or f32 tensor or memref, "
        "but got 'tensor<4x64xf64>'",
    ),
    "x_integer": (
        quantize(x="4x64xi8"),
        "operand #0 must be bf16, f16 or f32 tensor or memref, "
        "but got 'tensor<4x64xi8>'",
    ),
    "codes_rank": (
        quantize(codes="128xi8"),
        "codes to have shape 4x32, but got 128",
    ),
    "codes_shape": (
        quantize(codes="4x64xi8"),
        "codes to have shape 4x32, but got 4x64",
    ),
    "codes_type": (
        quantize(codes="4x32xi16"),
        "operand #1 must be variadic of packed i8 code or f8 scale tensor or "
        "memref, but got 'tensor<4x32xi16>'",
    ),
    "scales_rank": (
        quantize(scales="8xf8E8M0FNU"),
        "scales to have shape 4xK/G for a group size G, but got 8",
    ),
    "scales_rows": (
        quantize(scales="5x2xf8E8M0FNU"),
        "scales to have shape 4xK/G for a group size G, but got 5x2",
    ),
    "scales_type": (
        quantize(scales="4x2xf8E5M2"),
        "operand #2 must be variadic of packed i8 code or f8 scale tensor or "
        "memref, but got 'tensor<4x2xf8E5M2>'",
    ),
    "given_scales_shape": (
        given(scales="4x3xf8E4M3FN"),
        f"last dimension of scales .*{GROUP}64, but got 3",
    ),
    "given_scales_and_scale_scale": (
        given(clauses=[("scale_scale", "f32")]),
        "no scale_scale when scales are given",
    ),
    "gs_zero": (
        constant_scale("global_scale", "0.0"),
        "constant global_scale to be finite and positive, but got 0.*",
    ),
    "gs_negative": (
        constant_scale("global_scale", "-1.0"),
        "constant global_scale to be finite and positive, but got -1.*",
    ),
    "gs_nan": (
        constant_scale("global_scale", "0x7FC00000"),
        "constant global_scale to be finite and positive, but got .*",
    ),
    "ss_infinite": (
        constant_scale("scale_scale", "0x7F800000"),
        "constant scale_scale to be finite and positive, but got .*",
    ),
    "gs_f64": (
        quantize(clauses=[("global_scale", "f64")]),
        "operand #1 must be f32, tensor<f32> or memref<f32>, but got 'f64'",
    ),
    "gs_vector": (
        quantize(clauses=[("global_scale", "4xf32")]),
        "operand #1 must be f32, tensor<f32> or memref<f32>, "
        "but got 'tensor<4xf32>'",
    ),
    "transform_not_square": (
        transform(t="32x16xbf16"),
        f"transform to be {BLOCK}64 .*, but got 32x16",
    ),
    "transform_b_not_allowed": (
        transform(x="4x48xbf16", t="3x3xbf16", y="4x48xf32"),
        f"transform to be {BLOCK}48 .*, but got 3x3",
    ),
    "transform_b_too_large": (
        transform(x="4x256xbf16", t="256x256xbf16", y="4x256xf32"),
        f"transform to be {BLOCK}256 .*, but got 256x256",
    ),
    "transform_b_does_not_divide_k": (
        transform(x="4x48xbf16", t="32x32xbf16", y="4x48xf32"),
        f"transform to be {BLOCK}48 .*, but got 32x32",
    ),
    "transform_number_of_blocks": (
        transform(t="3x32x32xbf16"),
        f"transform to be {BLOCK}64 .*, but got 3x32x32",
    ),
    "transform_type": (
        transform(t="32x32xf16"),
        r"transform to have the element type of x \('bf16'\) or f32, but got "
        "'f16'",
    ),
    "transform_result_shape": (
        transform(y="4x32xf32"),
        "init to have shape 4x64, but got 4x32",
    ),
    "fused_transform_shape": (
        quantize(clauses=[("transform", "64x32xbf16")]),
        f"transform to be {BLOCK}64 .*, but got 64x32",
    ),
    "dequant_scales_shape": (
        dequant(scales="4x5xf8E4M3FN"),
        f"last dimension of scales .*{GROUP}64, but got 5",
    ),
    "dequant_result_k": (
        dequant(y="4x32xbf16"),
        "codes to have shape 4x16, but got 4x32",
    ),
    "dequant_blocked_without_group": (
        dequant(
            scales="1x1x512xf8E8M0FNU",
            attributes="{scale_layout = #fp4q.scale_layout<blocked_128x4>}",
        ),
        "group_size with layout blocked_128x4",
    ),
    "matmul_k": (
        matmul(b="8x16xi8", sb="8x1xf8E8M0FNU"),
        "a and b to agree in K/2, but got 32 and 16",
    ),
    "matmul_scale_types": (
        matmul(sb="8x2xf8E4M3FN"),
        "a_scales and b_scales to have the same element type, but got "
        "'f8E8M0FNU' and 'f8E4M3FN'",
    ),
    "matmul_group_sizes": (
        matmul(sb="8x4xf8E8M0FNU"),
        "a and b to have the same group size, but got 32 and 16",
    ),
    "matmul_scale_rows": (
        matmul(sb="7x2xf8E8M0FNU"),
        "b_scales to have shape 8xK/G for a group size G, but got 7x2",
    ),
    "matmul_batch": (
        matmul(
            a="2x4x32xi8",
            sa="2x4x2xf8E8M0FNU",
            b="3x8x32xi8",
            sb="3x8x2xf8E8M0FNU",
            c="2x4x8xf32",
        ),  # fmt: skip
        "b to have no batch dimensions or those of a, but got 2x4x32 and "
        "3x8x32",
    ),
    "matmul_n_dynamic": (
        matmul(b="?x32xi8", sb="?x2xf8E8M0FNU", c="4x?xf32"),
        r"N, the rows of b, to be static and positive, but got \?x32",
    ),
    "matmul_result": (
        matmul(c="4x9xf32"),
        "init to have shape 4x8, but got 4x9",
    ),
    "matmul_alpha_length": (
        matmul(clauses=[("alpha", "4xf32")]),
        "alpha to have shape 8, but got 4",
    ),
    "matmul_bias_length": (
        matmul(clauses=[("bias", "9xf32")]),
        "bias to have shape 8, but got 9",
    ),
    "matmul_bias_type": (
        matmul(clauses=[("bias", "8xbf16")]),
        r"bias to be f32 or of the result's element type \('f32'\), but got "
        "'bf16'",
    ),
    "swizzle_shape": (
        swizzle(blocked="2x1x512xf8E8M0FNU"),
        "init to have shape 2x2x512, but got 2x1x512",
    ),
    "swizzle_type": (
        swizzle(blocked="2x2x512xf8E4M3FN"),
        "source and init to have the same element type, but got "
        "'f8E8M0FNU' and 'f8E4M3FN'",
    ),
    "unswizzle_shape": (
        unswizzle(scales="300x6xf8E8M0FNU"),
        "source to have shape 3x2x512, but got 2x2x512",
    ),
    "resource_length": (
        resource(500),
        "resource 'weights' of operand #0 to hold 512 bytes, but got 500",
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(build_dir, tmp_path, name):
    module, message = MODULES[name]
    where = rf"{re.escape(str(tmp_path))}/module\.mlir:\d+:\d+: "
    fails(
        build_dir,
        tmp_path,
        module,
        ["--entry=main", f"--output={tmp_path}/y.npy"],
        f"{where}('fp4q.[a-z_]+' op )?(expects )?(the |a )?{message}",
    )
