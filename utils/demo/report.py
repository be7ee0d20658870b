# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the demo prints and draws about embeddings."""

import textwrap

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the choice of back end)
import numpy as np  # noqa: E402


def mean_cosine(embeddings, reference):
    """The mean cosine of unit vectors, row by row."""
    return float(np.mean(np.sum(embeddings * reference, axis=1)))


def nearest(embeddings):
    """For each row the index of the other row with the largest cosine."""
    similarity = embeddings @ embeddings.T
    np.fill_diagonal(similarity, -np.inf)
    return similarity.argmax(axis=1)


def print_nearest(sentences, embeddings, queries):
    """embeddings: name -> (S, 384), the first is the reference."""
    found = {name: nearest(rows) for name, rows in embeddings.items()}
    print("Nearest sentences")
    for query in queries:
        print(f"  {textwrap.shorten(sentences[query], 72)}")
        for name, indices in found.items():
            other = sentences[indices[query]]
            print(f"    {name:6} {textwrap.shorten(other, 70)}")
    reference, *others = found
    for name in others:
        same = int(np.sum(found[name] == found[reference]))
        print(
            f"  {name}: same nearest sentence as {reference} for "
            f"{same} of {len(sentences)}"
        )


def layer_errors(hidden, reference):
    """Relative error of the hidden state after each layer, Frobenius norm."""
    return [
        float(np.linalg.norm(h - r) / np.linalg.norm(r))
        for h, r in zip(hidden, reference, strict=True)
    ]


def draw(path, embeddings, hidden):
    """Error by layer, and similarities in FP4 over similarities in f32. Both
    arguments map a name to data, the first of which is the reference."""
    reference, *formats = embeddings
    figure, axes = plt.subplots(
        1, 1 + len(formats), figsize=(5 + 4 * len(formats), 4.4)
    )
    axes[0].set(
        xlabel="encoder layer",
        ylabel="relative error of the hidden state",
        title="Error by layer",
    )
    upper = np.triu_indices(len(embeddings[reference]), 1)
    exact = (embeddings[reference] @ embeddings[reference].T)[upper]
    ends = (exact.min(), exact.max())
    for axis, fmt in zip(axes[1:], formats, strict=True):
        errors = layer_errors(hidden[fmt], hidden[reference])
        axes[0].plot(range(1, len(errors) + 1), errors, "o-", label=fmt)
        approximate = (embeddings[fmt] @ embeddings[fmt].T)[upper]
        axis.plot(exact, approximate, ".", ms=1.5, alpha=0.3)
        axis.plot(ends, ends, "k-", lw=0.8)
        axis.set(
            xlabel=f"cosine of two sentences, {reference}",
            ylabel=f"cosine of two sentences, {fmt}",
            title=f"Sentence similarity, {fmt}",
        )
    axes[0].set_ylim(0, None)
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
