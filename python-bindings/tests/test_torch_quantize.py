# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""quantize_ and calibrate on whole models."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import fp4q_oracle as oracle  # noqa: E402
import numpy as np  # noqa: E402
import torch_cases as cases  # noqa: E402
from fp4q.torch import Config, QuantLinear, calibrate, quantize_  # noqa: E402

nn = torch.nn


class Model(nn.Module):
    """Layers of every kind that quantize_ has an opinion on."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(16, 64)
        self.up = nn.Linear(64, 128)
        self.down = nn.Sequential(nn.GELU(), nn.Linear(128, 64))
        self.odd = nn.Linear(64, 24, bias=False)
        self.odder = nn.Linear(24, 64)
        self.tied = nn.Linear(64, 16, bias=False)
        self.tied.weight = self.embedding.weight
        self.lm_head = nn.Linear(64, 32)

    def forward(self, ids):
        x = self.embedding(ids)
        x = x + self.down(self.up(x))
        x = x + self.odder(self.odd(x))
        return self.tied(x), self.lm_head(x)


@pytest.fixture
def model():
    torch.manual_seed(3)
    return Model()


IDS = torch.arange(16).reshape(2, 8)


@pytest.mark.parametrize("fmt", ["mxfp4", "nvfp4"])
def test_quantize(model, fmt, tmp_path):
    want = model(IDS)
    weights = {n: m.weight for n, m in model.named_modules() if n in ("up", "odd")}
    report = quantize_(model, fmt)
    assert [layer.name for layer in report.layers] == ["up", "down.1", "odd"]
    for name in ("up", "odd"):
        assert isinstance(model.get_submodule(name), QuantLinear)
    assert model.odd.bias is None and model.up.bias is not None
    assert report.skipped == {
        "odder": f"in_features 24 is no multiple of {cases.GROUPS[fmt]}",
        "tied": "its weight is tied to another layer",
        "lm_head": "the output layer of a language model",
    }
    for got, exact in zip(model(IDS), want):
        assert 0 < float((got - exact).norm() / exact.norm()) < 0.3
    first = report.layers[0]
    size = 128 * 64
    assert (first.out_features, first.in_features) == (128, 64)
    assert first.bytes_before == 4 * size
    assert first.bytes_after == size // 2 + size // cases.GROUPS[fmt]
    weight = weights["up"].detach()
    exact = float((model.up.weight - weight).norm() / weight.norm())
    assert first.relative_error == pytest.approx(exact, rel=1e-6)
    text = str(report)
    assert "128 x 64" in text and "lm_head" in text
    assert text.splitlines()[-1].startswith("3 layers, 0.1 MB before, 0.0 MB")
    report.plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_filter_and_config(model):
    report = quantize_(
        model,
        Config(
            "nvfp4",
            transform=lambda linear: cases.orthogonal((16, 16)),
            activation_global_scale=0.01,
        ),
        lambda module, name: name in ("lm_head", "tied"),
    )
    assert [layer.name for layer in report.layers] == ["tied", "lm_head"]
    assert not report.skipped and isinstance(model.up, nn.Linear)
    assert model.lm_head.transform.shape == (16, 16)
    assert float(model.tied.activation_global_scale) == np.float32(0.01)
    # The embedding keeps what it shared.
    assert model.embedding.weight.shape == (16, 64)


def test_errors_leave_the_model_alone(model):
    before = dict(model.named_modules())
    with pytest.raises(ValueError, match="layer 'odder': .*multiple.* but is 24"):
        quantize_(model, "mxfp4", lambda module, name: True)
    with pytest.raises(ValueError, match="format must be 'mxfp4' or 'nvfp4'"):
        quantize_(model, "fp4")
    with pytest.raises(ValueError, match="is itself a linear layer"):
        quantize_(nn.Linear(64, 64))
    assert dict(model.named_modules()) == before


def test_each_kind_is_compiled_once(monkeypatch):
    """24 layers of two kinds are two compilations."""
    from fp4q import _ops
    from fp4q.torch import _custom_ops

    compiled = []

    def count(source, name, target, pipeline=""):
        if name == "<linear>":
            compiled.append(source)
        return original(source, name, target, pipeline)

    original = _ops.compile_bytes
    monkeypatch.setattr(_ops, "compile_bytes", count)
    monkeypatch.setattr(_ops, "_functions", {})
    monkeypatch.setattr(_custom_ops, "_functions", {})
    model = nn.Sequential(
        *[nn.Sequential(nn.Linear(96, 48), nn.Linear(48, 96)) for _ in range(12)]
    )
    quantize_(model, "nvfp4")
    assert len(compiled) == 2
    for rows in (1, 5):
        model(torch.ones(rows, 96))
    assert len(compiled) == 2


def test_calibrate(model):
    quantize_(model, "nvfp4")
    seen = []
    handle = model.up.register_forward_pre_hook(
        lambda layer, args: seen.append(args[0].detach())
    )
    batches = [IDS, (IDS[:1],), {"ids": IDS[1:]}]
    want = model(IDS)
    seen.clear()
    constants = calibrate(model, batches)
    handle.remove()
    assert sorted(constants) == ["down.1", "odd", "up"]
    expected = max(oracle.global_scale(x.numpy()) for x in seen)
    assert constants["up"] == expected
    assert float(model.up.activation_global_scale) == expected
    # All of IDS was among the batches, so the constants are those of IDS.
    for got, dynamic in zip(model(IDS), want):
        assert torch.equal(got, dynamic)
    model.up.set_activation_global_scale("dynamic")
    assert float(model.up.activation_global_scale) == 0


def test_calibrate_with_a_transform_and_a_runner():
    layer = cases.make_layer("nvfp4-shared", 64, 8)
    model = nn.Sequential(layer)
    x = torch.randn(5, 64, generator=cases.seeded(4))
    constants = calibrate(model, [x], run=lambda m, batch: m(batch))
    import fp4q_oracle_products as products

    rows = products.transform_chain(x.numpy(), layer.transform.numpy())
    assert constants == {"0": float(oracle.global_scale(rows))}


def test_calibrate_errors(model):
    with pytest.raises(ValueError, match="no nvfp4 layers"):
        calibrate(model, [IDS])
    quantize_(model, "nvfp4")
    with pytest.raises(ValueError, match="reached none"):
        calibrate(model, [])
    x = torch.full((1, 64), float("nan"))
    with pytest.raises(ValueError, match="layer 'up' must be finite"):
        calibrate(model, [x], run=lambda m, batch: m.up(batch))


def test_progress(capsys, monkeypatch):
    """A line once a second has passed, and none before."""
    from fp4q.torch import _quantize

    progress = _quantize._Progress("compiling", 3)
    progress.step()
    assert capsys.readouterr().err == ""
    progress._start -= 2
    progress.step()
    progress.step()
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "compiling" in lines[0] and "3/3" in lines[1]
