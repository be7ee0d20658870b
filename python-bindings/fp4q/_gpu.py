# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays on GPUs for those who have numpy only."""

from __future__ import annotations

from typing import Any

from . import _runtime


class GpuArray:
    """A contiguous array in the memory of a GPU. All functions of fp4q take
    such arrays, and return them; numpy() copies the values to the host.

    Work on them runs in order on the default stream of the device. Made by
    fp4q.to_gpu.
    """

    def __init__(self, memory: _runtime.GpuMemoryArray, dtype: Any) -> None:
        self.__fp4q_memory__ = memory
        self.dtype = dtype  # of numpy or ml_dtypes
        self.shape: tuple[int, ...] = tuple(memory.sizes)

    @property
    def device(self) -> int:
        """The number of the GPU."""
        return self.__fp4q_memory__.device

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        size = self.dtype.itemsize
        for extent in self.shape:
            size *= extent
        return size

    def reshape(self, *shape: Any) -> GpuArray:
        """The same memory with another shape; one size may be -1."""
        if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
            (shape,) = shape
        return GpuArray(self.__fp4q_memory__.reshaped(list(shape)), self.dtype)

    def numpy(self) -> Any:
        """A copy on the host."""
        import numpy

        array = numpy.empty(self.shape, self.dtype)
        self.__fp4q_memory__.copy_to(array.reshape(-1).view(numpy.uint8))
        return array

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.device

    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("a GpuArray gives its memory to fp4q only")

    def __repr__(self) -> str:
        return (
            f"GpuArray(shape={self.shape}, dtype={self.dtype}, "
            f"device={self.device})"
        )


def empty(shape: tuple[int, ...], dtype: Any, device: int) -> GpuArray:
    import numpy

    kind = numpy.dtype(dtype)
    memory = _runtime.gpu_empty(list(shape), str(kind), device)
    return GpuArray(memory, kind)


def to_gpu(array: Any, device: int = 0) -> GpuArray:
    """Copies a numpy array to a GPU, numbered as the driver does."""
    import numpy

    array = numpy.ascontiguousarray(array).reshape(numpy.shape(array))
    made = empty(array.shape, array.dtype, device)
    made.__fp4q_memory__.copy_from(array.reshape(-1).view(numpy.uint8))
    return made
