# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The value type of quantized tensors, and the formats and recipes by name."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

from . import _runtime

KINDS = {"mxfp4": "e8m0", "nvfp4": "e4m3"}
GROUPS = {"mxfp4": 32, "nvfp4": 16}


class Recipe(NamedTuple):
    """A preset of the quantizer, docs/numerics.md."""

    name: str
    format: str | None  # None: both
    reads_scale_scale: bool
    reads_global_scale: bool
    divides: bool  # the global scale divides in decoding


@functools.cache
def recipes() -> dict[str, Recipe]:
    formats = {kind: name for name, kind in KINDS.items()}
    return {
        name: Recipe(
            name,
            None if name == "law" else formats[row["kind"]],
            row["reads_scale_scale"],
            row["reads_global_scale"],
            row["divides"],
        )
        for name, row in _runtime.presets().items()
    }


def usual_scale_scale(recipe: str, fmt: str) -> float:
    return _runtime.presets()[recipe][f"scale_scale_{KINDS[fmt]}"]


def check_format(fmt: Any) -> str:
    if fmt not in KINDS:
        raise ValueError(
            f"format must be 'mxfp4' or 'nvfp4', but got {fmt!r}"
        )
    return fmt


def check_recipe(name: Any, fmt: str) -> Recipe:
    """`name` as a recipe for this format; None stands for "law"."""
    known = recipes()
    if name is None:
        name = "law"
    if name not in known:
        raise ValueError(
            f"recipe must be one of {', '.join(known)}, but got {name!r}"
        )
    recipe = known[name]
    if recipe.format not in (None, fmt):
        raise ValueError(
            f"recipe '{name}' is for {recipe.format}, but format is '{fmt}'"
        )
    return recipe


def check_group(group: Any, columns: int, argument: str = "group_size") -> int:
    if not isinstance(group, int) or isinstance(group, bool):
        raise TypeError(
            f"{argument} must be an int, but got {type(group).__name__}"
        )
    if group not in (2, 4, 8, 16, 32, 64, 128):
        raise ValueError(
            f"{argument} must be a power of two from 2 to 128, but got {group}"
        )
    if columns == 0 or columns % group:
        raise ValueError(
            f"the last dimension must be a positive multiple of {argument} "
            f"{group}, but is {columns}"
        )
    return group


@dataclasses.dataclass(frozen=True, eq=False)
class QuantizedTensor:
    """A tensor of shape (..., K) in FP4, in the arrays of one framework.

    codes: uint8 (..., K/2), element 2i in bits 0-3 of byte i. scales: (...,
    K/group_size), in the native 8-bit type where the framework has one, else
    uint8; with layout "blocked_128x4" (..., ceil(rows/128),
    ceil(K/group_size/4), 512). global_scale: a number, an array of one f32, or
    None for 1. divides: whether it divides in decoding, as some libraries have
    it, rather than multiplies.
    """

    codes: Any
    scales: Any
    global_scale: Any = None
    format: str = "mxfp4"
    group_size: int = 32
    divides: bool = False
    layout: str = "linear"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor that this stands for."""
        return (*self.codes.shape[:-1], 2 * self.codes.shape[-1])

    @property
    def nbytes(self) -> int:
        """Bytes of the codes and scales."""
        return int(self.codes.nbytes) + int(self.scales.nbytes)

    def dequantize(self, dtype: Any = "float32") -> Any:
        """fp4q.dequantize of this."""
        from ._ops import dequantize

        return dequantize(self, dtype=dtype)

    def __repr__(self) -> str:
        return (
            f"QuantizedTensor(shape={self.shape}, format={self.format!r}, "
            f"group_size={self.group_size}, layout={self.layout!r})"
        )
