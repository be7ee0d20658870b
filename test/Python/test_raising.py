# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Front ends' dequantizations, raised and run, give the bits of the law.

The functions are those of the lit test, so what is checked there for its form
is checked here for its results. The one that the reference path can also lower
as it is written is run in that form, too.
"""

import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_run
import numpy as np
import pytest
from fp4q_cases import assert_same_bits

from conftest import REPOSITORY

LIT = REPOSITORY / "test/Dialect/FP4Q/Transforms/fp4q-raise-dequant.mlir"

# f4E2M1FN elements cannot be passed; here they come in a byte each.
UNPACKED = """
func.func @unpacked(%x: tensor<?x64xi8>, %s: tensor<?x2xf8E8M0FNU>)
    -> tensor<?x64xbf16> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x64xi8>
  %e = tensor.empty(%m) : tensor<?x64xf4E2M1FN>
  %f4 = linalg.generic
      {indexing_maps = [affine_map<(m, k) -> (m, k)>,
                        affine_map<(m, k) -> (m, k)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x64xi8>) outs(%e : tensor<?x64xf4E2M1FN>) {
    ^bb0(%byte: i8, %out: f4E2M1FN):
      %i4 = arith.trunci %byte : i8 to i4
      %0 = arith.bitcast %i4 : i4 to f4E2M1FN
      linalg.yield %0 : f4E2M1FN
  } -> tensor<?x64xf4E2M1FN>
  %y = func.call @scaling_extf(%f4, %s)
      : (tensor<?x64xf4E2M1FN>, tensor<?x2xf8E8M0FNU>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
"""


def function(name):
    """The text of one function of the lit test."""
    for section in LIT.read_text().split("// -----"):
        if f"func.func @{name}(" in section:
            return section[section.index("func.func") :]
    raise AssertionError(f"{LIT} has no function {name}")


def all_groups(group, groups):
    """Codes (rows, K/2) and scale bytes (rows, groups): every code with every
    scale byte."""
    rng = np.random.default_rng(1)
    rows = 256
    codes = data.codes(rng, (rows, groups * group // 2))
    codes[:, :8] = np.arange(0, 256, 17, dtype=np.uint8)[:16].reshape(2, 8)[0]
    codes[:, -8:] = np.arange(0, 256, 17, dtype=np.uint8)[8:]
    scales = np.stack(
        [np.roll(np.arange(256), i) for i in range(groups)], axis=1
    )
    return codes, scales.astype(np.uint8)


def unpack(codes):
    pairs = np.stack([codes & 15, codes >> 4], axis=-1)
    return pairs.reshape(*codes.shape[:-1], -1)


def test_scaling_extf(run_module):
    codes, scales = all_groups(32, 2)
    actual = run_module(
        function("scaling_extf").replace("func.func", "func.func private", 1)
        + UNPACKED,
        "unpacked",
        [unpack(codes), scales],
        1,
    )
    expected = oracle.dequant(
        codes, scales, "e8m0", 1.0, False, data.DTYPES["bf16"]
    )
    assert_same_bits(actual[0], expected, "scaling_extf")


@pytest.mark.parametrize("number", [1.0, 0.1, 3e30])
def test_onnx_blocked(run_module, number):
    text = function("onnx_blocked")
    codes, scales = all_groups(16, 4)
    g = np.array([number], np.float32)
    # 6 rows a call, 256 rows in all: more rows make no other code.
    text = text.replace("<6x", "<256x")
    actual = run_module(
        text, "onnx_blocked", [codes.reshape(256, 4, 8), scales, g], 1
    )
    expected = oracle.dequant(
        codes, scales, "e4m3", g[0], False, np.dtype(np.float32)
    )
    assert_same_bits(actual[0], expected, "onnx_blocked")


@pytest.mark.parametrize("number", [1.0, 10.0, 1e-30])
def test_torch_stack(run_module, number):
    codes, scales = all_groups(16, 4)
    g = np.array(number, np.float32)
    actual = run_module(
        function("torch_stack"), "torch_stack", [codes, scales, g], 1
    )
    expected = oracle.dequant(
        codes, scales, "e4m3", g[()], True, data.DTYPES["bf16"]
    )
    assert_same_bits(actual[0], expected, "torch_stack")


def test_torch_strided_before_and_after(build_dir, tmp_path):
    text = function("torch_strided").replace("<10x", "<256x")
    text = text.replace("[10, 16]", "[256, 16]")
    codes, scales = all_groups(32, 1)
    module = tmp_path / "module.mlir"
    module.write_text(text)
    expected = oracle.dequant(
        codes, scales, "e8m0", 1.0, False, data.DTYPES["bf16"]
    )
    for optimize in (False, True):
        actual = fp4q_run.run(
            build_dir,
            module,
            "torch_strided",
            [codes, scales[:, 0]],
            1,
            tmp_path,
            optimize=optimize,
        )
        if not optimize:
            # LLVM rounds f32 to bf16 by vcvtneps2bf16 where there is one, which
            # flushes what is subnormal.
            bits = expected.view(np.uint16) & 0x7FFF
            subnormal = (bits > 0) & (bits < 0x80)
            assert subnormal.sum() < 33
            actual[0][subnormal] = expected.view(np.uint16)[subnormal]
        assert_same_bits(actual[0], expected, f"{optimize=}")
