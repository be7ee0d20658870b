# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The back ends, which of them there are, and what to do without one."""

from __future__ import annotations

import functools
import warnings

from . import _runtime
from ._arrays import CPU
from ._errors import Fp4qWarning

NAMES = ("reference", "cpu", "gpu-portable", "gpu-native")
ALIASES = {
    "torch": "reference",
    "triton": "gpu-portable",
    "cuda": "gpu-native",
}


def parse(name: str | None, argument: str) -> str | None:
    """The back end's own name; None stays None, which is the fastest."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise TypeError(
            f"{argument} must be a string or None, but got "
            f"{type(name).__name__}"
        )
    found = ALIASES.get(name, name)
    if found not in NAMES:
        known = ", ".join(f"'{n}'" for n in (*NAMES, *ALIASES))
        raise ValueError(
            f"{argument} must be one of {known} or None, but got '{name}'"
        )
    return found


@functools.cache
def target_of(device: int) -> str:
    """The target of the table for a GPU, or for this CPU. Raises RuntimeError
    if there is no such GPU, or no code for it."""
    if device == CPU:
        return _runtime.host_target()
    return _runtime.gpu_target(device)


@functools.cache
def unavailable(name: str, role: str, device: int = CPU) -> str:
    """Why there is no such back end there; "" if there is. The roles are those
    of the target table, of which "quantize" and "matmul" can be chosen."""
    if device != CPU and name == "reference":
        return ""  # on the host
    target = target_of(device)
    if name in _runtime.back_ends(target)[role]:
        return ""
    if name.startswith("gpu-") != (device != CPU):
        return f"the arrays are on the {'CPU' if device == CPU else 'GPU'}"
    return f"it has no code to {role} on {target}"


@functools.cache
def warn_once(message: str) -> None:
    warnings.warn(message, Fp4qWarning, stacklevel=4)


def choose(
    name: str | None, argument: str, role: str, device: int = CPU
) -> str | None:
    """The back end to ask the compiler for: `name` if there is one, else none
    in particular, after a warning that comes once for each reason."""
    parsed = parse(name, argument)
    if parsed is None:
        return None
    reason = unavailable(parsed, role, device)
    if reason:
        warn_once(
            f"{argument} '{parsed}' is not available: {reason}; the fastest "
            "available one is used"
        )
        return None
    # One that is alone need not be asked for.
    only = _runtime.back_ends(target_of(device))[role] == [parsed]
    return None if only else parsed


def on_host(name: str | None, argument: str, device: int) -> bool:
    """Whether arrays on a GPU are to be computed on by the host, which happens
    on request only."""
    if device == CPU or parse(name, argument) != "reference":
        return False
    warn_once(
        f"{argument} 'reference' computes on the CPU: arrays on the GPU are "
        "copied there and back"
    )
    return True
