# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every seeded fault must be caught, and by the check that is meant to."""

import corpus_runs
import cudadriver
import mutations
import pytest

ENTRIES = {"matmul": "matmul_bf16"}


def outcome(driver, mutation):
    name, run = corpus_runs.RUNS[mutation.kernel]
    entry = ENTRIES.get(mutation.kernel, mutation.kernel)
    ptx = mutations.apply(mutation, corpus_runs.text(name), entry)
    try:
        result = run(driver, ptx)
    except cudadriver.DriverError as error:
        word = error.message.split(":")[0]
        return word if word in FAULTS else f"refused: {error.message}"
    return "no fault" if corpus_runs.is_right(result) else "wrong result"


FAULTS = {
    "out-of-bounds", "misaligned", "uninitialized", "shared-race",
    "async-pending", "async-leftover", "divergent-barrier", "deadlock",
    "mbarrier", "read-only", "budget", "trap", "illegal",
}  # fmt: skip


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda m: m.kind)
def test_is_caught(driver, mutation):
    got = outcome(driver, mutation)
    assert got.split(":")[0] == mutation.caught, got


def test_there_are_thirty_kinds():
    kinds = {m.kind for m in mutations.MUTATIONS}
    assert len(kinds) == len(mutations.MUTATIONS) >= 30
