# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shapes that are empty by their type, and results that are one value."""

import fp4q_cases as cases
import fp4q_oracle as oracle
import numpy as np
import pytest

ONE = cases.Scale(1.0, "absent")
SHAPES = [
    cases.Shape((), 0, ()),
    cases.Shape((2,), 0, ()),
    cases.Shape((0,), 3, ()),
    cases.Shape((0, 2), 3, (1,)),
    cases.Shape((2, 0), 3, (2,)),
]


def all_ops(shape):
    quantize = (shape, 16, 2, "e8m0", "bf16", "normal", ONE, ONE)
    matmul = (shape, 5, 16, 2, "e4m3", "bf16", "moderate", "f32", "f32")
    transform = (shape, 16, 2, True, "bf16", False, "f32", "normal")
    return [
        cases.Quantize(*quantize, given=False, blocked=False, seed=0),
        cases.Quantize(*quantize, given=False, blocked=True, seed=0),
        cases.Quantize(*quantize, given=True, blocked=True, seed=0),
        cases.Dequant(shape, 16, 2, "e4m3", "f16", ONE, False, False, 0),
        cases.Dequant(shape, 16, 2, "e4m3", "f16", ONE, True, True, 0),
        cases.GlobalScale(shape, 7, "f32", "normal", 0),
        cases.Transform(*transform, None, "e8m0", ONE, ONE, 0),
        cases.Transform(*transform, 8, "e8m0", ONE, ONE, 0),
        cases.Matmul(*matmul, shared=True, blocked=(), seed=0),
        cases.Matmul(*matmul, shared=False, blocked=("a", "b"), seed=0),
        cases.Swizzle(shape, 6, "e8m0", 0),
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_empty_by_type(build_dir, shape):
    cases.run_cases(build_dir, all_ops(shape))


class GlobalScaleTwice:
    """Two equal ops, of which CSE makes one."""

    @staticmethod
    def write(module):
        x = np.full((4, 8), 3, np.float32)
        operand = module.argument(x, "f32")
        for _ in range(2):
            module.result(module.global_scale(operand))
        return [np.asarray(oracle.global_scale(x))] * 2


def test_one_value_as_two_results(build_dir):
    cases.run_cases(build_dir, [GlobalScaleTwice()])
