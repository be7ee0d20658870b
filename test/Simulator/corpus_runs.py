# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the corpus kernels and says what their results must be.

run_X(driver, ptx) returns (result, expected, tolerance): the tests compare
them, and the mutations of test_simulator_mutations.py must not pass.
"""

import numpy as np
import simulator_fixtures

CORPUS = simulator_fixtures.FOLDER / "corpus"
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
E2M1 = np.concatenate([E2M1, -E2M1])


def text(name):
    return (CORPUS / f"{name}.ptx").read_text()


def bf16(values):
    """The bits of float values that bf16 holds exactly."""
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def _codes(rng, rows, k):
    nibbles = rng.integers(0, 16, (rows, k), np.uint8)
    return nibbles[:, ::2] | nibbles[:, 1::2] << 4, E2M1[nibbles]


def _e4m3(codes):
    exponent, mantissa = codes >> 3, codes & 7
    normal = (1 + mantissa / 8) * 2.0 ** (exponent.astype(int) - 7)
    return np.where(exponent > 0, normal, mantissa * 2.0**-9)


def run_vector_add(driver, ptx):
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 1000)).astype(np.float32)
    out = ("out", 1000, np.float32)
    args = [a, b, out, np.int32(1000)]
    c = driver.run(ptx, "vector_add", (8, 1, 1), (128, 1, 1), args)[2]
    return c, a + b, 0


def run_reduce_sum(driver, ptx):
    values = np.random.default_rng(2).integers(-99, 99, 700).astype(np.int32)
    args = [values, np.zeros(1, np.int32), np.int32(700)]
    out = driver.run(ptx, "reduce_sum", (3, 1, 1), (256, 1, 1), args)[1]
    return out, values.sum(keepdims=True), 0


def run_scan(driver, ptx):
    values = np.random.default_rng(3).integers(-9, 99, (2, 256))
    args = [values.astype(np.int32), ("out", (2, 256), np.int32)]
    out = driver.run(ptx, "scan", (2, 1, 1), (256, 1, 1), args)[1]
    return out, values.cumsum(axis=1), 0


def run_matmul(driver, ptx, m=64, n=128, k=96):
    rng = np.random.default_rng(4)
    a = rng.integers(-8, 9, (m, k)) * 0.25
    b = rng.integers(-8, 9, (n, k)) * 0.25
    args = [bf16(a), bf16(b), ("out", (m, n), np.float32)]
    args += [np.int32(n), np.int32(k)]
    grid = (n // 64, m // 64, 1)
    c = driver.run(ptx, "matmul_bf16", grid, (128, 1, 1), args)[2]
    return c, a @ b.T, 0


def run_fp4_decode(driver, ptx, n=32, k=192):
    rng = np.random.default_rng(5)
    x = rng.integers(-8, 9, (16, k)) * 0.25
    codes, values = _codes(rng, n, k)
    scales = rng.integers(124, 131, (n, k // 32), np.uint8)
    weights = values * np.repeat(2.0 ** (scales.astype(int) - 127), 32, axis=1)
    args = [bf16(x), codes, scales, ("out", (16, n), np.float32)]
    args += [np.int32(n), np.int32(k)]
    y = driver.run(ptx, "fp4_decode", (n // 16, 1, 1), (64, 1, 1), args)[3]
    return y, x @ weights.T, 0


def _tile(driver, ptx, entry, group, make, decode):
    rng = np.random.default_rng(6)
    k = 256
    a, va = _codes(rng, 16, k)
    b, vb = _codes(rng, 8, k)
    sa, sb = make(rng, (16, k // group)), make(rng, (8, k // group))
    args = [a, b, sa.view(np.uint32), sb.view(np.uint32)]
    args += [("out", (16, 8), np.float32), np.int32(k)]
    c = driver.run(ptx, entry, (1, 1, 1), (32, 1, 1), args)[4]
    va = va * np.repeat(decode(sa), group, axis=1)
    vb = vb * np.repeat(decode(sb), group, axis=1)
    bound = (k + 2) * 2.0**-23 * (np.abs(va) @ np.abs(vb).T)
    return c, va @ vb.T, bound


def run_nvfp4_tile(driver, ptx):
    return _tile(driver, ptx, "nvfp4_tile", 16,
                 lambda rng, s: rng.integers(0x20, 0x50, s, np.uint8), _e4m3)  # fmt: skip


def run_mxfp4_tile(driver, ptx):
    return _tile(driver, ptx, "mxfp4_tile", 32,
                 lambda rng, s: rng.integers(124, 131, s, np.uint8),
                 lambda s: 2.0 ** (s.astype(int) - 127))  # fmt: skip


#: kernel -> (PTX file, function that runs it)
RUNS = {
    "vector_add": ("basic", run_vector_add),
    "reduce_sum": ("basic", run_reduce_sum),
    "scan": ("basic", run_scan),
    "matmul": ("matmul", run_matmul),
    "fp4_decode": ("fp4_decode", run_fp4_decode),
    "nvfp4_tile": ("block_scaled", run_nvfp4_tile),
    "mxfp4_tile": ("block_scaled", run_mxfp4_tile),
}


def is_right(result):
    got, want, tolerance = result
    return bool(np.all(np.abs(got.astype(np.float64) - want) <= tolerance))
