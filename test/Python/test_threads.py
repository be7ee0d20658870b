# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled code gives the same bits for any number of threads, at sizes round
the edges of the tiles of the reference path (256 rows, 128 columns, K in blocks
of 256, 32768 elements of a row-wise tile)."""

import numpy as np
import pytest

MODULE = """
func.func @linear(%x: tensor<?x{k}xf32>, %w: tensor<{n}x{half}xi8>,
                  %ws: tensor<{n}x{cols}xf8E4M3FN>, %bias: tensor<{n}xf32>)
    -> (tensor<?x{half}xi8>, tensor<?x{n}xf32>) {{
  %c0 = arith.constant 0 : index
  %gs = arith.constant 0.1 : f32
  %ss = arith.constant 6.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x{k}xf32>
  %c = tensor.empty(%m) : tensor<?x{half}xi8>
  %s = tensor.empty(%m) : tensor<?x{cols}xf8E4M3FN>
  %y0 = tensor.empty(%m) : tensor<?x{n}xf32>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<?x{k}xf32>)
      global_scale(%gs : f32) scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x{half}xi8>, tensor<?x{cols}xf8E4M3FN>)
      -> tensor<?x{half}xi8>, tensor<?x{cols}xf8E4M3FN>
  %y = fp4q.scaled_matmul
      ins(%q#0, %q#1, %w, %ws : tensor<?x{half}xi8>, tensor<?x{cols}xf8E4M3FN>,
          tensor<{n}x{half}xi8>, tensor<{n}x{cols}xf8E4M3FN>)
      alpha(%gs : f32) bias(%bias : tensor<{n}xf32>)
      outs(%y0 : tensor<?x{n}xf32>) -> tensor<?x{n}xf32>
  return %q#0, %y : tensor<?x{half}xi8>, tensor<?x{n}xf32>
}}
"""


@pytest.mark.parametrize(
    "rows, columns, k",
    [(1, 129, 512), (257, 127, 272), (255, 256, 256), (64, 17, 2080)],
)
def test_threads_do_not_change_bits(run_module, monkeypatch, rows, columns, k):
    text = MODULE.format(n=columns, k=k, half=k // 2, cols=k // 16)
    rng = np.random.default_rng(rows)
    inputs = [
        rng.standard_normal((rows, k)).astype(np.float32),
        rng.integers(0, 256, (columns, k // 2)).astype(np.uint8),
        rng.integers(40, 70, (columns, k // 16)).astype(np.uint8),
        rng.standard_normal(columns).astype(np.float32),
    ]
    results = []
    for threads in (1, 2, 3, 7):
        monkeypatch.setenv("FP4Q_NUM_THREADS", str(threads))
        results.append(run_module(text, "linear", inputs, 2))
    for codes, product in results[1:]:
        np.testing.assert_array_equal(codes, results[0][0])
        np.testing.assert_array_equal(
            product.view(np.uint32), results[0][1].view(np.uint32)
        )
    # Each row by itself gives the same bits as well: its place in the tiles
    # does not matter.
    last = [inputs[0][-1:], *inputs[1:]]
    product = run_module(text, "linear", last, 2)[1]
    np.testing.assert_array_equal(
        product.view(np.uint32), results[0][1][-1:].view(np.uint32)
    )
