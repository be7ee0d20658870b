# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle of docs/numerics.md for transforms and products.

Each is computed in f64, whose own rounding is far below the f32 bounds, and
comes with the bound of the law. The reference path's transform, one ascending
chain of f32 fused multiply-adds, is computed exactly as well.
"""

import numpy as np
from fp4q_oracle import (
    F32,
    decode_e2m1,
    decode_scale,
    encode_e2m1,
    encode_scale,
    nan_byte,
    unpack,
)

_UNIT = 2.0**-23

# Significand bits and least exponent of a normal number.
_FORMATS = {"bfloat16": (8, -126), "float16": (11, -14), "float32": (24, -126)}


# --- exact f32 arithmetic -----------------------------------------------------


def fma_f32(a, b, c):
    """a * b + c rounded once to f32, element by element.

    The f64 product of two f32 values is exact. The f64 sum is turned into the
    sum rounded to odd (its error comes from TwoSum), so that the last rounding,
    from 53 to at most 24 bits, sees on which side of a tie the exact sum is.
    """
    with np.errstate(all="ignore"):
        product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
        addend = np.asarray(c, np.float64)
        total = product + addend
        virtual = total - product
        error = (product - (total - virtual)) + (addend - virtual)
        bits = total.view(np.int64)
        inexact = np.isfinite(total) & (error != 0) & (bits & 1 == 0)
        away = (error > 0) == (total > 0)
        bits = bits + np.where(inexact, np.where(away, 1, -1), 0)
        return bits.view(np.float64).astype(np.float32)


def half_ulp(value, dtype):
    """Half a unit in the last place of `dtype` at |value|, as f64."""
    digits, least = _FORMATS[np.dtype(dtype).name]
    value = np.where(np.isfinite(value) & (value != 0), value, 2.0**least)
    exponent = np.maximum(np.frexp(value)[1] - 1, least)
    return np.ldexp(0.5, exponent - digits + 1)


def max_finite(dtype):
    """The largest finite value of `dtype`, as f64."""
    digits, least = _FORMATS[np.dtype(dtype).name]
    return (2.0 - 2.0 ** (1 - digits)) * 2.0 ** (1 - least)


def outside(actual, expected, bound, dtype, rounded=True):
    """True where `actual`, of type `dtype`, is not what the law allows.

    `expected` is the f64 result, `bound` the largest error; if `rounded`, half
    an ulp of the result type is added. An infinity is allowed where the bound
    reaches past the largest finite value.
    """
    with np.errstate(all="ignore"):
        actual = np.asarray(actual).astype(np.float64)
        larger = np.fmax(np.abs(actual), np.abs(expected))
        limit = max_finite(dtype)
        allowed = bound
        if rounded:
            allowed = bound + half_ulp(np.minimum(larger, limit), dtype)
        near = np.abs(actual - expected) <= allowed
        # The bound may reach past the largest value on both sides.
        overflow = np.isinf(actual) & (
            np.sign(actual) * expected + bound >= limit
        )
        same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
        return ~np.where(np.isfinite(expected), near | overflow, same)


# --- block transform ----------------------------------------------------------


def _blocks(x, t):
    """x (..., K), T (C, B, B) or (B, B) -> x (..., C, B), T (C or 1, B, B)."""
    size = t.shape[-1]
    blocks = x.reshape(*x.shape[:-1], x.shape[-1] // size, size)
    return blocks, t if t.ndim == 3 else t[None]


def transform_chain(x, t, dtype=F32):
    """y as the reference path computes it: bit-exact."""
    blocks, t = _blocks(x.astype(np.float32), t.astype(np.float32))
    total = np.zeros(blocks.shape, np.float32)
    for j in range(t.shape[-1]):
        total = fma_f32(t[:, :, j], blocks[..., j, None], total)
    with np.errstate(all="ignore"):
        return total.reshape(x.shape).astype(dtype)


def transform_bound(x, t):
    """(y in f64, largest error of an f32 y), whatever the order of the sum.

    The last term covers products below f32's normal range, where each step may
    err by half of the smallest subnormal.
    """
    with np.errstate(all="ignore"):
        blocks, t = _blocks(x.astype(np.float64), t.astype(np.float64))
        exact = np.einsum("cij,...cj->...ci", t, blocks)
        total = np.einsum("cij,...cj->...ci", np.abs(t), np.abs(blocks))
        bound = (t.shape[-1] + 1) * (_UNIT * total + 2.0**-150)
    return exact.reshape(x.shape), bound.reshape(x.shape)


def transform_outside(actual, x, t, dtype):
    """True where `actual` breaks the bound of the block transform."""
    exact, bound = transform_bound(x, t)
    return outside(actual, exact, bound, dtype, rounded=np.dtype(dtype) != F32)


def _ordered(codes):
    """Codes -> integers in the order of their values, -0 below +0."""
    codes = codes.astype(np.int16)
    return np.where(codes & 8, -1 - (codes & 7), codes)


def fused_outside(packed, scales, x, t, kind, gs=1.0, ss=1.0):
    """(bad scale bytes, bad codes) of a fused transform and quantization whose
    sums were taken in a free order; both are boolean arrays. For finite x and
    T whose transform stays finite."""
    gs, ss = np.float32(gs), np.float32(ss)
    codes = unpack(packed)
    group = codes.shape[-1] // scales.shape[-1]
    grouped = (*scales.shape, group)
    exact, bound = (v.reshape(grouped) for v in transform_bound(x, t))
    with np.errstate(all="ignore"):
        magnitude = np.abs(exact)
        first, last = (
            encode_scale(
                np.max(y, axis=-1).astype(np.float32) / (ss * gs), kind
            )
            for y in (np.maximum(magnitude - bound, 0), magnitude + bound)
        )
        d = (decode_scale(scales, kind) * gs)[..., None]
        low, high = (
            _ordered(encode_e2m1(y.astype(np.float32) / d))
            for y in (exact - bound, exact + bound)
        )
    got = _ordered(codes.reshape(grouped))
    # With d = 0, t is 0/0 or +-Inf, in any order within the bound.
    bad_codes = (d != 0) & ((got < low) | (got > high))
    bad_scales = (scales < first) | (scales > last)
    return bad_scales, bad_codes.reshape(codes.shape)


# --- scaled matmul ------------------------------------------------------------


def decode_f64(packed, scales, kind):
    """codes (..., K/2), scales (..., K/G) -> the exact operand (..., K)."""
    elements = decode_e2m1(unpack(packed)).astype(np.float64)
    group = elements.shape[-1] // scales.shape[-1]
    factors = decode_scale(scales, kind).astype(np.float64)
    return elements * np.repeat(factors, group, axis=-1)


def scaled_matmul_bound(a, sa, b, sb, kind, alpha=1.0, bias=None):
    """(C in f64, bound without the half ulp) of alpha * A @ B^T + bias.

    a (..., M, K/2), b (..., N, K/2); alpha a scalar or (N,), rounded to f32;
    bias None or (N,). Meaningful where in_range is true.
    """
    alpha = np.asarray(alpha, np.float32).astype(np.float64)
    offset = 0.0 if bias is None else np.asarray(bias).astype(np.float64)
    with np.errstate(all="ignore"):
        left, right = decode_f64(a, sa, kind), decode_f64(b, sb, kind)
        right = np.swapaxes(right, -1, -2)
        exact = alpha * (left @ right) + offset
        total = np.abs(alpha) * (np.abs(left) @ np.abs(right)) + np.abs(offset)
    return exact, (left.shape[-1] + 2) * _UNIT * total


def in_range(a, sa, b, sb, kind):
    """True where no decoded operand, product or partial sum can leave f32's
    normal range: each is a multiple of the row's and the column's least
    element digit, and at most the sum of the magnitudes."""

    def digit(scales):
        # An element is a multiple of 1/2, an e4m3 scale one of 2^-9.
        if kind == "e4m3":
            return np.full(scales.shape[:-1], 2.0**-10)
        return 0.5 * np.min(decode_scale(scales, kind), axis=-1).astype(
            np.float64
        )

    with np.errstate(all="ignore"):
        low_a, low_b = digit(sa)[..., :, None], digit(sb)[..., None, :]
        least = np.minimum(low_a * low_b, np.minimum(low_a, low_b))
        left = np.abs(decode_f64(a, sa, kind))
        right = np.abs(decode_f64(b, sb, kind))
        largest = left @ np.swapaxes(right, -1, -2)
        largest = np.maximum(largest, left.max(axis=-1)[..., :, None])
        largest = np.maximum(largest, right.max(axis=-1)[..., None, :])
        return (least >= 2.0**-126) & (largest <= 2.0**127)


def matmul_outside(c, a, sa, b, sb, kind, alpha=1.0, bias=None):
    """True where C, in its own type, breaks the law: its bound, or NaN where a
    scale of the row or column is NaN; out of range anything goes."""
    exact, bound = scaled_matmul_bound(a, sa, b, sb, kind, alpha, bias)
    nan = nan_byte(kind)
    poisoned = (
        np.any(sa == nan, axis=-1)[..., :, None]
        | np.any(sb == nan, axis=-1)[..., None, :]
    )
    bad = outside(c, exact, bound, c.dtype) & in_range(a, sa, b, sb, kind)
    return np.where(poisoned, ~np.isnan(c.astype(np.float32)), bad)
