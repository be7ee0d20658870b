#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that code blocks of Markdown files are what the named files contain.

A fenced block below a comment <!-- path --> is the file at that path, relative
to the repository, without its leading license comment. --fix writes them.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"^<!-- (?P<path>[\w./-]+) -->\n```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LICENSE_LINE = re.compile(r"\A(//|#) SPDX-License-Identifier.*\n")


def included(path):
    """What a block for the file says."""
    return LICENSE_LINE.sub("", (ROOT / path).read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="rewrite the blocks")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    options = parser.parse_args()

    count = stale = 0
    for page in options.pages:
        text = page.read_text()
        for block in BLOCK.finditer(text):
            count += 1
            if block["body"] != included(block["path"]):
                stale += 1
                line = text.count("\n", 0, block.start()) + 1
                print(f"{page}:{line}: differs from {block['path']}")
        if options.fix:
            page.write_text(
                BLOCK.sub(
                    lambda block: f"<!-- {block['path']} -->\n"
                    f"```{block['language']}\n{included(block['path'])}```",
                    text,
                )
            )
    print(f"{count} blocks, {stale} stale")
    # Finding none would mean that the pages or the pattern have changed.
    return 1 if count == 0 or (stale and not options.fix) else 0


if __name__ == "__main__":
    sys.exit(main())
