# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of the frameworks: their types by MLIR's names, and new ones.

No framework is imported here that the caller has not imported, but numpy where
results need an array and the arguments were none.
"""

from __future__ import annotations

import math
from typing import Any

# MLIR's element types, by the names that frameworks give them.
ELEMENTS = {
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "float8_e4m3fn": "f8E4M3FN",
    "float8_e8m0fnu": "f8E8M0FNU",
    "uint8": "i8",
    "int8": "i8",
}
FLOATS = ("f32", "f16", "bf16")
# Instead of the number of a GPU.
CPU = -1
_TORCH_TYPES = {
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "f64": "float64",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E8M0FNU": "float8_e8m0fnu",
    "i8": "uint8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
}


def framework(array: Any) -> str:
    """The package that an array's type comes from: "numpy", "torch", "fp4q"
    (a GpuArray), ..."""
    name = type(array).__module__.partition(".")[0]
    if name in ("numpy", "torch", "cupy", "fp4q"):
        return name
    if name in ("jax", "jaxlib"):
        return "jax"
    for base in type(array).__mro__:  # a subclass, such as a Parameter
        if base.__module__.partition(".")[0] in ("numpy", "torch"):
            return base.__module__.partition(".")[0]
    return name


def is_array(value: Any) -> bool:
    return hasattr(value, "__dlpack__") and hasattr(value, "shape")


def element(array: Any, argument: str) -> str:
    """MLIR's name of the type of the elements."""
    if not is_array(array):
        raise TypeError(
            f"{argument} must be an array with __dlpack__, but got "
            f"{type(array).__name__}"
        )
    name = str(array.dtype).rpartition(".")[2]
    if name not in ELEMENTS:
        raise TypeError(
            f"{argument} must have elements of float32, float16, bfloat16, an "
            f"8-bit scale type or uint8, but got {name}"
        )
    return ELEMENTS[name]


def parse_float(dtype: Any, argument: str) -> str:
    """MLIR's name of a floating-point type given by a dtype or its name."""
    name = getattr(dtype, "__name__", None) or str(dtype)
    found = ELEMENTS.get(name.rpartition(".")[2])
    if found not in FLOATS:
        raise ValueError(
            f"{argument} must be float32, float16 or bfloat16, but got {dtype}"
        )
    return found


def empty(like: Any, name: str, shape: tuple[int, ...]) -> Any:
    """A new array for results: of like's framework, on like's device. Scale
    types are native in torch and jax and uint8 elsewhere."""
    kind = framework(like)
    if kind == "torch":
        import torch

        dtype = getattr(torch, _TORCH_TYPES[name])
        return torch.empty(shape, dtype=dtype, device=like.device)
    if kind == "cupy":
        import cupy

        return cupy.empty(shape, _numpy_type(name, native=False))
    if kind == "fp4q":
        from ._gpu import empty as gpu_empty

        return gpu_empty(shape, _numpy_type(name, native=True), like.device)
    import numpy

    return numpy.empty(shape, _numpy_type(name, native=kind == "jax"))


def _numpy_type(name: str, native: bool) -> Any:
    if name == "bf16" or (native and name.startswith("f8")):
        import ml_dtypes

        return getattr(ml_dtypes, _TORCH_TYPES[name])
    if name.startswith("f8"):
        return "uint8"
    return _TORCH_TYPES[name]


def finish(like: Any, results: tuple) -> tuple:
    """The results as arrays of like's framework: jax's cannot be written to,
    so theirs are made last."""
    if framework(like) != "jax":
        return results
    import jax

    return tuple(jax.device_put(result) for result in results)


def as_rows(array: Any, columns: int) -> Any:
    """The array as a contiguous (rows, columns), a view where it can be."""
    rows = math.prod(array.shape[:-1])
    if tuple(array.shape) != (rows, columns):
        array = array.reshape(rows, columns)
    return contiguous(array)


def contiguous(array: Any) -> Any:
    kind = framework(array)
    if kind == "torch":
        array = array.detach().contiguous()
        # Kernels for GPUs want more than the alignment of elements.
        if array.device.type == "cuda" and array.data_ptr() % 16:
            array = array.clone()
        return array
    if kind == "numpy" and not array.flags.c_contiguous:
        import numpy

        return numpy.ascontiguousarray(array)
    if kind == "cupy":
        import cupy

        return cupy.ascontiguousarray(array)
    return array


def device(array: Any, argument: str) -> int:
    """The number of the GPU that an array is on, -1 for the CPU."""
    kind = framework(array)
    if kind == "numpy":
        return CPU
    if kind == "fp4q":
        return array.device
    if kind == "torch":
        if array.device.type == "cpu":
            return CPU
        if array.device.type == "cuda":
            return array.device.index
        where = str(array.device)
    elif not hasattr(array, "__dlpack_device__"):
        return CPU
    else:
        code, number = array.__dlpack_device__()
        # Also memory of the host that GPUs see, and of both.
        if int(code) in (1, 3):
            return CPU
        if int(code) in (2, 13):
            return int(number)
        where = f"DLPack device type {int(code)}"
    raise TypeError(
        f"{argument} is on {where}, but fp4q has code for CPUs and NVIDIA GPUs"
    )


def place(number: int) -> str:
    return "the CPU" if number == CPU else f"GPU {number}"


def check_device(array: Any, argument: str, wanted: int, first: str) -> None:
    """Raises TypeError unless the array is where `first` is."""
    found = device(array, argument)
    if found != wanted:
        raise TypeError(
            f"{argument} must be on {place(wanted)}, as {first}, but is on "
            f"{place(found)}"
        )


def scalar(value: float, like: Any) -> Any:
    """A number as an array of rank 0 on like's device. On the CPU numbers are
    taken as they are."""
    number = device(like, "the array")
    if number == CPU:
        return value
    kind = framework(like)
    if kind == "torch":
        import torch

        return torch.full((), value, dtype=torch.float32, device=like.device)
    if kind == "cupy":
        import cupy

        return cupy.full((), value, dtype="float32")
    import numpy

    from ._gpu import to_gpu

    return to_gpu(numpy.float32(value), number)


def to_host(array: Any) -> Any:
    """A copy in the memory of the CPU."""
    kind = framework(array)
    if kind == "torch":
        return array.cpu()
    if kind == "cupy":
        return array.get()
    return array.numpy()


def to_device(array: Any, like: Any) -> Any:
    """A copy of an array of the host, on like's device and of its framework."""
    kind = framework(like)
    if kind == "torch":
        return array.to(like.device)
    if kind == "cupy":
        import cupy

        return cupy.asarray(array)
    from ._gpu import to_gpu

    return to_gpu(array, like.device)
