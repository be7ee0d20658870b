# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases of what only Blackwell has, but mma: no GPU of ours can record them, so
each has numpy's result. BlackwellTest.cpp compares the conversions with Numerics
for all values.
"""

import numpy as np
from micro_cases import case, narrow_values


def _blackwell(name, body, expect, sm=120, **kwargs):
    case(name, body, expect=expect, sm=sm, sm_suffix="a", gpu=False, rounds=2,
         **kwargs)  # fmt: skip


def _f32(words, i):
    return np.ascontiguousarray(words[..., i]).view(np.float32)


def _words(values):
    return np.ascontiguousarray(values.astype(np.float32)).view(np.uint32)


def _e2m1(values, relu):
    """Nearest code, ties to the even one; saturates."""
    magnitudes = narrow_values("e2m1")[:8]
    distance = np.abs(np.abs(values.astype(np.float64))[..., None] - magnitudes)
    nearest = distance.min(-1, keepdims=True) == distance
    even = np.array([code % 2 == 0 for code in range(8)])
    code = np.where(
        (nearest & even).any(-1), (nearest & even).argmax(-1), nearest.argmax(-1)
    )
    negative = np.signbit(values)
    return np.where(negative, 0 if relu else code + 8, code).astype(np.uint32)


def _ue8m0(values, up):
    exponent = np.log2(np.abs(values.astype(np.float64)))
    rounded = np.ceil(exponent) if up else np.floor(exponent)
    return (rounded + 127).astype(np.uint32)


def _words_to_f32(words, half):
    bits = words >> np.uint32(16 * half) << np.uint32(16)
    return np.ascontiguousarray(bits.astype(np.uint32)).view(np.float32)


def _scale(code):
    """The bf16 bits of 2^(code - 127); 255 is NaN."""
    return np.where(code == 255, 0x7FFF, np.where(code == 0, 0x40, code << 7)).astype(
        np.uint32
    )


_LOW = "mov.b16 %h1, 0; mov.b32 %d0, {%h0, %h1};"
for _relu in ("", ".relu"):
    _blackwell(
        f"cvt{_relu}.e2m1x2.f32",
        f"{{ .reg .b8 %b; cvt.rn.satfinite{_relu}.e2m1x2.f32 %b, %a0, %a1;\n"
        "cvt.u32.u8 %d0, %b; }",
        lambda w, r=bool(_relu): _e2m1(_f32(w, 0), r) << np.uint32(4)
        | _e2m1(_f32(w, 1), r),
        kind="f32near",
    )
    _blackwell(
        f"cvt{_relu}.f16x2.e2m1x2",
        "{ .reg .b8 %b; cvt.u8.u32 %b, %a0;\n"
        f"cvt.rn{_relu}.f16x2.e2m1x2 %d0, %b; }}",
        lambda w, r=bool(_relu): np.where(
            np.stack([w[..., 0] >> 3, w[..., 0] >> 7], -1) & 1 & r,
            0,
            narrow_values("e2m1")[
                np.stack([w[..., 0] & 15, w[..., 0] >> 4 & 15], -1)
            ],
        ).astype(np.float16).view(np.uint32)[..., 0],
    )
for _sat in ("", ".satfinite"):
    for _r in ("rz", "rp"):
        _blackwell(
            f"cvt.{_r}{_sat}.ue8m0x2.f32",
            f"cvt.{_r}{_sat}.ue8m0x2.f32 %h0, %a0, %a1;\n" + _LOW,
            lambda w, up=_r == "rp": _ue8m0(_f32(w, 0), up) << np.uint32(8)
            | _ue8m0(_f32(w, 1), up),
            kind="f32near",
        )
        _blackwell(
            f"cvt.{_r}{_sat}.ue8m0x2.bf16x2",
            # Normal numbers only.
            "or.b32 %t0, %a0, 0x20002000; and.b32 %t0, %t0, 0xbfffbfff;\n"
            f"cvt.{_r}{_sat}.ue8m0x2.bf16x2 %h0, %t0;\n" + _LOW,
            lambda w, up=_r == "rp": np.stack(
                [_ue8m0(_words_to_f32(
                    (w[..., 0] | 0x20002000) & 0xBFFFBFFF, half), up)
                 for half in (0, 1)], -1
            ).dot(np.array([1, 256], np.uint32)),
        )  # fmt: skip
_blackwell("cvt.bf16x2.ue8m0x2", "mov.b32 {%h0, %h1}, %a0;\n"
           "cvt.rn.bf16x2.ue8m0x2 %d0, %h0;",
           lambda w: np.stack([_scale(w[..., 0] & 255), _scale(w[..., 0] >> 8 & 255)],
                              -1).dot(np.array([1, 65536], np.uint32)))  # fmt: skip


# Packed single precision: two results, each rounded once.
for _op, _fn in (("add", lambda a, b, c: a + b), ("sub", lambda a, b, c: a - b),
                 ("mul", lambda a, b, c: a * b)):  # fmt: skip
    for _r in ("", ".rn"):
        _blackwell(
            f"{_op}{_r}.f32x2",
            f"{_op}{_r}.f32x2 %D0, %A0, %A1;",
            lambda w, f=_fn: np.stack(
                [_words(f(_f32(w, i), _f32(w, 2 + i), 0)) for i in (0, 1)], -1
            ),
            kind="f32near",
            outputs=2,
        )
_blackwell("fma.rn.f32x2", "fma.rn.f32x2 %D0, %A0, %A1, %A2;",
           lambda w: np.stack([_words(
               _f32(w, i).astype(np.float64) * _f32(w, 2 + i) + _f32(w, 4 + i))
               for i in (0, 1)], -1), kind="f32near", outputs=2, compare="f32",
           tolerance=2.0**-23)  # fmt: skip


def _high(words, i, kind):
    """The upper halves of inputs i, widened."""
    bits = words[..., i] >> np.uint32(16)
    if kind == "bf16":
        return _words_to_f32(words[..., i], 1)
    return bits.astype(np.uint16).view(np.float16).astype(np.float32)


# Mixed precision: all operands but the last are halves.
_SAT = {"": lambda v: v, ".sat": lambda v: np.clip(v, 0, 1)}
for _t in ("f16", "bf16"):
    for _m, _sat in _SAT.items():
        for _op, _sign in (("add", 1), ("sub", -1)):
            for _r in ("", ".rn"):
                _blackwell(
                    f"{_op}{_r}{_m}.f32.{_t}",
                    "mov.b32 {%h0, %h1}, %a0;\n"
                    f"{_op}{_r}{_m}.f32.{_t} %d0, %h1, %a1;",
                    lambda w, t=_t, g=_sign, s=_sat: _words(
                        s(_high(w, 0, t) + g * _f32(w, 1))
                    ),
                    sm=100,
                    kind="f32near",
                )
        _blackwell(
            f"fma.rn{_m}.f32.{_t}",
            "mov.b32 {%h0, %h1}, %a0; mov.b32 {%h2, %h3}, %a1;\n"
            f"fma.rn{_m}.f32.{_t} %d0, %h1, %h3, %a2;",
            lambda w, t=_t, s=_sat: _words(
                s(_high(w, 0, t).astype(np.float64) * _high(w, 1, t) + _f32(w, 2))
            ),
            sm=100,
            kind="f32near",
            compare="f32",
            tolerance=2.0**-23,
        )
# Reductions of single precision.
for _m, _fn in (("min", np.min), ("max", np.max)):
    for _abs in ("", ".abs"):
        for _nan in ("", ".NaN"):
            _blackwell(
                f"redux.{_m}{_abs}{_nan}.f32",
                f"redux.sync.{_m}{_abs}{_nan}.f32 %d0, %a0, 0xffffffff;",
                lambda w, f=_fn, a=bool(_abs): _words(np.broadcast_to(
                    f(np.abs(_f32(w, 0)) if a else _f32(w, 0), axis=1,
                      keepdims=True), w.shape[:2])),
                sm=100, kind="f32near",
            )  # fmt: skip

# 256 bits at once.
for _t in ("b32", "u32", "s32", "f32"):
    _blackwell(f"ld.st.v8.{_t}",
               f"ld.global.v8.{_t} {{%t0, %t1, %t2, %t3, %t4, %t5, %t6, %t7}}, [%in];\n"
               f"st.global.v8.{_t} [%out], {{%t7, %t6, %t5, %t4, %t3, %t2, %t1, %t0}};\n"
               "ld.global.v4.b32 {%d0, %d1, %d2, %d3}, [%out];\n"
               "ld.global.v4.b32 {%d4, %d5, %d6, %d7}, [%out+16];",
               lambda w: w[..., ::-1], outputs=8)  # fmt: skip
for _t in ("b64", "u64", "s64", "f64"):
    _blackwell(f"ld.st.v4.{_t}",
               f"ld.global.v4.{_t} {{%T0, %T1, %T2, %T3}}, [%in];\n"
               f"st.global.v4.{_t} [%out], {{%T3, %T2, %T1, %T0}};\n"
               "ld.global.v4.b32 {%d0, %d1, %d2, %d3}, [%out];\n"
               "ld.global.v4.b32 {%d4, %d5, %d6, %d7}, [%out+16];",
               lambda w: w[..., [6, 7, 4, 5, 2, 3, 0, 1]], outputs=8)  # fmt: skip
