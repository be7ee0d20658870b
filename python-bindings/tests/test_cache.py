# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The cache on disk."""

import concurrent.futures
import os
import pathlib

import fp4q
import numpy as np
import pytest
from fp4q import _cache

MODULE = """
func.func @same(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c = arith.constant NUMBER : f32
  return %x : tensor<?xf32>
}
"""


def module(number):
    return MODULE.replace("NUMBER", f"{number}.0")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FP4Q_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def files(cache):
    return sorted(path for _, _, path in _cache.entries())


def works(artifact):
    x = np.arange(3, dtype=np.float32)
    return np.array_equal(artifact(x), x)


def test_key(cache):
    assert works(fp4q.compile(module(1)))
    (first,) = files(cache)
    time = first.stat().st_mtime_ns
    os.utime(first, (1, 1))
    assert works(fp4q.compile(module(1)))
    assert files(cache) == [first]
    assert first.stat().st_mtime_ns >= time  # it counts as used
    assert works(fp4q.compile(module(2)))
    assert works(fp4q.compile(module(1), target="cpu:x86-64"))
    assert len(files(cache)) == 3
    keys = {
        _cache.key(source, target, pipeline)
        for source in (b"a", b"b")
        for target in ("cpu:x86-64", "cpu:x86-64-v2")
        for pipeline in ("", "parallel=false")
    }
    assert len(keys) == 8


def test_only_the_cache_is_needed(run_python, cache):
    """Code from the cache runs where there is no compiler."""
    code = f"""
import sys
sys.modules["fp4q._compiler"] = None
import fp4q
try:
    fp4q.compile({module(1)!r})
except fp4q.CompileError as error:
    print(error)
else:
    print("compiled")
"""
    done = run_python(code, FP4Q_CACHE_DIR=str(cache))
    assert "this fp4q has no compiler" in done.stdout, done.stderr
    fp4q.compile(module(1))
    done = run_python(code, FP4Q_CACHE_DIR=str(cache))
    assert done.stdout == "compiled\n", done.stderr


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_damaged_entry(cache, damage):
    fp4q.compile(module(3))
    (path,) = files(cache)
    content = bytearray(path.read_bytes())
    content[100] ^= 0x55
    path.write_bytes(
        {"truncate": content[:1000], "flip": content, "empty": b""}[damage]
    )
    with pytest.warns(fp4q.Fp4qWarning, match="compiled again.*damaged"):
        assert works(fp4q.compile(module(3)))
    # It has been replaced.
    assert works(fp4q.compile(module(3)))


def test_failed_compilation_leaves_nothing(cache):
    with pytest.raises(fp4q.CompileError):
        fp4q.compile("func.func @f() { return %x }")
    assert [p.suffix for p in cache.rglob("*.*")] == [".lock"]


def test_size_cap(cache, monkeypatch):
    for number in range(4):
        fp4q.compile(module(number))
        newest = max(files(cache), key=lambda p: p.stat().st_mtime_ns)
        os.utime(newest, (1000 + number, 1000 + number))
    by_age = sorted(files(cache), key=lambda p: p.stat().st_mtime)
    size = by_age[0].stat().st_size
    monkeypatch.setenv("FP4Q_CACHE_SIZE", str(3 * size + size // 2))
    old = fp4q.compile(module(3))
    evicted = fp4q.compile(module(0))  # a hit: nothing is evicted
    assert len(files(cache)) == 4
    new = fp4q.compile(module(9))
    left = files(cache)
    assert len(left) == 3 and by_age[1] not in left and by_age[2] not in left
    assert by_age[0] in left and by_age[3] in left
    # What was loaded works on, and can be saved, after its file has gone.
    for path in left:
        pathlib.Path(path).unlink()
    assert works(old) and works(evicted) and works(new)
    new.save(cache / "new.so")
    assert works(fp4q.load(cache / "new.so"))
    monkeypatch.setenv("FP4Q_CACHE_SIZE", "much")
    with pytest.raises(ValueError, match="FP4Q_CACHE_SIZE must be a number"):
        fp4q.compile(module(10))


def test_several_processes(run_python, cache):
    """Eight processes compile the same modules at once, while the cap makes
    them evict each other's files."""
    code = f"""
import fp4q, numpy, warnings
warnings.simplefilter("error")
for number in range(6):
    f = fp4q.compile({MODULE!r}.replace("NUMBER", f"{{number}}.0"))
    x = numpy.arange(3, dtype=numpy.float32)
    assert (f(x) == x).all()
"""
    settings = {"FP4Q_CACHE_DIR": str(cache), "FP4Q_CACHE_SIZE": "60000"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: run_python(code, **settings), range(8)))
    for done in runs:
        assert done.returncode == 0, done.stderr
    assert not list(cache.rglob("*.tmp"))


def test_unusable_directory(run_python, tmp_path):
    """Without a cache things work, with one warning."""
    (tmp_path / "file").write_text("")
    code = f"""
import fp4q
for number in range(2):
    fp4q.compile({MODULE!r}.replace("NUMBER", f"{{number}}.0"))
print("done")
"""
    done = run_python(code, FP4Q_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert done.stdout == "done\n", done.stderr
    assert done.stderr.count("cannot be used: Not a directory") == 1
