# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The cache of compiled artifacts on disk, shared by all processes of a user.

A file is named by the hash of all that decides its content, is written beside
its place and renamed, and is checked when it is loaded. So readers take no
lock; a lock for each file keeps two processes from compiling the same thing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator

from . import _runtime
from ._errors import Fp4qWarning

DEFAULT_SIZE = 1 << 30


def directory() -> pathlib.Path:
    """FP4Q_CACHE_DIR, else fp4q below the user's cache directory."""
    given = os.environ.get("FP4Q_CACHE_DIR")
    if given:
        return pathlib.Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "fp4q"


def size_limit() -> int:
    """FP4Q_CACHE_SIZE in bytes, else 1 GiB."""
    text = os.environ.get("FP4Q_CACHE_SIZE", "")
    if text and not text.isdecimal():
        raise ValueError(
            f"FP4Q_CACHE_SIZE must be a number of bytes, but is '{text}'"
        )
    return int(text) if text else DEFAULT_SIZE


def key(source: bytes, target: str, pipeline: str) -> str:
    """Names what the compiler makes of `source`."""
    header = "\0".join(
        (
            _runtime.version,
            _runtime.build_id,
            str(_runtime.artifact_format_version),
            target,
            pipeline,
        )
    )
    return hashlib.sha256(header.encode() + b"\0" + source).hexdigest()


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    with open(path, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


_fallback_lock = threading.Lock()
_fallback: tempfile.TemporaryDirectory | None = None


def _usable_directory() -> pathlib.Path:
    """The cache's directory; where it cannot be written, one that lives as
    long as the process."""
    global _fallback
    path = directory()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if os.access(path, os.W_OK | os.X_OK):
            return path
        reason = "it is not writable"
    except OSError as error:
        reason = error.strerror
    with _fallback_lock:
        if _fallback is None:
            warnings.warn(
                f"the cache {path} cannot be used: {reason}; compiled code is "
                "kept for this process only (FP4Q_CACHE_DIR names another one)",
                Fp4qWarning,
                stacklevel=2,
            )
            _fallback = tempfile.TemporaryDirectory(prefix="fp4q-")
        return pathlib.Path(_fallback.name)


def _load(
    path: pathlib.Path, target: str
) -> _runtime.LoadedArtifact | None:
    """The artifact, or None if there is none or a damaged one, after a
    warning."""
    if not path.exists():
        return None
    try:
        loaded = _runtime.load(str(path), target)
    except ValueError as error:
        if path.exists():  # else another process has evicted it
            warnings.warn(
                f"compiled again, since the cache is damaged: {error}",
                Fp4qWarning,
                stacklevel=2,
            )
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the oldest are evicted first
    return loaded


def get(
    name: str, compile_to: Callable[[str], None], target: str = ""
) -> tuple[_runtime.LoadedArtifact, pathlib.Path]:
    """The artifact called `name` and its file, loaded for the target, by default
    the best of this CPU; if there is none, compile_to(path) makes it."""
    base = _usable_directory()
    path = base / name[:2] / f"{name}.so"
    loaded = _load(path, target)
    if loaded:
        return loaded, path
    path.parent.mkdir(exist_ok=True)
    with _locked(path.with_suffix(".lock")):
        # Another process may have been faster; a damaged file is replaced.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Fp4qWarning)
            loaded = _load(path, target)
        if loaded:
            return loaded, path
        new = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            compile_to(str(new))
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
        loaded = _runtime.load(str(path), target)
    _evict(base, keep=path)
    return loaded, path


def entries() -> list[tuple[float, int, pathlib.Path]]:
    """(time of last use, bytes, file) of every artifact in the cache."""
    found = []
    for path in directory().glob("??/*.so"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size, path))
    return found


def _evict(base: pathlib.Path, keep: pathlib.Path) -> None:
    """Deletes what was unused for longest until the limit is met. A file that
    is loaded stays loaded."""
    if base != directory():
        return
    limit, found = size_limit(), sorted(entries())
    total = sum(size for _, size, _ in found)
    for _, size, path in found:
        if total <= limit:
            break
        if path != keep:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
            total -= size
