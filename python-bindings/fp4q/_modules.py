# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the MLIR modules behind the functions of the package.

What a module computes is all in its text, so the text is the key of what was
compiled. The numbers of rows and batches are dynamic: one module serves all.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

SCALE_TYPES = {"e8m0": "f8E8M0FNU", "e4m3": "f8E4M3FN"}
BLOCKED = "#fp4q.scale_layout<blocked_128x4>"


class Value(NamedTuple):
    name: str
    type: str


def tensor(*sizes: int | str, element: str) -> str:
    return f"tensor<{'x'.join([*map(str, sizes), element])}>"


SCALAR = tensor(element="f32")


class Function:
    """One public function under construction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._arguments: list[Value] = []
        self._lines: list[str] = []
        self._names = 0

    def argument(self, type: str) -> Value:  # noqa: A002
        value = Value(f"%arg{len(self._arguments)}", type)
        self._arguments.append(value)
        return value

    def line(self, text: str, type: str) -> Value:  # noqa: A002
        """Adds an op with one result."""
        self._names += 1
        value = Value(f"%{self._names}", type)
        self._lines.append(f"  {value.name} = {text}")
        return value

    def dim(self, value: Value, axis: int) -> Value:
        index = self.line(f"arith.constant {axis} : index", "index")
        return self.line(
            f"tensor.dim {value.name}, {index.name} : {value.type}", "index"
        )

    def empty(self, type: str, *sizes: Value) -> Value:  # noqa: A002
        names = ", ".join(size.name for size in sizes)
        return self.line(f"tensor.empty({names}) : {type}", type)

    def op(
        self,
        name: str,
        operands: list[Value],
        inits: list[Value],
        clauses: dict[str, Value | None] | None = None,
        attributes: dict[str, str] | None = None,
    ) -> list[Value]:
        """Adds an fp4q op, one result an init."""
        text = f"fp4q.{name} ins({_group(operands)})"
        for keyword, value in (clauses or {}).items():
            if value is not None:
                text += f" {keyword}({_group([value])})"
        text += f" outs({_group(inits)})"
        if attributes:
            pairs = (f"{key} = {value}" for key, value in attributes.items())
            text += f" {{{', '.join(pairs)}}}"
        results = []
        for init in inits:
            self._names += 1
            results.append(Value(f"%{self._names}", init.type))
        names = ", ".join(r.name for r in results)
        types = ", ".join(r.type for r in results)
        self._lines.append(f"  {names} = {text} -> {types}")
        return results

    def text(self, *results: Value) -> str:
        arguments = ", ".join(f"{v.name}: {v.type}" for v in self._arguments)
        types = ", ".join(v.type for v in results)
        names = ", ".join(v.name for v in results)
        body = "\n".join(self._lines)
        return (
            f"func.func @{self.name}({arguments}) -> ({types}) {{\n{body}\n"
            f"  return {names} : {types}\n}}\n"
        )


def _group(values: list[Value]) -> str:
    names = ", ".join(v.name for v in values)
    return f"{names} : {', '.join(v.type for v in values)}"


@dataclasses.dataclass(frozen=True)
class Quantizer:
    """How rows of K elements become codes and scales."""

    columns: int
    element: str  # of x
    kind: str  # e8m0 or e4m3
    group: int
    recipe: str = "law"
    global_scale: str = "none"  # none, given or dynamic (amax / 2688)
    scale_scale: bool = False  # whether there is one
    transform: tuple[int, ...] = ()  # the shape of T
    transform_element: str = "f32"
    backend: str | None = None

    def attributes(self) -> dict[str, str]:
        found = backend_attribute(self.backend)
        if self.recipe != "law":
            found["recipe"] = f'#fp4q.recipe<"{self.recipe}">'
        return found

    def emit(
        self,
        f: Function,
        x: Value,
        rows: Value,
        global_scale: Value | None,
        scale_scale: Value | None,
        transform: Value | None,
    ) -> tuple[Value, Value, Value | None]:
        """Adds the ops; (codes, scales, the global scale that was used)."""
        if self.global_scale == "dynamic":
            if transform:
                # Unrounded, so quantizing it is what the fused op does.
                y = f.empty(tensor("?", self.columns, element="f32"), rows)
                (x,) = f.op("block_transform", [x, transform], [y])
                transform = None
            (global_scale,) = f.op("global_scale", [x], [f.empty(SCALAR)])
        codes = f.empty(tensor("?", self.columns // 2, element="i8"), rows)
        scales = f.empty(
            tensor(
                "?", self.columns // self.group, element=SCALE_TYPES[self.kind]
            ),
            rows,
        )
        clauses = {
            "transform": transform,
            "global_scale": global_scale,
            "scale_scale": scale_scale,
        }
        q, s = f.op(
            "quantize_pack", [x], [codes, scales], clauses, self.attributes()
        )
        return q, s, global_scale

    def arguments(self, f: Function) -> list[Value | None]:
        """The global scale, scale scale and transform, as far as given."""
        shape = tensor(*self.transform, element=self.transform_element)
        return [
            f.argument(SCALAR) if self.global_scale == "given" else None,
            f.argument(SCALAR) if self.scale_scale else None,
            f.argument(shape) if self.transform else None,
        ]


def backend_attribute(name: str | None) -> dict[str, str]:
    """The request for a back end; without one the compiler chooses."""
    if not name:
        return {}
    return {"fp4q.backend": f'#fp4q.backend<"{name}">'}


def quantize(quantizer: Quantizer) -> str:
    """@quantize(x [, global scale] [, scale scale] [, T])
    -> codes, scales [, the dynamic global scale]"""
    f = Function("quantize")
    x = f.argument(tensor("?", quantizer.columns, element=quantizer.element))
    rows = f.dim(x, 0)
    operands = quantizer.arguments(f)
    codes, scales, used = quantizer.emit(f, x, rows, *operands)
    if quantizer.global_scale == "dynamic":
        return f.text(codes, scales, used)
    return f.text(codes, scales)


def dequantize(
    columns: int, kind: str, group: int, element: str, has_global_scale: bool,
    divides: bool, backend: str | None,
) -> str:  # fmt: skip
    """@dequantize(codes, scales [, global scale]) -> values"""
    f = Function("dequantize")
    codes = f.argument(tensor("?", columns // 2, element="i8"))
    scales = f.argument(
        tensor("?", columns // group, element=SCALE_TYPES[kind])
    )
    clauses = {"global_scale": f.argument(SCALAR) if has_global_scale else None}
    init = f.empty(tensor("?", columns, element=element), f.dim(codes, 0))
    attributes = backend_attribute(backend)
    if divides:
        attributes["direction"] = "#fp4q.direction<divide>"
    return f.text(
        *f.op("dequant", [codes, scales], [init], clauses, attributes)
    )


def global_scale(columns: int, element: str, transform: tuple[int, ...]) -> str:
    """@global_scale(x [, T of f32]) -> the global scale, tensor<f32>"""
    f = Function("global_scale")
    x = f.argument(tensor("?", columns, element=element))
    if transform:
        t = f.argument(tensor(*transform, element="f32"))
        y = f.empty(tensor("?", columns, element="f32"), f.dim(x, 0))
        (x,) = f.op("block_transform", [x, t], [y])
    return f.text(*f.op("global_scale", [x], [f.empty(SCALAR)]))


def block_transform(
    columns: int, element: str, transform: tuple[int, ...],
    transform_element: str, result: str,
) -> str:  # fmt: skip
    """@block_transform(x, T) -> y"""
    f = Function("block_transform")
    x = f.argument(tensor("?", columns, element=element))
    t = f.argument(tensor(*transform, element=transform_element))
    init = f.empty(tensor("?", columns, element=result), f.dim(x, 0))
    return f.text(*f.op("block_transform", [x, t], [init]))


def swizzle(batched: bool, columns: int, kind: str) -> str:
    """@swizzle(scales (..., R, C)) -> (..., ceil(R/128), ceil(C/4), 512)"""
    f = Function("swizzle")
    lead = ["?"] if batched else []
    element = SCALE_TYPES[kind]
    scales = f.argument(tensor(*lead, "?", columns, element=element))
    sizes = [f.dim(scales, axis) for axis in range(len(lead) + 1)]
    tile = f.line("arith.constant 128 : index", "index")
    sizes[-1] = f.line(
        f"arith.ceildivui {sizes[-1].name}, {tile.name} : index", "index"
    )
    shape = tensor(*lead, "?", -(-columns // 4), 512, element=element)
    return f.text(*f.op("swizzle_scales", [scales], [f.empty(shape, *sizes)]))


def unswizzle(batched: bool, rows: int, columns: int, kind: str) -> str:
    """@unswizzle(tiles) -> scales (..., rows, columns)"""
    f = Function("unswizzle")
    lead = ["?"] if batched else []
    element = SCALE_TYPES[kind]
    tiles = f.argument(
        tensor(*lead, -(-rows // 128), -(-columns // 4), 512, element=element)
    )
    init = f.empty(
        tensor(*lead, rows, columns, element=element),
        *[f.dim(tiles, axis) for axis in range(len(lead))],
    )
    return f.text(*f.op("unswizzle_scales", [tiles], [init]))


@dataclasses.dataclass(frozen=True)
class Matmul:
    """The product of quantized operands with N columns."""

    columns: int  # K
    outputs: int  # N
    kind: str
    group: int
    element: str  # of the result
    batched_a: bool = False
    batched_b: bool = False
    bias: str = ""  # its element type
    backend: str | None = None

    def b_arguments(self, f: Function) -> tuple[Value, Value]:
        lead = ["?"] if self.batched_b else []
        scales = SCALE_TYPES[self.kind]
        return (
            f.argument(
                tensor(*lead, self.outputs, self.columns // 2, element="i8")
            ),
            f.argument(
                tensor(
                    *lead,
                    self.outputs,
                    self.columns // self.group,
                    element=scales,
                )
            ),
        )

    def emit(
        self,
        f: Function,
        operands: list[Value],
        sizes: list[Value],
        alpha: Value | None,
        bias: Value | None,
        attributes: dict[str, str] | None = None,
    ) -> Value:
        lead = ["?"] if self.batched_a else []
        init = f.empty(
            tensor(*lead, "?", self.outputs, element=self.element), *sizes
        )
        (y,) = f.op(
            "scaled_matmul",
            operands,
            [init],
            {"alpha": alpha, "bias": bias},
            {**backend_attribute(self.backend), **(attributes or {})},
        )
        return y


def _product(f: Function, scales: list[tuple[Value, bool]]) -> Value | None:
    """The product of global scales, each turned over if it divides. On tensors,
    since on a GPU the host does not read them."""
    factors = [
        _arith(f, f"%one = arith.constant 1.0 : f32\n"
               f"    %y = arith.divf %one, %in : f32", scale)
        if divides
        else scale
        for scale, divides in scales
    ]  # fmt: skip
    if len(factors) < 2:
        return factors[0] if factors else None
    return _arith(f, "%y = arith.mulf %in, %in_0 : f32", *factors)


def _arith(f: Function, body: str, *operands: Value) -> Value:
    """%y of `body`, of one number each (%in, %in_0)."""
    init = f.empty(SCALAR)
    maps = ", ".join(["affine_map<() -> ()>"] * (len(operands) + 1))
    names = ["%in", "%in_0"][: len(operands)]
    arguments = ", ".join(f"{name}: f32" for name in (*names, "%out"))
    return f.line(
        f"linalg.generic {{indexing_maps = [{maps}], iterator_types = []}} "
        f"ins({_group(list(operands))}) outs({_group([init])}) {{\n"
        f"  ^bb0({arguments}):\n    {body}\n    linalg.yield %y : f32\n"
        f"  }} -> {SCALAR}",
        SCALAR,
    )


def scaled_matmul(
    matmul: Matmul,
    global_scales: tuple[str, str],
    alpha: str,
) -> str:
    """@scaled_matmul(a, sa, b, sb [, global scales of a, b] [, alpha] [, bias])

    global_scales: "", "multiply" or "divide" for a and for b; alpha, where they
    are "": "", "scalar" or "columns".
    """
    f = Function("scaled_matmul")
    lead = ["?"] if matmul.batched_a else []
    a = f.argument(tensor(*lead, "?", matmul.columns // 2, element="i8"))
    sa = f.argument(
        tensor(
            *lead,
            "?",
            matmul.columns // matmul.group,
            element=SCALE_TYPES[matmul.kind],
        )
    )
    b, sb = matmul.b_arguments(f)
    scales = [
        (f.argument(SCALAR), direction == "divide")
        for direction in global_scales
        if direction
    ]
    given = None
    if alpha:
        sizes = [matmul.outputs] if alpha == "columns" else []
        given = f.argument(tensor(*sizes, element="f32"))
    bias = None
    if matmul.bias:
        bias = f.argument(tensor(matmul.outputs, element=matmul.bias))
    factor = given or _product(f, scales)
    dims = [f.dim(a, axis) for axis in range(len(lead) + 1)]
    return f.text(matmul.emit(f, [a, sa, b, sb], dims, factor, bias))


def linear(quantizer: Quantizer, matmul: Matmul) -> str:
    """@linear(x, b, sb, global scale of b [, of x] [, scale scale] [, T]
    [, bias]) -> y: quantizes x and multiplies."""
    f = Function("linear")
    x = f.argument(tensor("?", quantizer.columns, element=quantizer.element))
    b, sb = matmul.b_arguments(f)
    weight_scale = f.argument(SCALAR)
    operands = quantizer.arguments(f)
    bias = None
    if matmul.bias:
        bias = f.argument(tensor(matmul.outputs, element=matmul.bias))
    rows = f.dim(x, 0)
    a, sa, used = quantizer.emit(f, x, rows, *operands)
    scales = [(used, False)] if used else []
    alpha = _product(f, [*scales, (weight_scale, False)])
    return f.text(matmul.emit(f, [a, sa, b, sb], [rows], alpha, bias))
