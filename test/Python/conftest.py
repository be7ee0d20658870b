# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fixtures and settings shared by all Python tests."""

import os
import pathlib

import cudadriver
import fp4q_run
import hypothesis
import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# The same examples every time: CI must not depend on luck. The profile "deep"
# (HYPOTHESIS_PROFILE=deep) searches further, with fresh examples.
_COMMON = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(hypothesis.HealthCheck),
}
hypothesis.settings.register_profile(
    "ci", derandomize=True, max_examples=8, **_COMMON
)
hypothesis.settings.register_profile("deep", max_examples=500, **_COMMON)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def build_dir():
    """The build tree whose tools are tested."""
    path = os.environ.get("FP4Q_BUILD_DIR", str(REPOSITORY / "build"))
    assert os.path.isdir(path), (
        f"no build tree {path}: build first, or set FP4Q_BUILD_DIR"
    )
    return pathlib.Path(path)


@pytest.fixture
def run_module(build_dir, tmp_path):
    """run_module(text, entry, inputs, n_outputs) -> list of results."""

    def run(text, entry, inputs, n_outputs):
        module = tmp_path / "module.mlir"
        module.write_text(text)
        try:
            return fp4q_run.run(
                build_dir, module, entry, inputs, n_outputs, tmp_path
            )
        except fp4q_run.RunError as error:
            # The module is the useful part of a counterexample.
            raise AssertionError(f"{error}\n{text}") from None

    return run


@pytest.fixture(scope="session")
def driver(build_dir):
    """The PTX simulator as a CUDA driver."""
    return cudadriver.Driver(build_dir / "lib" / "libfp4q_sim.so")
