#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that a page shows the IR that the compiler makes.

A fenced block behind a line `<!-- ir: PASS -->` is part of what fp4q-opt prints
after the pass, and one behind `<!-- ir: input -->` is the input. Its lines are
found there one after the other, directly behind each other unless a line `...`
stands between them; what follows `...` at the end of a line is cut. Names of SSA
values and indentation do not matter."""

import argparse
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^<!-- ir: (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DUMP = re.compile(r"^// -----// IR Dump After \S+ \(([^)]+)\) //----- //$")


def normalized(line):
    return re.sub(r"%[\w$.-]+", "%", line).strip()


def dumps(text):
    """The lines that were printed after each pass."""
    found, lines = {}, None
    for line in text.splitlines():
        match = DUMP.match(line)
        if match:
            lines = found.setdefault(match[1], [])
        elif lines is not None and line.strip():
            lines.append(normalized(line))
    return found


def matches(shown, line):
    return line.startswith(shown[:-3].rstrip()) if shown.endswith("...") else line == shown


def runs(block):
    """The shown lines, in runs of adjacent ones."""
    parts = re.split(r"^\s*\.\.\.\s*$", block, flags=re.MULTILINE)
    for part in parts:
        run = [(line, normalized(line)) for line in part.splitlines() if line.strip()]
        if run:
            yield run


def missing(block, lines):
    """The first shown line that the IR lacks; None if there is none."""
    start = 0
    for run in runs(block):
        best = 0
        for place in range(start, len(lines)):
            count = 0
            while (
                count < len(run)
                and place + count < len(lines)
                and matches(run[count][1], lines[place + count])
            ):
                count += 1
            best = max(best, count)
            if count == len(run):
                start = place + count
                break
        else:
            return run[best][0].strip()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("--fp4q-opt", required=True)
    parser.add_argument("--pipeline", required=True)
    options = parser.parse_args()
    printed = subprocess.run(
        [
            options.fp4q_opt, options.input, f"--{options.pipeline}",
            "--mlir-print-ir-after-all", "--mlir-disable-threading", "-o", "-",
        ],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    found = dumps(printed)
    found["input"] = [
        normalized(line)
        for line in options.input.read_text().splitlines()
        if line.strip()
    ]
    blocks = BLOCK.findall(options.page.read_text())
    differences = 0
    for name, block in blocks:
        if name not in found:
            line = "the pass, which does not run"
        else:
            line = missing(block, found[name])
        if line:
            differences += 1
            print(f"{options.page.name}: IR after {name} lacks: {line}")
    print(f"{len(blocks)} blocks, {differences} differences")
    return 1 if differences or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
