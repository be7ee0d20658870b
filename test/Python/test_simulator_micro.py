# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The simulator's micro-tests: each case against numpy and the GPU's golden."""

import micro_alu  # noqa: F401
import micro_cases
import micro_other  # noqa: F401
import numpy as np
import pytest
import simulator_fixtures

GOLDEN = simulator_fixtures.FOLDER / "golden" / "sm_90a.npz"


@pytest.fixture(scope="module")
def golden():
    if not GOLDEN.exists():
        pytest.skip("no golden file was recorded yet")
    return np.load(GOLDEN)


def test_case_names_are_unique():
    names = [case.name for case in micro_cases.CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "case",
    [case for case in micro_cases.CASES if case.expect],
    ids=lambda case: case.name,
)
def test_against_numpy(driver, case):
    data = micro_cases.inputs(case)
    got = micro_cases.run(driver, case)[..., 0]
    want = case.expect(data).reshape(got.shape)
    assert not len(micro_cases.mismatches(case, got, want))


# One test for all: pytest would take longer for its bookkeeping than the
# simulator for the work.
def test_against_gpu(driver, golden):
    failures = []
    for case in micro_cases.CASES:
        got = micro_cases.run(driver, case)
        want = golden[case.name][..., : case.outputs]
        bad = micro_cases.mismatches(case, got, want)
        if len(bad):
            failures.append(f"{case.name}: {len(bad)} of {got.size} words")
    assert not failures
