# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Faults seeded into the corpus: one change of the PTX text each.

Run as a program, it prints the table of docs/simulator.md.
"""

import dataclasses
import re


@dataclasses.dataclass
class Mutation:
    kind: str  # what a person got wrong
    kernel: str  # of corpus_runs.RUNS
    old: str  # a regular expression, within the kernel's entry
    new: str
    caught: str  # the fault, or "wrong result"
    which: int = 0  # of the matches


MUTATIONS = [
    Mutation("barrier dropped before reading", "reduce_sum",
             r"bar\.sync \t0;", "", "uninitialized"),
    Mutation("barrier dropped after writing", "scan",
             r"bar\.sync \t0;", "", "shared-race"),
    Mutation("barrier dropped in a loop", "scan",
             r"bar\.sync \t0;", "", "uninitialized", 1),
    Mutation("barrier before a tile is read dropped", "matmul",
             r"bar\.sync \t0;", "", "shared-race"),
    Mutation("barrier before a tile is overwritten dropped", "matmul",
             r"bar\.sync \t0;", "", "shared-race", 1),
    Mutation("barrier in a divergent branch", "reduce_sum",
             r"shr\.u32 \t%r30, %r1, 3;", "bar.sync 0; shr.u32 %r30, %r1, 3;",
             "divergent-barrier"),
    Mutation("barrier under a guard", "reduce_sum",
             r"bar\.sync \t0;", "@%p7 bar.sync 0;", "divergent-barrier"),
    Mutation("barrier waits for too many threads", "reduce_sum",
             r"bar\.sync \t0;", "bar.sync 0, 288;", "deadlock"),
    Mutation("barrier counts too few threads", "scan",
             r"bar\.sync \t0;", "bar.sync 0, 128;", "divergent-barrier"),
    Mutation("two barriers mixed up", "matmul",
             r"@%p1 bra", "setp.lt.u32 %p2, %r1, 64; @%p2 bar.sync 1;"
             " @%p1 bra", "deadlock"),
    Mutation("index off by one, up", "vector_add",
             r"st\.global\.f32 \t\[(%rd\d+)\]", r"st.global.f32 [\1+4]",
             "out-of-bounds"),
    Mutation("index off by one, down", "vector_add",
             r"ld\.global\.f32 \t(%f\d+), \[(%rd\d+)\]",
             r"ld.global.f32 \1, [\2+-4]", "out-of-bounds"),
    Mutation("bounds check off by one", "vector_add",
             r"setp\.ge\.s32", "setp.gt.s32", "out-of-bounds"),
    Mutation("bounds check inverted", "vector_add",
             r"@%p1 bra", "@!%p1 bra", "out-of-bounds"),
    Mutation("index scaled by the wrong size", "vector_add",
             r"mul\.wide\.s32 \t(%rd\d+), (%r\d+), 4", r"mul.wide.s32 \1, \2, 2",
             "misaligned"),
    Mutation("shared index off by one", "scan",
             r"sub\.s32 \t%r20, %r1, %r34;", "sub.s32 %r20, %r1, %r34;"
             " add.s32 %r20, %r20, -1;", "out-of-bounds"),
    Mutation("shared array too small", "reduce_sum",
             r"7partial\[32\]", "7partial[28]", "out-of-bounds"),
    Mutation("shared store misaligned", "reduce_sum",
             r"st\.shared\.u32 \t\[%r33\]", "st.shared.u32 [%r33+2]",
             "misaligned"),
    Mutation("initialization dropped", "scan",
             r"st\.shared\.u32 \t\[%r19\], %r16;", "", "uninitialized"),
    Mutation("register not initialized", "reduce_sum",
             r"mov\.u32 \t%r49, 0;", "", "uninitialized"),
    Mutation("loop bound off by one", "scan",
             r"(setp\.\w+\.[su]32 \t%p2, %r34), (\d+)",
             lambda m: f"{m[1]}, {int(m[2]) // 2}", "wrong result"),
    Mutation("loop counter not advanced", "fp4_decode",
             r"add\.s32 \t%r142, %r142, 64;", "", "out-of-bounds"),
    Mutation("pointer not advanced", "matmul",
             r"add\.s64 \t%rd66, %rd66, 64;", "", "wrong result"),
    Mutation("shuffle distance wrong", "reduce_sum",
             r"mov\.u32 \t%r19, 8;", "mov.u32 %r19, 4;", "wrong result"),
    Mutation("shuffle member mask lacks lanes", "reduce_sum",
             r"mov\.u32 \t%r16, -1;", "mov.u32 %r16, 0xffff;", "illegal"),
    Mutation("shuffle mode wrong", "reduce_sum",
             r"shfl\.sync\.down", "shfl.sync.up", "wrong result"),
    Mutation("atomic replaced by a store", "reduce_sum",
             r"atom\.global\.add\.u32 \t%r48, (\[%rd6\]), %r8",
             r"st.global.u32 \1, %r8", "wrong result"),
    Mutation("atomic operation wrong", "reduce_sum",
             r"atom\.global\.add\.u32", "atom.global.max.u32", "wrong result"),
    Mutation("wait for the copy dropped", "matmul",
             r"cp\.async\.wait_group 1;", "", "async-pending"),
    Mutation("wait for one group too few", "matmul",
             r"cp\.async\.wait_group 1;", "cp.async.wait_group 2;",
             "async-pending"),
    Mutation("last wait dropped", "matmul",
             r"cp\.async\.wait_group 0;", "", "async-pending"),
    Mutation("commit dropped", "matmul",
             r"cp\.async\.commit_group;", "", "async-pending", 1),
    Mutation("copy left behind at exit", "matmul",
             r"ret;", "cp.async.cg.shared.global [%r22], [%rd20], 16; ret;",
             "async-leftover"),
    Mutation("copy too short", "matmul",
             r"(cp\.async\.c)g(\.shared\.global \[%r22\], \[%rd20\]), 16;",
             r"\1a\2, 8;", "uninitialized"),
    Mutation("copy's source misaligned", "matmul",
             r"(cp\.async\.cg\.shared\.global \[%r23\]), \[%rd21\]",
             r"\1, [%rd21+2]", "misaligned"),
    Mutation("stage not switched", "matmul",
             r"xor\.b32  \t%r65, %r245, 1;", "mov.u32 %r65, %r245;",
             "async-pending"),
    Mutation("warp synchronization dropped after a copy", "nvfp4_tile",
             r"bar\.warp\.sync \t-1;", "", "shared-race"),
    Mutation("warp synchronization dropped before a copy", "mxfp4_tile",
             r"bar\.warp\.sync \t-1;", "", "shared-race", 1),
    Mutation("matrix rows transposed", "matmul",
             r"m8n8\.x4\.shared", "m8n8.x4.trans.shared", "wrong result"),
    Mutation("matrix row pitch wrong", "matmul",
             r"mad\.lo\.s32 \t%r215, %r8, 80,", "mad.lo.s32 %r215, %r8, 64,",
             "uninitialized"),
    Mutation("fragments swapped", "matmul",
             r"\{%r77, %r78, %r79, %r80\}, \{",
             "{%r77, %r79, %r78, %r80}, {", "wrong result"),
    Mutation("accumulator reset", "matmul",
             r"(\{%f304, %f303, %f302, %f301\}, \{%r77.*?), \{%f304.*?\};",
             r"\1, {%f289, %f289, %f289, %f289};", "wrong result"),
    Mutation("mma under a divergent guard", "matmul",
             r"mma\.sync", "setp.lt.u32 %p1, %r2, 16; @%p1 mma.sync",
             "divergent-barrier"),
    Mutation("nibbles swapped", "fp4_decode",
             r"(ld\.global\.v2\.u32 \t\{%r94, %r95\}.*)",
             r"\1 and.b32 %r10, %r94, 0x0f0f0f0f; shl.b32 %r10, %r10, 4;"
             r" shr.u32 %r94, %r94, 4; and.b32 %r94, %r94, 0x0f0f0f0f;"
             r" or.b32 %r94, %r94, %r10;", "wrong result"),
    Mutation("byte selector of prmt wrong", "fp4_decode",
             r"mov\.u32 \t%r110, 21520;", "mov.u32 %r110, 0x5140;",
             "wrong result"),
    Mutation("sign bit lost in a mask", "fp4_decode",
             r"and\.b32  \t%r23, %r103, -2118090304;",
             "and.b32 %r23, %r103, 0x01c001c0;", "wrong result"),
    Mutation("scale of the wrong group", "fp4_decode",
             r"(ld\.global\.u8 \t%rs1, \[%rd48)\]", r"\1+1]", "out-of-bounds"),
    Mutation("scale shifted by one", "fp4_decode",
             r"shl\.b32 \t%r100, %r98, 23;", "shl.b32 %r100, %r98, 22;",
             "wrong result"),
    Mutation("scale's exponent is off", "fp4_decode",
             r"mov\.u32 \t%r78, 2122350208;", "mov.u32 %r78, 0x7e007e00;",
             "wrong result"),
    Mutation("thread selector wrong", "nvfp4_tile",
             r"\{0, 1\}", "{0, 0}",
             "wrong result"),
    Mutation("byte selector wrong", "mxfp4_tile",
             r"\{2, 0\}", "{0, 0}", "wrong result"),
    Mutation("byte selector illegal", "nvfp4_tile",
             r"\{0, 1\}", "{1, 1}", "refused"),
    Mutation("scale vector size wrong", "mxfp4_tile",
             r"kind::mxf4\.block_scale\.scale_vec::2X",
             "kind::mxf4.block_scale.scale_vec::4X", "refused"),
    Mutation("scale type wrong", "nvfp4_tile",
             r"\.f32\.ue4m3", ".f32.ue8m0", "wrong result"),
    Mutation("kernel writes its input", "vector_add",
             r"ld\.param\.u64 \t(%rd\d+), \[vector_add_param_2\]",
             r"ld.param.u64 \1, [vector_add_param_0]", "wrong result"),
    Mutation("output not written by all", "scan",
             r"st\.global\.u32", "@%p1 st.global.u32", "wrong result"),
    Mutation("trap reached", "scan", r"ret;", "trap; ret;", "trap"),
]  # fmt: skip


def apply(mutation, text, entry):
    """The PTX with the mutation in its kernel; the change must apply."""
    start = re.search(rf"\.entry {entry}\b", text).start()
    end = text.find("\n}", start)
    body = text[start:end]
    matches = list(re.finditer(mutation.old, body))
    assert matches, f"{mutation.kind}: no match of {mutation.old}"
    match = matches[mutation.which]
    new = (
        mutation.new(match)
        if callable(mutation.new)
        else match.expand(mutation.new)
    )
    body = body[: match.start()] + new + body[match.end() :]
    return text[:start] + body + text[end:]


if __name__ == "__main__":
    print("| seeded fault | kernel | caught by |\n| --- | --- | --- |")
    for m in MUTATIONS:
        print(f"| {m.kind} | `{m.kernel}` | {m.caught} |")
