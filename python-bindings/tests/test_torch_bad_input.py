# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Wrong arguments and damaged checkpoints for fp4q.torch."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import fp4q  # noqa: E402
import numpy as np  # noqa: E402
import torch_cases as cases  # noqa: E402
from fp4q.torch import QuantLinear  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

E8M0, E4M3 = torch.float8_e8m0fnu, torch.float8_e4m3fn
CODES = torch.zeros(8, 32, dtype=torch.uint8)
SCALES = torch.zeros(8, 2, dtype=torch.uint8).view(E8M0)
GIVEN = {"e2m1": CODES, "scale_quant": SCALES}

CONSTRUCTOR = [
    (ValueError, "must be given together", {"in_features": 64}),
    (ValueError, "must be given together", {"e2m1": CODES}),
    (ValueError, "not negative", {"in_features": 64, "out_features": -1}),
    (ValueError, "multiple of group_size", {"in_features": 33, "out_features": 4}),
    (ValueError, "group_size must be", {"in_features": 60, "out_features": 4,
                                        "group_size": 20}),
    (ValueError, "scale_dtype must be", {"scale_dtype": torch.float32}),
    (TypeError, "scale_quant must be torch.float8_e4m3fn",
     {**GIVEN, "scale_dtype": E4M3}),
    (TypeError, "e2m1 must be a tensor", {**GIVEN, "e2m1": np.zeros((8, 32))}),
    (TypeError, "e2m1 must be uint8", {**GIVEN, "e2m1": CODES.int()}),
    (TypeError, "e2m1 must be uint8 of rank 2", {**GIVEN, "e2m1": CODES[0]}),
    (TypeError, "scale_quant must be", {**GIVEN, "scale_quant": CODES}),
    (ValueError, "scale_quant must be", {**GIVEN, "scale_quant": SCALES[:4]}),
    (ValueError, "in_features is 32", {**GIVEN, "in_features": 32}),
    (ValueError, "out_features is 9", {**GIVEN, "out_features": 9}),
    (ValueError, "transform must be", {**GIVEN, "transform": torch.eye(24)}),
    (ValueError, "the type of transform", {**GIVEN, "transform": CODES}),
    (TypeError, "transform must be a tensor", {**GIVEN, "transform": 3}),
    (ValueError, "bias must have shape", {**GIVEN, "bias": torch.ones(7)}),
    (TypeError, "bias must be a tensor", {**GIVEN, "bias": [1.0] * 8}),
    (ValueError, "weight_global_scale must be finite",
     {**GIVEN, "weight_global_scale": 0}),
    (ValueError, "activation_global_scale must be a number, None or 'dynamic'",
     {**GIVEN, "activation_global_scale": "often"}),
    (ValueError, "activation_scale_scale must be one number",
     {**GIVEN, "activation_scale_scale": torch.ones(2)}),
    (ValueError, "quant_backend must be one of", {"quant_backend": "tpu"}),
    (TypeError, "matmul_backend must be a string", {"matmul_backend": 1}),
]  # fmt: skip


@pytest.mark.parametrize("error, text, arguments", CONSTRUCTOR)
def test_constructor(error, text, arguments):
    with pytest.raises(error, match=text) as caught:
        QuantLinear(**arguments)
    assert "\n" not in str(caught.value)


def test_forward():
    layer = QuantLinear(**GIVEN)
    for error, text, x in [
        (TypeError, "x must be float32", torch.ones(2, 64).double()),
        (TypeError, "x must be float32", torch.ones(2, 64).int()),
        (ValueError, r"x must have shape \(\.\.\., 64\)", torch.ones(2, 63)),
        (ValueError, "x must have shape", torch.tensor(1.0)),
        (TypeError, "x must be on cpu", torch.ones(2, 64, device="meta")),
    ]:
        with pytest.raises(error, match=text):
            layer(x)


@pytest.mark.parametrize("config", ["mxfp4-shared", "nvfp4-per-block"])
def test_truncated_checkpoints(config):
    full = cases.make_layer(config, 64, 24).state_dict()
    for key in full:
        part = {name: value for name, value in full.items() if name != key}
        layer = cases.make_layer(config, 64, 24)
        before = layer.e2m1.clone()
        with pytest.raises(RuntimeError, match=f'Missing key.*"{key}"'):
            layer.load_state_dict(part)
        if key not in ("transform", "bias"):
            with pytest.raises(RuntimeError, match=f'Missing key.*"{key}"'):
                QuantLinear().load_state_dict(part)
            assert torch.equal(layer.e2m1, before)
    with pytest.raises(RuntimeError, match='Unexpected key.*"zero_point"'):
        QuantLinear().load_state_dict({**full, "zero_point": torch.ones(1)})


DAMAGE = [
    (ValueError, "0.scale_quant has 1 NaN scales", "nan"),
    (ValueError, "0.scale_quant must be", "short"),
    (TypeError, "0.scale_quant is uint8, which does not say", "untyped"),
    (TypeError, "0.e2m1 must be uint8", "codes"),
    (ValueError, "0.bias must have shape", "bias"),
    (ValueError, "transform must be", "transform"),
    (ValueError, "0.weight_global_scale must be finite", "scale"),
    (ValueError, "0.activation_scale_scale must be one", "vector"),
]


@pytest.mark.parametrize("error, text, damage", DAMAGE)
@pytest.mark.parametrize("config", ["mxfp4-shared", "nvfp4-per-block"])
def test_damaged_checkpoints(config, error, text, damage):
    """All of it is refused: the layer stays as it was."""
    model = torch.nn.Sequential(cases.make_layer(config, 64, 24))
    state = {k: v.clone() for k, v in model.state_dict().items()}
    scales = state["0.scale_quant"]
    if damage == "nan":
        byte = 0xFF  # NaN in both
        scales.view(torch.uint8)[3, 1] = byte
    state["0.scale_quant"] = {
        "short": scales[:-1], "untyped": scales.view(torch.uint8)
    }.get(damage, scales)  # fmt: skip
    if damage == "codes":
        state["0.e2m1"] = state["0.e2m1"].int()
    if damage == "bias":
        state["0.bias"] = torch.ones(3)
    if damage == "transform":
        state["0.transform"] = torch.ones(3, 3)
    if damage == "scale":
        state["0.weight_global_scale"] = torch.tensor(float("nan"))
    if damage == "vector":
        state["0.activation_scale_scale"] = torch.ones(2)
    x = torch.randn(2, 64)
    want = model(x)
    with pytest.raises(error, match=text) as caught:
        model.load_state_dict(state)
    assert "\n" not in str(caught.value)
    assert torch.equal(model(x), want)


values = (
    st.none() | st.integers(-2, 130) | st.floats() | st.text(max_size=2)
    | st.sampled_from([CODES, SCALES, torch.eye(32), torch.ones(8), E4M3,
                       torch.bfloat16, "dynamic", "cpu", "meta", True])
)  # fmt: skip
NAMES = (
    "in_features", "out_features", "bias", "device", "dtype", "transform",
    "e2m1", "scale_quant", "scale_dtype", "group_size", "weight_global_scale",
    "activation_global_scale", "activation_scale_scale", "quant_backend",
)  # fmt: skip


@given(
    st.fixed_dictionaries(
        {}, optional={name: values for name in NAMES if name != "device"}
    )
)
def test_any_layer(arguments):
    try:
        layer = QuantLinear(**arguments)
        if layer.e2m1 is not None and layer.out_features:
            layer(torch.ones(2, layer.in_features))
    except (TypeError, ValueError, fp4q.CompileError) as error:
        assert str(error)
