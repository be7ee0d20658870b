# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""utils/bit-exactness.py: the committed table is whole, and the comparison can
tell a wrong bit."""

import importlib.util

import fp4q_run
import numpy as np
import pytest
from conftest import REPOSITORY


@pytest.fixture(scope="module")
def tool():
    path = REPOSITORY / "utils" / "bit-exactness.py"
    spec = importlib.util.spec_from_file_location("bit_exactness", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committed_table_is_whole(tool):
    assert tool.check_page() == []


def test_missing_and_bad_rows_are_found(tool, tmp_path, monkeypatch):
    lines = tool.PAGE.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if "| dequant |" in line)
    lines[first] = lines[first].replace("| 0 |", "| 7 |")
    lines[first + 1] = lines[first + 1].replace("| dequant |", "| other |")
    page = tmp_path / "numerics.md"
    page.write_text("\n".join(lines))
    monkeypatch.setattr(tool, "PAGE", page)
    complaints = tool.check_page()
    assert len(complaints) == 3
    for start, text in zip(
        ("no row", "row", "unknown row"), complaints, strict=True
    ):
        assert text.startswith(start)


def test_a_wrong_bit_is_one_mismatch(tool, build_dir, tmp_path):
    """The same row twice: as compiled, and with one code changed."""

    def mismatches(corrupt):
        def execute(module):
            path = tmp_path / "module.mlir"
            path.write_text(module.text())
            results = fp4q_run.run(
                build_dir, path, module.entry, module.inputs,
                module.n_results, tmp_path,
            )  # fmt: skip
            results[0][3, 5] ^= np.uint8(corrupt)
            return results

        return tool.quantize(tool.Job(tool.FORMATS[0], "bf16", 60, execute))

    assert mismatches(0) == 0
    assert mismatches(1) == 1
