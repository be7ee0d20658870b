# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lib/Numerics against the oracle: bit for bit, products by their bound. Calls
into C++ are cheap here, so this covers more data than the compiled path."""

import ctypes
import itertools

import fp4q_data as data
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import numpy as np
import pytest
from fp4q_cases import assert_same_bits

ELEMENTS = ("bf16", "f16", "f32")  # in the order of FloatType
GROUPS = (2, 4, 8, 16, 32, 64, 128)
SCALES = ((1.0, 1.0), (1 / 3, 4.0), (0.1, 6.0), (1e-40, 1.0), (-0.5, 0.0))


class Array(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("type", ctypes.c_int64)]


class Format(ctypes.Structure):
    _fields_ = [
        ("group", ctypes.c_int64),
        ("kind", ctypes.c_int64),
        ("gs", ctypes.c_float),
        ("ss", ctypes.c_float),
    ]


class Matrix(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int64),
        ("block", ctypes.c_int64),
        ("per_block", ctypes.c_int64),
    ]


class Product(ctypes.Structure):
    _fields_ = [
        ("a", ctypes.c_void_p),
        ("sa", ctypes.c_void_p),
        ("m", ctypes.c_int64),
        ("b", ctypes.c_void_p),
        ("sb", ctypes.c_void_p),
        ("n", ctypes.c_int64),
        ("k", ctypes.c_int64),
        ("group", ctypes.c_int64),
        ("kind", ctypes.c_int64),
        ("alpha", ctypes.c_void_p),
        ("per_column", ctypes.c_int64),
        ("bias", Array),
    ]


def type_of(array):
    """The FloatType of a numpy array."""
    return [data.DTYPES[e] for e in ELEMENTS].index(array.dtype)


class Numerics:
    """The functions of numerics_capi.cpp on arrays of two dimensions."""

    def __init__(self, path):
        self._library = ctypes.CDLL(str(path))
        self._library.fp4qtest_global_scale.restype = ctypes.c_float

    def _call(self, name, *args):
        """Arrays become pointers, structures references, numbers int64."""

        def convert(value):
            if isinstance(value, np.ndarray):
                assert value.flags.c_contiguous
                return ctypes.c_void_p(value.ctypes.data)
            if isinstance(value, ctypes.Structure):
                return ctypes.byref(value)
            return ctypes.c_int64(value)

        function = getattr(self._library, f"fp4qtest_{name}")
        return function(*(convert(arg) for arg in args))

    @staticmethod
    def _array(values):
        return Array(values.ctypes.data, type_of(values))

    @staticmethod
    def _matrix(t):
        return Matrix(t.ctypes.data, type_of(t), t.shape[-1], t.ndim == 3)

    @staticmethod
    def _format(group, kind, gs=1.0, ss=1.0):
        return Format(group, data.KINDS.index(kind), gs, ss)

    def quantize(self, x, group, kind, gs, ss, t=None):
        rows, k = x.shape
        codes = np.full((rows, k // 2), 0xAA, np.uint8)
        scales = np.full((rows, k // group), 0xAA, np.uint8)
        tail = (self._format(group, kind, gs, ss), codes, scales)
        if t is None:
            self._call("quantize", self._array(x), rows, k, *tail)
        else:
            head = (self._array(x), rows, k, self._matrix(t))
            self._call("quantize_transformed", *head, *tail)
        return codes, scales

    def quantize_given(self, x, scales, kind, gs):
        rows, k = x.shape
        codes = np.full((rows, k // 2), 0xAA, np.uint8)
        form = self._format(k // scales.shape[1], kind, gs)
        args = (self._array(x), rows, k, form, codes, scales)
        self._call("quantize_given", *args)
        return codes

    def global_scale(self, x):
        return self._call("global_scale", self._array(x), x.size)

    def dequant(self, codes, scales, kind, gs, divide, dtype):
        rows, k = codes.shape[0], 2 * codes.shape[1]
        y = np.empty((rows, k), dtype)
        form = self._format(k // scales.shape[1], kind, gs)
        args = (codes, scales, rows, k, form, int(divide), self._array(y))
        self._call("dequantize", *args)
        return y

    def transform(self, x, t, dtype):
        y = np.empty(x.shape, dtype)
        args = (self._array(x), *x.shape, self._matrix(t), self._array(y))
        self._call("transform", *args)
        return y

    def matmul(self, a, sa, b, sb, kind, dtype, alpha=None, bias=None):
        c = np.empty((len(a), len(b)), dtype)
        k = 2 * a.shape[1]
        no_bias = Array(None, type_of(c))
        product = Product(
            a.ctypes.data, sa.ctypes.data, len(a),
            b.ctypes.data, sb.ctypes.data, len(b),
            k, k // sa.shape[1], data.KINDS.index(kind),
            None if alpha is None else alpha.ctypes.data,
            int(alpha is not None and alpha.ndim == 1),
            no_bias if bias is None else self._array(bias),
        )  # fmt: skip
        self._call("matmul", product, self._array(c))
        return c

    def swizzle(self, scales):
        shape = oracle.swizzle(scales).shape
        blocked = np.full(shape, 0xAA, np.uint8)
        self._call("swizzle", scales, *scales.shape, blocked)
        return blocked

    def pack_weights(self, codes):
        packed = np.full(oracle.pack_weights(codes).shape, 0xAA, np.uint8)
        self._call("pack_weights", codes, *codes.shape, packed)
        return packed

    def unpack_weights(self, packed, rows, cols):
        codes = np.full((rows, cols), 0xAA, np.uint8)
        self._call("unpack_weights", packed, rows, cols, codes)
        return codes

    def unswizzle(self, blocked, rows, cols):
        scales = np.full((rows, cols), 0xAA, np.uint8)
        self._call("unswizzle", blocked, rows, cols, scales)
        return scales


@pytest.fixture(scope="module")
def numerics(build_dir):
    return Numerics(build_dir / "lib" / "fp4q-numerics-capi.so")


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("kind", data.KINDS)
def test_quantize(numerics, element, kind):
    rng = np.random.default_rng(1)
    for group, flavor in itertools.product(GROUPS, data.FLAVORS):
        x = data.values(rng, (64, 3 * group), element, flavor)
        given = data.codes(rng, (64, 3))
        for gs, ss in SCALES:
            what = f"G={group} {flavor} gs={gs} ss={ss}"
            got = numerics.quantize(x, group, kind, gs, ss)
            want = oracle.quantize(x, group, kind, gs, ss)
            assert_same_bits(got[1], want[1], f"scales {what}")
            assert_same_bits(got[0], want[0], f"codes {what}")
            got = numerics.quantize_given(x, given, kind, gs)
            want = oracle.quantize_given(x, given, kind, gs)
            assert_same_bits(got, want, f"given scales {what}")


@pytest.mark.parametrize("element", ["bf16", "f16"])
@pytest.mark.parametrize("kind", data.KINDS)
def test_quantize_every_narrow_float(numerics, element, kind):
    every = np.arange(65536, dtype=np.uint16).view(data.DTYPES[element])
    shuffled = np.random.default_rng(2).permutation(every)
    for x, group in itertools.product((every, shuffled), (2, 16, 32)):
        x = x.reshape(-1, 128)
        got = numerics.quantize(x, group, kind, 1 / 3, 4.0)
        want = oracle.quantize(x, group, kind, 1 / 3, 4.0)
        assert_same_bits(got[1], want[1], "scales")
        assert_same_bits(got[0], want[0], "codes")


@pytest.mark.parametrize("element", ELEMENTS)
def test_global_scale(numerics, element):
    rng = np.random.default_rng(3)
    for flavor in data.FLAVORS:
        for count in (0, 1, 7, 100):
            x = data.values(rng, (1, count), element, flavor)
            got = np.float32(numerics.global_scale(x))
            want = np.asarray(oracle.global_scale(x))
            assert_same_bits(np.asarray(got), want, f"{flavor} {count}")


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("kind", data.KINDS)
@pytest.mark.parametrize("divide", [False, True])
def test_dequant_every_code_and_scale(numerics, element, kind, divide):
    codes = np.tile(oracle.pack(np.arange(16, dtype=np.uint8)), (256, 1))
    scales = np.arange(256, dtype=np.uint8)[:, None]
    dtype = data.DTYPES[element]
    specials = (0.0, -0.5, np.inf, np.nan, 1e-45, 3e38)
    for gs in (1.0, 1 / 3, 0.1, 4.0, 2.0**-20, *specials):
        got = numerics.dequant(codes, scales, kind, gs, divide, dtype)
        want = oracle.dequant(codes, scales, kind, gs, divide, dtype)
        assert_same_bits(got, want, f"gs={gs}")


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("t_is_f32", [False, True])
def test_transform(numerics, element, t_is_f32):
    rng = np.random.default_rng(4)
    t_element = "f32" if t_is_f32 else element
    for block, flavor in itertools.product(GROUPS, data.FLAVORS):
        x = data.values(rng, (8, 3 * block), element, flavor)
        for lead in ((), (3,)):
            t = data.values(rng, (*lead, block, block), t_element, "normal")
            for result in ELEMENTS:
                dtype = data.DTYPES[result]
                got = numerics.transform(x, t, dtype)
                want = products.transform_chain(x, t, dtype)
                assert_same_bits(got, want, f"B={block} {flavor} {result}")
        for kind, group in itertools.product(data.KINDS, (2, block)):
            got = numerics.quantize(x, group, kind, 0.1, 6.0, t)
            y = products.transform_chain(x, t)
            want = oracle.quantize(y, group, kind, 0.1, 6.0)
            assert_same_bits(got[1], want[1], f"scales B={block} {flavor}")
            assert_same_bits(got[0], want[0], f"codes B={block} {flavor}")


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("kind", data.KINDS)
@pytest.mark.parametrize("scale_flavor", ["moderate", "legal"])
def test_matmul(numerics, element, kind, scale_flavor):
    rng = np.random.default_rng(5)
    checked = 0
    for group, groups in itertools.product(GROUPS, (1, 3)):
        m, n, k = 5, 9, group * groups
        a, b = (data.codes(rng, (rows, k // 2)) for rows in (m, n))
        sa, sb = (
            data.scale_bytes(rng, (rows, groups), kind, scale_flavor)
            for rows in (m, n)
        )
        alphas = [None, np.array(0.3, np.float32), np.float32(rng.random(n))]
        biases = [None]
        for bias_element in ("f32", element):
            biases.append(data.values(rng, (n,), bias_element, "normal"))
        for alpha, bias in itertools.product(alphas, biases):
            args = (a, sa, b, sb, kind)
            c = numerics.matmul(*args, data.DTYPES[element], alpha, bias)
            factor = 1.0 if alpha is None else alpha
            bad = products.matmul_outside(c, *args, factor, bias)
            assert not bad.any(), f"G={group} K={k}"
            checked += int(products.in_range(*args).sum())
    assert checked > 0


@pytest.mark.parametrize("rows", [0, 1, 31, 33, 128, 129, 300])
@pytest.mark.parametrize("cols", [1, 3, 4, 5, 9])
def test_swizzle(numerics, rows, cols):
    rng = np.random.default_rng(6)
    scales = data.codes(rng, (rows, cols))
    assert_same_bits(
        numerics.swizzle(scales), oracle.swizzle(scales), "swizzle"
    )
    tiles = data.codes(rng, oracle.swizzle(scales).shape)
    want = oracle.unswizzle(tiles, rows, cols)
    assert_same_bits(numerics.unswizzle(tiles, rows, cols), want, "unswizzle")


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 33])
@pytest.mark.parametrize("cols", [1, 3, 4, 5, 9])
def test_pack_weights(numerics, rows, cols):
    rng = np.random.default_rng(7)
    codes = data.codes(rng, (rows, cols))
    assert_same_bits(
        numerics.pack_weights(codes), oracle.pack_weights(codes), "pack"
    )
    tiles = data.codes(rng, oracle.pack_weights(codes).shape)
    want = oracle.unpack_weights(tiles, rows, cols)
    assert_same_bits(numerics.unpack_weights(tiles, rows, cols), want, "unpack")
