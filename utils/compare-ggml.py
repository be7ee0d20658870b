#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures quantized linear layers of fp4q beside ggml's, in one process.

    utils/compare-ggml.py PATH_TO_GGML_BUILD [--threads=2] [-o compare.json]

PATH_TO_GGML_BUILD is a CMake build tree of ggml with shared libraries, made for
this machine (-DGGML_NATIVE=ON). A layer takes n rows of activations, quantizes
them, and multiplies them by a weight (N x K) that is quantized already: ggml's
by mul_mat, which quantizes f32 activations to q8_0, fp4q's from bf16 to the
format of the weight. Blocks of runs of both alternate, and medians are compared. Peak is a
loop of fp4q.group_dot on registers, on as many threads. Without a build tree
only fp4q and the peak are measured.
"""

import argparse
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from fp4q_dlpack import DLTensor, dl_tensor

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHAPES = ((4096, 14336), (14336, 4096))  # N x K
FORMATS = {"mxfp4": (32, "f8E8M0FNU", 39), "nvfp4": (16, "f8E4M3FN", 40)}

LAYER = """
func.func @layer(%x: tensor<?x{K}xbf16>, %b: tensor<{N}x{P}xi8>,
                 %sb: tensor<{N}x{S}x{scale}>) -> tensor<?x{N}xbf16> {{
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : tensor<?x{K}xbf16>
  %gs = arith.constant {gs} : f32
  %ss = arith.constant {ss} : f32
  %c = tensor.empty(%m) : tensor<?x{P}xi8>
  %s = tensor.empty(%m) : tensor<?x{S}x{scale}>
  %q:2 = fp4q.quantize_pack ins(%x : tensor<?x{K}xbf16>)
      global_scale(%gs : f32) scale_scale(%ss : f32)
      outs(%c, %s : tensor<?x{P}xi8>, tensor<?x{S}x{scale}>)
      -> tensor<?x{P}xi8>, tensor<?x{S}x{scale}>
  %o = tensor.empty(%m) : tensor<?x{N}xbf16>
  %r = fp4q.scaled_matmul
      ins(%q#0, %q#1, %b, %sb : tensor<?x{P}xi8>, tensor<?x{S}x{scale}>,
          tensor<{N}x{P}xi8>, tensor<{N}x{S}x{scale}>)
      alpha(%gs : f32) outs(%o : tensor<?x{N}xbf16>) -> tensor<?x{N}xbf16>
  return %r : tensor<?x{N}xbf16>
}}
"""

CHAINS = 20
PEAK_STEPS = 4000000


def peak_module():
    """@peak: CHAINS accumulators, PEAK_STEPS dot products each."""
    names = [f"%a{i}" for i in range(CHAINS)]
    inits = ", ".join(f"{n} = %z{i}" for i, n in enumerate(names))
    types = ", ".join(["vector<16xi32>"] * CHAINS)
    # Different ones, or all chains would be found to be the same.
    zeros = "\n".join(
        f"  %z{i} = arith.constant dense<{i}> : vector<16xi32>"
        for i in range(CHAINS)
    )
    body = "\n".join(
        f"    %d{i} = fp4q.group_dot %u, %s, %a{i} e2m1_range "
        ": vector<64xi8>, vector<16xi32>"
        for i in range(CHAINS)
    )
    sums = "\n".join(
        f"  %t{i} = arith.addi {'%r#0' if i == 1 else f'%t{i - 1}'}, %r#{i} "
        ": vector<16xi32>"
        for i in range(1, CHAINS)
    )
    results = ", ".join(f"%d{i}" for i in range(CHAINS))
    return f"""
func.func @peak(%x: tensor<2xi8>) -> tensor<1xi32> {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant {PEAK_STEPS} : index
{zeros}
  %x0 = tensor.extract %x[%c0] : tensor<2xi8>
  %x1 = tensor.extract %x[%c1] : tensor<2xi8>
  %u = vector.broadcast %x0 : i8 to vector<64xi8>
  %s = vector.broadcast %x1 : i8 to vector<64xi8>
  %r:{CHAINS} = scf.for %i = %c0 to %n step %c1 iter_args({inits})
      -> ({types}) {{
{body}
    scf.yield {results} : {types}
  }}
{sums}
  %sum = vector.reduction <add>, %t{CHAINS - 1} : vector<16xi32> into i32
  %e = tensor.empty() : tensor<1xi32>
  %w = tensor.insert %sum into %e[%c0] : tensor<1xi32>
  return %w : tensor<1xi32>
}}
"""


class Fp4q:
    """Compiled functions, called through the runtime."""

    def __init__(self, build, target, threads):
        self.build = build
        self.target = target
        self.runtime = ctypes.CDLL(str(build / "lib/libfp4q_runtime.so"))
        self.runtime.fp4q_set_num_threads(threads)
        self.directory = tempfile.TemporaryDirectory()
        self.number = 0

    def compile(self, text):
        """The artifact's handle, its function and the seconds it took."""
        self.number += 1
        source = pathlib.Path(self.directory.name) / f"{self.number}.mlir"
        source.write_text(text)
        library = source.with_suffix(".so")
        start = time.perf_counter()
        subprocess.run(
            [self.build / "bin/fp4q-compile", source,
             f"--target={self.target}", "-o", library], check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        handle, error = ctypes.c_void_p(), ctypes.c_char_p()
        function = ctypes.c_void_p()
        if self.runtime.fp4q_artifact_load(
            str(library).encode(), ctypes.byref(handle), ctypes.byref(error)
        ) or self.runtime.fp4q_artifact_find(
            handle, None, ctypes.byref(function), ctypes.byref(error)
        ):
            sys.exit(f"compare-ggml.py: error: {error.value.decode()}")
        return function, seconds

    def caller(self, function, arrays):
        """A function that calls `function` on the arrays."""
        tensors = [dl_tensor(a) for a in arrays]
        pointers = (ctypes.POINTER(DLTensor) * len(tensors))(
            *[ctypes.pointer(t) for t in tensors]
        )
        error = ctypes.c_char_p()

        def call():
            if self.runtime.fp4q_function_call(
                function, pointers, len(tensors), None, ctypes.byref(error)
            ):
                sys.exit(f"compare-ggml.py: error: {error.value.decode()}")

        call.keep = tensors
        return call


class InitParams(ctypes.Structure):
    """ggml_init_params."""

    _fields_ = [
        ("mem_size", ctypes.c_size_t),
        ("mem_buffer", ctypes.c_void_p),
        ("no_alloc", ctypes.c_bool),
    ]


class Ggml:
    """ggml's mul_mat."""

    def __init__(self, build, threads):
        found = {}
        for name in ("libggml-base.so", "libggml-cpu.so", "libggml.so"):
            paths = sorted(pathlib.Path(build).rglob(name))
            if not paths:
                sys.exit(f"compare-ggml.py: error: no {name} below '{build}'")
            mode = ctypes.RTLD_GLOBAL
            found[name] = ctypes.CDLL(str(paths[0]), mode=mode)
        self.base, self.cpu = found["libggml-base.so"], found["libggml-cpu.so"]
        self.threads = threads
        pointer, size = ctypes.c_void_p, ctypes.c_int64
        base = self.base
        base.ggml_init.argtypes, base.ggml_init.restype = [InitParams], pointer
        base.ggml_new_tensor_2d.argtypes = [pointer, ctypes.c_int, size, size]
        base.ggml_mul_mat.argtypes = [pointer] * 3
        base.ggml_new_graph.argtypes = [pointer]
        for function in (
            base.ggml_new_tensor_2d, base.ggml_mul_mat, base.ggml_new_graph,
            base.ggml_get_data,
        ):  # fmt: skip
            function.restype = pointer
        base.ggml_get_data.argtypes = [pointer]
        base.ggml_free.argtypes = [pointer]
        base.ggml_build_forward_expand.argtypes = [pointer] * 2
        base.ggml_quantize_chunk.argtypes = [
            ctypes.c_int, pointer, pointer, size, size, size, pointer,
        ]  # fmt: skip
        self.cpu.ggml_graph_compute_with_ctx.argtypes = [
            pointer, pointer, ctypes.c_int,
        ]  # fmt: skip

    def caller(self, kind, weight, x):
        """A function that multiplies x (n, K) by weight (N, K), both f32."""
        base = self.base
        (columns, k), rows = weight.shape, x.shape[0]
        size = weight.nbytes + 4 * x.nbytes + 8 * rows * columns + (64 << 20)
        context = base.ggml_init(InitParams(size, None, False))
        a = base.ggml_new_tensor_2d(context, kind, k, columns)
        b = base.ggml_new_tensor_2d(context, 0, k, rows)
        base.ggml_quantize_chunk(
            kind, weight.ctypes.data, base.ggml_get_data(a), 0, columns, k, None
        )
        ctypes.memmove(base.ggml_get_data(b), x.ctypes.data, x.nbytes)
        product = base.ggml_mul_mat(context, a, b)
        graph = base.ggml_new_graph(context)
        base.ggml_build_forward_expand(graph, product)
        # The work buffer comes from the context at each call, so measure in a
        # few calls only.
        def call():
            self.cpu.ggml_graph_compute_with_ctx(context, graph, self.threads)

        call.free = lambda: base.ggml_free(context)
        return call


# A block is some calls of one function, first uncounted ones: a library finds
# its weights in the caches as it leaves them itself, and threads of the other
# one, which may spin for a while after their work, asleep.
WARM_UP = (10, 0.05)  # Calls, or seconds.
COUNTED = (10, 0.25)
PAUSE = 0.02


def run_block(call, most, seconds):
    """The times of up to so many calls."""
    samples = []
    end = time.perf_counter() + seconds
    while len(samples) < most and (not samples or time.perf_counter() < end):
        start = time.perf_counter()
        call()
        samples.append(time.perf_counter() - start)
    return samples


def measure(calls, seconds):
    """Medians of each function, in seconds; blocks of calls alternate."""
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds
    while not times[0] or time.perf_counter() < end:
        for call, samples in zip(calls, times):
            time.sleep(PAUSE)
            run_block(call, *WARM_UP)
            samples += run_block(call, *COUNTED)
    return [statistics.median(samples) for samples in times]


def measure_peak(fp4q, threads):
    """Operations per second of fp4q.group_dot, on so many threads."""
    function, _ = fp4q.compile(peak_module())
    x = np.ones(2, np.int8)
    calls = [
        fp4q.caller(function, [x, np.zeros(1, np.int32)])
        for _ in range(threads)
    ]

    def run():
        workers = [threading.Thread(target=c) for c in calls]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    (seconds,) = measure([run], 0.5)
    return threads * CHAINS * PEAK_STEPS * 128 / seconds


READ_BYTES = 31 << 20  # Codes and scales of a weight.
READ_PASSES = 20


def measure_reading(threads):
    """Bytes a second that so many threads read, each its part of memory of the
    size of a weight, again and again."""
    memory = np.zeros(READ_BYTES, np.int8)

    def read(part):
        for _ in range(READ_PASSES):
            part.max()

    def run():
        workers = [
            threading.Thread(target=read, args=(part,))
            for part in np.array_split(memory, threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    (seconds,) = measure([run], 0.5)
    return READ_PASSES * READ_BYTES / seconds


def as_bf16(x):
    """f32 -> the bits of bf16, truncated."""
    return (x.view(np.uint32) >> 16).astype(np.uint16)


def run_shape(arguments, fp4q, ggml, shape, name, peak):
    """Rows of the table for one weight."""
    n, k = shape
    group, scale, kind = FORMATS[name]
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((n, k), np.float32)
    codes = rng.integers(0, 256, (n, k // 2), np.uint8)
    low, high = (120, 131) if name == "mxfp4" else (0x30, 0x50)
    scales = rng.integers(low, high, (n, k // group), np.uint8)
    gs, ss = ("0x3EAAAAAB", "4.0") if name == "mxfp4" else ("0.1", "6.0")
    text = LAYER.format(
        N=n, K=k, P=k // 2, S=k // group, scale=scale, gs=gs, ss=ss
    )
    function, compile_seconds = fp4q.compile(text)
    for rows in arguments.rows:
        x = rng.standard_normal((rows, k), np.float32)
        result = np.zeros((rows, n), np.uint16)
        calls = [
            fp4q.caller(
                function, [as_bf16(x), codes.view(np.int8), scales, result]
            )
        ]
        if ggml:
            calls.append(ggml.caller(kind, weight, x))
        times = measure(calls, arguments.min_time)
        if ggml:
            calls[1].free()
        row = {
            "n": rows, "N": n, "K": k, "format": name,
            "fp4q_ms": times[0] * 1e3,
            "share_of_peak": 2 * rows * n * k / times[0] / peak,
            "gb_per_s": n * k * (0.5 + 1 / group) / times[0] * 1e-9,
            "compile_s": compile_seconds,
        }  # fmt: skip
        if ggml:
            row |= {"ggml_ms": times[1] * 1e3, "ratio": times[1] / times[0]}
        yield row


def main():
    """Measures, prints a table, writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ggml", nargs="?", help="build tree of ggml")
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--target", default="cpu:native")
    parser.add_argument("--rows", default="512,8,1")
    parser.add_argument("--formats", default="mxfp4,nvfp4")
    parser.add_argument("--min-time", type=float, default=2.0)
    parser.add_argument("-o", dest="output", help="JSON file")
    arguments = parser.parse_args()
    arguments.rows = [int(n) for n in arguments.rows.split(",")]
    fp4q = Fp4q(arguments.build, arguments.target, arguments.threads)
    ggml = Ggml(arguments.ggml, arguments.threads) if arguments.ggml else None
    peak = measure_peak(fp4q, arguments.threads)
    reading = measure_reading(arguments.threads)
    print(
        f"{arguments.threads} threads, peak {peak * 1e-9:.0f} GOP/s, reading "
        f"{reading * 1e-9:.0f} GB/s"
    )
    print("| N x K | format | n | fp4q ms | ggml ms | ratio | of peak | GB/s |")
    print("|---|---|---|---|---|---|---|---|")
    results = []
    for shape in SHAPES:
        for name in arguments.formats.split(","):
            for row in run_shape(arguments, fp4q, ggml, shape, name, peak):
                results.append(row)
                print(
                    f"| {row['N']}x{row['K']} | {row['format']} | {row['n']} | "
                    f"{row['fp4q_ms']:.3f} | {row.get('ggml_ms', 0):.3f} | "
                    f"{row.get('ratio', 0):.1f} | "
                    f"{100 * row['share_of_peak']:.0f} % | "
                    f"{row['gb_per_s']:.0f} |",
                    flush=True,
                )
    if arguments.output:
        document = {"threads": arguments.threads, "peak_ops_per_s": peak,
                    "read_bytes_per_s": reading, "results": results}  # fmt: skip
        pathlib.Path(arguments.output).write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
