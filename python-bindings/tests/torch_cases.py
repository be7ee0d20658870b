# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers for the tests of fp4q.torch, and what they must compute."""

import fp4q_oracle as oracle
import fp4q_oracle_products as products
import numpy as np
import torch
from fp4q.torch import QuantLinear

KINDS = {"mxfp4": "e8m0", "nvfp4": "e4m3"}
GROUPS = {"mxfp4": 32, "nvfp4": 16}

# (format, transform, weight_global_scale, activation_global_scale)
CONFIGS = {
    "mxfp4-per-block": ("mxfp4", "per-block", None, None),
    "mxfp4-shared": ("mxfp4", "shared", None, None),
    "mxfp4-none": ("mxfp4", "none", None, None),
    "nvfp4-per-block": ("nvfp4", "per-block", 0.02, 0.02),
    "nvfp4-shared": ("nvfp4", "shared", 0.02, 0.02),
    "nvfp4-differing": ("nvfp4", "none", 0.011, 0.03),
}


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def orthogonal(shape, seed=0):
    return torch.linalg.qr(torch.randn(shape, generator=seeded(seed)))[0]


def make_linear(columns, outputs, seed=1, bias=True):
    linear = torch.nn.Linear(columns, outputs, bias=bias)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(seed)))
    return linear


def make_layer(config, columns, outputs, **options):
    fmt, blocks, weight_scale, activation_scale = CONFIGS[config]
    group = GROUPS[fmt]
    transform = {
        "none": None,
        "shared": (group, group),
        "per-block": (columns // group, group, group),
    }[blocks]
    if transform is not None:
        transform = orthogonal(transform)
    return QuantLinear.from_linear(
        make_linear(columns, outputs), fmt, transform,
        weight_global_scale=weight_scale,
        activation_global_scale=activation_scale, **options,
    )  # fmt: skip


def to_numpy(tensor):
    """Bits of 8-bit types, values of others."""
    tensor = tensor.detach()
    if tensor.dtype.itemsize == 1:
        return tensor.view(torch.uint8).numpy()
    return tensor.float().numpy()


def weight_operands(layer):
    return to_numpy(layer.e2m1), to_numpy(layer.scale_quant)


def expected_operand(layer, x):
    """(codes, scales, global scale) of x (..., K) f32, with the transform in
    the order of the reference path."""
    rows = x.reshape(-1, x.shape[-1])
    if layer.transform is not None:
        rows = products.transform_chain(rows, to_numpy(layer.transform))
    kind = KINDS[layer.format]
    gs = np.float32(layer.activation_global_scale)
    if gs == 0:
        gs = oracle.global_scale(rows)
    ss = float(layer.activation_scale_scale)
    return (*oracle.quantize(rows, layer.group_size, kind, gs, ss), gs)


def outside(layer, x, y):
    """Where y = layer(x), f32, is outside the bound of docs/numerics.md for the
    operands of the reference path."""
    codes, scales, gs = expected_operand(layer, x)
    alpha = gs * np.float32(layer.weight_global_scale)
    bias = None if layer.bias is None else to_numpy(layer.bias)
    return products.matmul_outside(
        y.reshape(-1, y.shape[-1]), codes, scales, *weight_operands(layer),
        KINDS[layer.format], alpha, bias,
    )  # fmt: skip


def exact_product(layer, codes, scales, gs):
    """The f64 product of quantized operands, with the bias."""
    kind = KINDS[layer.format]
    a = products.decode_f64(codes, scales, kind)
    b = products.decode_f64(*weight_operands(layer), kind)
    alpha = float(gs) * float(layer.weight_global_scale)
    y = alpha * (a @ b.T)
    return y if layer.bias is None else y + to_numpy(layer.bias)


def relative_error(actual, exact):
    exact = exact.reshape(actual.shape)
    return np.linalg.norm(actual - exact) / np.linalg.norm(exact)
