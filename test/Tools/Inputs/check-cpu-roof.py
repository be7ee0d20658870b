# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the roof that plot-roofline.py draws for the first row of a JSON, as
measured, and with memory a million times as fast."""

import importlib
import pathlib
import sys

sys.path.insert(0, sys.argv[1])
plot = importlib.import_module("plot-roofline")
document = plot.load(pathlib.Path(sys.argv[2]))
row = document["results"][0]
(low,) = plot.roof(document, row, [1])
document["read_bytes_per_s"] *= 1e6
(high,) = plot.roof(document, row, [1])
print(*(f"{speed:.2f}" for _, speed in (low, high)))
