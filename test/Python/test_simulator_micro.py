# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The simulator's micro-tests: each case against numpy and the GPU's golden."""

import coverage
import micro_alu  # noqa: F401
import micro_blackwell  # noqa: F401
import micro_cases
import micro_forms  # noqa: F401
import micro_memory  # noqa: F401
import micro_mma  # noqa: F401
import micro_other  # noqa: F401
import numpy as np
import pytest
import simulator_fixtures

GOLDEN = simulator_fixtures.FOLDER / "golden" / "sm_90a.npz"


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


def test_case_names_are_unique():
    names = [case.name for case in micro_cases.CASES]
    assert len(names) == len(set(names))


# One test for all: pytest would take longer for its bookkeeping than the
# simulator for the work.
def test_against_numpy(driver):
    failures = []
    cases = [case for case in micro_cases.CASES if case.expect]
    for case in cases:
        want = np.asarray(case.expect(micro_cases.inputs(case)))
        got = micro_cases.run(driver, case)
        got = got[..., : want.shape[-1]] if want.ndim == 3 else got[..., 0]
        bad = micro_cases.mismatches(case, got, want.reshape(got.shape))
        if len(bad):
            failures.append(f"{case.name}: {len(bad)} of {got.size} words")
    assert cases and not failures


def test_against_gpu(driver, golden):
    failures = []
    for case in micro_cases.CASES:
        if case.name not in golden:
            continue
        got = micro_cases.run(driver, case)
        want = golden[case.name][..., : case.outputs]
        bad = micro_cases.mismatches(case, got, want)
        if len(bad):
            failures.append(f"{case.name}: {len(bad)} of {got.size} words")
    assert not failures


def test_every_case_has_an_expectation(golden):
    for case in micro_cases.CASES:
        assert case.expect or case.name in golden, case.name


def test_every_instruction_and_type_has_a_case(driver):
    assert not coverage.untested(driver, micro_cases.CASES)
