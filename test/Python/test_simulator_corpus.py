# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels written in CUDA C++ on the simulator: results and counters."""

import json

import corpus_runs
import pytest


@pytest.mark.parametrize("kernel", corpus_runs.RUNS)
def test_result(driver, kernel):
    name, run = corpus_runs.RUNS[kernel]
    assert corpus_runs.is_right(run(driver, corpus_runs.text(name)))


def _report(driver, kernel):
    name, run = corpus_runs.RUNS[kernel]
    driver.lib.fp4qSimResetReport()
    run(driver, corpus_runs.text(name))
    return json.loads(driver.lib.fp4qSimReport())[0]


def test_same_without_checks_and_threads(driver):
    first = _report(driver, "matmul")
    driver.option("checks", 0)
    driver.option("threads", 1)
    try:
        second = _report(driver, "matmul")
    finally:
        driver.option("checks", 1)
        driver.option("threads", 0)
    for report in (first, second):
        report.pop("seconds")
        report.pop("cpu_seconds")
    assert first == second


# Coalescing and conflicts as assertions. vector_add: full warps of 4-byte
# accesses take 4 sectors; 1000 elements are 31 full warps and one quarter.
def test_vector_add_is_coalesced(driver):
    report = _report(driver, "vector_add")
    assert report["global_requests"] == 3 * 32
    assert report["global_sectors"] == 3 * (31 * 4 + 1)
    assert report["global_read_bytes"] == 8000
    assert report["global_write_bytes"] == 4000


def test_matmul_bank_conflicts(driver):
    report = _report(driver, "matmul")
    # 2 CTAs x 4 warps x 3 tiles of k x 2 steps x 8 mma.
    assert report["classes"]["mma"] == 2 * 4 * 3 * 2 * 8
    loads = 2 * 4 * 3 * 2 * 4
    assert report["classes"]["matrix"] == loads
    assert report["shared_read_bytes"] == loads * 512
    # Rows of 80 bytes: ldmatrix never conflicts. The quarter warps of cp.async
    # write two rows of 64 bytes, which meet in four banks: one pass more each,
    # for 2 CTAs x 3 tiles x 16 cp.async of a warp x 4 quarters.
    assert report["bank_conflicts"] == 2 * 3 * 16 * 4


def test_profile(driver):
    assert "accesses" not in _report(driver, "matmul")
    driver.option("profile", 1)
    try:
        report = _report(driver, "matmul")
    finally:
        driver.option("profile", 0)
    accesses = report["accesses"]
    copies = [a for a in accesses if a["instruction"].startswith("cp.async")]
    loads = [a for a in accesses if a["instruction"].startswith("ldmatrix")]
    assert copies and loads
    assert all(a["lane_bytes"] == 16 and a["global_requests"] for a in copies)
    # In the loop, as above: 2 CTAs x 4 warps x 3 tiles of k x 2 steps x 4.
    assert all(a["loop"] and a["loop"] <= a["line"] for a in loads)
    assert sum(a["shared_requests"] for a in loads) == 2 * 4 * 3 * 2 * 4
    assert sum(a["bank_conflicts"] for a in loads) == 0
    for name in ("global_requests", "global_sectors", "shared_requests",
                 "shared_wavefronts", "bank_conflicts"):  # fmt: skip
        assert sum(a[name] for a in accesses) == report[name]
    lines = corpus_runs.text("matmul").splitlines()
    assert all(a["instruction"] in lines[a["line"] - 1] for a in accesses)
