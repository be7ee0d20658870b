# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How fp4q-run must fail."""

import re
import subprocess


def fails(build_dir, tmp_path, module, arguments, message):
    """Runs fp4q-run on the text (or path) `module` and checks how it fails."""
    path = module
    if isinstance(module, str):
        path = tmp_path / "module.mlir"
        path.write_text(module)
    before = {p.name for p in tmp_path.rglob("*")}
    command = [f"{build_dir}/bin/fp4q-run", str(path), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stderr.splitlines()
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert len(lines) == 1, done.stderr
    assert re.fullmatch(f"fp4q-run: error: {message}", lines[0]), lines[0]
    assert {p.name for p in tmp_path.rglob("*")} == before
