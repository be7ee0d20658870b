# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demo in small: the f32 model against PyTorch's embeddings, and the linear
layer of each format against the oracle."""

import pathlib

import fp4_linears
import fp4q_oracle as oracle
import fp4q_oracle_products as products
import minilm
import minilm_model
import numpy as np
import pytest
import report

DEMO = pathlib.Path(minilm.__file__).parent
FORMATS = {"mxfp4": (32, "e8m0", 4.0), "nvfp4": (16, "e4m3", 6.0)}


def test_f32_embeddings_are_those_of_pytorch():
    golden = np.load(DEMO / "golden-embeddings.npy")
    sentences = (DEMO / "sentences.txt").read_text().splitlines()[: len(golden)]
    model = minilm_model.MiniLM()
    embeddings, hidden = model.embed(sentences, model.linear_f32)
    assert np.abs(embeddings - golden).max() < 1e-5
    assert len(hidden) == minilm_model.LAYERS
    assert report.mean_cosine(embeddings, golden) == pytest.approx(1, abs=1e-6)


def test_sentences_are_distinct():
    sentences = (DEMO / "sentences.txt").read_text().splitlines()
    assert len(sentences) == len(set(sentences)) == 256


@pytest.mark.parametrize("fmt", fp4_linears.FORMATS)
def test_linear(run_module, fmt):
    rng = np.random.default_rng(8)
    weight, bias, x = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((24, 96), (24,), (5, 96))
    )
    text = fp4_linears.module_text(fmt, *weight.shape)
    group, kind, ss = FORMATS[fmt]

    def quantize(values):
        gs = np.float32(1 / 3)
        if fmt == "nvfp4":
            gs = oracle.global_scale(values)
        return (*oracle.quantize(values, group, kind, gs, ss), gs)

    *want, gw = quantize(weight)
    if fmt == "nvfp4":
        want.append(np.asarray(gw))
    got = run_module(text, "quantize_weights", [weight], len(want))
    for actual, expected in zip(got, want, strict=True):
        assert np.array_equal(actual, expected)
    (y,) = run_module(text, "linear", [x, *got, bias], 1)
    *operand, gx = quantize(x)
    alpha = np.float32(gx) * np.float32(gw)
    args = (*operand, *want[:2], kind, alpha, bias)
    assert not products.matmul_outside(y, *args).any()
    # The layer is a linear layer, up to the error of 4 bits.
    error = np.linalg.norm(y - (x @ weight.T + bias)) / np.linalg.norm(y)
    assert 0.01 < error < 0.3
