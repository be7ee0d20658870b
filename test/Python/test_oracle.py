# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle against the words of docs/numerics.md, by other means: exact
fractions, brute-force search for the nearest value, and the scalar formulas."""

from fractions import Fraction

import fp4q_oracle as oracle
import fp4q_oracle_products as products
import numpy as np
import pytest

MAGNITUDES = [Fraction(n, 2) for n in (0, 1, 2, 3, 4, 6, 8, 12)]
RNG = np.random.default_rng(20261121)


def f32_near(values):
    """Each value and its two f32 neighbors, with both signs."""
    values = np.asarray(values, np.float32)
    up = np.nextafter(values, np.float32(np.inf))
    down = np.nextafter(values, np.float32(-np.inf))
    near = np.concatenate([values, up, down])
    return np.concatenate([near, -near])


def random_f32(count):
    """Finite f32 values with uniformly drawn bits."""
    bits = RNG.integers(0, 2**32, count, dtype=np.uint32)
    values = bits.view(np.float32)
    return values[np.isfinite(values)]


def nearest(value, candidates):
    """Indices of the one or two candidates nearest to the Fraction `value`."""
    distances = [abs(value - c) for c in candidates]
    best = min(distances)
    return [i for i, d in enumerate(distances) if d == best]


def nearest_even(value, candidates):
    """Index of the nearest candidate, of two the even one."""
    return min(nearest(value, candidates), key=lambda i: i % 2)


def test_e2m1_is_the_nearest_value():
    ties = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 7.0, 6.0, 2.0**-149]
    values = np.concatenate([f32_near(ties), RNG.uniform(-8, 8, 500)])
    values = np.concatenate([values.astype(np.float32), random_f32(500)])
    for value, code in zip(values, oracle.encode_e2m1(values)):
        exact = min(abs(Fraction(float(value))), Fraction(6))
        want = nearest_even(exact, MAGNITUDES)
        assert code == want | (8 if np.signbit(value) else 0), value


def test_e2m1_special_values():
    values = np.array([np.inf, -np.inf, np.nan, -np.nan, 0.0, -0.0, -0.25])
    codes = oracle.encode_e2m1(values.astype(np.float32))
    assert codes.tolist() == [7, 15, 7, 7, 0, 8, 8]
    decoded = oracle.decode_e2m1(np.arange(16))
    assert [Fraction(float(v)) for v in decoded[:8]] == MAGNITUDES
    assert np.array_equal(decoded[8:], -decoded[:8])
    assert np.signbit(decoded[8:]).all()


def test_e8m0_is_the_nearest_power_of_two():
    powers = [Fraction(2) ** (b - 127) for b in range(255)]
    edges = [2.0**-127, 1.5 * 2.0**-127, 2.0**-126, 1.5, 3.0, 2.0**127]
    values = np.concatenate(
        [
            f32_near(edges),
            f32_near(1.5 * 2.0 ** np.arange(-126, 127)),
            np.abs(random_f32(300)),
        ]
    )
    for value, byte in zip(values, oracle.encode_scale(values, "e8m0")):
        want = max(nearest(max(Fraction(float(value)), 0), powers))
        assert byte == want, value


def test_e4m3_is_the_nearest_value():
    def value_of(byte):
        exponent, mantissa = byte >> 3 & 15, byte & 7
        significand = mantissa + (8 if exponent else 0)
        return Fraction(significand) * Fraction(2) ** (max(exponent, 1) - 10)

    candidates = [value_of(byte) for byte in range(127)]
    assert candidates[-1] == 448
    middles = [float((a + b) / 2) for a, b in zip(candidates, candidates[1:])]
    values = np.concatenate([f32_near(middles), f32_near([448, 464, 480])])
    values = np.concatenate([values, random_f32(300)])
    for value, byte in zip(values, oracle.encode_scale(values, "e4m3")):
        exact = min(abs(Fraction(float(value))), Fraction(448))
        want = nearest_even(exact, candidates)
        assert byte == want | (128 if np.signbit(value) else 0), value
    decoded = oracle.decode_scale(np.arange(127, dtype=np.uint8), "e4m3")
    assert [Fraction(float(v)) for v in decoded] == candidates


def test_scale_special_values():
    specials = np.array(
        [
            0,
            -0.0,
            -1,
            np.inf,
            -np.inf,
            np.nan,
            -np.nan,
            3.4e38,
            2.0**-149,
            1.5 * 2.0**-127,
            np.nextafter(np.float32(1.5 * 2.0**-127), 0),
        ],
        np.float32,
    )
    e8m0 = oracle.encode_scale(specials, "e8m0").tolist()
    assert e8m0 == [0, 0, 0, 254, 0, 255, 255, 254, 0, 1, 0]
    e4m3 = oracle.encode_scale(specials, "e4m3").tolist()
    assert e4m3 == [0, 128, 184, 126, 254, 127, 127, 126, 0, 0, 0]
    bytes_ = np.arange(256, dtype=np.uint8)
    decoded = oracle.decode_scale(bytes_, "e8m0")
    assert [Fraction(float(v)) for v in decoded[:255]] == [
        Fraction(2) ** (b - 127) for b in range(255)
    ]
    assert np.isnan(decoded[255])
    decoded = oracle.decode_scale(bytes_, "e4m3")
    assert np.isnan(decoded[[127, 255]]).all()
    assert np.array_equal(decoded[128:255], -decoded[:127])


def test_bf16_rounds_to_nearest_even():
    values = np.concatenate([random_f32(4000), f32_near([2.0**-133, 3.39e38])])
    bits = values.view(np.uint32).astype(np.uint64)
    # Adding half less the last kept bit and truncating is nearest even.
    want = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    assert np.array_equal(values.astype(oracle.BF16).view(np.uint16), want)
    every = np.arange(65536, dtype=np.uint16)
    widened = every.view(oracle.BF16).astype(np.float32).view(np.uint32)
    assert np.array_equal(widened, every.astype(np.uint32) << 16)


def test_packing_puts_the_even_element_low():
    codes = RNG.integers(0, 16, (3, 8), dtype=np.uint8)
    packed = oracle.pack(codes)
    assert packed[1, 2] == codes[1, 4] + 16 * codes[1, 5]
    assert np.array_equal(oracle.unpack(packed), codes)


@pytest.mark.parametrize("dtype", [oracle.BF16, oracle.F16, oracle.F32])
@pytest.mark.parametrize("kind, gs, ss", [("e8m0", 1 / 3, 4), ("e4m3", 0.1, 6)])
def test_quantize_step_by_step(dtype, kind, gs, ss):
    """Scalar code, one IEEE operation a line."""
    group = 4
    x = (RNG.standard_normal((5, 12)) * 3).astype(dtype)
    x[1, 3], x[2, 4:8], x[3, 0] = np.nan, 0, np.inf
    codes, scales = oracle.quantize(x, group, kind, gs, ss)
    codes = oracle.unpack(codes)
    gs, ss = np.float32(gs), np.float32(ss)
    for row in range(5):
        for g in range(3):
            members = [np.float32(v) for v in x[row, g * group :][:group]]
            amax = np.float32(0)
            for member in members:
                bad = np.isnan(member) or np.isnan(amax)
                amax = np.float32(np.nan) if bad else max(amax, abs(member))
            with np.errstate(all="ignore"):
                byte = oracle.encode_scale(amax / (ss * gs), kind)
                d = oracle.decode_scale(byte[None], kind)[0] * gs
                want = [oracle.encode_e2m1(m / d) for m in members]
            assert scales[row, g] == byte
            assert codes[row, g * group :][:group].tolist() == want
    again = oracle.quantize_given(x, scales, kind, gs)
    assert np.array_equal(oracle.unpack(again), codes)


def test_consequences_named_by_the_law():
    zeros = np.zeros((1, 32), np.float32)
    codes, scales = oracle.quantize(zeros, 16, "e4m3", 1, 6)
    assert (scales == 0).all() and (codes == 0x77).all()
    assert (oracle.dequant(codes, scales, "e4m3") == 0).all()
    zeros[0, 1] = -0.0
    codes, scales = oracle.quantize(zeros, 32, "e8m0", 1 / 3, 4)
    assert scales.tolist() == [[0]] and codes[0, 0] == 0x80
    assert (codes[0, 1:] == 0).all()
    poisoned = np.ones((1, 4), np.float32)
    poisoned[0, 2] = np.nan
    codes, scales = oracle.quantize(poisoned, 4, "e8m0")
    assert scales.tolist() == [[255]] and (codes == 0x77).all()
    # The scale of mxfp4 with ss = 4 and gs = 1/3 is 2^floor(log2 amax).
    amax = np.abs(RNG.standard_normal((200, 1))).astype(np.float32)
    x = np.concatenate([amax, np.zeros((200, 1), np.float32)], axis=1)
    _, scales = oracle.quantize(x, 2, "e8m0", 1 / 3, 4)
    assert np.array_equal(scales, 127 + np.floor(np.log2(amax)))


def test_global_scale():
    x = np.array([[1, -2688], [3, 0]], np.float32)
    assert oracle.global_scale(x) == 1
    assert oracle.global_scale(x[:0]) == 1
    assert oracle.global_scale(np.zeros((2, 2), np.float32)) == 1
    assert oracle.global_scale(x / 7) == np.float32(384) / np.float32(2688)
    assert np.isnan(oracle.global_scale(np.array([1, np.nan], np.float32)))
    assert np.isinf(oracle.global_scale(np.array([1, -np.inf], np.float32)))


def test_dequant():
    codes = np.array([[0x21, 0xF0]], np.uint8)  # 0.5 1 0 -6
    half = np.array([[126]], np.uint8)
    got = oracle.dequant(codes, half, "e8m0", 3.0)
    assert got.tolist() == [[0.75, 1.5, 0, -9]]
    got = oracle.dequant(codes, half, "e8m0", 4.0, divide=True)
    assert got.tolist() == [[0.0625, 0.125, 0, -0.75]]
    huge = oracle.dequant(codes, half + 128, "e8m0", 4.0)
    assert np.isinf(huge[0, [0, 1, 3]]).all() and np.isnan(huge[0, 2])
    negative = np.array([[0xB8]], np.uint8)  # -1
    assert oracle.dequant(codes, negative, "e4m3")[0, 3] == 6
    overflow = oracle.dequant(codes, half + 20, "e8m0", dtype=oracle.F16)
    assert overflow[0, 1] == np.inf


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("rows, cols", [(1, 1), (129, 5), (128, 4), (0, 3)])
def test_swizzle_follows_the_formula(lead, rows, cols):
    scales = RNG.integers(1, 256, (*lead, rows, cols), dtype=np.uint8)
    swizzled = oracle.swizzle(scales)
    want = np.zeros_like(swizzled)
    for r in range(rows):
        for c in range(cols):
            place = (r % 32) * 16 + (r % 128 // 32) * 4 + c % 4
            want[..., r // 128, c // 4, place] = scales[..., r, c]
    assert np.array_equal(swizzled, want)
    assert np.array_equal(oracle.unswizzle(swizzled, rows, cols), scales)


def round_fraction(value):
    """A Fraction rounded to f32, nearest even, by integer arithmetic."""
    if value == 0:
        return 0.0
    magnitude = abs(value)
    exponent = max(
        magnitude.numerator.bit_length() - magnitude.denominator.bit_length(),
        -126,
    )
    if magnitude < Fraction(2) ** exponent:
        exponent = max(exponent - 1, -126)
    unit = Fraction(2) ** (exponent - 23)
    rounded = round(magnitude / unit) * unit  # round() is nearest even.
    if rounded >= Fraction(2) ** 128:
        return float("-inf") if value < 0 else float("inf")
    return float(-rounded if value < 0 else rounded)


def fma_operands():
    """Random triples, and triples built to lie on or by a tie of the sum."""
    count = 3000
    a, b, c = (RNG.standard_normal(count).astype(np.float32) for _ in range(3))
    scale = np.ldexp(np.float32(1), RNG.integers(-60, 60, count))
    yield a, b, (c * scale).astype(np.float32)
    yield tuple(
        np.resize(random_f32(count), count).astype(np.float32) for _ in range(3)
    )
    # The product, 2^-24 * (1 - i * i * 2^-46), is half an ulp of c less a part
    # below f64's last bit: rounding twice would go wrong here.
    c = np.ldexp(RNG.integers(2**23, 2**24, count), -23).astype(np.float32)
    i = np.ldexp(RNG.integers(0, 4, count), -23)
    a, b = (1 + i).astype(np.float32), np.ldexp(1 - i, -24).astype(np.float32)
    yield a, b, c
    yield a, b, -c
    # Near cancellation and subnormal results.
    yield a, c, -(a * c)
    tiny = np.ldexp(RNG.integers(1, 2**24, count), -149).astype(np.float32)
    yield a * np.float32(0.5), tiny, -tiny
    yield (
        np.ldexp(a, -70).astype(np.float32),
        np.ldexp(c, -75).astype(np.float32),
        tiny,
    )


def test_fma_is_rounded_once():
    twice_rounded = 0
    for a, b, c in fma_operands():
        got = products.fma_f32(a, b, c)
        with np.errstate(over="ignore"):
            naive = (a.astype(np.float64) * b + c).astype(np.float32)
        twice_rounded += np.count_nonzero(got != naive)
        for x, y, z, value in zip(a, b, c, got):
            exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
            assert float(value) == round_fraction(exact), (x, y, z)
    # The operands do tell a single from a double rounding.
    assert twice_rounded > 0


def test_fma_special_values():
    inf, nan = np.inf, np.nan
    a = np.array([inf, 0, inf, 1, -1, 1, -1], np.float32)
    b = np.array([2, inf, 1, nan, 0, 0, 0], np.float32)
    c = np.array([1, 1, -inf, 0, -0.0, -0.0, 0], np.float32)
    got = products.fma_f32(a, b, c)
    assert got[0] == inf and np.isnan(got[1:4]).all() and (got[4:] == 0).all()
    assert np.signbit(got[4:]).tolist() == [True, False, False]


@pytest.mark.parametrize("shape", [(8, 8), (3, 8, 8)])
def test_transform_chain_and_bound(shape):
    x = RNG.standard_normal((5, 24)).astype(oracle.BF16)
    t = RNG.standard_normal(shape).astype(np.float32)
    chain = products.transform_chain(x, t)
    for row, column in [(0, 0), (4, 23), (2, 11)]:
        block, i = divmod(column, 8)
        matrix = t if t.ndim == 2 else t[block]
        total = 0.0
        for j in range(8):
            product = Fraction(float(matrix[i, j])) * Fraction(
                float(x[row, block * 8 + j])
            )
            total = round_fraction(product + Fraction(total))
        assert float(chain[row, column]) == total
    exact, bound = products.transform_bound(x, t)
    assert not products.transform_outside(chain, x, t, oracle.F32).any()
    narrow = exact.astype(np.float32).astype(oracle.BF16)
    assert not products.transform_outside(narrow, x, t, oracle.BF16).any()
    # The check has teeth: twice the bound is outside.
    wrong = (exact + 2 * bound).astype(np.float32)
    assert products.transform_outside(wrong, x, t, oracle.F32).all()


@pytest.mark.parametrize("kind, gs, ss", [("e8m0", 1 / 3, 4), ("e4m3", 0.1, 6)])
def test_fused_interval(kind, gs, ss):
    x = RNG.standard_normal((40, 64)).astype(oracle.BF16)
    t = RNG.standard_normal((2, 32, 32)).astype(np.float32)
    reference = oracle.quantize(
        products.transform_chain(x, t), 16, kind, gs, ss
    )
    exact, _ = products.transform_bound(x, t)
    other = oracle.quantize(exact.astype(np.float32), 16, kind, gs, ss)
    for codes, scales in (reference, other):
        bad = products.fused_outside(codes, scales, x, t, kind, gs, ss)
        assert not bad[0].any() and not bad[1].any()
    bad = products.fused_outside(codes ^ 1, scales, x, t, kind, gs, ss)
    assert bad[1].mean() > 0.4 and not bad[1][:, 1::2].any()
    bad = products.fused_outside(codes, scales + 1, x, t, kind, gs, ss)
    assert bad[0].mean() > 0.9


@pytest.mark.parametrize("kind", ["e8m0", "e4m3"])
@pytest.mark.parametrize("dtype", [oracle.BF16, oracle.F16, oracle.F32])
def test_scaled_matmul_bound(kind, dtype):
    m, n, k, group = 4, 5, 32, 8
    a = RNG.integers(0, 256, (m, k // 2), dtype=np.uint8)
    b = RNG.integers(0, 256, (n, k // 2), dtype=np.uint8)
    low = 120 if kind == "e8m0" else 40
    sa = RNG.integers(low, low + 12, (m, k // group), dtype=np.uint8)
    sb = RNG.integers(low, low + 12, (n, k // group), dtype=np.uint8)
    alpha = RNG.standard_normal(n).astype(np.float32)
    bias = RNG.standard_normal(n).astype(np.float32)
    exact, _ = products.scaled_matmul_bound(a, sa, b, sb, kind, alpha, bias)
    left = oracle.dequant(a, sa, kind)
    right = oracle.dequant(b, sb, kind)
    for i, j in [(0, 0), (3, 4), (2, 1)]:
        dot = sum(
            Fraction(float(p)) * Fraction(float(q))
            for p, q in zip(left[i], right[j])
        )
        want = Fraction(float(alpha[j])) * dot + Fraction(float(bias[j]))
        assert abs(exact[i, j] - float(want)) <= 1e-13 * abs(float(want))
    args = (a, sa, b, sb, kind, alpha, bias)
    assert products.in_range(*args[:5]).all()
    good = exact.astype(np.float32).astype(dtype)
    assert not products.matmul_outside(good, *args).any()
    wrong = (exact * (1 + 2.0**-5) + 2.0**-5).astype(dtype)
    assert products.matmul_outside(wrong, *args).any()
    # A NaN scale poisons its row and nothing else.
    sa[1, 0] = oracle.nan_byte(kind)
    assert products.matmul_outside(good, *args)[1].all()
    good[1] = np.nan
    assert not products.matmul_outside(good, *args).any()


def test_half_ulp():
    values = np.array([1.0, 1.99, 2.0, 0.0, 2.0**-130, 65504.0])
    assert np.array_equal(
        products.half_ulp(values, oracle.F32),
        2.0 ** np.array([-24, -24, -23, -150, -150, -9]),
    )
    assert products.half_ulp(65504.0, oracle.F16) == 16
    assert products.max_finite(oracle.F16) == 65504
    assert products.max_finite(oracle.BF16) == float(
        np.array(0x7F7F, np.uint16).view(oracle.BF16)
    )
