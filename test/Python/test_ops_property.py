# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every op over random shapes, formats, types and adversarial values, through
the compiled code, against the oracle. Quantization, dequantization and layout
must agree bit for bit, transforms with the reference path's ascending chain,
products within the bound of docs/numerics.md."""

import pathlib
import tempfile

import fp4q_run
import pytest
from fp4q_cases import CASES, check
from fp4q_modules import Module
from hypothesis import given, note
from hypothesis import strategies as st

# One process compiles a whole list of cases: starting it costs more than one
# case does.
CASES_PER_PROCESS = 8


def run_cases(build_dir, cases):
    """Compiles all cases into one function, runs it and checks the results."""
    module = Module()
    expected = []
    for case in cases:
        expected += [(type(case).__name__, e) for e in case.write(module)]
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "module.mlir"
        path.write_text(module.text())
        note(module.text())
        actual = fp4q_run.run(
            build_dir, path, "main", module.inputs, len(expected), directory
        )
    for index, (array, (name, want)) in enumerate(zip(actual, expected)):
        check(array, want, f"result {index} ({name})")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_op(build_dir, case):
    strategy = st.lists(case.strategy(), min_size=4, max_size=CASES_PER_PROCESS)

    @given(strategy)
    def property_(cases):
        run_cases(build_dir, cases)

    property_()


@given(
    st.lists(
        st.one_of([case.strategy() for case in CASES]),
        min_size=4,
        max_size=CASES_PER_PROCESS,
    )
)
def test_ops_together(build_dir, cases):
    run_cases(build_dir, cases)
