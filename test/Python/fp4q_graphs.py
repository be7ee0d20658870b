# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random functions of fp4q and linalg operations, as front ends write them.

A Graph is one function: chains of casts, reshapes, transforms and quantizers
with fan-out, dequantizations as one operation or as table lookups, products of
all forms, and the layers of fp4q_layers. It says of each result whether rewrites must keep its bits, or
within which distance of each other results may be: that is so only for products,
whose order of summation and intermediate roundings are free.
"""

import dataclasses

import fp4q_data as data
import fp4q_layers as layers
import fp4q_oracle as oracle
import numpy as np
from fp4q_layers import HALF_ULP, UNIT
from fp4q_modules import SCALE_TYPES, Module, Value

TABLE = (
    "dense<[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, "
    "-0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]>"
)


@dataclasses.dataclass
class Decoded:
    """A decoded operand, and its values in f64."""

    value: Value
    exact: np.ndarray
    rounded: bool


class Graph(Module):
    """One function and, for each result, how far rewrites may move it: None
    for not a bit, or the largest distance of each element."""

    def __init__(self, entry, seed):
        super().__init__(entry)
        self.rng = np.random.default_rng(seed)
        self.distances = []

    def give(self, value, distance=None):
        self.result(value)
        self.distances.append(distance)

    def pick(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def chance(self, probability):
        return self.rng.random() < probability

    # --- operations of other dialects ---------------------------------------

    def reshape(self, value, shape, groups):
        """tensor.collapse_shape or tensor.expand_shape of static shapes."""
        result = Value(self._name(), tuple(shape), value.element)
        collapse = len(shape) < len(value.shape)
        sizes = "" if collapse else f" output_shape {list(shape)}"
        name = "collapse" if collapse else "expand"
        self._line(
            f"{result.name} = tensor.{name}_shape {value.name} {groups}{sizes} "
            f": {value.type} into {result.type}"
        )
        return result

    def generic(self, inputs, maps, init, body, iterators=None):
        """linalg.generic; `body` has the arguments %i0, %i1, ... and %o."""
        rank = len(init.shape)
        iterators = iterators or ["parallel"] * rank
        dims = ", ".join(f"d{i}" for i in range(len(iterators)))
        attributes = ", ".join(
            f"affine_map<({dims}) -> ({', '.join(m)})>" for m in maps
        )
        names = ", ".join(f'"{i}"' for i in iterators)
        arguments = [f"%i{n}: {v.element}" for n, v in enumerate(inputs)]
        arguments.append(f"%o: {init.element}")
        result = dataclasses.replace(init, name=self._name())
        self._line(
            f"{result.name} = linalg.generic {{indexing_maps = [{attributes}],"
            f" iterator_types = [{names}]}}"
            f" ins({', '.join(v.name for v in inputs)} :"
            f" {', '.join(v.type for v in inputs)})"
            f" outs({init.name} : {init.type}) {{"
        )
        self._line(f"^bb0({', '.join(arguments)}):")
        for line in body:
            self._line(f"  {line}")
        self._line(f"}} -> {result.type}")
        return result

    def elementwise(self, value, element, body):
        dims = [f"d{i}" for i in range(len(value.shape))]
        init = self.empty_like(value, value.shape[-1:], element)
        return self.generic([value], [dims, dims], init, body)

    def cast(self, value, element):
        """extf or truncf to another element type."""
        if value.element == element:
            return value
        wider = value.element != "f32"
        operation = "extf" if wider else "truncf"
        return self.elementwise(
            value,
            element,
            [
                f"%r = arith.{operation} %i0 : {value.element} to {element}",
                f"linalg.yield %r : {element}",
            ],
        )

    def transpose(self, value):
        """Exchanges the last two dimensions."""
        rank = len(value.shape)
        order = [*range(rank - 2), rank - 1, rank - 2]
        sizes = {
            axis: self.dim(value, source)
            for axis, source in enumerate(order)
            if source in value.dynamic
        }
        init = self.empty([value.shape[i] for i in order], value.element, sizes)
        result = dataclasses.replace(init, name=self._name())
        self._line(
            f"{result.name} = linalg.transpose ins({value.name} : {value.type})"
            f" outs({init.name} : {init.type}) permutation = {order}"
        )
        return result

    def fill(self, init):
        zero = self._name()
        self._line(f"{zero} = arith.constant 0.0 : {init.element}")
        result = dataclasses.replace(init, name=self._name())
        self._line(
            f"{result.name} = linalg.fill ins({zero} : {init.element})"
            f" outs({init.name} : {init.type}) -> {init.type}"
        )
        return result

    def broadcast_columns(self, vector, init):
        axes = list(range(len(init.shape) - 1))
        result = dataclasses.replace(init, name=self._name())
        self._line(
            f"{result.name} = linalg.broadcast ins({vector.name} :"
            f" {vector.type}) outs({init.name} : {init.type})"
            f" dimensions = {axes}"
        )
        return result

    def contraction(self, a, b, init, form):
        """The product of a (..., M, K) and b (..., N, K) onto `init`."""
        batch = ["b"] if len(a.shape) == 3 else []
        b_batch = batch if len(b.shape) == 3 else []
        maps = [[*batch, "m", "k"], [*b_batch, "n", "k"], [*batch, "m", "n"]]
        loops = ", ".join([*batch, "m", "n", "k"])
        result = dataclasses.replace(init, name=self._name())
        if form == "transposed":
            b = self.transpose(b)
            maps[1] = [*b_batch, "k", "n"]
            form = "named" if b_batch == batch else "contract"
        if form == "generic":
            places = {d: f"d{i}" for i, d in enumerate([*batch, "m", "n", "k"])}
            order = self.pick((0, 1), (1, 0))
            operands = [(a, b)[i] for i in order]
            body, names = [], []
            for i, operand in enumerate(operands):
                name = f"%i{i}"
                if operand.element != "f32":
                    body.append(
                        f"%e{i} = arith.extf %i{i} : {operand.element} to f32"
                    )
                    name = f"%e{i}"
                names.append(name)
            body += [
                f"%p = arith.mulf {names[0]}, {names[1]} : f32",
                "%s = arith.addf %o, %p : f32",
                "linalg.yield %s : f32",
            ]
            return self.generic(
                operands,
                [[places[d] for d in maps[i]] for i in (*order, 2)],
                init,
                body,
                ["parallel"] * (len(init.shape)) + ["reduction"],
            )
        name = {"named": "batch_matmul" if batch else "matmul"}.get(form, form)
        if b_batch != batch:
            name = "contract"
        text = ", ".join(
            f"affine_map<({loops}) -> ({', '.join(m)})>" for m in maps
        )
        self._line(
            f"{result.name} = linalg.{name} indexing_maps = [{text}]"
            f" ins({a.name}, {b.name} : {a.type}, {b.type})"
            f" outs({init.name} : {init.type}) -> {init.type}"
        )
        return result

    # --- front ends' dequantization ------------------------------------------

    def table_lookup(self, codes, scales_f32, element):
        """Packed codes by a table, times f32 scales (..., K/G)."""
        rank = len(codes.shape)
        table, values = self._name(), codes.shape[-1] * 2
        self._line(f"{table} = arith.constant {TABLE} : tensor<16xf32>")
        lead = [f"d{i}" for i in range(rank)]
        sizes = {axis: self.dim(codes, axis) for axis in codes.dynamic}
        init = self.empty((*codes.shape, 2), "f32", sizes)
        pairs = self.generic(
            [codes],
            [lead, [*lead, f"d{rank}"]],
            init,
            [
                "%four = arith.constant 4 : index",
                f"%p = linalg.index {rank} : index",
                "%bits = arith.muli %p, %four : index",
                "%shift = arith.index_cast %bits : index to i8",
                "%high = arith.shrui %i0, %shift : i8",
                "%mask = arith.constant 15 : i8",
                "%code = arith.andi %high, %mask : i8",
                "%at = arith.index_castui %code : i8 to index",
                f"%v = tensor.extract {table}[%at] : tensor<16xf32>",
                "linalg.yield %v : f32",
            ],
        )
        flat = Value(
            self._name(), (*codes.shape[:-1], values), "f32", codes.dynamic
        )
        groups = [[i] for i in range(rank - 1)] + [[rank - 1, rank]]
        self._line(
            f"{flat.name} = tensor.collapse_shape {pairs.name} {groups}"
            f" : {pairs.type} into {flat.type}"
        )
        group = values // scales_f32.shape[-1]
        init = self.empty_like(flat, (values,), element)
        body = ["%r = arith.mulf %i0, %i1 : f32"]
        if element != "f32":
            body.append(f"%t = arith.truncf %r : f32 to {element}")
        body.append(f"linalg.yield {'%t' if element != 'f32' else '%r'} : {element}")
        index = [*lead[:-1], f"{lead[-1]} floordiv {group}"]
        return self.generic([flat, scales_f32], [lead, index, lead], init, body)

    def shifted_scales(self, scales):
        """e8m0 bytes as i8 -> f32, with 2^-127 for 0 and NaN for 255."""
        return self.elementwise(
            scales,
            "f32",
            [
                "%zero = arith.constant 0 : i32",
                "%max = arith.constant 255 : i32",
                "%c23 = arith.constant 23 : i32",
                "%tiny = arith.constant 0x00400000 : i32",
                "%nan = arith.constant 0x7FC00000 : i32",
                "%w = arith.extui %i0 : i8 to i32",
                "%s = arith.shli %w, %c23 : i32",
                "%is0 = arith.cmpi eq, %w, %zero : i32",
                "%a = arith.select %is0, %tiny, %s : i32",
                "%isn = arith.cmpi eq, %w, %max : i32",
                "%b = arith.select %isn, %nan, %a : i32",
                "%f = arith.bitcast %b : i32 to f32",
                "linalg.yield %f : f32",
            ],
        )

    # --- operands ---------------------------------------------------------------

    def scale_operand(self, numbers):
        """A global scale, or None: (value or None, its number)."""
        if self.chance(0.4):
            return None, 1.0
        number = np.float32(self.pick(*numbers))
        return self.scalar(number, self.pick("constant", "f32", "tensor")), number

    def quantized(self, shape, group, kind, dynamic):
        """Codes and scales of a random x, perhaps after a transform:
        (codes, scales, arrays), the arrays null if only a run tells them."""
        element = self.pick("bf16", "f16", "f32")
        x = data.values(self.rng, shape, element, "normal")
        value = self.argument(x, element, dynamic)
        gs, gs_number = self.scale_operand([1 / 3, 0.1, 1.0])
        ss, ss_number = self.scale_operand([4.0, 6.0])
        transform = None
        wide = self.cast(value, "f32") if self.chance(0.3) else value
        if self.chance(0.5):
            size = self.pick(2, 8, 16)
            size = min(size, shape[-1] & -shape[-1])
            t_shape = (size, size)
            if self.chance(0.5):
                t_shape = (shape[-1] // size, size, size)
            t = self.rng.standard_normal(t_shape).astype(np.float32)
            if self.chance(0.2):
                t = np.broadcast_to(np.eye(size, dtype=np.float32), t_shape)
            transform = self.argument(np.ascontiguousarray(t), "f32")
            wide = self.transform(wide, transform, self.pick("f32", "f32", "bf16"))
            if self.chance(0.2):
                # A second use, which forbids to fuse.
                self.give(wide)
        twice = self.chance(0.2)
        codes, scales = self.quantize(wide, group, kind, gs, ss)
        if twice:
            for again in self.quantize(wide, group, kind, gs, ss):
                self.give(again)
        arrays = None
        if transform is None:
            arrays = oracle.quantize(x, group, kind, gs_number, ss_number)
        return codes, scales, arrays

    def operand(self, shape, group, kind, dynamic=(), element=None):
        """A decoded operand (..., K)."""
        g, number = self.scale_operand([0.1, 0.25, 2.0])
        divide = g is not None and self.chance(0.3)
        element = element or self.pick("f32", "f32", "bf16")
        columns = shape[-1] // group
        by_table = kind == "e8m0" and g is None and self.chance(0.4)
        if self.chance(0.3) and not by_table:
            codes, scales, arrays = self.quantized(shape, group, kind, dynamic)
        else:
            arrays = (
                data.codes(self.rng, (*shape[:-1], shape[-1] // 2)),
                data.scale_bytes(
                    self.rng, (*shape[:-1], columns), kind, "moderate"
                ),
            )
            codes = self.argument(arrays[0], "i8", dynamic)
            type_ = "i8" if by_table else SCALE_TYPES[kind]
            scales = self.argument(arrays[1], type_, dynamic)
        if by_table:
            value = self.table_lookup(
                codes, self.shifted_scales(scales), element
            )
        else:
            value = self.dequant(codes, scales, element, g, divide)
        if arrays is None:
            return Decoded(value, None, True)
        exact = oracle.dequant(*arrays, kind, 1.0, False, np.dtype(np.float64))
        factor = np.float32(1) / number if divide else np.float32(number)
        return Decoded(
            value,
            exact.astype(np.float64) * np.float64(factor),
            rounded=number not in (0.25, 1.0, 2.0),
        )

    # --- functions --------------------------------------------------------------

    def quantizer_chain(self):
        """Quantize, and decode again: every bit is defined."""
        group, kind = self.pick(8, 16, 32, 64), self.pick(*data.KINDS)
        lead = self.pick((), (3,), (2, 3), (0,), (1,), (5, 1))
        shape = (*lead, group * int(self.rng.integers(1, 4)))
        dynamic = [i for i in range(len(lead)) if self.chance(0.4)]
        codes, scales, _ = self.quantized(shape, group, kind, dynamic)
        if self.chance(0.5):
            self.give(codes)
            self.give(scales)
        value = self.dequant(
            codes, scales, self.pick("bf16", "f16", "f32"),
            *((None, False) if self.chance(0.5) else
              (self.scalar(0.1, "f32"), True)),
        )  # fmt: skip
        if not dynamic and len(shape) == 3:
            flat = (shape[0] * shape[1], shape[2])
            value = self.reshape(value, flat, [[0, 1], [2]])
        if value.element == "f32" and self.chance(0.5):
            value = self.cast(value, self.pick("bf16", "f16"))
        self.give(value)

    def decoder(self):
        """A front end's dequantization, in all its parts."""
        group = self.pick(2, 8, 16, 32, 64)
        shape = (int(self.rng.integers(0, 7)), group * int(self.rng.integers(1, 4)))
        dynamic = [0] if self.chance(0.5) else []
        codes = data.codes(self.rng, (shape[0], shape[1] // 2))
        scales = data.codes(self.rng, (shape[0], shape[1] // group))
        value = self.table_lookup(
            self.argument(codes, "i8", dynamic),
            self.shifted_scales(self.argument(scales, "i8", dynamic)),
            # bf16 would meet LLVM's flushing of subnormals (docs/raising.md).
            "f32",
        )
        self.give(value)
        if self.chance(0.3):
            self.give(value)

    def product(self):
        """A product of decoded operands, as a front end writes it."""
        group, kind = self.pick(8, 16, 32), self.pick(*data.KINDS)
        k = group * int(self.rng.integers(1, 4))
        rows, columns = int(self.rng.integers(0, 8)), int(self.rng.integers(1, 10))
        batch = self.pick((), (), (2,), (3,))
        dynamic = [i for i in range(len(batch) + 1) if self.chance(0.3)]
        shared = batch and self.chance(0.5)
        a = self.operand((*batch, rows, k), group, kind, dynamic)
        b_batch = () if shared else batch
        b = self.operand(
            (*b_batch, columns, k), group,
            kind if self.chance(0.9) else self.pick(*data.KINDS),
            [0] if b_batch and 0 in dynamic else [],
        )  # fmt: skip
        if self.chance(0.1):
            # Weight-only: nothing to raise.
            x = data.values(self.rng, (*batch, rows, k), "f32", "normal")
            a = Decoded(self.argument(x, "f32", dynamic), x.astype(np.float64), True)
        init = self.empty_like(a.value, (columns,), "f32")
        bias = np.zeros(columns, np.float32)
        exact = not a.rounded and not b.rounded
        if self.chance(0.3):
            bias = self.rng.standard_normal(columns).astype(np.float32)
            init = self.broadcast_columns(self.argument(bias, "f32"), init)
            exact = False
        else:
            init = self.fill(init)
        forms = ["transposed", "contract", "generic", "named"]
        # Named operations of two input types are not what front ends write.
        if a.value.element != b.value.element:
            forms = ["generic"]
        c = self.contraction(a.value, b.value, init, self.pick(*forms))
        if self.chance(0.3):
            # Another product of the same operands.
            other = self.fill(self.empty_like(a.value, (columns,), "f32"))
            d = self.contraction(a.value, b.value, other, "generic")
            self.give(d, self.distance(a, b, 0 * bias, exact, "f32"))
        element = self.pick("f32", "f32", "bf16")
        if element != "f32":
            c = self.cast(c, element)
        self.give(c, self.distance(a, b, bias, exact, element))

    def distance(self, a, b, bias, exact, element):
        """How far the results of two ways to compute a product may be apart."""
        if exact:
            return None
        if a.exact is None or b.exact is None:
            return np.inf
        with np.errstate(all="ignore"):
            x, y = np.abs(a.exact), np.abs(b.exact)
            total = x @ np.swapaxes(y, -1, -2) + np.abs(bias)
            k = x.shape[-1]
            # Each is within (K + 2) units of the exact product, and decoded
            # values that are rounded to f32 by at most two more each. A bf16
            # operand with a global scale stays (docs/raising.md).
            return 2 * (k + 8) * UNIT * total + 4 * HALF_ULP[element] * total


def make_graph(entry, seed):
    """The function number `seed`, named `entry`."""
    graph = Graph(entry, seed)
    kinds = [
        Graph.product,
        Graph.product,
        Graph.quantizer_chain,
        Graph.decoder,
        layers.product_with_epilogue,
        layers.product_with_epilogue,
        layers.heads,
        layers.weight_only,
    ]
    kinds[int(graph.rng.integers(len(kinds)))](graph)
    return graph


def join(graphs):
    """One module of all functions, and @main, which calls each of them with its
    part of the arguments and returns all results."""
    texts, arguments, lines, results = [], [], [], []
    for graph in graphs:
        text = graph.text()
        texts.append(text[text.index("func.func") : text.rindex("}")])
        names = [f"%{graph.entry}_{v.name[1:]}" for v in graph._arguments]
        types = [v.type for v in graph._arguments]
        arguments += [f"{n}: {t}" for n, t in zip(names, types)]
        result_types = [v.type for v in graph._results]
        lines.append(
            f"  %{graph.entry}:{len(result_types)} = func.call @{graph.entry}"
            f"({', '.join(names)}) : ({', '.join(types)})"
            f" -> ({', '.join(result_types)})"
        )
        results += [
            (f"%{graph.entry}#{i}", t) for i, t in enumerate(result_types)
        ]
    names = ", ".join(name for name, _ in results)
    types = ", ".join(type_ for _, type_ in results)
    main = "\n".join(lines)
    return (
        "\n".join(texts)
        + f"\nfunc.func @main({', '.join(arguments)}) -> ({types}) {{\n{main}\n"
        f"  return {names} : {types}\n}}\n"
    )
