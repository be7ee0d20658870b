#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws the JSON of compare-ggml.py as a roofline: achieved operations a second
by the number of rows n, below the measured peak of fp4q.group_dot and what the
measured rate of reading allows.

    utils/plot-roofline.py compare.json -o roofline.png
"""

import argparse
import json
import pathlib
import sys

import fp4q_plots
from fp4q_plots import check_number


def load(path):
    """The document; exits with one line if it is something else."""
    try:
        document = json.loads(path.read_text())
        if not document["results"]:
            raise ValueError("it has no results")
        for row in document["results"]:
            if row["format"] not in ("mxfp4", "nvfp4"):
                raise ValueError(f"unknown format '{row['format']}'")
            for key in ("n", "N", "K", "fp4q_ms"):
                check_number(row[key], f"'{key}' of a result")
            if "ggml_ms" in row:
                check_number(row["ggml_ms"], "'ggml_ms' of a result")
        for key in ("threads", "peak_ops_per_s"):
            check_number(document[key], f"'{key}'")
        if "read_bytes_per_s" in document:
            check_number(document["read_bytes_per_s"], "'read_bytes_per_s'")
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(
            f"plot-roofline.py: error: {path} is no output of compare-ggml.py: "
            f"{error}"
        )
    return document


def roof(document, row, rows):
    """(n, GOP/s) that memory and the peak allow for a weight like that of `row`;
    only the peak where the rate of memory was not measured."""
    weight = row["N"] * row["K"]
    scales = weight / {"mxfp4": 32, "nvfp4": 16}[row["format"]]
    points = []
    for n in rows:
        moved = weight / 2 + scales + 2 * n * (row["N"] + row["K"])
        speed = document["peak_ops_per_s"]
        if "read_bytes_per_s" in document:
            seconds = moved / document["read_bytes_per_s"]
            speed = min(speed, 2 * n * weight / seconds)
        points.append((n, speed * 1e-9))
    return points


def draw(document, output):
    """One panel a format; in it one line a weight and library."""
    results = document["results"]
    formats = sorted({row["format"] for row in results})
    most = max(row["n"] for row in results)
    steps = [most ** (i / 100) for i in range(101)]
    figure, axes = fp4q_plots.panels(len(formats))
    for part, name in zip(axes, formats):
        series = {}
        for row in results:
            if row["format"] != name:
                continue
            work = 2 * row["n"] * row["N"] * row["K"] * 1e-6  # GOP, for ms.
            for library, style in (("fp4q", "-"), ("ggml", "--")):
                if f"{library}_ms" in row:
                    label = f"{library} {row['N']}x{row['K']}"
                    series.setdefault(label, (style, []))[1].append(
                        (row["n"], work / row[f"{library}_ms"])
                    )
            series["roof"] = ("k-", roof(document, row, steps))
        title = f"{name}, {document['threads']} threads"
        fp4q_plots.lines(part, series, "rows n", "GOP/s", title)
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
