# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artifacts for all CPU levels, called in this process by the C interface of the
runtime: arrays are passed where they lie, with their strides."""

import ctypes
import functools
import pathlib
import re
import subprocess

import numpy as np
import pytest

from fp4q_dlpack import DLTensor, dl_tensor

LEVELS = (
    "cpu:generic", "cpu:x86-64", "cpu:x86-64-v2", "cpu:x86-64-v3",
    "cpu:avx-vnni", "cpu:x86-64-v4", "cpu:avx512-vnni",
)  # fmt: skip


class Error(Exception):
    """What the runtime refused."""


class Runtime:
    """libfp4q_runtime.so of a build tree."""

    def __init__(self, build_dir):
        self.library = ctypes.CDLL(str(build_dir / "lib/libfp4q_runtime.so"))
        self.library.fp4q_artifact_target_name.restype = ctypes.c_char_p

    def check(self, function, *arguments):
        error = ctypes.c_char_p()
        if getattr(self.library, function)(*arguments, ctypes.byref(error)):
            raise Error(error.value.decode())

    def set_threads(self, count):
        self.library.fp4q_set_num_threads(count)

    def load(self, path, level=None):
        """The functions for one level; None if this CPU cannot run them."""
        handle = ctypes.c_void_p()
        target = level.encode() if level else None
        try:
            self.check(
                "fp4q_artifact_load_target", str(path).encode(), target,
                ctypes.byref(handle),
            )  # fmt: skip
        except Error as error:
            if "no code that can run here" not in str(error):
                raise
            return None
        return Artifact(self, handle)


class Artifact:
    """Loaded code; functions(arguments + results) by name."""

    def __init__(self, runtime, handle):
        self.runtime, self.handle = runtime, handle
        self.functions = {}

    def unload(self):
        self.runtime.library.fp4q_artifact_unload(self.handle)

    def __call__(self, name, *arrays):
        function = self.functions.get(name)
        if function is None:
            function = ctypes.c_void_p()
            self.runtime.check(
                "fp4q_artifact_find", self.handle, name.encode(),
                ctypes.byref(function),
            )  # fmt: skip
            self.functions[name] = function
        tensors = [dl_tensor(array) for array in arrays]
        pointers = (ctypes.POINTER(DLTensor) * len(tensors))(
            *map(ctypes.pointer, tensors)
        )
        self.runtime.check(
            "fp4q_function_call", function, pointers, len(tensors), None
        )


@functools.lru_cache(None)
def runtime(build_dir):
    """The runtime; skips where the tree is sanitized, since an interpreter that
    is not cannot load it."""
    cache = (pathlib.Path(build_dir) / "CMakeCache.txt").read_text()
    if re.search(r"^FP4Q_SANITIZE:STRING=.", cache, re.MULTILINE):
        pytest.skip("an uninstrumented Python cannot load a sanitized library")
    return Runtime(pathlib.Path(build_dir))


def compile_text(build_dir, text, path, levels=LEVELS):
    """Writes an artifact for these levels to `path`."""
    source = pathlib.Path(path).with_suffix(".mlir")
    source.write_text(text)
    subprocess.run(
        [f"{build_dir}/bin/fp4q-compile", source,
         f"--target={','.join(levels)}", "-o", path],
        check=True,
    )  # fmt: skip


def load_levels(build_dir, path, levels=LEVELS):
    """level -> code, of those that this CPU can run."""
    loaded = {level: runtime(build_dir).load(path, level) for level in levels}
    return {level: code for level, code in loaded.items() if code}


def result_like(shape, dtype):
    """Memory for a result, filled with what no kernel may leave there."""
    result = np.empty(shape, dtype)
    result.view(np.uint8).fill(0xA5)
    return result
