# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demo in small."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import BUILD, REPOSITORY

DEMO = REPOSITORY / "utils" / "demo"


def test_sentences_are_distinct():
    sentences = (DEMO / "sentences.txt").read_text().splitlines()
    assert len(sentences) == len(set(sentences)) == 256


def test_demo():
    """On a quarter of the sentences: what it prints, draws and checks."""
    pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    done = subprocess.run(
        [
            sys.executable, DEMO / "minilm.py", f"--build-dir={BUILD}",
            "--sentences=64", "--device=cpu",
        ],
        capture_output=True, text=True, check=False, timeout=500,
        env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("64 sentences, ")
    assert '    report = fp4q.torch.quantize_(model, "mxfp4")' in lines
    assert sum("37 layers, 43.1 MB before" in line for line in lines) == 2
    assert any("fp4q.scaled_matmul" in line for line in lines)
    assert any("linalg.generic" in line for line in lines)
    for fmt, least in (("mxfp4", 0.90), ("nvfp4", 0.94)):
        (cosine,) = re.findall(f"^{fmt} mean cosine (0.[0-9]+)$", done.stdout, re.M)
        assert least <= float(cosine) < 0.9999
        (agreement,) = re.findall(
            f"^{fmt} mean cosine to the reference back end ([0-9.]+)$",
            done.stdout, re.M,
        )  # fmt: skip
        assert float(agreement) >= (0.9999 if fmt == "mxfp4" else 0.99)
        assert f"{fmt}: same nearest sentence as f32" in done.stdout
    picture = pathlib.Path(re.search("^Picture: (.*)$", done.stdout, re.M)[1])
    assert picture.stat().st_size > 10_000


def test_wrong_model_is_found(monkeypatch):
    pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    import minilm

    golden = np.load(DEMO / "golden-embeddings.npy")
    minilm.check_reference(golden)
    with pytest.raises(SystemExit, match="are not this model's: off by 1.0e-01"):
        minilm.check_reference(golden + np.float32(0.1))
