# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What ptxas makes of every kernel for every chip, against a committed table.

Registers, spills, shared memory and the instructions of the kernels are in
ptx_gates.json. What gets better by more than the tolerance is to be recorded:

    FP4Q_UPDATE_GATES=1 pytest test/Python/test_ptx_gates.py
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

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


def tool(name):
    for home in (os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        path = pathlib.Path(home or "/nonexistent") / "bin" / name
        if path.is_file():
            return str(path)
    return shutil.which(name)


def module(fmt, x_type, out_type):
    """All kernels of a linear layer, M unknown."""
    group, scale = (32, "f8E8M0FNU") if fmt == "mx" else (16, "f8E4M3FN")
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
  fp4q.quantize_pack ins(%x : {x}) global_scale(%g : memref<f32>)
      outs(%c, %s : {codes}, {scales})
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


def measure(build_dir, folder, chip, fmt, ptxas):
    """Kernel -> what is counted."""
    number = CHIPS.index(chip) + (fmt == "nv")
    source, host = folder / "in.mlir", folder / "host.mlir"
    source.write_text(module(fmt, *TYPES[number % len(TYPES)]))
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
    return dict(kernels)


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
    ptxas = tool("ptxas")
    if not ptxas:
        pytest.skip("needs ptxas, which no CUDA Toolkit here has")
    found = measure(build_dir, tmp_path, chip, fmt, ptxas)
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    if os.environ.get("FP4Q_UPDATE_GATES"):
        table[f"{chip} {fmt}"] = found
        TABLE.write_text(as_text(table))
        return
    known = table[f"{chip} {fmt}"]
    assert set(found) == set(known)
    worse = []
    for name, counts in found.items():
        for what, value in counts.items():
            slack = SLACK.get(what, 0)
            if abs(value - known[name][what]) > slack:
                worse.append(f"{name}: {what} {known[name][what]} -> {value}")
    assert not worse
