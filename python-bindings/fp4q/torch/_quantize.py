# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole models: quantize_ swaps their linear layers, calibrate sets constants."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch

from .. import _arrays, _backends, _ops
from .._quantized import GROUPS, check_format
from ._linear import QuantLinear


@dataclasses.dataclass(frozen=True)
class Config:
    """How quantize_ quantizes; the fields are those of
    QuantLinear.from_linear. transform may also be a function from the linear
    layer to its transform."""

    format: str = "mxfp4"
    group_size: int | None = None
    transform: torch.Tensor | Callable[[torch.nn.Linear], Any] | None = None
    activation_global_scale: Any = None
    quant_backend: str | None = None
    matmul_backend: str | None = None

    def quantize(self, linear: torch.nn.Linear) -> QuantLinear:
        transform = self.transform
        if callable(transform) and not torch.is_tensor(transform):
            transform = transform(linear)
        return QuantLinear.from_linear(
            linear, self.format, transform, group_size=self.group_size,
            activation_global_scale=self.activation_global_scale,
            quant_backend=self.quant_backend,
            matmul_backend=self.matmul_backend,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """One layer: bytes of its weights before and after, and how far the
    decoded weights are from the given ones, relative, in the Frobenius norm."""

    name: str
    out_features: int
    in_features: int
    bytes_before: int
    bytes_after: int
    relative_error: float


@dataclasses.dataclass(frozen=True)
class Report:
    """What quantize_ did; its text is a table."""

    layers: list[LayerReport]
    skipped: dict[str, str]  # name -> why

    @property
    def bytes_before(self) -> int:
        return sum(layer.bytes_before for layer in self.layers)

    @property
    def bytes_after(self) -> int:
        return sum(layer.bytes_after for layer in self.layers)

    def __str__(self) -> str:
        width = max([len(layer.name) for layer in self.layers] + [5])
        lines = [
            f"{'layer':{width}}  {'shape':>13}  {'before':>10}  "
            f"{'after':>10}  error"
        ]
        for layer in self.layers:
            shape = f"{layer.out_features} x {layer.in_features}"
            lines.append(
                f"{layer.name:{width}}  {shape:>13}  "
                f"{layer.bytes_before:>10}  {layer.bytes_after:>10}  "
                f"{layer.relative_error:.4f}"
            )
        for name, reason in self.skipped.items():
            lines.append(f"{name:{width}}  not quantized: {reason}")
        lines.append(
            f"{len(self.layers)} layers, {self.bytes_before / 1e6:.1f} MB "
            f"before, {self.bytes_after / 1e6:.1f} MB after"
        )
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike) -> None:
        """Draws sizes and errors by layer into a file."""
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure, (errors, sizes) = plt.subplots(
            2, 1, sharex=True, figsize=(10, 6)
        )
        places = range(len(self.layers))
        errors.bar(places, [layer.relative_error for layer in self.layers])
        errors.set_ylabel("relative error of the weights")
        before = [layer.bytes_before / 1e6 for layer in self.layers]
        after = [layer.bytes_after / 1e6 for layer in self.layers]
        sizes.bar(places, before, label="before")
        sizes.bar(places, after, label="after")
        sizes.set(ylabel="MB", xlabel="layer")
        sizes.set_xticks(
            places, [layer.name for layer in self.layers], rotation=90,
            fontsize=5,
        )  # fmt: skip
        sizes.legend()
        figure.tight_layout()
        figure.savefig(path, dpi=110)
        plt.close(figure)


class _Progress:
    """A line on standard error that counts, once a second has passed."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._start, self._shown = time.monotonic(), False

    def step(self) -> None:
        self._done += 1
        elapsed = time.monotonic() - self._start
        if elapsed < 1 or self._total < 2:
            return
        filled = 24 * self._done // self._total
        bar = "#" * filled + "." * (24 - filled)
        end = "\r" if sys.stderr.isatty() else "\n"
        due = sys.stderr.isatty() or not self._shown
        if due or self._done == self._total:
            print(
                f"fp4q: {self._what} [{bar}] {self._done}/{self._total} "
                f"{elapsed:.0f} s", end=end, file=sys.stderr, flush=True,
            )  # fmt: skip
        self._shown = True

    def close(self) -> None:
        if self._shown and sys.stderr.isatty():
            print(file=sys.stderr)


def _tied(model: torch.nn.Module) -> set[int]:
    """The parameters that have several owners, such as an embedding that is
    also the output layer."""
    seen: dict[int, int] = {}
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None:
                seen[id(parameter)] = seen.get(id(parameter), 0) + 1
    return {key for key, count in seen.items() if count > 1}


def _why_not(
    name: str, linear: torch.nn.Linear, group: int, tied: set[int]
) -> str:
    """Why a layer stays as it is if nobody asks for it; "" if it does not."""
    if name.rpartition(".")[2] == "lm_head":
        return "the output layer of a language model"
    if id(linear.weight) in tied:
        return "its weight is tied to another layer"
    if linear.in_features == 0 or linear.in_features % group:
        return f"in_features {linear.in_features} is no multiple of {group}"
    if linear.weight.dtype not in (
        torch.float32,
        torch.float16,
        torch.bfloat16,
    ):
        return f"its weight is {linear.weight.dtype}"
    return ""


def _layer_report(
    name: str, linear: torch.nn.Linear, layer: QuantLinear, config: Config
) -> LayerReport:
    weight = linear.weight.detach()
    error = float("nan")
    if layer.transform is None:
        exact = weight.float()
        difference = layer.weight - exact
        norm = float(exact.norm())
        error = float(difference.norm()) / norm if norm else 0.0
    return LayerReport(
        name, layer.out_features, layer.in_features,
        weight.nbytes, layer.e2m1.nbytes + layer.scale_quant.nbytes, error,
    )  # fmt: skip


def prepare(layers: Iterable[tuple[QuantLinear, torch.dtype]]) -> None:
    """Compiles what the layers need, each kind once, several at a time."""
    kinds: dict[Any, tuple[QuantLinear, torch.dtype]] = {}
    for layer, dtype in layers:
        key = (
            layer.e2m1.shape, layer.scale_quant.shape,
            layer.scale_quant.dtype, dtype, layer._is_dynamic,
            None if layer.transform is None
            else (layer.transform.shape, layer.transform.dtype),
            None if layer.bias is None else layer.bias.dtype,
            layer.quant_backend, layer.matmul_backend, layer.e2m1.device,
        )  # fmt: skip
        kinds.setdefault(key, (layer, dtype))
    progress = _Progress("compiling", len(kinds))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [
            pool.submit(layer.prepare, dtype) for layer, dtype in kinds.values()
        ]
        for future in concurrent.futures.as_completed(running):
            future.result()
            progress.step()
    progress.close()


def quantize_(
    model: torch.nn.Module,
    config: Config | str = "mxfp4",
    filter_fn: Callable[[torch.nn.Module, str], bool] | None = None,
) -> Report:
    """Replaces the linear layers of a model, in place, by FP4 ones.

    config: a Config, or just the name of a format. filter_fn(module, name)
    says which of the torch.nn.Linear to replace; without it, all but those
    called lm_head, those whose weight is shared with another module, and those
    whose in_features is no multiple of the group. Activations of nvfp4 get
    dynamic global scales unless the config says otherwise; see calibrate.

    Compiles the layers for activations of the type of the weights. Raises
    ValueError or TypeError, with the name of the layer, if one that filter_fn
    chose cannot be quantized; the model is then as it was.
    """
    if isinstance(config, str):
        config = Config(config)
    check_format(config.format)
    group = config.group_size or GROUPS[config.format]
    tied = _tied(model)
    chosen, skipped = {}, {}
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear):
            continue
        if filter_fn is not None:
            if filter_fn(module, name):
                chosen[name] = module
            continue
        reason = _why_not(name, module, group, tied)
        if reason:
            skipped[name] = reason
        else:
            chosen[name] = module
    if "" in chosen:
        raise ValueError(
            "model is itself a linear layer, which cannot be replaced in "
            "place; use QuantLinear.from_linear"
        )
    progress = _Progress("quantizing", len(chosen))
    layers, reports = {}, []
    for name, module in chosen.items():
        try:
            layers[name] = config.quantize(module)
        except (TypeError, ValueError) as error:
            raise type(error)(f"layer '{name}': {error}") from error
        reports.append(_layer_report(name, module, layers[name], config))
        progress.step()
    progress.close()
    prepare(
        (layers[name], module.weight.dtype) for name, module in chosen.items()
    )
    for name, layer in layers.items():
        layer.train(chosen[name].training)
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer)
    return Report(reports, skipped)


def best_device() -> str:
    """"cuda" if PyTorch has a GPU that fp4q has code for, else "cpu"."""
    if not torch.cuda.is_available():
        return "cpu"
    try:
        _backends.target_of(torch.cuda.current_device())
    except RuntimeError:
        return "cpu"
    return "cuda"


def calibrate(
    model: torch.nn.Module,
    batches: Iterable[Any],
    run: Callable[[torch.nn.Module, Any], Any] | None = None,
) -> dict[str, float]:
    """Sets the activations' global scales of the nvfp4 layers to the largest
    amax / 2688 that occurs in the batches; returns them by layer.

    run(model, batch) calls the model; without it, a dict is passed as keyword
    arguments, a tuple or list as arguments, anything else as the only one.
    """
    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, QuantLinear) and module.format == "nvfp4"
    }
    if not layers:
        raise ValueError("model has no nvfp4 layers to calibrate")
    largest: dict[str, torch.Tensor] = {}

    def record(name: str) -> Callable:
        def hook(layer: QuantLinear, args: tuple) -> None:
            (x, *_) = args
            if x.numel() == 0:
                return
            transform = layer.transform
            if transform is not None:
                transform = transform.float()
            scale = _ops.global_scale(_arrays.contiguous(x), transform)
            if name in largest:
                scale = torch.maximum(scale, largest[name])
            largest[name] = scale

        return hook

    handles = [
        layer.register_forward_pre_hook(record(name))
        for name, layer in layers.items()
    ]
    try:
        with torch.no_grad():
            for batch in batches:
                if run is not None:
                    run(model, batch)
                elif isinstance(batch, dict):
                    model(**batch)
                elif isinstance(batch, (tuple, list)):
                    model(*batch)
                else:
                    model(batch)
    finally:
        for handle in handles:
            handle.remove()
    if not largest:
        raise ValueError("batches reached none of the nvfp4 layers")
    constants = {name: float(scale) for name, scale in largest.items()}
    for name, value in constants.items():
        _ops.check_scale(value, f"the global scale of layer '{name}'")
    for name, value in constants.items():
        layers[name].set_activation_global_scale(value)
    return constants
