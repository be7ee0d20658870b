# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases of conversions, memory, warp-wide and matrix instructions."""

from micro_cases import C16, C32, case

# cvt between scalars. A 16-bit operand lives in %h.
_WIDTH = {"u8": 8, "s8": 8, "u16": 16, "s16": 16, "f16": 16, "bf16": 16,
          "u32": 32, "s32": 32, "f32": 32, "u64": 64, "s64": 64, "f64": 64}  # fmt: skip
_INTS = ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64")


def _source(t):
    width = _WIDTH[t]
    if width == 64:
        return "", "%A0"
    if width == 32:
        return "", "%a0"
    return "mov.b32 {%h0, %h1}, %a0;\n", "%h0"


def _dest(t):
    width = _WIDTH[t]
    if width == 64:
        return "%D0", "", 2
    if width == 32:
        return "%d0", "", 1
    return "%h2", "\nmov.b16 %h3, 0; mov.b32 %d0, {%h2, %h3};", 1


def _cvt(mods, to, frm, kind=None, **kwargs):
    before, source = _source(frm)
    dest, after, outputs = _dest(to)
    kind = kind or (frm if frm in ("f16", "bf16", "f32", "f64") else "int")
    compare = to if to in ("f16", "bf16", "f32", "f64") else "bits"
    case(f"cvt{mods}.{to}.{frm}.{kind}",
         f"{before}cvt{mods}.{to}.{frm} {dest}, {source};{after}",
         kind=kind, outputs=outputs, compare=compare, **kwargs)  # fmt: skip


for _to in _INTS:
    for _from in _INTS:
        if _to == _from:
            continue
        _cvt("", _to, _from)
        # .sat is legal only where the source's range exceeds the result's.
        _bits, _more = _WIDTH[_to], _WIDTH[_from] - (_from[0] == "s")
        if _bits - (_to[0] == "s") < _more or (_from[0], _to[0]) == ("s", "u"):
            _cvt(".sat", _to, _from)
for _int in ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"):
    for _r in ("rni", "rzi", "rmi", "rpi"):
        _cvt(f".{_r}", _int, "f32")
        _cvt(f".{_r}", _int, "f32", kind="f32near")
    _cvt(".rzi", _int, "f16")
    _cvt(".rni", _int, "f64")
    _cvt(".rn", "f32", _int)
    _cvt(".rn", "f16", _int)
    _cvt(".rn", "f64", _int)
for _r in ("rz", "rm", "rp"):
    for _int in ("s32", "u32", "u64", "s64"):
        _cvt(f".{_r}", "f32", _int)
        if _int[1:] == "64":
            _cvt(f".{_r}", "f64", _int)
    _cvt(f".{_r}", "f32", "f64")
    if _r == "rz":
        _cvt(".rz", "f16", "f32")
        _cvt(".rz", "bf16", "f32", sm=90)
_cvt(".rn", "f32", "f64")
_cvt(".rn", "f16", "f64")
_cvt("", "f64", "f32")
_cvt("", "f64", "f16")
_cvt("", "f32", "f16")
_cvt("", "f32", "bf16", sm=90)
_cvt(".ftz", "f32", "f16")
_cvt(".sat", "f32", "f16")
for _m in (".rn", ".rn.relu"):
    _cvt(_m, "bf16", "f32", sm=80)
_cvt(".rn", "f16", "f32")
_cvt(".rn.relu", "f16", "f32", sm=80)
for _r in ("rni", "rzi", "rmi", "rpi"):
    _cvt(f".{_r}", "f32", "f32")
    _cvt(f".{_r}", "f32", "f32", kind="f32near")
    _cvt(f".{_r}", "f64", "f64")
    _cvt(f".{_r}", "f16", "f16")

for _r in ("rn", "rz"):
    for _relu in ("", ".relu"):
        for _t in ("f16x2", "bf16x2"):
            for _kind in ("f32", "f32near"):
                case(f"cvt.{_r}{_relu}.{_t}.f32.{_kind}",
                     f"cvt.{_r}{_relu}.{_t}.f32 %d0, %a0, %a1;", sm=80,
                     kind=_kind, compare=_t[:-2])  # fmt: skip
for _t in ("e4m3x2", "e5m2x2"):
    for _relu in ("", ".relu"):
        for _kind in ("f32", "f32near"):
            case(f"cvt.rn.satfinite{_relu}.{_t}.f32.{_kind}",
                 f"cvt.rn.satfinite{_relu}.{_t}.f32 %h0, %a0, %a1;\n"
                 "mov.b16 %h1, 0; mov.b32 %d0, {%h0, %h1};", sm=89, kind=_kind)  # fmt: skip
        case(f"cvt.rn.satfinite{_relu}.{_t}.f16x2",
             f"cvt.rn.satfinite{_relu}.{_t}.f16x2 %h0, %a0;\n"
             "mov.b16 %h1, 0; mov.b32 %d0, {%h0, %h1};", sm=89, kind="f16")  # fmt: skip
        case(f"cvt.rn{_relu}.f16x2.{_t}",
             "mov.b32 {%h0, %h1}, %a0;\n"
             f"cvt.rn{_relu}.f16x2.{_t} %d0, %h0;", sm=89, compare="f16")  # fmt: skip
case("cvt.rna.tf32", "cvt.rna.tf32.f32 %d0, %a0;\n"
     "and.b32 %d0, %d0, 0xffffe000;", sm=80, kind="f32near")  # fmt: skip

# Memory. Each lane stores where another loads.
for _t, _v in (("u8", ""), ("s8", ""), ("u16", ""), ("s16", ""), ("b32", ""),
               ("b64", ""), ("b32", "v2"), ("b32", "v4"), ("b64", "v2")):  # fmt: skip
    _dot = f".{_v}" if _v else ""
    _n = int(_v[1:]) if _v else 1
    _r = "D" if _t == "b64" else "d"
    _regs = ", ".join(f"%{_r}{i}" for i in range(_n))
    _regs = f"{{{_regs}}}" if _v else _regs
    case(f"ld.shared{_dot}.{_t}",
         "mov.u32 %t0, %laneid; shl.b32 %t1, %t0, 5; mov.u32 %t2, sm;\n"
         "add.u32 %t2, %t2, %t1;\n"
         "st.shared.v4.b32 [%t2], {%a0, %a1, %a2, %a3};\n"
         "st.shared.v4.b32 [%t2+16], {%a4, %a5, %a6, %a7};\n"
         "bar.warp.sync 0xffffffff;\n"
         "xor.b32 %t1, %t1, 96; mov.u32 %t2, sm; add.u32 %t2, %t2, %t1;\n"
         f"ld.shared{_dot}.{_t} {_regs}, [%t2+16];",
         outputs=(2 if _r == "D" else 1) * _n, shared=True)  # fmt: skip
case("st.shared.narrow",
     "mov.u32 %t0, %laneid; shl.b32 %t1, %t0, 4; mov.u32 %t2, sm;\n"
     "add.u32 %t2, %t2, %t1; st.shared.v2.b64 [%t2], {%A0, %A1};\n"
     "st.shared.u8 [%t2+3], %a4; st.shared.u16 [%t2+6], %a5;\n"
     "st.shared.b32 [%t2+8], %a6;\n"
     "ld.shared.v4.b32 {%d0, %d1, %d2, %d3}, [%t2];", outputs=4, shared=True)  # fmt: skip
case("ld.local", ".local .align 16 .b8 buf[32]; mov.u64 %T0, buf;\n"
     "cvta.local.u64 %T1, %T0; st.local.v4.b32 [%T0], {%a0, %a1, %a2, %a3};\n"
     "st.v2.b64 [%T1+16], {%A2, %A3}; ld.local.b32 %d0, [%T0+20];\n"
     "ld.u8 %d1, [%T1+5]; ld.local.s16 %d2, [%T0+6];", outputs=3)  # fmt: skip
_SPACE = ("mov.u32 %t0, %laneid; and.b32 %t1, %t0, 3; shl.b32 %t1, %t1, 3;\n"
          "mov.u32 %t2, sm; add.u32 %t2, %t2, %t1;\n"
          "mov.b64 %T0, {init}; setp.lt.u32 %p0, %t0, 4;\n"
          "@%p0 st.shared.b64 [%t2], %T0; bar.warp.sync 0xffffffff;\n")  # fmt: skip


def _atomic(name, op, t, init="0", wide=False, src=None, **kwargs):
    src = src or ("%A0" if wide else "%a0")
    word = "b64" if wide else "b32"
    dest = "%D0" if wide else "%d0"
    case(f"{name}.{t}",
         _SPACE.format(init=init)
         + f"red.shared.{op}.{t} [%t2], {src}; bar.warp.sync 0xffffffff;\n"
         f"ld.shared.{word} {dest}, [%t2];",
         outputs=2 if wide else 1, shared=True, **kwargs)  # fmt: skip


for _t in ("u32", "s32"):
    for _op in ("add", "min", "max"):
        _atomic(f"red.{_op}", _op, _t, init="1000")
for _op in ("and", "or", "xor"):
    _atomic(f"red.{_op}", _op, "b32", init="0x123456789")
_atomic("red.inc", "inc", "u32", init="3")
_atomic("red.dec", "dec", "u32", init="3")
_atomic("red.add", "add", "u64", init="5", wide=True)
for _t in ("u64", "s64"):
    for _op in ("min", "max"):
        _atomic(f"red.{_op}", _op, _t, init="1000", wide=True)
for _op in ("and", "or", "xor"):
    _atomic(f"red.{_op}", _op, "b64", init="0x123456789", wide=True)
# Small integers, so that the order of the lanes does not matter.
case("red.add.f32", "and.b32 %a0, %a0, 255; cvt.rn.f32.u32 %a0, %a0;\n"
     + _SPACE.format(init="0") + "red.shared.add.f32 [%t2], %a0;\n"
     "bar.warp.sync 0xffffffff; ld.shared.b32 %d0, [%t2];", shared=True)  # fmt: skip
case("red.add.f64", "and.b32 %a0, %a0, 255; cvt.rn.f64.u32 %A0, %a0;\n"
     + _SPACE.format(init="0") + "red.shared.add.f64 [%t2], %A0;\n"
     "bar.warp.sync 0xffffffff; ld.shared.b64 %D0, [%t2];", shared=True,
     outputs=2)  # fmt: skip
for _t, _cv in (("f16x2", "f16x2"), ("bf16x2", "bf16x2")):
    case(f"red.add.noftz.{_t}",
         "and.b32 %t3, %a0, 15; cvt.rn.f32.u32 %t3, %t3; and.b32 %t4, %a1, 7;\n"
         f"cvt.rn.f32.u32 %t4, %t4; cvt.rn.{_cv}.f32 %t5, %t3, %t4;\n"
         + _SPACE.format(init="0") + f"red.shared.add.noftz.{_t} [%t2], %t5;\n"
         "bar.warp.sync 0xffffffff; ld.shared.b32 %d0, [%t2];", shared=True,
         sm=90)  # fmt: skip
# One lane an address: the value before, and after.
_OWN = ("mov.u32 %t0, %laneid; shl.b32 %t1, %t0, 3; mov.u32 %t2, sm;\n"
        "add.u32 %t2, %t2, %t1; st.shared.b64 [%t2], %A0;\n")  # fmt: skip
for _op, _t, _args in (("add", "u32", "%a2"), ("add", "s32", "%a2"),
                       ("exch", "b32", "%a2"), ("cas", "b32", "%a0, %a2"),
                       ("min", "s32", "%a2"), ("max", "u32", "%a2"),
                       ("inc", "u32", "%a2"), ("dec", "u32", "%a2"),
                       ("and", "b32", "%a2"), ("or", "b32", "%a2"),
                       ("xor", "b32", "%a2")):  # fmt: skip
    case(f"atom.{_op}.{_t}",
         _OWN + f"atom.shared.{_op}.{_t} %d0, [%t2], {_args};\n"
         "ld.shared.v2.b32 {%d1, %d2}, [%t2];", outputs=3, shared=True)  # fmt: skip
for _op, _t, _args in (("add", "u64", "%A1"), ("exch", "b64", "%A1"),
                       ("cas", "b64", "%A0, %A1"), ("min", "s64", "%A1")):  # fmt: skip
    case(f"atom.{_op}.{_t}",
         _OWN + f"atom.shared.{_op}.{_t} %D0, [%t2], {_args};\n"
         "ld.shared.b64 %D1, [%t2];", outputs=4, shared=True)  # fmt: skip
case("atom.cas.b16", _OWN + "mov.b32 {%h0, %h1}, %a0; mov.b32 {%h2, %h3}, %a2;\n"
     "atom.shared.cas.b16 %h4, [%t2], %h0, %h2; mov.b32 %d0, {%h4, %h0};\n"
     "ld.shared.b32 %d1, [%t2];", outputs=2, shared=True)  # fmt: skip
case("cp.async", "mov.u32 %t0, %laneid; shl.b32 %t1, %t0, 4;\n"
     "mov.u32 %t2, sm; add.u32 %t2, %t2, %t1;\n"
     "cp.async.ca.shared.global [%t2], [%in], 8;\n"
     "cp.async.ca.shared.global [%t2+8], [%in+8], 4; cp.async.commit_group;\n"
     "cp.async.ca.shared.global [%t2+12], [%in+12], 4, 1;\n"
     "cp.async.wait_group 0; cp.async.wait_all;\n"
     "cp.async.cg.shared.global [%t2+512], [%in+16], 16, 10;\n"
     "cp.async.commit_group; cp.async.wait_group 0;\n"
     "ld.shared.v4.b32 {%d0, %d1, %d2, %d3}, [%t2];\n"
     "ld.shared.v4.b32 {%d4, %d5, %d6, %d7}, [%t2+512];", outputs=8,
     shared=True, sm=80)  # fmt: skip
case("mbarrier", "mov.u32 %t0, sm; mov.u32 %t1, %laneid;\n"
     "setp.eq.u32 %p0, %t1, 0; @%p0 mbarrier.init.shared.b64 [%t0], 32;\n"
     "bar.warp.sync 0xffffffff;\n"
     "mbarrier.test_wait.parity.shared.b64 %p1, [%t0], 1;\n"
     "bar.warp.sync 0xffffffff; mbarrier.arrive.shared.b64 %T0, [%t0];\n"
     "bar.warp.sync 0xffffffff;\n"
     "mbarrier.test_wait.shared.b64 %p2, [%t0], %T0;\n"
     "mbarrier.test_wait.parity.shared.b64 %p3, [%t0], 0;\n"
     "mbarrier.test_wait.parity.shared.b64 %p4, [%t0], 1;\n"
     "selp.b32 %d0, 1, 0, %p1; selp.b32 %d1, 1, 0, %p2;\n"
     "selp.b32 %d2, 1, 0, %p3; selp.b32 %d3, 1, 0, %p4;\n"
     "bar.warp.sync 0xffffffff; @%p0 mbarrier.inval.shared.b64 [%t0];",
     outputs=4, shared=True, sm=90)  # fmt: skip
case("generic", "mov.u32 %t2, sm; cvt.u64.u32 %T0, %t2;\n"
     "cvta.shared.u64 %T1, %T0; mov.u32 %t0, %laneid; mul.wide.u32 %T2, %t0, 8;\n"
     "add.u64 %T1, %T1, %T2; st.b64 [%T1], %A0; cvta.to.shared.u64 %T3, %T1;\n"
     "ld.shared.b32 %d0, [%T3+4]; isspacep.shared %p0, %T1;\n"
     "isspacep.global %p1, %T1; isspacep.global %p2, %in;\n"
     "selp.b32 %d1, 1, 0, %p0; selp.b32 %d2, 1, 0, %p1;\n"
     "selp.b32 %d3, 1, 0, %p2;", outputs=4, shared=True)  # fmt: skip
case("mov.pack", "mov.b32 {%h0, %h1}, %a0; mov.b32 {%h2, %h3}, %a1;\n"
     "mov.b64 %D0, {%h3, %h1, %h0, %h2}; mov.b32 %t0, {%h1, %h0};\n"
     "mov.b64 {%t1, %t2}, %A1; mov.b64 %D1, {%t0, %t1};", outputs=4)  # fmt: skip
case("special", "mov.u32 %d0, %lanemask_lt; mov.u32 %d1, %lanemask_ge;\n"
     "mov.u32 %d2, %ntid.x; mov.u32 %d3, %nctaid.x; mov.u32 %d4, %ctaid.x;\n"
     "mov.u32 %d5, %lanemask_eq; mov.u32 %d6, %lanemask_le;\n"
     "mov.u32 %d7, %lanemask_gt;", outputs=8)  # fmt: skip

# Warp-wide.
for _m in ("up", "down", "bfly", "idx"):
    for _c in ("0", "31", "0x1c03", "0x1c00", "0x101f"):
        if (_m == "up") == (_c in ("0", "0x1c00")):
            case(f"shfl.{_m}.{_c}", "and.b32 %t0, %a1, 31;\n"
                 f"shfl.sync.{_m}.b32 %d0|%p0, %a0, %t0, {_c}, 0xffffffff;\n"
                 "selp.b32 %d1, 1, 0, %p0;", outputs=2)  # fmt: skip
case("vote", "setp.lt.u32 %p0, %a0, %a1;\n"
     "vote.sync.ballot.b32 %d0, %p0, 0xffffffff;\n"
     "vote.sync.all.pred %p1, %p0, 0xffffffff;\n"
     "vote.sync.any.pred %p2, !%p0, 0xffffffff;\n"
     "vote.sync.uni.pred %p3, %p0, 0xffffffff;\n"
     "selp.b32 %d1, 1, 0, %p1; selp.b32 %d2, 1, 0, %p2;\n"
     "selp.b32 %d3, 1, 0, %p3; activemask.b32 %d4;", outputs=5)  # fmt: skip
case("match.any", "and.b32 %t0, %a0, 3; match.any.sync.b32 %d0, %t0, 0xffffffff;\n"
     "and.b64 %T0, %A1, 1; match.any.sync.b64 %d1, %T0, 0xffffffff;", outputs=2)  # fmt: skip
case("match.all", "mov.u32 %t1, %ctaid.x; setp.gt.u32 %p1, %t1, 3;\n"
     "selp.b32 %t0, %a0, 7, %p1;\n"
     "match.all.sync.b32 %d0|%p0, %t0, 0xffffffff; selp.b32 %d1, 1, 0, %p0;",
     outputs=2)  # fmt: skip
for _op in ("add", "min", "max"):
    for _t in ("u32", "s32"):
        case(f"redux.{_op}.{_t}", f"redux.sync.{_op}.{_t} %d0, %a0, 0xffffffff;",
             sm=80)  # fmt: skip
for _op in ("and", "or", "xor"):
    case(f"redux.{_op}.b32", f"redux.sync.{_op}.b32 %d0, %a0, 0xffffffff;", sm=80)
case("elect", "elect.sync %d0|%p0, 0xffffffff; selp.b32 %d1, 1, 0, %p0;",
     outputs=2, sm=90)  # fmt: skip
case("divergent", "mov.u32 %t0, %laneid; and.b32 %t1, %t0, 1;\n"
     "setp.eq.u32 %p0, %t1, 0; @%p0 bra ODD;\n"
     "shfl.sync.bfly.b32 %d0, %a0, 2, 31, 0xaaaaaaaa; bra END;\n"
     "ODD: shfl.sync.bfly.b32 %d0, %a1, 4, 31, 0x55555555;\n"
     "END: bar.warp.sync 0xffffffff; vote.sync.ballot.b32 %d1, %p0, 0xffffffff;",
     outputs=2)  # fmt: skip
case("barrier", "setp.lt.u32 %p0, %a0, %a1; bar.red.popc.u32 %d0, 0, %p0;\n"
     "bar.red.and.pred %p1, 1, %p0; bar.red.or.pred %p2, 2, !%p0;\n"
     "selp.b32 %d1, 1, 0, %p1; selp.b32 %d2, 1, 0, %p2; bar.sync 3;\n"
     "barrier.sync 4, 32; bar.arrive 5, 64; bar.arrive 5, 64;", outputs=3)  # fmt: skip

# Matrices: 32 rows of 16 bytes.
_ROWS = ("mov.u32 %t0, %laneid; shl.b32 %t1, %t0, 4; mov.u32 %t2, sm;\n"
         "add.u32 %t2, %t2, %t1;\n")  # fmt: skip
for _n in (1, 2, 4):
    for _trans in ("", ".trans"):
        _d = ", ".join(f"%d{i}" for i in range(_n))
        _a = ", ".join(f"%a{i}" for i in range(_n))
        case(f"ldmatrix.x{_n}{_trans}",
             _ROWS + "st.shared.v4.b32 [%t2], {%a0, %a1, %a2, %a3};\n"
             "bar.warp.sync 0xffffffff;\n"
             f"ldmatrix.sync.aligned.m8n8.x{_n}{_trans}.shared.b16 {{{_d}}}, [%t2];",
             outputs=_n, shared=True)  # fmt: skip
        case(f"stmatrix.x{_n}{_trans}",
             _ROWS + f"st.shared.v4.b32 [%t2], {{0, 0, 0, 0}};\n"
             "bar.warp.sync 0xffffffff;\n"
             f"stmatrix.sync.aligned.m8n8.x{_n}{_trans}.shared.b16 [%t2], {{{_a}}};\n"
             "bar.warp.sync 0xffffffff;\n"
             "ld.shared.v4.b32 {%d0, %d1, %d2, %d3}, [%t2];",
             outputs=4, shared=True, sm=90)  # fmt: skip
case("movmatrix", "movmatrix.sync.aligned.m8n8.trans.b16 %d0, %a0;")

# mma.sync. Exact inputs compare as bits; positive ones within (K + 2) * 2^-23
# relative to the sum, times four for hardware that truncates its addends.


def _mma(shape, k, types, a, b, d="f32", element=None, sm=80, ops="", **kwargs):
    regs_a = ", ".join(f"%a{i}" for i in range(a))
    regs_b = ", ".join(f"%a{4 + i}" for i in range(b))
    n = 2 if d == "f16" else 4
    regs_d = ", ".join(f"%d{i}" for i in range(n))
    regs_c = ", ".join(f"%t{i}" for i in range(n))
    for flavor in ("exact", "positive"):
        if d in ("f16", "s32") and flavor == "positive":
            continue
        name = f"mma{ops}.{shape}.{d}.{'.'.join(types)}.{flavor}"
        compare = "bits" if flavor == "exact" else "f32"
        case(name,
             (C16 if d == "f16" else C32 if d == "f32" else
              "".join(f"mov.b32 %t{i}, {i * 100 - 150};\n" for i in range(4)))
             + f"mma.sync.aligned.{shape}.row.col{ops}.{d}.{types[0]}.{types[1]}.{d}\n"
             f"{{{regs_d}}}, {{{regs_a}}}, {{{regs_b}}}, {{{regs_c}}};",
             outputs=n, kind=f"{flavor} {element}" if element else "int",
             compare=compare, sm=sm,
             tolerance=4 * (k + 2) * 2.0**-23, **kwargs)  # fmt: skip


for _t in ("f16", "bf16"):
    _mma("m16n8k16", 16, (_t, _t), 4, 2, element=_t)
    _mma("m16n8k8", 8, (_t, _t), 2, 1, element=_t)
_mma("m16n8k16", 16, ("f16", "f16"), 4, 2, d="f16", element="f16")
_mma("m16n8k8", 8, ("f16", "f16"), 2, 1, d="f16", element="f16")
_mma("m16n8k8", 8, ("tf32", "tf32"), 4, 2, element="tf32")
_mma("m16n8k4", 4, ("tf32", "tf32"), 2, 1, element="tf32")
_mma("m16n8k32", 32, ("e4m3", "e4m3"), 4, 2, element="e4m3", sm=89)
_mma("m16n8k16", 16, ("e4m3", "e4m3"), 2, 1, element="e4m3", sm=89)
for _x in ("s8", "u8"):
    for _y in ("s8", "u8"):
        _mma("m16n8k32", 32, (_x, _y), 4, 2, d="s32", sm=80)
        _mma("m16n8k16", 16, (_x, _y), 2, 1, d="s32", sm=80)
_mma("m16n8k32", 32, ("s8", "u8"), 4, 2, d="s32", sm=80, ops=".satfinite")
