# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adversarial input data for the ops, drawn from a numpy generator."""

import ml_dtypes
import numpy as np

DTYPES = {
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f16": np.dtype(np.float16),
    "f32": np.dtype(np.float32),
}
KINDS = ("e8m0", "e4m3")
FLAVORS = ("normal", "ties", "specials", "bits", "zeros", "wide")


def values(rng, shape, element, flavor):
    """An array of the element type in one of the FLAVORS.

    normal: a bell curve. ties: halfway between codes for some power of two,
    or one f32 ulp beside, under a group maximum of 6. specials: a bell curve
    with zeros of both signs, NaN, infinities, subnormals and the largest
    values. bits: any bits. zeros: zeros of both signs. wide: magnitudes over
    the whole range of f32.
    """
    dtype = DTYPES[element]
    with np.errstate(all="ignore"):
        if flavor == "bits":
            bits = rng.integers(
                0, 256, (*shape, dtype.itemsize), dtype=np.uint8
            )
            return bits.view(dtype).reshape(shape)
        if flavor == "zeros":
            return (rng.choice([0.0, -0.0], shape)).astype(dtype)
        if flavor == "ties":
            halves = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 6.0, 0.0, 7.0]
            data = rng.choice(halves, shape).astype(np.float32)
            beside = rng.choice([0, np.inf, -np.inf], shape).astype(np.float32)
            data = np.where(beside == 0, data, np.nextafter(data, beside))
            data *= rng.choice([1, -1], shape)
            power = np.ldexp(1.0, int(rng.integers(-12, 12)))
            return (data * rng.choice([1, 1 / 3], 1) * power).astype(dtype)
        data = rng.standard_normal(shape)
        if flavor == "wide":
            data = np.ldexp(data, rng.integers(-150, 127, shape))
        data = data.astype(dtype)
        if flavor == "specials":
            data = _sprinkle(rng, data)
        return data


def _sprinkle(rng, data):
    """Replaces about one element in twelve by a special value."""
    info = ml_dtypes.finfo(data.dtype)
    specials = np.array(
        [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0],
        data.dtype,
    )
    bounds = np.array(
        [info.max, -info.max, info.tiny, info.smallest_subnormal], data.dtype
    )
    pool = np.concatenate([specials, bounds])
    chosen = rng.choice(np.arange(len(pool)), data.shape)
    return np.where(rng.random(data.shape) < 1 / 12, pool[chosen], data)


def codes(rng, shape):
    """Random bytes of two codes each."""
    return rng.integers(0, 256, shape, dtype=np.uint8)


def scale_bytes(rng, shape, kind, flavor):
    """Scale bytes: "any" of the 256, "moderate" ones whose products stay in
    f32's normal range, "legal" ones of scaled_matmul (e4m3 without sign), "some"
    of them among moderate ones, or "opposite": some rows huge, others tiny."""
    if flavor == "any":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    if flavor == "legal":
        limit = 256 if kind == "e8m0" else 128
        return rng.integers(0, limit, shape, dtype=np.uint8)
    low, high = (100, 150) if kind == "e8m0" else (0, 127)
    moderate = rng.integers(low, high, shape, dtype=np.uint8)
    if flavor == "some":
        legal = scale_bytes(rng, shape, kind, "legal")
        return np.where(rng.random(shape) < 0.02, legal, moderate)
    if flavor == "opposite" and kind == "e8m0":
        shift = rng.choice([-90, 0, 90], (*shape[:-1], 1))
        return (moderate.astype(np.int64) + shift).astype(np.uint8)
    return moderate
