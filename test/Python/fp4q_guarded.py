# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays at places that show each byte too many: between pages that cannot be
accessed, behind poison, at odd addresses, and with strides."""

import ctypes
import mmap
import weakref

import numpy as np

PAGE = mmap.PAGESIZE
POISON = 0x7F  # A NaN of e4m3, near one of e8m0, a large code.

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
    ctypes.c_long,
]  # fmt: skip
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_PRIVATE_ANONYMOUS = 0x22

# Where an array lies: its last byte before a page that cannot be accessed; its
# first byte behind one; at an address that is a multiple of nothing but the
# size of an element; or with strides, in one of several ways.
PLACES = ("end", "begin", "odd", "strided")


class Region:
    """Pages of POISON between two that cannot be accessed."""

    def __init__(self, size):
        self.size = -(-max(size, 1) // PAGE) * PAGE
        whole = self.size + 2 * PAGE
        base = _libc.mmap(None, whole, 0, _PRIVATE_ANONYMOUS, -1, 0)
        assert base not in (None, ctypes.c_void_p(-1).value)
        weakref.finalize(self, _libc.munmap, base, whole)
        assert _libc.mprotect(base + PAGE, self.size, 3) == 0
        memory = (ctypes.c_uint8 * self.size).from_address(base + PAGE)
        memory.region = self
        self.bytes = np.frombuffer(memory, np.uint8)
        self.bytes.fill(POISON)


class Placed:
    """An array, which is a copy of `like` or, for a result, only of its shape,
    at a place."""

    def __init__(self, like, place, rng, is_result=False):
        like = np.asarray(like)
        self.is_result = is_result
        item = like.itemsize
        if place == "strided" and like.ndim:
            self._stride(like, rng)
        else:
            room = like.nbytes + (128 if place == "odd" else 0)
            self.region = Region(room)
            start = {
                "end": self.region.size - like.nbytes,
                "begin": 0,
                "odd": item * (2 * int(rng.integers(0, 64 // item // 2)) + 1),
            }.get(place, 0)
            memory = self.region.bytes[start : start + like.nbytes]
            self.array = memory.view(like.dtype).reshape(like.shape)
        if not is_result:
            self.array[...] = like
        self.elements = self._bytes_of_elements()
        self.untouched = self.region.bytes.copy()

    def _stride(self, like, rng):
        """Rows with padding, which may run backward, or columns in front of
        rows."""
        shape = like.shape
        wide = [size + int(rng.integers(0, 4)) for size in shape]
        order = rng.permutation(len(shape))
        if len(shape) > 1 and rng.random() < 0.5:
            order = np.arange(len(shape))
        self.region = Region(int(np.prod(wide)) * like.itemsize)
        count = int(np.prod(wide)) * like.itemsize
        memory = self.region.bytes[:count].view(like.dtype)
        array = memory.reshape([wide[axis] for axis in order])
        array = array.transpose(np.argsort(order))
        array = array[tuple(slice(0, size) for size in shape)]
        for axis in range(len(shape)):
            if rng.random() < 0.25:
                array = np.flip(array, axis)
        self.array = array

    def _bytes_of_elements(self):
        """True for each byte of the region that is part of the array."""
        mask = np.zeros(self.region.size, bool)
        base = self.region.bytes.ctypes.data
        first = self.array.ctypes.data - base
        offsets = np.full(self.array.shape, first, np.int64)
        for axis, stride in enumerate(self.array.strides):
            steps = np.arange(self.array.shape[axis]) * stride
            steps = steps.reshape([-1] + [1] * (self.array.ndim - axis - 1))
            offsets = offsets + steps
        for byte in range(self.array.itemsize):
            mask[offsets.reshape(-1) + byte] = True
        return mask

    def spoiled(self):
        """How many bytes changed that may not: of arguments none may, of results
        those between and around elements."""
        changed = self.region.bytes != self.untouched
        if self.is_result:
            changed &= ~self.elements
        return int(changed.sum())
