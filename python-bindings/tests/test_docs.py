# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The code of pages in docs, run from top to bottom."""

import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "count"), [("python.md", 5), ("torch-compile.md", 5)]
)
def test_page(page, count, tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch._dynamo.reset()
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) == count
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)  # noqa: S102
        # What the comments say is what is printed.
        printed = capsys.readouterr().out.splitlines()
        for expected in re.findall(r"^ *print.*  # (.*)$", block, re.M):
            assert expected in printed
