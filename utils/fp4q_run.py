# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs fp4q-run on numpy arrays: shared by the tests and utils/
bit-exactness.py."""

import pathlib
import subprocess
import tempfile

import ml_dtypes
import numpy as np

BF16 = np.dtype(ml_dtypes.bfloat16)


class RunError(Exception):
    """fp4q-run failed; the message is what it wrote to stderr."""


def save(path, array):
    """Writes one argument the way fp4q-run reads it: bf16 as uint16."""
    array = np.asarray(array)
    np.save(path, array.view(np.uint16) if array.dtype == BF16 else array)


def run(
    build_dir, module, entry, inputs, n_outputs, work_dir, timeout=300,
    optimize=True, options=(),
):  # fmt: skip
    """Calls function `entry` of the file `module` and returns its results.

    inputs: arrays in the order of the arguments; n_outputs: the number of
    results. A bf16 result is returned as uint16, codes and scales as uint8.
    options: further arguments of fp4q-run.
    Files live in a directory below `work_dir` for the time of the call, so
    that several threads can call at once. Without `optimize` a module is
    compiled as it is written.
    """
    with tempfile.TemporaryDirectory(dir=work_dir) as directory:
        files = pathlib.Path(directory)
        command = [f"{build_dir}/bin/fp4q-run", str(module), f"--entry={entry}"]
        command += options
        for index, array in enumerate(inputs):
            save(files / f"in-{index}.npy", array)
            command.append(f"--input={files}/in-{index}.npy")
        outputs = [files / f"out-{index}.npy" for index in range(n_outputs)]
        command += [f"--output={path}" for path in outputs]
        if not optimize:
            command.append("--no-optimize")
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise RunError(
                f"exit status {done.returncode} of entry '{entry}' of {module}:"
                f"\n{done.stderr.strip()}"
            )
        return [np.load(path) for path in outputs]
