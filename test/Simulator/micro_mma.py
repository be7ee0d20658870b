# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases of mma.sync on 4-, 6- and 8-bit elements, with numpy's results.

What sm_90a lacks has no golden result; its expectation is the product of the
matrices that the fragments' definition gives (PTX ISA, 9.7.14.5), in float64:
all sums are exact in f32 (or f16).
"""

import itertools

import numpy as np
from micro_cases import C16, C32, case, narrow_values

#: exponent bits, mantissa bits, bias
NARROW = ("e4m3", "e5m2", "e3m2", "e2m3", "e2m1")


def _elements(words, count):
    """[rounds, lanes, registers] words as elements [..., registers, count]."""
    shifts = np.arange(count, dtype=np.uint32) * (32 // count)
    mask = np.uint32((1 << (32 // count)) - 1)
    return words[..., None] >> shifts & mask


def _matrices(words, count):
    """A [rounds, 16, k] and B [rounds, k, 8], as codes, of four and two
    registers of `count` elements (two and one: the first half of k)."""
    lanes = np.arange(32)
    g, t = lanes // 4, lanes % 4
    rounds = words.shape[0]
    a = np.zeros((rounds, 16, 8 * count), np.uint32)
    b = np.zeros((rounds, 8 * count, 8), np.uint32)
    regs_a = _elements(words[..., :4], count)
    regs_b = _elements(words[..., 4:6], count)
    for lane, e in itertools.product(range(32), range(count)):
        for r in range(4):
            k = count * t[lane] + r // 2 * 4 * count + e
            a[:, g[lane] + 8 * (r % 2), k] = regs_a[:, lane, r, e]
        for r in range(2):
            k = count * t[lane] + r * 4 * count + e
            b[:, k, g[lane]] = regs_b[:, lane, r, e]
    return a, b


def _c(words, f16):
    """C [rounds, 16, 8] of what C32 or C16 puts into %t."""
    rounds = words.shape[0]
    c = np.zeros((rounds, 16, 8))
    for lane, i in itertools.product(range(32), range(4)):
        row, column = lane // 4 + 8 * (i // 2), 2 * (lane % 4) + i % 2
        if f16:
            c[:, row, column] = (2.0, 1.0, -1.0, 3.0)[i]
        else:
            c[:, row, column] = words[:, lane, 6 + i % 2] & (15 << 4 * (i // 2))
    return c


def _results(d, f16):
    """The result words of D [rounds, 16, 8]."""
    rounds = d.shape[0]
    out = np.zeros((rounds, 32, 4))
    for lane, i in itertools.product(range(32), range(4)):
        row, column = lane // 4 + 8 * (i // 2), 2 * (lane % 4) + i % 2
        out[:, lane, i] = d[:, row, column]
    if f16:
        return out.astype(np.float16).view(np.uint32)
    return out.astype(np.float32).view(np.uint32)


def _decode(codes, element, container):
    if container and element == "e2m1":
        codes = codes >> 2
    return narrow_values(element)[codes]


def _plain(types, k, f16):
    def expect(words):
        if k == 16:  # two registers of A, one of B
            words = words.copy()
            words[..., 2:4] = words[..., 5] = 0
        a, b = _matrices(words, 4)
        a = _decode(a, types[0], True)[:, :, :k]
        b = _decode(b, types[1], True)[:, :k, :]
        return _results(a @ b + _c(words, f16), f16)

    return expect


def _scaled(types, vec, ue8m0, selectors):
    """Scales are words 6 (A) and 7 (B), those of C too."""

    def expect(words):
        fp4 = vec > 1
        a, b = _matrices(words, 8 if fp4 else 4)
        a = _decode(a, types[0], not fp4)
        b = _decode(b, types[1], not fp4)
        (byte_a, thread_a), (byte_b, thread_b) = selectors
        chunk = a.shape[2] // vec

        def scale(word, byte):
            code = word >> np.uint32(8 * byte) & np.uint32(0xFF)
            if ue8m0:
                return 2.0 ** (code.astype(np.float64) - 127)
            return narrow_values("e4m3")[code & 0x7F]

        for i in range(vec):
            part = slice(i * chunk, (i + 1) * chunk)
            for m in range(16):
                lane = 4 * (m % 8) + 2 * thread_a + m // 8
                a[:, m, part] *= scale(words[:, lane, 6], byte_a + i)[:, None]
            for n in range(8):
                lane = 4 * n + thread_b
                b[:, part, n] *= scale(words[:, lane, 7], byte_b + i)[:, None]
        return _results(a @ b + 0.25, False)

    return expect


def _list(letter, count, start=0):
    return "{" + ", ".join(f"%{letter}{start + i}" for i in range(count)) + "}"


for _d, _k in itertools.product(("f32", "f16"), (16, 32)):
    for _x, _y in itertools.product(("e4m3", "e5m2"), repeat=2):
        if (_d, _x, _y) == ("f32", "e4m3", "e4m3"):
            continue  # recorded under another name
        _n = 2 if _d == "f16" else 4
        _limit = 1 if _d == "f16" else 4
        case(f"mma.m16n8k{_k}.{_d}.{_x}.{_y}",
             (C16 if _d == "f16" else C32)
             + f"mma.sync.aligned.m16n8k{_k}.row.col.{_d}.{_x}.{_y}.{_d}\n"
             f"{_list('d', _n)}, {_list('a', _k // 8)}, "
             f"{_list('a', _k // 16, 4)}, {_list('t', _n)};",
             outputs=_n, kind=f"codes {_limit} {_x} {_y}", sm=89, rounds=2,
             expect=_plain((_x, _y), _k, _d == "f16"))  # fmt: skip
for _x, _y in itertools.product(("s8", "u8"), repeat=2):
    for _k in (16, 32):
        case(f"mma.satfinite.m16n8k{_k}.{_x}.{_y}",
             "mov.b32 %t0, 0x7ffff000; mov.b32 %t1, 0x80001000;\n"
             "mov.b32 %t2, 5; mov.b32 %t3, 0x7ffffff0;\n"
             f"mma.sync.aligned.m16n8k{_k}.row.col.satfinite.s32.{_x}.{_y}.s32\n"
             f"{_list('d', 4)}, {_list('a', _k // 8)}, {_list('a', _k // 16, 4)}, "
             f"{_list('t', 4)};", outputs=4, sm=80, rounds=1)  # fmt: skip
for _x, _y in itertools.product(NARROW, repeat=2):
    for _d in ("f32", "f16"):
        _n = 2 if _d == "f16" else 4
        _limit = 1 if _d == "f16" else 4
        case(f"mma.f8f6f4.{_d}.{_x}.{_y}",
             (C16 if _d == "f16" else C32)
             + "mma.sync.aligned.m16n8k32.row.col.kind::f8f6f4"
             f".{_d}.{_x}.{_y}.{_d}\n"
             f"{_list('d', _n)}, {_list('a', 4)}, {_list('a', 2, 4)}, "
             f"{_list('t', _n)};",
             outputs=_n, kind=f"codes {_limit} {_x} {_y}", sm=120,
             sm_suffix="a", rounds=1, gpu=False,
             expect=_plain((_x, _y), 32, _d == "f16"))  # fmt: skip
# Every selector of each kind.
_KINDS = [("mxf8f6f4", 1, "ue8m0", p) for p in itertools.product(NARROW, repeat=2)]
_KINDS += [("mxf4", 2, "ue8m0", ("e2m1",) * 2), ("mxf4nvf4", 2, "ue8m0", ("e2m1",) * 2),
           ("mxf4nvf4", 4, "ue4m3", ("e2m1",) * 2), ("mxf4nvf4", 4, "ue8m0", ("e2m1",) * 2)]  # fmt: skip
for _kind, _vec, _s, _types in _KINDS:
    _bytes = {1: (0, 1, 2, 3), 2: (0, 2), 4: (0,)}[_vec]
    _selectors = list(itertools.product(
        itertools.product(_bytes, (0, 1)), itertools.product(_bytes, range(4))
    ))  # fmt: skip
    if _kind == "mxf8f6f4" and _types != ("e4m3", "e4m3"):
        _selectors = _selectors[5:6]
    for _a, _b in _selectors:
        case(f"mma.{_kind}.{_vec}X.{_s}.{'.'.join(_types)}."
             f"{_a[0]}{_a[1]}{_b[0]}{_b[1]}",
             "mov.f32 %t0, 0f3E800000;\n"
             f"mma.sync.aligned.m16n8k{32 if _vec == 1 else 64}.row.col"
             f".kind::{_kind}.block_scale.scale_vec::{_vec}X"
             f".f32.{_types[0]}.{_types[1]}.f32.{_s}\n"
             f"{_list('d', 4)}, {_list('a', 4)}, {_list('a', 2, 4)}, "
             "{%t0, %t0, %t0, %t0},\n"
             f"{{%a6}}, {{{_a[0]}, {_a[1]}}}, {{%a7}}, {{{_b[0]}, {_b[1]}}};",
             outputs=4, sm=120, sm_suffix="a", rounds=1, gpu=False,
             kind=f"scaled {_s} {_types[0]} {_types[1]} {_vec}",
             expect=_scaled(_types, _vec, _s == "ue8m0", (_a, _b)))  # fmt: skip
