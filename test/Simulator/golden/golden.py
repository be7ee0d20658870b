#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Records the micro-tests' results on a GPU, or compares them.

    python3 test/Simulator/golden/golden.py record OUT.npz
    python3 test/Simulator/golden/golden.py check [FILE.npz]

`record` runs every case that the GPU's chip can execute and writes a golden
file; `check` compares with one (by default the one kept beside this program).
With --driver=build/lib/libfp4q_sim.so the simulator takes the GPU's place. It
needs Python with numpy and a CUDA driver; no toolkit, since the driver
assembles PTX.
"""

import argparse
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import cudadriver  # noqa: E402
import micro_alu  # noqa: E402, F401
import micro_cases  # noqa: E402
import micro_forms  # noqa: E402, F401
import micro_memory  # noqa: E402, F401
import micro_mma  # noqa: E402, F401
import micro_other  # noqa: E402, F401

DEFAULT = HERE / "sm_90a.npz"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("record", "check"))
    parser.add_argument("file", nargs="?", default=str(DEFAULT))
    parser.add_argument("--driver", default="libcuda.so.1")
    parser.add_argument("--target", default="sm_90a")
    parser.add_argument("--only", default="", help="cases with this text")
    options = parser.parse_args()

    driver = cudadriver.Driver(options.driver)
    sm = int(options.target[3:].rstrip("af"))
    cases = [
        c
        for c in micro_cases.CASES
        if c.sm <= sm and options.only in c.name and c.gpu
    ]
    # What waits for others comes last: a wrong wait would never end.
    cases.sort(key=lambda c: any(
        word in c.body for word in ("mbarrier", "cluster", "acquire")
    ))  # fmt: skip
    results, failed = {}, 0
    golden = np.load(options.file) if options.command == "check" else None
    for case in cases:
        try:
            got = micro_cases.run(driver, case, options.target)
        except cudadriver.DriverError as error:
            print(f"{case.name}: {error.message}", flush=True)
            failed += 1
            driver.reset()
            continue
        results[case.name] = got
        if golden is None:
            continue
        if case.name not in golden:
            if not case.expect:
                print(f"{case.name}: not in {options.file}")
                failed += 1
                continue
            want = case.expect(micro_cases.inputs(case)).reshape(got.shape)
        else:
            want = golden[case.name][..., : case.outputs]
        bad = micro_cases.mismatches(case, got, want)
        if len(bad):
            failed += 1
            at = tuple(bad[0][:2])
            words = micro_cases.inputs(case)[at]
            print(
                f"{case.name}: {len(bad)} of {got.size} differ; first: got "
                f"{[hex(x) for x in got[at]]}, golden "
                f"{[hex(x) for x in want[at]]} of "
                f"{[hex(x) for x in words]}"
            )
    if golden is None:
        np.savez_compressed(options.file, **results)
        size = pathlib.Path(options.file).stat().st_size
        print(f"wrote {options.file}: {len(results)} cases, {size} bytes")
    print(f"{len(cases) - failed} of {len(cases)} cases passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
