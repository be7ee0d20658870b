# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The back ends, which of them there are, and what to do without one."""

from __future__ import annotations

import functools
import warnings

from . import _runtime
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
def unavailable(name: str, role: str) -> str:
    """Why there is no such back end here; "" if there is. The roles are those
    of the target table, of which "quantize" and "matmul" can be chosen."""
    if name in _runtime.back_ends(_runtime.host_target())[role]:
        return ""
    if name.startswith("gpu-"):
        if not any(
            name in _runtime.back_ends(chip)[role]
            for chip in _runtime.chips()
        ):
            return "this version of fp4q has no code for GPUs"
        return "no GPU is in use"
    return f"it has no code to {role} on {_runtime.host_target()}"


@functools.cache
def warn_once(message: str) -> None:
    warnings.warn(message, Fp4qWarning, stacklevel=4)


def choose(name: str | None, argument: str, role: str) -> str | None:
    """The back end to ask the compiler for: `name` if there is one, else none
    in particular, after a warning that comes once for each reason."""
    parsed = parse(name, argument)
    if parsed is None:
        return None
    reason = unavailable(parsed, role)
    if reason:
        warn_once(
            f"{argument} '{parsed}' is not available: {reason}; the fastest "
            "available one is used"
        )
        return None
    # One that is alone need not be asked for.
    only = _runtime.back_ends(_runtime.host_target())[role] == [parsed]
    return None if only else parsed
