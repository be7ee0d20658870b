# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What plot-roofline.py and plot-gpu.py have in common."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def check_number(value, what):
    """Raises ValueError unless a value that was read is a number above 0."""
    if not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ValueError(f"{what} is {value!r}, not a number above 0")


def panels(count, height=4.5):
    """A figure and its axes, side by side, with one vertical scale."""
    width = 8 if count == 1 else 5 * count
    figure, axes = plt.subplots(
        1, count, figsize=(width, height), squeeze=False, sharey=True
    )
    return figure, list(axes[0])


def lines(axes, series, xlabel, ylabel, title):
    """One line for each name of `series`: (style, points). Both axes are
    logarithmic."""
    for name, (style, points) in series.items():
        marker = "o" if len(style) == 1 or style == "--" else None
        axes.plot(*zip(*sorted(points)), style, marker=marker, label=name)
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title)


def save(figure, axes, path):
    for part in axes:
        part.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
