# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What ptxas makes of every kernel for every chip, against a committed table.

Registers, spills and shared memory of the kernels, instructions of their PTX, and
instructions of the main loop in their SASS are in ptx_gates.json. What changes by
more than the tolerance, also for the better, is to be recorded:

    FP4Q_UPDATE_GATES=1 pytest test/Python/test_ptx_gates.py
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig

import fp4q_sass
import pytest
import recipes

TABLE = pathlib.Path(__file__).with_name("ptx_gates.json")
CHIPS = ["sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_103a", "sm_120a",
         "sm_121a"]  # fmt: skip
#: Of x and of results, in turn.
TYPES = [("bf16", "f32"), ("f16", "bf16"), ("f32", "f16")]
COUNTED = {
    "mma": r"\bmma\.sync",
    "load16": r"\bld\.(global|shared)\.v4\.b32|\bcp\.async\.cg\.shared\.global",
    "ldmatrix": r"\bldmatrix",
}
SLACK = {"registers": 8, "spills": 64, "shared": 0}
#: Of the instructions of a loop.
RELATIVE_SLACK = 0.05
#: Kernels whose loops spill, with as many warps as leave each thread 128
#: registers. There must be no others.
SPILLING = {
    ("sm_86", "scaled_matmul_m16"), ("sm_89", "scaled_matmul_m16"),
    ("sm_100a", "scaled_matmul_m32"), ("sm_103a", "scaled_matmul_m32"),
}  # fmt: skip
#: The least share of matrix instructions in the main loop for many rows on chips
#: that have block-scaled ones.
LEAST_MMA_SHARE = 0.55


def tool(name):
    package = pathlib.Path(sysconfig.get_path("purelib"), "nvidia/cu13")
    for home in (os.environ.get("CUDA_HOME"), "/usr/local/cuda", package):
        path = pathlib.Path(home or "/nonexistent") / "bin" / name
        if path.is_file():
            return str(path)
    return shutil.which(name)


def module(fmt, x_type, out_type, recipe):
    """All kernels of a linear layer, M unknown."""
    group, scale = (32, "f8E8M0FNU") if fmt == "mx" else (16, "f8E4M3FN")
    scalars = " ".join(
        f"{name}(%g : memref<f32>)"
        for name, used in (
            ("global_scale", len(recipe.globals) > 1),
            ("scale_scale", recipe.scale_scale != 1.0),
        )
        if used
    )
    n, k = 4096, 4096
    codes, scales = f"memref<?x{k // 2}xi8>", f"memref<?x{k // group}x{scale}>"
    b, sb = f"memref<{n}x{k // 2}xi8>", f"memref<{n}x{k // group}x{scale}>"
    x, out = f"memref<?x{k}x{x_type}>", f"memref<?x{n}x{out_type}>"
    t = f"memref<{k // 32}x32x32x{x_type}>"
    return f"""
func.func @matmul(%a: {codes}, %sa: {scales}, %b: {b}, %sb: {sb},
                  %alpha: memref<f32>, %bias: memref<{n}x{out_type}>, %c: {out}) {{
  fp4q.scaled_matmul ins(%a, %sa, %b, %sb : {codes}, {scales}, {b}, {sb})
      alpha(%alpha : memref<f32>) bias(%bias : memref<{n}x{out_type}>)
      outs(%c : {out})
  return
}}
func.func @quantize(%x: {x}, %g: memref<f32>, %c: {codes}, %s: {scales}) {{
  fp4q.quantize_pack ins(%x : {x}) {scalars} outs(%c, %s : {codes}, {scales})
      {{recipe = #fp4q.recipe<"{recipe.preset}">}}
  return
}}
func.func @quantize_transformed(%x: {x}, %t: {t}, %g: memref<f32>, %c: {codes},
                                %s: {scales}) {{
  fp4q.quantize_pack ins(%x : {x}) transform(%t : {t})
      global_scale(%g : memref<f32>) outs(%c, %s : {codes}, {scales})
  return
}}
func.func @dequant(%c: {codes}, %s: {scales}, %y: {x}) {{
  fp4q.dequant ins(%c, %s : {codes}, {scales}) outs(%y : {x})
  return
}}
"""


def run(*command, **kwargs):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def measure(build_dir, folder, chip, fmt, ptxas, nvdisasm):
    """Kernel -> what is counted. Each chip has other types and another recipe:
    pairs of these come together over the chips."""
    number = CHIPS.index(chip) + (fmt == "nv")
    kind = "e8m0" if fmt == "mx" else "e4m3"
    rows = [row for row in recipes.ROWS if row.kind == kind]
    source, host = folder / "in.mlir", folder / "host.mlir"
    types = TYPES[number % len(TYPES)]
    source.write_text(module(fmt, *types, rows[number % len(rows)]))
    opt = build_dir / "bin" / "fp4q-opt"
    run(opt, source, f"--convert-fp4q-to-gpu=chip={chip}", "--arith-expand",
        "--canonicalize", f"--fp4q-lower-gpu-modules=chip={chip}", "-o", host)  # fmt: skip
    host.write_text(re.sub(r" *<#fp4q.embed_images>", "", host.read_text()))
    mlir_opt = shutil.which("mlir-opt-22") or "/usr/lib/llvm-22/bin/mlir-opt"
    binary = run(mlir_opt, host, "--gpu-module-to-binary=format=isa").stdout
    text = re.search(r'assembly = "((?:[^"\\]|\\.)*)"', binary)[1]
    text = re.sub(r"\\([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), text)
    ptx = folder / "kernels.ptx"
    ptx.write_text(text.rstrip("\0"))
    log = run(ptxas, f"-arch={chip}", "-v", ptx, "-o", folder / "out").stderr
    kernels = collections.defaultdict(dict)
    for name, body in re.findall(r"\.entry (\w+)\((.*?)\n}", text, re.S):
        for what, pattern in COUNTED.items():
            kernels[name][what] = len(re.findall(pattern, body))
    for name, rest in re.findall(
        r"Compiling entry function '(\w+)'(.*?)(?=Compiling|$)", log, re.S
    ):
        shared = re.search(r"(\d+) bytes smem", rest)
        kernels[name] |= {
            "registers": int(re.search(r"Used (\d+) registers", rest)[1]),
            "spills": int(re.search(r"(\d+) bytes spill stores", rest)[1]),
            "shared": int(shared[1]) if shared else 0,
        }
    if nvdisasm:
        listing = run(nvdisasm, "-c", folder / "out").stdout
        for name, lines in fp4q_sass.kernels(listing):
            loop, spills = fp4q_sass.main_loop(lines)
            kernels[name] |= {"loop": loop, "spills in loops": spills}
    return dict(kernels)


def differences(name, found, known):
    """What is not as the table says, a line each."""
    for what, value in found.items():
        if what != "loop":
            if abs(value - known[what]) > SLACK.get(what, 0):
                yield f"{name}: {what} {known[what]} -> {value}"
        elif bool(value) != bool(known[what]):
            yield f"{name}: main loop {known[what]} -> {value}"
        elif value:
            for one, number in value.items():
                slack = known[what][one] * RELATIVE_SLACK
                if abs(number - known[what][one]) > (
                    slack if one == "instructions" else 0
                ):
                    yield f"{name}: {one} of the main loop {known[what][one]} -> {number}"


def as_text(table):
    """JSON with a line a kernel."""
    entries = []
    for key in sorted(table):
        kernels = ",\n".join(
            f'  "{name}": {json.dumps(counts, sort_keys=True)}'
            for name, counts in sorted(table[key].items())
        )
        entries.append(f' "{key}": {{\n{kernels}\n }}')
    return "{\n" + ",\n".join(entries) + "\n}\n"


@pytest.mark.parametrize("fmt", ["mx", "nv"])
@pytest.mark.parametrize("chip", CHIPS)
def test_kernels(build_dir, tmp_path, chip, fmt):
    ptxas, nvdisasm = tool("ptxas"), tool("nvdisasm")
    if not ptxas:
        pytest.skip("needs ptxas, which no CUDA Toolkit here has")
    found = measure(build_dir, tmp_path, chip, fmt, ptxas, nvdisasm)
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    if os.environ.get("FP4Q_UPDATE_GATES"):
        assert nvdisasm, "needs nvdisasm"
        table[f"{chip} {fmt}"] = found
        TABLE.write_text(as_text(table))
        return
    known = table[f"{chip} {fmt}"]
    assert set(found) == set(known)
    worse = [
        line
        for name, counts in found.items()
        for line in differences(name, counts, known[name])
    ]
    assert not worse
    if not nvdisasm:
        pytest.skip("all but the loops is as it was; they need nvdisasm")
    spilling = {(chip, k) for k, one in found.items() if one["spills in loops"]}
    assert spilling <= SPILLING
    if chip in ("sm_120a", "sm_121a"):
        loop = found["scaled_matmul"]["loop"]
        assert loop["mma"] >= LEAST_MMA_SHARE * loop["instructions"]


SASS = """
    .section    .text.other,"ax",@progbits
        /*0000*/                   EXIT ;
    .section    .text.kernel,"ax",@progbits
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_0:
        /*0010*/                   STL [R1], R2 ;
.L_x_1:
        /*0020*/                   LDSM.16.M88.4 R4, [R2] ;
        /*0030*/                   LDS.128 R8, [R3] ;
        /*0040*/              @!P2 BRA `(.L_x_4) ;
.L_x_2:
        /*0050*/                   HMMA.16816.F32.BF16 R4, R4, R8, R4 ;
        /*0060*/                   NOP ;
        /*0070*/               @P0 BRA `(.L_x_1) ;
        /*0080*/               @P1 BRA `(.L_x_0) ;
.L_x_3:
        /*0090*/                   LDG.E R2, [R4.64] ;
        /*00a0*/               @P1 BRA `(.L_x_3) ;
        /*00b0*/                   EXIT ;
.L_x_4:
        /*00c0*/                   FADD R1, R1, R1 ;
        /*00d0*/                   BRA `(.L_x_2) ;
.L_x_5:
        /*00e0*/                   BRA `(.L_x_5);
    .section    .nv.shared
"""


def test_loops_of_sass():
    """The block out of line is in the inner loop, the spill in the outer one."""
    kernels = dict(fp4q_sass.kernels(SASS))
    assert fp4q_sass.main_loop(kernels["other"]) == (None, 0)
    assert fp4q_sass.main_loop(kernels["kernel"]) == (
        {"instructions": 7, "mma": 1, "load16": 1, "ldmatrix": 1},
        1,
    )


def test_differences_are_found():
    known = {"registers": 100, "loop": {"instructions": 100, "mma": 40}}
    same = {"registers": 108, "loop": {"instructions": 105, "mma": 40}}
    assert not list(differences("k", same, known))
    for worse in (
        {"registers": 109, "loop": known["loop"]},
        {"registers": 100, "loop": {"instructions": 106, "mma": 40}},
        {"registers": 100, "loop": {"instructions": 100, "mma": 39}},
        {"registers": 100, "loop": None},
    ):
        assert len(list(differences("k", worse, known))) == 1
