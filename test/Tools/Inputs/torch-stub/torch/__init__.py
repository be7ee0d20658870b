# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What bench-peers.py uses of torch, on numpy, where torch is not installed."""

import numpy

__version__ = "stub"
float32, bfloat16, int64 = numpy.float32, numpy.float16, numpy.int64
threads = []


class Tensor:
    def __init__(self, array):
        self.array = array

    T = property(lambda self: Tensor(self.array.T))

    def to(self, dtype):
        return Tensor(self.array.astype(dtype))

    def numel(self):
        return self.array.size

    def element_size(self):
        return self.array.itemsize

    def add_(self, number):
        self.array += number


def randn(*shape):
    return Tensor(numpy.ones(shape, numpy.float32))


def zeros(size, dtype):
    return Tensor(numpy.zeros(size, dtype))


def empty(*shape, dtype):
    return Tensor(numpy.empty(shape, dtype))


def matmul(a, b, out):
    numpy.matmul(a.array, b.array, out=out.array)


def set_num_threads(count):
    threads.append(count)
