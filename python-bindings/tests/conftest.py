# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Settings of the tests of the package, which is taken from the build tree."""

import os
import pathlib
import subprocess
import sys

import hypothesis
import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FP4Q_BUILD_DIR", REPOSITORY / "build"))
PACKAGE = BUILD / "python"
sys.path.insert(0, str(PACKAGE))
# Compiled code is shared by the workers, and by runs of the same compiler.
os.environ.setdefault("FP4Q_CACHE_DIR", str(BUILD / "python-cache"))

# Tests marked "gpu" run on the simulator, unless they are told to use a GPU.
ON_SIMULATOR = os.environ.get("FP4Q_TEST_DEVICE") != "gpu"
# Whether the simulator is to run all of them once, so that the cache has the code.
PREPARING = ON_SIMULATOR and bool(os.environ.get("FP4Q_TEST_PREPARE"))
if ON_SIMULATOR:
    os.environ["FP4Q_CUDA_DRIVER"] = str(BUILD / "lib" / "libfp4q_sim.so")
    os.environ.setdefault("FP4Q_SIM_CHIP", "sm_90a")

_COMMON = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(hypothesis.HealthCheck),
}
# As in test/Python/conftest.py.
hypothesis.settings.register_profile(
    "ci", derandomize=True, max_examples=60, **_COMMON
)
hypothesis.settings.register_profile("deep", max_examples=2000, **_COMMON)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def run_python(tmp_path):
    """run_python(code, **environment) -> CompletedProcess of a fresh
    interpreter with an empty cache."""

    def run(code, **environment):
        settings = {
            **os.environ,
            "PYTHONPATH": str(PACKAGE),
            "FP4Q_CACHE_DIR": str(tmp_path / "cache"),
            **environment,
        }
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, env=settings, check=False,
            timeout=300,
        )  # fmt: skip

    return run
