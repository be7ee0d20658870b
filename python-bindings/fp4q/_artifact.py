# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled modules: compile() makes them and load() reads them from a file."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

from . import _arrays, _cache, _runtime
from ._errors import CompileError, Diagnostic

# PTX is in artifacts as it is, and ends in a zero byte.
_PRINTABLE = b"\t\n\r" + bytes(range(0x20, 0x7F))
_PTX_HEADER = re.compile(rb"\.version [0-9.]+\s+\.target ")

_runtime.set_allocator(_arrays.empty, _arrays.finish)


class Artifact:
    """Compiled functions. Call the artifact itself if it has one function, or
    `artifact["name"](...)`.

    A function takes arrays of any framework with DLPack, and numbers for
    scalars, and returns new arrays of the framework of its first array;
    `f(x, out=y)` writes to arrays of the caller instead. It may run on several
    threads at once, and the GIL is released while it does. Arrays that it
    cannot take are a TypeError (type, device) or ValueError (shape, strides).
    """

    def __init__(
        self,
        loaded: _runtime.LoadedArtifact,
        path: str | os.PathLike,
        source: bytes | None = None,
    ) -> None:
        self._loaded = loaded
        self._source = source
        # Open, since the cache may evict the file.
        self._file = open(path, "rb")  # noqa: SIM115
        functions = _runtime.LoadedArtifact.functions(loaded)
        self.functions = {f.name: f for f in functions}
        self._only = functions[0] if len(functions) == 1 else None

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def __call__(self, *args: Any, out: Any = None) -> Any:
        if self._only is None:
            raise TypeError(
                f"the artifact has the functions {', '.join(self.functions)}: "
                'call one by artifact["name"](...)'
            )
        return self._only(*args, out=out)

    def __getitem__(self, name: str) -> _runtime.Function:
        try:
            return self.functions[name]
        except KeyError:
            raise KeyError(
                f"no function '{name}', there are {', '.join(self.functions)}"
            ) from None

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file that load(), fp4q-run and the C interface read."""
        path = pathlib.Path(path)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as new:
            self._file.seek(0)
            shutil.copyfileobj(self._file, new)
        os.chmod(new.name, 0o755)
        os.replace(new.name, path)

    @property
    def target(self) -> str:
        """The target whose code is used, the best for this CPU."""
        return self._loaded.target

    @property
    def manifest(self) -> dict[str, Any]:
        """Versions, targets, and the arguments and results of each function;
        docs/artifact.md has the keys."""
        return json.loads(self._loaded.manifest)

    @property
    def mlir(self) -> str | None:
        """The module that was compiled; None for bytecode and for an artifact
        that was loaded from a file."""
        if self._source is None or self._source[:4] == b"ML\xefR":
            return None
        return self._source.decode()

    @property
    def ptx(self) -> str | None:
        """The PTX of the target that is used; if that is no chip, of the first
        one that there is code for. None if there is none."""
        self._file.seek(0)
        found = list(_find_ptx(self._file.read()))
        chip = re.compile(rf"\.target {re.escape(self.target)}\b")
        used = [text for text in found if chip.search(text)]
        return next(iter(used or found), None)

    def __repr__(self) -> str:
        names = ", ".join(self.functions)
        return f"<fp4q artifact for {self.target}: {names}>"


def _find_ptx(data: bytes) -> Iterator[str]:
    """The texts of PTX in a file, each of which ends with a zero byte."""
    at = 0
    while match := _PTX_HEADER.search(data, at):
        begin, at = match.start(), data.find(b"\0", match.end())
        # The comment in front of it; what is printable before may be constants.
        before = data[max(begin - 256, data.rfind(b"\0", 0, begin) + 1) : begin]
        comment = before[len(before.rstrip(_PRINTABLE)) :]
        if (start := comment.find(b"//")) >= 0:
            begin -= len(comment) - start
        at = len(data) if at < 0 else at
        yield data[begin:at].decode(errors="replace")


def default_target() -> str:
    """The best target of the target table for this CPU."""
    return _runtime.host_target()


def _read_source(source: Any) -> tuple[bytes, str]:
    """(content, name for diagnostics)"""
    if isinstance(source, bytes):
        return source, "<bytes>"
    if isinstance(source, str) and ("\n" in source or "{" in source):
        return source.encode(), "<string>"
    if isinstance(source, (str, os.PathLike)):
        return pathlib.Path(source).read_bytes(), os.fspath(source)
    raise TypeError(
        "source must be the text of a module, its bytecode or the path of a "
        f"file, but got {type(source).__name__}"
    )


def compiler() -> Any:
    """The part of the package that needs LLVM."""
    try:
        from . import _compiler
    except ImportError as error:
        raise CompileError(
            [
                Diagnostic(
                    "error", "", 0, 0,
                    "this fp4q has no compiler, and the cache has no such "
                    f"code: {error}",
                )
            ]
        ) from error  # fmt: skip
    return _compiler


def compile_bytes(
    source: bytes, name: str, target: str, pipeline: str = ""
) -> Artifact:
    """The artifact of a module, from the cache if it is there."""

    def compile_to(path: str) -> None:
        done, messages = compiler().compile(
            source, name, target, pipeline, "so", path
        )
        if not done:
            raise CompileError([Diagnostic(*message) for message in messages])

    key = _cache.key(source, target, pipeline)
    # One target is loaded even where it cannot run: calls say what is missing.
    named = target if "," not in target and ":" not in target else ""
    loaded, path = _cache.get(key, compile_to, named)
    return Artifact(loaded, path, source)


def compile(  # noqa: A001  (fp4q.compile is what users look for)
    source: str | bytes | os.PathLike, target: str | None = None
) -> Artifact:
    """Compiles all public functions of an MLIR module.

    source: the text of a module, its bytecode, or the path of a file with
    either. target: as fp4q-compile's --target, such as "cpu:x86-64-v3", or
    several separated by commas; None stands for the best one of this machine.

    Raises CompileError, with location and text, if the module is wrong, and
    ValueError if there is no such target. The result is kept in the cache.
    """
    content, name = _read_source(source)
    return compile_bytes(content, name, target or default_target())


def load(path: str | os.PathLike, target: str | None = None) -> Artifact:
    """Loads an artifact that Artifact.save or fp4q-compile wrote, with its best
    code for this CPU, or that for `target`: "sm_90a", or "gpu:N". Raises
    ValueError if the file is damaged or made for another machine, OSError if
    there is none. Code of the file will run: load only what you trust."""
    os.stat(path)
    return Artifact(_runtime.load(os.fspath(path), target or ""), path)
