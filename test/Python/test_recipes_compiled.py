# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every preset as compiled code against test/oracle/recipes.py, in short.

With FP4Q_RECIPE_GROUPS=1114112 in the environment it is the full run.
"""

import os

import ml_dtypes
import numpy as np
import pytest
import recipes
from recipe_inputs import adversarial

GROUPS = int(os.environ.get("FP4Q_RECIPE_GROUPS", "14000"))
MODULE = """
func.func @quantize(%x: tensor<?x{k}x{type}>{parameters})
    -> (tensor<?x{half}xi8>, tensor<?x1x{scale}>) {{
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x{k}x{type}>
  %c = tensor.empty(%m) : tensor<?x{half}xi8>
  %s = tensor.empty(%m) : tensor<?x1x{scale}>
  %codes, %scales = fp4q.quantize_pack ins(%x : tensor<?x{k}x{type}>)
      {operands}
      outs(%c, %s : tensor<?x{half}xi8>, tensor<?x1x{scale}>)
      {{recipe = #fp4q.recipe<"{preset}">}}
      -> tensor<?x{half}xi8>, tensor<?x1x{scale}>
  return %codes, %scales : tensor<?x{half}xi8>, tensor<?x1x{scale}>
}}
"""


def module_of(row, type_name):
    names = []
    if len(row.globals) > 1:
        names.append("global_scale")
    if row.scale_scale != 1.0:
        names.append("scale_scale")
    return names, MODULE.format(
        k=row.group,
        half=row.group // 2,
        type=type_name,
        scale="f8E8M0FNU" if row.kind == "e8m0" else "f8E4M3FN",
        preset=row.preset,
        parameters="".join(f", %{name}: f32" for name in names),
        operands=" ".join(f"{name}(%{name} : f32)" for name in names),
    )


def encode(x, type_name):
    if type_name == "bf16":
        return x.astype(ml_dtypes.bfloat16).view(np.uint16)
    return x.astype(np.float16 if type_name == "f16" else np.float32)


@pytest.mark.parametrize("type_name", ["f32", "bf16", "f16"])
@pytest.mark.parametrize(
    "row", recipes.ROWS, ids=lambda row: f"{row.preset}-{row.kind}"
)
def test_compiled_preset_matches_its_library(run_module, row, type_name):
    names, text = module_of(row, type_name)
    # Few global scales a run, since each is a call of its own; over the types
    # and presets all of them come up.
    rng = np.random.default_rng([5, recipes.ROWS.index(row)])
    count = len(row.globals) if GROUPS > 100000 else 2
    chosen = rng.permutation(np.array(row.globals, np.float32))[:count]
    for g in chosen:
        x = adversarial(rng, GROUPS // len(chosen), row, g, type_name)
        codes, scales = recipes.quantize(x, row, g, type_name)
        values = {"global_scale": g, "scale_scale": row.scale_scale}
        inputs = [encode(x, type_name)]
        inputs += [np.float32(values[name]) for name in names]
        packed, actual = run_module(text, "quantize", inputs, 2)
        unpacked = np.stack([packed & 15, packed >> 4], axis=-1)
        wrong = (actual[:, 0] != scales) | (
            unpacked.reshape(x.shape) != codes
        ).any(axis=1)
        assert not wrong.any(), f"{wrong.sum()} groups, first {x[wrong][0]}"
