# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A short run of cpu_fuzz.py, and that its arrays show what they are for."""

import pathlib
import subprocess
import sys

import fp4q_artifacts as artifacts
import fp4q_guarded as guarded
import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("first", [0, 12, 24])
def test_random_calls(build_dir, first):
    artifacts.runtime(build_dir)  # Or the test is skipped.
    done = subprocess.run(
        [sys.executable, HERE / "cpu_fuzz.py", f"--build-dir={build_dir}",
         f"--first={first}", "--cases=12", "--levels=1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    case = [line for line in lines if not line.startswith(" ")]
    assert done.returncode == 0, (done.stderr[-2000:], case[-1:], lines[-1:])
    assert lines[-1].startswith("12 cases, ")


@pytest.mark.parametrize("place", guarded.PLACES)
@pytest.mark.parametrize("is_result", [False, True])
def test_a_changed_byte_is_seen(place, is_result):
    rng = np.random.default_rng(3)
    like = np.arange(15, dtype=np.uint16).reshape(3, 5)
    placed = guarded.Placed(like, place, rng, is_result)
    assert placed.array.shape == like.shape
    if not is_result:
        np.testing.assert_array_equal(placed.array, like)
    assert placed.spoiled() == 0
    placed.array[1, 2] += 1
    assert placed.spoiled() == (0 if is_result else 1)
    around = np.flatnonzero(~placed.elements)
    placed.region.bytes[around[len(around) // 2]] ^= 1
    assert placed.spoiled() == (1 if is_result else 2)


@pytest.mark.parametrize("place, past", [("end", 5), ("begin", -1)])
def test_an_access_outside_ends_the_process(place, past):
    script = (
        "import ctypes, numpy, fp4q_guarded\n"
        "x, rng = numpy.zeros(5, 'u1'), numpy.random.default_rng(0)\n"
        f"placed = fp4q_guarded.Placed(x, '{place}', rng)\n"
        "start = placed.array.ctypes.data\n"
        "ctypes.string_at(start, 5)\n"
        "print('inside', flush=True)\n"
        f"ctypes.string_at(start + {past}, 1)\n"
        "print('outside')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=HERE, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-11, "inside\n")
