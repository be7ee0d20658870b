#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parses each fenced mlir block of Markdown files with fp4q-opt.

A block below a comment <!-- fp4q-opt --some-pass --> must be what fp4q-opt makes
of the block before it with these options, however it is laid out.
"""

import argparse
import pathlib
import re
import subprocess
import sys

# In generated pages a fence may be indented, its block as far as itself.
FENCE = re.compile(
    r"^(?:<!-- fp4q-opt (?P<options>[^\n]*) -->\n)?"
    r"(?P<indent>[ ]*)```mlir[ ]*\n(?P<body>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)


def blocks(text):
    """(line of the first line of the block, the options above it or None, its
    text) of each block."""
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("body")) + 1
        yield line, match["options"], match["body"]


def run(tool, options, text):
    """(output, errors) of fp4q-opt; no output if it failed."""
    done = subprocess.run(
        [tool, *options, "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout if done.returncode == 0 else None), done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fp4q-opt", required=True, help="the fp4q-opt to use")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()

    count = broken = 0
    for path in options.files:
        before = ""
        for line, passes, text in blocks(path.read_text()):
            count += 1
            parsed, errors = run(options.fp4q_opt, [], text)
            if parsed is None:
                broken += 1
                print(f"{path}:{line}: does not parse\n{errors}")
            elif passes is not None:
                output, errors = run(options.fp4q_opt, passes.split(), before)
                if output != parsed:
                    broken += 1
                    print(
                        f"{path}:{line}: fp4q-opt {passes} gives\n"
                        f"{output or errors}"
                    )
            before = text
    print(f"{count} examples, {broken} broken")
    # Finding none would mean that the pages or the pattern have changed.
    return 1 if broken or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
