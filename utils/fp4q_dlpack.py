# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of numpy for the runtime's C interface by ctypes."""

import ctypes

import numpy as np

# DLPack's type codes: signed, unsigned, floating point.
_CODES = {"i": 0, "u": 1, "f": 2}


class DLTensor(ctypes.Structure):
    """DLPack's tensor."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


def dl_tensor(array):
    """A view of an array with its strides; bf16 and f8 go as unsigned."""
    array = np.asarray(array)
    if array.dtype.kind == "V" or array.dtype.name == "bfloat16":
        array = array.view(f"u{array.dtype.itemsize}")
    sizes = ctypes.c_int64 * array.ndim
    strides = (s // array.itemsize for s in array.strides)
    tensor = DLTensor(
        array.ctypes.data, (ctypes.c_int32 * 2)(1, 0), array.ndim,
        _CODES[array.dtype.kind], array.dtype.itemsize * 8, 1,
        sizes(*array.shape), sizes(*strides), 0,
    )  # fmt: skip
    tensor.array = array
    return tensor
