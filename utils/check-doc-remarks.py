#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the table of remarks in docs/remarks.md with those that the sources
report, and with those that test/Tools/remark-counts.mlir counts."""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = {
    "Made": "Passed",
    "Declined": "Missed",
    "Fallback": "Failure",
    "Fact": "Analysis",
}
REPORT = re.compile(
    r"report(Made|Declined|Fallback|Fact)\([^;]*?DEBUG_TYPE,\s*\"([^\"]*)\""
)
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (\w+) \|", re.MULTILINE)
COUNT = re.compile(r"^// +CHECK(?:-NEXT)?: +\d+ (\S+) \[(\w+)\] (.+)$", re.MULTILINE)


def reported(root):
    """(pass, remark, kind) of each report in the sources."""
    for path in sorted((root / "lib").rglob("*.cpp")):
        text = path.read_text()
        flag = re.search(r'#define DEBUG_TYPE "([^"]*)"', text)
        for kind, name in REPORT.findall(text):
            yield flag[1], name, KINDS[kind]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("counts", type=pathlib.Path)
    options = parser.parse_args()
    sources = set(reported(ROOT))
    places = {
        options.page: set(ROW.findall(options.page.read_text())),
        options.counts: {
            (flag, name, kind)
            for flag, kind, name in COUNT.findall(options.counts.read_text())
        },
    }
    differences = 0
    for path, found in places.items():
        for remark in sorted(sources ^ found):
            differences += 1
            what = "lacks" if remark in sources else "has, but no source reports"
            print(f"{path.name} {what}: {', '.join(remark)}")
    print(f"{len(sources)} remarks, {differences} differences")
    return 1 if differences or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
