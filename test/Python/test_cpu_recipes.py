# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantization by every preset and dequantization, by the vector kernels of
every CPU level that runs here, against test/oracle: bit for bit.

The groups of recipe_inputs.py; and for 16-bit types, which are finite, pairs: a
code depends on the element and on the amax of its group. In short: one amax in
128, with all elements that are not larger, at three levels. With
FP4Q_RECIPE_GROUPS=1114112 in the environment it is the full run: all pairs, all
levels, all global scales.
"""

import dataclasses
import itertools
import os

import fp4q_artifacts as artifacts
import fp4q_data as data
import fp4q_oracle as oracle
import numpy as np
import pytest
import recipes
from fp4q_cases import assert_same_bits
from fp4q_modules import SCALE_TYPES
from recipe_inputs import adversarial

GROUPS = int(os.environ.get("FP4Q_RECIPE_GROUPS", "9600"))
FULL = GROUPS > 100000
STEP = 1 if FULL else 128
# Two blocks of 16 groups, and three groups: no block at all.
WIDTHS = (32, 3)
DIRECTIONS = ("multiply", "divide")

QUANTIZE = """
func.func @quantize_{width}(%x: tensor<?x{k}x{type}>{parameters})
    -> (tensor<?x{half}xi8>, tensor<?x{width}x{scale}>) {{
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x{k}x{type}>
  %c = tensor.empty(%m) : tensor<?x{half}xi8>
  %s = tensor.empty(%m) : tensor<?x{width}x{scale}>
  {constants}
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x{k}x{type}>)
      {operands}
      outs(%c, %s : tensor<?x{half}xi8>, tensor<?x{width}x{scale}>)
      {{recipe = #fp4q.recipe<"{preset}">}}
      -> tensor<?x{half}xi8>, tensor<?x{width}x{scale}>
  return %codes, %scales : tensor<?x{half}xi8>, tensor<?x{width}x{scale}>
}}
"""

DEQUANT = """
func.func @dequant_{type}_{direction}(
    %c: tensor<?x{half}xi8>, %s: tensor<?x{width}x{scale}>, %g: f32)
    -> tensor<?x{k}x{type}> {{
  %c0 = arith.constant 0 : index
  %m = tensor.dim %c, %c0 : tensor<?x{half}xi8>
  %e = tensor.empty(%m) : tensor<?x{k}x{type}>
  %x = fp4q.dequant ins(%c, %s : tensor<?x{half}xi8>, tensor<?x{width}x{scale}>)
      global_scale(%g : f32) outs(%e : tensor<?x{k}x{type}>)
      {{direction = #fp4q.direction<{direction}>}} -> tensor<?x{k}x{type}>
  return %x : tensor<?x{k}x{type}>
}}
"""


def has_global(row):
    return len(row.globals) > 1


def quantize_text(row, type_name, width):
    """One function. The global scale is an argument; where that is always 1 the
    function has none, and constants, which bf16 has a kernel of its own for."""
    k = row.group * width
    operands, constants = [], []
    if has_global(row):
        operands.append("global_scale(%g : f32)")
    if row.scale_scale != 1.0:
        operands.append("scale_scale(%ss : f32)")
        constants.append(f"%ss = arith.constant {row.scale_scale:f} : f32")
    return QUANTIZE.format(
        width=width, k=k, half=k // 2, type=type_name,
        scale=SCALE_TYPES[row.kind], preset=row.preset,
        parameters=", %g: f32" if has_global(row) else "",
        operands=" ".join(operands), constants="\n  ".join(constants),
    )  # fmt: skip


CONSTANT_GLOBAL = """
func.func @constant_global_32(%x: tensor<?x1024xbf16>)
    -> (tensor<?x512xi8>, tensor<?x32xf8E8M0FNU>) {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x1024xbf16>
  %c = tensor.empty(%m) : tensor<?x512xi8>
  %s = tensor.empty(%m) : tensor<?x32xf8E8M0FNU>
  %g = arith.constant 0x3EAAAAAB : f32
  %ss = arith.constant 4.0 : f32
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x1024xbf16>)
      global_scale(%g : f32) scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x512xi8>, tensor<?x32xf8E8M0FNU>)
      -> tensor<?x512xi8>, tensor<?x32xf8E8M0FNU>
  return %codes, %scales : tensor<?x512xi8>, tensor<?x32xf8E8M0FNU>
}
"""


def levels_of_test(number):
    """All levels in a full run, else three of them in turn."""
    if FULL:
        return artifacts.LEVELS
    return [artifacts.LEVELS[(number + 2 * i) % 7] for i in range(3)]


def build(build_dir, directory, text, levels):
    """level -> the functions of a module."""
    artifacts.runtime(build_dir)
    path = directory / "kernels.so"
    artifacts.compile_text(build_dir, text, path, levels)
    return artifacts.load_levels(build_dir, path, levels)


class Quantizer:
    """Functions of one preset and type at every level."""

    def __init__(self, levels, row, type_name, name, widths):
        self.levels, self.row, self.type_name = levels, row, type_name
        self.name, self.widths = name, widths
        self.takes_global = has_global(row) and name == "quantize"

    def compare(self, x, g, codes, scales, widths=None):
        """Bits of x and the packed codes and scales that are due, a group a
        row; of groups that do not fill a row, the last is repeated."""
        for width in widths or self.widths:
            left = -len(x) % width
            rows = [
                np.concatenate([a, a[-1:].repeat(left, axis=0)]).reshape(
                    -1, width * a.shape[1]
                )
                for a in (x, codes, scales[:, None])
            ]
            for level, code in self.levels.items():
                results = [
                    artifacts.result_like(a.shape, np.uint8) for a in rows[1:]
                ]
                more = [np.float32(g)] if self.takes_global else []
                values = rows[0].view(data.DTYPES[self.type_name])
                code(f"{self.name}_{width}", values, *more, *results)
                where = f"{self.row.preset} {self.type_name} {level} {width}"
                for what, actual, wanted in zip(
                    ("codes", "scales"), results, rows[1:]
                ):
                    different = np.flatnonzero((actual != wanted).any(axis=1))
                    assert not different.size, (
                        f"{where}, g = {g}: {what} of {different.size} rows, "
                        f"first of bits {rows[0][different[0]]}"
                    )


def bits_of(x, type_name):
    return x.astype(data.DTYPES[type_name]).view(
        np.uint32 if type_name == "f32" else np.uint16
    )


def chosen_globals(row, rng):
    """All of the preset's global scales, or two of them."""
    if FULL:
        return np.array(row.globals, np.float32)
    return rng.permutation(np.array(row.globals, np.float32))[:2]


def compare_adversarial(quantizer, rng):
    """As the groups come, kind by kind, and shuffled, so that all kinds share a
    block."""
    row, type_name = quantizer.row, quantizer.type_name
    chosen = chosen_globals(row, rng)
    for g in chosen:
        left = GROUPS // len(chosen)
        while left > 0:
            count = min(left, 1 << 16)
            left -= count
            x = adversarial(rng, count, row, g, type_name)
            codes, scales = recipes.quantize(x, row, g, type_name)
            arrays = [bits_of(x, type_name), oracle.pack(codes), scales]
            quantizer.compare(arrays[0], g, *arrays[1:])
            order = rng.permutation(count)
            arrays = [a[order] for a in arrays]
            quantizer.compare(arrays[0], g, *arrays[1:])


class Pairs:
    """Every amax of a 16-bit type, with every element that is not larger."""

    def __init__(self, row, type_name, g):
        self.row, self.group, self.g = row, row.group, g
        every = np.arange(32768, dtype=np.uint16)
        values = every.view(data.DTYPES[type_name]).astype(np.float32)
        self.count = int(np.isfinite(values).sum()) + 2  # Inf and one NaN.
        values = values[: self.count]
        _, self.scales = recipes.quantize(values[:, None], row, g, type_name)
        # Codes of +x and -x in a group with that scale byte. By the oracle's
        # formulas nothing else matters, and the group with the largest amax of
        # the byte has every x that any other has.
        self.codes = {}
        for byte in np.unique(self.scales):
            last = int(np.flatnonzero(self.scales == byte)[-1])
            amax = np.full(last + 1, values[last])
            both = []
            for sign in (1, -1):
                x = np.copysign(values[: last + 1], sign)
                x = np.stack([x, amax], axis=1)
                codes, scales = recipes.quantize(x, row, g, type_name)
                assert (scales == byte).all()
                both.append(codes[:, 0])
            self.codes[int(byte)] = both

    def groups(self, amax, rng):
        """Bits and codes of the groups of one amax, each with a random sign;
        the amax is in a random place."""
        x = np.arange(amax + 1, dtype=np.uint16)
        left = np.full(-len(x) % (self.group - 1), amax, np.uint16)
        x = np.concatenate([x, left]).reshape(-1, self.group - 1)
        place = rng.integers(0, self.group)
        x = np.insert(x, place, amax, axis=1)
        signs = rng.integers(0, 2, x.shape, np.uint16)
        positive, negative = self.codes[int(self.scales[amax])]
        codes = np.where(signs, negative[x], positive[x])
        scales = np.full(len(x), self.scales[amax])
        return x | (signs << 15), oracle.pack(codes.astype(np.uint8)), scales


def compare_pairs(quantizer, pairs, rng, step=STEP):
    waiting, count, widths = [], 0, itertools.cycle(quantizer.widths)
    # Not always the same mantissas, and always the largest ones.
    first = range(int(rng.integers(step)), pairs.count - 3, step)
    for amax in [*first, *range(pairs.count - 3, pairs.count)]:
        waiting.append(pairs.groups(amax, rng))
        count += len(waiting[-1][0])
        if count > 1 << 17 or amax == pairs.count - 1:
            x, codes, scales = map(np.concatenate, zip(*waiting))
            quantizer.compare(x, pairs.g, codes, scales, [next(widths)])
            waiting, count = [], 0


@pytest.mark.parametrize("type_name", data.DTYPES)
@pytest.mark.parametrize(
    "row", recipes.ROWS, ids=lambda row: f"{row.preset}-{row.kind}"
)
def test_preset(build_dir, tmp_path, row, type_name):
    number = recipes.ROWS.index(row)
    text = "".join(quantize_text(row, type_name, width) for width in WIDTHS)
    seed = 3 * number + list(data.DTYPES).index(type_name)
    levels = build(build_dir, tmp_path, text, levels_of_test(seed))
    quantizer = Quantizer(levels, row, type_name, "quantize", WIDTHS)
    rng = np.random.default_rng([9, number])
    compare_adversarial(quantizer, rng)
    if type_name != "f32":
        g = np.float32(0.0123 if has_global(row) else 1.0)
        compare_pairs(quantizer, Pairs(row, type_name, g), rng)


def test_bf16_with_a_constant_global_scale(build_dir, tmp_path):
    """The fast path of the law."""
    row = recipes.ROWS[0]
    levels = build(build_dir, tmp_path, CONSTANT_GLOBAL, artifacts.LEVELS)
    quantizer = Quantizer(levels, row, "bf16", "constant_global", (32,))
    g = np.float32(1 / 3)
    rng = np.random.default_rng(12)
    compare_pairs(quantizer, Pairs(row, "bf16", g), rng)


def test_another_recipe_is_noticed(build_dir, tmp_path):
    row = recipes.ROWS[0]
    text = quantize_text(row, "bf16", 32)
    levels = build(build_dir, tmp_path, text, ["cpu:x86-64"])
    changed = dataclasses.replace(row, exponent=">1")
    quantizer = Quantizer(levels, changed, "bf16", "quantize", (32,))
    with pytest.raises(AssertionError, match="law bf16 cpu:x86-64 32, g = "):
        compare_adversarial(quantizer, np.random.default_rng(0))
    pairs = Pairs(changed, "bf16", np.float32(1))
    with pytest.raises(AssertionError, match="(codes|scales) of [0-9]+ rows"):
        compare_pairs(quantizer, pairs, np.random.default_rng(0), step=4096)


@pytest.mark.parametrize("kind, group", [("e8m0", 32), ("e4m3", 16)])
def test_every_code_with_every_scale(build_dir, tmp_path, kind, group):
    """All pairs of codes in a byte, with all bytes of scales."""
    text = "".join(
        DEQUANT.format(
            type=type_name, direction=direction, k=group * 32, half=group * 16,
            width=32, scale=SCALE_TYPES[kind],
        )  # fmt: skip
        for type_name in data.DTYPES
        for direction in DIRECTIONS
    )
    levels = build(build_dir, tmp_path, text, artifacts.LEVELS)
    codes = np.arange(256, dtype=np.uint8).reshape(-1, group // 2)
    scales = np.repeat(np.arange(256, dtype=np.uint8), len(codes))
    codes = np.tile(codes, (256, 1)).reshape(-1, group * 16)
    scales = scales.reshape(-1, 32)
    for type_name, direction, g in itertools.product(
        data.DTYPES, DIRECTIONS, (1.0, 1 / 3, 0.1, 4.0, 2.0**-20, 2.0**100)
    ):
        dtype = data.DTYPES[type_name]
        divides = direction == "divide"
        wanted = oracle.dequant(codes, scales, kind, g, divides, dtype)
        for level, code in levels.items():
            actual = artifacts.result_like(wanted.shape, dtype)
            name = f"dequant_{type_name}_{direction}"
            code(name, codes, scales, np.float32(g), actual)
            assert_same_bits(actual, wanted, f"{name} {level} g = {g}")
