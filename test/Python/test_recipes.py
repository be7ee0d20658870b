# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every preset of lib/Numerics against test/oracle/recipes.py, in short; the
long run is test/oracle/check_recipes.py. Also: that the comparison can fail, and
what the libraries are known to do with zeros."""

import dataclasses
import os
import pathlib

import check_recipes
import fp4q_oracle as oracle
import numpy as np
import pytest
import recipes
from recipe_inputs import adversarial

BUILD_DIR = pathlib.Path(
    os.environ.get("FP4Q_BUILD_DIR")
    or pathlib.Path(__file__).parents[2] / "build"
)
PROGRAM = BUILD_DIR / "bin" / "fp4q-recipe-check"
GROUPS = 20000
F32 = np.float32


def row_of(preset, kind=None):
    (row,) = [
        row
        for row in recipes.ROWS
        if row.preset == preset and kind in (None, row.kind)
    ]
    return row


@pytest.mark.parametrize("type_name", ["f32", "bf16", "f16"])
@pytest.mark.parametrize(
    "row", recipes.ROWS, ids=lambda row: f"{row.preset}-{row.kind}"
)
def test_preset_matches_its_library(row, type_name):
    result = check_recipes.compare(PROGRAM, row, type_name, GROUPS)
    assert result.groups >= GROUPS
    assert result.bad_groups == 0, result.first


@pytest.mark.parametrize(
    "preset, change, type_name",
    [
        ("torchao-mx-floor", {"exponent": ">1"}, "bf16"),
        ("torchao-mx-even", {"exponent": "1.5"}, "f32"),
        ("torchao-mx-ceil", {"offset": 0}, "f32"),
        ("torchao-mx-rceil", {"bits": True}, "f32"),
        ("torchao-nv1", {"s_least": 2**-9}, "bf16"),
        ("torchao-nv2", {"t": "x q g * /"}, "f32"),
        ("ct-nv", {"s": "a 6 / g *"}, "bf16"),
        ("ct-nv", {"q_zero": 0.0}, "f32"),
        ("ct-mx", {"t": "x q /"}, "bf16"),
        ("ct-mx", {"sign": "bit"}, "f32"),
        ("modelopt-nv", {"s_zero": 0.0}, "bf16"),
        ("gptoss-mx", {"bits": False}, "f32"),
        ("te-nv", {"s": "g a 1 6 / * *"}, "f32"),
        ("te-nv", {"t": "x 1 q 1 g / * / *"}, "bf16"),
        ("flashinfer-nv", {"byte_0_is_zero": False}, "bf16"),
    ],
)
def test_a_changed_parameter_is_noticed(preset, change, type_name):
    row = row_of(preset)
    changed = dataclasses.replace(row, **change)
    rng = np.random.default_rng(1)
    different = 0
    for g in np.array(row.globals, F32):
        count = GROUPS // len(row.globals)
        x = adversarial(rng, count, row, g, type_name)
        codes, scales = recipes.quantize(x, changed, g, type_name)
        theirs = check_recipes.numerics(PROGRAM, x, row, g, type_name)
        different += int((scales != theirs[1]).sum())
        different += int((codes != theirs[0]).sum())
    assert different > 0


# Scale byte and code of a group of +0 and of a group of -0, seen in the
# libraries themselves.
ZEROS = {
    ("torchao-mx-floor", "e8m0"): ((0, 0), (0, 8)),
    ("torchao-mx-ceil", "e8m0"): ((0, 0), (0, 8)),
    ("torchao-mx-even", "e8m0"): ((0, 0), (0, 8)),
    ("torchao-mx-rceil", "e8m0"): ((0, 0), (0, 8)),
    ("torchao-nv1", "e4m3"): ((8, 0), (8, 8)),
    ("torchao-nv2", "e4m3"): ((8, 0), (8, 8)),
    ("ct-nv", "e4m3"): ((0x20, 0), (0x20, 0)),
    ("ct-mx", "e8m0"): ((0, 0), (0, 0)),
    ("modelopt-nv", "e4m3"): ((0x38, 0), (0x38, 0)),
    ("gptoss-mx", "e8m0"): ((0, 0), (0, 8)),
    ("te-nv", "e4m3"): ((0, 0), (0, 0)),
    ("flashinfer-nv", "e4m3"): ((0, 0), (0, 0)),
    ("law", "e8m0"): ((0, 0), (0, 8)),
    ("law", "e4m3"): ((0, 7), (0, 7)),
}


@pytest.mark.parametrize("key", ZEROS, ids="-".join)
def test_zero_groups(key):
    row = row_of(*key)
    zeros = np.zeros((2, row.group), F32)
    zeros[1] = -0.0
    codes, scales = check_recipes.numerics(PROGRAM, zeros, row, 1.0, "f32")
    for i, (scale, code) in enumerate(ZEROS[key]):
        assert scales[i] == scale
        assert (codes[i] == code).all()


@pytest.mark.parametrize("kind", ["e8m0", "e4m3"])
def test_the_two_oracles_agree_on_the_law(kind):
    row = row_of("law", kind)
    for g in np.array(row.globals, F32):
        rng = np.random.default_rng(2)
        x = adversarial(rng, 1000, row, g, "f32")
        codes, scales = recipes.quantize(x, row, g, "f32")
        packed, bytes_ = oracle.quantize(
            x, row.group, kind, g, row.scale_scale
        )
        assert (oracle.unpack(packed) == codes).all()
        assert (bytes_[:, 0] == scales).all()


def test_inputs_are_adversarial():
    row = row_of("law", "e4m3")
    x = adversarial(np.random.default_rng(3), GROUPS, row, F32(0.1), "f32")
    with np.errstate(all="ignore"):
        amax = np.abs(x).max(axis=1)
        scales = recipes.encode_scales(amax, row, F32(0.1), "f32")
        d = recipes.scale_values(scales, row) * F32(0.1)
        t = np.abs(x / d[:, None])
    for tie in (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0):
        tie = F32(tie)
        for near in (
            np.nextafter(tie, F32(0)),
            tie,
            np.nextafter(tie, F32(9)),
        ):
            assert (t == near).sum() > 100, near
    assert set(scales) == set(range(128))
    finite = np.isfinite(x)
    assert (~finite).any()
    assert np.abs(x[finite]).max() == recipes.FLT_MAX
    assert ((x != 0) & (np.abs(x) < 2.0**-126)).sum() > 1000
    assert (np.signbit(x) & (x == 0)).any()


@pytest.mark.parametrize("type_name", ["bf16", "f16"])
def test_rounding_to_the_input_type(type_name):
    dtype = oracle.BF16 if type_name == "bf16" else oracle.F16
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 2**32, 200000, dtype=np.uint32)
    # Half of them on and beside the middle between two neighbors.
    middle = 15 if type_name == "bf16" else 12
    bits[::2] = (bits[::2] >> middle << middle) + rng.integers(-1, 2, 100000)
    values = bits.view(F32)
    values = values[~np.isnan(values)]
    with np.errstate(over="ignore"):
        expected = values.astype(dtype).astype(F32)
    actual = recipes.round_to(values, type_name)
    assert (actual.view(np.uint32) == expected.view(np.uint32)).all()
