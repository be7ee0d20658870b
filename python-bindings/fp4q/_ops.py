# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operations on arrays. Nothing is computed here: each call runs a compiled
function, which is compiled when its like is first needed."""

from __future__ import annotations

import dataclasses
import math
import numbers
import threading
from typing import Any

from . import _arrays, _backends, _modules
from ._artifact import compile_bytes
from ._quantized import (
    GROUPS,
    KINDS,
    QuantizedTensor,
    check_format,
    check_group,
    check_recipe,
    usual_scale_scale,
)

_functions: dict[tuple, Any] = {}
_locks: dict[tuple, threading.Lock] = {}
_guard = threading.Lock()


def function(builder: Any, *parameters: Any, device: int = _arrays.CPU) -> Any:
    """The compiled function of the module builder(*parameters), for the CPU or
    the GPU of that number."""
    target = _backends.target_of(device)
    key = (builder, target, *parameters)
    found = _functions.get(key)
    if found is not None:
        return found
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:
        if key not in _functions:
            text = builder(*parameters)
            artifact = compile_bytes(
                text.encode(), f"<{builder.__name__}>", target
            )
            _functions[key] = next(iter(artifact.functions.values()))
        return _functions[key]


def _on_host(call: Any, like: Any, *arguments: Any, **options: Any) -> Any:
    """call(...) on copies in the memory of the host, its result copied back."""

    def move(value: Any, copy: Any) -> Any:
        if isinstance(value, QuantizedTensor):
            changes = {
                name: copy(getattr(value, name))
                for name in ("codes", "scales", "global_scale")
                if _arrays.is_array(getattr(value, name))
            }
            return dataclasses.replace(value, **changes)
        return copy(value) if _arrays.is_array(value) else value

    result = call(
        *[move(value, _arrays.to_host) for value in arguments],
        **{k: move(value, _arrays.to_host) for k, value in options.items()},
    )
    return move(result, lambda array: _arrays.to_device(array, like))


def check_scale(value: Any, argument: str) -> Any:
    """A scale: a number, which must be finite and positive, or an array of one
    f32, which is not read."""
    if value is None:
        return None
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(
                f"{argument} must be finite and positive, but is {value}"
            )
        return float(value)
    if _arrays.element(value, argument) != "f32" or math.prod(value.shape) != 1:
        raise TypeError(
            f"{argument} must be a number or an array of one float32, but got "
            f"shape {tuple(value.shape)} of {value.dtype}"
        )
    return value.reshape(()) if value.shape else value


def check_transform(transform: Any, columns: int) -> tuple[tuple, str]:
    """The shape and element type of a block transform."""
    name = _arrays.element(transform, "transform")
    shape = tuple(transform.shape)
    block = shape[-1] if shape else 0
    blocks_fit = (
        len(shape) in (2, 3)
        and shape[-2] == block
        and block in (2, 4, 8, 16, 32, 64, 128)
        and columns % block == 0
        and (len(shape) == 2 or shape[0] == columns // block)
    )
    if not blocks_fit:
        raise ValueError(
            f"transform must be (B, B) or ({columns}/B, B, B) for a power of "
            f"two B from 2 to 128 that divides {columns}, but is {shape}"
        )
    return shape, name


def _check_columns(x: Any, argument: str) -> tuple[str, int]:
    name = _arrays.element(x, argument)
    if name not in _arrays.FLOATS:
        raise TypeError(
            f"{argument} must be float32, float16 or bfloat16, but is {x.dtype}"
        )
    _arrays.device(x, argument)
    if len(x.shape) == 0:
        raise ValueError(f"{argument} must have at least one dimension")
    return name, int(x.shape[-1])


def quantize(
    x: Any,
    format: str = "mxfp4",  # noqa: A002
    group_size: int | None = None,
    recipe: str | None = None,
    global_scale: Any = None,
    scale_scale: Any = None,
    transform: Any = None,
    backend: str | None = None,
) -> QuantizedTensor:
    """Quantizes x (..., K), float32, float16 or bfloat16, along K.

    format: "mxfp4" (groups of 32, e8m0 scales) or "nvfp4" (groups of 16, e4m3
    scales and a global scale). group_size: another power of two from 2 to 128
    that divides K. recipe: the quantizer of a library, such as "ct-nv"; None is
    the definition of docs/numerics.md.

    global_scale: a number or an array of one float32. Without one, mxfp4 takes
    1/3 and nvfp4 amax(x) / 2688, computed in the same call; recipes whose
    global scale divides must be given one. scale_scale: None is the usual one,
    4 for mxfp4 and 6 for nvfp4.

    transform: (B, B) or (K/B, B, B); quantizes x @ T^T of each block, unrounded.
    backend: "reference", "cpu", "gpu-portable", "gpu-native" or None, the
    fastest.
    """
    element, columns = _check_columns(x, "x")
    device = _arrays.device(x, "x")
    fmt = check_format(format)
    group = check_group(
        GROUPS[fmt] if group_size is None else group_size, columns
    )
    parsed = check_recipe(recipe, fmt)
    gs = check_scale(global_scale, "global_scale")
    ss = check_scale(scale_scale, "scale_scale")
    if parsed.reads_global_scale:
        if gs is None and fmt == "mxfp4":
            gs = 1 / 3
        if gs is None and parsed.divides:
            raise ValueError(
                f"global_scale must be given for recipe '{parsed.name}'"
            )
    elif gs is not None:
        raise ValueError(f"global_scale: recipe '{parsed.name}' has none")
    if parsed.reads_scale_scale:
        ss = usual_scale_scale(parsed.name, fmt) if ss is None else ss
    elif ss is not None:
        raise ValueError(f"scale_scale: recipe '{parsed.name}' has none")
    mode = "none"
    if parsed.reads_global_scale:
        mode = "dynamic" if gs is None else "given"
    shape, t_element = (), "f32"
    if transform is not None:
        shape, t_element = check_transform(transform, columns)
        if t_element not in ("f32", element):
            raise TypeError(
                f"transform must have the type of x or float32, but is "
                f"{transform.dtype}"
            )
        transform = _arrays.contiguous(transform)
    operands = {
        "global_scale": gs if mode == "given" else None, "scale_scale": ss,
        "transform": transform,
    }  # fmt: skip
    for name, value in operands.items():
        if _arrays.is_array(value):
            _arrays.check_device(value, name, device, "x")
    if _backends.on_host(backend, "backend", device):
        return _on_host(
            quantize, x, x, format, group_size, recipe, global_scale,
            scale_scale, transform, backend,
        )  # fmt: skip
    run = function(
        _modules.quantize,
        _modules.Quantizer(
            columns, element, KINDS[fmt], group, parsed.name, mode,
            ss is not None, shape, t_element,
            _backends.choose(backend, "backend", "quantize", device),
        ),
        device=device,
    )  # fmt: skip
    codes, scales, *dynamic = run(
        _arrays.as_rows(x, columns), *_placed(operands.values(), x)
    )
    lead = tuple(x.shape[:-1])
    return QuantizedTensor(
        codes.reshape(*lead, columns // 2),
        scales.reshape(*lead, columns // group),
        dynamic[0] if dynamic else gs,
        fmt,
        group,
        parsed.divides,
    )


def _placed(operands: Any, like: Any) -> list[Any]:
    """The operands that there are, numbers where the device reads them."""
    return [
        _arrays.scalar(value, like) if isinstance(value, float) else value
        for value in operands
        if value is not None
    ]


def _check_quantized(q: Any, argument: str) -> QuantizedTensor:
    """Refuses what does not fit together, so that it is not misread."""
    if not isinstance(q, QuantizedTensor):
        raise TypeError(
            f"{argument} must be a QuantizedTensor, but got {type(q).__name__}"
        )
    fmt = check_format(q.format)
    if _arrays.element(q.codes, f"{argument}.codes") != "i8":
        raise TypeError(f"{argument}.codes must be uint8, not {q.codes.dtype}")
    native = _modules.SCALE_TYPES[KINDS[fmt]]
    if _arrays.element(q.scales, f"{argument}.scales") not in ("i8", native):
        raise TypeError(
            f"{argument}.scales must be {fmt}'s scales or uint8, not "
            f"{q.scales.dtype}"
        )
    device = _arrays.device(q.codes, f"{argument}.codes")
    for name in ("scales", "global_scale"):
        if _arrays.is_array(getattr(q, name)):
            _arrays.check_device(
                getattr(q, name), f"{argument}.{name}", device,
                f"{argument}.codes",
            )  # fmt: skip
    if len(q.codes.shape) == 0:
        raise ValueError(f"{argument}.codes must have at least one dimension")
    check_group(q.group_size, q.shape[-1], f"{argument}.group_size")
    if q.layout == "linear":
        wanted = (*q.shape[:-1], q.shape[-1] // q.group_size)
    elif q.layout == "blocked_128x4":
        if len(q.shape) < 2:
            raise ValueError(f"{argument}: blocked scales need rows")
        wanted = (
            *q.shape[:-2],
            -(-q.shape[-2] // 128),
            -(-(q.shape[-1] // q.group_size) // 4),
            512,
        )
    else:
        raise ValueError(
            f"{argument}.layout must be 'linear' or 'blocked_128x4', but is "
            f"{q.layout!r}"
        )
    if tuple(q.scales.shape) != tuple(wanted):
        raise ValueError(
            f"{argument}.scales must be {tuple(wanted)} for codes "
            f"{tuple(q.codes.shape)}, but are {tuple(q.scales.shape)}"
        )
    return q


def _linear(q: QuantizedTensor) -> QuantizedTensor:
    return unswizzle_scales(q) if q.layout != "linear" else q


def dequantize(
    q: QuantizedTensor, dtype: Any = "float32", backend: str | None = None
) -> Any:
    """The values of q as an array (..., K) of float32, float16 or bfloat16."""
    q = _linear(_check_quantized(q, "q"))
    element = _arrays.parse_float(dtype, "dtype")
    columns, gs = q.shape[-1], check_scale(q.global_scale, "q.global_scale")
    device = _arrays.device(q.codes, "q.codes")
    if _backends.on_host(backend, "backend", device):
        return _on_host(dequantize, q.codes, q, dtype, backend)
    run = function(
        _modules.dequantize, columns, KINDS[q.format], q.group_size, element,
        gs is not None, q.divides,
        _backends.choose(backend, "backend", "dequantize", device),
        device=device,
    )  # fmt: skip
    values = run(
        _arrays.as_rows(q.codes, columns // 2),
        _arrays.as_rows(q.scales, columns // q.group_size),
        *_placed([gs], q.codes),
    )
    return values.reshape(*q.shape)


def scaled_matmul(
    a: QuantizedTensor,
    b: QuantizedTensor,
    *,
    alpha: Any = None,
    bias: Any = None,
    dtype: Any = "float32",
    backend: str | None = None,
) -> Any:
    """alpha * a @ b^T + bias for a (..., M, K) and b (N, K), or b with the batch
    dimensions of a: (..., M, N) of `dtype`, accumulated in f32, rounded once.

    alpha: a number, an array of one float32 or of N; None is the product of the
    global scales of a and b. bias: (N), float32 or of `dtype`.
    """
    a = _linear(_check_quantized(a, "a"))
    b = _linear(_check_quantized(b, "b"))
    if (a.format, a.group_size) != (b.format, b.group_size):
        raise ValueError(
            f"a and b must agree in format and group_size, but are {a.format} "
            f"of {a.group_size} and {b.format} of {b.group_size}"
        )
    (*lead, columns), (*b_lead, b_columns) = a.shape, b.shape
    if len(b_lead) == 0 or len(lead) == 0:
        raise ValueError("a and b must have at least two dimensions")
    if columns != b_columns:
        raise ValueError(
            f"a and b must agree in K, but have {columns} and {b_columns}"
        )
    *b_batch, outputs = b_lead
    if b_batch and b_batch != lead[:-1]:
        raise ValueError(
            f"b must be (N, K) or have the batch dimensions {tuple(lead[:-1])} "
            f"of a, but is {b.shape}"
        )
    if outputs == 0:
        raise ValueError("b must have at least one row")
    element = _arrays.parse_float(dtype, "dtype")
    device = _arrays.device(a.codes, "a.codes")
    others = {"b.codes": b.codes, "bias": bias, "alpha": alpha}
    for name, value in others.items():
        if _arrays.is_array(value):
            _arrays.check_device(value, name, device, "a.codes")
    if _backends.on_host(backend, "backend", device):
        return _on_host(
            scaled_matmul, a.codes, a, b, alpha=alpha, bias=bias, dtype=dtype,
            backend=backend,
        )  # fmt: skip
    kind, group = KINDS[a.format], a.group_size
    bias_element = ""
    if bias is not None:
        bias_element = _arrays.element(bias, "bias")
        if bias_element not in ("f32", element):
            raise TypeError(
                f"bias must be float32 or of the result's type, but is "
                f"{bias.dtype}"
            )
        if tuple(bias.shape) != (outputs,):
            raise ValueError(
                f"bias must have shape ({outputs},), but has "
                f"{tuple(bias.shape)}"
            )
    operands, directions, mode = [], ("", ""), ""
    if alpha is None:
        scales = [
            check_scale(q.global_scale, f"{n}.global_scale")
            for q, n in ((a, "a"), (b, "b"))
        ]
        directions = tuple(
            "" if gs is None else "divide" if q.divides else "multiply"
            for gs, q in zip(scales, (a, b))
        )
        operands = [gs for gs in scales if gs is not None]
    else:
        mode = "scalar"
        if _arrays.is_array(alpha) and tuple(alpha.shape) == (outputs,):
            mode = "columns" if outputs > 1 or len(alpha.shape) else "scalar"
            if _arrays.element(alpha, "alpha") != "f32":
                raise TypeError(f"alpha must be float32, but is {alpha.dtype}")
        elif isinstance(alpha, numbers.Real):
            alpha = float(alpha)
        else:
            alpha = check_scale(alpha, "alpha")
        operands = [alpha]
    batched = bool(b_batch)
    batch = math.prod(lead[:-1])
    run = function(
        _modules.scaled_matmul,
        _modules.Matmul(
            columns, outputs, kind, group, element, batched, batched,
            bias_element,
            _backends.choose(backend, "backend", "matmul", device),
        ),
        directions,
        mode,
        device=device,
    )  # fmt: skip

    def rows(array: Any, width: int, is_b: bool) -> Any:
        flat = _arrays.as_rows(array, width)
        if not batched:
            return flat
        return flat.reshape(batch, outputs if is_b else lead[-1], width)

    if bias is not None:
        operands.append(_arrays.contiguous(bias))
    y = run(
        rows(a.codes, columns // 2, False),
        rows(a.scales, columns // group, False),
        rows(b.codes, columns // 2, True),
        rows(b.scales, columns // group, True),
        *_placed(operands, a.codes),
    )
    return y.reshape(*lead, outputs)


def swizzle_scales(q: QuantizedTensor) -> QuantizedTensor:
    """q with its scales in the layout blocked_128x4 of cuBLAS and CUTLASS:
    (..., ceil(rows/128), ceil(K/group_size/4), 512), padded with zeros."""
    q = _check_quantized(q, "q")
    if q.layout != "linear":
        return q
    if len(q.shape) < 2:
        raise ValueError("q must have at least two dimensions")
    *batch, rows, columns = q.scales.shape
    run = function(
        _modules.swizzle, bool(batch), columns, KINDS[q.format],
        device=_arrays.device(q.codes, "q.codes"),
    )  # fmt: skip
    scales = _arrays.contiguous(q.scales)
    if batch:
        scales = scales.reshape(math.prod(batch), rows, columns)
    tiles = run(scales)
    if batch:
        tiles = tiles.reshape(*batch, *tiles.shape[1:])
    return dataclasses.replace(q, scales=tiles, layout="blocked_128x4")


def unswizzle_scales(q: QuantizedTensor) -> QuantizedTensor:
    """The inverse of swizzle_scales; the padding is dropped."""
    q = _check_quantized(q, "q")
    if q.layout == "linear":
        return q
    *batch, rows, columns = (*q.shape[:-1], q.shape[-1] // q.group_size)
    run = function(
        _modules.unswizzle, bool(batch), rows, columns, KINDS[q.format],
        device=_arrays.device(q.codes, "q.codes"),
    )  # fmt: skip
    tiles = _arrays.contiguous(q.scales)
    if batch:
        tiles = tiles.reshape(math.prod(batch), *tiles.shape[len(batch) :])
    scales = run(tiles)
    return dataclasses.replace(
        q, scales=scales.reshape(*batch, rows, columns), layout="linear"
    )


def block_transform(x: Any, transform: Any, dtype: Any = None) -> Any:
    """x @ T^T of each block of x (..., K) for transform T (B, B) or (K/B, B,
    B), accumulated in f32 and rounded once to dtype, by default x's."""
    element, columns = _check_columns(x, "x")
    shape, t_element = check_transform(transform, columns)
    if t_element not in ("f32", element):
        raise TypeError(
            "transform must have the type of x or float32, but is "
            f"{transform.dtype}"
        )
    result = _arrays.parse_float(x.dtype if dtype is None else dtype, "dtype")
    device = _arrays.device(x, "x")
    _arrays.check_device(transform, "transform", device, "x")
    run = function(
        _modules.block_transform, columns, element, shape, t_element, result,
        device=device,
    )  # fmt: skip
    y = run(_arrays.as_rows(x, columns), _arrays.contiguous(transform))
    return y.reshape(*x.shape)


def global_scale(x: Any, transform: Any = None) -> Any:
    """amax(x) / 2688 as an array of one float32, of x @ T^T of each block if
    there is a transform (float32): the global scale of nvfp4."""
    element, columns = _check_columns(x, "x")
    shape: tuple = ()
    operands = []
    if transform is not None:
        shape, t_element = check_transform(transform, columns)
        if t_element != "f32":
            raise TypeError(
                f"transform must be float32, but is {transform.dtype}"
            )
        operands = [_arrays.contiguous(transform)]
    device = _arrays.device(x, "x")
    if transform is not None:
        _arrays.check_device(transform, "transform", device, "x")
    run = function(
        _modules.global_scale, columns, element, shape, device=device
    )
    return run(_arrays.as_rows(x, columns), *operands)
