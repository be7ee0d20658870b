# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m fp4q."""

import runpy
import sys

import fp4q
import pytest


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["fp4q", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("fp4q", run_name="__main__")
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


def test_version(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "--version")
    assert (code, out) == (0, f"fp4q {fp4q.__version__}\n")


def test_doctor(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("FP4Q_CACHE_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("FP4Q_LINKER", "no-such-linker")
    code, out, _ = run(monkeypatch, capsys, "doctor")
    assert code == 0
    found = {line[:22].strip(): line[23:] for line in out.splitlines()}
    assert found["CPU"].startswith("cpu:")
    assert "LLVM 22" in found["compiler"]
    assert found["linker"].startswith("none: nothing can be compiled")
    assert "reference" in found["back ends to quantize"]
    assert "reference" in found["back ends to matmul"]
    assert "0 artifacts, 0.0 MB of at most" in found["cache"]
    assert found["GPU"] and found["ptxas"]
    assert found["numpy"][0].isdigit()


def test_bad_command(monkeypatch, capsys):
    code, _, err = run(monkeypatch, capsys, "heal")
    assert code == 2 and "invalid choice: 'heal'" in err
