# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `pip install` puts in place, far from the build tree.

A wheel without the compiler is built as users do it. For the one with the
compiler the modules of the build tree are taken, since building them again
would take minutes; docs/python.md has the command.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import BUILD, REPOSITORY

SOURCES = REPOSITORY / "python-bindings" / "fp4q"
PAGE = REPOSITORY / "docs" / "python.md"


def run(*command, **environment):
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True, text=True, timeout=500, check=False, cwd="/",
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def quick_start(tmp_path):
    """The first example of the page as a script, and what it prints."""
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S)[1]
    path = tmp_path / "quick_start.py"
    path.write_text(block)
    return path, re.findall(r"^print.*  # (.*)$", block, re.M)


def cmake():
    text = (BUILD / "CMakeCache.txt").read_text()
    return re.search(r"^CMAKE_COMMAND:\w+=(.*)$", text, re.M)[1]


def test_with_compiler(tmp_path):
    """The component that the wheel takes needs nothing of the build tree, and
    finds LLVM where it was."""
    prefix = tmp_path / "site"
    run(cmake(), "--install", BUILD, "--component", "python", "--prefix", prefix)
    shutil.copytree(SOURCES, prefix / "fp4q", dirs_exist_ok=True)
    for module in (prefix / "fp4q").glob("*.so"):
        # In asserts there are names of sources, but nothing is looked up there.
        assert f"{BUILD}/lib:".encode() not in module.read_bytes(), module
    script, printed = quick_start(tmp_path)
    settings = {
        "PYTHONPATH": str(prefix),
        "FP4Q_CACHE_DIR": str(tmp_path / "cache"),
    }
    assert run(sys.executable, script, **settings).splitlines() == printed
    found = run(sys.executable, "-m", "fp4q", "doctor", **settings)
    assert re.search(r"^compiler +fp4q .*LLVM 22", found, re.M)
    assert re.search(r"^linker +/", found, re.M)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the runtime, built by any C++ compiler."""
    pytest.importorskip("scikit_build_core", reason="it builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "wheel", REPOSITORY, "--no-deps",
        "--no-index", "--no-build-isolation", f"--wheel-dir={folder}",
        "-Ccmake.define.FP4Q_BUILD_COMPILER=OFF",
        # Twice as fast to build.
        "-Ccmake.define.CMAKE_CXX_FLAGS_RELEASE=-O0",
        f"-Ccmake.args=-DCMAKE_MAKE_PROGRAM={shutil.which('ninja')}",
    )  # fmt: skip
    (path,) = folder.glob("fp4q-*.whl")
    return path


def test_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if n.startswith("fp4q/")}
        (metadata,) = [
            archive.read(n).decode()
            for n in archive.namelist()
            if n.endswith("METADATA")
        ]
    sources = {
        f"fp4q/{path.relative_to(SOURCES)}"
        for path in SOURCES.rglob("*")
        if path.suffix in (".py", ".pyi", ".typed")
    }
    assert sources < names
    libraries = {re.sub(r"\.cpython-[\w-]+", "", n) for n in names - sources}
    assert libraries == {
        "fp4q/_runtime.so",
        "fp4q/libfp4q_runtime.so",
        "fp4q/libtbb.so.12",
    }
    for extra in ("torch", "examples", "dev"):
        assert f"Provides-Extra: {extra}" in metadata
    assert "License-Expression: Apache-2.0 WITH LLVM-exception" in metadata


def test_without_compiler(wheel, tmp_path):
    """A clean environment runs what the cache has, and says what it lacks."""
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    run(
        sys.executable, "-m", "pip", f"--python={python}", "install",
        "--no-deps", "--no-index", wheel,
    )  # fmt: skip
    site = pathlib.Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        .strip()
    )  # fmt: skip
    # What the wheel depends on; nothing is downloaded here.
    import numpy

    (site / "others.pth").write_text(f"{pathlib.Path(numpy.__file__).parents[1]}\n")
    script, printed = quick_start(tmp_path)
    cache = {"FP4Q_CACHE_DIR": str(tmp_path / "cache")}
    filled = {"PYTHONPATH": str(BUILD / "python"), **cache}
    assert run(sys.executable, script, **filled).splitlines() == printed
    without = {"PYTHONPATH": "", **cache}
    assert run(python, script, **without).splitlines() == printed
    used = run(python, "-c", "import fp4q; print(fp4q.__file__)", **without)
    assert used.startswith(str(environment))
    doctor = run(python, "-m", "fp4q", "doctor", **without)
    assert "none, code comes from the cache only" in doctor
    (script.parent / "other.py").write_text(
        "import fp4q\n"
        "try:\n"
        "    fp4q.compile('func.func @f() { return }')\n"
        "except fp4q.CompileError as error:\n"
        "    print(error)\n"
    )
    said = run(python, script.parent / "other.py", **without)
    assert said.startswith(
        "error: this fp4q has no compiler, and the cache has no such code"
    )
