# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random layers for fp4q_graphs: what follows a product, products of one
activation with constant weights, and weight-only products."""

import dataclasses

import fp4q_data as data
import fp4q_oracle as oracle
import numpy as np
from fp4q_modules import SCALE_TYPES, Value

UNIT = 2.0**-23
# Half a unit in the last place, relative, for results narrower than f32.
HALF_ULP = {"bf16": 2.0**-8, "f16": 2.0**-11, "f32": 2.0**-24}


def constant(g, array, element):
    """A tensor constant, as raw bytes."""
    shape = "x".join(map(str, array.shape))
    value = Value(g._name(), array.shape, element)
    text = np.ascontiguousarray(array).tobytes().hex().upper()
    g._line(f'{value.name} = arith.constant dense<"0x{text}"> : tensor<{shape}x{element}>')
    return value


def repeated(g, like, operand):
    """A tensor like `like` that repeats a scalar or a value a column."""
    init = g.empty_like(like, like.shape[-1:], like.element)
    if operand.shape is not None and len(operand.shape) == 1:
        return g.broadcast_columns(operand, init)
    result = dataclasses.replace(init, name=g._name())
    if operand.shape is None and g.chance(0.5):
        sizes = ", ".join(g.dim(like, axis) for axis in like.dynamic)
        sizes = f"[{sizes}]" if sizes else ""
        g._line(f"{result.name} = tensor.splat {operand.name}{sizes} : {result.type}")
    elif operand.shape is None:
        g._line(
            f"{result.name} = linalg.fill ins({operand.name} : f32)"
            f" outs({init.name} : {init.type}) -> {init.type}"
        )
    else:
        axes = list(range(len(like.shape)))
        g._line(
            f"{result.name} = linalg.broadcast ins({operand.name} : {operand.type})"
            f" outs({init.name} : {init.type}) dimensions = {axes}"
        )
    return result


def number_operand(g, columns):
    """A factor or addend and its values: one, or one a column."""
    if g.chance(0.4):
        numbers = g.rng.standard_normal(columns).astype(np.float32)
        form = constant if g.chance(0.3) else g.argument
        return form(g, numbers, "f32") if form is constant else form(numbers, "f32"), numbers
    number = np.float32(g.pick(1.0, 0.5, 0.1, -3.0))
    return g.scalar(number, g.pick("constant", "f32", "tensor")), number


def arithmetic(g, value, operation, operands, leave):
    """`operation` of `value` and operands, in one of three forms."""
    flags = " fastmath<contract>" if leave == "contract" else ""
    relaxed = leave == "relaxed"
    if operation != "fma" and (relaxed or g.chance(0.6)):
        names = [value.name, repeated(g, value, operands[0]).name]
        if g.chance(0.5):
            names.reverse()
        result = dataclasses.replace(value, name=g._name())
        if not relaxed and not flags and g.chance(0.3):
            init = g.empty_like(value, value.shape[-1:], "f32")
            g._line(
                f"{result.name} = linalg.{operation[:3]} ins({', '.join(names)} :"
                f" {value.type}, {value.type}) outs({init.name} : {init.type})"
                f" -> {init.type}"
            )
        else:
            attribute = " {fp4q.relaxed}" if relaxed else ""
            g._line(
                f"{result.name} = arith.{operation} {', '.join(names)}"
                f"{flags}{attribute} : {value.type}"
            )
        return result
    lead = [f"d{i}" for i in range(len(value.shape))]
    maps = [lead]
    for operand in operands:
        whole = operand.shape is None or operand.shape == ()
        maps.append([] if whole else lead[-1:])
    init = g.empty_like(value, value.shape[-1:], "f32")
    if operation == "fma":
        line = "%r = math.fma %i0, %i1, %i2 : f32"
    else:
        line = f"%r = arith.{operation} %i1, %i0{flags} : f32"
    return g.generic(
        [value, *operands], [*maps, lead], init, [line, "linalg.yield %r : f32"]
    )


def epilogue(g, value, size):
    """What a front end does with a product: (the result, how its numbers grew
    from `size`, the sum of their magnitudes, and by how much the roundings that
    may be skipped can change it, or None)."""
    slack, has_leave = 0.0, False
    for _ in range(int(g.rng.integers(1, 5))):
        leave = g.pick(None, None, None, "contract", "relaxed")
        has_leave |= leave is not None
        columns = value.shape[-1]
        if value.element != "f32":
            if g.chance(0.5):
                break
            value = g.cast(value, "f32")
            continue
        kind = g.pick("mulf", "addf", "fma", "cast", "reshape")
        if kind == "reshape":
            if len(value.shape) == 3 and not value.dynamic:
                rows = value.shape[0] * value.shape[1]
                value = g.reshape(value, (rows, columns), [[0, 1], [2]])
                size = size.reshape(rows, columns)
        elif kind == "cast":
            # bf16 only next to leave: f16 may overflow on one of two ways.
            element = "bf16" if has_leave or g.chance(0.7) else "f16"
            if leave is None:
                value = g.cast(value, element)
            else:
                result = dataclasses.replace(value, name=g._name(), element="bf16")
                text = "fastmath<contract>" if leave == "contract" else "{fp4q.relaxed}"
                g._line(
                    f"{result.name} = arith.truncf {value.name} {text}"
                    f" : {value.type} to {result.type}"
                )
                value = result
            slack += 4 * HALF_ULP[value.element]
        else:
            operands, numbers = zip(
                *(number_operand(g, columns) for _ in range(1 + (kind == "fma")))
            )
            value = arithmetic(g, value, kind, operands, leave)
            if kind != "addf":
                size = size * np.abs(numbers[0])
            if kind != "mulf":
                size = size + np.abs(numbers[-1])
        if g.chance(0.08):
            # A second use, behind which nothing is absorbed.
            g.give(value, (size, slack) if has_leave else None)
    return value, size, slack if has_leave else None


def codes_and_scales(g, shape, group, kind, dynamic=(), form=None):
    """Codes and scales of an operand (..., K): values and arrays."""
    arrays = (
        data.codes(g.rng, (*shape[:-1], shape[-1] // 2)),
        data.scale_bytes(g.rng, (*shape[:-1], shape[-1] // group), kind, "moderate"),
    )
    types = ("i8", SCALE_TYPES[kind])
    values = [
        constant(g, array, type_) if form == "constant" else g.argument(array, type_, dynamic)
        for array, type_ in zip(arrays, types)
    ]
    return *values, *arrays


def magnitudes(kind, a, b):
    """The sums of the magnitudes of all products."""
    f64 = np.dtype(np.float64)
    x, y = (np.abs(oracle.dequant(*o, kind, 1.0, False, f64)) for o in (a, b))
    return x.astype(np.float64) @ np.swapaxes(y.astype(np.float64), -1, -2)


def product_with_epilogue(g):
    """scaled_matmul and what follows it."""
    group, kind = g.pick(8, 16, 32), g.pick(*data.KINDS)
    k = group * int(g.rng.integers(1, 4))
    rows, columns = int(g.rng.integers(0, 8)), int(g.rng.integers(1, 10))
    batch = g.pick((), (), (2,))
    dynamic = [i for i in range(len(batch) + 1) if g.chance(0.3)]
    a, sa, *a_arrays = codes_and_scales(g, (*batch, rows, k), group, kind, dynamic)
    b, sb, *b_arrays = codes_and_scales(g, (columns, k), group, kind)
    size = magnitudes(kind, a_arrays, b_arrays)
    alpha = bias = None
    if g.chance(0.4):
        alpha, number = number_operand(g, columns)
        size = size * np.abs(number)
    if g.chance(0.2):
        numbers = g.rng.standard_normal(columns).astype(np.float32)
        bias = g.argument(numbers, "f32")
        size = size + np.abs(numbers)
    relaxed = g.chance(0.15)
    value = g.matmul(
        a, sa, b, sb, g.pick("f32", "f32", "f32", "bf16"), alpha, bias,
        attributes=["fp4q.relaxed"] if relaxed else [],
    )  # fmt: skip
    first = 4 * HALF_ULP[value.element]
    start = len(g.distances)
    value, size, slack = epilogue(g, value, size)
    if relaxed:
        slack = (slack or 0.0) + first

    def distance(size, slack):
        return (2 * (k + 16) * UNIT + first + slack) * size

    for index in range(start, len(g.distances)):
        if relaxed and g.distances[index] is None:
            g.distances[index] = np.inf
        elif isinstance(g.distances[index], tuple):
            g.distances[index] = distance(*g.distances[index])
    g.give(value, None if slack is None else distance(size, slack))


def heads(g):
    """Products of one activation with constant weights."""
    group, kind = g.pick(8, 16, 32), g.pick(*data.KINDS)
    k = group * int(g.rng.integers(1, 4))
    lead = g.pick((3,), (1,), (0,), (2, 3))
    dynamic = [i for i in range(len(lead)) if g.chance(0.4)]
    if g.chance(0.5):
        a, sa, _ = g.quantized((*lead, k), group, kind, dynamic)
    else:
        a, sa, *_ = codes_and_scales(g, (*lead, k), group, kind, dynamic)
    has_bias, element = g.chance(0.4), g.pick("f32", "f32", "bf16", "f16")
    shared = g.scalar(0.3, g.pick("f32", "tensor")) if g.chance(0.3) else None
    for _ in range(int(g.rng.integers(2, 5))):
        columns = int(g.rng.integers(1, 7))
        form = "constant" if g.chance(0.9) else None
        b, sb, *_ = codes_and_scales(g, (columns, k), group, kind, form=form)
        alpha = shared
        if alpha is None and g.chance(0.6):
            alpha, _ = number_operand(g, columns)
        bias = None
        if has_bias:
            numbers = g.rng.standard_normal(columns).astype(np.float32)
            bias = constant(g, numbers, "f32")
        value = g.matmul(a, sa, b, sb, element, alpha, bias)
        if element == "f32" and g.chance(0.3):
            value = g.cast(value, "bf16")
        g.give(value)


def weight_only(g):
    """A float activation and a decoded weight, larger than a tile of it."""
    group, kind = g.pick(16, 32, 128), g.pick(*data.KINDS)
    k = group * int(g.rng.integers(1, 500 // group))
    rows, columns = int(g.rng.integers(0, 6)), int(g.rng.integers(1, 260))
    if g.chance(0.3):
        columns = 8 * (columns // 8 + 1)
    batch = g.pick((), (), (2,))
    b_batch = batch if g.chance(0.5) else ()
    dynamic = [i for i in range(len(batch) + 1) if g.chance(0.3)]
    element = g.pick("f32", "f32", "bf16")
    x = data.values(g.rng, (*batch, rows, k), element, "normal")
    a = g.argument(x, element, dynamic)
    b = g.operand(
        (*b_batch, columns, k), group, kind,
        [0] if b_batch and 0 in dynamic else [], element,
    ).value  # fmt: skip
    init = g.empty_like(a, (columns,), "f32")
    if g.chance(0.3):
        bias = g.rng.standard_normal(columns).astype(np.float32)
        init = g.broadcast_columns(g.argument(bias, "f32"), init)
    else:
        init = g.fill(init)
    g.give(g.contraction(a, b, init, g.pick("transposed", "contract", "generic", "named")))
