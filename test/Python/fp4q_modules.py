# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes MLIR modules of level-1 fp4q ops.

A Module is one function under construction. Each method that adds an op takes
Values and returns the op's results as Values, so that a test can put many ops
of many shapes into one module and run all of them in one process.
"""

import dataclasses

import numpy as np

_BLOCKED = "#fp4q.scale_layout<blocked_128x4>"
_PACKED = "#fp4q.weight_layout<packed_16x8>"
SCALE_TYPES = {"e8m0": "f8E8M0FNU", "e4m3": "f8E4M3FN"}


@dataclasses.dataclass(frozen=True)
class Value:
    """An SSA value: its name, static shape (None for a scalar), element type
    and which dimensions its type leaves dynamic."""

    name: str
    shape: tuple | None
    element: str
    dynamic: tuple = ()

    @property
    def type(self):
        if self.shape is None:
            return self.element
        sizes = (
            "?" if axis in self.dynamic else str(size)
            for axis, size in enumerate(self.shape)
        )
        return f"tensor<{'x'.join([*sizes, self.element])}>"


class Module:
    """One public function and the arrays it is called with."""

    def __init__(self, entry="main"):
        self.entry = entry
        self.inputs = []
        self._arguments = []
        self._lines = []
        self._results = []
        self._names = 0

    # --- values -------------------------------------------------------------

    def _name(self):
        self._names += 1
        return f"%v{self._names}"

    def _line(self, text):
        self._lines.append(f"    {text}")

    def argument(self, array, element, dynamic=()):
        """A tensor argument that `array` is passed for."""
        value = Value(
            f"%arg{len(self.inputs)}", array.shape, element, tuple(dynamic)
        )
        self.inputs.append(array)
        self._arguments.append(value)
        return value

    def scalar(self, number, form):
        """An f32 in one of the forms "constant", "f32" and "tensor"."""
        if form == "constant":
            name = self._name()
            bits = int(np.float32(number).view(np.uint32))
            self._line(f"{name} = arith.constant 0x{bits:08X} : f32")
            return Value(name, None, "f32")
        shape = None if form == "f32" else ()
        value = Value(f"%arg{len(self.inputs)}", shape, "f32")
        self.inputs.append(np.array(number, np.float32))
        self._arguments.append(value)
        return value

    def result(self, value):
        """Returns `value` from the function."""
        self._results.append(value)

    def _index(self, number):
        name = self._name()
        self._line(f"{name} = arith.constant {number} : index")
        return name

    def dim(self, value, axis):
        """The size of a dimension, as an index."""
        index, name = self._index(axis), self._name()
        self._line(f"{name} = tensor.dim {value.name}, {index} : {value.type}")
        return name

    def empty(self, shape, element, sizes):
        """tensor.empty; `sizes` maps a dynamic axis to an index name."""
        value = Value(self._name(), tuple(shape), element, tuple(sorted(sizes)))
        operands = ", ".join(sizes[axis] for axis in value.dynamic)
        self._line(f"{value.name} = tensor.empty({operands}) : {value.type}")
        return value

    def empty_like(self, value, tail, element):
        """tensor.empty of value's shape with the last len(tail) dimensions
        replaced; those that stay keep being dynamic."""
        lead = len(value.shape) - len(tail)
        sizes = {
            axis: self.dim(value, axis) for axis in value.dynamic if axis < lead
        }
        return self.empty((*value.shape[:lead], *tail), element, sizes)

    def blocked_empty(self, like, columns, element):
        """tensor.empty for the blocked scales of (..., rows, columns), where
        `like` has the leading dimensions and the rows."""
        return self._tiled_empty(like, columns, element, (128, 4, 512))

    def _tiled_empty(self, like, columns, element, tiling):
        """`tiling`: rows and columns of a tile, and its bytes."""
        tile_rows, tile_columns, tile_bytes = tiling
        *lead, rows, _ = like.shape
        row_axis = len(lead)
        sizes = {
            axis: self.dim(like, axis)
            for axis in like.dynamic
            if axis <= row_axis
        }
        if row_axis in sizes:
            tile, name = self._index(tile_rows), self._name()
            self._line(
                f"{name} = arith.ceildivui {sizes[row_axis]}, {tile} : index"
            )
            sizes[row_axis] = name
        tiles = (-(-rows // tile_rows), -(-columns // tile_columns))
        return self.empty((*lead, *tiles, tile_bytes), element, sizes)

    # --- ops ----------------------------------------------------------------

    def _op(self, mnemonic, operands, clauses, inits, attributes=()):
        """Writes one op and returns its results, one per init."""
        results = [dataclasses.replace(i, name=self._name()) for i in inits]
        names = ", ".join(r.name for r in results)
        types = ", ".join(r.type for r in results)
        text = f"{names} = fp4q.{mnemonic} ins({_group(operands)})"
        for keyword, value in clauses:
            if value is not None:
                text += f" {keyword}({_group([value])})"
        text += f" outs({_group(inits)})"
        if attributes:
            text += f" {{{', '.join(attributes)}}}"
        self._line(f"{text} -> {types}")
        return results

    def quantize(
        self, x, group, kind, gs=None, ss=None, transform=None, blocked=False
    ):
        columns = x.shape[-1]
        codes = self.empty_like(x, (columns // 2,), "i8")
        if blocked:
            scales = self.blocked_empty(x, columns // group, SCALE_TYPES[kind])
        else:
            scales = self.empty_like(x, (columns // group,), SCALE_TYPES[kind])
        clauses = [
            ("transform", transform),
            ("global_scale", gs),
            ("scale_scale", ss),
        ]
        return self._op(
            "quantize_pack",
            [x],
            clauses,
            [codes, scales],
            _layout(["scale_layout"] if blocked else [], group),
        )

    def quantize_given(self, x, scales, gs=None, group=None):
        """`group` is set if the scales are blocked."""
        codes = self.empty_like(x, (x.shape[-1] // 2,), "i8")
        clauses = [("scales", scales), ("global_scale", gs)]
        layout = _layout(["scale_layout"] if group else [], group)
        return self._op("quantize_pack", [x], clauses, [codes], layout)[0]

    def global_scale(self, x):
        return self._op("global_scale", [x], [], [self.empty((), "f32", {})])[0]

    def dequant(
        self, codes, scales, element, gs=None, divide=False, group=None
    ):
        """`group` is set if the scales are blocked."""
        init = self.empty_like(codes, (2 * codes.shape[-1],), element)
        attributes = _layout(["scale_layout"] if group else [], group)
        if divide:
            attributes.append("direction = #fp4q.direction<divide>")
        clauses = [("global_scale", gs)]
        return self._op(
            "dequant", [codes, scales], clauses, [init], attributes
        )[0]

    def transform(self, x, t, element):
        init = self.empty_like(x, (x.shape[-1],), element)
        return self._op("block_transform", [x, t], [], [init])[0]

    def matmul(
        self, a, sa, b, sb, element, alpha=None, bias=None, blocked=(), group=0,
        attributes=(), packed_rows=None,
    ):  # fmt: skip
        """`blocked` names the operands, of "a" and "b", with blocked scales;
        `packed_rows` are the rows of a packed b."""
        init = self.empty_like(a, (packed_rows or b.shape[-2],), element)
        clauses = [("alpha", alpha), ("bias", bias)]
        layout = _layout([f"{name}_scale_layout" for name in blocked], group)
        layout += attributes
        if packed_rows:
            layout.append(f"b_layout = {_PACKED}")
        return self._op(
            "scaled_matmul", [a, sa, b, sb], clauses, [init], layout
        )[0]

    def swizzle(self, scales):
        init = self.blocked_empty(scales, scales.shape[-1], scales.element)
        return self._op("swizzle_scales", [scales], [], [init])[0]

    def unswizzle(self, swizzled, shape, like):
        """`like` has the dynamic sizes of the logical (..., rows, columns)."""
        sizes = {axis: self.dim(like, axis) for axis in like.dynamic}
        init = self.empty(shape, swizzled.element, sizes)
        return self._op("unswizzle_scales", [swizzled], [], [init])[0]

    def pack_weights(self, codes):
        init = self._tiled_empty(codes, codes.shape[-1], "i8", (16, 4, 64))
        return self._op("pack_weights", [codes], [], [init])[0]

    def unpack_weights(self, packed, shape, like):
        """`like` has the dynamic sizes of the logical (..., rows, bytes)."""
        sizes = {axis: self.dim(like, axis) for axis in like.dynamic}
        init = self.empty(shape, "i8", sizes)
        return self._op("unpack_weights", [packed], [], [init])[0]

    # --- text -----------------------------------------------------------------

    def text(self):
        arguments = ", ".join(f"{v.name}: {v.type}" for v in self._arguments)
        types = ", ".join(v.type for v in self._results)
        names = ", ".join(v.name for v in self._results)
        body = "\n".join(self._lines)
        return (
            f"module {{\n  func.func @{self.entry}({arguments}) -> ({types}) {{"
            f"\n{body}\n    return {names} : {types}\n  }}\n}}\n"
        )

    @property
    def n_results(self):
        return len(self._results)


def _group(values):
    """`%a, %b : type, type`."""
    names = ", ".join(v.name for v in values)
    return f"{names} : {', '.join(v.type for v in values)}"


def _layout(names, group):
    """The attributes that say which scales are blocked."""
    if not names:
        return []
    return [f"{name} = {_BLOCKED}" for name in names] + [
        f"group_size = {group} : i64"
    ]
