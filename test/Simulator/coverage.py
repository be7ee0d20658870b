#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which instructions and types the simulator accepts, and which have a test.

FORMS says for every mnemonic of the simulator's decode table how its
instructions look; each is tried with every type of the simulator's table, on
sm_120a. What is accepted must occur in a micro-test: an instruction with the
same words, in whatever order, and maybe more of them.
"""

import itertools
import json
import re
import sys

import cudadriver
import micro_cases

# An operand is literal PTX, or one of
#   d:T a:T b:T c:T   a register as wide as type T (2T: twice as wide)
# and in an opcode {T} and {U} stand for types, [x|y] for alternatives.
_COMPARE = "[eq|ne|lt|le|gt|ge|lo|ls|hi|hs|equ|neu|ltu|leu|gtu|geu|num|nan]"
_ROUND = "[|.rn|.rz|.rm|.rp]"
FORMS = {
    "add": [(f"add{_ROUND}.{{T}}", "d:T a:T b:T"), ("add.cc.{T}", "d:T a:T b:T"),
            ("add.sat.{T}", "d:T a:T b:T"),
            ("add[|.rn][|.sat].{T}.{U}", "d:T a:U b:T")],
    "addc": [("addc[|.cc].{T}", "d:T a:T b:T")],
    "sub": [(f"sub{_ROUND}.{{T}}", "d:T a:T b:T"), ("sub.cc.{T}", "d:T a:T b:T"),
            ("sub.sat.{T}", "d:T a:T b:T"),
            ("sub[|.rn][|.sat].{T}.{U}", "d:T a:U b:T")],
    "subc": [("subc[|.cc].{T}", "d:T a:T b:T")],
    "mul": [(f"mul{_ROUND}.{{T}}", "d:T a:T b:T"),
            ("mul[.lo|.hi].{T}", "d:T a:T b:T"),
            ("mul.wide.{T}", "d:2T a:T b:T")],
    "mad": [("mad[.lo|.hi|.hi.sat].{T}", "d:T a:T b:T c:T"),
            ("mad.wide.{T}", "d:2T a:T b:T c:2T"),
            ("mad[.lo|.hi].cc.{T}", "d:T a:T b:T c:T"),
            ("mad[.rn|.rz|.rm|.rp].{T}", "d:T a:T b:T c:T")],
    "madc": [("madc[.lo|.hi][|.cc].{T}", "d:T a:T b:T c:T")],
    "sad": [("sad.{T}", "d:T a:T b:T c:T")],
    "div": [("div[|.rn|.rz|.rm|.rp|.approx|.full].{T}", "d:T a:T b:T")],
    "rem": [("rem.{T}", "d:T a:T b:T")],
    "abs": [("abs.{T}", "d:T a:T")],
    "neg": [("neg.{T}", "d:T a:T")],
    "min": [("min[|.NaN|.xorsign.abs].{T}", "d:T a:T b:T")],
    "max": [("max[|.NaN|.xorsign.abs].{T}", "d:T a:T b:T")],
    "fma": [("fma[.rn|.rz|.rm|.rp].{T}", "d:T a:T b:T c:T"),
            ("fma.rn[|.sat].{T}.{U}", "d:T a:U b:U c:T")],
    "popc": [("popc.{T}", "d:b32 a:T")],
    "clz": [("clz.{T}", "d:b32 a:T")],
    "bfind": [("bfind[|.shiftamt].{T}", "d:b32 a:T")],
    "brev": [("brev.{T}", "d:T a:T")],
    "bfe": [("bfe.{T}", "d:T a:T b:b32 c:b32")],
    "bfi": [("bfi.{T}", "d:T a:T b:T b:b32 c:b32")],
    "bmsk": [("bmsk[.clamp|.wrap].{T}", "d:b32 a:b32 b:b32")],
    "szext": [("szext[.clamp|.wrap].{T}", "d:b32 a:b32 b:b32")],
    "prmt": [("prmt.{T}[|.f4e|.b4e|.rc8|.ecl|.ecr|.rc16]",
              "d:b32 a:b32 b:b32 c:b32")],
    "dp4a": [("dp4a.{T}.{U}", "d:b32 a:b32 b:b32 c:b32")],
    "dp2a": [("dp2a[.lo|.hi].{T}.{U}", "d:b32 a:b32 b:b32 c:b32")],
    "and": [("and.{T}", "d:T a:T b:T")],
    "or": [("or.{T}", "d:T a:T b:T")],
    "xor": [("xor.{T}", "d:T a:T b:T")],
    "not": [("not.{T}", "d:T a:T")],
    "cnot": [("cnot.{T}", "d:T a:T")],
    "lop3": [("lop3.{T}", "d:b32 a:b32 b:b32 c:b32 0x96")],
    "shl": [("shl.{T}", "d:T a:T b:b32")],
    "shr": [("shr.{T}", "d:T a:T b:b32")],
    "shf": [("shf[.l|.r][.clamp|.wrap].{T}", "d:b32 a:b32 b:b32 c:b32")],
    "rcp": [("rcp[.rn|.rz|.rm|.rp|.approx|.approx.ftz].{T}", "d:T a:T")],
    "sqrt": [("sqrt[.rn|.rz|.rm|.rp|.approx].{T}", "d:T a:T")],
    "rsqrt": [("rsqrt[.approx|.approx.ftz].{T}", "d:T a:T")],
    "ex2": [("ex2[.approx|.approx.ftz].{T}", "d:T a:T")],
    "lg2": [("lg2.approx.{T}", "d:T a:T")],
    "sin": [("sin.approx.{T}", "d:T a:T")],
    "cos": [("cos.approx.{T}", "d:T a:T")],
    "tanh": [("tanh.approx.{T}", "d:T a:T")],
    "copysign": [("copysign.{T}", "d:T a:T b:T")],
    "testp": [("testp[.finite|.infinite|.number|.notanumber|.normal|.subnormal]"
               ".{T}", "%p0 a:T")],
    "setp": [(f"setp.{_COMPARE}.{{T}}", "%p0 a:T b:T"),
             ("setp.lt[.and|.or|.xor].{T}", "%p0 a:T b:T %p1")],
    "set": [("set[.eq|.lt|.gt].{T}.{U}", "d:T a:U b:U")],
    "selp": [("selp.{T}", "d:T a:T b:T %p0")],
    "slct": [("slct.{T}.{U}", "d:T a:T b:T c:U")],
    "mov": [("mov.{T}", "d:T a:T"), ("mov.{T}", "d:T {%t0,%t1}"),
            ("mov.{T}", "d:T {%h0,%h1}")],
    "cvt": [("cvt[|.rn|.rz|.rm|.rp|.rni|.rzi|.rmi|.rpi].{T}.{U}", "d:T a:U"),
            ("cvt[|.sat].{T}.{U}", "d:T a:U"),
            ("cvt.rna[|.satfinite].{T}.{U}", "d:T a:U"),
            ("cvt[.rn|.rz][|.relu|.satfinite|.relu.satfinite].{T}.{U}",
             "d:T a:U"),
            ("cvt[.rn|.rz][|.relu].{T}.{U}", "d:T a:U b:U"),
            ("cvt[.rn|.rz|.rp].satfinite[|.relu].{T}.{U}", "d:T a:U b:U"),
            ("cvt.rp.satfinite.{T}.{U}", "d:T a:U")],
    "cvta": [("cvta[|.to][.global|.shared|.local|.const].{T}", "d:T a:T")],
    "isspacep": [("isspacep[.global|.shared|.local|.const|.shared::cta|"
                  ".shared::cluster]", "%p0 %A0")],
    "mapa": [("mapa[|.shared::cluster].{T}", "d:T a:T b:b32")],
    "getctarank": [("getctarank[|.shared::cluster].{T}", "d:b32 a:T")],
    "ld": [("ld[.global|.shared|.local|.const||.volatile.global|"
            ".relaxed.gpu.global|.acquire.gpu.global|.global.nc].{T}",
            "d:T [%A0]"),
           ("ld[.global|.shared].v2.{T}", "d2:T [%A0]"),
           ("ld[.global|.shared].v4.{T}", "d4:T [%A0]"),
           ("ld.global.v8.{T}", "d8:T [%A0]"),
           ("ld.param.{T}", "d:T [in]")],
    "ldu": [("ldu.global.{T}", "d:T [%A0]")],
    "st": [("st[.global|.shared|.local||.volatile.global|.relaxed.gpu.global|"
            ".release.gpu.global].{T}", "[%A0] a:T"),
           ("st[.global|.shared].v2.{T}", "[%A0] d2:T"),
           ("st[.global|.shared].v4.{T}", "[%A0] d4:T"),
           ("st.global.v8.{T}", "[%A0] d8:T")],
    "atom": [("atom[.global|.shared|][.add|.min|.max|.and|.or|.xor|.exch|.inc|"
              ".dec][|.noftz].{T}", "d:T [%A0] a:T"),
             ("atom[.global|.shared].cas.{T}", "d:T [%A0] a:T b:T"),
             ("atom.global[.add|.min|.max][.v2|.v4|.v8][|.noftz].{T}",
              "dV:T [%A0] aV:T")],
    "red": [("red[.global|.shared|][.add|.min|.max|.and|.or|.xor|.inc|.dec]"
             "[|.noftz].{T}", "[%A0] a:T"),
            ("red.global[.add|.min|.max][.v2|.v4|.v8][|.noftz].{T}",
             "[%A0] aV:T")],
    "cp": [("cp.async.ca.shared.global", "[%t0] [%A0] 4"),
           ("cp.async.ca.shared.global", "[%t0] [%A0] 8"),
           ("cp.async[.ca|.cg].shared.global", "[%t0] [%A0] 16"),
           ("cp.async.cg.shared.global", "[%t0] [%A0] 16 %t1"),
           ("cp.async.cg.shared.global", "[%t0] [%A0] 16 %p0"),
           ("cp.async[.commit_group|.wait_all]", ""),
           ("cp.async.wait_group", "1"),
           ("cp.async.mbarrier.arrive[|.noinc].shared.{T}", "[%t0]")],
    "prefetch": [("prefetch[.global.L1|.global.L2]", "[%A0]")],
    "prefetchu": [("prefetchu.L1", "[%A0]")],
    "membar": [("membar[.cta|.gl|.sys]", "")],
    "fence": [("fence[.acq_rel|.sc][.cta|.gpu|.sys]", ""),
              ("fence.proxy.async", ""),
              ("fence.mbarrier_init.release.cluster", "")],
    "bar": [("bar.sync", "0"), ("bar.sync", "0 32"), ("bar.arrive", "0 64"),
            ("bar.red.popc.{T}", "d:b32 0 %p0"),
            ("bar.red[.and|.or].{T}", "%p1 0 %p0"),
            ("bar.warp.sync", "-1")],
    "barrier": [("barrier.sync[|.aligned]", "0"),
                ("barrier.arrive", "0 64"),
                ("barrier.red.popc.{T}", "d:b32 0 %p0"),
                ("barrier.cluster.arrive[|.aligned|.relaxed|.release]", ""),
                ("barrier.cluster.wait[|.aligned|.acquire]", "")],
    "shfl": [("shfl.sync[.up|.down|.bfly|.idx].{T}",
              "d:b32 a:b32 b:b32 c:b32 -1")],
    "vote": [("vote.sync.ballot.{T}", "d:b32 %p0 -1"),
             ("vote.sync[.all|.any|.uni].{T}", "%p1 %p0 -1")],
    "match": [("match[.any|.all].sync.{T}", "d:b32 a:T -1")],
    "redux": [("redux.sync[.add|.min|.max|.and|.or|.xor|.min.abs|.max.NaN].{T}",
               "d:b32 a:b32 -1")],
    "activemask": [("activemask.{T}", "d:b32")],
    "elect": [("elect.sync", "%d0|%p0 -1")],
    "mbarrier": [("mbarrier.init[.shared|.shared::cta|].{T}", "[%A0] 1"),
                 ("mbarrier.inval.shared.{T}", "[%A0]"),
                 ("mbarrier[.arrive|.arrive_drop].shared.{T}", "%D0 [%A0]"),
                 ("mbarrier[.arrive|.arrive_drop].shared.{T}", "%D0 [%A0] 2"),
                 ("mbarrier[.arrive|.arrive_drop].noComplete.shared.{T}",
                  "%D0 [%A0] 1"),
                 ("mbarrier[.arrive|.arrive_drop].expect_tx.shared.{T}",
                  "%D0 [%A0] 1"),
                 ("mbarrier.arrive[.shared::cluster|.release.cluster"
                  ".shared::cluster].{T}", "_ [%A0]"),
                 ("mbarrier.expect_tx.relaxed.cta.shared::cta.{T}", "[%A0] 1"),
                 ("mbarrier.complete_tx.relaxed.cta.shared::cta.{T}", "[%A0] 1"),
                 ("mbarrier[.test_wait|.try_wait].shared.{T}",
                  "%p0 [%A0] %A1"),
                 ("mbarrier[.test_wait|.try_wait].parity.shared.{T}",
                  "%p0 [%A0] 0"),
                 ("mbarrier.pending_count.{T}", "%d0 %A0")],
    "ldmatrix": [(f"ldmatrix.sync.aligned.m8n8.x{n}[|.trans].shared.{{T}}",
                  f"d{n}:b32 [%t0]") for n in (1, 2, 4)],
    "stmatrix": [(f"stmatrix.sync.aligned.m8n8.x{n}[|.trans].shared.{{T}}",
                  f"[%t0] d{n}:b32") for n in (1, 2, 4)],
    "movmatrix": [("movmatrix.sync.aligned.m8n8.trans.{T}", "d:b32 a:b32")],
    "mma": [(f"mma.sync.aligned.m16n8k{k}.row.col[|.kind::f8f6f4|.satfinite]"
             ".{D}.{T}.{U}.{D}", f"m:{a} {b}")
            for k, a, b in ((4, 2, 1), (8, 2, 1), (8, 4, 2), (16, 2, 1),
                            (16, 4, 2), (32, 4, 2))]
    + [("mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale"
        ".scale_vec::1X.f32.{T}.{U}.f32.ue8m0", "s:4 2"),
       ("mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale"
        ".scale_vec::2X.f32.{T}.{U}.f32.ue8m0", "s:4 2"),
       ("mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale"
        "[.scale_vec::2X|.scale_vec::4X].f32.{T}.{U}.f32[.ue8m0|.ue4m3]",
        "s:4 2")],
    "bra": [("bra[|.uni]", "L")],
    "brx": [("brx.idx", "%a0 targets")],
    "ret": [("ret", "")],
    "exit": [("exit", "")],
    "trap": [("trap", "")],
    "call": [("call.uni", "(%r) f (%r)")],
    "nanosleep": [("nanosleep.{T}", "20")],
    "griddepcontrol": [("griddepcontrol[.wait|.launch_dependents]", "")],
    "setmaxnreg": [("setmaxnreg[.inc|.dec].sync.aligned.{T}", "64")],
    "pmevent": [("pmevent", "1")],
}  # fmt: skip

_BITS = {"pred": 1, "f32x2": 64}


def _bits(name):
    if name in _BITS:
        return _BITS[name]
    digits = re.search(r"\d+", name[1:])
    width = int(digits[0]) if digits else 32
    if name.startswith(("e4m3", "e5m2", "ue8m0", "ue4m3")):
        width = 16 if name.endswith("x2") else 8
    elif name.startswith(("e2m1", "e2m3", "e3m2")):
        width = 8
    elif name == "tf32" or name in ("f16x2", "bf16x2", "u16x2", "s16x2"):
        width = 32
    return width


def _register(role, bits):
    index = "dabc".index(role)
    if bits == 1:
        return f"%p{2 + index}"
    if bits <= 16:
        return f"%h{index}"
    return f"%t{index}" if bits == 32 else f"%T{index}"


def _operand(token, types):
    """The PTX of an operand token, and its declarations."""
    match = re.fullmatch(r"([dabcms])([248V]?):(2?)(\w+)", token)
    if not match:
        return token
    role, count, double, name = match.groups()
    bits = _bits(types.get(name, name)) * (2 if double else 1)
    if count:
        count = types["V"] if count == "V" else int(count)
        letter = {16: "h", 8: "h", 32: "w", 64: "W"}.get(bits)
        return "{" + ", ".join(f"%{letter}{i}" for i in range(count)) + "}"
    return _register(role, bits)


def _mma(token, rest, types):
    words = lambda n: "{" + ", ".join(f"%w{i}" for i in range(n)) + "}"  # noqa: E731
    d = words(2 if types.get("D") == "f16" else 4)
    operands = [d, words(int(token[2:])), words(int(rest)), d]
    if token[0] == "s":
        operands += ["%t0", "{0, 0}", "%t1", "{0, 0}"]
    return operands


def _alternatives(text):
    parts = [p.split("|") for p in re.split(r"\[([^]]*)\]", text)]
    # Outside brackets nothing is split.
    outside = re.split(r"\[([^]]*)\]", text)
    choices = [
        parts[i] if i % 2 else [outside[i]] for i in range(len(outside))
    ]
    for choice in itertools.product(*choices):
        yield "".join(choice)


def candidates(types):
    """(mnemonic, opcode, operands) of everything that is tried."""
    names = [t[1:] for t in types]
    for mnemonic, forms in FORMS.items():
        for opcode, operands in forms:
            for text in _alternatives(opcode):
                holes = [h for h in "TUD" if "{" + h + "}" in text]
                for choice in itertools.product(names, repeat=len(holes)):
                    if "D" in holes and choice[holes.index("D")] not in (
                        "f32", "f16", "s32",
                    ):  # fmt: skip
                        continue
                    chosen = dict(zip(holes, choice))
                    length = re.search(r"\.v(\d)", text)
                    if length:
                        chosen["V"] = int(length[1])
                    tokens = operands.split()
                    if tokens and tokens[0][:2] in ("m:", "s:"):
                        shown = _mma(*tokens, chosen)
                    else:
                        shown = [_operand(token, chosen) for token in tokens]
                    yield mnemonic, text.format(**chosen), shown


def module(opcode, operands, target="sm_120a"):
    body = f"{opcode} {', '.join(operands)};"
    before = after = function = ""
    if opcode.startswith("bra"):
        after = "L: ret;"
    if opcode.startswith("brx"):
        before, after = "targets: .branchtargets L;", "L: ret;"
    if opcode.startswith("call"):
        function = (
            ".func (.param .b32 o) f(.param .b32 i) { .reg .b32 %x;\n"
            "ld.param.b32 %x, [i]; st.param.b32 [o], %x; ret; }\n"
        )
        body = (
            "{ .param .b32 i; .param .b32 o; st.param.b32 [i], %a0;\n"
            f"{opcode} (o), f, (i); ld.param.b32 %t0, [o]; }}"
        )
    if opcode == "lop3.b32" or opcode.startswith("lop3"):
        body = f"{opcode} {', '.join(operands)};"
    return (
        f".version 8.8\n.target {target}\n.address_size 64\n" + function +
        ".visible .entry k(.param .u64 in) {\n" + micro_cases.registers() +
        "\n.reg .b32 %w<8>; .reg .b64 %W<8>;\n" + before + body + after +
        " ret; }\n"
    )


def accepted(driver):
    """The opcodes that the simulator takes."""
    table = json.loads(driver.lib.fp4qSimInstructionSet())
    missing = sorted(set(table["mnemonics"]) - set(FORMS))
    unknown = sorted(set(FORMS) - set(table["mnemonics"]))
    assert not missing and not unknown, (missing, unknown)
    found = {}
    driver.option("messages", 0)
    for mnemonic, opcode, operands in candidates(table["types"]):
        if opcode in found:
            continue
        # The one thing that sm_100a has and sm_120a has not.
        target = "sm_100a" if mnemonic == "redux" else "sm_120a"
        if driver.accepts(module(opcode, operands, target)):
            found[opcode] = mnemonic, operands
    driver.option("messages", 1)
    lacking = sorted(set(FORMS) - {mnemonic for mnemonic, _ in found.values()})
    assert not lacking, lacking
    return found


def _key(opcode):
    return tuple(sorted(opcode.replace("::", "@").split(".")))


def tested(cases):
    """The word lists of all instructions in micro-tests."""
    found = []
    for case in cases:
        for line in re.split(r"[;\n{}]", micro_cases.ptx(case)):
            line = re.sub(r"^\s*(\w+:)?\s*(@!?%\w+\s+)?", "", line)
            match = re.match(r"[a-z][\w.:]*", line)
            if match:
                found.append(_key(match[0]))
    return set(found)


#: What a micro-test cannot show, since no context survives it: a mutation does.
ELSEWHERE = ("trap",)


def untested(driver, cases):
    """Accepted opcodes that occur in no micro-test."""
    words = {}
    for key in tested(cases):
        mnemonic = [w for w in key if w in FORMS]
        for word in mnemonic:
            words.setdefault(word, []).append(key)
    missing = []
    for opcode in sorted(accepted(driver)):
        key = _key(opcode)
        if opcode in ELSEWHERE:
            continue
        need = {w: key.count(w) for w in key}
        if not any(
            all(have.count(w) >= n for w, n in need.items())
            for have in words.get(opcode.split(".")[0], [])
        ):
            missing.append(opcode)
    return missing


if __name__ == "__main__":
    import micro_alu  # noqa: F401
    import micro_blackwell  # noqa: F401
    import micro_forms  # noqa: F401
    import micro_memory  # noqa: F401
    import micro_mma  # noqa: F401
    import micro_other  # noqa: F401

    for name in untested(cudadriver.Driver(sys.argv[1]), micro_cases.CASES):
        print(name)
