# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The vector kernels for CPUs: sizes round the edges of tiles, scales that tiles
cannot represent, the levels below the host's, and numbers of threads."""


import fp4q_cases as cases
import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import fp4q_run
import numpy as np
import pytest
from fp4q_modules import Module

ONE = cases.Scale(1.0, "absent")
LEVELS = ("x86-64", "x86-64-v3", "avx-vnni", "x86-64-v4", "avx512-vnni")


def supported(build_dir, level, tmp_path):
    """Skips if this CPU cannot run code for the level."""
    path = tmp_path / "probe.mlir"
    path.write_text("func.func @probe() { return }")
    try:
        fp4q_run.run(
            build_dir, path, "probe", [], 0, tmp_path,
            options=[f"--target=cpu:{level}"],
        )  # fmt: skip
    except fp4q_run.RunError as error:
        assert "cannot run on this CPU" in str(error)
        pytest.skip(str(error).splitlines()[-1])


def matmul(m, n, group, groups, kind, element, seed, **other):
    """A product with linear scales."""
    fields = {
        "scale_flavor": "moderate", "alpha": "f32", "bias": "f32",
        "shared": True, "blocked": (),
    } | other  # fmt: skip
    shape = cases.Shape(fields.pop("lead", ()), m, fields.pop("dynamic", ()))
    return cases.Matmul(
        shape, n, group, groups, kind, element, seed=seed, **fields
    )


def edge_products():
    """Round panels of 4 rows, tiles of 48 and 8 columns, blocks of 16 groups,
    steps of 128 and 32 elements."""
    yield matmul(0, 49, 32, 2, "e8m0", "bf16", 0)
    for seed, m in enumerate((1, 2, 3, 4, 5)):
        yield matmul(m, 47 + seed, 32, 1 + seed, "e8m0", "bf16", seed)
        yield matmul(m, 9 - seed, 16, 2 + 2 * seed, "e4m3", "f16", seed)
    # Few rows: one or two panels at a time, up to 16 rows.
    for seed, m in enumerate((7, 8, 9, 12, 15, 16, 17)):
        yield matmul(m, 15 + seed, 32, 15 + seed, "e8m0", "f32", seed)
        yield matmul(m, 33 - seed, 16, 30 + 2 * seed, "e4m3", "bf16", seed)
    yield matmul(6, 97, 32, 17, "e8m0", "f32", 1, alpha="column")
    yield matmul(7, 96, 16, 34, "e4m3", "bf16", 2, alpha="absent", bias="absent")
    yield matmul(3, 5, 32, 33, "e8m0", "f32", 3, lead=(2, 2), shared=False)
    yield matmul(3, 5, 16, 6, "e4m3", "f32", 4, lead=(2,), dynamic=(0, 1))
    # K that kernels pad, and scales that they unswizzle.
    for seed, groups in enumerate((1, 3, 5, 33)):
        yield matmul(seed * 2, 11, 16, groups, "e4m3", "bf16", seed,
                     dynamic=(0,), blocked=((), ("a",), ("b",), ("a", "b"))[seed])  # fmt: skip
    for seed in range(4):
        yield matmul(1 + 4 * seed, 50, 32, 20, "e8m0", "f32", seed,
                     scale_flavor="legal")  # fmt: skip


def quantizations():
    """Every flavor of data by the general kernel and in 16-bit lanes."""
    third, four = cases.Scale(1 / 3, "constant"), cases.Scale(4.0, "constant")
    for seed, flavor in enumerate(data.FLAVORS):
        shape = cases.Shape((), 5, ())
        for groups in (1, 6, 32):
            yield cases.Quantize(
                shape, 32, groups, "e8m0", "bf16", flavor, third, four, False,
                False, seed,
            )  # fmt: skip
        yield cases.Quantize(
            shape, 16, 3, "e4m3", "f16", flavor, cases.Scale(0.1, "f32"),
            cases.Scale(6.0, "tensor"), False, False, seed,
        )  # fmt: skip
    # Blocks and groups in every relation, and rows that are no multiple of 4.
    for seed, (block, group) in enumerate(((32, 32), (16, 32), (128, 16), (2, 64))):
        yield cases.Transform(
            cases.Shape((), 3 + seed, ()), block, 64 // min(block, 64) * 3,
            seed % 2 == 0, "bf16", seed == 1, "f32", "normal", group,
            ("e8m0", "e4m3")[seed % 2], third, four, seed,
        )  # fmt: skip
    # Sums that overflow on the way when they are not fused.
    for seed, flavor in enumerate(("specials", "wide")):
        yield cases.Transform(
            cases.Shape((), 6, ()), 64, 2, False, "f32", True, "f32", flavor, 16,
            "e4m3", ONE, ONE, seed,
        )  # fmt: skip
    # Transforms of their own, with blocks from a part of a vector to several.
    for seed, block in enumerate((2, 8, 16, 32, 64, 128)):
        yield cases.Transform(
            cases.Shape((), 3 + seed, ()), block, (24, 9, 8, 7, 3, 2)[seed],
            seed % 3 != 1, ("bf16", "f16", "f32")[seed % 3], seed % 2 == 0,
            ("f32", "bf16", "f16")[seed // 2], "normal", None, "e8m0", third,
            four, seed,
        )  # fmt: skip
    for element in ("bf16", "f16", "f32"):
        yield cases.Dequant(
            cases.Shape((2,), 3, (1,)), 16, 3, "e4m3", element, ONE, True,
            False, 0,
        )  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
def test_products_of_level(build_dir, tmp_path, level):
    supported(build_dir, level, tmp_path)
    options = [f"--target=cpu:{level}"]
    for case in edge_products():
        cases.run_cases(build_dir, [case], options=options)


@pytest.mark.parametrize("level", LEVELS)
def test_quantization_of_level(build_dir, tmp_path, level):
    supported(build_dir, level, tmp_path)
    options = [f"--target=cpu:{level}"]
    cases.run_cases(build_dir, list(quantizations()), options=options)


def operands(rng, rows, columns, k):
    """Codes and e8m0 scales of a (rows, k) and b (columns, k)."""
    result = []
    for size in (rows, columns):
        result.append(data.codes(rng, (size, k // 2)))
        result.append(data.scale_bytes(rng, (size, k // 32), "e8m0", "moderate"))
    return result


def run_product(build_dir, tmp_path, arrays):
    """a * b^T in f32."""
    module = Module()
    types = ("i8", "f8E8M0FNU") * 2
    module.result(
        module.matmul(
            *(module.argument(x, t) for x, t in zip(arrays, types)), "f32"
        )
    )
    path = tmp_path / "product.mlir"
    path.write_text(module.text())
    return fp4q_run.run(build_dir, path, "main", module.inputs, 1, tmp_path)[0]


@pytest.mark.parametrize("rows", [1, 9, 33])
def test_extreme_scales_stay_in_their_row(build_dir, tmp_path, rows):
    """NaN makes its row or column NaN; huge and tiny scales of a row of a go
    with the opposite ones of b, and no other row changes."""
    rng = np.random.default_rng(rows)
    arrays = operands(rng, rows, 50, 192)
    plain = run_product(build_dir, tmp_path, arrays)
    a, sa, b, sb = (array.copy() for array in arrays)
    row, column = rows - 1, 7
    sa[row, 3] = 255
    spoiled = run_product(build_dir, tmp_path, [a, sa, b, sb])
    assert np.isnan(spoiled[row]).all()
    np.testing.assert_array_equal(spoiled[:row], plain[:row])
    sa[row, 3] = 254
    sb[column] = 255
    spoiled = run_product(build_dir, tmp_path, [a, sa, b, sb])
    assert np.isnan(spoiled[:, column]).all()
    sb = arrays[3].copy()
    sa[:] = rng.integers(236, 252, sa.shape, np.uint8)
    sb[:] = rng.integers(2, 16, sb.shape, np.uint8)
    a &= 0x11  # Codes 0 and 0.5: decoded elements stay below 2^127.
    actual = run_product(build_dir, tmp_path, [a, sa, b, sb])
    bad = products.matmul_outside(actual, a, sa, b, sb, "e8m0", 1.0, None)
    assert not bad.any()


@pytest.mark.parametrize("rows", [1, 9, 33])
def test_threads_do_not_matter(build_dir, tmp_path, monkeypatch, rows):
    arrays = operands(np.random.default_rng(rows), rows, 400, 1088)
    results = []
    for threads in (1, 2, 3, 7):
        monkeypatch.setenv("FP4Q_NUM_THREADS", str(threads))
        results.append(run_product(build_dir, tmp_path, arrays))
    for result in results[1:]:
        cases.assert_same_bits(result, results[0], "product")


@pytest.mark.parametrize("kind", ["e8m0", "e4m3"])
def test_quotients_next_to_ties(build_dir, tmp_path, kind):
    """Elements at most three ulps from a tie, for factors of any mantissa, and of
    those whose multiples round the narrowest: kernels do not divide them."""
    rng = np.random.default_rng(5)
    group = 32 if kind == "e8m0" else 16
    ties = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], np.float32)
    module, expected = Module(), []
    mantissas = [*rng.integers(0, 1 << 23, 5), 1, 0x3FFFFF, 0x400001, 0x7FFFFF]
    for mantissa in mantissas:
        gs = np.uint32((120 << 23) | int(mantissa)).view(np.float32)
        # The largest element makes the scale 1.
        x = (rng.choice(ties, (16, 16 * group)) * gs).astype(np.float32)
        x = (x.view(np.int32) + rng.integers(-3, 4, x.shape, np.int32)).view(np.float32)
        x[:, ::group] = 6 * gs
        x *= rng.choice(np.array([-1, 1], np.float32), x.shape)
        scale = cases.Scale(float(gs), "f32")
        ss = cases.Scale(6.0, "constant")
        operand = module.argument(x, "f32")
        for result in module.quantize(
            operand, group, kind, scale.write(module), ss.write(module), None
        ):
            module.result(result)
        expected += oracle.quantize(x, group, kind, scale.value, ss.value)
    path = tmp_path / "ties.mlir"
    path.write_text(module.text())
    results = fp4q_run.run(
        build_dir, path, "main", module.inputs, len(expected), tmp_path
    )
    for found, wanted in zip(results, expected):
        np.testing.assert_array_equal(found.view(np.uint8), wanted.view(np.uint8))
