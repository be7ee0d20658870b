# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The presets against the libraries that they are named after.

Needs the libraries of requirements-libraries.txt in the versions named there;
the tests of a library that is missing are skipped. docs/developing.md has the
commands. FP4Q_RECIPE_GROUPS sets the groups a preset and type.
"""

import dataclasses
import importlib.metadata
import os
import pathlib
import re

import numpy as np
import pytest
import recipes
from libraries import adapters
from recipe_inputs import adversarial
from test_recipes_compiled import encode, module_of

GROUPS = int(os.environ.get("FP4Q_RECIPE_GROUPS", "14000"))
CHUNK = 1 << 16
TYPES = ["f32", "bf16"]
REQUIREMENTS = pathlib.Path(__file__).parents[2] / "requirements-libraries.txt"
PINNED = dict(re.findall(r"^([\w.-]+)==(\S+)", REQUIREMENTS.read_text(), re.M))


@pytest.fixture(params=adapters.LIBRARIES, ids=lambda library: library.preset)
def library(request):
    package = request.param.package
    wanted = f"{package} {PINNED[package]}"
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{wanted} is not installed")
    if found.partition("+")[0] != PINNED[package]:
        pytest.skip(f"{wanted} is wanted, {found} is installed")
    return request.param


def row_of(library):
    (row,) = [row for row in recipes.ROWS if row.preset == library.preset]
    return row


def comparable_groups(rng, count, library, g, type_name):
    x = adversarial(rng, count, row_of(library), g, type_name)
    x = x[np.isfinite(x).all(axis=1)]
    return x[library.compared(np.abs(x).max(axis=1))]


def differing(library, ours, theirs):
    """Which groups differ, where the library and the preset are the same."""
    codes, scales = ours
    wrong_codes = (codes != theirs[0]).any(axis=1)
    wrong_codes &= library.codes_compared(scales)
    return wrong_codes | (scales != theirs[1])


def show_first(x, g, ours, theirs, wrong):
    """The first of the groups that differ, as a message."""
    i = int(np.argmax(wrong))
    return (
        f"{wrong.sum()} of {len(x)} groups differ; the first, with g = "
        f"{float(g)!r}, is {[float(v).hex() for v in x[i]]}: fp4q scale "
        f"{ours[1][i]} codes {ours[0][i].tolist()}, library scale "
        f"{theirs[1][i]} codes {theirs[0][i].tolist()}"
    )


@pytest.mark.parametrize("type_name", TYPES)
def test_preset_is_what_the_library_does(library, type_name):
    row = row_of(library)
    rng = np.random.default_rng([6, recipes.ROWS.index(row)])
    total = 0
    per_global = -(-GROUPS // len(row.globals))
    for g in np.array(row.globals, np.float32):
        for begin in range(0, per_global, CHUNK):
            count = min(CHUNK, per_global - begin)
            x = comparable_groups(rng, count, library, g, type_name)
            ours = recipes.quantize(x, row, g, type_name)
            theirs = adapters.quantize(library, x, g, type_name)
            wrong = differing(library, ours, theirs)
            assert not wrong.any(), show_first(x, g, ours, theirs, wrong)
            total += len(x)
    print(f"{row.preset} {type_name}: {total} groups, 0 differ")
    assert total >= 0.9 * GROUPS


@pytest.mark.parametrize("type_name", TYPES)
def test_compiled_preset_is_what_the_library_does(
    library, run_module, type_name
):
    row = row_of(library)
    rng = np.random.default_rng([7, recipes.ROWS.index(row)])
    names, text = module_of(row, type_name)
    for g in rng.permutation(np.array(row.globals, np.float32))[:2]:
        x = comparable_groups(rng, 4096, library, g, type_name)
        given = {"global_scale": g, "scale_scale": row.scale_scale}
        numbers = [np.float32(given[name]) for name in names]
        packed, scales = run_module(
            text, "quantize", [encode(x, type_name), *numbers], 2
        )
        codes = np.stack([packed & 15, packed >> 4], axis=-1)
        ours = codes.reshape(x.shape), scales[:, 0]
        theirs = adapters.quantize(library, x, g, type_name)
        wrong = differing(library, ours, theirs)
        assert not wrong.any(), show_first(x, g, ours, theirs, wrong)


def test_a_changed_parameter_is_noticed(library):
    row = row_of(library)
    change = {"s_least": 2.0**-5}
    if row.kind == "e8m0":
        change = {"exponent": ">1" if row.exponent == "never" else "never"}
    rng = np.random.default_rng([8, recipes.ROWS.index(row)])
    g = np.float32(row.globals[-1])
    x = comparable_groups(rng, 4096, library, g, "f32")
    changed = dataclasses.replace(row, **change)
    ours = recipes.quantize(x, changed, g, "f32")
    theirs = adapters.quantize(library, x, g, "f32")
    assert differing(library, ours, theirs).any()


def test_each_preset_has_a_library_or_a_reason():
    compared = {library.preset for library in adapters.LIBRARIES}
    presets = {row.preset for row in recipes.ROWS}
    assert compared | set(adapters.NOT_COMPARED) == presets
    assert not compared & set(adapters.NOT_COMPARED)
