#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check and time fp4q's kernels on a GPU that has neither fp4q nor LLVM.

gpu_bench.py build FOLDER   where fp4q is built: cubins, and plan.json with what
                            to launch (needs $FP4Q_BUILD_DIR, mlir-opt, ptxas)
gpu_bench.py run FOLDER     on the GPU (needs PyTorch, and Triton for a peer):
                            prints a table, writes FOLDER/results.json
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

FORMATS = {"mx": (32, "f8E8M0FNU"), "nv": (16, "f8E4M3FN")}
SHAPES = [(4096, 4096), (12288, 4096), (21760, 8192)]
SPEED_M = [1, 8, 16, 32, 64, 128, 1024, 4096]
QUANTIZE_SHAPES = [(4096, 4096), (16384, 4096), (16384, 8192)]
# M, N, K, result, alpha (none, one, column), bias, of both formats.
ROWS = [1, 2, 7, 8, 9, 16, 17, 33, 64, 65, 127, 129, 512]
CHECKS = [
    (m, n, k, *rest)
    for i, ((n, k), rest) in enumerate(zip(
        [(1, 32), (8, 96), (17, 2048), (512, 2080), (4096, 4096), (130, 8192)],
        [("f32", "none", False), ("bf16", "one", True), ("f16", "column", False),
         ("f32", "column", True), ("bf16", "none", False), ("f32", "one", True)],
    ))
    for m in ROWS[i % 2 :: 2]
]  # fmt: skip


def matmul(name, m, n, k, fmt, result="bf16", alpha="none", bias=False):
    """A function with one product, as MLIR, and what it is."""
    group, scale = FORMATS[fmt]
    operands = {
        "a": f"memref<{m}x{k // 2}xi8>",
        "sa": f"memref<{m}x{k // group}x{scale}>",
        "b": f"memref<{n}x{k // 2}xi8>",
        "sb": f"memref<{n}x{k // group}x{scale}>",
    }
    types = ", ".join(operands.values())
    text = f"fp4q.scaled_matmul ins(%a, %sa, %b, %sb : {types})"
    if alpha != "none":
        operands["alpha"] = f"memref<{n}xf32>" if alpha == "column" else "memref<f32>"
        text += f" alpha(%alpha : {operands['alpha']})"
    if bias:
        operands["bias"] = f"memref<{n}x{result}>"
        text += f" bias(%bias : {operands['bias']})"
    operands["out"] = f"memref<{m}x{n}x{result}>"
    text += f" outs(%out : {operands['out']})"
    return function(name, operands, text), {
        "kind": "matmul", "m": m, "n": n, "k": k, "fmt": fmt, "result": result,
        "alpha": alpha, "bias": bias, "operands": list(operands)}  # fmt: skip


def quantize(name, rows, k, fmt, block=0, dtype="bf16"):
    group, scale = FORMATS[fmt]
    x = f"memref<{rows}x{k}x{dtype}>"
    codes, scales = f"memref<{rows}x{k // 2}xi8>", f"memref<{rows}x{k // group}x{scale}>"
    operands = {"x": x, "g": "memref<f32>", "ss": "memref<f32>"}
    text = f"fp4q.quantize_pack ins(%x : {x})"
    if block:
        operands["t"] = f"memref<{k // block}x{block}x{block}x{dtype}>"
        text += f" transform(%t : {operands['t']})"
    operands |= {"codes": codes, "scales": scales}
    text += (
        " global_scale(%g : memref<f32>) scale_scale(%ss : memref<f32>)"
        f" outs(%codes, %scales : {codes}, {scales})"
    )
    return function(name, operands, text), {
        "kind": "quantize", "rows": rows, "k": k, "fmt": fmt, "block": block,
        "dtype": dtype, "operands": list(operands)}  # fmt: skip


def function(name, operands, body):
    signature = ", ".join(f"%{n}: {t}" for n, t in operands.items())
    return f"func.func @{name}({signature}) {{\n  {body}\n  return\n}}\n"


def modules():
    """Name -> list of (text, description)."""
    all_modules = {}
    for fmt in FORMATS:
        for n, k in SHAPES:
            all_modules[f"speed_{fmt}_{n}_{k}"] = [
                matmul(f"speed_{fmt}_{n}_{k}_m{m}", m, n, k, fmt) for m in SPEED_M
            ]
        checks = {}
        for i, (m, n, k, *rest) in enumerate(CHECKS):
            case = matmul(f"check_{fmt}_{i}", m, n, k, fmt, *rest)
            checks.setdefault(f"check_{fmt}_{n}_{k}", []).append(case)
        all_modules |= checks
        all_modules[f"quantize_{fmt}"] = (
            [quantize(f"q_{fmt}_{r}_{k}", r, k, fmt) for r, k in QUANTIZE_SHAPES]
            + [quantize(f"qt_{fmt}_{r}_{k}", r, k, fmt, block=32)
               for r, k in QUANTIZE_SHAPES]
            + [quantize(f"q_{fmt}_{dtype}", 67, 2080, fmt, dtype=dtype)
               for dtype in ("bf16", "f16", "f32")]
        )  # fmt: skip
    return all_modules


def launches(text):
    """Function -> launches, of static shapes: grids and sizes are constants."""
    functions = {}
    for part in re.split(r"\n  func\.func @", text)[1:]:
        name = part[: part.index("(")]
        signature = part[part.index("(") + 1 : part.index(") {")]
        arguments = re.findall(r"(%\w+): ([^,]+?)(?:, |$)", signature)
        number = {ssa: i for i, (ssa, _) in enumerate(arguments)}
        constants = {}
        for ssa, value in re.findall(r"(%\w+) = arith\.constant (\d+)", part):
            constants[ssa] = int(value)
        for ssa, source in re.findall(r"(%\w+) = memref\.collapse_shape (%\w+)", part):
            number[ssa] = number[source]
        # Workspace is an operand after those of the function.
        for ssa, kind in re.findall(
            r"(%\w+) = memref\.alloc\(\)[^:\n]* : memref<(\d+)xi8>", part
        ):
            number[ssa] = -int(kind)
        for ssa, source in re.findall(r"(%\w+) = memref\.cast (%\w+)", part):
            number[ssa] = number[source]
        functions[name] = []
        pattern = (
            r"gpu\.launch_func +@\w+::@(\w+) blocks in \(([^)]*)\) threads in "
            r"\(([^)]*)\) +(?:dynamic_shared_memory_size (%\w+) +)?args\((.*)\)\n"
        )
        for kernel, grid, block, shared, args in re.findall(pattern, part):
            dims = lambda s: [constants[v.strip()] for v in s.split(",")]  # noqa: E731
            plan = []
            for ssa, kind in re.findall(r"(%\w+) : ((?:memref<[^>]*>)|\w+)", args):
                shape = re.match(r"memref<(\d+)x", kind)
                if kind == "index":
                    plan.append(["index", constants[ssa]])
                else:
                    plan.append(
                        ["array", number[ssa], int(shape[1]) if shape else -1]
                    )
            functions[name].append(
                {"kernel": kernel, "grid": dims(grid), "block": dims(block),
                 "shared": constants.get(shared, 0), "args": plan}
            )  # fmt: skip
        assert functions[name], name
    return functions


def build_one(folder, name, cases, chip):
    bin_dir = pathlib.Path(os.environ["FP4Q_BUILD_DIR"]) / "bin"
    source = folder / f"{name}.mlir"
    source.write_text("".join(text for text, _ in cases))
    run = lambda *c: subprocess.run(  # noqa: E731
        [str(a) for a in c], check=True, capture_output=True, text=True
    ).stdout
    host = run(bin_dir / "fp4q-opt", source, f"--convert-fp4q-to-gpu=chip={chip}",
               "--arith-expand", "--canonicalize")  # fmt: skip
    plan = launches(host)
    source.write_text(host)
    low = folder / f"{name}.low.mlir"
    run(bin_dir / "fp4q-opt", source, f"--fp4q-lower-gpu-modules=chip={chip}",
        "-o", low)  # fmt: skip
    # The attribute of the runtime's image is fp4q's own.
    low.write_text(re.sub(r" *<#fp4q.embed_images>", "", low.read_text()))
    binary = run("mlir-opt-22", low, "--gpu-module-to-binary=format=isa")
    text = re.search(r'assembly = "((?:[^"\\]|\\.)*)"', binary)[1]
    text = re.sub(r"\\([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), text)
    ptx = folder / f"{name}.ptx"
    ptx.write_text(text.rstrip("\0"))
    log = subprocess.run(
        ["ptxas", f"-arch={chip}", "-v", str(ptx), "-o",
         str(folder / f"{name}.cubin")], check=True, capture_output=True, text=True,
    ).stderr  # fmt: skip
    source.unlink()
    low.unlink()
    resources = {}
    for kernel, rest in re.findall(
        r"Compiling entry function '(\w+)'(.*?)(?=Compiling|$)", log, re.S
    ):
        spills = re.search(r"(\d+) bytes spill stores", rest)
        registers = re.search(r"Used (\d+) registers", rest)
        resources[kernel] = [int(registers[1]), int(spills[1])]
    return name, [
        {"name": d, "module": name, "launches": plan[d], **what}
        for (_, what), d in zip(cases, plan)
    ], resources  # fmt: skip


def build(folder, chip, only):
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {n: c for n, c in modules().items() if re.search(only, n)}
    functions, resources = [], {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(build_one, folder, n, c, chip) for n, c in wanted.items()]
        for job in jobs:
            name, plans, used = job.result()
            functions += plans
            for kernel, (registers, spills) in used.items():
                print(f"{name} {kernel}: {registers} registers, {spills} spilled")
            resources[name] = used
    plan = {"chip": chip, "functions": functions, "resources": resources}
    (folder / "plan.json").write_text(json.dumps(plan))
    print(f"{len(functions)} functions in {len(wanted)} modules")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("build", "run"):
        sub = commands.add_parser(command)
        sub.add_argument("folder", type=pathlib.Path)
        sub.add_argument("--only", default="", help="names of modules (a pattern)")
        if command == "build":
            sub.add_argument("--chip", default="sm_90a")
        else:
            sub.add_argument("--no-peers", action="store_true")
            sub.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    if options.command == "build":
        build(options.folder, options.chip, options.only)
        return 0
    import gpu_bench_run

    return gpu_bench_run.run(
        options.folder, options.only, not options.no_peers, options.repeats
    )


if __name__ == "__main__":
    sys.exit(main())
