# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One case an op: how to draw it, how to write it into a Module, and how to
check what the compiled code returned. Every case is described by small values
only (shapes, formats, a seed), so hypothesis shrinks and prints it well."""

import dataclasses
import pathlib
import tempfile

import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import fp4q_run
import hypothesis
import numpy as np
from fp4q_modules import SCALE_TYPES, Module
from hypothesis import strategies as st

ELEMENTS = ("bf16", "f16", "f32")


def assert_same_bits(actual, expected, what):
    """Equal bit for bit, NaNs equal whatever their payload."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape, (what, actual.shape, expected.shape)
    assert actual.dtype.itemsize == expected.dtype.itemsize, (
        what,
        actual.dtype,
        expected.dtype,
    )
    bits = np.dtype(f"u{expected.dtype.itemsize}")
    differ = actual.view(bits) != expected.view(bits)
    if expected.dtype.kind != "u":
        differ &= ~(np.isnan(actual.view(expected.dtype)) & np.isnan(expected))
    assert not differ.any(), report(differ, actual, expected, what)


def report(differ, actual, expected, what):
    """The first difference, for the message of a failing assert."""
    first = tuple(int(i) for i in np.argwhere(differ)[0])
    return (
        f"{what}: {int(differ.sum())} of {differ.size} differ, first at "
        f"{first}: got {actual[first]!r}, expected {expected[first]!r}"
    )


@dataclasses.dataclass(frozen=True)
class Scale:
    """A scale operand: its value and its form, or "absent" for 1."""

    number: float
    form: str

    def write(self, module):
        if self.form == "absent":
            return None
        return module.scalar(self.number, self.form)

    @property
    def value(self):
        return 1.0 if self.form == "absent" else np.float32(self.number)


@dataclasses.dataclass(frozen=True)
class Shape:
    """(lead..., rows, columns), or just (columns) where rows is None, and the
    axes that the type leaves dynamic."""

    lead: tuple
    rows: int | None
    dynamic: tuple

    def of(self, columns):
        rows = () if self.rows is None else (self.rows,)
        return (*self.lead, *rows, columns)


def scale_argument(module, shape, scales, kind, blocked):
    """An argument with the scales, in the blocked layout if asked for."""
    if not blocked:
        return module.argument(scales, SCALE_TYPES[kind], shape.dynamic)
    swizzled = oracle.swizzle(scales)
    return module.argument(swizzled, SCALE_TYPES[kind], shape.dynamic)


# --- strategies ---------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(data.KINDS)
elements = st.sampled_from(ELEMENTS)
flavors = st.sampled_from(data.FLAVORS)


few_rows = st.integers(0, 9)


@st.composite
def matrices(draw, rows=few_rows):
    """Shapes with 0 to 2 leading dimensions, each axis dynamic or not."""
    lead = draw(st.lists(st.integers(0, 3), max_size=2))
    axes = range(len(lead) + 1)
    dynamic = [axis for axis in axes if draw(st.booleans())]
    return Shape(tuple(lead), draw(rows), tuple(dynamic))


def shapes():
    """Matrices, and now and then a vector."""
    return st.integers(0, 9).flatmap(
        lambda n: st.just(Shape((), None, ())) if n == 9 else matrices()
    )


@st.composite
def scales(draw):
    """Usual and unusual scales; constants must be finite and positive."""
    usual = st.sampled_from([1.0, 1 / 3, 0.1, 4.0, 6.0, 2.0**-20, 3e30, 1e-40])
    form = draw(st.sampled_from(["absent", "constant", "f32", "tensor"]))
    if form in ("f32", "tensor"):
        usual |= st.sampled_from([0.0, -0.0, -0.5, np.inf, np.nan])
    return Scale(draw(usual), form)


powers = st.sampled_from([2, 4, 8, 16, 32, 64, 128])
odd_or_even = st.sampled_from([1, 2, 3, 5])


# --- cases --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Quantize:
    """quantize_pack, with computed or given scales, in either layout."""

    shape: Shape
    group: int
    groups: int
    kind: str
    element: str
    flavor: str
    gs: Scale
    ss: Scale
    given: bool
    blocked: bool
    seed: int

    @staticmethod
    def strategy():
        return st.builds(
            Quantize, shapes(), powers, odd_or_even, kinds, elements, flavors,
            scales(), scales(), st.booleans(), st.booleans(), seeds,
        )  # fmt: skip

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        shape = self.shape.of(self.group * self.groups)
        blocked = self.blocked and self.shape.rows is not None
        x = data.values(rng, shape, self.element, self.flavor)
        operand = module.argument(x, self.element, self.shape.dynamic)
        gs = self.gs.write(module)
        if self.given:
            given = data.scale_bytes(
                rng, self.shape.of(self.groups), self.kind, "any"
            )
            argument = scale_argument(
                module, self.shape, given, self.kind, blocked
            )
            group = self.group if blocked else None
            module.result(module.quantize_given(operand, argument, gs, group))
            return [oracle.quantize_given(x, given, self.kind, self.gs.value)]
        ss = self.ss.write(module)
        for result in module.quantize(
            operand, self.group, self.kind, gs, ss, blocked=blocked
        ):
            module.result(result)
        codes, bytes_ = oracle.quantize(
            x, self.group, self.kind, self.gs.value, self.ss.value
        )
        return [codes, oracle.swizzle(bytes_) if blocked else bytes_]


@dataclasses.dataclass(frozen=True)
class Dequant:
    shape: Shape
    group: int
    groups: int
    kind: str
    element: str
    gs: Scale
    divide: bool
    blocked: bool
    seed: int

    @staticmethod
    def strategy():
        return st.builds(
            Dequant, shapes(), powers, odd_or_even, kinds, elements, scales(),
            st.booleans(), st.booleans(), seeds,
        )  # fmt: skip

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        blocked = self.blocked and self.shape.rows is not None
        codes = data.codes(rng, self.shape.of(self.group * self.groups // 2))
        bytes_ = data.scale_bytes(
            rng, self.shape.of(self.groups), self.kind, "any"
        )
        operands = (
            module.argument(codes, "i8", self.shape.dynamic),
            scale_argument(module, self.shape, bytes_, self.kind, blocked),
        )
        gs = self.gs.write(module)
        group = self.group if blocked else None
        module.result(
            module.dequant(*operands, self.element, gs, self.divide, group)
        )
        return [
            oracle.dequant(
                codes, bytes_, self.kind, self.gs.value, self.divide,
                data.DTYPES[self.element],
            )
        ]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class GlobalScale:
    shape: Shape
    columns: int
    element: str
    flavor: str
    seed: int

    @staticmethod
    def strategy():
        return st.builds(
            GlobalScale, shapes(), st.integers(1, 40), elements, flavors, seeds
        )

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        shape = self.shape.of(self.columns)
        x = data.values(rng, shape, self.element, self.flavor)
        operand = module.argument(x, self.element, self.shape.dynamic)
        module.result(module.global_scale(operand))
        return [np.asarray(oracle.global_scale(x))]


@dataclasses.dataclass(frozen=True)
class Transform:
    """block_transform, or one fused into quantize_pack when `group` is set."""

    shape: Shape
    block: int
    blocks: int
    shared: bool
    element: str
    wide_t: bool
    result: str
    flavor: str
    group: int | None
    kind: str
    gs: Scale
    ss: Scale
    seed: int

    @staticmethod
    def strategy():
        return st.builds(
            Transform, shapes(), powers, odd_or_even, st.booleans(), elements,
            st.booleans(), elements, st.sampled_from(data.FLAVORS),
            st.none() | powers, kinds, scales(), scales(), seeds,
        )  # fmt: skip

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        columns = self.block * self.blocks
        x = data.values(rng, self.shape.of(columns), self.element, self.flavor)
        sizes = (self.block, self.block)
        if not self.shared:
            sizes = (self.blocks, *sizes)
        t_element = "f32" if self.wide_t else self.element
        t = data.values(rng, sizes, t_element, "normal")
        operand = module.argument(x, self.element, self.shape.dynamic)
        matrix = module.argument(t, t_element)
        if self.group is None:
            module.result(module.transform(operand, matrix, self.result))
            dtype = data.DTYPES[self.result]
            return [products.transform_chain(x, t, dtype)]
        group = min(self.group, columns & -columns)
        gs, ss = self.gs.write(module), self.ss.write(module)
        results = module.quantize(operand, group, self.kind, gs, ss, matrix)
        for result in results:
            module.result(result)
        y = products.transform_chain(x, t)
        return oracle.quantize(
            y, group, self.kind, self.gs.value, self.ss.value
        )


@dataclasses.dataclass(frozen=True)
class Matmul:
    """scaled_matmul; `shared` means that b has no batch dimensions."""

    shape: Shape
    columns: int
    group: int
    groups: int
    kind: str
    element: str
    scale_flavor: str
    alpha: str
    bias: str
    shared: bool
    blocked: tuple
    seed: int
    # Whether b is given packed, with other bytes than 0 for no codes.
    packed: bool = False

    @staticmethod
    def strategy():
        return st.builds(
            Matmul, matrices(), st.integers(1, 9), powers, odd_or_even, kinds,
            elements, st.sampled_from(["moderate", "moderate", "legal"]),
            st.sampled_from(["absent", "constant", "f32", "tensor", "column"]),
            st.sampled_from(["absent", "f32", "result"]), st.booleans(),
            st.sampled_from([(), (), ("a",), ("b",), ("a", "b")]), seeds,
        ).flatmap(
            lambda case: st.builds(
                dataclasses.replace, st.just(case),
                packed=st.booleans() if "b" not in case.blocked else st.just(False),
            )
        )  # fmt: skip

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        bytes_ = self.group * self.groups // 2
        lead = () if self.shared else self.shape.lead
        axes = [axis for axis in self.shape.dynamic if axis < len(lead)]
        b_shape = Shape(lead, self.columns, tuple(axes))
        operands, arguments = [], []
        for name, shape in (("a", self.shape), ("b", b_shape)):
            codes = data.codes(rng, shape.of(bytes_))
            scales = data.scale_bytes(
                rng, shape.of(self.groups), self.kind, self.scale_flavor
            )
            operands += [codes, scales]
            if self.packed and name == "b":
                everywhere = oracle.pack_weights(np.ones_like(codes))
                codes = np.where(everywhere, oracle.pack_weights(codes), 0xA7)
                codes = codes.astype(np.uint8)
            arguments.append(module.argument(codes, "i8", shape.dynamic))
            arguments.append(
                scale_argument(
                    module, shape, scales, self.kind, name in self.blocked
                )
            )
        alpha, alpha_value = self._alpha(rng, module)
        bias, bias_value = self._bias(rng, module)
        module.result(
            module.matmul(
                *arguments, self.element, alpha, bias, self.blocked, self.group,
                packed_rows=self.columns if self.packed else None,
            )  # fmt: skip
        )
        return [
            MatmulExpectation(
                (*operands, self.kind, alpha_value, bias_value),
                data.DTYPES[self.element],
            )
        ]

    def _alpha(self, rng, module):
        if self.alpha == "absent":
            return None, 1.0
        if self.alpha == "column":
            value = rng.standard_normal(self.columns).astype(np.float32)
            return module.argument(value, "f32"), value
        value = np.float32(rng.standard_normal())
        return module.scalar(value, self.alpha), value

    def _bias(self, rng, module):
        if self.bias == "absent":
            return None, None
        element = "f32" if self.bias == "f32" else self.element
        value = data.values(rng, (self.columns,), element, "normal")
        return module.argument(value, element), value


@dataclasses.dataclass(frozen=True)
class MatmulExpectation:
    """A product that is checked by its bound."""

    operands: tuple
    dtype: np.dtype

    def check(self, actual, what):
        a, _, b, _ = self.operands[:4]
        expected = (*a.shape[:-1], b.shape[-2])
        assert actual.shape == expected, (what, actual.shape, expected)
        bad = products.matmul_outside(actual.view(self.dtype), *self.operands)
        assert not bad.any(), f"{what}: {int(bad.sum())} outside the bound"


@dataclasses.dataclass(frozen=True)
class Swizzle:
    """swizzle_scales, and unswizzle_scales of its own random bytes."""

    shape: Shape
    columns: int
    kind: str
    seed: int

    @staticmethod
    def strategy():
        rows = st.integers(0, 5) | st.sampled_from([31, 33, 127, 128, 129, 300])
        return st.builds(
            Swizzle, matrices(rows), st.integers(1, 9), kinds, seeds
        )

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        shape = self.shape.of(self.columns)
        scales = data.codes(rng, shape)
        tiles = data.codes(rng, oracle.swizzle(scales).shape)
        element = SCALE_TYPES[self.kind]
        operand = module.argument(scales, element, self.shape.dynamic)
        tiled = module.argument(tiles, element, self.shape.dynamic)
        module.result(module.swizzle(operand))
        module.result(module.unswizzle(tiled, shape, operand))
        return [
            oracle.swizzle(scales),
            oracle.unswizzle(tiles, self.shape.rows, self.columns),
        ]


@dataclasses.dataclass(frozen=True)
class Pack:
    """pack_weights, and unpack_weights of its own random bytes."""

    shape: Shape
    columns: int
    seed: int

    @staticmethod
    def strategy():
        rows = st.integers(0, 5) | st.sampled_from([15, 16, 17, 31, 32, 33])
        return st.builds(Pack, matrices(rows), st.integers(1, 9), seeds)

    def write(self, module):
        rng = np.random.default_rng(self.seed)
        shape = self.shape.of(self.columns)
        codes = data.codes(rng, shape)
        tiles = data.codes(rng, oracle.pack_weights(codes).shape)
        operand = module.argument(codes, "i8", self.shape.dynamic)
        tiled = module.argument(tiles, "i8", self.shape.dynamic)
        module.result(module.pack_weights(operand))
        module.result(module.unpack_weights(tiled, shape, operand))
        return [
            oracle.pack_weights(codes),
            oracle.unpack_weights(tiles, self.shape.rows, self.columns),
        ]


CASES = (Quantize, Dequant, GlobalScale, Transform, Matmul, Swizzle, Pack)


def check(actual, expected, what):
    """Compares one result with its array or its MatmulExpectation."""
    if isinstance(expected, MatmulExpectation):
        expected.check(actual, what)
    else:
        assert_same_bits(actual, expected, what)


def run_cases(build_dir, cases, module=None, options=()):
    """Compiles all cases into one function, runs it with these options of
    fp4q-run, and checks the results."""
    module = module or Module()
    expected = []
    for case in cases:
        expected += [(type(case).__name__, e) for e in case.write(module)]
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "module.mlir"
        path.write_text(module.text())
        if hypothesis.currently_in_test_context():
            hypothesis.note(module.text())
        actual = fp4q_run.run(
            build_dir, path, "main", module.inputs, len(expected), directory,
            options=options,
        )
    for index, (array, (name, want)) in enumerate(zip(actual, expected)):
        check(array, want, f"result {index} ({name})")
