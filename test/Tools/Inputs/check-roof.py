# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the roof of plot-gpu.py for the first shape of a file."""

import importlib
import pathlib
import sys

sys.path.insert(0, sys.argv[1])
plot = importlib.import_module("plot-gpu")
_, bandwidth, products, _ = plot.load(pathlib.Path(sys.argv[2]), None)
peak = max(plot.tflops(r, us) for r in products for us in r["peers"].values())
for row in products[:2]:
    print(row["form"], row["m"], plot.roof(row, bandwidth, peak))
