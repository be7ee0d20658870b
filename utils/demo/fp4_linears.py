# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The encoder linears of the demo, quantized and run by compiled fp4q code."""

import pathlib
import re
import time

import numpy as np

FORMATS = ("mxfp4", "nvfp4")
TEMPLATES = pathlib.Path(__file__).resolve().parent


def module_text(fmt, rows, columns):
    """The MLIR of a linear with an N x K weight: the template of the format
    with {N}, {K} and {K/n} replaced."""

    def size(match):
        number = {"N": rows, "K": columns}[match[1]]
        return str(number // int(match[2] or 1))

    template = (TEMPLATES / f"{fmt}.mlir.in").read_text()
    return re.sub(r"\{([NK])(?:/(\d+))?\}", size, template)


class QuantizedLinears:
    """All linears of a model in one format.

    call(module path, entry, inputs, number of results) runs a function of a
    module and returns its results.
    """

    def __init__(self, fmt, model, names, work_dir, call):
        self.format = fmt
        self.seconds = 0.0
        self._call = call
        self._work_dir = work_dir
        self._modules = {}
        self._arguments = {}
        self._n_quantized = 3 if fmt == "nvfp4" else 2
        for name in names:
            weight, bias = model.parameters(*name)
            module = self.module_path(*weight.shape)
            quantized = self._timed(
                module, "quantize_weights", [weight], self._n_quantized
            )
            self._modules[name] = module
            self._arguments[name] = [*quantized, bias]

    def module_path(self, rows, columns):
        """The module of one weight shape, written on first use."""
        path = self._work_dir / f"{self.format}-{rows}x{columns}.mlir"
        if not path.exists():
            path.write_text(module_text(self.format, rows, columns))
        return path

    def weight_bytes(self):
        """The size of all quantized weights, without the biases."""
        return sum(
            array.nbytes
            for arguments in self._arguments.values()
            for array in arguments[:-1]
        )

    def linear(self, layer, role, x):
        """Quantizes x and multiplies, in compiled code."""
        name = (layer, role)
        inputs = [np.ascontiguousarray(x, np.float32), *self._arguments[name]]
        return self._timed(self._modules[name], "linear", inputs, 1)[0]

    def _timed(self, *args):
        start = time.perf_counter()
        results = self._call(*args)
        self.seconds += time.perf_counter() - start
        return results
