# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations on constants, folded at compile time, against the oracle."""

import subprocess

import fp4q_cases
import hypothesis.strategies as st
import numpy as np
from fp4q_modules import Module, Value
from hypothesis import given

FOLDED = (
    fp4q_cases.Quantize,
    fp4q_cases.Dequant,
    fp4q_cases.GlobalScale,
    fp4q_cases.Transform,
    fp4q_cases.Swizzle,
)


class ConstantModule(Module):
    """A module that holds what others take as arguments, as constants."""

    def __init__(self, resources):
        super().__init__()
        self._use_resources = resources
        self._resources = []

    def argument(self, array, element, dynamic=()):
        value = Value(self._name(), array.shape, element)
        data = np.ascontiguousarray(array).tobytes().hex().upper()
        if self._use_resources and data:
            attribute = f"dense_resource<r{len(self._resources)}>"
            self._resources.append(data)
        else:
            attribute = f'dense<"0x{data}">' if data else "dense<>"
        self._line(f"{value.name} = arith.constant {attribute} : {value.type}")
        if not dynamic:
            return value
        cast = Value(self._name(), array.shape, element, tuple(dynamic))
        self._line(
            f"{cast.name} = tensor.cast {value.name} : {value.type} to {cast.type}"
        )
        return cast

    def scalar(self, number, form):
        # No constant may be 0, negative, Inf or NaN, so those stay arguments.
        if not 0 < number < np.inf:
            return super().scalar(number, form)
        if form != "tensor":
            return super().scalar(number, "constant")
        return self.argument(np.array(number, np.float32), "f32")

    def text(self):
        entries = ", ".join(
            f'r{i}: "0x01000000{data}"' for i, data in enumerate(self._resources)
        )
        if not entries:
            return super().text()
        return (
            f"{super().text()}\n"
            f"{{-# dialect_resources: {{ builtin: {{ {entries} }} }} #-}}\n"
        )


@given(
    cases=st.lists(
        st.one_of([case.strategy() for case in FOLDED]), min_size=4, max_size=8
    ),
    resources=st.booleans(),
)
def test_folded_constants(build_dir, cases, resources):
    module = ConstantModule(resources)
    fp4q_cases.run_cases(build_dir, cases, module)
    optimized = subprocess.run(
        [
            f"{build_dir}/bin/fp4q-opt",
            "--fp4q-optimize=max-dequant-elements=1000000",
        ],
        input=module.text(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # What is left reads an argument, or is a global_scale that is not finite.
    left = [line for line in optimized.splitlines() if "= fp4q." in line]
    readers = [line for line in left if "fp4q.global_scale" not in line]
    assert len(readers) <= len(module.inputs), optimized
