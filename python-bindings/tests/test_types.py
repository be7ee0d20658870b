# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What type checkers see: the stubs of the extension modules, and names."""

import ast
import subprocess
import sys

import fp4q
import pytest
from conftest import PACKAGE, REPOSITORY

SOURCES = REPOSITORY / "python-bindings" / "fp4q"


@pytest.mark.parametrize("module", ["_runtime", "_compiler"])
def test_stub_is_current(module, tmp_path):
    """The stub is what nanobind makes of the extension module."""
    written = tmp_path / f"{module}.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "--exclude-values"]
    command += ["-i", PACKAGE, "-m", f"fp4q.{module}", "-o", written]
    subprocess.run(command, check=True, cwd=tmp_path)
    stub = SOURCES / f"{module}.pyi"
    assert stub.read_text() == written.read_text(), (
        f"write it anew: python -m nanobind.stubgen --exclude-values -i build/python "
        f"-m fp4q.{module} -o {stub.relative_to(REPOSITORY)}"
    )


def test_names_for_type_checkers():
    """What __init__ imports for type checkers is what it loads later."""
    tree = ast.parse((SOURCES / "__init__.py").read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    seen = {
        alias.asname or alias.name: statement.module
        for statement in block.body
        for alias in statement.names
    }
    assert seen == fp4q._HOMES
    assert set(seen) < set(fp4q.__all__)
    assert (SOURCES / "py.typed").exists()
