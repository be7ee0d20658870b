# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From MLIR text to kernels on the simulator: the operations compiled for every
chip, and one artifact with code for a chip of each family."""

import subprocess

import fp4q_cases as cases
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import fp4q_run
import numpy as np
import pytest

CHIPS = ("sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_103a", "sm_120a",
         "sm_121a")  # fmt: skip
FAMILIES = ("sm_80", "sm_90a", "sm_120a")
ONE = cases.Scale(1.0, "absent")


def shape(rows, lead=(), dynamic=()):
    return cases.Shape(lead, rows, dynamic)


def operations():
    """Each operation in both formats, with every form of scalar operands."""
    third = cases.Scale(1 / 3, "constant")
    yield cases.Quantize(
        shape(3, (2,), (0, 1)), 32, 3, "e8m0", "bf16", "any", third,
        cases.Scale(4.0, "f32"), False, False, 0,
    )  # fmt: skip
    yield cases.Quantize(
        shape(5), 16, 7, "e4m3", "f32", "any", cases.Scale(0.1, "tensor"),
        cases.Scale(6.0, "constant"), False, False, 1,
    )  # fmt: skip
    # Once a register read before it was written, on sm_120a.
    yield cases.Quantize(
        shape(5), 32, 2, "e8m0", "f32", "normal", ONE, ONE, False, False, 6,
    )  # fmt: skip
    yield cases.Dequant(
        shape(4, dynamic=(0,)), 16, 3, "e4m3", "f16",
        cases.Scale(0.1, "tensor"), True, False, 2,
    )  # fmt: skip
    yield cases.GlobalScale(shape(7), 33, "bf16", "normal", 3)
    yield cases.Swizzle(shape(130, dynamic=(0,)), 3, "e4m3", 4)
    for seed, (m, group, kind, element, alpha, bias) in enumerate(
        (
            (0, 32, "e8m0", "bf16", "f32", "absent"),
            (9, 16, "e4m3", "f16", "column", "f32"),
        )
    ):
        yield cases.Matmul(
            shape(m), 17, group, 3 * 32 // group, kind, element, "moderate",
            alpha, bias, True, (), seed,
        )  # fmt: skip
    yield cases.Matmul(
        shape(3, (2,), (0, 1)), 5, 32, 5, "e8m0", "f32", "moderate", "tensor",
        "result", False, (), 5,
    )  # fmt: skip


@pytest.mark.parametrize("chip", CHIPS)
def test_operations(build_dir, chip):
    cases.run_cases(
        build_dir, list(operations()),
        options=["--device=sim", f"--target={chip}"],
    )  # fmt: skip


K, N = 160, 40

LINEAR = f"""
func.func @linear(%x: tensor<?x{K}xbf16>, %gs: tensor<f32>)
    -> (tensor<?x{N}xf32>, tensor<?x{K // 2}xi8>, tensor<?x{K // 16}xf8E4M3FN>) {{
  %c0 = arith.constant 0 : index
  %six = arith.constant 6.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x{K}xbf16>
  %c = tensor.empty(%m) : tensor<?x{K // 2}xi8>
  %s = tensor.empty(%m) : tensor<?x{K // 16}xf8E4M3FN>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<?x{K}xbf16>)
      global_scale(%gs : tensor<f32>) scale_scale(%six : f32)
      outs(%c, %s : tensor<?x{K // 2}xi8>, tensor<?x{K // 16}xf8E4M3FN>)
      -> tensor<?x{K // 2}xi8>, tensor<?x{K // 16}xf8E4M3FN>
  %w = arith.constant dense_resource<w> : tensor<{N}x{K // 2}xi8>
  %ws = arith.constant dense_resource<ws> : tensor<{N}x{K // 16}xf8E4M3FN>
  %y = tensor.empty(%m) : tensor<?x{N}xf32>
  %r = fp4q.scaled_matmul ins(%q#0, %q#1, %w, %ws : tensor<?x{K // 2}xi8>,
      tensor<?x{K // 16}xf8E4M3FN>, tensor<{N}x{K // 2}xi8>,
      tensor<{N}x{K // 16}xf8E4M3FN>) alpha(%gs : tensor<f32>)
      outs(%y : tensor<?x{N}xf32>) -> tensor<?x{N}xf32>
  return %r, %q#0, %q#1 : tensor<?x{N}xf32>, tensor<?x{K // 2}xi8>,
      tensor<?x{K // 16}xf8E4M3FN>
}}
{{-#
  dialect_resources: {{
    builtin: {{
      w: "0x01000000W",
      ws: "0x01000000S"
    }}
  }}
#-}}
"""


@pytest.fixture(scope="module")
def linear(build_dir, tmp_path_factory):
    """One layer compiled for these chips, with its weight."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (N, K // 2), np.uint8)
    scales = rng.integers(0x30, 0x40, (N, K // 16), np.uint8)
    directory = tmp_path_factory.mktemp("linear")
    text = LINEAR.replace("W", codes.tobytes().hex(), 1)
    source, artifact = directory / "linear.mlir", directory / "linear.so"
    source.write_text(text.replace("S\"", scales.tobytes().hex() + '"', 1))
    subprocess.run(
        [build_dir / "bin/fp4q-compile", source, "--cubin=never",
         f"--target={','.join(FAMILIES)}", "-o", artifact],
        check=True,
    )  # fmt: skip
    return artifact, codes, scales


@pytest.mark.parametrize("m", [0, 1, 7, 17, 67])
def test_one_artifact_for_chips(build_dir, tmp_path, linear, m):
    """Every M finds its kernel; the weight is in the artifact, and what lies
    between both operations in the runtime's workspace."""
    artifact, w, ws = linear
    rng = np.random.default_rng(m)
    x = rng.standard_normal((m, K)).astype(np.float32)
    x = (x.view(np.uint32) >> 16).astype(np.uint16)
    gs = np.float32(0.1)
    codes, scales = oracle.quantize(
        x.view(oracle.BF16), 16, "e4m3", gs, np.float32(6)
    )
    for chip in FAMILIES:
        actual = fp4q_run.run(
            build_dir, artifact, "linear", [x, np.array(gs)], 3, tmp_path,
            options=["--device=sim", f"--target={chip}"],
        )  # fmt: skip
        cases.assert_same_bits(actual[1], codes, f"codes on {chip}")
        cases.assert_same_bits(actual[2], scales, f"scales on {chip}")
        bad = products.matmul_outside(
            actual[0], codes, scales, w, ws, "e4m3", gs, None
        )
        assert not bad.any(), chip
