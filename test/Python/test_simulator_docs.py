# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What docs/simulator.md shows is what the tools do."""

import re
import shlex
import subprocess

import mutations
import simulator_fixtures

PAGE = simulator_fixtures.FOLDER.parents[1] / "docs" / "simulator.md"


def test_example(build_dir, tmp_path):
    text = PAGE.read_text()
    ptx = re.search(r"```ptx\n(.*?)```", text, re.S)[1]
    (tmp_path / "race.ptx").write_text(ptx)
    command, shown = re.search(r"```text\n\$ (.*?)\n(.*?)```", text, re.S).groups()
    words = shlex.split(command)
    words[0] = build_dir / "bin" / words[0]

    def run():
        return subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True
        )

    result = run()
    assert (result.returncode, result.stderr) == (1, shown)
    repaired = ptx.replace("ld.shared.u32", "bar.sync 0; ld.shared.u32")
    (tmp_path / "race.ptx").write_text(repaired)
    assert run().returncode == 0


def test_table_of_mutations():
    text = PAGE.read_text()
    for m in mutations.MUTATIONS:
        assert f"| {m.kind} | `{m.kernel}` | {m.caught} |" in text
