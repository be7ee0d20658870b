# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m fp4q --version, python -m fp4q doctor."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from . import _cache, _runtime


def _version_of(command: list[str], prefix: str) -> str:
    """What a program says of its version after `prefix`."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run: {error}"
    for line in done.stdout.splitlines():
        if prefix in line:
            return line[line.index(prefix) + len(prefix) :].strip()
    return "of an unknown version"


def _compiler() -> str:
    try:
        from . import _compiler
    except ImportError as error:
        return f"none, code comes from the cache only: {error}"
    return _compiler.version


def _linker() -> str:
    # In the order of lib/Compiler/Linker.cpp.
    given = os.environ.get("FP4Q_LINKER")
    for name in [given] if given else ["cc", "clang-22", "clang", "gcc"]:
        path = shutil.which(name)
        if path:
            return path
    return "none: nothing can be compiled; set FP4Q_LINKER to a C compiler"


def _gpus() -> Iterator[tuple[str, str]]:
    try:
        found = _runtime.gpus()
    except RuntimeError as error:
        yield "GPU", f"none: {error}"
        return
    if not found:
        yield "GPU", "none: the driver finds no device"
    for number, (name, major, minor, driver) in enumerate(found):
        yield (
            "GPU",
            f"{name}, compute capability {major}.{minor}, driver for CUDA "
            f"{driver // 1000}.{driver % 1000 // 10}",
        )
        try:
            target = _runtime.gpu_target(number)
        except RuntimeError as error:
            yield "its back ends", f"none: {error}"
            continue
        for role in ("quantize", "matmul"):
            names = _runtime.back_ends(target)[role]
            yield f"its back ends to {role}", f"{', '.join(names)} ({target})"


def _ptxas() -> str:
    roots = [os.environ.get(n) for n in ("CUDA_HOME", "CUDA_ROOT", "CUDA_PATH")]
    paths = [os.path.join(r, "bin", "ptxas") for r in roots if r]
    paths += ["/usr/local/cuda/bin/ptxas", shutil.which("ptxas") or ""]
    for path in paths:
        if path and os.access(path, os.X_OK):
            version = _version_of([path, "--version"], "release ")
            return f"{path}, release {version}"
    return "none"


def _packages() -> Iterator[tuple[str, str]]:
    from importlib import metadata

    for name in ("numpy", "ml_dtypes", "torch"):
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name, "not installed"


def _cache_line() -> str:
    found = _cache.entries()
    size = sum(bytes_ for _, bytes_, _ in found)
    return (
        f"{_cache.directory()}, {len(found)} artifacts, {size / 1e6:.1f} MB of "
        f"at most {_cache.size_limit() / 1e6:.0f} MB"
    )


def doctor() -> Iterator[tuple[str, str]]:
    """What was found, one (what, finding) a line."""
    yield "fp4q", f"{_runtime.version}, build {_runtime.build_id}"
    yield "Python", sys.version.partition(" ")[0]
    yield "CPU", f"{_runtime.host_target()}, {os.cpu_count()} cores"
    yield "threads", str(_runtime.get_num_threads())
    yield "compiler", _compiler()
    yield "linker", _linker()
    for role in ("quantize", "matmul"):
        names = _runtime.back_ends(_runtime.host_target())[role]
        yield f"back ends to {role}", ", ".join(names)
    yield from _gpus()
    yield "ptxas", _ptxas()
    yield "cache", _cache_line()
    yield from _packages()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fp4q")
    parser.add_argument(
        "--version", action="version", version=f"fp4q {_runtime.version}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="say what was found, one line each")
    parser.parse_args()
    for what, finding in doctor():
        print(f"{what:22} {finding}".replace("\n", " "))
    return 0


if __name__ == "__main__":
    sys.exit(main())
