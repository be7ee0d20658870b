# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes modules with large constants into the current directory; with --check,
compares what their functions returned with what was written."""

import sys

import numpy

random = numpy.random.default_rng(0)
DENSE = random.integers(0, 256, (256, 256), numpy.uint8)
RESOURCE = random.standard_normal((96, 64)).astype(numpy.float32)
SMALL = random.standard_normal((8, 8)).astype(numpy.float32)
SPLAT = numpy.full((128, 64), 0x4049, numpy.uint16)  # bf16

MODULE = """
func.func @dense() -> tensor<256x256xi8> {{
  %w = arith.constant dense<"0x{dense}"> : tensor<256x256xi8>
  return %w : tensor<256x256xi8>
}}
func.func @resource() -> tensor<96x64xf32> {{
  %w = arith.constant dense_resource<resource> : tensor<96x64xf32>
  return %w : tensor<96x64xf32>
}}
func.func @splat() -> tensor<128x64xbf16> {{
  %w = arith.constant dense<3.140625> : tensor<128x64xbf16>
  return %w : tensor<128x64xbf16>
}}
func.func @small() -> tensor<8x8xf32> {{
  %w = arith.constant dense<"0x{small}"> : tensor<8x8xf32>
  return %w : tensor<8x8xf32>
}}
{{-# dialect_resources: {{ builtin: {{
  resource: "0x04000000{resource}"
}} }} #-}}
"""

WRONG_SIZE = """
func.func @f() -> tensor<64x64xi8> {{
  %w = arith.constant dense_resource<resource> : tensor<64x64xi8>
  return %w : tensor<64x64xi8>
}}
{{-# dialect_resources: {{ builtin: {{
  resource: "0x04000000{resource}"
}} }} #-}}
"""


def write():
    with open("constants.mlir", "w") as file:
        file.write(
            MODULE.format(
                dense=DENSE.tobytes().hex(),
                resource=RESOURCE.tobytes().hex(),
                small=SMALL.tobytes().hex(),
            )
        )
    with open("wrong-size.mlir", "w") as file:
        file.write(WRONG_SIZE.format(resource="00" * 4095))


def check():
    for name, expected in (
        ("dense", DENSE),
        ("resource", RESOURCE),
        ("splat", SPLAT),
        ("small", SMALL),
    ):
        numpy.testing.assert_array_equal(
            numpy.load(f"{name}.npy"), expected, name
        )


check() if sys.argv[1:] == ["--check"] else write()
