# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fp4q-legalize-layouts by execution: what the products of a table for tests
(test/lib/TestBackEnds.h) are given on sm_120a. Operands, results and what the
code allocates hold other bytes than 0 before."""

import dataclasses
import re
import subprocess

import fp4q_cases as cases
import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_run
import hypothesis.strategies as st
import numpy as np
import pytest
from fp4q_modules import SCALE_TYPES, Module
from hypothesis import given

GROUPS = {"e8m0": 32, "e4m3": 16}
# The result's type decides which kernels compute the product: those for bf16
# and f16 read blocked scales and K in steps of 128, those for f32 linear scales
# and K in steps of 32.
STEPS = {"bf16": 128, "f16": 128, "f32": 32}


@pytest.fixture
def poisoned_heap(monkeypatch):
    """glibc fills what it allocates."""
    monkeypatch.setenv("MALLOC_PERTURB_", "90")


@dataclasses.dataclass(frozen=True)
class Operand:
    """One operand of a product and where it comes from."""

    source: str  # "linear" or "blocked" arguments, or quantized x: "bf16", "f32"
    rows: int
    seed: int

    def write(self, module, lead, groups, kind):
        """Its codes and scales as Values, and as arrays with linear scales."""
        rng = np.random.default_rng(self.seed)
        group, element = GROUPS[kind], SCALE_TYPES[kind]
        shape = (*lead, self.rows)
        if self.source in ("bf16", "f32"):
            columns = (*shape, group * groups)
            x = data.values(rng, columns, self.source, "normal")
            values = module.quantize(
                module.argument(x, self.source), group, kind
            )
            return values, oracle.quantize(x.astype(np.float32), group, kind)
        codes = data.codes(rng, (*shape, group * groups // 2))
        scales = data.scale_bytes(rng, (*shape, groups), kind, "moderate")
        laid_out = scales
        if self.source == "blocked":
            # NaN wherever there is no scale.
            everywhere = oracle.swizzle(np.ones_like(scales))
            laid_out = np.where(everywhere == 1, oracle.swizzle(scales), 0xFF)
            laid_out = laid_out.astype(np.uint8)
        values = [
            module.argument(codes, "i8"),
            module.argument(laid_out, element),
        ]
        return values, (codes, scales)


@dataclasses.dataclass(frozen=True)
class Product:
    kind: str
    groups: int
    element: str
    lead: tuple
    a: Operand
    b: Operand

    @staticmethod
    def strategy():
        operand = st.builds(
            Operand,
            st.sampled_from(["linear", "blocked", "bf16", "f32"]),
            st.sampled_from([1, 2, 5, 127, 128, 130]),
            cases.seeds,
        )
        return st.builds(
            Product, st.sampled_from(list(GROUPS)), st.integers(1, 17),
            st.sampled_from(list(STEPS)), st.sampled_from([(), (2,)]),
            operand, operand,
        )  # fmt: skip

    def write(self, module):
        """The arrays that the product's kernels must get."""
        values, expected = [], []
        for name in ("a", "b"):
            operand = getattr(self, name)
            lead = self.lead if name == "a" else ()
            written, arrays = operand.write(module, lead, self.groups, self.kind)
            values += written
            expected += [
                self.padded(arrays[0], 2),
                (self.padded(arrays[1], GROUPS[self.kind]), operand.source),
            ]
        blocked = [n for n in ("a", "b") if getattr(self, n).source == "blocked"]
        module.result(
            module.matmul(
                *values, self.element, blocked=blocked, group=GROUPS[self.kind]
            )
        )
        return expected

    def padded(self, array, elements):
        """With zeros behind its columns, each of so many elements of K."""
        k, step = self.groups * GROUPS[self.kind], STEPS[self.element]
        columns = -(-k // step) * step // elements
        widths = [(0, 0)] * (array.ndim - 1)
        return np.pad(array, [*widths, (0, columns - array.shape[-1])])

def check(actual, expected, element):
    """Compares codes, or scales, which are linear for results of f32."""
    if not isinstance(expected, tuple):
        np.testing.assert_array_equal(actual, expected)
        return
    scales, source = expected
    if element == "f32":
        np.testing.assert_array_equal(actual, scales)
    elif source == "blocked":
        # Rows of an argument that stand for none may keep what they held.
        linear = oracle.unswizzle(actual, scales.shape[-2], scales.shape[-1])
        np.testing.assert_array_equal(linear, scales)
    else:
        np.testing.assert_array_equal(actual, oracle.swizzle(scales))


def legalize(build_dir, text):
    """The module with layouts for sm_120a, its back ends forgotten again."""
    done = subprocess.run(
        [f"{build_dir}/bin/fp4q-test-opt",
         "--test-fp4q-select-backend=target=sm_120a",
         "--test-fp4q-legalize-layouts=target=sm_120a"],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return re.sub(
        r'(, )?fp4q\.backend = #fp4q\.backend<"[^"]*">', "", done.stdout
    ).replace("{, ", "{")


def return_operands(text):
    """The module with the operands of its products as results instead."""
    products = re.findall(r"fp4q\.scaled_matmul ins\(([^:]*) : ([^)]*)\)", text)
    names = ", ".join(name for name, _ in products)
    types = ", ".join(type_ for _, type_ in products)
    text = re.sub(r"\) -> [^{]*\{\n", f") -> ({types}) {{\n", text, count=1)
    return re.sub(r"return [^\n]*", f"return {names} : {types}", text)


@given(products=st.lists(Product.strategy(), min_size=6, max_size=6))
def test_what_kernels_get(build_dir, tmp_path, poisoned_heap, products):
    module = Module()
    expected = [
        (array, product.element)
        for product in products
        for array in product.write(module)
    ]
    path = tmp_path / "module.mlir"
    path.write_text(return_operands(legalize(build_dir, module.text())))
    actual = fp4q_run.run(
        build_dir, path, "main", module.inputs, len(expected), tmp_path,
        optimize=False,
    )  # fmt: skip
    for array, (want, element) in zip(actual, expected, strict=True):
        check(array.view(np.uint8), want, element)


@given(products=st.lists(Product.strategy(), min_size=3, max_size=3))
def test_products_stay_the_same(build_dir, tmp_path, poisoned_heap, products):
    """More zeros to add do not change the reference path's sums."""
    module = Module()
    for product in products:
        product.write(module)
    results = []
    for name, text in (
        ("before", module.text()),
        ("after", legalize(build_dir, module.text())),
    ):
        path = tmp_path / f"{name}.mlir"
        path.write_text(text)
        results.append(
            fp4q_run.run(
                build_dir, path, "main", module.inputs, len(products), tmp_path,
                optimize=False, options=["--backend=reference"],
            )
        )  # fmt: skip
    for before, after in zip(*results, strict=True):
        cases.assert_same_bits(after, before, "product")
