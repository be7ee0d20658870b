# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Short runs of the fuzzers of modules and artifacts; docs/developing.md has
the long ones."""

import shutil
import subprocess

import pytest
from conftest import REPOSITORY

FUZZ = REPOSITORY / "test" / "Fuzz"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("artifact", ["-runs=100000", "-max_len=1024"]),
        ("module", ["-max_len=4096", f"-dict={FUZZ}/module.dict"]),
    ],
)
def test_fuzzer_finds_nothing(build_dir, tmp_path, name, options):
    fuzzer = build_dir / "bin" / f"fp4q-{name}-fuzzer"
    if not fuzzer.exists():
        pytest.skip("no fuzzer: configure with -DFP4Q_BUILD_FUZZERS=ON")
    seeds = tmp_path / "seeds"
    shutil.copytree(FUZZ / f"{name}-seeds", seeds)
    result = subprocess.run(
        [
            fuzzer,
            "-max_total_time=8",
            "-timeout=10",
            "-seed=1",
            f"-artifact_prefix={tmp_path}/",
            *options,
            seeds,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert "Done " in result.stderr
