# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The runtime's C interface by ctypes, and arrays for it on the CPU, of torch on
a GPU, and on the simulator."""

import ctypes

import numpy as np

try:
    import torch
except ImportError:
    torch = None

class DLTensor(ctypes.Structure):
    """As in fp4q/Runtime/DLPack.h."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


CPU, CUDA = 1, 2
# Bytes, halves and words, as unsigned integers where DLPack needs no more.
CODES = {"u1": (1, 8), "u2": (1, 16), "f2": (2, 16), "f4": (2, 32)}


class FP4QError(Exception):
    """What the runtime says."""


class Runtime:
    def __init__(self, directory):
        for path in sorted(directory.glob("libtbb*")):
            ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
        self.library = ctypes.CDLL(str(directory / "libfp4q_runtime.so"))

    def check(self, name, *arguments):
        error = ctypes.c_char_p()
        status = getattr(self.library, name)(*arguments, ctypes.byref(error))
        if status:
            raise FP4QError(error.value.decode())


class Artifact:
    def __init__(self, runtime, path, target):
        self.runtime = runtime
        self.handle = ctypes.c_void_p()
        runtime.check(
            "fp4q_artifact_load_target", str(path).encode(), target.encode(),
            ctypes.byref(self.handle),
        )  # fmt: skip

    def find(self, name):
        function = ctypes.c_void_p()
        self.runtime.check(
            "fp4q_artifact_find", self.handle, name.encode(),
            ctypes.byref(function),
        )  # fmt: skip
        return function


class Array:
    """Memory of the CPU or of a device, and DLPack's view of it."""

    def __init__(self, pointer, shape, kind, device, keep):
        self.shape, self.kind, self.keep = tuple(shape), kind, keep
        self.sizes = (ctypes.c_int64 * len(shape))(*shape)
        code, bits = CODES[kind]
        self.view = DLTensor(
            pointer, device, 0, len(shape), code, bits, 1, self.sizes, None, 0
        )


def contiguous(array):
    """As numpy's, but arrays of no dimension stay so."""
    return array if array.flags.c_contiguous else array.copy(order="C")


class Host:
    """Arrays of numpy."""

    device = CPU

    def put(self, array):
        array = contiguous(array)
        kind = array.dtype.str[1:]
        pointer = array.ctypes.data if array.size else None
        return Array(pointer, array.shape, kind, CPU, array)

    def get(self, array):
        return array.keep


class Torch:
    """CUDA tensors of torch."""

    device = CUDA

    def put(self, array):
        flat = contiguous(array).reshape(-1).view(np.uint8)
        tensor = torch.from_numpy(flat).cuda()
        pointer = tensor.data_ptr() if array.size else None
        kind = array.dtype.str[1:]
        result = Array(pointer, array.shape, kind, CUDA, tensor)
        result.dtype = array.dtype
        return result

    def get(self, array):
        data = array.keep.cpu().numpy()
        return data.view(array.dtype).reshape(array.shape)

    def stream(self):
        return ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)

    def synchronize(self):
        torch.cuda.synchronize()


class Simulator:
    """Memory of the simulator."""

    device = CUDA

    def __init__(self, runtime):
        self.runtime = runtime

    def put(self, array):
        array = contiguous(array)
        memory = ctypes.c_void_p()
        self.runtime.check(
            "fp4q_gpu_allocate", 0, ctypes.c_int64(array.nbytes),
            ctypes.byref(memory),
        )  # fmt: skip
        self._copy(memory, array.ctypes.data, array.nbytes)
        kind = array.dtype.str[1:]
        return Array(memory.value, array.shape, kind, CUDA, array)

    def _copy(self, to, source, count):
        self.runtime.check(
            "fp4q_gpu_copy", 0, ctypes.c_void_p(getattr(to, "value", to)),
            ctypes.c_void_p(source), ctypes.c_int64(count),
        )  # fmt: skip

    def get(self, array):
        data = np.empty_like(array.keep)
        if data.size:
            self._copy(data.ctypes.data, array.view.data, data.nbytes)
        return data

    def stream(self):
        return ctypes.c_void_p()

    def synchronize(self):
        pass


def call(runtime, function, arrays, stream=None):
    """Calls the function; does not wait."""
    views = [ctypes.byref(array.view) for array in arrays]
    pointers = (ctypes.c_void_p * len(views))(
        *(ctypes.addressof(array.view) for array in arrays)
    )
    runtime.check(
        "fp4q_function_call", function, pointers, len(arrays),
        stream or ctypes.c_void_p(),
    )  # fmt: skip
