# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Launches PTX through a CUDA driver library: the simulator's or a real one.

Both export the same functions, so the tests that check the simulator and the
program that records golden results on a GPU are one and the same.
"""

import ctypes

import numpy as np


class DriverError(Exception):
    """A call failed; `message` is the simulator's line, or the error's name."""

    def __init__(self, message):
        super().__init__(message)
        self.message = message


class Driver:
    """A loaded driver with one context on device 0."""

    def __init__(self, library):
        self.lib = ctypes.CDLL(str(library))
        self.simulated = hasattr(self.lib, "fp4qSimLastMessage")
        if self.simulated:
            self.lib.fp4qSimLastMessage.restype = ctypes.c_char_p
            self.lib.fp4qSimReport.restype = ctypes.c_char_p
            self.lib.fp4qSimInstructionSet.restype = ctypes.c_char_p
        self.call("cuInit", 0)
        device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.device = device
        self._enter()
        major, minor = ctypes.c_int(), ctypes.c_int()
        for value, attribute in ((major, 75), (minor, 76)):
            self.call(
                "cuDeviceGetAttribute", ctypes.byref(value), attribute, device
            )
        self.capability = major.value * 10 + minor.value

    def _enter(self):
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)

    def reset(self):
        """Starts anew after a fault that the context did not survive."""
        self.lib.cuDevicePrimaryCtxReset_v2(self.device)
        self._enter()

    def call(self, name, *args):
        """Calls a function of the driver; raises DriverError unless it is 0."""
        code = getattr(self.lib, name)(*args)
        if code == 0:
            return
        message = ""
        if self.simulated:
            message = self.lib.fp4qSimLastMessage().decode()
        if not message:
            text = ctypes.c_char_p()
            self.lib.cuGetErrorName(code, ctypes.byref(text))
            message = f"{name}: {(text.value or b'error').decode()}"
        raise DriverError(message)

    def option(self, name, value):
        """Sets an option of the simulator."""
        failed = self.lib.fp4qSimSetOption(
            name.encode(), str(value).encode()
        )
        assert not failed, (name, value)

    def load(self, ptx):
        """The handle of a module of this PTX text."""
        module = ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), ptx.encode())
        return module

    def accepts(self, ptx):
        """True if a module of this text can be loaded."""
        module = ctypes.c_void_p()
        if self.lib.cuModuleLoadData(ctypes.byref(module), ptx.encode()):
            return False
        self.unload(module)
        return True

    def unload(self, module):
        self.call("cuModuleUnload", module)

    def launch(
        self,
        module,
        entry,
        grid,
        block,
        args,
        shared=0,
        cooperative=False,
    ):
        """Runs a kernel; returns its array arguments as they are afterwards.

        An argument is a numpy array (a device buffer of exactly its bytes), a
        numpy scalar (passed by value), or ("out", shape, dtype): a buffer that
        nobody has written.
        """
        function = ctypes.c_void_p()
        self.call(
            "cuModuleGetFunction", ctypes.byref(function), module, entry.encode()
        )
        if shared > 48 * 1024:
            self.call("cuFuncSetAttribute", function, 8, shared)
        buffers, values = [], []
        try:
            for arg in args:
                if isinstance(arg, np.generic):
                    values.append(
                        ctypes.create_string_buffer(
                            arg.tobytes(), arg.nbytes
                        )
                    )
                    continue
                if isinstance(arg, tuple):
                    host, fill = np.zeros(arg[1], arg[2]), False
                else:
                    host, fill = np.array(arg, order="C"), True
                address = ctypes.c_uint64()
                self.call(
                    "cuMemAlloc_v2",
                    ctypes.byref(address),
                    ctypes.c_size_t(max(host.nbytes, 1)),
                )
                buffers.append((address, host))
                if fill and host.nbytes:
                    self.call(
                        "cuMemcpyHtoD_v2",
                        address,
                        host.ctypes.data_as(ctypes.c_void_p),
                        ctypes.c_size_t(host.nbytes),
                    )
                values.append(address)
            pointers = (ctypes.c_void_p * max(len(values), 1))(
                *[ctypes.addressof(value) for value in values]
            )
            dims = [*grid, *block]
            dims = [ctypes.c_uint(d) for d in dims]
            head = (function, *dims, ctypes.c_uint(shared), None, pointers)
            if cooperative:
                self.call("cuLaunchCooperativeKernel", *head)
            else:
                self.call("cuLaunchKernel", *head, None)
            self.call("cuCtxSynchronize")
            for address, host in buffers:
                if host.nbytes:
                    self.call(
                        "cuMemcpyDtoH_v2",
                        host.ctypes.data_as(ctypes.c_void_p),
                        address,
                        ctypes.c_size_t(host.nbytes),
                    )
            return [host for _, host in buffers]
        finally:
            for address, _ in buffers:
                self.call("cuMemFree_v2", address)

    def run(self, ptx, entry, grid, block, args, **kwargs):
        """load, launch, unload."""
        module = self.load(ptx)
        try:
            return self.launch(module, entry, grid, block, args, **kwargs)
        finally:
            self.unload(module)
