# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The CPU kernels for AArch64, run by qemu: the vector kernels in front of a
page that cannot be accessed, against test/oracle. Skipped where there is no
qemu-aarch64 or no compiler and C library for AArch64; on Debian:

    apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross

FP4Q_AARCH64_CASES=400 runs so many cases of cpu_fuzz.py, instead of a few.
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess

import cpu_fuzz
import fp4q_cases as cases
import numpy as np
import pytest
from fp4q_modules import Module
from test_cpu_kernels import edge_products, quantizations

HERE = pathlib.Path(__file__).parent
GCC = "aarch64-linux-gnu-gcc"
NUM_CASES = int(os.environ.get("FP4Q_AARCH64_CASES", "0"))

# The level, the CPU of qemu, and what LLVM is told.
LEVELS = {
    "aarch64": ("cortex-a53", ""),
    "aarch64-dotprod": ("neoverse-n1", "+dotprod"),
}

pytestmark = [
    pytest.mark.skipif(
        shutil.which(program) is None, reason=f"no {program} in PATH"
    )
    for program in ("qemu-aarch64", GCC)
]


def llvm_tool(build_dir, name):
    """A tool of the LLVM that fp4q is built with."""
    config = json.loads((build_dir / "test/test-config.json").read_text())
    return pathlib.Path(config["lit"]).with_name(name)


def compile_kernel(build_dir, directory, module, level):
    """The driver with a module in it, and its object file."""
    source, program = directory / "module.mlir", directory / "program"
    source.write_text(module.text())
    attributes = LEVELS[level][1]
    commands = [
        [f"{build_dir}/bin/fp4q-opt", source, "-o", directory / "llvm.mlir",
         f"--fp4q-to-cpu=level={level}"],
        [llvm_tool(build_dir, "mlir-translate"), "--mlir-to-llvmir",
         directory / "llvm.mlir", "-o", directory / "kernel.ll"],
        [llvm_tool(build_dir, "opt"), "-O2", "-mtriple=aarch64-linux-gnu",
         f"-mattr={attributes}", directory / "kernel.ll", "-o",
         directory / "kernel.bc"],
        [llvm_tool(build_dir, "llc"), "-mtriple=aarch64-linux-gnu", "-filetype=obj",
         f"-mattr={attributes}", "-relocation-model=pic",
         directory / "kernel.bc", "-o", directory / "kernel.o"],
        [GCC, "-O1", "-static", HERE / "aarch64/driver.c",
         directory / "kernel.o", "-lm", "-o", program],
    ]  # fmt: skip
    for command in commands:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return program, directory / "kernel.o"


def describe(value, array):
    """An array as the driver reads it."""
    array = np.ascontiguousarray(array)
    if value.shape is None:
        bits = int(array.astype(np.float32).reshape(()).view(np.uint32))
        return struct.pack("<qq", -1, bits)
    sizes = (array.ndim, array.itemsize, *array.shape)
    return struct.pack(f"<{len(sizes)}q", *sizes) + array.tobytes()


def call(program, cpu, module, inputs, results):
    """Runs the program and fills the results; returns its exit status."""
    described = zip(
        module._arguments + module._results, [*inputs, *results], strict=True
    )
    blocks = [describe(value, array) for value, array in described]
    path = program.with_name("input")
    path.write_bytes(struct.pack("<q", len(blocks)) + b"".join(blocks))
    output = program.with_name("output")
    done = subprocess.run(
        ["qemu-aarch64", "-cpu", cpu, program, path, output],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == 0:
        data = output.read_bytes()
        end = len(data)
        for result in reversed(results):
            begin = end - result.nbytes
            part = np.frombuffer(data[begin:end], result.dtype)
            result[...] = part.reshape(result.shape)
            end = begin
    return done.returncode


def poisoned_results(module):
    results = []
    for value in module._results:
        result = np.empty(value.shape, cpu_fuzz.numpy_type(value.element))
        result.view(np.uint8).fill(0xA5)
        results.append(result)
    return results


def run_case(build_dir, directory, case, level):
    module = Module("kernel")
    expected = case.write(module)
    program, _ = compile_kernel(build_dir, directory, module, level)
    results = poisoned_results(module)
    status = call(program, LEVELS[level][0], module, module.inputs, results)
    assert status == 0, f"{case}: status {status}"
    for result, want in zip(results, expected, strict=True):
        cases.check(result, want, f"{level} {case}")


def chosen_cases():
    if NUM_CASES:
        return [cpu_fuzz.Draw(5, i).case() for i in range(NUM_CASES)]
    # A row, few rows, tiles; both formats; with padding and without; K tails.
    return [*list(edge_products())[3::6], *list(quantizations())[::4]]


@pytest.mark.parametrize("level", LEVELS)
def test_kernels(build_dir, tmp_path, level):
    for case in chosen_cases():
        run_case(build_dir, tmp_path, case, level)


def test_dotprod_is_executed(build_dir, tmp_path):
    """The object has sdot, and a CPU without it stops at one."""
    case = list(edge_products())[5]
    module = Module("kernel")
    case.write(module)
    level = "aarch64-dotprod"
    program, kernel = compile_kernel(build_dir, tmp_path, module, level)
    text = subprocess.run(
        [llvm_tool(build_dir, "llvm-objdump"), "-d", kernel], check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "\tsdot\t" in text
    results = poisoned_results(module)
    assert call(program, "neoverse-n1", module, module.inputs, results) == 0
    illegal = call(program, "cortex-a53", module, module.inputs, results)
    assert illegal in (-4, 128 + 4)
