#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How fast the simulator executes the main loop of a bf16 mma kernel.

    python3 test/Simulator/bench.py build/lib/libfp4q_sim.so

Lane instructions per second of CPU time of the threads that simulate, on one
core, with the checks and without; the median and the best of the runs. Rates by
CPU time hold on a machine that is busy with other work, within the cache and
clock that work leaves.
"""

import argparse
import json
import statistics

import corpus_runs
import cudadriver
import numpy as np


def measure(driver, checks, runs, k):
    """Million lane instructions per CPU second, for each run."""
    driver.option("checks", int(checks))
    driver.option("threads", 1)
    rng = np.random.default_rng(4)
    a, b = (rng.integers(-8, 9, (64, k)) * 0.25 for _ in range(2))
    args = [corpus_runs.bf16(a), corpus_runs.bf16(b)]
    args += [("out", (64, 64), np.float32), np.int32(64), np.int32(k)]
    module = driver.load(corpus_runs.text("matmul"))
    rates = []
    for _ in range(runs):
        driver.lib.fp4qSimResetReport()
        driver.launch(module, "matmul_bf16", (1, 1, 1), (128, 1, 1), args)
        report = json.loads(driver.lib.fp4qSimReport())[0]
        rates.append(report["lane_instructions"] / report["cpu_seconds"] / 1e6)
    driver.unload(module)
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", help="libfp4q_sim.so")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--k", type=int, default=8224)
    parser.add_argument("--checks", type=int, choices=(0, 1), nargs="*",
                        default=(1, 0), help="with (1), without (0), or both")  # fmt: skip
    options = parser.parse_args()
    driver = cudadriver.Driver(options.library)
    for on in options.checks:
        rates = measure(driver, on, options.runs, options.k)
        print(
            f"checks {'on' if on else 'off'}: "
            f"{statistics.median(rates):.0f} M lane instructions/s "
            f"(best {max(rates):.0f})"
        )


if __name__ == "__main__":
    main()
