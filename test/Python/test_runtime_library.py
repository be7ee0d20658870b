# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What can only be seen from outside libfp4q_runtime.so: its exports, its size,
what it needs, and how it reads the environment."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

BUILD_DIR = pathlib.Path(
    os.environ.get("FP4Q_BUILD_DIR")
    or pathlib.Path(__file__).parents[2] / "build"
)
LIBRARY = BUILD_DIR / "lib" / "libfp4q_runtime.so"

PRINT_THREADS = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print([library.fp4q_get_num_threads() for _ in range(3)])
"""


def is_sanitized():
    cache = (BUILD_DIR / "CMakeCache.txt").read_text()
    return (
        re.search(r"^FP4Q_SANITIZE:STRING=.", cache, re.MULTILINE) is not None
    )


def output_of(*command):
    return subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout


def threads_under(value):
    """What three calls return with FP4Q_NUM_THREADS=value, and stderr."""
    if is_sanitized():
        pytest.skip("an uninstrumented Python cannot load a sanitized library")
    environment = dict(os.environ)
    environment.pop("FP4Q_NUM_THREADS", None)
    if value is not None:
        environment["FP4Q_NUM_THREADS"] = value
    result = subprocess.run(
        [sys.executable, "-c", PRINT_THREADS, str(LIBRARY)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    first, second, third = json.loads(result.stdout)
    assert first == second == third
    return first, result.stderr


def test_exports_only_the_c_abi():
    lines = output_of("nm", "-D", "--defined-only", LIBRARY).splitlines()
    names = {line.split()[-1] for line in lines}
    assert "fp4q_parallel_for" in names
    assert {name for name in names if not name.startswith("fp4q_")} == set()


def test_is_small_and_free_of_llvm():
    if is_sanitized():
        pytest.skip("a sanitized library is larger")
    assert LIBRARY.stat().st_size < 1 << 20
    needed = re.findall(
        r"NEEDED.*\[(.*)\]", output_of("readelf", "-d", LIBRARY)
    )
    assert any(name.startswith("libtbb") for name in needed)
    assert [n for n in needed if "LLVM" in n or "MLIR" in n] == []


@pytest.mark.parametrize("value", ["1", "3", "4096", "007"])
def test_num_threads_of_the_environment(value):
    assert threads_under(value) == (int(value), "")


@pytest.mark.parametrize(
    "value", ["", "0", "-1", "4097", "99999999999", "2x", " 2", "two", "1.5"]
)
def test_malformed_num_threads_is_reported_once(value):
    default, nothing = threads_under(None)
    assert nothing == ""
    assert default >= 1
    report = (
        f"fp4q: warning: ignoring FP4Q_NUM_THREADS='{value}': it is not a "
        "whole number from 1 to 4096\n"
    )
    assert threads_under(value) == (default, report)
