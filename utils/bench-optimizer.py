#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures --fp4q-optimize on modules of many operations.

Each module is one function, a chain of layers as a front end writes them:
transform, quantizer and dequant of the activation, dequant of the weight, a
plain product, a bias. The numbers are processor seconds of fp4q-opt, with the
pipeline and without (parsing and printing), the least of some runs.
"""

import argparse
import pathlib
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


def module(n_ops):
    layers = n_ops // OPS_PER_LAYER
    body = "".join(LAYER.format(i=i, next=i + 1) for i in range(layers))
    return f"{HEAD}{body}  return %x{layers} : tensor<?x64xf32>\n}}\n"


def processor_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fp4q-opt", default="build/bin/fp4q-opt")
    parser.add_argument("--ops", type=int, nargs="+", default=[1000, 10000, 50000])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| operations | pipeline | parsing and printing | a pipeline operation |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for n_ops in options.ops:
            path = pathlib.Path(directory) / "chain.mlir"
            path.write_text(module(n_ops))
            command = [options.fp4q_opt, str(path), "-o", "/dev/null"]
            plain, whole = (
                min(processor_seconds(command + more) for _ in range(options.runs))
                for more in ([], ["--fp4q-optimize"])
            )
            seconds = whole - plain
            print(
                f"| {n_ops} | {seconds:.3f} s | {plain:.3f} s "
                f"| {seconds / n_ops * 1e6:.0f} us |"
            )


if __name__ == "__main__":
    main()
