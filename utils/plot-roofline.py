#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws the JSON of compare-ggml.py as a roofline: achieved operations a second
by the number of rows n, below the measured peak of fp4q.group_dot.

    utils/plot-roofline.py compare.json -o roofline.png
"""

import argparse
import json
import pathlib
import sys

import fp4q_plots


def load(path):
    """The document; exits with one line if it is something else."""
    try:
        document = json.loads(path.read_text())
        document["peak_ops_per_s"] + 0
        for row in document["results"]:
            row["n"] * row["N"] * row["K"] / row["fp4q_ms"], row["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(
            f"plot-roofline.py: error: {path} is no output of compare-ggml.py: "
            f"{error}"
        )
    return document


def draw(document, output):
    """One line a weight, format and library."""
    series = {}
    for row in document["results"]:
        work = 2 * row["n"] * row["N"] * row["K"] * 1e-6  # GOP, for ms.
        for library in ("fp4q", "ggml"):
            if f"{library}_ms" in row:
                name = f"{library} {row['format']} {row['N']}x{row['K']}"
                style = "-" if library == "fp4q" else "--"
                series.setdefault(name, (style, []))[1].append(
                    (row["n"], work / row[f"{library}_ms"])
                )
    figure, axes = fp4q_plots.panels(1)
    fp4q_plots.lines(
        axes[0], series, "rows n", "GOP/s", f"{document['threads']} threads"
    )
    peak = document["peak_ops_per_s"] * 1e-9
    axes[0].axhline(peak, color="black", label="peak")
    fp4q_plots.save(figure, axes, output)


def main():
    """Reads, draws."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("json", type=pathlib.Path)
    parser.add_argument("-o", dest="output", default="roofline.png")
    arguments = parser.parse_args()
    draw(load(arguments.json), arguments.output)


if __name__ == "__main__":
    main()
