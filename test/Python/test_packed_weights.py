# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of weights in the layout packed_16x8, by the kernels of every CPU
level and by the reference path: sizes round the edges of tiles, bytes that stand
for no code, scales that need care, and the same bits for any number of rows and
threads."""

import dataclasses

import fp4q_cases as cases
import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import fp4q_run
import numpy as np
import pytest
from fp4q_modules import Module
from test_cpu_kernels import LEVELS, edge_products, matmul, operands, supported


def packed_products():
    """Round tiles of 16 rows, and K in steps of 128, 64 and 32 elements."""
    for seed, (n, groups) in enumerate(
        ((1, 1), (15, 3), (16, 4), (17, 15), (31, 16), (33, 17), (48, 33))
    ):
        yield matmul(1, n, 32, groups, "e8m0", "f32", seed)
        yield matmul(1, n, 16, 2 * groups, "e4m3", "bf16", seed)
    # K that is padded, batches of b, alpha of columns, every finite scale.
    yield matmul(1, 20, 16, 3, "e4m3", "f32", 1, dynamic=(0,))
    yield matmul(3, 20, 16, 5, "e4m3", "f16", 2, blocked=("a",))
    yield matmul(1, 18, 32, 5, "e8m0", "f32", 3, lead=(2, 3), shared=False)
    yield matmul(2, 18, 32, 5, "e8m0", "f32", 4, lead=(2,), dynamic=(0, 1))
    yield matmul(1, 50, 32, 20, "e8m0", "f32", 5, scale_flavor="legal")
    yield matmul(1, 97, 32, 17, "e8m0", "f32", 6, alpha="column", bias="absent")


@pytest.mark.parametrize("level", LEVELS)
def test_packed_products_of_level(build_dir, tmp_path, level):
    supported(build_dir, level, tmp_path)
    found = [case for case in edge_products() if "b" not in case.blocked]
    found = [*packed_products(), *found[::2]]
    # Compiling takes most of the time.
    found = found[:: 1 if level == LEVELS[-1] else 4]
    packed = [dataclasses.replace(case, packed=True) for case in found]
    cases.run_cases(build_dir, packed, options=[f"--target=cpu:{level}"])


def test_packed_products_of_reference(build_dir):
    packed = [
        dataclasses.replace(case, packed=True)
        for case in (
            *packed_products(),
            matmul(3, 17, 2, 5, "e8m0", "f32", 0),
            matmul(2, 9, 128, 3, "e4m3", "bf16", 1),
        )
    ]
    cases.run_cases(build_dir, packed, options=["--backend=reference"])


class Product:
    """a * b^T in f32, for many calls."""

    def __init__(self, build_dir, directory, kind="e8m0"):
        self.build_dir, self.directory, self.kind = build_dir, directory, kind

    def run(self, a, sa, b, sb, packed=True):
        module = Module()
        scale = {"e8m0": "f8E8M0FNU", "e4m3": "f8E4M3FN"}[self.kind]
        weights = oracle.pack_weights(b) if packed else b
        arguments = [
            module.argument(array, element)
            for array, element in zip((a, sa, weights, sb), ("i8", scale) * 2)
        ]
        module.result(
            module.matmul(
                *arguments, "f32", packed_rows=len(b) if packed else None
            )
        )
        path = self.directory / "product.mlir"
        path.write_text(module.text())
        return fp4q_run.run(
            self.build_dir, path, "main", module.inputs, 1, self.directory
        )[0]


@pytest.mark.parametrize("kind, group", [("e8m0", 32), ("e4m3", 16)])
def test_rows_and_layout_do_not_matter(build_dir, tmp_path, kind, group):
    """One row of packed weights has the bits of more rows, packed or not."""
    rng = np.random.default_rng(0)
    a, b = (data.codes(rng, (rows, 544)) for rows in (17, 67))
    sa, sb = (
        data.scale_bytes(rng, (rows, 1088 // group), kind, "moderate")
        for rows in (17, 67)
    )
    product = Product(build_dir, tmp_path, kind)
    expected = product.run(a, sa, b, sb, packed=False)
    for rows in (17, 3, 1):
        actual = product.run(a[:rows], sa[:rows], b, sb)
        cases.assert_same_bits(actual, expected[:rows], f"{rows} rows")


@pytest.mark.parametrize("rows", [1, 9, 33])
def test_extreme_scales_of_packed_products(build_dir, tmp_path, rows):
    """NaN makes its row or column NaN, huge scales of a go with tiny ones of b,
    and where an element is 0 they do no harm."""
    arrays = operands(np.random.default_rng(rows), rows, 50, 192)
    product = Product(build_dir, tmp_path)
    plain = product.run(*arrays)
    a, sa, b, sb = (array.copy() for array in arrays)
    row, column = rows - 1, 7
    sa[row, 3] = 255
    spoiled = product.run(a, sa, b, sb)
    assert np.isnan(spoiled[row]).all()
    np.testing.assert_array_equal(spoiled[:row], plain[:row])
    sa[row, 3] = 254
    sb[column, 2] = 255
    spoiled = product.run(a, sa, b, sb)
    assert np.isnan(spoiled[:, column]).all()
    rng = np.random.default_rng(rows)
    sb = arrays[3].copy()
    sa[:] = rng.integers(228, 252, sa.shape, np.uint8)
    sb[:] = rng.integers(2, 16, sb.shape, np.uint8)
    a &= 0x11  # Codes 0 and 0.5: decoded elements stay below 2^127.
    actual = product.run(a, sa, b, sb)
    bad = products.matmul_outside(actual, a, sa, b, sb, "e8m0", 1.0, None)
    assert not bad.any()
    # What overflows with any other element.
    sa[:], sb[:] = 254, 254
    a[:, :16] = 0
    b[:, 16:] = 0
    assert (product.run(a, sa, b, sb) == 0).all()


def test_threads_do_not_matter(build_dir, tmp_path, monkeypatch):
    arrays = operands(np.random.default_rng(1), 1, 400, 1088)
    product = Product(build_dir, tmp_path)
    results = []
    for threads in (1, 2, 3, 7):
        monkeypatch.setenv("FP4Q_NUM_THREADS", str(threads))
        results.append(product.run(*arrays))
    for result in results[1:]:
        cases.assert_same_bits(result, results[0], "product")


CONSTANT = """
func.func @main(%a: tensor<?x{half}xi8>, %sa: tensor<?x{groups}xf8E8M0FNU>,
                %sb: tensor<{n}x{groups}xf8E8M0FNU>) -> tensor<?x{n}xf32> {{
  %c0 = arith.constant 0 : index
  %b = arith.constant dense<"0x{codes}"> : tensor<{n}x{half}xi8>
  %m = tensor.dim %a, %c0 : tensor<?x{half}xi8>
  %i = tensor.empty(%m) : tensor<?x{n}xf32>
  %y = fp4q.scaled_matmul
      ins(%a, %sa, %b, %sb : tensor<?x{half}xi8>, tensor<?x{groups}xf8E8M0FNU>,
          tensor<{n}x{half}xi8>, tensor<{n}x{groups}xf8E8M0FNU>)
      outs(%i : tensor<?x{n}xf32>) -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}
"""


def test_constants_are_packed_on_request(build_dir, tmp_path):
    a, sa, b, sb = operands(np.random.default_rng(2), 5, 37, 608)
    path = tmp_path / "constant.mlir"
    path.write_text(
        CONSTANT.format(n=37, half=304, groups=19, codes=b.tobytes().hex())
    )

    def run(rows, options):
        return fp4q_run.run(
            build_dir, path, "main", [a[:rows], sa[:rows], sb], 1, tmp_path,
            options=options,
        )[0]  # fmt: skip

    expected = run(5, [])
    cases.assert_same_bits(run(5, ["--pack-weights"]), expected, "five rows")
    # Only packed weights are summed in the same order for one row.
    cases.assert_same_bits(run(1, ["--pack-weights"]), expected[:1], "one row")
    assert (run(1, []) != expected[:1]).any()
