# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch.ops.fp4q.quantize, dequantize and scaled_matmul: the functions of fp4q
of the same names as operators, which torch.compile and torch.export keep whole.

Their results are tensors only: instead of a QuantizedTensor there are codes,
scales, whose type is the format, and a global scale, float32 of rank 0.
"""

from __future__ import annotations

import torch

from .. import _ops
from .._quantized import (
    GROUPS,
    QuantizedTensor,
    check_format,
    check_group,
)
from ._custom_ops import KINDS, library

FORMATS = {
    "mxfp4": torch.float8_e8m0fnu,
    "nvfp4": torch.float8_e4m3fn,
}

library.define(
    "quantize(Tensor x, str format='mxfp4', int? group_size=None, "
    "str? recipe=None, Tensor? global_scale=None, Tensor? scale_scale=None, "
    "Tensor? transform=None, str? backend=None) -> (Tensor, Tensor, Tensor)",
    tags=(torch.Tag.pt2_compliant_tag,),
)
library.define(
    "dequantize(Tensor codes, Tensor scales, Tensor? global_scale=None, "
    "ScalarType dtype=float, bool divides=False, str? backend=None) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)
library.define(
    "scaled_matmul(Tensor a, Tensor a_scales, Tensor b, Tensor b_scales, "
    "Tensor? alpha=None, Tensor? bias=None, ScalarType dtype=float, "
    "str? backend=None) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)


def _quantized(codes, scales, argument, global_scale=None, divides=False):
    """What codes (..., K/2) and scales (..., K/G) stand for."""
    if scales.dtype not in KINDS:
        raise TypeError(
            f"{argument} must be float8_e8m0fnu or float8_e4m3fn, but is "
            f"{scales.dtype}"
        )
    fmt = {dtype: name for name, dtype in FORMATS.items()}[scales.dtype]
    columns = 2 * codes.shape[-1] if codes.ndim else 0
    groups = scales.shape[-1] if scales.ndim else 0
    if groups == 0 or columns % groups:
        raise ValueError(
            f"{argument} must be (..., K/G) for codes (..., K/2), but are "
            f"{tuple(scales.shape)} and {tuple(codes.shape)}"
        )
    return QuantizedTensor(
        codes, scales, global_scale, fmt, columns // groups, divides
    )


def _quantize(
    x, format="mxfp4", group_size=None, recipe=None, global_scale=None,  # noqa: A002
    scale_scale=None, transform=None, backend=None,
):  # fmt: skip
    q = _ops.quantize(
        x, format, group_size, recipe, global_scale, scale_scale, transform,
        backend,
    )  # fmt: skip
    used = 1.0 if q.global_scale is None else q.global_scale
    if not torch.is_tensor(used):
        used = torch.tensor(used, dtype=torch.float32, device=x.device)
    elif used is global_scale or used._base is not None:
        used = used.clone()  # results of operators are no views of arguments
    return q.codes, q.scales, used


def _quantize_fake(
    x, format="mxfp4", group_size=None, recipe=None, global_scale=None,  # noqa: A002
    scale_scale=None, transform=None, backend=None,
):  # fmt: skip
    check_format(format)
    columns = x.shape[-1]
    group = group_size or GROUPS[format]
    check_group(int(group), int(columns))
    return (
        x.new_empty((*x.shape[:-1], columns // 2), dtype=torch.uint8),
        x.new_empty((*x.shape[:-1], columns // group), dtype=FORMATS[format]),
        x.new_empty((), dtype=torch.float32),
    )


def _dequantize(
    codes, scales, global_scale=None, dtype=torch.float32, divides=False,
    backend=None,
):  # fmt: skip
    q = _quantized(codes, scales, "scales", global_scale, divides)
    return _ops.dequantize(q, str(dtype), backend)


def _dequantize_fake(
    codes, scales, global_scale=None, dtype=torch.float32, divides=False,
    backend=None,
):  # fmt: skip
    return codes.new_empty(
        (*codes.shape[:-1], 2 * codes.shape[-1]), dtype=dtype
    )


def _scaled_matmul(
    a, a_scales, b, b_scales, alpha=None, bias=None, dtype=torch.float32,
    backend=None,
):  # fmt: skip
    return _ops.scaled_matmul(
        _quantized(a, a_scales, "a_scales"),
        _quantized(b, b_scales, "b_scales"),
        alpha=alpha, bias=bias, dtype=str(dtype), backend=backend,
    )  # fmt: skip


def _scaled_matmul_fake(
    a, a_scales, b, b_scales, alpha=None, bias=None, dtype=torch.float32,
    backend=None,
):  # fmt: skip
    return a.new_empty((*a.shape[:-1], b.shape[-2]), dtype=dtype)


def _save_inputs(ctx, inputs, output):
    ctx.shapes = [v.shape if torch.is_tensor(v) else None for v in inputs]


def _refuse(ctx, *gradients):
    (gradient, *_) = [g for g in gradients if g is not None]
    # By an operator, so that compiling a backward pass is no error yet.
    return tuple(
        torch.ops.fp4q.no_gradient(gradient, shape) if needed else None
        for shape, needed in zip(ctx.shapes, ctx.needs_input_grad)
    )


for _name, _kernel, _fake in (
    ("quantize", _quantize, _quantize_fake),
    ("dequantize", _dequantize, _dequantize_fake),
    ("scaled_matmul", _scaled_matmul, _scaled_matmul_fake),
):
    for _device in ("CPU", "CUDA"):
        library.impl(_name, _kernel, _device)
    torch.library.register_fake(f"fp4q::{_name}", _fake, lib=library)
    torch.library.register_autograd(
        f"fp4q::{_name}", _refuse, setup_context=_save_inputs, lib=library
    )
