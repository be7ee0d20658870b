# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cases of loads, stores, atomics, barriers, clusters and control flow, made
from lists.

coverage.py says which there must be.
"""

from micro_cases import case
from micro_forms import bits, kind_of

_TYPES = ("b8", "u8", "s8", "b16", "u16", "s16", "b32", "u32", "s32", "f32",
          "b64", "u64", "s64", "f64")  # fmt: skip
_HALVES = "".join(f"mov.b32 {{%h{2 * i}, %h{2 * i + 1}}}, %a{i};\n" for i in range(3))


def _regs(t, count, letter):
    """A register or vector of registers that hold type t."""
    width = max(bits(t), 16)
    names = {16: "h", 32: letter, 64: letter.upper()}[width]
    regs = [f"%{names}{i}" for i in range(count)]
    return regs[0] if count == 1 else "{" + ", ".join(regs) + "}"


def _show(t, count):
    """PTX that brings what _regs(t, count, "t") loaded to result words."""
    width = bits(t)
    if width <= 16:
        pairs = (count + 1) // 2
        clear = "" if count % 2 == 0 else f"mov.b16 %h{count}, 0;\n"
        text = clear + "".join(
            f"mov.b32 %t{i}, {{%h{2 * i}, %h{2 * i + 1}}};\n"
            f"xor.b32 %d{i}, %d{i}, %t{i};\n"
            for i in range(pairs)
        )  # fmt: skip
        return text, pairs
    if width == 32:
        return "".join(
            f"xor.b32 %d{i}, %d{i}, %t{i};\n" for i in range(count)
        ), count
    return "".join(
        f"xor.b64 %D{i}, %D{i}, %T{i};\n" for i in range(count)
    ), 2 * count


# A lane's 32 bytes of shared memory are at [%a7]; %A2 is its generic address.
_OWN = ("mov.u32 %t0, %laneid; shl.b32 %t0, %t0, 5; mov.u32 %t1, sm;\n"
        "add.u32 %a7, %t1, %t0; cvt.u64.u32 %A2, %a7; cvta.shared.u64 %A2, %A2;\n"
        "st.shared.v4.b32 [%a7], {%a0, %a1, %a2, %a3};\n"
        "st.shared.v4.b32 [%a7+16], {%a0, %a1, %a2, %a3};\n")  # fmt: skip

for _t in _TYPES:
    # Every way to load: one after another, each XORed to the results.
    for _n in (1, 2, 4):
        _v = f".v{_n}" if _n > 1 else ""
        if bits(_t) * _n > 128:
            continue
        _r = _regs(_t, _n, "t")
        _forms = [f"ld.global{_v}.{_t} {_r}, [%in+16];",
                  f"ld.shared{_v}.{_t} {_r}, [%a7+16];",
                  f"ld{_v}.{_t} {_r}, [%A2+16];"]  # fmt: skip
        if _n == 1:
            _forms += [f"ld.{how}.global.{_t} {_r}, [%in+{8 * i + 8}];"
                       for i, how in enumerate(("volatile", "relaxed.gpu",
                                                "acquire.gpu"))]  # fmt: skip
            _forms += [f"ld.global.nc.{_t} {_r}, [%in+24];",
                       f"ldu.global.{_t} {_r}, [%in+24];",
                       f"ld.const.{_t} {_r}, [table+8];",
                       f"ld.param.{_t} {_r}, [extra+8];",
                       f"ld.local.{_t} {_r}, [buf+8];"]  # fmt: skip
        _text, _words = _show(_t, _n)
        # The XOR of equal values would vanish: shift in between.
        _mix = "".join(f"shf.l.wrap.b32 %d{i}, %d{i}, %d{i}, 5;\n"
                       for i in range(_words)) if bits(_t) <= 32 else ""  # fmt: skip
        if bits(_t) == 64:
            _mix = "".join(f"shl.b64 %T3, %D{i}, 5; shr.u64 %D{i}, %D{i}, 59;\n"
                           f"or.b64 %D{i}, %D{i}, %T3;\n" for i in range(_n))  # fmt: skip
        case(f"ld{_v}.{_t}.form",
             ".local .align 16 .b8 buf[16]; st.local.v4.b32 [buf], "
             "{%a0, %a1, %a2, %a3};\n" + _OWN
             + _mix.join(form + "\n" + _text for form in _forms),
             outputs=_words, shared=True, param=True, rounds=2,
             outside=".const .align 16 .b8 table[16] = {1, 2, 3, 4, 5, 6, 7, 8, "
             "0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x80};")  # fmt: skip
        # Every way to store: each to a place of its own, read back as words.
        _s = _regs(_t, _n, "a")
        _size = bits(_t) * _n // 8
        _stores = [f"st.global{_v}.{_t} [%out], {_s};",
                   f"st.shared{_v}.{_t} [%a7], {_s};",
                   f"st{_v}.{_t} [%A2+16], {_s};"]  # fmt: skip
        if _n == 1:
            _stores += [f"st.{how}.global.{_t} [%out+{8 * i + 8}], {_s};"
                        for i, how in enumerate(("volatile", "relaxed.gpu",
                                                 "release.gpu"))]  # fmt: skip
            _stores += [f"st.local.{_t} [buf], {_s};"]
        _back = "".join(f"ld.global.v4.b32 {{%d{i}, %d{i + 1}, %d{i + 2}, "
                        f"%d{i + 3}}}, [%out+{4 * i}];\n" for i in (0, 4))  # fmt: skip
        _back += ("ld.shared.v4.b32 {%t0, %t1, %t2, %t3}, [%a7];\n"
                  "ld.shared.v4.b32 {%t4, %t5, %t6, %t7}, [%a7+16];\n"
                  + "".join(f"shl.b32 %d{i}, %d{i}, 1; xor.b32 %d{i}, %d{i}, %t{i};\n"
                            for i in range(8))
                  + "ld.local.v4.b32 {%t0, %t1, %t2, %t3}, [buf];\n"
                  + "".join(f"shl.b32 %d{i}, %d{i}, 1; xor.b32 %d{i}, %d{i}, %t{i};\n"
                            for i in range(4)))  # fmt: skip
        case(f"st{_v}.{_t}.form",
             ".local .align 16 .b8 buf[16]; st.local.v4.b32 [buf], "
             "{%a0, %a1, %a2, %a3};\n" + _HALVES + _OWN.replace("%a7", "%t7")
             .replace("%A2", "%T2")
             + "st.global.v4.b32 [%out], {%a3, %a2, %a1, %a0};\n"
             "st.global.v4.b32 [%out+16], {%a3, %a2, %a1, %a0};\n"
             + "\n".join(_stores).replace("%a7", "%t7").replace("%A2", "%T2")
             + "\nmov.b32 %a7, %t7;\n" + _back, outputs=8, shared=True, rounds=2)  # fmt: skip

# Atomics: on one place of the lane in global memory, then on one in shared.
_ATOMICS = [(op, t) for op in ("min", "max") for t in ("u32", "s32", "u64", "s64")]
_ATOMICS += [("add", t) for t in ("u32", "s32", "u64", "f32", "f64")]
_ATOMICS += [("add.noftz", t) for t in ("f16", "bf16", "f16x2", "bf16x2")]
_ATOMICS += [(op, t) for op in ("and", "or", "xor", "exch") for t in ("b32", "b64")]
_ATOMICS += [("inc", "u32"), ("dec", "u32"), ("cas", "b16"), ("cas", "b32"),
             ("cas", "b64")]  # fmt: skip
for _op, _t in _ATOMICS:
    _w = bits(_t)
    _src = {16: "%h{}", 32: "%a{}", 64: "%A{}"}[_w]
    _i = iter(range(99))
    _out = lambda: {16: "%h7", 32: "%t{}", 64: "%T{}"}[_w]  # noqa: E731
    _body = _HALVES + "mov.u32 %t0, %laneid; shl.b32 %t0, %t0, 5; mov.u32 %t1, sm;\n"
    _body += "add.u32 %t7, %t0, %t1;\n"
    _body += ("st.global.v2.b32 [%out], {%a0, %a1};\n"
              "st.shared.v2.b32 [%t7], {%a0, %a1};\n")  # fmt: skip
    _old = {16: "%h6", 32: "%t2", 64: "%T2"}[_w]
    _n = 0
    for _space, _at in (("global.", "%out"), ("", "%out"), ("shared.", "%t7")):
        _arg = _src.format(1 if _w < 64 else 1)
        _more = _src.format(2 if _w < 64 else 1)
        if _op == "cas":
            # The first compare succeeds, the second need not.
            _first = {16: "%h0", 32: "%a0", 64: "%A0"}[_w]
            _body += f"atom.{_space}cas.{_t} {_old}, [{_at}], {_first}, {_arg};\n"
        else:
            _body += f"atom.{_space}{_op}.{_t} {_old}, [{_at}], {_arg};\n"
            if _op != "exch":
                _body += f"red.{_space}{_op}.{_t} [{_at}], {_more};\n"
        if _w == 16:
            _body += f"mov.b16 %h7, 0; mov.b32 %d{_n}, {{%h6, %h7}};\n"
        elif _w == 32:
            _body += f"mov.b32 %d{_n}, %t2;\n"
        else:
            _body += f"mov.b64 {{%d{2 * _n}, %d{2 * _n + 1}}}, %T2;\n"
        _n += 1
    if _w == 64:
        _body += ("ld.global.b64 %T0, [%out]; ld.shared.b64 %T1, [%t7];\n"
                  "xor.b64 %T0, %T0, %T1; mov.b64 {%d6, %d7}, %T0;\n")  # fmt: skip
    else:
        _body += "ld.global.b32 %d3, [%out]; ld.shared.b32 %d4, [%t7];\n"
    case(f"atom.{_op}.{_t}.form", _body, outputs=8 if _w == 64 else 5,
         shared=True, rounds=2, kind=kind_of(_t), sm=90)  # fmt: skip
for _t, _lengths in (("f32", (2, 4)), ("f16", (2, 4, 8)), ("bf16", (2, 4, 8)),
                     ("f16x2", (2, 4)), ("bf16x2", (2, 4))):  # fmt: skip
    for _l in _lengths:
        _noftz = "" if _t == "f32" else ".noftz"
        if bits(_t) == 16:
            _halves = "".join(f"mov.b32 {{%h{2 * i}, %h{2 * i + 1}}}, %a{4 + i};\n"
                              for i in range(4))  # fmt: skip
            _s = "{" + ", ".join(f"%h{i}" for i in range(_l)) + "}"
            _show_old = "".join(f"mov.b32 %d{i}, {{%h{2 * i}, %h{2 * i + 1}}};\n"
                                for i in range(_l // 2))  # fmt: skip
            _words = _l // 2
        else:
            _halves = ""
            _s = "{" + ", ".join(f"%a{4 + i}" for i in range(_l)) + "}"
            _show_old = "".join(f"mov.b32 %d{i}, %t{i};\n" for i in range(_l))
            _words = _l
        _o = _s.replace("%a4", "%t0").replace("%a5", "%t1").replace("%a6", "%t2")
        _o = _o.replace("%a7", "%t3")
        case(f"atom.v{_l}.{_t}.form",
             _halves + "st.global.v4.b32 [%out], {%a0, %a1, %a2, %a3};\n"
             f"red.global.add{_noftz}.v{_l}.{_t} [%out], {_s};\n"
             f"atom.global.v{_l}.{_t}.add{_noftz} {_o}, [%out], {_s};\n"
             .replace(f".v{_l}.{_t}.add{_noftz}", f".add{_noftz}.v{_l}.{_t}")
             + _show_old + "ld.global.v4.b32 {%d4, %d5, %d6, %d7}, [%out];",
             outputs=8, kind=kind_of(_t), compare=kind_of(_t), sm=90, rounds=2)  # fmt: skip

# Addresses.
case("cvta.spaces", ".local .align 8 .b8 buf[8]; mov.u64 %T0, buf;\n"
     "cvta.local.u64 %T1, %T0; cvta.to.local.u64 %T2, %T1;\n"
     "st.local.b32 [%T2], %a0; ld.b32 %d0, [%T1];\n"
     "mov.u64 %T0, table; cvta.const.u64 %T1, %T0; ld.b32 %d1, [%T1];\n"
     "cvta.to.const.u64 %T2, %T1; ld.const.b32 %d2, [%T2+4];\n"
     "mov.u64 %T0, word; cvta.global.u64 %T3, %T0; cvta.to.global.u64 %T3, %T3;\n"
     "ld.global.b32 %d3, [%T3];\n"
     "isspacep.const %p0, %T1; isspacep.local %p1, %T1; cvta.local.u64 %T0, 0;\n"
     "isspacep.local %p2, %T0; isspacep.const %p3, %T3;\n"
     "isspacep.shared::cta %p4, %T3; isspacep.shared::cluster %p5, %T0;\n"
     + "".join(f"selp.b32 %t{i}, {1 << i}, 0, %p{i}; or.b32 %d4, %d4, %t{i};\n"
               for i in range(6)), outputs=5, rounds=1,
     outside=".const .align 4 .b32 table[2] = {0x12345678, 77};\n"
     ".global .align 4 .b32 word = 99;", sm=90)  # fmt: skip
case("prefetch", "prefetch.global.L1 [%in]; prefetch.global.L2 [%in];\n"
     "mov.u64 %T0, %in; cvta.global.u64 %T0, %T0; prefetchu.L1 [%T0];\n"
     "mov.b32 %d0, %a0;", rounds=1)  # fmt: skip

# Fences and hints change no value.
case("fences", "".join(f"{f};\n" for f in (
    "membar.cta", "membar.gl", "membar.sys", "fence.acq_rel.cta",
    "fence.acq_rel.gpu", "fence.acq_rel.sys", "fence.sc.cta", "fence.sc.gpu",
    "fence.sc.sys", "fence.proxy.async", "fence.mbarrier_init.release.cluster",
    "griddepcontrol.wait", "griddepcontrol.launch_dependents", "nanosleep.u32 20",
    "pmevent 1")) + "mov.b32 %d0, %a0;", rounds=1, sm=90)  # fmt: skip
# It moves registers between warpgroups, which these kernels are too small for.
case("setmaxnreg", "setmaxnreg.dec.sync.aligned.u32 64;\n"
     "setmaxnreg.inc.sync.aligned.u32 96; mov.b32 %d0, %a0;", rounds=1, sm=90,
     gpu=False, expect=lambda w: w[..., 0])  # fmt: skip

# Control flow.
case("bra.uni", "bra.uni OVER; mov.b32 %a0, 7; OVER: mov.b32 %d0, %a0;", rounds=1)
case("brx.idx", "ts: .branchtargets L0, L1, L2, L3;\n"
     "and.b32 %t0, %a0, 3; brx.idx %t0, ts;\n"
     "L0: mov.b32 %d0, 10; bra END; L1: add.u32 %d0, %a1, 1;\n"
     "L2: add.u32 %d0, %d0, %a2; bra END; L3: mov.b32 %d0, 13;\n"
     "END: mov.b32 %d1, %t0;", outputs=2,
     expect=lambda w: __import__("numpy").choose(
         w[..., 0] & 3, [w[..., 0] * 0 + 10, w[..., 1] + 1 + w[..., 2],
                         w[..., 2], w[..., 0] * 0 + 13]))  # fmt: skip
case("call", "{ .param .b32 x; .param .b64 y; .param .b32 r;\n"
     "st.param.b32 [x], %a0; st.param.b64 [y], %A1;\n"
     "call.uni (r), mix, (x, y); ld.param.b32 %d0, [r]; }\n"
     "setp.lt.u32 %p0, %a0, %a1; @!%p0 bra SKIP;\n"
     "{ .param .b32 x; .param .b64 y; .param .b32 r;\n"
     "st.param.b32 [x], %a2; st.param.b64 [y], %A2;\n"
     "call (r), mix, (x, y); ld.param.b32 %d1, [r]; }\n"
     "SKIP: mov.b32 %d2, %a3;", outputs=3,
     outside=".func (.param .b32 r) mix(.param .b32 x, .param .b64 y) {\n"
     ".reg .b32 %x, %l, %h; .reg .b64 %y; .reg .pred %p;\n"
     "ld.param.b32 %x, [x]; ld.param.b64 %y, [y]; mov.b64 {%l, %h}, %y;\n"
     "setp.gt.s32 %p, %x, 0; @%p bra POSITIVE; xor.b32 %x, %x, %l;\n"
     "st.param.b32 [r], %x; ret;\n"
     "POSITIVE: add.u32 %x, %x, %h; st.param.b32 [r], %x; ret; }")  # fmt: skip
case("exit", "mov.u32 %t0, %laneid; setp.ge.u32 %p0, %t0, 20;\n"
     "@%p0 st.global.v4.b32 [%out], {%a4, %a5, %a6, %a7};\n"
     "@%p0 st.global.v4.b32 [%out+16], {%a0, %a1, %a2, %a3};\n"
     "@%p0 exit; mov.b32 %d0, %a0;", outputs=8, rounds=2)  # fmt: skip

# Barriers.
case("barrier.forms", "setp.lt.u32 %p0, %a0, %a1; barrier.sync.aligned 1;\n"
     "barrier.red.popc.u32 %d0, 2, %p0; barrier.arrive 3, 64;\n"
     "barrier.arrive 3, 64; bar.sync 0, 32;", rounds=2)  # fmt: skip
_MBAR = ("mov.u32 %t0, sm; mov.u32 %t1, %laneid; setp.eq.u32 %p0, %t1, 0;\n"
         "@%p0 mbarrier.init.shared::cta.b64 [%t0], {count};\n"
         "bar.warp.sync -1;\n")  # fmt: skip


def _flags(count):
    return "".join(f"selp.b32 %d{i}, 1, 0, %p{i + 1};\n" for i in range(count))


case("mbarrier.tx", _MBAR.format(count=33)
     + "@%p0 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%t0], 96;\n"
     "bar.warp.sync -1; mbarrier.arrive.shared.b64 %T0, [%t0];\n"
     "bar.warp.sync -1;\n"
     "@%p0 mbarrier.arrive.expect_tx.shared.b64 %T1, [%t0], 32;\n"
     "bar.warp.sync -1; mbarrier.test_wait.shared.b64 %p1, [%t0], %T0;\n"
     "bar.warp.sync -1;\n"
     "mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%t0], 4;\n"
     "bar.warp.sync -1; mbarrier.try_wait.shared.b64 %p2, [%t0], %T0;\n"
     "mbarrier.try_wait.parity.shared.b64 %p3, [%t0], 0;\n" + _flags(3),
     outputs=3, shared=True, sm=90, rounds=2)  # fmt: skip
case("mbarrier.drop", _MBAR.format(count=34)
     + "mbarrier.arrive.noComplete.shared.b64 %T0, [%t0], 1;\n"
     "mbarrier.pending_count.b64 %t2, %T0; bar.warp.sync -1;\n"
     "@%p0 mbarrier.arrive_drop.shared.b64 %T1, [%t0];\n"
     "@%p0 mbarrier.arrive_drop.shared.b64 %T1, [%t0]; bar.warp.sync -1;\n"
     "mbarrier.test_wait.parity.shared.b64 %p1, [%t0], 0;\n"
     "bar.warp.sync -1; mbarrier.arrive.shared.b64 %T0, [%t0], 1;\n"
     "bar.warp.sync -1; mbarrier.test_wait.parity.shared.b64 %p2, [%t0], 1;\n"
     + _flags(2) + "redux.sync.add.u32 %d2, %t2, -1;", outputs=3, shared=True,
     sm=90, rounds=2)  # fmt: skip
case("mbarrier.drop.tx", _MBAR.format(count=34)
     + "mbarrier.arrive_drop.noComplete.shared.b64 %T0, [%t0], 1;\n"
     "bar.warp.sync -1;\n"
     "@%p0 mbarrier.arrive_drop.expect_tx.shared.b64 %T1, [%t0], 8;\n"
     "@%p0 mbarrier.arrive.shared.b64 %T1, [%t0];\n"
     "bar.warp.sync -1; mbarrier.test_wait.parity.shared.b64 %p1, [%t0], 0;\n"
     "bar.warp.sync -1;\n"
     "@%p0 mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%t0], 8;\n"
     "bar.warp.sync -1; mbarrier.test_wait.parity.shared.b64 %p2, [%t0], 0;\n"
     + _flags(2), outputs=2, shared=True, sm=90, rounds=2)  # fmt: skip
for _noinc, _count in (("", 32), (".noinc", 64)):
    case(f"cp.async.mbarrier{_noinc}", _MBAR.format(count=_count)
         + "shl.b32 %t1, %t1, 4; add.u32 %t2, %t0, %t1;\n"
         "cp.async.ca.shared.global [%t2+64], [%in], 16;\n"
         f"cp.async.mbarrier.arrive{_noinc}.shared.b64 [%t0];\n"
         "mbarrier.arrive.shared.b64 %T0, [%t0];\n"
         "W: mbarrier.try_wait.parity.shared.b64 %p1, [%t0], 0;\n"
         "@!%p1 bra W; xor.b32 %t2, %t2, 16;\n"
         "ld.shared.v4.b32 {%d0, %d1, %d2, %d3}, [%t2+64];", outputs=4,
         shared=True, sm=90, rounds=2)  # fmt: skip

# Clusters of two CTAs: each reads what the other's lane stored.
_CLUSTER = ".explicitcluster .reqnctapercluster 2, 1, 1"
for _form, _arrive, _wait in (("", "", ""), (".aligned", ".aligned", ".aligned"),
                              (".release", ".release", ".acquire")):  # fmt: skip
    case(f"cluster{_form}", "mov.u32 %t0, %laneid; shl.b32 %t0, %t0, 2;\n"
         "mov.u32 %t1, sm; add.u32 %t0, %t0, %t1; st.shared.b32 [%t0], %a0;\n"
         f"barrier.cluster.arrive{_arrive}; barrier.cluster.wait{_wait};\n"
         "mov.u32 %t2, %cluster_ctarank; xor.b32 %t3, %t2, 1;\n"
         "mapa.shared::cluster.u32 %t4, %t0, %t3;\n"
         "ld.shared::cluster.b32 %d0, [%t4];\n"
         "getctarank.shared::cluster.u32 %d1, %t4;\n"
         "cvt.u64.u32 %T0, %t0; mapa.shared::cluster.u64 %T1, %T0, %t3;\n"
         "getctarank.shared::cluster.u64 %d2, %T1;\n"
         "cvta.shared.u64 %T2, %T0; mapa.u64 %T3, %T2, %t3; ld.b32 %d3, [%T3];\n"
         "getctarank.u64 %d4, %T3; mov.u32 %d5, %cluster_nctarank;\n"
         "mov.u32 %d6, %clusterid.x; mov.u32 %d7, %nclusterid.x;\n"
         "barrier.cluster.arrive.relaxed; barrier.cluster.wait;", outputs=8,
         shared=True, sm=90, rounds=2, directives=_CLUSTER)  # fmt: skip
case("cluster.special", "mov.u32 %d0, %cluster_ctaid.x; mov.u32 %d1, %cluster_ctaid.y;\n"
     "mov.u32 %d2, %cluster_nctaid.x; mov.u32 %d3, %cluster_nctaid.z;\n"
     "mov.pred %p0, %is_explicit_cluster; selp.b32 %d4, 1, 0, %p0;\n"
     "mov.u32 %d5, %clusterid.y; mov.u32 %d6, %nclusterid.z;", outputs=7, sm=90,
     rounds=4, directives=_CLUSTER)  # fmt: skip
case("cluster.mbarrier", "mov.u32 %t0, sm; mov.u32 %t1, %laneid;\n"
     "setp.eq.u32 %p0, %t1, 0; @%p0 mbarrier.init.shared.b64 [%t0], 64;\n"
     "@%p0 fence.mbarrier_init.release.cluster;\n"
     "barrier.cluster.arrive; barrier.cluster.wait;\n"
     "mov.u32 %t2, %cluster_ctarank; xor.b32 %t2, %t2, 1;\n"
     "mapa.shared::cluster.u32 %t3, %t0, %t2;\n"
     "mbarrier.arrive.shared::cluster.b64 _, [%t3];\n"
     "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%t3];\n"
     "W: mbarrier.try_wait.parity.shared.b64 %p1, [%t0], 0; @!%p1 bra W;\n"
     "selp.b32 %d0, 1, 0, %p1; barrier.cluster.arrive; barrier.cluster.wait;",
     shared=True, sm=90, rounds=2, directives=_CLUSTER)  # fmt: skip

# All CTAs at once: each waits for the others.
case("cooperative", "mov.u32 %t0, %laneid; mov.u64 %T0, arrived;\n"
     "st.global.b32 [%out], %a0; bar.sync 0; setp.eq.u32 %p0, %t0, 0;\n"
     "@%p0 atom.add.release.gpu.global.u32 %t1, [%T0], 1;\n"
     "W: ld.acquire.gpu.global.u32 %t2, [%T0]; setp.lt.u32 %p1, %t2, 4;\n"
     "@%p1 bra W; xor.b32 %t3, %block, 1; sub.s32 %t3, %t3, %block;\n"
     "mul.lo.s32 %t3, %t3, 1024; cvt.s64.s32 %T1, %t3; add.s64 %T1, %T1, %out;\n"
     "ld.global.b32 %d1, [%T1]; bar.sync 0; mov.b32 %d0, %a0;", outputs=2,
     rounds=4, cooperative=True, sm=70,
     outside=".global .align 4 .u32 arrived = 0;")  # fmt: skip
