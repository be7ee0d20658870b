# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases made from lists: every type of an instruction, several to a case.

coverage.py says which there must be.
"""

import numpy as np
from micro_cases import case

_BITS = {"pred": 1}


def bits(t):
    if t in _BITS:
        return _BITS[t]
    if t in ("f16x2", "bf16x2", "tf32"):
        return 32
    return int("".join(c for c in t if c.isdigit()))


def kind_of(t):
    t = t.removesuffix("x2")
    if t in ("f32", "f64", "f16", "bf16"):
        return t
    return "int"


_HALVES = "".join(f"mov.b32 {{%h{2 * i}, %h{2 * i + 1}}}, %a{i};\n" for i in range(3))


def source(t, i):
    """The register of the i-th source of a type."""
    width = bits(t)
    return f"%h{2 * i}" if width <= 16 else f"%a{i}" if width == 32 else f"%A{i}"


def packed(name, instructions, sources, to, **kwargs):
    """A case of several instructions (opcode and operands, but the first) with
    results of one width, one after another in the result words."""
    width = bits(to)
    body = _HALVES if any(bits(t) <= 16 for t in sources) else ""
    most = 4 if width == 64 else 8
    for start in range(0, len(instructions), most):
        part = instructions[start : start + most]
        text = body
        for i, (opcode, operands) in enumerate(part):
            if width == 64:
                text += f"{opcode} %D{i}, {operands};\n"
            elif width == 32:
                text += f"{opcode} %d{i}, {operands};\n"
            elif width == 1:
                text += f"{opcode} %p2, {operands}; selp.b32 %d{i}, 1, 0, %p2;\n"
            else:
                text += (f"{opcode} %h6, {operands}; mov.b16 %h7, 0;\n"
                         f"mov.b32 %d{i}, {{%h6, %h7}};\n")  # fmt: skip
        number = f".{start // most}" if len(instructions) > most else ""
        case(name + number, text, outputs=len(part) * (2 if width == 64 else 1),
             rounds=kwargs.pop("rounds", 2) if start == 0 else 2,
             **kwargs)  # fmt: skip


def each(opcodes, t, sources, to=None, **kwargs):
    """The opcodes with type t on sources of these types."""
    operands = ", ".join(source(s, i) for i, s in enumerate(sources))
    to = to or t
    kwargs.setdefault("kind", kind_of(sources[0]))
    compare = kind_of(to)
    kwargs.setdefault("compare", "bits" if compare == "int" else compare)
    packed(f"{opcodes[0]}.{t}.form", [(f"{o}.{t}", operands) for o in opcodes],
           sources, to, **kwargs)  # fmt: skip


# Integers.
for _t in ("u16", "s16", "u32", "s32", "u64", "s64"):
    each(["sad"], _t, [_t] * 3)
    each(["mul.lo", "mul.hi"], _t, [_t] * 2)
    each(["mad.lo", "mad.hi"], _t, [_t] * 3)
    if bits(_t) == 16:
        _wide = _t[0] + "32"
        each(["mul.wide"], _t, [_t] * 2, _wide)
        case(f"mad.wide.{_t}.form", _HALVES + f"mad.wide.{_t} %d0, %h0, %h2, %a3;",
             rounds=2)  # fmt: skip
        _d = "mov.b16 %h7, 0; mov.b32 %d{}, {{%h6, %h7}};\n"
        case(f"div.{_t}.form", _HALVES + "or.b16 %h2, %h2, 1;\n"
             f"div.{_t} %h6, %h0, %h2; {_d.format(0)}"
             f"rem.{_t} %h6, %h0, %h2; {_d.format(1)}", outputs=2, rounds=2)  # fmt: skip
    if _t[0] == "s":
        each(["abs", "neg"], _t, [_t])
    if bits(_t) == 64:
        each(["bfind.shiftamt"], _t, [_t], "b32")
    if bits(_t) >= 32:
        _x = ("%A" if bits(_t) == 64 else "%a")
        _y = ("%D" if bits(_t) == 64 else "%d")
        _s = f"{_x}0, {_x}1"
        _n = 2 if bits(_t) == 64 else 1
        case(f"carry.{_t}.form",
             f"add.cc.{_t} {_y}0, {_s}; addc.cc.{_t} {_y}1, {_s};\n"
             f"addc.{_t} {_y}2, {_s};", outputs=3 * _n, rounds=2)  # fmt: skip
        case(f"borrow.{_t}.form",
             f"sub.cc.{_t} {_y}0, {_s}; subc.cc.{_t} {_y}1, {_s};\n"
             f"subc.{_t} {_y}2, {_s};", outputs=3 * _n, rounds=2)  # fmt: skip
        for _h in ("lo", "hi"):
            case(f"mad.{_h}.cc.{_t}.form",
                 f"mad.{_h}.cc.{_t} {_y}0, {_s}, {_x}2;\n"
                 f"madc.{_h}.cc.{_t} {_y}1, {_s}, {_x}2;\n"
                 f"madc.{_h}.{_t} {_y}2, {_s}, {_x}2;", outputs=3 * _n, rounds=2)  # fmt: skip
case("mad.hi.sat.s32.form", "mad.hi.sat.s32 %d0, %a0, %a1, %a2;")
for _t in ("b16", "b32", "b64"):
    each(["not", "cnot"], _t, [_t])
    for _s in ("shl", "shr"):
        each([_s], _t, [_t, "u32"])
for _t in ("u16", "s16"):
    each(["shr"], _t, [_t, "u32"])

# Comparison, selection, movement.
_ORDERED = ("eq", "ne", "lt", "le", "gt", "ge")
_UNORDERED = ("equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan")


def compares(t):
    if t[0] == "b" and t[1] != "f":
        return _ORDERED[:2]
    if t[0] == "u":
        return (*_ORDERED, "lo", "ls", "hi", "hs")
    return _ORDERED if t[0] == "s" else _ORDERED + _UNORDERED


_SCALARS = ("b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64", "f32",
            "f64")  # fmt: skip
for _t in (*_SCALARS, "f16", "bf16"):
    _s = [source(_t, i) for i in range(2)]
    packed(f"setp.{_t}.form",
           [(f"setp.{c}.{_t}", f"{_s[0]}, {_s[1]}") for c in compares(_t)],
           [_t], "pred", kind=kind_of(_t), sm=90)  # fmt: skip
    _c = compares(_t)[-1] if _t[0] == "b" and _t != "bf16" else "lt"
    case(f"setp.bool.{_t}.form",
         (_HALVES if bits(_t) == 16 else "") + "setp.gt.u32 %p1, %a6, %a7;\n"
         + "".join(f"setp.{_c}.{b}.{_t} %p2, {_s[0]}, {_s[1]}, %p1;\n"
                   f"selp.b32 %d{i}, 1, 0, %p2;\n"
                   for i, b in enumerate(("and", "or", "xor"))),
         outputs=3, kind=kind_of(_t), sm=90, rounds=2)  # fmt: skip
for _t in ("f16x2", "bf16x2"):
    packed(f"setp.{_t}.form",
           [(f"setp.{c}.{_t}", "%a0, %a1") for c in _UNORDERED], [_t], "pred",
           kind=kind_of(_t), sm=90)  # fmt: skip
    case(f"setp.bool.{_t}.form", "setp.gt.u32 %p1, %a6, %a7;\n"
         + "".join(f"setp.lt.{b}.{_t} %p2|%p3, %a0, %a1, %p1;\n"
                   f"selp.b32 %d{2 * i}, 1, 0, %p2;\n"
                   f"selp.b32 %d{2 * i + 1}, 1, 0, %p3;\n"
                   for i, b in enumerate(("and", "or", "xor"))),
         outputs=6, kind=kind_of(_t), sm=90, rounds=2)  # fmt: skip
# What set may give for what it compares.
_SET = [(d, s) for d in ("u32", "s32", "f32") for s in _SCALARS]
_SET += [(d, s) for d in ("f16", "bf16") for s in (*_SCALARS, d)]
_SET += [(d, s) for d in ("u16", "s16", "u32", "s32") for s in ("f16", "bf16")]
_SET += [(d, s) for s in ("f16x2", "bf16x2") for d in (s, "u32", "s32")]
for _d, _t in _SET:
    _c = ("eq", "ne") if _t[0] == "b" and _t[1] != "f" else ("eq", "lt", "gt")
    _s = f"{source(_t, 0)}, {source(_t, 1)}"
    packed(f"set.{_d}.{_t}.form", [(f"set.{c}.{_d}.{_t}", _s) for c in _c],
           [_t, _d], _d, kind=kind_of(_t), sm=90)  # fmt: skip
for _t in _SCALARS:
    _s = f"{source(_t, 0)}, {source(_t, 1)}"
    case(f"selp.{_t}.pred", (_HALVES if bits(_t) == 16 else "")
         + "setp.lt.u32 %p0, %a6, %a7;\n"
         + {16: f"selp.{_t} %h6, {_s}, %p0; mov.b32 %d0, {{%h6, %h6}};",
            32: f"selp.{_t} %d0, {_s}, %p0;",
            64: f"selp.{_t} %D0, {_s}, %p0;"}[bits(_t)],
         outputs=2 if bits(_t) == 64 else 1, rounds=2)  # fmt: skip
    packed(f"slct.{_t}.form",
           [(f"slct.{_t}.s32", f"{_s}, %a6"), (f"slct.{_t}.f32", f"{_s}, %a7")],
           [_t], _t, kind="f32", compare="bits")  # fmt: skip
    each(["mov"], _t, [_t], compare="bits")
case("mov.pred.form", "setp.lt.u32 %p0, %a0, %a1; mov.pred %p1, %p0;\n"
     "selp.b32 %d0, 1, 0, %p1;", rounds=2)  # fmt: skip
for _m in ("finite", "infinite", "number", "notanumber", "normal", "subnormal"):
    packed(f"testp.{_m}.f64", [(f"testp.{_m}.f64", "%A0")], ["f64"], "pred",
           kind="f64")  # fmt: skip

# Floating point.
for _t in ("f32", "f64"):
    each([f"mad.{r}" for r in ("rn", "rz", "rm", "rp")], _t, [_t] * 3)
    each(["copysign"], _t, [_t] * 2)
each(["rsqrt.approx", "rsqrt.approx.ftz", "rcp.approx.ftz"], "f64", ["f64"],
     tolerance=2.0**-18)  # fmt: skip
for _t in ("f16", "bf16"):
    _approx = ["tanh.approx"] + (["ex2.approx"] if _t == "f16" else [])
    each(_approx, _t, [_t], tolerance=0.02, sm=90)
    for _v in (_t, _t + "x2"):
        each([f"{o}{r}" for o in ("add", "sub", "mul") for r in ("", ".rn")], _v,
             [_v] * 2, sm=90)  # fmt: skip
        each(["fma.rn", "fma.rn.relu"], _v, [_v] * 3, sm=90)
        each([f"{o}{m}" for o in ("min", "max")
              for m in ("", ".NaN", ".xorsign.abs")], _v, [_v] * 2, sm=90)  # fmt: skip
        each(["abs", "neg"], _v, [_v], sm=90, compare="bits")
for _v in ("f16", "f16x2"):
    each(["add.sat", "sub.sat", "mul.sat", "add.ftz", "sub.ftz", "mul.ftz"], _v,
         [_v] * 2)  # fmt: skip
for _v in ("bf16", "bf16x2"):
    each(["ex2.approx.ftz"], _v, [_v], tolerance=0.02, sm=90)

# Conversions.
_INTS = ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64")
_FLOATS = ("f16", "bf16", "f32", "f64")
for _u in (*_INTS, *_FLOATS):
    for _t in (*_INTS, *_FLOATS):
        _opcodes = []
        if {_t, _u} & {"u8", "s8"} and "bf16" in (_t, _u):
            continue
        _down = (_t, _u) in (("f16", "f32"), ("bf16", "f32"), ("f16", "f64"),
                             ("bf16", "f64"), ("f32", "f64"))  # fmt: skip
        if _t in _FLOATS and _u in _INTS:
            _opcodes = ["rn", "rz", "rm", "rp"]
        elif _t in _INTS and _u in _FLOATS:
            _opcodes = ["rni", "rzi", "rmi", "rpi"]
        elif _t == _u and _t in _FLOATS:
            _opcodes = ["rni", "rzi", "rmi", "rpi"]
        elif _t in ("f16", "bf16") and _u in ("f16", "bf16"):
            _opcodes = ["rn", "rz", "rm", "rp"]
        elif _down:
            _opcodes = ["rn", "rz", "rm", "rp"]
        if not _opcodes:
            continue
        for _kind in ("near", "") if _u == "f32" else ("",):
            packed(f"cvt.{_t}.{_u}{_kind}.form",
                   [(f"cvt.{r}.{_t}.{_u}", source(_u, 0)) for r in _opcodes],
                   [_t, _u], _t, kind=kind_of(_u) + _kind,
                   compare=kind_of(_t) if _t in _FLOATS else "bits", sm=90)  # fmt: skip
for _t in _INTS:
    for _u in _INTS:
        if bits(_u) > bits(_t) or (_u[0] == "s" and _t[0] == "u"):
            packed(f"cvt.sat.{_t}.{_u}.form", [(f"cvt.sat.{_t}.{_u}", source(_u, 0))],
                   [_t, _u], _t)  # fmt: skip
for _t, _u in (("f64", "f32"), ("f64", "f16"), ("f64", "bf16"), ("f32", "f16"),
               ("f32", "bf16"), ("f16", "f16"), ("bf16", "bf16"), ("f32", "f32"),
               ("f64", "f64")):  # fmt: skip
    packed(f"cvt.plain.{_t}.{_u}.form", [(f"cvt.{_t}.{_u}", source(_u, 0))],
           [_t, _u], _t, kind=kind_of(_u), compare=_t, sm=90)  # fmt: skip
for _t in ("f16", "bf16"):
    packed(f"cvt.relu.{_t}.f32.form",
           [(f"cvt.{r}{m}.{_t}.f32", "%a0") for r in ("rn", "rz")
            for m in (".relu", ".satfinite", ".relu.satfinite")], [_t], _t,
           kind="f32", compare=_t, sm=90)  # fmt: skip
    packed(f"cvt.satfinite.{_t}x2.f32.form",
           [(f"cvt.{r}{m}.{_t}x2.f32", "%a0, %a1") for r in ("rn", "rz")
            for m in (".satfinite", ".satfinite.relu")], [_t + "x2"], _t + "x2",
           kind="f32", compare=_t, sm=90)  # fmt: skip
for _m in ("rna", "rn", "rz", "rn.relu", "rz.relu"):
    case(f"cvt.{_m}.tf32.form", f"cvt.{_m}.tf32.f32 %d0, %a0;\n"
         "and.b32 %d0, %d0, 0xffffe000;", sm=90, kind="f32near", rounds=2)  # fmt: skip


# Computed here: the golden file is older.
def _same(t):
    def expect(words):
        if bits(t) == 64:
            return words[..., :2]
        value = words[..., :1].astype(np.int64)
        value &= (1 << bits(t)) - 1
        if t[0] == "s" and bits(t) < 32:
            value -= (value >> (bits(t) - 1)) << bits(t)
        return (value & (0xFFFF if bits(t) <= 16 else 0xFFFFFFFF)).astype(np.uint32)

    return expect


for _t in _INTS:
    packed(f"cvt.same.{_t}", [(f"cvt.{_t}.{_t}", source(_t, 0))], [_t], _t,
           expect=_same(_t))  # fmt: skip


def _saturated(to, of):
    dtype = {"f16": np.float16, "f32": np.float32, "f64": np.float64}

    def expect(words):
        flat = np.ascontiguousarray(words[..., :2]).view(dtype[of])[..., :1]
        with np.errstate(invalid="ignore"):
            value = np.where(np.isnan(flat), 0, np.clip(flat, 0, 1))
        value = np.abs(value)  # +0
        if to == "f16":
            return value.astype(np.float16).view(np.uint16).astype(np.uint32)
        return value.astype(dtype[to]).view(np.uint32)

    return expect


for _t, _u in (("f32", "f32"), ("f16", "f16"), ("f64", "f64"), ("f64", "f32"),
               ("f64", "f16")):  # fmt: skip
    packed(f"cvt.sat.{_t}.{_u}.float", [(f"cvt.sat.{_t}.{_u}", source(_u, 0))],
           [_t, _u], _t, kind=kind_of(_u), compare=_t, sm=75,
           expect=_saturated(_t, _u))  # fmt: skip


def _tf32(mode, relu):
    def expect(words):
        a = words[..., 0].astype(np.uint64)
        add = {"rna": 0x1000, "rn": 0xFFF + (a >> np.uint64(13) & np.uint64(1)),
               "rz": 0}[mode]  # fmt: skip
        a = (a + np.uint64(add) if mode != "rn" else a + add) & 0xFFFFE000
        return np.where(relu & (words[..., 0] >> 31 == 1), 0, a).astype(np.uint32)

    return expect


for _m in ("rna", "rn", "rz", "rn.relu", "rz.relu"):
    case(f"cvt.{_m}.satfinite.tf32", f"cvt.{_m}.satfinite.tf32.f32 %d0, %a0;\n"
         "and.b32 %d0, %d0, 0xffffe000;", sm=100, sm_suffix="a", kind="f32near",
         rounds=2, gpu=False, expect=_tf32(_m.split(".")[0], "relu" in _m))  # fmt: skip
case("match.all.b64", "setp.eq.u32 %p1, %block, 0; selp.b64 %T0, 7, %A0, %p1;\n"
     "match.all.sync.b64 %d0|%p0, %T0, 0xffffffff; selp.b32 %d1, 1, 0, %p0;",
     outputs=2, rounds=2, expect=lambda w: np.stack(
         [np.array([[0xFFFFFFFF] * 32, [0] * 32], np.uint32),
          np.array([[1] * 32, [0] * 32], np.uint32)], -1))  # fmt: skip
