# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Groups of values that are hard to quantize by a given recipe.

Elements at and within 2 ulp of every tie of e2m1, largest elements within 3 ulp
of every threshold of the scale, magnitudes over all of the type's range,
subnormals, zeros of both signs, single nonzeros, random bits, the largest finite
numbers, and some Inf and NaN.
"""

import numpy as np
from recipes import (
    E2M1_VALUES,
    E4M3_VALUES,
    F32,
    TYPES,
    encode_scales,
    evaluate,
    round_to,
    scale_values,
)

INF = F32(np.inf)


def largest_of(type_name):
    digits, _, greatest = TYPES[type_name]
    return F32(np.ldexp(2.0 - np.ldexp(1.0, 1 - digits), greatest))


def move_ulps(values, count, type_name):
    """Moves finite values by `count` places of the type away from zero."""
    unit = 1 if type_name == "f32" else 1 << (24 - TYPES[type_name][0])
    if type_name == "f16":
        halves = np.asarray(values, F32).astype(np.float16)
        moved = halves.view(np.uint16).astype(np.int64) & 0x7FFF
        moved = np.clip(moved + count, 0, 0x7BFF).astype(np.uint16)
        moved = moved.view(np.float16).astype(F32)
    else:
        bits = np.ascontiguousarray(values, F32).view(np.uint32)
        moved = (bits.astype(np.int64) & 0x7FFFFFFF) + count * unit
        top = int(largest_of(type_name).view(np.uint32))
        moved = np.clip(moved, 0, top).astype(np.uint32).view(F32)
    return np.copysign(moved, values)


def random_signs(rng, shape):
    return np.where(rng.random(shape) < 0.5, F32(-1), F32(1))


def fill_below(rng, amax, group, type_name):
    """Groups whose largest magnitude, at a random place, is `amax`."""
    x = rng.uniform(-1, 1, (len(amax), group)) * amax[:, None].astype(float)
    # Some groups spread over many binades.
    spread = rng.random((len(amax), 1)) < 0.3
    x *= np.where(spread, 2.0 ** rng.uniform(-12, 0, x.shape), 1.0)
    x = round_to(x.astype(F32), type_name)
    place = rng.integers(0, group, len(amax))
    x[np.arange(len(amax)), place] = amax * random_signs(rng, len(amax))
    return x


def log_uniform(rng, count, type_name):
    digits, least, greatest = TYPES[type_name]
    exponents = rng.uniform(least - digits, greatest + 1, count)
    values = round_to(np.exp2(exponents).astype(F32), type_name)
    return np.minimum(values, largest_of(type_name))


def thresholds(row):
    """Values of s at which the scale byte may change."""
    if row.kind == "e8m0":
        powers = 2.0 ** np.arange(-149, 128)
        return np.concatenate([powers * m for m in (1, 1.25, 1.5, 1.75)])
    middles = (E4M3_VALUES[1:] + E4M3_VALUES[:-1]) / 2
    return np.concatenate([middles, E4M3_VALUES[1:], [464.0]])


def slope(formula, variable, g, type_name, **others):
    """The formula's value per unit of its variable, at 1."""
    one = {variable: F32(1)}
    return float(evaluate(formula, type_name, g=g, **one, **others))


def at_scale_thresholds(rng, count, row, g, type_name):
    """Largest magnitudes within 3 ulp of what gives a threshold."""
    wanted = thresholds(row) / slope(row.s, "a", g, type_name)
    with np.errstate(over="ignore"):
        amax = round_to(wanted.astype(F32), type_name)
    amax = amax[(amax > 0) & np.isfinite(amax)]
    if len(amax) == 0:
        return log_uniform(rng, count, type_name)
    # Every threshold before any is repeated.
    amax = amax[rng.permutation(count) % len(amax)]
    return move_ulps_each(amax, rng.integers(-3, 4, count), type_name)


def move_ulps_each(values, counts, type_name):
    moved = values.copy()
    for count in np.unique(counts):
        chosen = counts == count
        moved[chosen] = move_ulps(values[chosen], int(count), type_name)
    return moved


def at_element_ties(rng, x, row, g, type_name):
    """Replaces elements of x by values within 2 ulp of ties, where they stay
    below the largest magnitude, so that the scale is still the same."""
    with np.errstate(all="ignore"):
        amax = np.abs(x).max(axis=1)
        q = scale_values(encode_scales(amax, row, g, type_name), row)
        unit = evaluate(row.t, "f32", x=F32(1), q=q, g=g).astype(np.float64)
        middles = (E2M1_VALUES[1:] + E2M1_VALUES[:-1]) / 2
        tie = rng.choice(np.append(middles, E2M1_VALUES[1:]), x.shape)
        value = round_to((tie / unit[:, None]).astype(F32), type_name)
    usable = np.isfinite(value)
    value = np.where(usable, value, F32(0))
    value = move_ulps_each(value, rng.integers(-2, 3, x.shape), type_name)
    usable &= (np.abs(value) <= amax[:, None]) & (np.abs(x) < amax[:, None])
    return np.where(usable, value * random_signs(rng, x.shape), x)


def special_groups(rng, count, group, type_name):
    """Zeros, single nonzeros, subnormals, random bits, the largest numbers."""
    digits, least, _ = TYPES[type_name]
    tiny = np.ldexp(1.0, least - digits + 1)
    x = np.zeros((count, group), F32)
    kind = np.arange(count) % 6
    chosen = kind == 1
    x[chosen] = F32(0) * random_signs(rng, x[chosen].shape)
    (single,) = np.nonzero(kind == 2)
    values = log_uniform(rng, len(single), type_name)
    values *= random_signs(rng, len(single))
    x[single] = -F32(0)
    x[single, rng.integers(0, group, len(single))] = values
    chosen = kind == 3
    steps = rng.integers(-(2 ** (digits - 1)) + 1, 2 ** (digits - 1), x.shape)
    x[chosen] = (steps * tiny).astype(F32)[chosen]
    chosen = kind == 4
    bits = rng.integers(0, 2**32, x.shape, dtype=np.uint32).view(F32)
    bits = np.where(np.isfinite(bits), bits, F32(0))
    with np.errstate(over="ignore"):
        x[chosen] = np.nan_to_num(round_to(bits, type_name))[chosen]
    x[chosen] = np.clip(
        x[chosen], -largest_of(type_name), largest_of(type_name)
    )
    chosen = kind == 5
    top = np.where(rng.random(x.shape) < 0.2, largest_of(type_name), F32(1))
    x[chosen] = (top * random_signs(rng, x.shape))[chosen]
    return x


def adversarial(rng, count, row, g, type_name):
    """(count, group) f32 values of the type: 1/4 at thresholds of the scale,
    1/2 at ties of elements, 1/8 of any magnitude, 1/8 special."""
    quarter = count // 4
    eighth = count // 8
    amax = at_scale_thresholds(rng, quarter, row, g, type_name)
    at_scales = fill_below(rng, amax, row.group, type_name)
    amax = log_uniform(rng, count - quarter - 2 * eighth, type_name)
    ties = fill_below(rng, amax, row.group, type_name)
    # Half of the ties where the scales are ordinary numbers.
    wanted = np.exp2(rng.uniform(-6, 8, len(ties) // 2))
    with np.errstate(all="ignore"):
        amax = round_to(
            (wanted / slope(row.s, "a", g, type_name)).astype(F32), type_name
        )
    amax = np.where((amax > 0) & np.isfinite(amax), amax, F32(1))
    ties[: len(amax)] = fill_below(rng, amax, row.group, type_name)
    ties = at_element_ties(rng, ties, row, g, type_name)
    plain = fill_below(
        rng, log_uniform(rng, eighth, type_name), row.group, type_name
    )
    special = special_groups(rng, eighth, row.group, type_name)
    # A few Inf and NaN among the last.
    if eighth >= 64:
        special[-1, 3] = np.nan
        special[-2, 5] = -INF
        special[-3, :2] = [INF, np.nan]
    return np.concatenate([at_scales, ties, plain, special])
