#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parses each fenced mlir block of Markdown files with fp4q-opt."""

import argparse
import pathlib
import re
import subprocess
import sys

# In generated pages a fence may be indented, its block as far as itself.
FENCE = re.compile(
    r"^(?P<indent>[ ]*)```mlir[ ]*\n(?P<body>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)


def blocks(text):
    """(line of the first line of the block, its text) of each block."""
    for match in FENCE.finditer(text):
        yield text.count("\n", 0, match.start("body")) + 1, match["body"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fp4q-opt", required=True, help="the fp4q-opt to use")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()

    count = broken = 0
    for path in options.files:
        for line, text in blocks(path.read_text()):
            count += 1
            done = subprocess.run(
                [options.fp4q_opt, "-o", "/dev/null", "-"],
                input=text,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                broken += 1
                print(f"{path}:{line}: does not parse\n{done.stderr}")
    print(f"{count} examples, {broken} broken")
    # Finding none would mean that the pages or the pattern have changed.
    return 1 if broken or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
