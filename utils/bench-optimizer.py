#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures --fp4q-optimize on modules of many operations.

Each module is one function: a chain of layers as a front end writes them
(transform, quantizer and dequant of the activation, dequant of the weight, a
plain product, a bias), or as many products of one activation, each of which
quantizes it anew and has a constant weight and a factor, to be merged into one.
The numbers are processor seconds of fp4q-opt, with the pipeline and without
(parsing and printing), the least of some runs.

--fold measures the folding of operations on a constant 4096 x 4096 bf16 weight
instead: seconds in fp4q-fold-constants, and in the whole pipeline.
"""

import argparse
import pathlib
import random
import re
import resource
import subprocess
import tempfile

HEAD = """
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#col = affine_map<(m, n) -> (n)>
func.func @chain(%x0: tensor<?x64xf32>, %t: tensor<32x32xf32>,
    %w: tensor<64x32xi8>, %ws: tensor<64x2xf8E8M0FNU>, %bias: tensor<64xf32>)
    -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %first = arith.constant 0 : index
  %m = tensor.dim %x0, %first : tensor<?x64xf32>
  %wi = tensor.empty() : tensor<64x64xf32>
"""
LAYER = """
  %e{i} = tensor.empty(%m) : tensor<?x64xf32>
  %c{i} = tensor.empty(%m) : tensor<?x32xi8>
  %s{i} = tensor.empty(%m) : tensor<?x2xf8E8M0FNU>
  %y{i} = fp4q.block_transform ins(%x{i}, %t : tensor<?x64xf32>, tensor<32x32xf32>)
      outs(%e{i} : tensor<?x64xf32>) -> tensor<?x64xf32>
  %q{i}:2 = fp4q.quantize_pack ins(%y{i} : tensor<?x64xf32>)
      outs(%c{i}, %s{i} : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      -> tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>
  %d{i} = fp4q.dequant ins(%q{i}#0, %q{i}#1 : tensor<?x32xi8>, tensor<?x2xf8E8M0FNU>)
      outs(%e{i} : tensor<?x64xf32>) -> tensor<?x64xf32>
  %v{i} = fp4q.dequant ins(%w, %ws : tensor<64x32xi8>, tensor<64x2xf8E8M0FNU>)
      outs(%wi : tensor<64x64xf32>) -> tensor<64x64xf32>
  %f{i} = linalg.fill ins(%zero : f32) outs(%e{i} : tensor<?x64xf32>) -> tensor<?x64xf32>
  %p{i} = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%d{i}, %v{i} : tensor<?x64xf32>, tensor<64x64xf32>)
      outs(%f{i} : tensor<?x64xf32>) -> tensor<?x64xf32>
  %x{next} = linalg.generic {{indexing_maps = [#id, #col, #id],
                              iterator_types = ["parallel", "parallel"]}}
      ins(%p{i}, %bias : tensor<?x64xf32>, tensor<64xf32>)
      outs(%e{i} : tensor<?x64xf32>) {{
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  }} -> tensor<?x64xf32>
"""
# Without the bodies of linalg operations.
OPS_PER_LAYER = 10

FAN_OUT = """
  %c{i} = tensor.empty() : tensor<4x16xi8>
  %s{i} = tensor.empty() : tensor<4x1xf8E8M0FNU>
  %q{i}:2 = fp4q.quantize_pack ins(%x : tensor<4x32xf32>)
      outs(%c{i}, %s{i} : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>)
      -> tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>
  %w{i} = arith.constant dense<"0x{bytes}"> : tensor<2x16xi8>
  %ws{i} = arith.constant dense<{scale}.0> : tensor<2x1xf8E8M0FNU>
  %e{i} = tensor.empty() : tensor<4x2xf32>
  %g{i} = arith.mulf %g, %factor{factor} : f32
  %p{i} = fp4q.scaled_matmul ins(%q{i}#0, %q{i}#1, %w{i}, %ws{i}
          : tensor<4x16xi8>, tensor<4x1xf8E8M0FNU>, tensor<2x16xi8>,
            tensor<2x1xf8E8M0FNU>)
      alpha(%g{i} : f32) outs(%e{i} : tensor<4x2xf32>) -> tensor<4x2xf32>
  %r{i} = arith.truncf %p{i} : tensor<4x2xf32> to tensor<4x2xbf16>
"""
OPS_PER_PRODUCT = 9


def chain(n_ops):
    layers = n_ops // OPS_PER_LAYER
    body = "".join(LAYER.format(i=i, next=i + 1) for i in range(layers))
    return f"{HEAD}{body}  return %x{layers} : tensor<?x64xf32>\n}}\n"


def fan_out(n_ops):
    products = n_ops // OPS_PER_PRODUCT
    factors = "".join(
        f"  %factor{i} = arith.constant {i + 1}.0 : f32\n" for i in range(7)
    )
    body = "".join(
        FAN_OUT.format(i=i, bytes=f"{i:064X}", scale=2 ** (i % 3), factor=i % 7)
        for i in range(products)
    )
    results = ", ".join(f"%r{i}" for i in range(products))
    types = ", ".join(["tensor<4x2xbf16>"] * products)
    return (
        f"func.func @fan_out(%x: tensor<4x32xf32>, %g: f32) -> ({types}) {{\n"
        f"{factors}{body}  return {results} : {types}\n}}\n"
    )


FORMS = {"chain": chain, "fan-out": fan_out}


N = 4096
QUANTIZE = """
  %c0 = tensor.empty() : tensor<4096x2048xi8>
  %s0 = tensor.empty() : tensor<4096x{columns}x{scale}>
  %c, %s = fp4q.quantize_pack ins(%w : tensor<4096x4096xbf16>){transform}
      outs(%c0, %s0 : tensor<4096x2048xi8>, tensor<4096x{columns}x{scale}>)
      -> tensor<4096x2048xi8>, tensor<4096x{columns}x{scale}>
  return %c, %s : tensor<4096x2048xi8>, tensor<4096x{columns}x{scale}>
"""
TRANSFORM = """
      transform(%t : tensor<32x32xf32>)"""
FOLDED = {
    "quantize, mxfp4": (128, "f8E8M0FNU", ""),
    "quantize, nvfp4": (256, "f8E4M3FN", ""),
    "transform (32 x 32) + quantize, mxfp4": (128, "f8E8M0FNU", TRANSFORM),
}


def fold_module(columns, scale, transform, values):
    """A quantizer of a constant, `values` in hexadecimal."""
    body = QUANTIZE.format(columns=columns, scale=scale, transform=transform)
    return (
        f"func.func @fold() -> (tensor<4096x2048xi8>,"
        f" tensor<4096x{columns}x{scale}>) {{\n"
        f"  %w = arith.constant dense_resource<w> : tensor<4096x4096xbf16>\n"
        f"  %t = arith.constant dense<0.25> : tensor<32x32xf32>{body}}}\n"
        f'{{-# dialect_resources: {{ builtin: {{ w: "0x02000000{values}" }} }} #-}}'
    )


def measure_folds(options, directory):
    # bf16 of +-[2^-6, 2^-4), little endian.
    generator = random.Random(1)
    values = "".join(
        f"{generator.randrange(256):02X}{generator.choice((0x3C, 0x3D, 0xBC, 0xBD)):02X}"
        for _ in range(N)
    )
    print("| folded | fp4q-fold-constants | whole pipeline |")
    print("|---|---|---|")
    for name, parameters in FOLDED.items():
        path = directory / "fold.mlir"
        path.write_text(fold_module(*parameters, values * N))
        command = [options.fp4q_opt, str(path), "-o", "/dev/null"]
        command += ["--mlir-timing", "--mlir-timing-display=list", "--fp4q-optimize"]
        runs = []
        for _ in range(options.runs):
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            times = dict(
                reversed(match)
                for match in re.findall(r"(\d+\.\d+) \([^)]*\)  (\w+)", done.stderr)
            )
            whole = sum(
                float(time)
                for part, time in times.items()
                if part not in ("root", "Parser", "Output", "Rest", "Total")
            )
            runs.append((float(times["FP4QFoldConstantsPass"]), whole))
        fold, whole = min(runs)
        print(f"| {name} | {fold:.3f} s | {whole:.3f} s |")


def processor_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fp4q-opt", default="build/bin/fp4q-opt")
    parser.add_argument("--ops", type=int, nargs="+", default=[1000, 10000, 50000])
    parser.add_argument("--form", choices=FORMS, default="chain")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--fold", action="store_true", help="measure folding")
    options = parser.parse_args()
    if options.fold:
        with tempfile.TemporaryDirectory() as directory:
            measure_folds(options, pathlib.Path(directory))
        return
    print("| operations | pipeline | parsing and printing | a pipeline operation |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for n_ops in options.ops:
            path = pathlib.Path(directory) / "chain.mlir"
            path.write_text(FORMS[options.form](n_ops))
            command = [options.fp4q_opt, str(path), "-o", "/dev/null"]
            plain, whole = (
                min(processor_seconds(command + more) for _ in range(options.runs))
                for more in ([], ["--fp4q-optimize=merge-matmuls=true"])
            )
            seconds = whole - plain
            print(
                f"| {n_ops} | {seconds:.3f} s | {plain:.3f} s "
                f"| {seconds / n_ops * 1e6:.0f} us |"
            )


if __name__ == "__main__":
    main()
