# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An oracle of the recipes of known libraries, in numpy only.

Each preset is a row of formulas in reverse Polish notation over a = amax of the
group, x = an element, q = the value of the scale byte and g = the global scale,
computed in f32; these rows were established by running the libraries. Inf and
NaN follow the law of docs/numerics.md. Nothing here is shared with lib/Numerics;
check_recipes.py compares the two.
"""

import dataclasses

import numpy as np

F32 = np.float32
FLT_MAX = np.finfo(F32).max

# What each global scale of an nvfp4 preset is used as. Some multiply and some
# divide, so they span large and small numbers; 1 is the same as none.
GLOBALS = [
    1.0,
    0.1,
    1 / 3,
    0.0123,
    3.3e-4,
    7.45e-9,
    1e-20,
    2.0,
    10.0,
    448.0,
    2688.0,
    12345.678,
    1e6,
    1e20,
]


@dataclasses.dataclass(frozen=True)
class Row:
    """One library. `s` and `t` are formulas: `in` rounds to the input's type,
    `fmin` caps at FLT_MAX."""

    preset: str
    kind: str  # e8m0 or e4m3
    s: str
    t: str
    exponent: str = ""  # e8m0: rounds up at "1.5", "never", ">1" or "1.75"
    offset: int = 0  # e8m0
    bits: bool = False  # e8m0: subnormal s by its bits
    s_zero: float = 0.0  # e4m3: replaces s = 0
    s_least: float = 0.0  # e4m3
    q_zero: float = 0.0  # e4m3: replaces q = 0
    byte_0_is_zero: bool = False
    sign: str = "bit"  # or "neg": only t < 0
    scale_scale: float = 1.0

    @property
    def group(self):
        return 32 if self.kind == "e8m0" else 16

    @property
    def globals(self):
        reads = "g" in (self.s + " " + self.t).split()
        return GLOBALS if reads else [1.0]


def torchao_mx(preset, exponent, **more):
    return Row(preset, "e8m0", "a", "x q /", exponent, offset=-2, **more)


ROWS = [
    Row("law", "e8m0", "a 4 g * /", "x q g * /", "1.5", scale_scale=4),
    Row("law", "e4m3", "a 6 g * /", "x q g * /", scale_scale=6),
    torchao_mx("torchao-mx-floor", "never"),
    torchao_mx("torchao-mx-ceil", ">1"),
    torchao_mx("torchao-mx-even", "1.75"),
    Row("torchao-mx-rceil", "e8m0", "a 1 6 / *", "x 1 q / *", ">1"),
    Row("torchao-nv1", "e4m3", "a 6 /", "x 1 q / *", s_least=2**-6),
    Row("torchao-nv2", "e4m3", "a 6 / g /", "x 1 g / q / *", s_least=2**-6),
    Row(
        "ct-nv",
        "e4m3",
        "a 6 / in g *",
        "x q g / /",
        q_zero=0.125,
        sign="neg",
    ),
    Row("ct-mx", "e8m0", "a", "x q / in", "1.75", offset=-2, sign="neg"),
    Row(
        "modelopt-nv",
        "e4m3",
        "a 6 g * /",
        "x q g * /",
        s_zero=1.0,
        s_least=2**-9,
        sign="neg",
        scale_scale=6,
    ),
    Row(
        "gptoss-mx",
        "e8m0",
        "a 6 /",
        "x 1 q / *",
        ">1",
        bits=True,
        byte_0_is_zero=True,
    ),
    Row(
        "te-nv",
        "e4m3",
        "a g 1 6 / * *",
        "x 1 q 1 g / * / fmin *",
        sign="neg",
    ),
    Row(
        "flashinfer-nv",
        "e4m3",
        "g a 1 6 / * *",
        "x 1 q 1 g / * / *",
        byte_0_is_zero=True,
        sign="neg",
    ),
]


# name: (significant bits, exponent of the smallest normal, of the largest)
TYPES = {"f32": (24, -126, 127), "bf16": (8, -126, 127), "f16": (11, -14, 15)}


def round_to(values, type_name):
    """f32 -> f32 holding values of the type; nearest even, Inf on overflow."""
    digits, least, greatest = TYPES[type_name]
    if type_name == "f32":
        return np.asarray(values, F32)
    exact = np.asarray(values, np.float64)
    _, exponent = np.frexp(exact)  # of a significand in [0.5, 1)
    quantum = np.ldexp(1.0, np.maximum(exponent - 1, least) - (digits - 1))
    rounded = np.rint(exact / quantum) * quantum
    overflow = np.abs(rounded) >= np.ldexp(1.0, greatest + 1)
    rounded = np.where(overflow, np.copysign(np.inf, exact), rounded)
    return rounded.astype(F32)


# --- the oracle -------------------------------------------------------------

E2M1_VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
# value = 2^-9 * mantissa below 2^-6, then 8 steps a binade; the last is NaN.
E4M3_VALUES = np.array(
    [m * 2.0**-9 for m in range(8)]
    + [(8 + m) * 2.0 ** (e - 10) for e in range(1, 16) for m in range(8)]
)[:-1]


def nearest_even(magnitudes, grid):
    """Index of the nearest value of the grid, of two the even index."""
    middles = (grid[1:] + grid[:-1]) / 2
    below = np.searchsorted(middles, magnitudes, side="left")
    above = np.searchsorted(middles, magnitudes, side="right")
    return np.where(below % 2 == 0, below, above)


def evaluate(formula, type_name, **variables):
    """Runs a formula in f32."""
    stack = []
    for token in formula.split():
        if token in ("*", "/"):
            right, left = stack.pop(), stack.pop()
            operation = np.multiply if token == "*" else np.divide
            stack.append(operation(left, right, dtype=F32))
        elif token == "in":
            stack.append(round_to(stack.pop(), type_name))
        elif token == "fmin":
            stack.append(np.minimum(stack.pop(), FLT_MAX))
        else:
            stack.append(F32(variables.get(token, token)))
    (result,) = stack
    return result


def encode_e8m0(s, row):
    exact = s.astype(np.float64)
    if row.bits:
        # Exponent field 0 reads as 2^-127 * (1 + mantissa / 2^23).
        tiny = (s > 0) & (s < 2.0**-126)
        exact = np.where(tiny, 2.0**-127 + exact / 2, exact)
    significand, exponent = np.frexp(exact)
    significand, exponent = 2 * significand, exponent - 1
    up = {
        "never": np.zeros_like(s, bool),
        ">1": significand > 1,
        "1.5": significand >= 1.5,
        "1.75": significand >= 1.75,
    }[row.exponent]
    byte = np.clip(exponent + up + row.offset + 127, 0, 254)
    byte = np.where(s > 0, byte, 0)
    byte = np.where(s == np.inf, 254, byte)
    return np.where(np.isnan(s), 255, byte).astype(np.uint8)


def encode_e4m3(s, row):
    s = np.where(s == 0, F32(row.s_zero), s)
    # maximum hands NaN on.
    s = np.maximum(s, F32(row.s_least))
    byte = nearest_even(np.minimum(s, 448).astype(np.float64), E4M3_VALUES)
    byte = np.where(np.isnan(s), 127, byte)
    if row.q_zero:
        (replacement,) = np.flatnonzero(E4M3_VALUES == row.q_zero)
        byte = np.where(byte == 0, replacement, byte)
    return byte.astype(np.uint8)


def scale_values(scales, row):
    if row.kind == "e8m0":
        values = np.ldexp(1.0, np.arange(256) - 127)
        values[255] = np.nan
    else:
        values = np.append(E4M3_VALUES, np.nan)
    return values.astype(F32)[scales]


def encode_scales(amax, row, g, type_name):
    s = evaluate(row.s, type_name, a=amax, g=g)
    return (encode_e8m0 if row.kind == "e8m0" else encode_e4m3)(s, row)


def quantize(x, row, g, type_name):
    """x (groups, group) f32 -> codes (groups, group), scales (groups,)."""
    with np.errstate(all="ignore"):
        amax = np.abs(x).max(axis=1)
        scales = encode_scales(amax, row, g, type_name)
        q = scale_values(scales, row)[:, None]
        t = evaluate(row.t, type_name, x=x, q=q, g=g)
        if row.byte_0_is_zero:
            t = np.where(scales[:, None] == 0, np.copysign(F32(0), x), t)
        codes = nearest_even(np.abs(t), E2M1_VALUES.astype(F32))
        negative = np.signbit(t) if row.sign == "bit" else t < 0
        codes = np.where(np.isnan(t), 7, codes | 8 * negative)
    return codes.astype(np.uint8), scales
