#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures what a 4096 x 4096 weight in a module adds to fp4q-compile.

    utils/constant-cost.py build

Each module is compiled as bytecode with the weight as an argument, as a dense
constant and as a dense_resource. Shown is the processor time, user and system,
of fp4q-compile and the linker that it runs: the least of several runs, since
other processes only ever add to it.
"""

import argparse
import os
import pathlib
import random
import resource
import subprocess
import tempfile

N = 4096
FP4 = """
func.func @linear(%c: tensor<?x2048xi8>, %s: tensor<?x128xf8E8M0FNU>{args})
    -> tensor<?x4096xbf16> {{
  {constants}
  %zero = arith.constant 0 : index
  %m = tensor.dim %c, %zero : tensor<?x2048xi8>
  %y0 = tensor.empty(%m) : tensor<?x4096xbf16>
  %y = fp4q.scaled_matmul ins(%c, %s, %w, %ws : tensor<?x2048xi8>,
      tensor<?x128xf8E8M0FNU>, tensor<4096x2048xi8>, tensor<4096x128xf8E8M0FNU>)
      outs(%y0 : tensor<?x4096xbf16>) -> tensor<?x4096xbf16>
  return %y : tensor<?x4096xbf16>
}}
"""
BF16 = """
func.func @weight(%x: tensor<?x4096xbf16>{args})
    -> (tensor<4096x4096xbf16>, tensor<?x4096xbf16>) {{
  {constants}
  return %w, %x : tensor<4096x4096xbf16>, tensor<?x4096xbf16>
}}
"""
# name -> (module, {constant: (type, bytes)}).
CASES = {
    "fp4": (
        FP4,
        {
            "w": ("tensor<4096x2048xi8>", N * N // 2),
            "ws": ("tensor<4096x128xf8E8M0FNU>", N * N // 32),
        },
    ),
    "bf16": (BF16, {"w": ("tensor<4096x4096xbf16>", N * N * 2)}),
}


def write_module(module, constants, form):
    """The text of the module; form is args, dense or resource."""
    generator = random.Random(0)
    if form == "args":
        args = "".join(f", %{name}: {c[0]}" for name, c in constants.items())
        return module.format(args=args, constants="")
    lines, blobs = [], []
    for name, (kind, count) in constants.items():
        data = generator.randbytes(count).hex()
        value = f'dense<"0x{data}">' if form == "dense" else f"dense_resource<{name}>"
        lines.append(f"%{name} = arith.constant {value} : {kind}")
        blobs.append(f'{name}: "0x40000000{data}"')
    text = module.format(args="", constants="\n  ".join(lines))
    if form == "resource":
        text += "{-# dialect_resources: { builtin: { "
        text += ", ".join(blobs) + " } } #-}\n"
    return text


def processor_seconds(command):
    """User and system time of the command and of what it runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("build", type=pathlib.Path, help="the build tree")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, (module, constants) in CASES.items():
            least = {}
            for form in ("args", "dense", "resource"):
                path = os.path.join(folder, f"{name}-{form}")
                pathlib.Path(f"{path}.mlir").write_text(
                    write_module(module, constants, form)
                )
                subprocess.run(
                    [options.build / "bin" / "fp4q-opt", f"{path}.mlir",
                     "--emit-bytecode", "-o", f"{path}.mlirbc"],
                    check=True,
                )  # fmt: skip
                os.remove(f"{path}.mlir")
            # In turns, so that a busy spell meets all of them.
            for _ in range(options.runs):
                for form in ("args", "dense", "resource"):
                    path = os.path.join(folder, f"{name}-{form}")
                    seconds = processor_seconds(
                        [options.build / "bin" / "fp4q-compile", f"{path}.mlirbc",
                         "-o", f"{path}.so"],
                    )  # fmt: skip
                    least[form] = min(seconds, least.get(form, seconds))
            bytes_ = sum(count for _, count in constants.values())
            print(
                f"{name}, {bytes_ / 2**20:.1f} MiB: {least['args']:.3f} s without, "
                f"+{least['dense'] - least['args']:.3f} s dense, "
                f"+{least['resource'] - least['args']:.3f} s resource"
            )


if __name__ == "__main__":
    main()
