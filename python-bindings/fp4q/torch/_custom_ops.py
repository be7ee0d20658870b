# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch.ops.fp4q: what torch.compile and torch.export see of the package.

Each operator has a kernel that calls compiled code, a fake kernel that knows
the shape of the result, and no gradient: asking for one is an error when it
is computed, not before.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch

from .. import _arrays, _backends, _modules, _ops
from .._quantized import QuantizedTensor

# Kept alive: the operators live as long as this object.
library = torch.library.Library("fp4q", "DEF")
library.define(
    "linear(Tensor x, Tensor e2m1, Tensor scale_quant, "
    "Tensor weight_global_scale, Tensor? activation_global_scale, "
    "Tensor activation_scale_scale, Tensor? transform, Tensor? bias, "
    "str? quant_backend, str? matmul_backend) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)
library.define(
    "no_gradient(Tensor gradient, SymInt[] shape) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag,),
)

KINDS = {torch.float8_e8m0fnu: "e8m0", torch.float8_e4m3fn: "e4m3"}
ELEMENTS = {
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
}
_functions: dict[tuple, Any] = {}


def check_input(x: torch.Tensor, columns: int) -> None:
    """Refuses what a layer with K = columns does not take."""
    if x.dtype not in ELEMENTS:
        raise TypeError(
            f"x must be float32, float16 or bfloat16, but is {x.dtype}"
        )
    if x.ndim == 0 or x.shape[-1] != columns:
        raise ValueError(
            f"x must have shape (..., {columns}), but has {tuple(x.shape)}"
        )


def _device(tensor: torch.Tensor) -> int:
    return _arrays.CPU if tensor.is_cpu else _arrays.device(tensor, "e2m1")


def _describe(
    x: torch.Tensor,
    e2m1: torch.Tensor,
    scale_quant: torch.Tensor,
    is_dynamic: bool,
    transform: torch.Tensor | None,
    bias: torch.Tensor | None,
    quant_backend: str | None,
    matmul_backend: str | None,
) -> tuple[_modules.Quantizer, _modules.Matmul]:
    """What a layer computes; of the tensors, types, shapes and device count."""
    outputs, half = e2m1.shape
    device = _device(e2m1)
    kind = KINDS[scale_quant.dtype]
    group = 2 * half // scale_quant.shape[1]
    element = ELEMENTS[x.dtype]
    shape, t_element = (), "f32"
    if transform is not None:
        shape, t_element = _ops.check_transform(transform, 2 * half)
    quantizer = _modules.Quantizer(
        2 * half, element, kind, group, "law",
        "dynamic" if is_dynamic else "given", True, shape, t_element,
        _backends.choose(quant_backend, "quant_backend", "quantize", device),
    )  # fmt: skip
    matmul = _modules.Matmul(
        2 * half, outputs, kind, group, element,
        bias="" if bias is None else ELEMENTS[bias.dtype],
        backend=_backends.choose(
            matmul_backend, "matmul_backend", "matmul", device
        ),
    )  # fmt: skip
    return quantizer, matmul


def _find(
    x: torch.Tensor,
    e2m1: torch.Tensor,
    scale_quant: torch.Tensor,
    is_dynamic: bool,
    transform: torch.Tensor | None,
    bias: torch.Tensor | None,
    quant_backend: str | None,
    matmul_backend: str | None,
) -> Any:
    """The compiled function of a layer, one for every number of rows."""
    key = (
        x.dtype,
        e2m1.shape,
        scale_quant.shape[1],
        scale_quant.dtype,
        is_dynamic,
        None if transform is None else (transform.shape, transform.dtype),
        None if bias is None else bias.dtype,
        quant_backend,
        matmul_backend,
        e2m1.device,
    )
    found = _functions.get(key)
    if found is None:
        found = _ops.function(
            _modules.linear,
            *_describe(
                x, e2m1, scale_quant, is_dynamic, transform, bias,
                quant_backend, matmul_backend,
            ),
            device=_device(e2m1),
        )  # fmt: skip
        _functions[key] = found
    return found


def _widen(tensor: torch.Tensor | None, dtype: torch.dtype) -> Any:
    """A transform or bias in a type that is taken with x's: its own or f32,
    which holds all others exactly."""
    if tensor is None:
        return None
    if tensor.dtype not in (dtype, torch.float32):
        tensor = tensor.float()
    return tensor.detach().contiguous()


def prepare(
    x: torch.Tensor, e2m1: torch.Tensor, scale_quant: torch.Tensor,
    activation_global_scale: torch.Tensor | None,
    transform: torch.Tensor | None, bias: torch.Tensor | None,
    quant_backend: str | None, matmul_backend: str | None,
) -> None:  # fmt: skip
    """Compiles what linear() will call; only dtypes, shapes and the device
    count. Layers of which the host does a part are compiled when they run."""
    if e2m1.is_meta or any(_host_roles(e2m1, quant_backend, matmul_backend)):
        return
    _find(
        x, e2m1, scale_quant, activation_global_scale is None,
        _widen(transform, x.dtype), _widen(bias, x.dtype),
        quant_backend, matmul_backend,
    )  # fmt: skip


def mlir(
    x: torch.Tensor, e2m1: torch.Tensor, scale_quant: torch.Tensor,
    activation_global_scale: torch.Tensor | None,
    transform: torch.Tensor | None, bias: torch.Tensor | None,
    quant_backend: str | None, matmul_backend: str | None,
) -> str:  # fmt: skip
    """The module that linear() compiles."""
    return _modules.linear(
        *_describe(
            x, e2m1, scale_quant, activation_global_scale is None,
            _widen(transform, x.dtype), _widen(bias, x.dtype),
            quant_backend, matmul_backend,
        )
    )  # fmt: skip


def _host_roles(
    e2m1: torch.Tensor, quant_backend: str | None, matmul_backend: str | None
) -> tuple[bool, bool]:
    """Whether the host is to quantize, and to multiply, for tensors on a GPU."""
    if e2m1.is_cpu:
        return False, False
    device = _device(e2m1)
    return (
        _backends.on_host(quant_backend, "quant_backend", device),
        _backends.on_host(matmul_backend, "matmul_backend", device),
    )


def _linear(
    x, e2m1, scale_quant, weight_global_scale, activation_global_scale,
    activation_scale_scale, transform, bias, quant_backend, matmul_backend,
):  # fmt: skip
    outputs, columns = e2m1.shape[0], 2 * e2m1.shape[1]
    check_input(x, columns)
    transform, bias = _widen(transform, x.dtype), _widen(bias, x.dtype)
    host = _host_roles(e2m1, quant_backend, matmul_backend)
    if any(host):
        return _linear_in_parts(
            x, e2m1, scale_quant, weight_global_scale,
            activation_global_scale, activation_scale_scale, transform, bias,
            quant_backend, matmul_backend,
        )  # fmt: skip
    run = _find(
        x, e2m1, scale_quant, activation_global_scale is None, transform, bias,
        quant_backend, matmul_backend,
    )  # fmt: skip
    operands = (
        activation_global_scale, activation_scale_scale, transform, bias
    )  # fmt: skip
    rows = math.prod(x.shape[:-1])
    y = torch.empty(rows, outputs, dtype=x.dtype, device=x.device)
    run(
        _arrays.as_rows(x, columns),
        e2m1.contiguous(),
        scale_quant.contiguous(),
        weight_global_scale,
        *[operand for operand in operands if operand is not None],
        out=y,
    )
    return y.view(*x.shape[:-1], outputs)


def _linear_in_parts(
    x, e2m1, scale_quant, weight_global_scale, activation_global_scale,
    activation_scale_scale, transform, bias, quant_backend, matmul_backend,
):  # fmt: skip
    """A function for each role, since they run in different places."""
    fmt = {"e8m0": "mxfp4", "e4m3": "nvfp4"}[KINDS[scale_quant.dtype]]
    group = 2 * e2m1.shape[1] // scale_quant.shape[1]
    gs = activation_global_scale
    if gs is None:
        gs = _ops.global_scale(
            x, None if transform is None else transform.float()
        )
    a = _ops.quantize(
        x, fmt, group, None, gs, activation_scale_scale, transform,
        quant_backend,
    )  # fmt: skip
    b = QuantizedTensor(e2m1, scale_quant, weight_global_scale, fmt, group)
    rows = math.prod(x.shape[:-1])
    flat = dataclasses.replace(
        a, codes=a.codes.reshape(rows, -1), scales=a.scales.reshape(rows, -1)
    )
    y = _ops.scaled_matmul(
        flat, b, bias=bias, dtype=str(x.dtype), backend=matmul_backend
    )
    return y.view(*x.shape[:-1], e2m1.shape[0])


for _key in ("CPU", "CUDA"):
    library.impl("linear", _linear, _key)


@torch.library.register_fake("fp4q::linear", lib=library)
def _linear_fake(
    x, e2m1, scale_quant, weight_global_scale, activation_global_scale,
    activation_scale_scale, transform, bias, quant_backend, matmul_backend,
):  # fmt: skip
    check_input(x, 2 * e2m1.shape[1])
    return x.new_empty((*x.shape[:-1], e2m1.shape[0]))


@torch.library.impl(library, "no_gradient", "CompositeExplicitAutograd")
def _no_gradient(gradient, shape):
    raise RuntimeError(
        "fp4q layers are for inference: they have no gradient; call the model "
        "under torch.no_grad(), or do not quantize what is trained through"
    )


@torch.library.register_fake("fp4q::no_gradient", lib=library)
def _no_gradient_fake(gradient, shape):
    return gradient.new_empty(shape)


def _save_shape(ctx, inputs, output):
    ctx.shape = inputs[0].shape


def _refuse(ctx, gradient):
    # By an operator, so that compiling a backward pass is no error yet.
    refused = torch.ops.fp4q.no_gradient(gradient, ctx.shape)
    return refused, *[None] * 9


torch.library.register_autograd(
    "fp4q::linear", _refuse, setup_context=_save_shape, lib=library
)
