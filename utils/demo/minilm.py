# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Embeds real sentences with all-MiniLM-L6-v2, all 36 encoder linears in FP4.

Weights and activations are quantized, and multiplied, by code that fp4q
compiles; the rest of the forward pass is numpy. Run by `./build.sh demo`.
Exits with status 1 if an embedding is further from f32 than FP4 explains.
"""

import argparse
import pathlib
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import fp4q_run  # noqa: E402
import report  # noqa: E402
from fp4_linears import FORMATS, QuantizedLinears, module_text  # noqa: E402
from minilm_model import MiniLM, linear_names  # noqa: E402

# Below these something is wrong, not just coarse.
LEAST_COSINE = {"mxfp4": 0.90, "nvfp4": 0.94}
QUERIES = (0, 33, 72, 97, 165, 242)


def show_ir(build_dir, path):
    """Prints the start of @linear of `path` before and after the lowering to
    linalg, constants left out."""
    stages = (
        ("Level 1", [], 14),
        ("After --convert-fp4q-to-linalg", ["--convert-fp4q-to-linalg"], 28),
    )
    for title, flags, lines in stages:
        done = subprocess.run(
            [f"{build_dir}/bin/fp4q-opt", str(path), *flags],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"error: fp4q-opt failed on {path}: {done.stderr.strip()}")
        text = done.stdout.split("func.func @linear", 1)[1].splitlines()
        text = [line for line in text if "arith.constant" not in line]
        print(f"\n{title}: @linear of {path.name}\n  func.func @linear", end="")
        for line in text[:lines]:
            print(line if len(line) < 116 else f"{line[:112]} ...")
        if len(text) > lines:
            print(f"    ... and {len(text) - lines} more lines")


def check_reference(reference):
    """The f32 embeddings against those of another implementation: PyTorch
    2.13 and transformers 5.23 on the first sentences."""
    golden = np.load(HERE / "golden-embeddings.npy")
    error = float(np.abs(reference[: len(golden)] - golden).max())
    print(f"f32 forward pass: largest difference to PyTorch {error:.1e}")
    if error > 1e-5:
        sys.exit("error: the f32 forward pass is wrong")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", default="build", type=pathlib.Path)
    build_dir = parser.parse_args().build_dir.resolve()
    work_dir = build_dir / "demo"
    work_dir.mkdir(exist_ok=True)

    def call(*args):
        return fp4q_run.run(build_dir, *args, work_dir)

    model = MiniLM()
    sentences = (HERE / "sentences.txt").read_text().splitlines()
    path = work_dir / "linear.mlir"
    path.write_text(module_text("mxfp4", 384, 384))
    show_ir(build_dir, path)

    start = time.perf_counter()
    embeddings, hidden = {}, {}
    embeddings["f32"], hidden["f32"] = model.embed(sentences, model.linear_f32)
    print(f"\n{len(sentences)} sentences, {len(hidden['f32'][0])} tokens")
    check_reference(embeddings["f32"])
    seconds = {"f32": time.perf_counter() - start}
    names = linear_names()
    size = sum(model.parameters(*name)[0].nbytes for name in names)
    print(f"Weights of {len(names)} linears: f32 {size / 1e6:.1f} MB", end="")
    for fmt in FORMATS:
        start = time.perf_counter()
        linears = QuantizedLinears(fmt, model, names, work_dir, call)
        print(f", {fmt} {linears.weight_bytes() / 1e6:.1f} MB", end="")
        sys.stdout.flush()
        embeddings[fmt], hidden[fmt] = model.embed(sentences, linears.linear)
        seconds[fmt] = time.perf_counter() - start
    print("\n")

    report.print_nearest(sentences, embeddings, QUERIES)
    report.draw(work_dir / "minilm.png", embeddings, hidden)
    print(f"\nPicture: {work_dir / 'minilm.png'}")
    times = ", ".join(f"{k} {v:.1f} s" for k, v in seconds.items())
    print(f"Time, a process and a compilation a linear included: {times}")
    failed = False
    for fmt, least in LEAST_COSINE.items():
        cosine = report.mean_cosine(embeddings[fmt], embeddings["f32"])
        print(f"{fmt} mean cosine {cosine:.4f}")
        if not cosine >= least:
            print(f"error: {fmt} is below {least}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
