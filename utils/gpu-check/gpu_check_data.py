# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operands, and products in f64 with the bound of docs/numerics.md."""

import numpy as np

try:
    import torch
except ImportError:
    torch = None

def float_bits(values, element):
    """f32 values as an array of the element's storage: u2 for bf16."""
    values = np.asarray(values, np.float32)
    if element == "f32":
        return values
    if element == "f16":
        with np.errstate(over="ignore"):
            return values.astype(np.float16)
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    nan = np.isnan(values)
    return np.where(nan, 0x7FC0, rounded).astype(np.uint16)


def make_x(rng, m, k, element):
    """Rows of several kinds: ordinary, with ties, tiny, huge, with zeros and
    what is no number."""
    x = rng.standard_normal((m, k)).astype(np.float32)
    for row in range(m):
        kind = row % 6
        if kind == 1:
            x[row] = rng.integers(-24, 25, k) / 4
        elif kind == 2:
            x[row] *= np.float32(2.0) ** rng.integers(-30, 30, k)
        elif kind == 3:
            x[row, : k // 2] = 0
            x[row, rng.integers(0, k, k // 8)] *= -0.0
        elif kind == 4:
            x[row] *= np.float32(1e-38)
        elif kind == 5 and row % 12 == 5:
            x[row, rng.integers(0, k)] = np.nan
            x[row, rng.integers(0, k)] = np.inf
    return float_bits(x, element)


def make_scales(rng, shape, form):
    low, high = (118, 134) if form == "mx" else (0x20, 0x60)
    return rng.integers(low, high, shape, np.uint8)


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float64)
E2M1 = np.concatenate([E2M1, -E2M1])


def scale_values(form):
    """The value of each scale byte."""
    b = np.arange(256)
    if form == "mx":
        values = 2.0 ** (b - 127.0)
        values[255] = np.nan
        return values
    exponent, fraction = (b >> 3) & 15, b & 7
    values = np.where(
        exponent == 0, fraction * 2.0**-9,
        (8 + fraction) * 2.0 ** (exponent - 10.0),
    )  # fmt: skip
    values[(b & 0x7F) == 0x7F] = np.nan
    return np.where(b >= 128, -values, values)


def decode(codes, scales, form, group):
    """f64 values on the best device there is."""
    if torch is not None and torch.cuda.is_available():
        codes = torch.from_numpy(codes).cuda().long()
        pairs = torch.stack((codes & 15, codes >> 4), -1).flatten(-2)
        table = torch.from_numpy(E2M1).cuda()
        s = torch.from_numpy(scale_values(form)).cuda()[
            torch.from_numpy(scales).cuda().long()
        ]
        return table[pairs] * s.repeat_interleave(group, -1)
    pairs = np.stack((codes & 15, codes >> 4), -1)
    pairs = pairs.reshape(codes.shape[0], 2 * codes.shape[1])
    return E2M1[pairs] * np.repeat(scale_values(form)[scales], group, -1)


def to_f64(array, element):
    if element == "bf16":
        return (array.astype(np.uint32) << 16).view(np.float32).astype(float)
    return array.astype(np.float64)


def half_ulp(values, element):
    """Half a unit in the last place of the result type."""
    bits, least = {"bf16": (8, -133), "f16": (11, -24), "f32": (24, -149)}[
        element
    ]
    exponent = np.floor(np.log2(np.maximum(np.abs(values), 1e-300)))
    return 2.0 ** np.maximum(exponent - bits, least - 1.0)


def outside(actual, case, a, sa, b, sb, alpha, bias):
    """How many elements are outside the bound, and the worst share of it."""
    left = decode(a, sa, case.form, case.group)
    right = decode(b, sb, case.form, case.group)
    product, size = left @ right.T, abs(left) @ abs(right).T
    if not isinstance(product, np.ndarray):
        product, size = product.cpu().numpy(), size.cpu().numpy()
    alpha = np.float64(1) if alpha is None else alpha.astype(np.float64)
    bias = np.float64(0) if bias is None else bias.astype(np.float64)
    expected = product * alpha + bias
    actual = to_f64(actual, case.element)
    bound = (case.k + 2) * 2.0**-23 * (np.abs(alpha) * size + np.abs(bias))
    bound = bound + half_ulp(
        np.maximum(np.abs(actual), np.abs(expected)), case.element
    )
    error = np.abs(actual - expected)
    bad = ~(error <= bound)
    if case.element == "f16":  # Overflow gives Inf.
        bad &= ~(np.isinf(actual) & (np.abs(expected) > 65500))
    share = np.nanmax(error / bound) if error.size else 0.0
    return int(bad.sum()), float(share)
