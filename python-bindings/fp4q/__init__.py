# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""FP4 quantized linear layers, compiled.

quantize, dequantize and scaled_matmul work on arrays of numpy, PyTorch, JAX and
CuPy; compile and load run modules of the fp4q dialect; fp4q.torch has the layer
for PyTorch models. See docs/python.md.
"""

from typing import TYPE_CHECKING

from ._runtime import get_num_threads, set_num_threads
from ._runtime import version as __version__

if TYPE_CHECKING:
    from ._artifact import Artifact, compile, load  # noqa: A004
    from ._errors import CompileError, Diagnostic, Fp4qWarning
    from ._gpu import GpuArray, to_gpu
    from ._ops import (
        block_transform,
        dequantize,
        global_scale,
        quantize,
        scaled_matmul,
        swizzle_scales,
        unswizzle_scales,
    )
    from ._quantized import QuantizedTensor

# Where the names are defined; loaded when they are first used.
_HOMES = {
    "Artifact": "_artifact",
    "CompileError": "_errors",
    "Diagnostic": "_errors",
    "Fp4qWarning": "_errors",
    "GpuArray": "_gpu",
    "QuantizedTensor": "_quantized",
    "block_transform": "_ops",
    "compile": "_artifact",
    "dequantize": "_ops",
    "global_scale": "_ops",
    "load": "_artifact",
    "quantize": "_ops",
    "scaled_matmul": "_ops",
    "swizzle_scales": "_ops",
    "to_gpu": "_gpu",
    "unswizzle_scales": "_ops",
}


def __getattr__(name: str):
    import importlib

    if name == "torch":
        return importlib.import_module(".torch", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module 'fp4q' has no attribute '{name}'")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Artifact",
    "CompileError",
    "Diagnostic",
    "Fp4qWarning",
    "GpuArray",
    "QuantizedTensor",
    "__version__",
    "block_transform",
    "compile",
    "dequantize",
    "get_num_threads",
    "global_scale",
    "load",
    "quantize",
    "scaled_matmul",
    "set_num_threads",
    "swizzle_scales",
    "to_gpu",
    "unswizzle_scales",
]
