# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fp4q.torch on CUDA tensors, with FP4Q_TEST_DEVICE=gpu. With FP4Q_TEST_PREPARE
the tests run on CPU tensors, and all that they call is compiled for the simulator's
chip too: that fills the cache for a machine without the compiler."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import numpy as np  # noqa: E402
import torch_cases as cases  # noqa: E402
from conftest import ON_SIMULATOR, PREPARING  # noqa: E402
from fp4q import _ops  # noqa: E402
from fp4q.torch import Config, QuantLinear, calibrate, quantize_  # noqa: E402

if ON_SIMULATOR and not PREPARING:
    pytest.skip("no CUDA tensors here", allow_module_level=True)

pytestmark = pytest.mark.gpu

DEVICE = "cpu" if ON_SIMULATOR else "cuda"
LEADS = [(3, 17)] if ON_SIMULATOR else [(4, 128), (3, 17)]
OUTPUTS, COLUMNS = 512, 2048
needs_cuda = pytest.mark.skipif(
    ON_SIMULATOR, reason="FP4Q_TEST_DEVICE is not gpu: no CUDA tensors"
)


@pytest.fixture(autouse=True)
def compile_for_the_gpu_too(monkeypatch):
    if not ON_SIMULATOR:
        if not torch.cuda.is_available():
            pytest.skip("PyTorch finds no GPU")
        return
    plain = _ops.function

    def both(builder, *parameters, device=-1):
        plain(builder, *parameters, device=0)
        return plain(builder, *parameters, device=device)

    monkeypatch.setattr(_ops, "function", both)
    from fp4q.torch import _custom_ops

    monkeypatch.setattr(_custom_ops, "_functions", {})


def random(*shape, seed=1, dtype=torch.float32):
    return torch.randn(shape, generator=cases.seeded(seed)).to(DEVICE, dtype)


def bits(tensor):
    return cases.to_numpy(tensor.cpu())


@pytest.mark.parametrize("lead", LEADS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("config", cases.CONFIGS)
def test_layer(config, dtype, lead):
    """The seed's matrix: a layer that was quantized on the CPU."""
    here = cases.make_layer(config, COLUMNS, OUTPUTS)
    layer = cases.make_layer(config, COLUMNS, OUTPUTS).to(DEVICE)
    x = random(*lead, COLUMNS, dtype=getattr(torch, dtype))
    y = layer(x)
    assert y.shape == (*lead, OUTPUTS) and y.dtype == x.dtype
    assert y.device == x.device
    few, got = x[:, ::4].cpu(), y[:, ::4].cpu().float().numpy()
    operand = cases.expected_operand(here, few.float().numpy())
    exact = cases.exact_product(here, *operand)
    limit = 2e-2 if here.transform is None else 5e-2
    assert cases.relative_error(got, exact) < limit
    if dtype == "float32":
        assert not cases.outside(here, few.numpy(), got).any()


@pytest.mark.parametrize("fmt", ["mxfp4", "nvfp4"])
def test_quantize_where_the_weights_are(fmt):
    """Bit for bit what the CPU makes of them; and moved both ways."""
    linear = cases.make_linear(256, 24)
    here = QuantLinear.from_linear(linear, fmt)
    layer = QuantLinear.from_linear(linear.to(DEVICE), fmt)
    for name, buffer in layer.named_buffers():
        assert buffer.device.type == DEVICE, name
        assert (bits(buffer) == bits(here.get_buffer(name))).all(), name
    linear.to("cpu")
    x = random(5, 256, seed=2)
    y = layer(x)
    moved = layer.to("cpu").to(torch.bfloat16).to(DEVICE).to(torch.float32)
    assert moved.scale_quant.dtype == here.scale_quant.dtype
    moved.bias = here.bias.to(DEVICE)
    assert torch.equal(moved(x), y)
    empty = QuantLinear()
    empty.load_state_dict(moved.state_dict())
    assert torch.equal(empty.to(DEVICE)(x), y)


@pytest.mark.parametrize("fmt", ["mxfp4", "nvfp4"])
def test_operators(fmt):
    x, w = random(9, 64), random(24, 64, seed=3)
    ops = torch.ops.fp4q
    found = [ops.quantize(v, fmt) for v in (x, w)]
    for (codes, scales, gs), v in zip(found, (x, w)):
        want = ops.quantize(v.cpu(), fmt)
        assert torch.equal(codes.cpu(), want[0])
        assert (bits(scales) == bits(want[1])).all() and float(gs) == want[2]
        values = ops.dequantize(codes, scales, gs)
        assert torch.equal(values.cpu(), ops.dequantize(*want))
    (a, sa, ga), (b, sb, gb) = found
    y = ops.scaled_matmul(a, sa, b, sb, ga * gb)
    there = [v.cpu() for v in (a, sa, b, sb, ga * gb)]
    want = ops.scaled_matmul(*there)
    assert torch.allclose(y.cpu(), want, rtol=1e-5, atol=1e-5)


def test_models():
    """quantize_, calibrate, torch.compile: no graph per number of rows."""
    from torch._dynamo.testing import CompileCounterWithBackend

    torch._dynamo.reset()
    model = torch.nn.Sequential(
        cases.make_linear(64, 128), torch.nn.GELU(), cases.make_linear(128, 64)
    ).to(DEVICE)
    exact = model(random(7, 64)).detach()
    report = quantize_(model, Config("nvfp4"))
    assert len(report.layers) == 2
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(
        model, backend=counter, fullgraph=True, dynamic=True
    )
    with torch.no_grad():
        y = model(random(7, 64))
        assert 0 < float((y - exact).norm() / exact.norm()) < 0.3
        for rows in (7, 3, 20):
            x = random(rows, 64)
            assert torch.equal(compiled(x), model(x))
        assert counter.frame_count == 1
        constants = calibrate(model, [random(7, 64)])
        assert len(constants) == 2
        assert torch.allclose(model(random(7, 64)), y, rtol=1e-4, atol=1e-3)


@needs_cuda
def test_mixed_devices():
    layer = cases.make_layer("mxfp4-none", 64, 24).to(DEVICE)
    with pytest.raises(TypeError, match="x must be on cuda:0, as the layer"):
        layer(torch.ones(2, 64))


@needs_cuda
def test_current_stream_and_graphs():
    """A call works on the caller's stream and waits for nothing, so it can be
    captured."""
    layer = QuantLinear.from_linear(cases.make_linear(256, 24).to(DEVICE), "nvfp4")
    x, other = random(33, 256), random(33, 256, seed=5)
    want, want_other = layer(x), layer(other)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        late = torch.zeros_like(x)
        torch.cuda._sleep(100_000_000)
        late.copy_(x)  # after the sleep, so another stream would read zeros
        y = layer(late)
    stream.synchronize()
    assert torch.equal(y, want)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):
        layer(late)
    stream.synchronize()
    with torch.cuda.graph(graph, stream=stream):
        y = layer(late)
    for operand, result in ((other, want_other), (x, want)):
        late.copy_(operand)
        torch.cuda.synchronize()
        graph.replay()
        torch.cuda.synchronize()
        assert torch.equal(y, result)


def test_reference_on_the_host(monkeypatch):
    from fp4q.torch import _custom_ops

    layer = cases.make_layer("mxfp4-none", 64, 24)
    x = random(5, 64)
    layer.quant_backend = layer.matmul_backend = "reference"
    want = layer(x.cpu())
    if ON_SIMULATOR:  # the functions that the host calls for tensors on a GPU
        monkeypatch.setattr(_custom_ops, "_host_roles", lambda *_: (True, True))
        assert torch.equal(layer(x), want)
        return
    with pytest.warns(UserWarning, match="computes on the CPU"):
        y = layer.to(DEVICE)(x)
    assert y.is_cuda and np.array_equal(bits(y), bits(want))
