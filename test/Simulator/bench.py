#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How fast the simulator executes the main loop of a bf16 mma kernel.

    python3 test/Simulator/bench.py build/lib/libfp4q_sim.so

Lane instructions per second of one core's CPU time, with the checks and
without; the best of five runs.
"""

import json
import sys

import corpus_runs
import cudadriver


def measure(driver, checks, k=8192):
    """Million lane instructions per CPU second."""
    driver.option("checks", int(checks))
    driver.option("threads", 1)
    ptx = corpus_runs.text("matmul")
    best = 0
    for _ in range(5):
        driver.lib.fp4qSimResetReport()
        corpus_runs.run_matmul(driver, ptx, 64, 64, k)
        report = json.loads(driver.lib.fp4qSimReport())[0]
        best = max(best, report["lane_instructions"] / report["cpu_seconds"])
    return best / 1e6


if __name__ == "__main__":
    sim = cudadriver.Driver(sys.argv[1])
    for on in (True, False):
        print(
            f"checks {'on' if on else 'off'}: "
            f"{measure(sim, on):.0f} M lane instructions/s"
        )
