#!/usr/bin/env python3
# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws what was measured on a GPU: products by the number of rows M beside
their peers and the roofline, and quantization as a share of a copy's bandwidth.

    utils/plot-gpu.py results.json --output-dir .   # roofline.png, quantize.png

The JSON is the results.json of gpu_bench.py run, or what check-gpu.py run --speed
--json wrote, which knows no bandwidth unless --copy-gb-s gives it. The roof is the
time that the operands and the result take at the bandwidth of a copy, and not
less than the operations take at the rate of the fastest peer in the file.
"""

import argparse
import json
import pathlib
import re
import sys

import fp4q_plots
from fp4q_plots import check_number

GROUPS = {"mx": 32, "nv": 16}
FORMATS = {"mx": "mxfp4", "nv": "nvfp4"}
CHECK_SPEED = "speed: name, M, us, peer us, ratio"


def parse(pattern, name):
    """The groups of the pattern."""
    match = re.fullmatch(pattern, name)
    if not match:
        raise ValueError(f"'{name}' is neither a product nor a quantization")
    return match.groups()


def check_row(row):
    kind = "product" if "n" in row else "quantization"
    sizes = [str(row[key]) for key in ("rows", "m", "n", "k") if key in row]
    what = f"{kind} {row['form']} {'x'.join(sizes)}"
    check_number(row["us"], f"the time of {what}")
    for name, us in row.get("peers", {}).items():
        check_number(us, f"the time of {name} for {what}")
    if "percent" in row:
        check_number(row["percent"], f"the share of {what}")


def bench_rows(document):
    """Of gpu_bench.py: a row for each product and quantization with a time."""
    for entry in document["results"]:
        if "us" not in entry:
            continue
        product = re.fullmatch(
            r"speed_(mx|nv)_(\d+)_(\d+)_m(\d+)", entry["name"]
        )
        if product:
            form, n, k, m = product[1], *map(int, product.groups()[1:])
            yield {
                "form": form, "n": n, "k": k, "m": m, "us": entry["us"],
                "peers": {name: entry[key] for name, key in
                          (("cuBLAS bf16", "cublas_us"),
                           ("Triton dot_scaled", "triton_us"))
                          if key in entry},
            }  # fmt: skip
            continue
        form, rows, k = parse(r"qt?_(mx|nv)_(\d+)_(\d+)", entry["name"])
        yield {
            "form": form, "rows": int(rows), "k": int(k), "us": entry["us"],
            "transform": entry["name"].startswith("qt_"),
            "percent": entry["percent_of_copy"],
        }  # fmt: skip


def check_rows(document):
    """The same of check-gpu.py."""
    for name, m, us, peer_us, ratio in document["numbers"][CHECK_SPEED]:
        product = re.fullmatch(r"matmul_(mx|nv)_bf16_(\d+)x(\d+)", name)
        if product:
            yield {
                "form": product[1], "n": int(product[2]), "k": int(product[3]),
                "m": m, "us": us, "peers": {"cuBLAS bf16": peer_us},
            }  # fmt: skip
            continue
        form, k, transform = parse(
            r"quantize_(mx|nv)_bf16_(\d+)(_block_\d+|_shared_\d+)?", name
        )
        yield {
            "form": form, "rows": m, "k": int(k), "us": us,
            "transform": bool(transform), "percent": 100 * ratio,
        }  # fmt: skip


def load(path, bandwidth):
    """Device, bandwidth in GB/s or None, rows of products and quantizations;
    exits with one line if the file is something else."""
    try:
        document = json.loads(path.read_text())
        is_check = "numbers" in document
        rows = list((check_rows if is_check else bench_rows)(document))
        device = "GPU" if is_check else document["device"]
        if bandwidth is None:
            bandwidth = document.get("copy_gb_s")
        if bandwidth is not None:
            check_number(bandwidth, "the bandwidth of a copy")
        for row in rows:
            check_row(row)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(
            f"plot-gpu.py: error: {path} is no output of gpu_bench.py or "
            f"check-gpu.py --speed: {error}"
        )
    if not rows:
        sys.exit(f"plot-gpu.py: error: {path} has no times")
    products = [row for row in rows if "n" in row]
    return device, bandwidth, products, [row for row in rows if "rows" in row]


def tflops(row, us):
    return 2 * row["m"] * row["n"] * row["k"] / us * 1e-6


def product_bytes(row):
    """Codes and scales of both operands, and the result in bf16."""
    elements = (row["m"] + row["n"]) * row["k"]
    return elements * (0.5 + 1 / GROUPS[row["form"]]) + 2 * row["m"] * row["n"]


def roof(row, bandwidth, peak):
    """TFLOP/s."""
    us = product_bytes(row) / bandwidth * 1e-3
    return min(peak, tflops(row, us))


def draw_products(device, bandwidth, rows, path):
    shapes = list(dict.fromkeys((row["n"], row["k"]) for row in rows))
    figure, axes = fp4q_plots.panels(len(shapes))
    peak = max(
        (tflops(row, us) for row in rows for us in row["peers"].values()),
        default=float("inf"),
    )
    for part, (n, k) in zip(axes, shapes):
        series = {}
        for row in rows:
            if (row["n"], row["k"]) != (n, k):
                continue
            point = (row["m"], tflops(row, row["us"]))
            name = f"fp4q {FORMATS[row['form']]}"
            series.setdefault(name, ("-", []))[1].append(point)
            for peer, us in row["peers"].items():
                points = series.setdefault(peer, ("--", []))[1]
                if row["m"] not in dict(points):
                    points.append((row["m"], tflops(row, us)))
            if bandwidth:
                name = f"roof, {FORMATS[row['form']]}"
                style = "k:" if row["form"] == "mx" else "k-."
                series.setdefault(name, (style, []))[1].append(
                    (row["m"], roof(row, bandwidth, peak))
                )
        fp4q_plots.lines(part, series, "rows M", "TFLOP/s", f"N = {n}, K = {k}")
    figure.suptitle(device)
    fp4q_plots.save(figure, axes, path)


def draw_quantizations(device, rows, path):
    figure, axes = fp4q_plots.panels(1)
    shapes = list(dict.fromkeys((row["rows"], row["k"]) for row in rows))
    kinds = list(dict.fromkeys((row["form"], row["transform"]) for row in rows))
    width = 0.8 / len(kinds)
    for number, (form, transform) in enumerate(kinds):
        mine = {
            (row["rows"], row["k"]): row["percent"]
            for row in rows
            if (row["form"], row["transform"]) == (form, transform)
        }
        name = FORMATS[form] + (", after a transform" if transform else "")
        bars = axes[0].bar(
            [shapes.index(shape) + number * width for shape in mine],
            mine.values(), width, label=name,
        )  # fmt: skip
        axes[0].bar_label(bars, fmt="%.0f", fontsize=7)
    axes[0].axhline(100, color="black", linewidth=1)
    middle = 0.4 - width / 2
    axes[0].set_xticks(
        [i + middle for i in range(len(shapes))],
        [f"{m} x {k}" for m, k in shapes],
    )
    axes[0].set_ylabel("% of a copy of as many bytes")
    axes[0].set_title(f"{device}, quantize bf16")
    fp4q_plots.save(figure, axes, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("json", type=pathlib.Path)
    parser.add_argument("--output-dir", type=pathlib.Path, default=pathlib.Path())
    parser.add_argument("--copy-gb-s", type=float)
    options = parser.parse_args()
    if not options.output_dir.is_dir():
        parser.error(f"--output-dir {options.output_dir} is no directory")
    device, bandwidth, products, quantizations = load(
        options.json, options.copy_gb_s
    )
    if products:
        path = options.output_dir / "roofline.png"
        draw_products(device, bandwidth, products, path)
        print(path)
    if quantizations:
        path = options.output_dir / "quantize.png"
        draw_quantizations(device, quantizations, path)
        print(path)


if __name__ == "__main__":
    main()
