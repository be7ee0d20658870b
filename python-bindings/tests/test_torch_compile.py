# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torch.compile, torch.export, and everything that stores a layer."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import safetensors.torch  # noqa: E402
import torch_cases as cases  # noqa: E402
from fp4q.torch import QuantLinear  # noqa: E402

CONFIGS = ("mxfp4-per-block", "nvfp4-differing", "dynamic")


@pytest.fixture(params=CONFIGS)
def layer(request):
    if request.param == "dynamic":
        return QuantLinear.from_linear(cases.make_linear(64, 24), "nvfp4")
    return cases.make_layer(request.param, 64, 24)


@pytest.fixture
def x():
    return torch.randn(3, 5, 64, generator=cases.seeded(1))


@pytest.fixture(autouse=True)
def forget_compiled_code():
    torch._dynamo.reset()


class Block(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.norm = torch.nn.LayerNorm(64)
        self.layer = layer

    def forward(self, x):
        return torch.nn.functional.gelu(self.layer(self.norm(x))) * 2


@pytest.mark.parametrize("how", ["automatic", "dynamic", "unbacked"])
def test_compile_without_breaks_and_recompilations(how):
    """As torch.nn.Linear: torch itself compiles again for 0 and for 1 row,
    unless the dimension is marked as unbacked. (With dynamic=True it would also
    begin anew because of the number eps of a LayerNorm.)"""
    from torch._dynamo.testing import CompileCounterWithBackend

    layer = QuantLinear.from_linear(cases.make_linear(64, 24), "nvfp4")
    counter = CompileCounterWithBackend("aot_eager")
    model = torch.nn.Sequential(layer, torch.nn.GELU()).eval()
    compiled = torch.compile(
        model, backend=counter, fullgraph=True,
        dynamic=True if how == "dynamic" else None,
    )  # fmt: skip
    counts = []
    with torch.no_grad():
        for rows in (4, 3, 9, 17, 2, 100, 1, 0, 5):
            x = torch.randn(rows, 64, generator=cases.seeded(rows))
            if how == "unbacked":
                torch._dynamo.decorators.mark_unbacked(x, 0)
            assert torch.equal(compiled(x), model(x))
            counts.append(counter.frame_count)
    assert counts == {
        # The first number of rows, and one code for all that follow.
        "automatic": [1, 2, 2, 2, 2, 2, 3, 4, 4],
        "dynamic": [1, 1, 1, 1, 1, 1, 2, 3, 3],
        "unbacked": [1] * 9,
    }[how]


def test_compile_with_inductor(x):
    """Down to machine code round the layer."""
    layer = cases.make_layer("mxfp4-per-block", 64, 24)
    model = Block(layer).eval()
    with torch.no_grad():
        compiled = torch.compile(model, fullgraph=True, dynamic=True)
        assert torch.allclose(compiled(x), model(x), rtol=1e-5, atol=1e-5)


def test_compile_with_gradients_on(x):
    """Compiling is no error where nobody asks for a gradient."""
    layer = cases.make_layer("mxfp4-none", 64, 24)
    model = Block(layer)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    y = compiled(x)
    assert torch.equal(y, model(x))
    with pytest.raises(RuntimeError, match="are for inference"):
        y.sum().backward()


def test_export(layer, x):
    model = Block(layer).eval()
    rows = torch.export.Dim("rows")
    with torch.no_grad():
        program = torch.export.export(
            model, (x,), dynamic_shapes=({0: rows},), strict=True
        )
        names = [str(node.target) for node in program.graph.nodes]
        assert "fp4q.linear.default" in names
        module = program.module()
        for lead in (3, 7):
            x = torch.randn(lead, 5, 64, generator=cases.seeded(lead))
            assert torch.equal(module(x), model(x))
        file = io.BytesIO()
        torch.export.save(program, file)
        file.seek(0)
        loaded = torch.export.load(file).module()
        assert torch.equal(loaded(x), model(x))


def test_operator_is_well_behaved():
    """PyTorch's own checks of fake kernel and autograd; that of the schema
    compares arguments, which it cannot do in e8m0."""
    layer = cases.make_layer("mxfp4-shared", 64, 24)
    x = torch.randn(3, 5, 64)
    operands = (
        x, layer.e2m1, layer.scale_quant, layer.weight_global_scale,
        layer.activation_global_scale, layer.activation_scale_scale,
        layer.transform, layer.bias, None, None,
    )  # fmt: skip
    results = torch.library.opcheck(
        torch.ops.fp4q.linear.default, operands,
        test_utils=("test_faketensor", "test_autograd_registration"),
    )  # fmt: skip
    assert set(results.values()) == {"SUCCESS"}


def same(a, b):
    """Equal buffers, types included."""
    left, right = dict(a.named_buffers()), dict(b.named_buffers())
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype
        and (cases.to_numpy(left[name]) == cases.to_numpy(right[name])).all()
        for name in left
    )


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "torch.save"])
def test_copies(layer, x, how):
    want = layer(x)
    if how == "deepcopy":
        copied = copy.deepcopy(layer)
    elif how == "pickle":
        copied = pickle.loads(pickle.dumps(layer))
    else:
        file = io.BytesIO()
        torch.save(layer, file)
        file.seek(0)
        copied = torch.load(file, weights_only=False)
    assert same(copied, layer)
    copied.e2m1 += 1  # of its own
    assert torch.equal(layer(x), want)
    copied.e2m1 -= 1
    assert torch.equal(copied(x), want)


def test_state_dict_files(layer, x, tmp_path):
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    loaded = QuantLinear()
    loaded.load_state_dict(torch.load(tmp_path / "layer.pt"))
    assert torch.equal(loaded(x), layer(x))
    model = torch.nn.Sequential(layer)
    safetensors.torch.save_file(
        model.state_dict(), tmp_path / "model.safetensors"
    )
    loaded = torch.nn.Sequential(QuantLinear())
    loaded.load_state_dict(
        safetensors.torch.load_file(tmp_path / "model.safetensors")
    )
    assert torch.equal(loaded(x), layer(x)) and same(loaded, model)
