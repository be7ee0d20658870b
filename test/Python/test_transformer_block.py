# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The transformer block of docs/transformer-block.md with random weights: what
--fp4q-optimize makes of it, and that it computes the same bits."""

import pathlib
import re
import subprocess

import fp4q_run
import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).parent.parent / "Examples/transformer-block.mlir"
CONSTANT = re.compile(r"dense<[0-9.]+> : tensor<([0-9x]+)xf32>")


@pytest.fixture(scope="module")
def block(tmp_path_factory):
    """The example with random weights and transforms."""
    rng = np.random.default_rng(7)

    def randomize(match):
        shape = [int(size) for size in match[1].split("x")]
        data = rng.standard_normal(shape) / np.sqrt(shape[-1])
        data = data.astype(np.float32).tobytes().hex().upper()
        return f'dense<"0x{data}"> : tensor<{match[1]}xf32>'

    text, count = CONSTANT.subn(randomize, SOURCE.read_text())
    assert count == 11
    path = tmp_path_factory.mktemp("block") / "block.mlir"
    path.write_text(text)
    return path


def optimize(build_dir, path, options=""):
    done = subprocess.run(
        [
            f"{build_dir}/bin/fp4q-opt",
            str(path),
            "--inline",
            "--symbol-dce",
            f"--fp4q-optimize={options}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_form(build_dir, block):
    text = optimize(build_dir, block)
    quantizers = re.findall(r"= fp4q.quantize_pack .*", text)
    assert len(quantizers) == 4
    assert all(" transform(" in line for line in quantizers)
    assert len(re.findall(r"= fp4q.scaled_matmul ", text)) == 7
    assert set(re.findall(r"= fp4q.(\w+)", text)) == {
        "quantize_pack",
        "scaled_matmul",
    }
    # Transforms, and the codes and scales of seven weights.
    types = re.findall(r"constant dense<.*> : tensor<([^>]*)>", text)
    assert sorted(types) == sorted(
        ["2x32x32xf32"] * 3
        + ["4x32x32xf32"]
        + ["64x32xi8", "64x2xf8E8M0FNU"] * 4
        + ["128x32xi8", "128x2xf8E8M0FNU"] * 2
        + ["64x64xi8", "64x4xf8E8M0FNU"]
    )


def test_merged(build_dir, block):
    """q, k and v become one product, and gate and up another."""
    text = optimize(build_dir, block, "merge-matmuls=true")
    assert len(re.findall(r"= fp4q.scaled_matmul ", text)) == 4


@pytest.mark.parametrize("rows", [1, 5])
def test_same_bits(build_dir, block, rows, tmp_path):
    x = np.random.default_rng(rows).standard_normal((rows, 64))
    inputs = [x.astype(np.float32)]
    naive, optimized = (
        fp4q_run.run(
            build_dir, block, "block", inputs, 1, tmp_path, optimize=optimize
        )[0]
        for optimize in (False, True)
    )
    assert np.isfinite(naive).all() and len(np.unique(naive)) > rows * 32
    np.testing.assert_array_equal(optimized, naive)


def test_same_bits_merged(build_dir, block, tmp_path):
    x = np.random.default_rng(3).standard_normal((3, 64)).astype(np.float32)
    merged = tmp_path / "merged.mlir"
    merged.write_text(optimize(build_dir, block, "merge-matmuls=true"))
    naive, result = (
        fp4q_run.run(build_dir, path, "block", [x], 1, tmp_path, optimize=False)[0]
        for path in (block, merged)
    )
    np.testing.assert_array_equal(result, naive)
