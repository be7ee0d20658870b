# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""--fp4q-optimize changes no result beyond what the documents allow.

Random functions run on the reference path as they are written, and after the
pipeline. FP4Q_EQUIVALENCE_FUNCTIONS and FP4Q_EQUIVALENCE_SEED choose how many,
and which; every function is the same wherever it runs.
"""

import os
import re
import subprocess

import fp4q_run
import numpy as np
import pytest
from fp4q_cases import report
from fp4q_graphs import join, make_graph

FUNCTIONS = int(os.environ.get("FP4Q_EQUIVALENCE_FUNCTIONS", "320"))
SEED = int(os.environ.get("FP4Q_EQUIVALENCE_SEED", "1"))
# One process compiles several functions, since starting it costs more than one
# does; but all are inlined into one, for which LLVM's time is not linear.
PER_MODULE = 8


def optimize(build_dir, text, merge=True):
    """The module after --fp4q-optimize, and the decisions in it."""
    options = f"merge-matmuls={str(merge).lower()}"
    done = subprocess.run(
        [
            f"{build_dir}/bin/fp4q-opt",
            f"--fp4q-optimize={options}",
            "--fp4q-remarks",
        ],
        input=text, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    return done.stdout, re.findall(r"remark: (\[\w+\] [^|]*) \|", done.stderr)


def execute(build_dir, tmp_path, text, graphs):
    """The results of @main, compiled as written."""
    module = tmp_path / "module.mlir"
    module.write_text(text)
    inputs = [array for graph in graphs for array in graph.inputs]
    count = sum(graph.n_results for graph in graphs)
    return fp4q_run.run(
        build_dir, module, "main", inputs, count, tmp_path, optimize=False,
        options=["--backend=reference"],
    )  # fmt: skip


def as_numbers(array, element):
    if element == "bf16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def differences(graphs, before, after):
    """A sentence for each result that moved further than it may."""
    index = 0
    for graph in graphs:
        for number, (value, distance) in enumerate(
            zip(graph._results, graph.distances)
        ):
            old = as_numbers(before[index], value.element)
            new = as_numbers(after[index], value.element)
            index += 1
            assert old.shape == new.shape and old.dtype == new.dtype
            with np.errstate(all="ignore"):
                bits = np.dtype(f"u{old.dtype.itemsize}")
                moved = old.view(bits) != new.view(bits)
                if old.dtype.kind == "f":
                    moved &= ~(np.isnan(old) & np.isnan(new))
                if distance is not None:
                    wide = old.astype(np.float64)
                    moved &= ~(np.abs(wide - new) <= distance)
            if moved.any():
                yield report(moved, new, old, f"@{graph.entry}#{number}")


def make_graphs(first, count=PER_MODULE):
    return [make_graph(f"f{seed}", seed) for seed in range(first, first + count)]


@pytest.mark.parametrize("number", range(-(-FUNCTIONS // PER_MODULE)))
def test_results_stay(build_dir, tmp_path, number):
    graphs = make_graphs(SEED * 1_000_000 + number * PER_MODULE)
    text = join(graphs)
    optimized, decisions = optimize(build_dir, text, merge=number % 2 == 0)
    before = execute(build_dir, tmp_path, text, graphs)
    after = execute(build_dir, tmp_path, optimized, graphs)
    bad = list(differences(graphs, before, after))
    assert not bad, "\n".join([*bad, text, optimized])
    counts = {name: decisions.count(name) for name in sorted(set(decisions))}
    exact = sum(d is None for g in graphs for d in g.distances)
    print(
        f"{len(graphs)} functions, {len(before)} results, {exact} bit for bit,",
        ", ".join(f"{count} {name}" for name, count in counts.items()),
    )


def test_rewrites_happen(build_dir):
    """The functions are of the forms that the pipeline looks for."""
    graphs = make_graphs(SEED * 1_000_000, 120)
    _, decisions = optimize(build_dir, join(graphs))
    for name in (
        "[Passed] product raised",
        "[Passed] dequantization raised",
        "[Passed] transform fused",
        "[Passed] absorbed into the product",
        "[Missed] not absorbed into the product",
        "[Passed] product merged",
        "[Analysis] product is weight-only",
    ):
        assert decisions.count(name) >= 5, (name, decisions)


# What a wrong rewrite would leave in the optimized module.
MUTATIONS = {
    "alpha is lost": (r" alpha\([^)]*\)", ""),
    "a bias is lost": (r" bias\([^)]*\)", ""),
    "a transform is lost": (r" transform\([^)]*\)", ""),
    "a scale divides no more": (r"\{direction = #fp4q.direction<divide>\}", ""),
    "global scales are added": (r"arith.mulf (%\w+, %\w+ : f32)", r"arith.addf \1"),
    "a slice is another": (r"(extract_slice %\w+\[(?:0, )+)[1-9]\d*\]", r"\g<1>0]"),
    "a global scale is lost": (r"(fp4q.dequant [^\n]*?) global_scale\([^)]*\)", r"\1"),
}


def functions_of(text):
    """The functions of a module by name, each with its text."""
    parts = re.split(r"^  (?=func\.func @)", text, flags=re.MULTILINE)
    return {part[len("func.func @") : part.index("(")]: part for part in parts[1:]}


@pytest.mark.parametrize("name", MUTATIONS)
def test_wrong_rewrites_are_found(build_dir, tmp_path, name):
    pattern, replacement = MUTATIONS[name]
    graphs = make_graphs(SEED * 1_000_000, 120)
    optimized, _ = optimize(build_dir, join(graphs))
    hit = {
        entry
        for entry, text in functions_of(optimized).items()
        if re.search(pattern, text)
    }
    # Three of the functions that it changes: each takes time to compile.
    graphs = [graph for graph in graphs if graph.entry in hit][:3]
    assert graphs, optimized
    text = join(graphs)
    mutated = re.sub(pattern, replacement, optimize(build_dir, text)[0])
    before = execute(build_dir, tmp_path, text, graphs)
    after = execute(build_dir, tmp_path, mutated, graphs)
    assert list(differences(graphs, before, after)), mutated
