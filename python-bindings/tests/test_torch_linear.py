# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""QuantLinear: every configuration on every back end there is."""

import warnings

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import fp4q  # noqa: E402
import fp4q_oracle as oracle  # noqa: E402
import fp4q_oracle_products as products  # noqa: E402
import numpy as np  # noqa: E402
import torch_cases as cases  # noqa: E402
from fp4q import _backends  # noqa: E402
from fp4q.torch import QuantLinear  # noqa: E402

LEADS = [(4, 128), (3, 17)]
OUTPUTS, COLUMNS = 512, 2048


def available(*roles):
    """The back ends that have code for all of these roles."""
    return [
        name
        for name in _backends.NAMES
        if not any(_backends.unavailable(name, role) for role in roles)
    ]


@pytest.mark.parametrize("role", ["quantize", "matmul"])
@pytest.mark.parametrize("backend", _backends.NAMES)
def test_back_end_is_tested_below(backend, role):
    """Where one is not, this is the skip that says why."""
    reason = _backends.unavailable(backend, role)
    if reason:
        pytest.skip(f"back end '{backend}' to {role}: {reason}")
    assert backend in available(role)


@pytest.fixture(params=cases.CONFIGS)
def layer(request):
    return cases.make_layer(request.param, COLUMNS, OUTPUTS)


@pytest.fixture(params=LEADS, ids=str)
def x(request):
    shape = (*request.param, COLUMNS)
    return torch.randn(shape, generator=cases.seeded(2))


def quantize(layer, x, backend=None):
    q = fp4q.quantize(
        x, layer.format, global_scale=layer.activation_global_scale,
        scale_scale=layer.activation_scale_scale, transform=layer.transform,
        backend=backend,
    )  # fmt: skip
    codes, scales = cases.to_numpy(q.codes), cases.to_numpy(q.scales)
    groups = COLUMNS // layer.group_size
    return q, codes.reshape(-1, COLUMNS // 2), scales.reshape(-1, groups)


@pytest.mark.parametrize("backend", available("quantize"))
def test_quantizers_agree(layer, x, backend):
    """Bit for bit, or within the interval of the law with a transform."""
    _, codes, scales = quantize(layer, x, backend)
    # The oracle takes its time with a transform, so it looks at some rows.
    rows = x.reshape(-1, COLUMNS)[1::19]
    codes, scales = codes[1::19], scales[1::19]
    want = cases.expected_operand(layer, rows.numpy())
    if layer.transform is None or backend == "reference":
        assert np.array_equal(codes, want[0])
        assert np.array_equal(scales, want[1])
        return
    bad = products.fused_outside(
        codes, scales, rows.numpy(), layer.transform.numpy(),
        cases.KINDS[layer.format], want[2],
        float(layer.activation_scale_scale),
    )  # fmt: skip
    assert not any(part.any() for part in bad)


@pytest.mark.parametrize("backend", available("matmul"))
def test_products_agree(layer, x, backend):
    """Against the f64 product of the same operands."""
    q, codes, scales = quantize(layer, x)
    y = fp4q.scaled_matmul(
        q, layer.quantized_weight(), bias=layer.bias, backend=backend
    ).numpy()
    gs = float(layer.activation_global_scale)
    exact = cases.exact_product(layer, codes, scales, gs)
    assert cases.relative_error(y, exact) < 2e-2
    alpha = np.float32(gs) * np.float32(layer.weight_global_scale)
    bad = products.matmul_outside(
        y.reshape(-1, OUTPUTS), codes, scales, *cases.weight_operands(layer),
        cases.KINDS[layer.format], alpha, layer.bias.numpy(),
    )  # fmt: skip
    assert not bad.any()


@pytest.mark.parametrize("backend", [*available("quantize", "matmul"), None])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_forward(layer, backend, dtype):
    """Whatever back ends do the work, in every type of x."""
    layer.quant_backend = layer.matmul_backend = backend
    dtype = getattr(torch, dtype)
    x = torch.randn(3, 17, COLUMNS, generator=cases.seeded(3)).to(dtype)
    y = layer(x)
    assert y.shape == (3, 17, OUTPUTS) and y.dtype == dtype
    x, y = x[:, ::4], y[:, ::4]
    exact = cases.exact_product(
        layer, *cases.expected_operand(layer, x.float().numpy())
    )
    assert cases.relative_error(y.float().numpy(), exact) < 5e-2
    if dtype == torch.float32 and backend in (None, "reference"):
        assert not cases.outside(layer, x.numpy(), y.numpy()).any()


def test_order_of_the_transform():
    """A transform whose sums are formed in another order, here exactly, moves
    few codes, and none of them far: this is how far back ends may differ."""
    x = np.random.default_rng(4).standard_normal((512, 512), np.float32)
    t = cases.orthogonal((16, 32, 32)).numpy()
    q = fp4q.quantize(x, "mxfp4", transform=t)
    exact, _ = products.transform_bound(x, t)
    codes, scales = oracle.quantize(
        exact.astype(np.float32), 32, "e8m0", np.float32(1 / 3), 4.0
    )
    moved = oracle.unpack(q.codes) != oracle.unpack(codes)
    # Seen: 2 of 262,144 codes, and no scale.
    assert moved.mean() < 1e-4 and (q.scales != scales).mean() < 1e-3
    bad = products.fused_outside(
        q.codes, q.scales, x, t, "e8m0", np.float32(1 / 3), 4.0
    )
    assert not any(part.any() for part in bad)


@pytest.mark.parametrize("fmt", ["mxfp4", "nvfp4"])
@pytest.mark.parametrize("lead", [(), (0,), (1,), (7,), (2, 0, 3), (1, 2, 2)])
def test_leading_dimensions_and_odd_columns(fmt, lead):
    """K = 2080 is an odd number of groups of 32."""
    layer = QuantLinear.from_linear(cases.make_linear(2080, 24), fmt)
    x = torch.randn(*lead, 2080, generator=cases.seeded(5))
    y = layer(x)
    assert y.shape == (*lead, 24)
    assert not cases.outside(layer, x.numpy(), y.numpy()).any()


@pytest.mark.parametrize("config", cases.CONFIGS)
def test_empty_skeleton(config):
    layer = cases.make_layer(config, 128, 24)
    x = torch.randn(5, 128, generator=cases.seeded(6))
    empty = QuantLinear()
    assert str(empty) == "QuantLinear(empty)" and empty.in_features is None
    with pytest.raises(RuntimeError, match="is empty: load a state_dict"):
        empty(x)
    result = empty.load_state_dict(layer.state_dict())
    assert not result.missing_keys and not result.unexpected_keys
    assert torch.equal(empty(x), layer(x))
    assert (empty.in_features, empty.out_features) == (128, 24)
    assert empty.group_size == cases.GROUPS[layer.format] == layer.group_size
    # And a layer of other shapes and another format takes them over.
    other = QuantLinear(64, 3, transform=None)
    other.transform, other.bias = empty.transform, empty.bias
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), layer(x))


def buffers(layer):
    return {
        name: (tensor.dtype, cases.to_numpy(tensor).tobytes())
        for name, tensor in layer.named_buffers()
        if name not in ("transform", "bias")
    }


@pytest.mark.parametrize("config", cases.CONFIGS)
def test_dtype_immunity(config):
    layer = cases.make_layer(config, 128, 24)
    before = buffers(layer)
    assert len(before) == 5
    for change in (
        lambda m: m.to(torch.bfloat16),
        lambda m: m.half(),
        lambda m: m.double().float(),
        lambda m: torch.nn.Sequential(m).to("cpu", torch.float16)[0],
    ):
        assert change(layer) is layer and buffers(layer) == before
    assert layer.bias.dtype == torch.float16
    assert layer.transform is None or layer.transform.dtype == torch.float16
    # Mixed types are taken: the layer in f16, x in bf16 and f32.
    for dtype in (torch.bfloat16, torch.float32):
        assert layer(torch.ones(2, 128, dtype=dtype)).dtype == dtype


def test_meta_device():
    layer = QuantLinear(64, 24, device="meta", scale_dtype=torch.float8_e4m3fn,
                        group_size=16)  # fmt: skip
    assert layer.e2m1.is_meta and layer.weight_global_scale.is_meta
    assert layer(torch.empty(3, 64, device="meta")).shape == (3, 24)
    moved = cases.make_layer("nvfp4-differing", 64, 24).to("meta")
    assert moved.scale_quant.is_meta
    assert moved.scale_quant.dtype == torch.float8_e4m3fn
    full = cases.make_layer("nvfp4-differing", 64, 24)
    full.bias = None
    for assign in (False, True):
        layer = QuantLinear(64, 24, device="meta")
        layer.load_state_dict(full.state_dict(), assign=assign)
        x = torch.randn(3, 64, generator=cases.seeded(7))
        assert torch.equal(layer(x), full(x))
    with torch.device("meta"):
        assert QuantLinear(64, 24).e2m1.is_meta


def test_constructor_of_linear():
    """QuantLinear takes what torch.nn.Linear takes."""
    layer = QuantLinear(64, 24, True, "cpu", torch.bfloat16)
    assert layer.bias is None and layer.format == "mxfp4"
    assert torch.equal(layer(torch.ones(2, 64)), torch.zeros(2, 24))
    layer = QuantLinear(64, 24, bias=torch.ones(24), dtype=torch.bfloat16)
    assert layer.bias.dtype == torch.bfloat16
    assert torch.equal(layer(torch.ones(2, 64)), torch.ones(2, 24))
    # The scales: the weight's is inherited.
    layer = QuantLinear(64, 24, weight_global_scale=0.25)
    assert float(layer.activation_global_scale) == 0.25
    assert float(layer.activation_scale_scale) == 1.0
    for scale in ("weight", "activation"):
        value = getattr(layer, f"{scale}_global_scale")
        assert value.shape == () and value.dtype == torch.float32


def test_bias_is_rounded_once():
    layer = cases.make_layer("mxfp4-none", 64, 24).to(torch.bfloat16)
    x = torch.randn(5, 64, generator=cases.seeded(8)).to(torch.bfloat16)
    codes, scales, gs = cases.expected_operand(layer, x.float().numpy())
    bad = products.matmul_outside(
        layer(x).view(torch.uint16).numpy().view("bfloat16"), codes, scales,
        *cases.weight_operands(layer), "e8m0", gs * gs,
        layer.bias.float().numpy(),
    )  # fmt: skip
    assert not bad.any()


def test_dynamic_global_scale():
    layer = QuantLinear.from_linear(cases.make_linear(64, 24), "nvfp4")
    assert float(layer.activation_global_scale) == 0
    for factor in (1.0, 1000.0):
        x = factor * torch.randn(5, 64, generator=cases.seeded(9))
        y = layer(x)
        assert not cases.outside(layer, x.numpy(), y.numpy()).any()
    loaded = QuantLinear()
    loaded.load_state_dict(layer.state_dict())
    assert torch.equal(loaded(x), y)


@pytest.mark.parametrize("alias", _backends.ALIASES)
def test_older_names(alias):
    layer = cases.make_layer("mxfp4-none", 64, 24)
    x = torch.randn(5, 64, generator=cases.seeded(10))
    want = layer(x)
    layer.quant_backend = layer.matmul_backend = alias
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.equal(layer(x), want)


def test_unavailable_back_end_warns_once(run_python):
    code = """
import torch, warnings
from fp4q.torch import QuantLinear
layer = QuantLinear.from_linear(
    torch.nn.Linear(64, 8), quant_backend="gpu-native", matmul_backend="cuda"
)
other = QuantLinear.from_linear(
    torch.nn.Linear(64, 16), quant_backend="gpu-native"
)
for _ in range(3):
    layer(torch.ones(2, 64)), other(torch.ones(2, 64))
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    for name in ("quant_backend", "matmul_backend"):
        text = f"{name} 'gpu-native' is not available: "
        assert done.stderr.count(text) == 1, done.stderr


def test_views_and_non_contiguous_inputs():
    layer = cases.make_layer("mxfp4-shared", 64, 24)
    x = torch.randn(6, 5, 128, generator=cases.seeded(11))
    for view in (x[::2, :, :64], x[..., ::2], x.transpose(0, 1)[..., 64:]):
        assert not view.is_contiguous()
        assert torch.equal(layer(view), layer(view.contiguous()))


def test_inference_only():
    layer = cases.make_layer("mxfp4-none", 64, 24)
    x = torch.randn(5, 64, requires_grad=True)
    y = layer(x)  # no error as long as nobody asks for a gradient
    with pytest.raises(RuntimeError, match="are for inference: they have no"):
        y.sum().backward()
    assert not list(layer.parameters())
    with torch.inference_mode():
        assert torch.equal(layer(x), y)


def test_a_part_on_the_host(monkeypatch):
    """What a layer on a GPU does if one of its back ends is the reference: a
    function for each role."""
    from fp4q.torch import _custom_ops

    monkeypatch.setattr(_custom_ops, "_host_roles", lambda *_: (True, False))
    for config in ("mxfp4-shared", "nvfp4-differing"):
        layer = cases.make_layer(config, 64, 24)
        x = torch.randn(2, 3, 64, generator=cases.seeded(12))
        y = layer(x)
        assert y.shape == (2, 3, 24)
        assert not cases.outside(layer, x.numpy(), y.numpy()).any()


@pytest.mark.parametrize("config", ["mxfp4-none", "nvfp4-differing"])
def test_back_ends_are_independent(config):
    """Any quantizer with any product: the same bits as with the same product
    and another quantizer; and each is what the compiler is asked for."""
    layer = cases.make_layer(config, 256, 24)
    x = torch.randn(5, 256, generator=cases.seeded(13))
    for matmul in available("matmul"):
        results = []
        for quant in available("quantize"):
            layer.quant_backend, layer.matmul_backend = quant, matmul
            results.append(layer(x))
            text = layer.mlir(torch.float32)
            requests = {
                line.split("fp4q.")[1].split()[0]: f'#fp4q.backend<"{name}">'
                for line in text.splitlines()
                for name in (quant, matmul)
                if f'fp4q.backend = #fp4q.backend<"{name}">' in line
            }
            assert requests == {
                "quantize_pack": f'#fp4q.backend<"{quant}">',
                "scaled_matmul": f'#fp4q.backend<"{matmul}">',
            }
        assert all(torch.equal(y, results[0]) for y in results)
