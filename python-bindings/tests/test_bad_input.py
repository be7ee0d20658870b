# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Wrong arguments: an exception of the expected class, in one line that names
the argument, and never a crash."""

import dataclasses

import fp4q
import fp4q_oracle as oracle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

X = np.ones((4, 64), np.float32)
Q = {fmt: fp4q.quantize(X, fmt) for fmt in ("mxfp4", "nvfp4")}


def one_line(error):
    """The text of an exception, without the quotes of a KeyError."""
    text = str(error.value)
    assert text and "\n" not in text
    return text


QUANTIZE = [
    (TypeError, "x must be an array", {"x": [1.0, 2.0]}),
    (TypeError, "x must have elements", {"x": X.astype(np.float64)}),
    (TypeError, "x must be float32", {"x": X.astype(np.uint8)}),
    (ValueError, "x must have at least one", {"x": np.array(3, np.float32)}),
    (ValueError, "positive multiple of group_size", {"x": X[:, :33]}),
    (ValueError, "positive multiple of group_size", {"x": X[:, :0]}),
    (ValueError, "format must be", {"format": "fp4"}),
    (ValueError, "format must be", {"format": None}),
    (ValueError, "group_size must be a power", {"group_size": 24}),
    (ValueError, "group_size must be a power", {"group_size": 256}),
    (TypeError, "group_size must be an int", {"group_size": 32.0}),
    (ValueError, "recipe must be one of", {"recipe": "best"}),
    (ValueError, "is for nvfp4, but format", {"recipe": "ct-nv"}),
    (ValueError, "global_scale must be finite", {"global_scale": 0.0}),
    (ValueError, "global_scale must be finite", {"global_scale": -1}),
    (ValueError, "global_scale must be finite", {"global_scale": float("nan")}),
    (TypeError, "global_scale must be a number", {"global_scale": X}),
    (TypeError, "global_scale must be an array", {"global_scale": "big"}),
    (ValueError, "scale_scale must be finite", {"scale_scale": float("inf")}),
    (ValueError, "global_scale: recipe", {"recipe": "ct-mx", "global_scale": 1}),
    (ValueError, "scale_scale: recipe", {"recipe": "ct-mx", "scale_scale": 1}),
    (
        ValueError,
        "global_scale must be given",
        {"recipe": "ct-nv", "format": "nvfp4"},
    ),
    (ValueError, "transform must be", {"transform": X}),
    (ValueError, "transform must be", {"transform": X[0]}),
    (TypeError, "transform must have", {"transform": np.eye(32)}),
    (
        TypeError,
        "transform must have the type",
        {"transform": np.eye(32, dtype=np.float16)},
    ),
    (ValueError, "backend must be one of", {"backend": "tpu"}),
    (TypeError, "backend must be a string", {"backend": 3}),
]


@pytest.mark.parametrize("error, text, change", QUANTIZE)
def test_quantize(error, text, change):
    with pytest.raises(error, match=text) as caught:
        fp4q.quantize(**{"x": X, **change})
    one_line(caught)


DEQUANTIZE = [
    (TypeError, "q must be a QuantizedTensor", None),
    (ValueError, "format must be", {"format": "int4"}),
    (TypeError, "q.codes must be uint8", {"codes": X}),
    (ValueError, "q.scales must be", {"scales": Q["mxfp4"].scales[:2]}),
    (ValueError, "q.scales must be", {"group_size": 16}),
    (ValueError, "q.group_size must be a power", {"group_size": 3}),
    (ValueError, "q.layout must be", {"layout": "tiled"}),
    (ValueError, "q.scales must be", {"layout": "blocked_128x4"}),
    (ValueError, "q.global_scale must be finite", {"global_scale": -2.0}),
]


@pytest.mark.parametrize("error, text, change", DEQUANTIZE)
def test_dequantize(error, text, change):
    q = X if change is None else dataclasses.replace(Q["mxfp4"], **change)
    with pytest.raises(error, match=text) as caught:
        fp4q.dequantize(q)
    one_line(caught)
    for wrong in ("int8", "float64", 3):
        with pytest.raises(ValueError, match="dtype must be float32"):
            fp4q.dequantize(Q["mxfp4"], wrong)


def replaced(**change):
    return dataclasses.replace(Q["mxfp4"], **change)


WIDE = fp4q.quantize(np.ones((4, 128), np.float32))
BATCH = fp4q.quantize(np.ones((2, 4, 64), np.float32))
MATMUL = [
    (ValueError, "agree in format", {"b": Q["nvfp4"]}),
    (ValueError, "agree in K", {"b": WIDE}),
    (ValueError, "at least two dimensions", {"a": fp4q.quantize(X[0])}),
    (ValueError, "b must be .N, K.", {"b": BATCH}),
    (ValueError, "at least one row", {"b": fp4q.quantize(X[:0])}),
    (TypeError, "a must be a Quantized", {"a": X}),
    (TypeError, "b must be a Quantized", {"b": None}),
    (ValueError, "bias must have shape", {"bias": np.ones(3, np.float32)}),
    (TypeError, "bias must be float32", {"bias": np.ones(4, np.float16)}),
    (TypeError, "bias must be an array", {"bias": 1.0}),
    (TypeError, "alpha must be", {"alpha": np.ones(3, np.float32)}),
    (TypeError, "alpha must be float32", {"alpha": np.ones(4, np.float16)}),
    (ValueError, "dtype must be", {"dtype": "float64"}),
    (ValueError, "backend must be", {"backend": "gpu"}),
]


@pytest.mark.parametrize("error, text, change", MATMUL)
def test_scaled_matmul(error, text, change):
    operands = {"a": Q["mxfp4"], "b": Q["mxfp4"], **change}
    with pytest.raises(error, match=text) as caught:
        fp4q.scaled_matmul(**operands)
    one_line(caught)


def test_mixed_devices():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    q = dataclasses.replace(
        Q["mxfp4"], codes=torch.from_numpy(Q["mxfp4"].codes).to("meta")
    )
    with pytest.raises(TypeError, match="q.codes is on meta, but") as caught:
        fp4q.dequantize(q)
    one_line(caught)
    with pytest.raises(TypeError, match="x is on meta, but"):
        fp4q.quantize(torch.ones(2, 32, device="meta"))


# --- anything at all ----------------------------------------------------------

DTYPES = ["f4", "f2", "f8", "u1", "i1", "i4", "?", "c8", ">f4", "O", "U3", "M8[s]"]
shapes = st.lists(
    st.sampled_from([0, 1, 2, 3, 16, 32, 33, 64, 128]), max_size=4
).map(tuple)


@st.composite
def arrays(draw):
    """Arrays of any type, shape and strides."""
    shape = draw(shapes)
    dtype = draw(st.sampled_from(DTYPES))
    array = np.zeros(shape, dtype)
    if draw(st.booleans()):
        array = array.T
    if array.ndim and draw(st.booleans()):
        array = array[..., :: draw(st.sampled_from([1, 2, -1]))]
    if array.ndim and draw(st.booleans()):
        array = np.broadcast_to(array, (2, *array.shape))
    return array


anything = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats()
    | st.text(max_size=3)
    | arrays()
    | st.sampled_from(
        ["mxfp4", "nvfp4", "law", "ct-nv", "reference", "linear", 1.0, 32, b"x"]
    )
)
EXPECTED = (TypeError, ValueError, fp4q.CompileError)


def run(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except EXPECTED as error:
        assert str(error)
        return None


@given(
    arrays() | anything,
    st.sampled_from(["mxfp4", "nvfp4"]) | anything,
    st.fixed_dictionaries(
        {},
        optional={
            name: anything
            for name in (
                "group_size",
                "recipe",
                "global_scale",
                "scale_scale",
                "transform",
                "backend",
            )
        },
    ),
)
def test_any_quantize(x, fmt, options):
    q = run(fp4q.quantize, x, fmt, **options)
    if q is None:
        return
    # What is accepted is right.
    assert q.shape == x.shape
    values = run(fp4q.dequantize, q)
    if values is not None:
        gs = 1.0 if q.global_scale is None else q.global_scale
        kind = {"mxfp4": "e8m0", "nvfp4": "e4m3"}[fmt]
        want = oracle.dequant(q.codes, q.scales, kind, gs, q.divides)
        assert np.array_equal(values, want, equal_nan=True)


@given(arrays() | anything, arrays() | anything, anything, anything, anything)
def test_any_quantized_tensor(codes, scales, gs, fmt, group):
    q = fp4q.QuantizedTensor(codes, scales, gs, fmt, group)
    for function in (
        fp4q.dequantize,
        fp4q.swizzle_scales,
        fp4q.unswizzle_scales,
        lambda q: fp4q.scaled_matmul(q, Q["mxfp4"]),
        lambda q: fp4q.scaled_matmul(Q["nvfp4"], q),
    ):
        try:
            run(function, q)
        except AttributeError:
            # Codes that are no array at all have no shape.
            assert not hasattr(codes, "shape")


MODULE = fp4q.compile("""
func.func @f(%x: tensor<?x32xf32>, %y: tensor<?xi8>, %z: f32)
    -> (tensor<?x32xf32>, tensor<?xi8>) {
  return %x, %y : tensor<?x32xf32>, tensor<?xi8>
}
""")


@given(st.lists(arrays() | anything, max_size=4), st.none() | anything)
def test_any_call(args, out):
    run(MODULE, *args, out=out)
    run(MODULE, *args, out=(out, out))


@given(st.text(alphabet="func.@(){}%: tensor<x>=\n01", max_size=60))
def test_any_source(text):
    with pytest.raises((*EXPECTED, OSError)):
        fp4q.compile(text + "\n{")
    with pytest.raises((*EXPECTED, OSError)):
        fp4q.compile(text.encode())
