# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases of integer, logic, comparison, float and half instructions."""

import numpy as np
from micro_cases import case

U32, S32, F32, U64 = np.uint32, np.int32, np.float32, np.uint64


def _on(kind, function):
    """An expectation on the first words, viewed as `kind`."""

    def expect(words):
        columns = [
            np.ascontiguousarray(words[..., i]).view(kind) for i in range(4)
        ]
        with np.errstate(all="ignore"):
            result = function(*columns)
        return np.ascontiguousarray(result.astype(kind)).view(np.uint32)

    return expect


def _i64(function):
    return lambda w: function(
        w[..., 0].astype(np.int64), w[..., 1].astype(np.int64)
    ).astype(np.uint32)


for _op, _fn in (("add", lambda a, b, c, d: a + b),
                 ("sub", lambda a, b, c, d: a - b),
                 ("mul.lo", lambda a, b, c, d: a * b),
                 ("min", lambda a, b, c, d: np.minimum(a, b)),
                 ("max", lambda a, b, c, d: np.maximum(a, b))):  # fmt: skip
    for _t, _k in (("u32", U32), ("s32", S32)):
        case(f"{_op}.{_t}", f"{_op}.{_t} %d0, %a0, %a1;", expect=_on(_k, _fn))
    for _t in ("u64", "s64"):
        case(f"{_op}.{_t}", f"{_op}.{_t} %D0, %A0, %A1;", outputs=2)
    for _t in ("u16", "s16"):
        case(f"{_op}.{_t}",
             "mov.b32 {%h0, %h1}, %a0; mov.b32 {%h2, %h3}, %a1;\n"
             f"{_op}.{_t} %h4, %h0, %h2; {_op}.{_t} %h5, %h1, %h3;\n"
             "mov.b32 %d0, {%h4, %h5};")  # fmt: skip
for _op, _fn in (("min", np.minimum), ("max", np.maximum)):
    for _t, _k in (("u16x2", np.uint16), ("s16x2", np.int16)):
        case(f"{_op}.{_t}", f"{_op}.{_t} %d0, %a0, %a1;", sm=90, gpu=False,
             expect=lambda w, f=_fn, k=_k: f(
                 np.ascontiguousarray(w[..., 0]).view(k),
                 np.ascontiguousarray(w[..., 1]).view(k)).view(np.uint32))  # fmt: skip
case("add.sat.s32", "add.sat.s32 %d0, %a0, %a1;")
case("sub.sat.s32", "sub.sat.s32 %d0, %a0, %a1;")
for _t in ("u32", "s32"):
    case(f"mul.hi.{_t}", f"mul.hi.{_t} %d0, %a0, %a1;")
    case(f"mul.wide.{_t}", f"mul.wide.{_t} %D0, %a0, %a1;", outputs=2)
    case(f"mad.lo.{_t}", f"mad.lo.{_t} %d0, %a0, %a1, %a2;",
         expect=_on(U32, lambda a, b, c, d: a * b + c))  # fmt: skip
    case(f"mad.hi.{_t}", f"mad.hi.{_t} %d0, %a0, %a1, %a2;")
    case(f"mad.wide.{_t}", f"mad.wide.{_t} %D0, %a0, %a1, %A1;", outputs=2)
    case(f"sad.{_t}", f"sad.{_t} %d0, %a0, %a1, %a2;")
    case(f"div.{_t}", f"or.b32 %t0, %a1, 1; div.{_t} %d0, %a0, %t0;")
    case(f"rem.{_t}", f"or.b32 %t0, %a1, 1; rem.{_t} %d0, %a0, %t0;")
    case(f"bfe.{_t}", f"bfe.{_t} %d0, %a0, %a1, %a2;", kind="small")
    case(f"bfe.wide.{_t}", f"and.b32 %t0, %a1, 63; and.b32 %t1, %a2, 63;\n"
         f"bfe.{_t} %d0, %a0, %t0, %t1;")  # fmt: skip
    case(f"bfind.{_t}", f"bfind.{_t} %d0, %a0;")
    case(f"bfind.shiftamt.{_t}", f"bfind.shiftamt.{_t} %d0, %a0;")
    case(f"szext.{_t}", f"and.b32 %t0, %a1, 63;\n"
         f"szext.clamp.{_t} %d0, %a0, %t0; szext.wrap.{_t} %d1, %a0, %t0;",
         outputs=2)  # fmt: skip
    case(f"shr.{_t}", f"and.b32 %t0, %a1, 63; shr.{_t} %d0, %a0, %t0;")
    for _u in ("u32", "s32"):
        case(f"dp4a.{_t}.{_u}", f"dp4a.{_t}.{_u} %d0, %a0, %a1, %a2;")
        case(f"dp2a.{_t}.{_u}", f"dp2a.lo.{_t}.{_u} %d0, %a0, %a1, %a2;\n"
             f"dp2a.hi.{_t}.{_u} %d1, %a0, %a1, %a2;", outputs=2)  # fmt: skip
for _t in ("u64", "s64"):
    case(f"mul.hi.{_t}", f"mul.hi.{_t} %D0, %A0, %A1;", outputs=2)
    case(f"mad.lo.{_t}", f"mad.lo.{_t} %D0, %A0, %A1, %A2;", outputs=2)
    case(f"div.{_t}", f"or.b64 %T0, %A1, 1; div.{_t} %D0, %A0, %T0;", outputs=2)
    case(f"rem.{_t}", f"or.b64 %T0, %A1, 1; rem.{_t} %D0, %A0, %T0;", outputs=2)
    case(f"shr.{_t}", f"and.b32 %t0, %a2, 127; shr.{_t} %D0, %A0, %t0;",
         outputs=2)  # fmt: skip
    case(f"bfe.{_t}", f"and.b32 %t0, %a2, 127; and.b32 %t1, %a3, 127;\n"
         f"bfe.{_t} %D0, %A0, %t0, %t1;", outputs=2)  # fmt: skip
    case(f"bfind.{_t}", f"bfind.{_t} %d0, %A0;")
for _t, _k in (("s32", S32),):
    case(f"abs.{_t}", f"abs.{_t} %d0, %a0;",
         expect=_on(_k, lambda a, b, c, d: np.abs(a)))  # fmt: skip
    case(f"neg.{_t}", f"neg.{_t} %d0, %a0;",
         expect=_on(_k, lambda a, b, c, d: -a))  # fmt: skip
case("abs.s64", "abs.s64 %D0, %A0;", outputs=2)
case("neg.s64", "neg.s64 %D0, %A0;", outputs=2)
case("carry", "add.cc.u32 %d0, %a0, %a1; addc.cc.u32 %d1, %a2, %a3;\n"
     "addc.u32 %d2, %a4, %a5; sub.cc.u32 %d3, %a0, %a1;\n"
     "subc.cc.u32 %d4, %a2, %a3; subc.u32 %d5, %a4, %a5;", outputs=6)  # fmt: skip
case("carry.mad", "mad.lo.cc.u32 %d0, %a0, %a1, %a2;\n"
     "madc.hi.cc.u32 %d1, %a0, %a1, %a3; madc.lo.u32 %d2, %a4, %a5, 0;",
     outputs=3)  # fmt: skip
for _op, _fn in (("and", lambda a, b, c, d: a & b),
                 ("or", lambda a, b, c, d: a | b),
                 ("xor", lambda a, b, c, d: a ^ b)):  # fmt: skip
    case(f"{_op}.b32", f"{_op}.b32 %d0, %a0, %a1;", expect=_on(U32, _fn))
    case(f"{_op}.b64", f"{_op}.b64 %D0, %A0, %A1;", outputs=2)
    case(f"{_op}.b16", "mov.b32 {%h0, %h1}, %a0;\n"
         f"{_op}.b16 %h2, %h0, %h1; cvt.u32.u16 %d0, %h2;")  # fmt: skip
    case(f"{_op}.pred", "setp.lt.u32 %p0, %a0, %a1; setp.lt.u32 %p1, %a2, %a3;\n"
         f"{_op}.pred %p2, %p0, %p1; selp.b32 %d0, 1, 0, %p2;")  # fmt: skip
case("not", "not.b32 %d0, %a0; cnot.b32 %d1, %a1;", outputs=2)
case("not.b64", "not.b64 %D0, %A0;", outputs=2)
case("not.pred", "setp.lt.u32 %p0, %a0, %a1; not.pred %p1, %p0;\n"
     "selp.b32 %d0, 1, 0, %p1;")  # fmt: skip
for _i, _lut in enumerate((0x00, 0x1B, 0x96, 0xE8, 0xCA, 0xFE, 0x80, 0xFF)):
    case(f"lop3.{_lut:02x}", f"lop3.b32 %d0, %a0, %a1, %a2, {_lut};")
case("shl", "and.b32 %t0, %a1, 63; shl.b32 %d0, %a0, %t0;\n"
     "and.b32 %t1, %a2, 127; shl.b64 %D1, %A2, %t1; shl.b32 %d1, %a3, %a4;\n"
     "mov.b64 {%d2, %d3}, %D1;", outputs=4)  # fmt: skip
for _d in ("l", "r"):
    for _m in ("clamp", "wrap"):
        case(f"shf.{_d}.{_m}", f"and.b32 %t0, %a2, 63;\n"
             f"shf.{_d}.{_m}.b32 %d0, %a0, %a1, %t0;")  # fmt: skip
case("prmt", "prmt.b32 %d0, %a0, %a1, %a2;")
for _m in ("f4e", "b4e", "rc8", "ecl", "ecr", "rc16"):
    case(f"prmt.{_m}", f"prmt.b32.{_m} %d0, %a0, %a1, %a2;")
for _t, _r in (("b32", "%a0"), ("b64", "%A0")):
    case(f"popc.{_t}", f"popc.{_t} %d0, {_r};")
    case(f"clz.{_t}", f"clz.{_t} %d0, {_r};")
case("brev.b32", "brev.b32 %d0, %a0;")
case("brev.b64", "brev.b64 %D0, %A0;", outputs=2)
case("bfi.b32", "and.b32 %t0, %a2, 63; and.b32 %t1, %a3, 63;\n"
     "bfi.b32 %d0, %a0, %a1, %t0, %t1;")  # fmt: skip
case("bfi.b64", "and.b32 %t0, %a4, 127; and.b32 %t1, %a5, 127;\n"
     "bfi.b64 %D0, %A0, %A1, %t0, %t1;", outputs=2)  # fmt: skip
case("bmsk", "and.b32 %t0, %a0, 63; and.b32 %t1, %a1, 63;\n"
     "bmsk.clamp.b32 %d0, %t0, %t1; bmsk.wrap.b32 %d1, %t0, %t1;", outputs=2)  # fmt: skip

# Comparison.
for _c in ("eq", "ne", "lt", "le", "gt", "ge"):
    for _t in ("s32", "u32", "f32"):
        case(f"setp.{_c}.{_t}", f"setp.{_c}.{_t} %p0|%p1, %a0, %a1;\n"
             "selp.b32 %d0, 1, 0, %p0; selp.b32 %d1, 1, 0, %p1;", outputs=2,
             kind="f32" if _t == "f32" else "int")  # fmt: skip
    case(f"setp.{_c}.s64", f"setp.{_c}.s64 %p0, %A0, %A1;\n"
         "selp.b32 %d0, 1, 0, %p0;")  # fmt: skip
    case(f"setp.{_c}.f64", f"setp.{_c}.f64 %p0, %A0, %A1;\n"
         "selp.b32 %d0, 1, 0, %p0;", kind="f64")  # fmt: skip
    for _t in ("f16x2", "bf16x2"):
        case(f"setp.{_c}.{_t}", f"setp.{_c}.{_t} %p0|%p1, %a0, %a1;\n"
             "selp.b32 %d0, 1, 0, %p0; selp.b32 %d1, 1, 0, %p1;", outputs=2,
             sm=90, kind=_t[:-2])  # fmt: skip
for _c in ("equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"):
    case(f"setp.{_c}.f32", f"setp.{_c}.f32 %p0|%p1, %a0, %a1;\n"
         "selp.b32 %d0, 1, 0, %p0; selp.b32 %d1, 1, 0, %p1;", outputs=2,
         kind="f32")  # fmt: skip
case("setp.ftz.f32", "setp.eq.ftz.f32 %p0, %a0, %a1;\n"
     "selp.b32 %d0, 1, 0, %p0;", kind="f32")  # fmt: skip
for _b in ("and", "or", "xor"):
    case(f"setp.lt.{_b}.s32", "setp.gt.u32 %p1, %a2, %a3;\n"
         f"setp.lt.{_b}.s32 %p0|%p2, %a0, %a1, !%p1;\n"
         "selp.b32 %d0, 1, 0, %p0; selp.b32 %d1, 1, 0, %p2;", outputs=2)  # fmt: skip
case("set", "set.lt.u32.s32 %d0, %a0, %a1; set.gt.f32.u32 %d1, %a0, %a1;\n"
     "set.eq.u32.f32 %d2, %a0, %a1;", outputs=3)  # fmt: skip
case("slct", "slct.b32.s32 %d0, %a0, %a1, %a2;\n"
     "slct.f32.f32 %d1, %a0, %a1, %a3;", outputs=2)  # fmt: skip
for _m in ("finite", "infinite", "number", "notanumber", "normal", "subnormal"):
    case(f"testp.{_m}.f32", f"testp.{_m}.f32 %p0, %a0;\n"
         "selp.b32 %d0, 1, 0, %p0;", kind="f32")  # fmt: skip

# Floating point.
_FNS = {"add": lambda a, b, c, d: a + b, "sub": lambda a, b, c, d: a - b,
        "mul": lambda a, b, c, d: a * b}  # fmt: skip
for _op, _fn in _FNS.items():
    for _r in ("rn", "rz", "rm", "rp"):
        case(f"{_op}.{_r}.f32", f"{_op}.{_r}.f32 %d0, %a0, %a1;", kind="f32",
             compare="f32", expect=_on(F32, _fn) if _r == "rn" else None)  # fmt: skip
        case(f"{_op}.{_r}.f64", f"{_op}.{_r}.f64 %D0, %A0, %A1;", kind="f64",
             outputs=2, compare="f64")  # fmt: skip
    case(f"{_op}.ftz.f32", f"{_op}.ftz.f32 %d0, %a0, %a1;", kind="f32",
         compare="f32")  # fmt: skip
    case(f"{_op}.sat.f32", f"{_op}.sat.f32 %d0, %a0, %a1;", kind="f32",
         compare="f32")  # fmt: skip
for _r in ("rn", "rz", "rm", "rp"):
    case(f"fma.{_r}.f32", f"fma.{_r}.f32 %d0, %a0, %a1, %a2;", kind="f32",
         compare="f32")  # fmt: skip
    case(f"fma.near.{_r}.f32", f"fma.{_r}.f32 %d0, %a0, %a1, %a2;",
         kind="f32near", compare="f32")  # fmt: skip
    case(f"fma.{_r}.f64", f"fma.{_r}.f64 %D0, %A0, %A1, %A2;", kind="f64",
         outputs=2, compare="f64")  # fmt: skip
    for _op in ("div", "rcp", "sqrt"):
        _args = "%a0, %a1" if _op == "div" else "%a0"
        _Args = "%A0, %A1" if _op == "div" else "%A0"
        case(f"{_op}.{_r}.f32", f"{_op}.{_r}.f32 %d0, {_args};", kind="f32",
             compare="f32")  # fmt: skip
        case(f"{_op}.{_r}.f64", f"{_op}.{_r}.f64 %D0, {_Args};", kind="f64",
             outputs=2, compare="f64")  # fmt: skip
case("fma.rn.ftz.sat.f32", "fma.rn.ftz.sat.f32 %d0, %a0, %a1, %a2;", kind="f32",
     compare="f32")  # fmt: skip
case("div.rn.ftz.f32", "div.rn.ftz.f32 %d0, %a0, %a1;", kind="f32",
     compare="f32")  # fmt: skip
# The canonical NaN, as bits.
case("nan.f32", "mov.b32 %t0, 0x7fc12345; add.f32 %d0, %t0, %a0;\n"
     "mul.f32 %d1, %t0, %a0; fma.rn.f32 %d2, %t0, %a0, %a1;", outputs=3)  # fmt: skip
for _op in ("min", "max"):
    for _m in ("", ".ftz", ".NaN", ".xorsign.abs"):
        case(f"{_op}{_m}.f32", f"{_op}{_m}.f32 %d0, %a0, %a1;", kind="f32",
             compare="f32", sm=86 if _m == ".xorsign.abs" else 80)  # fmt: skip
    case(f"{_op}.f64", f"{_op}.f64 %D0, %A0, %A1;", kind="f64", outputs=2,
         compare="f64")  # fmt: skip
for _op in ("abs", "neg"):
    case(f"{_op}.f32", f"{_op}.f32 %d0, %a0; {_op}.ftz.f32 %d1, %a1;",
         kind="f32", outputs=2, compare="f32")  # fmt: skip
    case(f"{_op}.f64", f"{_op}.f64 %D0, %A0;", kind="f64", outputs=2,
         compare="f64")  # fmt: skip
case("copysign.f32", "copysign.f32 %d0, %a0, %a1;", kind="f32", compare="f32")
# Approximations: PTX ISA's bounds, doubled where they are in ulps.
for _op, _tol in (("rcp.approx", 3e-7), ("rsqrt.approx", 4e-7),
                  ("sqrt.approx", 4e-7), ("ex2.approx", 6e-7),
                  ("tanh.approx", 1e-3)):  # fmt: skip
    _pos = "" if _op[:3] in ("rcp", "ex2", "tan") else "abs.f32 %a0, %a0;\n"
    case(f"{_op}.f32", f"{_pos}{_op}.f32 %d0, %a0;", kind="f32near",
         compare="f32", tolerance=_tol, sm=75)  # fmt: skip
    if not _op.startswith("tanh"):
        case(f"{_op}.ftz.f32", f"{_pos}{_op}.ftz.f32 %d0, %a0;",
             kind="f32near", compare="f32", tolerance=_tol)  # fmt: skip
case("lg2.approx.f32", "abs.f32 %a0, %a0; add.f32 %a0, %a0, 0f40000000;\n"
     "lg2.approx.f32 %d0, %a0;", kind="f32near", compare="f32",
     tolerance=1e-6)  # fmt: skip
for _op in ("sin", "cos"):
    case(f"{_op}.approx.f32", f"mul.f32 %a0, %a0, 0f3D800000;\n"
         f"{_op}.approx.f32 %t0, %a0; add.f32 %d0, %t0, 0f40000000;",
         kind="f32near", compare="f32", tolerance=1e-6)  # fmt: skip
case("div.approx.f32", "div.approx.f32 %d0, %a0, %a1;\n"
     "div.full.f32 %d1, %a0, %a1;", outputs=2, kind="f32near", compare="f32",
     tolerance=5e-7)  # fmt: skip

# Halves.
for _t, _k in (("f16", "f16"), ("bf16", "bf16")):
    _sm = 80 if _t == "f16" else 90
    for _op in ("add", "sub", "mul"):
        case(f"{_op}.{_t}x2", f"{_op}.rn.{_t}x2 %d0, %a0, %a1;", kind=_k,
             compare=_k, sm=_sm)  # fmt: skip
        case(f"{_op}.{_t}", "mov.b32 {%h0, %h1}, %a0; mov.b32 {%h2, %h3}, %a1;\n"
             f"{_op}.{_t} %h4, %h0, %h2; mov.b16 %h5, 0;\n"
             "mov.b32 %d0, {%h4, %h5};", kind=_k, compare=_k, sm=_sm)  # fmt: skip
    case(f"fma.{_t}x2", f"fma.rn.{_t}x2 %d0, %a0, %a1, %a2;", kind=_k,
         compare=_k, sm=80)  # fmt: skip
    case(f"fma.relu.{_t}x2", f"fma.rn.relu.{_t}x2 %d0, %a0, %a1, %a2;", kind=_k,
         compare=_k, sm=80)  # fmt: skip
    for _op in ("min", "max"):
        for _m in ("", ".NaN", ".xorsign.abs"):
            case(f"{_op}{_m}.{_t}x2", f"{_op}{_m}.{_t}x2 %d0, %a0, %a1;",
                 kind=_k, compare=_k, sm=86 if "xor" in _m else 80)  # fmt: skip
    case(f"neg.abs.{_t}x2", f"neg.{_t}x2 %d0, %a0; abs.{_t}x2 %d1, %a1;",
         kind=_k, compare=_k, outputs=2, sm=80)  # fmt: skip
    case(f"nan.{_t}x2", f"mov.b32 %t0, 0x7fc17fc1; fma.rn.{_t}x2 %d0, %t0, %a0, %a1;",
         kind=_k, sm=80)  # fmt: skip
    case(f"tanh.approx.{_t}x2", f"tanh.approx.{_t}x2 %d0, %a0;", kind=_k,
         compare=_k, tolerance=0.01, sm=80 if _t == "f16" else 90)  # fmt: skip
for _m in (".ftz", ".sat", ".ftz.sat"):
    case(f"fma{_m}.f16x2", f"fma.rn{_m}.f16x2 %d0, %a0, %a1, %a2;", kind="f16",
         compare="f16")  # fmt: skip
    case(f"add{_m}.f16x2", f"add{_m}.f16x2 %d0, %a0, %a1;", kind="f16",
         compare="f16")  # fmt: skip
case("ex2.approx.f16x2", "ex2.approx.f16x2 %d0, %a0;", kind="f16",
     compare="f16", tolerance=0.008)  # fmt: skip
case("ex2.approx.ftz.bf16x2", "ex2.approx.ftz.bf16x2 %d0, %a0;", kind="bf16",
     compare="bf16", tolerance=0.01, sm=90)  # fmt: skip
