# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A short run of the PTX parser's fuzzer (docs/simulator.md has a long one)."""

import shutil
import subprocess

import corpus_runs
import pytest
import simulator_fixtures

SECONDS = 20


def test_parser_survives(build_dir, tmp_path):
    fuzzer = build_dir / "bin" / "fp4q-sim-fuzzer"
    if not fuzzer.exists():
        pytest.skip("no fuzzer: configure with -DFP4Q_BUILD_FUZZERS=ON")
    seeds = tmp_path / "seeds"
    shutil.copytree(corpus_runs.CORPUS, seeds)
    result = subprocess.run(
        [
            fuzzer,
            f"-dict={simulator_fixtures.FOLDER / 'fuzz' / 'ptx.dict'}",
            f"-max_total_time={SECONDS}",
            "-max_len=2048",
            "-timeout=10",
            "-seed=1",
            f"-artifact_prefix={tmp_path}/",
            seeds,
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-4000:]
