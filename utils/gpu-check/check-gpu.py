#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks fp4q's kernels on a GPU, on a machine that need not have fp4q.

    check-gpu.py build --build-dir build --chip sm_90a -o DIR
    python3 DIR/check-gpu.py run DIR [--only NAME] [--speed] [--json FILE]

`build` compiles the functions of gpu_check_cases.py for the chip and for CPUs
and puts them into DIR, with the runtime and this script. `run` needs Python with
numpy and torch: it calls the functions on CUDA tensors and on CPU tensors and
compares. Codes, scales, decoded values and global scales must have the same
bits; products must be within the bound of docs/numerics.md. It then looks at
the host side: streams, CUDA graphs, hidden synchronization, errors, and the time
of a launch. `--sim` runs on the simulator, without torch, and only small sizes.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import gpu_check_cases as cases

HELPER = """
#include <stdint.h>
#include <time.h>
/* Nanoseconds a call of fp4q_function_call, of n calls. */
double fp4q_time_calls(int32_t (*call)(const void *, const void *const *,
                                       int32_t, void *, const char **),
                       const void *function, const void *const *tensors,
                       int32_t count, void *stream, int32_t n) {
  struct timespec start, end;
  const char *error = 0;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int32_t i = 0; i < n; ++i)
    if (call(function, tensors, count, stream, &error))
      return -1;
  clock_gettime(CLOCK_MONOTONIC, &end);
  return ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / n;
}
"""


def build(arguments):
    """Fills the directory."""
    out = arguments.output
    out.mkdir(parents=True, exist_ok=True)
    here = pathlib.Path(__file__).resolve().parent
    for path in here.glob("*.py"):
        shutil.copy(path, out)
    library = arguments.build_dir / "lib"
    for name in ("libfp4q_runtime.so", "libfp4q_sim.so"):
        shutil.copy(library / name, out)
    # The runtime's only dependency beyond the C and C++ libraries.
    needed = subprocess.run(
        ["ldd", library / "libfp4q_runtime.so"], check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    for line in needed.splitlines():
        if "libtbb" in line:
            shutil.copy(line.split()[2], out)
    (out / "helper.c").write_text(HELPER)
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", "-o", out / "helper.so",
         out / "helper.c"],
        check=True,
    )  # fmt: skip
    targets = {name: f"cpu:x86-64-v3,{arguments.chip}"
               for name in cases.artifacts()}  # fmt: skip
    # Nothing of it runs on the chip: an error is expected.
    sources = {
        name: "".join(case.text() for case in functions)
        for name, functions in cases.artifacts().items()
    }
    other = "sm_120a" if arguments.chip != "sm_120a" else "sm_100a"
    targets["other"] = other
    sources["other"] = cases.Dequant("mx", "bf16", 32).text()
    for name, source in sources.items():
        start = time.time()
        (out / f"{name}.mlir").write_text(source)
        subprocess.run(
            [arguments.build_dir / "bin/fp4q-compile", out / f"{name}.mlir",
             f"--target={targets[name]}", f"--cubin={arguments.cubin}",
             "-o", out / f"{name}.so"],
            check=True,
        )  # fmt: skip
        print(f"{name}: {time.time() - start:.1f} s", flush=True)


def run(arguments):
    directory = arguments.directory.resolve()
    if arguments.sim:
        os.environ["FP4Q_CUDA_DRIVER"] = str(directory / "libfp4q_sim.so")
        os.environ.setdefault("FP4Q_SIM_CHIP", "sm_90a")
        os.environ.setdefault("FP4Q_SIM_MESSAGES", "0")
    # Not needed to build.
    from gpu_check_host import check_host_side, check_speed
    from gpu_check_results import Checker, Report, check_results
    from gpu_check_runtime import Runtime, Simulator, Torch, torch

    runtime, report = Runtime(directory), Report()
    device = Simulator(runtime) if arguments.sim else Torch()
    if not arguments.sim:
        torch.zeros(1, device="cuda")
        print(torch.cuda.get_device_name(), torch.__version__, flush=True)
    checker = Checker(directory, device, runtime, report)
    start = time.time()
    check_results(checker, arguments.only, arguments.sim)
    report.numbers["results, s"] = time.time() - start
    if not arguments.sim and not arguments.only:
        check_host_side(checker, directory)
    if arguments.speed:
        check_speed(checker)
    for name, value in report.numbers.items():
        print(f"{name}: {value if not isinstance(value, list) else ''}")
        for line in value if isinstance(value, list) else ():
            print(f"  {line}")
    print(f"{report.count} checks, {len(report.failures)} failures")
    for line in report.failures[:40]:
        print("FAIL", line)
    if arguments.json:
        arguments.json.write_text(
            json.dumps(
                {"checks": report.count, "failures": report.failures,
                 "numbers": report.numbers}, indent=1)
        )  # fmt: skip
    return 1 if report.failures else 0


def fault(arguments):
    from gpu_check_host import fault as run_fault

    return run_fault(arguments.directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("build")
    make.add_argument("--build-dir", type=pathlib.Path, default="build")
    make.add_argument("--chip", default="sm_90a")
    make.add_argument("--cubin", default="always")
    make.add_argument("-o", dest="output", type=pathlib.Path, required=True)
    make.set_defaults(command=build)
    check = commands.add_parser("run")
    check.add_argument("directory", type=pathlib.Path)
    check.add_argument("--only", default="")
    check.add_argument("--speed", action="store_true")
    check.add_argument("--sim", action="store_true")
    check.add_argument("--json", type=pathlib.Path)
    check.set_defaults(command=run)
    broken = commands.add_parser("fault")
    broken.add_argument("directory", type=pathlib.Path)
    broken.set_defaults(command=fault)
    arguments = parser.parse_args()
    return arguments.command(arguments)


if __name__ == "__main__":
    sys.exit(main())
