# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A project outside of fp4q uses it through find_package: test/Consumer, which
is also the code of docs/embedding.md, against the build and an install tree."""

import re
import shutil
import subprocess

import pytest
from conftest import REPOSITORY

CONSUMER = REPOSITORY / "test" / "Consumer"


def run(*command, cwd=None):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def read_cache(build_dir):
    text = (build_dir / "CMakeCache.txt").read_text()
    return dict(re.findall(r"^(\w+):\w+=(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("tree", ["build", "install"])
def test_find_package(tree, build_dir, tmp_path):
    cache = read_cache(build_dir)
    if cache.get("FP4Q_SANITIZE"):
        pytest.skip("an uninstrumented program cannot link sanitized libraries")
    if not (build_dir / "lib" / "libfp4q-c.so").exists():
        pytest.skip("libfp4q-c.so is not built")
    cmake = cache["CMAKE_COMMAND"]
    prefix = build_dir
    if tree == "install":
        prefix = tmp_path / "prefix"
        run(cmake, "--install", build_dir, "--prefix", prefix)
        # Nothing may lead back to the build tree.
        for path in (prefix / "lib" / "cmake").rglob("*.cmake"):
            assert str(build_dir) not in path.read_text(), path
    project = tmp_path / "project"
    shutil.copytree(CONSUMER, project)
    binary = tmp_path / "binary"
    run(
        cmake,
        "-GNinja",
        f"-S{project}",
        f"-B{binary}",
        f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_C_COMPILER={cache['CMAKE_C_COMPILER']}",
        f"-DCMAKE_CXX_COMPILER={cache['CMAKE_CXX_COMPILER']}",
        "-DCMAKE_C_FLAGS=-std=c11 -Wall -Wextra -pedantic -Werror",
    )
    found = read_cache(binary)["FP4Q_DIR"]
    assert found == str(prefix / "lib" / "cmake" / "fp4q")
    run(cmake, "--build", binary, "-j2")

    lines = "scale 2^-1 codes 40 76 ...\nscale 2^3 codes 40 76 ...\n"
    assert run(binary / "embed-c") == lines
    artifact = tmp_path / "quantize.so"
    assert run(binary / "embed-artifact", cwd=tmp_path) == lines
    assert run(binary / "embed-artifact", artifact) == lines
    module = project / "dequantize.mlir"
    assert run(binary / "embed-cpp", module).split() == [
        "0.000000e+00",
        "1.000000e+00",
        "2.000000e+00",
        "3.000000e+00",
        "4.000000e+00",
        "6.000000e+00",
        "8.000000e+00",
        "1.200000e+01",
    ]
    lowered = run(binary / "my-opt", "--convert-fp4q-to-linalg", module)
    assert "linalg.generic" in lowered
    assert "fp4q." not in lowered
    # One MLIR in the process.
    libraries = run("readelf", "-d", binary / "my-opt")
    assert "libMLIR.so" in libraries
    assert (binary / "my-opt").stat().st_size < 16 << 20


def test_version_is_checked(build_dir, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\n"
        "project(future LANGUAGES CXX)\n"
        "find_package(FP4Q 99.0 REQUIRED)\n"
    )
    cache = read_cache(build_dir)
    done = subprocess.run(
        [
            cache["CMAKE_COMMAND"],
            "-GNinja",
            f"-S{tmp_path}",
            f"-B{tmp_path / 'binary'}",
            f"-DCMAKE_PREFIX_PATH={build_dir}",
            f"-DCMAKE_CXX_COMPILER={cache['CMAKE_CXX_COMPILER']}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "not compatible with the version requested" in done.stderr
