# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Slices and concatenations of columns on the simulator: kernels that read and
write what is not contiguous, and the products that merge-matmuls merges."""

import subprocess

import fp4q_cases as cases
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import fp4q_run
import ml_dtypes
import numpy as np
import pytest

BF16 = ml_dtypes.bfloat16

# Offsets and sizes that are multiples of 16 bytes and such that are not, a step
# of two, a column alone, columns whose number is not known, a slice that is
# quantized, and one that is written by dequant.
SLICES = """
func.func @slices(%x: tensor<2x?x72xbf16>, %y: tensor<2x?x24xbf16>,
                  %c: tensor<?x32xi8>, %s: tensor<?x2xf8E8M0FNU>,
                  %z: tensor<?x80xbf16>, %v: tensor<2x?x?xbf16>)
    -> (tensor<2x?x56xbf16>, tensor<2x?x29xbf16>, tensor<2x?x16xi8>,
        tensor<2x?x1xf8E8M0FNU>, tensor<?x80xbf16>, tensor<2x?xbf16>,
        tensor<2x?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %m = tensor.dim %c, %c0 : tensor<?x32xi8>
  %n = tensor.dim %v, %c2 : tensor<2x?x?xbf16>
  %half = arith.divui %n, %c2 : index
  %wide = tensor.extract_slice %x[0, 0, 8] [2, %m, 32] [1, 1, 1]
      : tensor<2x?x72xbf16> to tensor<2x?x32xbf16>
  %r0 = tensor.concat dim(2) %wide, %y
      : (tensor<2x?x32xbf16>, tensor<2x?x24xbf16>) -> tensor<2x?x56xbf16>
  %odd = tensor.extract_slice %x[0, 0, 3] [2, %m, 17] [1, 1, 1]
      : tensor<2x?x72xbf16> to tensor<2x?x17xbf16>
  %step = tensor.extract_slice %y[0, 0, 1] [2, %m, 12] [1, 1, 2]
      : tensor<2x?x24xbf16> to tensor<2x?x12xbf16>
  %r1 = tensor.concat dim(2) %odd, %step
      : (tensor<2x?x17xbf16>, tensor<2x?x12xbf16>) -> tensor<2x?x29xbf16>
  %last = tensor.extract_slice %x[0, 0, 40] [2, %m, 32] [1, 1, 1]
      : tensor<2x?x72xbf16> to tensor<2x?x32xbf16>
  %e0 = tensor.empty(%m) : tensor<2x?x16xi8>
  %e1 = tensor.empty(%m) : tensor<2x?x1xf8E8M0FNU>
  %q:2 = fp4q.quantize_pack ins(%last : tensor<2x?x32xbf16>)
      outs(%e0, %e1 : tensor<2x?x16xi8>, tensor<2x?x1xf8E8M0FNU>)
      -> tensor<2x?x16xi8>, tensor<2x?x1xf8E8M0FNU>
  %e2 = tensor.empty(%m) : tensor<?x64xbf16>
  %d = fp4q.dequant ins(%c, %s : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%e2 : tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %r4 = tensor.insert_slice %d into %z[0, 12] [%m, 64] [1, 1]
      : tensor<?x64xbf16> into tensor<?x80xbf16>
  %r5 = tensor.extract_slice %x[0, 0, 5] [2, %m, 1] [1, 1, 1]
      : tensor<2x?x72xbf16> to tensor<2x?xbf16>
  %right = tensor.extract_slice %v[0, 0, %half] [2, %m, %half] [1, 1, 1]
      : tensor<2x?x?xbf16> to tensor<2x?x?xbf16>
  return %r0, %r1, %q#0, %q#1, %r4, %r5, %right : tensor<2x?x56xbf16>,
      tensor<2x?x29xbf16>, tensor<2x?x16xi8>, tensor<2x?x1xf8E8M0FNU>,
      tensor<?x80xbf16>, tensor<2x?xbf16>, tensor<2x?x?xbf16>
}
"""


# A sum into a slice, of a slice that overlaps it; single elements, of which one
# is the global scale of a dequantization.
PLACES = """
#id = affine_map<(i, j) -> (i, j)>
func.func @places(%x: tensor<5x40xf32>, %c: tensor<3x16xi8>,
                  %s: tensor<3x1xf8E8M0FNU>)
    -> (tensor<5x40xf32>, tensor<f32>, tensor<3x32xf32>) {
  %e = tensor.empty() : tensor<5x40xf32>
  %y = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<5x40xf32>) outs(%e : tensor<5x40xf32>) {
  ^bb0(%p: f32, %q: f32):
    %r = arith.addf %p, %p : f32
    linalg.yield %r : f32
  } -> tensor<5x40xf32>
  %b = tensor.extract_slice %y[0, 0] [5, 16] [1, 1]
      : tensor<5x40xf32> to tensor<5x16xf32>
  %d = tensor.extract_slice %y[0, 8] [5, 16] [1, 1]
      : tensor<5x40xf32> to tensor<5x16xf32>
  %sum = linalg.generic {indexing_maps = [#id, #id],
                         iterator_types = ["parallel", "parallel"]}
      ins(%b : tensor<5x16xf32>) outs(%d : tensor<5x16xf32>) {
  ^bb0(%p: f32, %q: f32):
    %r = arith.addf %p, %q : f32
    linalg.yield %r : f32
  } -> tensor<5x16xf32>
  %r0 = tensor.insert_slice %sum into %y[0, 8] [5, 16] [1, 1]
      : tensor<5x16xf32> into tensor<5x40xf32>
  %one = tensor.extract_slice %x[1, 2] [1, 1] [1, 1]
      : tensor<5x40xf32> to tensor<f32>
  %g = tensor.extract_slice %x[3, 7] [1, 1] [1, 1]
      : tensor<5x40xf32> to tensor<f32>
  %f = tensor.empty() : tensor<3x32xf32>
  %r2 = fp4q.dequant ins(%c, %s : tensor<3x16xi8>, tensor<3x1xf8E8M0FNU>)
      global_scale(%g : tensor<f32>) outs(%f : tensor<3x32xf32>)
      -> tensor<3x32xf32>
  return %r0, %one, %r2 : tensor<5x40xf32>, tensor<f32>, tensor<3x32xf32>
}
"""


def compile_to(build_dir, source, artifact, chips):
    subprocess.run(
        [build_dir / "bin/fp4q-compile", source, "--cubin=never",
         f"--target={chips}", "-o", artifact],
        check=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def slices(build_dir, tmp_path_factory):
    directory = tmp_path_factory.mktemp("slices")
    source, artifact = directory / "slices.mlir", directory / "slices.so"
    source.write_text(PLACES + SLICES)
    compile_to(build_dir, source, artifact, "sm_90a")
    return artifact


@pytest.mark.parametrize("m", [0, 1, 5, 130])
def test_slices(build_dir, tmp_path, slices, m):
    rng = np.random.default_rng(m)

    def random(*shape):
        return rng.standard_normal(shape, np.float32).astype(BF16)

    x, y, z, v = (
        random(2, m, 72), random(2, m, 24), random(m, 80), random(2, m, 22),
    )  # fmt: skip
    c = rng.integers(0, 256, (m, 32), np.uint8)
    s = rng.integers(120, 135, (m, 2), np.uint8)
    actual = fp4q_run.run(
        build_dir, slices, "slices", [x, y, c, s, z, v], 7, tmp_path,
        options=["--device=sim", "--target=sm_90a"],
    )  # fmt: skip
    codes, scales = oracle.quantize(x[:, :, 40:], 32, "e8m0")
    inserted = z.copy()
    inserted[:, 12:76] = oracle.dequant(c, s, "e8m0", dtype=BF16)
    expected = [
        np.concatenate([x[:, :, 8:40], y], 2),
        np.concatenate([x[:, :, 3:20], y[:, :, 1:24:2]], 2),
        codes,
        scales,
        inserted,
        x[:, :, 5],
        v[:, :, 11:],
    ]
    for i, (got, want) in enumerate(zip(actual, expected)):
        if want.dtype == BF16:
            want = want.view(np.uint16)
        cases.assert_same_bits(got, want, f"result {i}")


def test_places(build_dir, tmp_path, slices):
    rng = np.random.default_rng(1)
    x = rng.integers(1, 99, (5, 40)).astype(np.float32)
    c = rng.integers(0, 256, (3, 16), np.uint8)
    s = rng.integers(120, 135, (3, 1), np.uint8)
    actual = fp4q_run.run(
        build_dir, slices, "places", [x, c, s], 3, tmp_path,
        options=["--device=sim", "--target=sm_90a"],
    )  # fmt: skip
    summed = 2 * x
    summed[:, 8:24] = 2 * x[:, 8:24] + 2 * x[:, :16]
    decoded = oracle.dequant(c, s, "e8m0", x[3, 7])
    for got, want in zip(actual, [summed, x[1, 2], decoded]):
        cases.assert_same_bits(got, want, "places")


K = 96
# 40 and 24 columns of bf16 are multiples of 16 bytes, and so are the places
# where they begin; 9 are not.
COLUMNS = {"q": 40, "k": 24, "v": 9}


def projections(weights):
    """Three products of one quantized activation with constant weights."""
    lines, results = [], []
    for name, (codes, scales) in weights.items():
        n = COLUMNS[name]
        weight, scale = (
            f"tensor<{n}x{K // 2}xi8>", f"tensor<{n}x{K // 32}xf8E8M0FNU>"
        )  # fmt: skip
        type = f"tensor<?x{n}xbf16>"
        lines.append(
            f'  %w_{name} = arith.constant dense<"0x{codes.tobytes().hex()}">'
            f" : {weight}\n"
            f'  %s_{name} = arith.constant dense<"0x{scales.tobytes().hex()}">'
            f" : {scale}\n"
            f"  %e_{name} = tensor.empty(%m) : {type}\n"
            f"  %{name} = fp4q.scaled_matmul ins(%x#0, %x#1, %w_{name},"
            f" %s_{name} : tensor<?x{K // 2}xi8>, tensor<?x{K // 32}x"
            f"f8E8M0FNU>, {weight}, {scale}) outs(%e_{name} : {type})"
            f" -> {type}\n"
        )
        results.append(type)
    return (
        f"func.func @qkv(%a: tensor<?x{K}xbf16>) -> ({', '.join(results)}) {{\n"
        "  %c0 = arith.constant 0 : index\n"
        f"  %m = tensor.dim %a, %c0 : tensor<?x{K}xbf16>\n"
        f"  %c = tensor.empty(%m) : tensor<?x{K // 2}xi8>\n"
        f"  %s = tensor.empty(%m) : tensor<?x{K // 32}xf8E8M0FNU>\n"
        f"  %x:2 = fp4q.quantize_pack ins(%a : tensor<?x{K}xbf16>)"
        f" outs(%c, %s : tensor<?x{K // 2}xi8>, tensor<?x{K // 32}x"
        f"f8E8M0FNU>) -> tensor<?x{K // 2}xi8>, tensor<?x{K // 32}xf8E8M0FNU>\n"
        + "".join(lines)
        + "  return "
        + ", ".join(f"%{name}" for name in weights)
        + f" : {', '.join(results)}\n}}\n"
    )


@pytest.fixture(scope="module")
def merged(build_dir, tmp_path_factory):
    """The three products as one, compiled for two chips, and the weights."""
    rng = np.random.default_rng(0)
    weights = {
        name: (
            rng.integers(0, 256, (n, K // 2), np.uint8),
            rng.integers(120, 130, (n, K // 32), np.uint8),
        )
        for name, n in COLUMNS.items()
    }
    directory = tmp_path_factory.mktemp("merged")
    source, artifact = directory / "qkv.mlir", directory / "qkv.so"
    source.write_text(projections(weights))
    text = subprocess.run(
        [build_dir / "bin/fp4q-opt", source,
         "--fp4q-optimize=merge-matmuls=true"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert text.count("fp4q.scaled_matmul") == 1
    assert text.count("tensor.extract_slice") == 3
    source.write_text(text)
    compile_to(build_dir, source, artifact, "sm_90a,sm_120a")
    return artifact, weights


@pytest.mark.parametrize("m", [0, 1, 6, 70])
@pytest.mark.parametrize("chip", ["sm_90a", "sm_120a"])
def test_merged_products(build_dir, tmp_path, merged, chip, m):
    artifact, weights = merged
    rng = np.random.default_rng(m)
    x = rng.standard_normal((m, K), np.float32).astype(BF16)
    codes, scales = oracle.quantize(x, 32, "e8m0")
    actual = fp4q_run.run(
        build_dir, artifact, "qkv", [x], 3, tmp_path,
        options=["--device=sim", f"--target={chip}"],
    )  # fmt: skip
    for got, (name, (w, ws)) in zip(actual, weights.items()):
        assert got.shape == (m, COLUMNS[name])
        bad = products.matmul_outside(
            got.view(BF16), codes, scales, w, ws, "e8m0"
        )
        assert not bad.any(), name
