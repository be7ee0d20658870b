# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays on a GPU. Without one, or unless FP4Q_TEST_DEVICE is "gpu", the
simulator is the CUDA driver: the same artifacts, and fewer rows.

    FP4Q_TEST_DEVICE=gpu python -m pytest -c python-bindings/tests/pytest.ini \
        python-bindings/tests/test_gpu.py -m gpu

on a machine without LLVM takes the code from the cache (FP4Q_CACHE_DIR), which
a run on the simulator of that chip (FP4Q_SIM_CHIP=sm_90a) has filled.
"""

import dataclasses

import fp4q
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import ml_dtypes
import numpy as np
import pytest
from conftest import ON_SIMULATOR, PREPARING
from fp4q import _arrays, _backends, _modules, _ops, _runtime

pytestmark = pytest.mark.gpu

KINDS = {"mxfp4": "e8m0", "nvfp4": "e4m3"}
GROUPS = {"mxfp4": 32, "nvfp4": 16}
DTYPES = {
    "f32": np.float32,
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
}
# (format, transform, weight's and activations' global scale)
CONFIGS = {
    "mxfp4-per-block": ("mxfp4", "per-block", 1 / 3, 1 / 3),
    "mxfp4-shared": ("mxfp4", "shared", 1 / 3, 1 / 3),
    "mxfp4-none": ("mxfp4", "none", 1 / 3, 1 / 3),
    "nvfp4-per-block": ("nvfp4", "per-block", 0.02, 0.02),
    "nvfp4-shared": ("nvfp4", "shared", 0.02, 0.02),
    "nvfp4-differing": ("nvfp4", "none", 0.011, 0.03),
    "nvfp4-dynamic": ("nvfp4", "none", 0.011, None),
}
# All types of each, or where the simulator is only to show that they work, one.
CASES = [
    (config, dtype)
    for i, config in enumerate(CONFIGS)
    for j, dtype in enumerate(DTYPES)
    if PREPARING or not ON_SIMULATOR or i % 3 == j
]
LEADS = [(1, 3)] if ON_SIMULATOR else [(4, 128), (3, 17), (1, 1)]
OUTPUTS, COLUMNS = 512, 2048


@pytest.fixture(scope="module", autouse=True)
def device():
    try:
        found = _runtime.gpus()
    except RuntimeError as error:
        pytest.skip(f"no GPU: {error}")
    assert found[0][0].startswith("fp4q simulator") == ON_SIMULATOR


def random(shape, dtype=np.float32, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape, np.float32).astype(dtype)


def host(q):
    """The bits of a QuantizedTensor as numpy arrays."""
    parts = (q.codes, q.scales)
    if isinstance(q.codes, fp4q.GpuArray):
        parts = [part.numpy() for part in parts]
    return [np.asarray(part).view(np.uint8) for part in parts]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(host(a), host(b)))


@pytest.mark.parametrize("dtype", [*DTYPES.values(), np.uint8])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3, 4)])
def test_arrays(dtype, shape):
    array = random(shape, np.float32).astype(dtype)
    there = fp4q.to_gpu(array)
    assert there.shape == shape and there.dtype == dtype
    back = there.numpy()
    assert back.dtype == dtype and back.tobytes() == array.tobytes()
    assert there.reshape(array.size).shape == (array.size,)
    assert "device=0" in repr(there) and there.nbytes == array.nbytes


def test_reshape():
    there = fp4q.to_gpu(np.arange(24, dtype=np.float32).reshape(2, 12))
    for shape in ((24,), (-1,), (4, -1), (2, 3, 4), (1, 24, -1)):
        assert there.reshape(shape).shape == np.empty(24).reshape(shape).shape
        assert there.reshape(*shape).numpy().ravel()[5] == 5
    for shape in (
        (25,), (), (5, -1), (-1, -1), (-2, -12), (-24,), (0, -1), (0, 24),
        (1 << 32, 1 << 32), (24,) + (1,) * 64,
    ):  # fmt: skip
        with pytest.raises(ValueError) as caught:
            there.reshape(shape)
        assert str(caught.value) == (
            f"an array of shape (2, 12) cannot be reshaped to {shape}: it has "
            "24 elements"
        )
    nothing = fp4q.to_gpu(np.empty((0, 3), np.float32))
    assert nothing.reshape(3, 0).shape == (3, 0)
    assert nothing.reshape(-1, 5).shape == (0, 5)
    with pytest.raises(ValueError, match="it has 0 elements"):
        nothing.reshape(-1, 0)
    with pytest.raises(TypeError):
        there.reshape(2.5)


@pytest.mark.parametrize("fmt", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_quantize_and_back(fmt, dtype):
    """Bit for bit what the CPU computes."""
    x = random((3, 7, 96), DTYPES[dtype])
    x[0, 0], x[0, 1, 5] = 0, np.inf
    q, there = fp4q.quantize(x, fmt), fp4q.quantize(fp4q.to_gpu(x), fmt)
    assert same(q, there) and there.scales.dtype.itemsize == 1
    assert there.shape == q.shape
    if not isinstance(q.global_scale, float):
        assert there.global_scale.numpy() == q.global_scale
    y = fp4q.dequantize(there, DTYPES[dtype])
    want = fp4q.dequantize(q, DTYPES[dtype])
    assert np.array_equal(y.numpy(), want, equal_nan=True)
    swizzled = fp4q.swizzle_scales(there)
    assert same(swizzled, fp4q.swizzle_scales(q))
    assert same(fp4q.unswizzle_scales(swizzled), q)


def test_recipes_and_groups():
    x = random((4, 128), ml_dtypes.bfloat16)
    for options in (
        {"format": "mxfp4", "recipe": "torchao-mx-floor"},
        {"format": "nvfp4", "recipe": "ct-nv", "global_scale": 1200.0},
        {"format": "mxfp4", "group_size": 8, "scale_scale": 5.0},
        {"format": "nvfp4", "group_size": 128, "global_scale": 0.25},
    ):
        want = fp4q.quantize(x, **options, backend="reference")
        assert same(fp4q.quantize(fp4q.to_gpu(x), **options), want), options


def test_transforms():
    x, t = random((5, 64)), random((2, 32, 32), seed=2)
    y = fp4q.block_transform(fp4q.to_gpu(x), fp4q.to_gpu(t)).numpy()
    assert np.array_equal(y, products.transform_chain(x, t))
    q = fp4q.quantize(fp4q.to_gpu(x), transform=fp4q.to_gpu(t))
    codes, scales = oracle.quantize(y, 32, "e8m0", np.float32(1 / 3), 4.0)
    assert np.array_equal(host(q)[0], codes)
    assert np.array_equal(host(q)[1], scales)
    scale = fp4q.global_scale(fp4q.to_gpu(x)).numpy()
    assert scale == oracle.global_scale(x)


@pytest.mark.parametrize("fmt", KINDS)
@pytest.mark.parametrize("rows", [0, 1, 9, 40])
def test_products(fmt, rows):
    a, b = random((rows, 160)), random((24, 160), seed=3)
    bias = random((24,), seed=4)
    p, q = fp4q.quantize(a, fmt), fp4q.quantize(b, fmt)
    there = [
        dataclasses.replace(
            part, codes=fp4q.to_gpu(part.codes),
            scales=fp4q.to_gpu(part.scales),
            global_scale=fp4q.to_gpu(np.float32(part.global_scale)),
        )
        for part in (p, q)
    ]  # fmt: skip
    y = fp4q.scaled_matmul(*there, bias=fp4q.to_gpu(bias)).numpy()
    alpha = np.float32(p.global_scale) * np.float32(q.global_scale)
    bad = products.matmul_outside(
        y, *host(p), *host(q), KINDS[fmt], alpha, bias
    )
    assert y.shape == (rows, 24) and not bad.any()


def test_elementwise_operations_between():
    """A module with a residual and an activation round a dequantization."""
    text = """
#row = affine_map<(i, j) -> (j)>
#id = affine_map<(i, j) -> (i, j)>
func.func @f(%x: tensor<?x32xf32>, %c: tensor<?x16xi8>,
             %s: tensor<?x1xf8E8M0FNU>, %b: tensor<32xf32>)
    -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %x, %c0 : tensor<?x32xf32>
  %init = tensor.empty(%rows) : tensor<?x32xf32>
  %d = fp4q.dequant ins(%c, %s : tensor<?x16xi8>, tensor<?x1xf8E8M0FNU>)
      outs(%init : tensor<?x32xf32>) -> tensor<?x32xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #row, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %d, %b : tensor<?x32xf32>, tensor<?x32xf32>, tensor<32xf32>)
      outs(%init : tensor<?x32xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32, %out: f32):
    %s0 = arith.addf %p, %q : f32
    %s1 = arith.addf %s0, %r : f32
    %s2 = arith.maximumf %s1, %zero : f32
    linalg.yield %s2 : f32
  } -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
"""
    f = fp4q.compile(text, target=_backends.target_of(0))
    assert f.target == _backends.target_of(0)
    assert f.ptx.count(".version") == 1 and f".target {f.target}" in f.ptx
    assert ".entry elementwise" in f.ptx
    x, b = random((5, 32)), random((32,), seed=5)
    q = fp4q.quantize(random((5, 32), seed=6))
    there = [fp4q.to_gpu(array) for array in (x, q.codes, q.scales, b)]
    y = f(*there).numpy()
    decoded = fp4q.dequantize(dataclasses.replace(q, global_scale=None))
    assert np.array_equal(y, np.maximum(x + decoded + b, 0))
    with pytest.raises(TypeError, match="argument #0 of 'f'"):
        f(x, *there[1:])


def layer_operands(config, seed=7):
    """(format, transform or None, weights, scales) of a layer."""
    fmt, blocks, weight_scale, activation_scale = CONFIGS[config]
    group = GROUPS[fmt]
    shape = {
        "none": None,
        "shared": (group, group),
        "per-block": (COLUMNS // group, group, group),
    }[blocks]
    t = None
    if shape:
        t = np.linalg.qr(random(shape, seed=seed))[0].astype(np.float32)
    w = fp4q.quantize(
        random((OUTPUTS, COLUMNS), seed=seed), fmt, global_scale=weight_scale,
        transform=t,
    )  # fmt: skip
    return fmt, t, w, activation_scale


@pytest.mark.parametrize("lead", LEADS, ids=str)
@pytest.mark.parametrize(("config", "dtype"), CASES)
def test_layer(config, dtype, lead):
    """The seed's matrix on the code of QuantLinear: one module that quantizes
    and multiplies."""
    fmt, t, w, activation_scale = layer_operands(config)
    mode = "dynamic" if activation_scale is None else "given"
    ss = {"mxfp4": 4.0, "nvfp4": 6.0}[fmt]
    quantizer = _modules.Quantizer(
        COLUMNS, dtype, KINDS[fmt], GROUPS[fmt], "law", mode, True,
        () if t is None else t.shape,
    )  # fmt: skip
    matmul = _modules.Matmul(
        COLUMNS, OUTPUTS, KINDS[fmt], GROUPS[fmt], dtype, bias="f32"
    )
    run = _ops.function(_modules.linear, quantizer, matmul, device=0)
    x = random((np.prod(lead), COLUMNS), DTYPES[dtype], seed=8)
    bias = random((OUTPUTS,), seed=9)
    operands = [x, w.codes, w.scales, np.float32(w.global_scale)]
    if activation_scale is not None:
        operands.append(np.float32(activation_scale))
    operands.append(np.float32(ss))
    if t is not None:
        operands.append(t)
    operands.append(bias)
    there = [fp4q.to_gpu(operand) for operand in operands]
    y = run(*there).numpy()
    assert np.array_equal(run(*there).numpy().view("u1"), y.view("u1"))
    # Against the f64 product of what the CPU quantizes.
    wide = x.astype(np.float32)
    q = fp4q.quantize(
        wide, fmt, global_scale=activation_scale, scale_scale=ss, transform=t,
        backend="reference",
    )  # fmt: skip
    gs = float(q.global_scale)
    exact = products.decode_f64(*host(q), KINDS[fmt]) @ (
        products.decode_f64(*host(w), KINDS[fmt]).T
    )
    exact = exact * gs * float(w.global_scale) + bias
    error = np.linalg.norm(y.astype(np.float64) - exact) / np.linalg.norm(exact)
    assert error < (5e-2 if t is not None else 2e-2)
    if t is None:
        alpha = np.float32(gs) * np.float32(w.global_scale)
        y_bits = y if dtype != "bf16" else y.view(ml_dtypes.bfloat16)
        bad = products.matmul_outside(
            y_bits, *host(q), *host(w), KINDS[fmt], alpha, bias
        )
        assert not bad.any()


def test_mixed_devices():
    x = random((2, 32))
    there = fp4q.quantize(fp4q.to_gpu(x))
    here = fp4q.quantize(x)
    with pytest.raises(TypeError, match="b.codes must be on GPU 0, as a.codes"):
        fp4q.scaled_matmul(there, here)
    with pytest.raises(TypeError, match="transform must be on GPU 0, as x"):
        fp4q.quantize(fp4q.to_gpu(x), transform=random((32, 32)))
    with pytest.raises(TypeError, match="q.scales must be on GPU 0, as q.codes"):
        fp4q.dequantize(dataclasses.replace(there, scales=here.scales))
    with pytest.raises(TypeError, match="global_scale must be on GPU 0, as x"):
        fp4q.quantize(fp4q.to_gpu(x), global_scale=np.float32([1]))


def test_reference_computes_on_the_host():
    x = random((3, 64))
    with pytest.warns(fp4q.Fp4qWarning, match="computes on the CPU"):
        _backends.warn_once.cache_clear()
        q = fp4q.quantize(fp4q.to_gpu(x), "nvfp4", backend="reference")
    assert isinstance(q.codes, fp4q.GpuArray)
    assert same(q, fp4q.quantize(x, "nvfp4"))
    y = fp4q.dequantize(q, backend="torch").numpy()
    assert np.array_equal(y, fp4q.dequantize(fp4q.quantize(x, "nvfp4")))
    p = fp4q.scaled_matmul(q, q, backend="reference").numpy()
    here = fp4q.quantize(x, "nvfp4")
    want = fp4q.scaled_matmul(here, here, backend="reference")
    assert np.array_equal(p, want)


@pytest.mark.parametrize("role", ["quantize", "matmul"])
def test_back_ends(role):
    """What the table has for the chip can be asked for, "cpu" cannot."""
    names = _runtime.back_ends(_backends.target_of(0))[role]
    assert "gpu-portable" in names
    for name in _backends.NAMES:
        reason = _backends.unavailable(name, role, 0)
        assert bool(reason) == (name not in (*names, "reference")), reason
    assert _backends.unavailable("cpu", role, 0) == "the arrays are on the GPU"
    assert (
        _backends.unavailable("gpu-portable", role, _arrays.CPU)
        == "the arrays are on the CPU"
    )
