# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is finite, in full, through the compiled code: every code with every
scale byte, and every bf16 and f16 value in groups of several sizes."""

import fp4q_data as data
import fp4q_oracle as oracle
import numpy as np
import pytest
from fp4q_cases import assert_same_bits
from fp4q_modules import SCALE_TYPES, Module

EVERY_BYTE = np.arange(256, dtype=np.uint8)[:, None]


class Comparison:
    """A module whose results are compared with the oracle's arrays."""

    def __init__(self):
        self.module = Module()
        self.expected = []

    def expect(self, results, arrays, what):
        for result, array in zip(results, arrays, strict=True):
            self.module.result(result)
            self.expected.append((array, what))

    def run(self, run_module):
        module = self.module
        actual = run_module(
            module.text(), module.entry, module.inputs, module.n_results
        )
        for array, (want, what) in zip(actual, self.expected, strict=True):
            assert_same_bits(array, want, what)


@pytest.mark.parametrize("kind", data.KINDS)
@pytest.mark.parametrize("element", data.DTYPES)
def test_every_code_with_every_scale_byte(run_module, kind, element):
    comparison = Comparison()
    module = comparison.module
    codes = np.tile(oracle.pack(np.arange(16, dtype=np.uint8)), (256, 1))
    operands = (
        module.argument(codes, "i8"),
        module.argument(EVERY_BYTE, SCALE_TYPES[kind]),
    )
    for gs in (1.0, 1 / 3, 0.1, 4.0, 2.0**-20, 2.0**100):
        for divide in (False, True):
            scale = module.scalar(gs, "constant")
            result = module.dequant(*operands, element, scale, divide)
            want = oracle.dequant(
                codes, EVERY_BYTE, kind, gs, divide, data.DTYPES[element]
            )
            comparison.expect([result], [want], f"gs={gs} divide={divide}")
    comparison.run(run_module)


@pytest.mark.parametrize("kind", data.KINDS)
@pytest.mark.parametrize("element", ["bf16", "f16"])
@pytest.mark.parametrize("group", [2, 16, 32, 128])
def test_every_narrow_float(run_module, kind, element, group):
    """In order, so that a group holds neighbors, and shuffled, so that small
    values meet a large amax and NaN and Inf are spread over the groups."""
    comparison = Comparison()
    module = comparison.module
    every = np.arange(65536, dtype=np.uint16).view(data.DTYPES[element])
    shuffled = np.random.default_rng(7).permutation(every)
    for x in (every.reshape(-1, group), shuffled.reshape(-1, 4 * group)):
        operand = module.argument(x, element)
        for gs, ss in ((1.0, 1.0), (1 / 3, 4.0), (0.1, 6.0)):
            scales = (module.scalar(s, "constant") for s in (gs, ss))
            results = module.quantize(operand, group, kind, *scales)
            want = oracle.quantize(x, group, kind, gs, ss)
            comparison.expect(results, want, f"gs={gs} ss={ss} {x.shape}")
    comparison.run(run_module)


@pytest.mark.parametrize("kind", data.KINDS)
def test_every_given_scale_byte_at_every_tie(run_module, kind):
    """x = tie * d and its two f32 neighbors, for the d of every byte."""
    comparison = Comparison()
    module = comparison.module
    ties = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 7.0, 0.0, 6.0]
    for gs in (1.0, 1 / 3, 0.1):
        with np.errstate(all="ignore"):
            d = oracle.decode_scale(EVERY_BYTE, kind) * np.float32(gs)
            exact = d * np.array([*ties, np.inf], np.float32)
            near = [exact] + [
                np.nextafter(exact, np.float32(side * np.inf))
                for side in (1, -1)
            ]
        x = np.concatenate(near, axis=1)
        x = np.concatenate([x, -x, -x[:, ::-1], x], axis=1)[:, :128]
        operands = (
            module.argument(x, "f32"),
            module.argument(EVERY_BYTE, SCALE_TYPES[kind]),
        )
        result = module.quantize_given(*operands, module.scalar(gs, "f32"))
        want = oracle.quantize_given(x, EVERY_BYTE, kind, gs)
        comparison.expect([result], [want], f"gs={gs}")
    comparison.run(run_module)
