# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operations against the independent oracle, on numpy and on torch."""

import fp4q
import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import ml_dtypes
import numpy as np
import pytest
import recipes
from recipe_inputs import adversarial

KINDS = {"mxfp4": "e8m0", "nvfp4": "e4m3"}
GROUPS = {"mxfp4": 32, "nvfp4": 16}
USUAL = {"mxfp4": (np.float32(1 / 3), 4.0), "nvfp4": (None, 6.0)}
FORMATS = tuple(KINDS)


def to_torch(array):
    """A torch tensor on the memory of a numpy array, bf16 and f8 included."""
    import torch

    name = array.dtype.name
    if name == "bfloat16":
        return torch.from_numpy(array.view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def to_numpy(array):
    """The bits of an array: floats as floats, everything else as uint8."""
    if isinstance(array, np.ndarray):
        return array
    if str(array.dtype) == "torch.bfloat16":
        import torch

        bits = array.view(torch.uint16).numpy()
        return bits.view(ml_dtypes.bfloat16)
    if array.dtype.itemsize == 1:
        import torch

        return array.view(torch.uint8).numpy()
    return array.numpy()


@pytest.fixture(params=["numpy", "torch"])
def convert(request):
    if request.param == "torch":
        pytest.importorskip("torch", reason="torch is not installed")
        return to_torch
    return lambda array: array


def expected(x, fmt):
    """What the default recipe of a format must give."""
    gs, ss = USUAL[fmt]
    gs = oracle.global_scale(x) if gs is None else gs
    return (*oracle.quantize(x, GROUPS[fmt], KINDS[fmt], gs, ss), gs)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("element", data.DTYPES)
@pytest.mark.parametrize("flavor", data.FLAVORS)
def test_quantize_and_dequantize(convert, fmt, element, flavor):
    rng = np.random.default_rng(len(flavor))
    x = data.values(rng, (3, 7, 96), element, flavor)
    q = fp4q.quantize(convert(x), fmt)
    codes, scales, gs = expected(x, fmt)
    assert type(q.codes) is type(convert(x))
    assert np.array_equal(to_numpy(q.codes), codes)
    assert np.array_equal(to_numpy(q.scales), scales)
    used = np.float32(q.global_scale)
    assert used == gs or (np.isnan(used) and np.isnan(gs))
    for dtype in ("float32", "bfloat16", "float16"):
        values = to_numpy(q.dequantize(dtype))
        want = oracle.dequant(
            codes, scales, KINDS[fmt], used, dtype=values.dtype
        )
        same = (values == want) | (np.isnan(values) & np.isnan(want))
        assert values.dtype.name == dtype and same.all()


@pytest.mark.parametrize("shape", [(32,), (0, 32), (1, 64), (2, 0, 3, 32)])
@pytest.mark.parametrize("fmt", FORMATS)
def test_shapes(convert, shape, fmt):
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    q = fp4q.quantize(convert(x), fmt)
    codes, scales, _ = expected(x, fmt)
    assert q.shape == shape and q.scales.shape == scales.shape
    assert np.array_equal(to_numpy(q.codes), codes)
    assert np.array_equal(to_numpy(q.scales), scales)
    assert tuple(q.dequantize().shape) == shape


@pytest.mark.parametrize("group", [2, 8, 64, 128])
@pytest.mark.parametrize("fmt", FORMATS)
def test_group_sizes_and_given_scales(fmt, group):
    x = np.random.default_rng(4).standard_normal((5, 256)).astype(np.float32)
    for gs in (0.1, np.float32(0.1), np.array([0.1], np.float32)):
        q = fp4q.quantize(x, fmt, group, global_scale=gs, scale_scale=1.5)
        want = oracle.quantize(x, group, KINDS[fmt], np.float32(0.1), 1.5)
        assert np.array_equal(q.codes, want[0])
        assert np.array_equal(q.scales, want[1])


@pytest.mark.parametrize(
    "row", recipes.ROWS, ids=lambda row: f"{row.preset}-{row.kind}"
)
def test_recipes(row):
    """Every preset by its name."""
    g = row.globals[min(3, len(row.globals) - 1)]
    x = adversarial(np.random.default_rng(6), 64, row, recipes.F32(g), "f32")
    fmt = {"e8m0": "mxfp4", "e4m3": "nvfp4"}[row.kind]
    gs = {"global_scale": g} if len(row.globals) > 1 else {}
    q = fp4q.quantize(x, fmt, recipe=row.preset, **gs)
    codes, scales = recipes.quantize(x, row, recipes.F32(g), "f32")
    assert np.array_equal(oracle.unpack(q.codes), codes)
    assert np.array_equal(q.scales.reshape(-1), scales)
    divides = row.preset in ("ct-nv", "te-nv", "flashinfer-nv")
    assert q.divides == divides


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("blocks", ["shared", "each"])
def test_transform(convert, fmt, blocks):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((2, 3, 128)).astype(np.float32)
    shape = (32, 32) if blocks == "shared" else (4, 32, 32)
    t = rng.standard_normal(shape).astype(np.float32)
    y = fp4q.block_transform(convert(x), convert(t))
    assert np.array_equal(to_numpy(y), products.transform_chain(x, t))
    q = fp4q.quantize(convert(x), fmt, transform=convert(t))
    codes, scales, gs = expected(products.transform_chain(x, t), fmt)
    assert np.array_equal(to_numpy(q.codes), codes)
    assert np.array_equal(to_numpy(q.scales), scales)
    assert np.float32(q.global_scale) == gs
    if fmt == "nvfp4":
        assert fp4q.global_scale(convert(x), convert(t)) == gs


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_scaled_matmul(convert, fmt, rows, batch):
    rng = np.random.default_rng(rows)
    x = rng.standard_normal((*batch, rows, 96)).astype(np.float32)
    weight = rng.standard_normal((24, 96)).astype(np.float32)
    bias = rng.standard_normal(24).astype(np.float32)
    a = fp4q.quantize(convert(x), fmt)
    b = fp4q.quantize(convert(weight), fmt)
    alpha = np.float32(a.global_scale) * np.float32(b.global_scale)
    operands = [to_numpy(v) for v in (a.codes, a.scales, b.codes, b.scales)]
    for dtype in ("float32", "bfloat16", "float16"):
        y = fp4q.scaled_matmul(a, b, bias=convert(bias), dtype=dtype)
        y = to_numpy(y)
        assert y.shape == (*batch, rows, 24) and y.dtype.name == dtype
        bad = products.matmul_outside(y, *operands, KINDS[fmt], alpha, bias)
        assert not bad.any()
    columns = rng.standard_normal(24).astype(np.float32)
    y = to_numpy(fp4q.scaled_matmul(a, b, alpha=convert(columns)))
    bad = products.matmul_outside(y, *operands, KINDS[fmt], columns)
    assert not bad.any()


def test_batched_operand():
    rng = np.random.default_rng(9)
    a, b = (
        fp4q.quantize(rng.standard_normal((3, n, 64)).astype(np.float32))
        for n in (5, 4)
    )
    y = fp4q.scaled_matmul(a, b, alpha=1.0)
    operands = (a.codes, a.scales, b.codes, b.scales)
    assert y.shape == (3, 5, 4)
    assert not products.matmul_outside(y, *operands, "e8m0").any()


def test_dividing_global_scale():
    """alpha takes the reciprocals of scales that divide."""
    rng = np.random.default_rng(10)
    a, b = (
        fp4q.quantize(
            rng.standard_normal((n, 64)).astype(np.float32),
            "nvfp4",
            recipe="ct-nv",
            global_scale=gs,
        )
        for n, gs in ((3, 500.0), (4, 700.0))
    )
    assert a.divides
    want = oracle.dequant(a.codes, a.scales, "e4m3", 500.0, divide=True)
    assert np.array_equal(a.dequantize(), want)
    y = fp4q.scaled_matmul(a, b)
    exact = a.dequantize().astype(float) @ b.dequantize().astype(float).T
    assert np.allclose(y, exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 96), (130, 160), (2, 3, 129, 64)])
def test_swizzle(convert, shape):
    x = np.random.default_rng(11).standard_normal(shape).astype(np.float32)
    q = fp4q.quantize(convert(x), "nvfp4")
    tiled = fp4q.swizzle_scales(q)
    scales = to_numpy(q.scales)
    assert np.array_equal(to_numpy(tiled.scales), oracle.swizzle(scales))
    assert tiled.layout == "blocked_128x4" and tiled.shape == q.shape
    back = fp4q.unswizzle_scales(tiled)
    assert np.array_equal(to_numpy(back.scales), scales)
    assert np.array_equal(
        to_numpy(tiled.dequantize()), to_numpy(q.dequantize())
    )


def test_views_are_read_as_they_are(convert):
    """Strided, transposed and offset views give what their copies give."""
    x = np.random.default_rng(12).standard_normal((8, 4, 64))
    x = x.astype(np.float32)
    for view in (x[::2], x[:, 1], x.transpose(1, 0, 2), x[:, :, ::2], x[1:, 1:]):
        want = fp4q.quantize(np.ascontiguousarray(view))
        q = fp4q.quantize(convert(x)[(...,)] if view is x else convert(view))
        assert np.array_equal(to_numpy(q.codes), want.codes)


def test_results_are_native_scale_types(torch):
    q = fp4q.quantize(torch.ones(2, 32), "nvfp4")
    assert q.scales.dtype == torch.float8_e4m3fn
    q = fp4q.quantize(torch.ones(2, 32), "mxfp4")
    assert q.scales.dtype == torch.float8_e8m0fnu
    assert fp4q.quantize(np.ones((2, 32), np.float32)).scales.dtype == np.uint8


def test_scales_of_ml_dtypes():
    """numpy's own f8 types are taken as well, and not for each other."""
    x = np.random.default_rng(13).standard_normal((2, 64)).astype(np.float32)
    q = fp4q.quantize(x, "nvfp4")
    typed = fp4q.QuantizedTensor(
        q.codes, q.scales.view(ml_dtypes.float8_e4m3fn), q.global_scale,
        "nvfp4", 16,
    )  # fmt: skip
    assert np.array_equal(typed.dequantize(), q.dequantize())
    wrong = fp4q.QuantizedTensor(
        q.codes, q.scales.view(ml_dtypes.float8_e8m0fnu), 1.0, "nvfp4", 16
    )
    with pytest.raises(TypeError, match="q.scales must be nvfp4's scales"):
        wrong.dequantize()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("fmt", ["mxfp4", "nvfp4"])
def test_jax(fmt, dtype):
    """Arrays of JAX give arrays of JAX, with the native types of scales."""
    jax = pytest.importorskip("jax", reason="jax is not installed")
    x = jax.random.normal(jax.random.PRNGKey(0), (5, 64)).astype(dtype)
    quantized = fp4q.quantize(x, fmt)
    expected = fp4q.quantize(np.asarray(x), fmt)
    assert isinstance(quantized.codes, jax.Array)
    assert quantized.scales.dtype == {
        "mxfp4": jax.numpy.float8_e8m0fnu,
        "nvfp4": jax.numpy.float8_e4m3fn,
    }[fmt]
    for got, want in (
        (quantized.codes, expected.codes),
        (quantized.scales, expected.scales),
        (fp4q.dequantize(quantized), fp4q.dequantize(expected)),
    ):
        assert np.asarray(got).tobytes() == np.asarray(want).tobytes()
