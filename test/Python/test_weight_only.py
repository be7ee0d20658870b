# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weight-only products decode a tile of the weight at a time
(fp4q-fuse-dequant), and give the bits that the same product of the whole
decoded weight gives."""

import re
import subprocess

import fp4q_data as data
import fp4q_layers as layers
import fp4q_run
import numpy as np
import pytest
from fp4q_graphs import Graph

# (leading dimensions of x, of the weight, N, K, group, along K or N)
SHAPES = [
    ((5,), (), 260, 640, 32, "k"),
    ((1,), (), 128, 1024, 16, "k"),
    ((300,), (), 144, 272, 16, "k"),
    ((0,), (), 256, 512, 32, "k"),
    ((2, 3), (2,), 136, 384, 128, "k"),
    ((2, 3), (), 24, 512, 8, "k"),
    ((7,), (), 320, 300, 64, "n"),
    ((2, 3), (2,), 192, 260, 16, "n"),
]
FORMS = ("named", "transposed", "contract", "generic")


def make_functions(shape, form, element, seed):
    """@fused, which decodes, @whole of the decoded weight, and @decode."""
    lead, b_lead, n, k, group, along = shape
    kind = "e8m0" if group == 32 else "e4m3"
    rng = np.random.default_rng(seed)
    x = data.values(rng, (*lead, k), element, "normal")
    stored = (*b_lead, n, k) if along == "k" else (*b_lead, k, n)
    arrays = (
        data.codes(rng, (*stored[:-1], stored[-1] // 2)),
        data.scale_bytes(rng, (*stored[:-1], stored[-1] // group), kind, "moderate"),
    )
    graphs = []
    for name in ("fused", "whole", "decode"):
        graph = Graph(name, seed)
        a = graph.argument(x, element, [len(lead) - 1]) if name != "decode" else None
        if name == "whole":
            w = graph.argument(np.zeros(stored, data.DTYPES[element]), element)
        else:
            codes = graph.argument(arrays[0], "i8")
            scales = graph.argument(arrays[1], layers.SCALE_TYPES[kind])
            w = graph.dequant(codes, scales, element, graph.scalar(0.1, "f32"))
        if name != "decode":
            if along == "n":
                w = graph.transpose(w)
            init = graph.fill(graph.empty_like(a, (n,), "f32"))
            w = graph.contraction(a, w, init, form)
        graph.give(w)
        graphs.append(graph)
    return graphs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_same_bits(build_dir, tmp_path, shape, form):
    element = "bf16" if form in ("named", "generic") else "f32"
    graphs = make_functions(shape, form, element, SHAPES.index(shape))
    fused, whole, decode = graphs
    # The dequant of a tile is by the kernels, or by linalg.
    options = [f"--backend={'cpu' if form in ('named', 'contract') else 'reference'}"]

    def run(graph, inputs):
        path = tmp_path / f"{graph.entry}.mlir"
        path.write_text(graph.text())
        return fp4q_run.run(
            build_dir, path, graph.entry, inputs, 1, tmp_path, options=options
        )[0]

    weight = run(decode, decode.inputs)
    got = run(fused, fused.inputs)
    expected = run(whole, [whole.inputs[0], weight])
    assert got.shape == (*shape[0], shape[2])
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [s for s in SHAPES if 0 not in s[0]], ids=str)
def test_no_whole_weight(build_dir, shape, form):
    """The lowered function has the weight as codes, and tiles of it as floats."""
    fused = make_functions(shape, form, "f32", 1)[0]
    done = subprocess.run(
        [f"{build_dir}/bin/fp4q-opt", "--fp4q-to-linalg"],
        input=fused.text(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    _, b_lead, n, k, *_ = shape
    whole = "x".join(map(str, (*b_lead, n, k)))
    turned = "x".join(map(str, (*b_lead, k, n)))
    assert not re.findall(rf"tensor<(?:{whole}|{turned})xf32>", done.stdout)
    assert "scf.for" in done.stdout
