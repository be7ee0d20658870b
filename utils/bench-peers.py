#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs fp4q-bench, then other libraries on the same shapes, and merges both.

    utils/bench-peers.py -o both.json build/bin/fp4q-bench --op=matmul ...

Each product gets "peers": torch.matmul of dense f32 and bf16 operands of its
shape, with as many threads, measured as fp4q-bench measures. "peers" of the
whole names the versions, or says that torch is absent; the products then have
none, and that is no error.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

MIN_RUNS = 5
COLD_RUNS = 9
FLUSH_BYTES = 64 << 20


def measure(run, min_seconds, flush=None):
    """The times of repeated runs, with the keys of fp4q-bench."""
    run()
    wall, cpu = [], []
    while len(wall) < (COLD_RUNS if flush else MIN_RUNS) or (
        not flush and sum(wall) < min_seconds
    ):
        if flush:
            flush()
        start, start_cpu = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    return {
        "runs": len(wall),
        "median_s": statistics.median(wall),
        "least_s": min(wall),
        "cpu_median_s": statistics.median(cpu),
    }


def measure_torch(torch, result, min_seconds):
    """{"torch f32": {"warm": ..., "cold": ...}, "torch bf16": ...}"""
    m, k, n = result["m"], result["k"], result["n"]
    torch.set_num_threads(result["threads"])
    displaced = torch.zeros(FLUSH_BYTES // 8, dtype=torch.int64)
    peers = {}
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.randn(m, k).to(dtype)
        b = torch.randn(n, k).to(dtype)
        out = torch.empty(m, n, dtype=dtype)

        def run(a=a, b=b, out=out):
            torch.matmul(a, b.T, out=out)

        timings = {
            "warm": measure(run, min_seconds),
            "cold": measure(run, 0, flush=lambda: displaced.add_(1)),
        }
        bytes_moved = sum(t.numel() * t.element_size() for t in (a, b, out))
        for timing in timings.values():
            timing["gb_per_s"] = bytes_moved / timing["median_s"] * 1e-9
            timing["gflop_per_s"] = 2e-9 * m * k * n / timing["median_s"]
        peers[f"torch {name}"] = timings
    return peers


def run_bench(command):
    """The document that fp4q-bench writes to stdout."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        sys.exit(f"bench-peers.py: error: {command[0]}: {error.strerror}")
    if done.returncode:
        sys.exit(done.returncode)
    try:
        document = json.loads(done.stdout)
        document["results"][0]["threads"]
    except (ValueError, KeyError, TypeError, IndexError):
        sys.exit(f"bench-peers.py: error: {command[0]} has not written JSON to stdout")
    return document


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", type=pathlib.Path, help="the JSON (default: stdout)")
    parser.add_argument("--min-time", type=float, default=0.3, metavar="SECONDS")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="fp4q-bench ...")
    options = parser.parse_args()
    if not options.command:
        parser.error("expected fp4q-bench and its options")
    document = run_bench(options.command)
    try:
        import torch
    except ImportError as error:
        document["peers"] = {"torch": f"absent: {error}"}
        print(f"bench-peers.py: no peers: {error}", file=sys.stderr)
    else:
        document["peers"] = {"torch": torch.__version__}
        for result in document["results"]:
            if result["op"] == "matmul":
                result["peers"] = measure_torch(torch, result, options.min_time)
    text = json.dumps(document, indent=1) + "\n"
    if options.o:
        options.o.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
