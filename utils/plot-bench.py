#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws the JSON of fp4q-bench: one picture an operation.

Bars are the medians of warm and cold runs, in GFLOP/s for products and in GB/s
for the rest, where a line marks memcpy measured in the same run. For products
lines mark the peers that bench-peers.py has added.
"""

import argparse
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def load(path):
    """The results of one file; exits with one line if it is something else."""
    try:
        results = json.loads(path.read_text())["results"]
        for result in results:
            result["warm"]["gb_per_s"], result["op"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"plot-bench.py: error: {path} is no output of fp4q-bench: {error}")
    if not results:
        sys.exit(f"plot-bench.py: error: {path} has no results")
    return results


def label(result):
    sizes = [result["m"], result["k"]] + ([result["n"]] if "n" in result else [])
    shape = "x".join(map(str, sizes))
    threads = result["threads"]
    return (
        f"{result['format']} {result['dtype']}\n{shape}\n"
        f"{threads} thread{'s' if threads > 1 else ''}"
    )


def draw_peers(axes, results, offset, state):
    """Lines for other libraries; they are in the legend once."""
    seen = set()
    for position, result in enumerate(results):
        for number, (name, timings) in enumerate(result.get("peers", {}).items()):
            axes.hlines(
                timings[state]["gflop_per_s"],
                position + offset - 0.19,
                position + offset + 0.19,
                color=f"C{number + 2}",
                linestyle="-" if state == "warm" else ":",
                label=None if name in seen else f"{name}, {state}",
            )
            seen.add(name)


def draw(operation, results, path):
    """Writes the picture of one operation."""
    is_product = operation == "matmul"
    key = "gflop_per_s" if is_product else "gb_per_s"
    figure, axes = plt.subplots(figsize=(2 + 1.2 * len(results), 4.5))
    positions = range(len(results))
    for offset, state, color in ((-0.2, "warm", "C0"), (0.2, "cold", "C1")):
        bars = axes.bar(
            [position + offset for position in positions],
            [result[state][key] for result in results],
            width=0.38,
            color=color,
            label=state,
        )
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
        if is_product:
            draw_peers(axes, results, offset, state)
            continue
        for position, result in zip(positions, results):
            axes.hlines(
                result[f"memcpy_{state}"][key],
                position + offset - 0.19,
                position + offset + 0.19,
                color="black",
                linewidth=1.5,
                label=None if position else f"memcpy, {state}",
                linestyle="-" if state == "warm" else ":",
            )
    axes.set_xticks(list(positions), [label(r) for r in results], fontsize=7)
    axes.set_ylabel("GFLOP/s" if is_product else "GB/s, in and out")
    axes.set_title(f"{operation}, median")
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("json", type=pathlib.Path, help="from fp4q-bench -o")
    parser.add_argument(
        "--output-dir",
        type=pathlib.Path,
        default=pathlib.Path("."),
        help="where <json>-<operation>.png go (default: here)",
    )
    options = parser.parse_args()
    results = load(options.json)
    if not options.output_dir.is_dir():
        parser.error(f"--output-dir {options.output_dir} is no directory")
    for operation in dict.fromkeys(result["op"] for result in results):
        path = options.output_dir / f"{options.json.stem}-{operation}.png"
        draw(operation, [r for r in results if r["op"] == operation], path)
        print(path)


if __name__ == "__main__":
    main()
