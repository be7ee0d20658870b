# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every op over random shapes, formats, types and adversarial values, through
the compiled code, against the oracle. Quantization, dequantization and layout
must agree bit for bit, transforms with the reference path's ascending chain,
products within the bound of docs/numerics.md."""

import pytest
from fp4q_cases import CASES, run_cases
from hypothesis import given
from hypothesis import strategies as st

# One process compiles a whole list of cases: starting it costs more than one
# case does.
CASES_PER_PROCESS = 8


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
