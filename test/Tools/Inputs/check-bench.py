# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the JSON that bench.test has fp4q-bench write: 8x64, 8x64x16."""

import itertools
import json
import math
import pathlib
import sys

GROUP = {"mxfp4": 32, "nvfp4": 16}


def expected_bytes(result):
    """What an operation reads and writes, counted array by array."""
    groups = 64 // GROUP[result["format"]]
    packed = 8 * 32 + 8 * groups
    if result["op"] == "matmul":
        return packed + 16 * 32 + 16 * groups + 8 * 16 * 4
    transform = 32 * 32 * 4 if result["op"] == "transform-quantize" else 0
    return packed + 8 * 64 * 4 + transform


results = json.loads(pathlib.Path(sys.argv[1]).read_text())["results"]
keys = [(r["op"], r["format"], r["dtype"], r["threads"]) for r in results]
operations = ["quantize", "transform-quantize", "dequantize", "matmul"]
assert keys == list(itertools.product(operations, GROUP, ["f32"], [1, 2])), keys
for result in results:
    assert result["bytes"] == expected_bytes(result), result
    flops = {"matmul": 2 * 8 * 64 * 16, "transform-quantize": 2 * 8 * 64 * 32}
    assert result["flops"] == flops.get(result["op"], 0), result
    assert 0 < result["compile_s"] < 60, result
    assert 0 < result["compile_cpu_s"] < 60, result
    for name in ("warm", "cold", "memcpy_warm", "memcpy_cold"):
        timing = result[name]
        assert timing["runs"] >= 5, result
        assert 0 < timing["least_s"] <= timing["median_s"], result
        assert timing["cpu_median_s"] >= 0, result
        rate = result["bytes"] / timing["median_s"] / 1e9
        assert math.isclose(timing["gb_per_s"], rate, rel_tol=1e-6), result
