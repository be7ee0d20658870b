# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The encoder linears of the demo, quantized and run by compiled fp4q code."""

import concurrent.futures
import os
import pathlib
import re

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
    module and returns its results; it may be called by several threads.
    """

    def __init__(self, fmt, model, names, work_dir, call):
        self.format = fmt
        self._call = call
        self._work_dir = work_dir
        parameters = {name: model.parameters(*name) for name in names}
        shapes = {weight.shape for weight, _ in parameters.values()}
        self._modules = {shape: self._write_module(*shape) for shape in shapes}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            quantized = pool.map(self._quantize, parameters.values())
        self._linears = dict(zip(names, quantized, strict=True))

    def _write_module(self, rows, columns):
        path = self._work_dir / f"{self.format}-{rows}x{columns}.mlir"
        path.write_text(module_text(self.format, rows, columns))
        return path

    def _quantize(self, parameters):
        """(weight, bias) -> (module, the arguments of its @linear after x)."""
        weight, bias = parameters
        module = self._modules[weight.shape]
        n_results = 3 if self.format == "nvfp4" else 2
        quantized = self._call(module, "quantize_weights", [weight], n_results)
        return module, [*quantized, bias]

    def weight_bytes(self):
        """The size of all quantized weights, without the biases."""
        return sum(
            array.nbytes
            for _, arguments in self._linears.values()
            for array in arguments[:-1]
        )

    def linear(self, layer, role, x):
        """Quantizes x and multiplies, in compiled code."""
        module, arguments = self._linears[layer, role]
        x = np.ascontiguousarray(x, np.float32)
        return self._call(module, "linear", [x, *arguments], 1)[0]
