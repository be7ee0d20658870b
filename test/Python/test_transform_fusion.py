# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A transform that is fused into the quantization gives the bits of the two
operations one after the other, as compiled code."""

import numpy as np
import pytest

# The second result of @apart keeps canonicalization from fusing.
MODULE = """
func.func @apart(%x: tensor<?x{k}xbf16>, %t: tensor<{t}xbf16>)
    -> (tensor<?x{half}xi8>, tensor<?x{cols}x{scale}>, tensor<?x{k}xf32>) {{
  {body}
  return %r#0, %r#1, %y : tensor<?x{half}xi8>, tensor<?x{cols}x{scale}>,
      tensor<?x{k}xf32>
}}
func.func @fused(%x: tensor<?x{k}xbf16>, %t: tensor<{t}xbf16>)
    -> (tensor<?x{half}xi8>, tensor<?x{cols}x{scale}>) {{
  {body}
  return %r#0, %r#1 : tensor<?x{half}xi8>, tensor<?x{cols}x{scale}>
}}
"""
BODY = """
  %c0 = arith.constant 0 : index
  %gs = arith.constant 0.1 : f32
  %ss = arith.constant 6.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x{k}xbf16>
  %y0 = tensor.empty(%m) : tensor<?x{k}xf32>
  %c = tensor.empty(%m) : tensor<?x{half}xi8>
  %s = tensor.empty(%m) : tensor<?x{cols}x{scale}>
  %y = fp4q.block_transform
      ins(%x, %t : tensor<?x{k}xbf16>, tensor<{t}xbf16>)
      outs(%y0 : tensor<?x{k}xf32>) -> tensor<?x{k}xf32>
  %r:2 = fp4q.quantize_pack ins(%y : tensor<?x{k}xf32>)
      global_scale(%gs : f32) scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x{half}xi8>, tensor<?x{cols}x{scale}>)
      -> tensor<?x{half}xi8>, tensor<?x{cols}x{scale}>
"""


@pytest.mark.parametrize("scale, group", [("f8E8M0FNU", 32), ("f8E4M3FN", 16)])
@pytest.mark.parametrize("block", [8, 32, 128])
@pytest.mark.parametrize("shared", [False, True])
def test_fused_equals_apart(run_module, scale, group, block, shared):
    k, rows = 384, 19
    sizes = {
        "k": k,
        "half": k // 2,
        "cols": k // group,
        "scale": scale,
        "t": f"{block}x{block}" if shared else f"{k // block}x{block}x{block}",
    }
    text = MODULE.format(body=BODY.format(**sizes), **sizes)
    rng = np.random.default_rng(block)
    shape = (block, block) if shared else (k // block, block, block)

    def bf16(values):
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)

    inputs = [
        bf16(rng.standard_normal((rows, k))),
        bf16(rng.standard_normal(shape) / np.sqrt(block)),
    ]
    apart = run_module(text, "apart", inputs, 3)
    fused = run_module(text, "fused", inputs, 2)
    np.testing.assert_array_equal(fused[1], apart[1])
    np.testing.assert_array_equal(fused[0], apart[0])
    assert len(np.unique(fused[0])) > 100
