# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the real libraries the way the oracle of recipes.py is called.

The libraries are those of requirements-libraries.txt and are imported only when
one is called. Each is called through the function with which it writes
checkpoints, on the CPU.
"""

import dataclasses
from collections.abc import Callable

import numpy as np


def _torchao_mx(mode):
    def quantize(x, g):
        import torch
        from torchao.prototype.mx_formats.config import ScaleCalculationMode
        from torchao.prototype.mx_formats.mx_tensor import to_mx

        scales, codes = to_mx(
            x, torch.float4_e2m1fn_x2, 32, ScaleCalculationMode[mode]
        )
        return codes, scales

    return quantize


def _torchao_nv(levels):
    def quantize(x, g):
        from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize

        scales, codes = nvfp4_quantize(
            x, per_tensor_scale=g if levels == 2 else None
        )
        return codes, scales

    return quantize


def _compressed_tensors(scheme_name, compressor_name):
    def quantize(x, g):
        from compressed_tensors import compressors
        from compressed_tensors.quantization import preset_name_to_scheme
        from compressed_tensors.quantization.utils import calculate_qparams

        scheme = preset_name_to_scheme(scheme_name, ["Linear"])
        state = {"weight": x}
        if scheme_name.startswith("NV"):
            state["weight_global_scale"] = g.reshape(1)
        # One scale a row, since a row is one group.
        state["weight_scale"], _ = calculate_qparams(
            x.amin(dim=1, keepdim=True),
            x.amax(dim=1, keepdim=True),
            scheme.weights,
            global_scale=state.get("weight_global_scale"),
        )
        compressor = getattr(compressors, compressor_name)
        state = compressor.compress(state, scheme)
        return state["weight_packed"], state["weight_scale"]

    return quantize


def _modelopt_nv(x, g):
    from modelopt.torch.quantization.qtensor import NVFP4QTensor

    tensor, scales, _ = NVFP4QTensor.quantize(
        x, 16, weights_scaling_factor_2=g
    )
    return tensor._quantized_data, scales


def _everywhere(values):
    return np.full(values.shape, True)


def _not_byte_0(scales):
    return scales != 0


@dataclasses.dataclass(frozen=True)
class Library:
    """What quantizes like one preset, and where.

    quantize(x, g) takes a tensor of one group a row and the global scale as a
    0-d f32 tensor, and returns packed codes and scale bytes. A group is
    compared if `compared(amax)`; its codes are compared if
    `codes_compared(scales)` as well, where `scales` are the preset's bytes.
    Both see finite groups only.
    """

    preset: str
    package: str  # as requirements-libraries.txt has it
    quantize: Callable
    compared: Callable = _everywhere
    codes_compared: Callable = _everywhere


def _no_carry(amax):
    """The scale stays below 2^128: at 1.75 * 2^127 compressed-tensors goes over
    Inf, which it casts to an integer."""
    return amax < 1.75 * 2.0**127


def _far_from_powers(amax):
    """amax / 6 is not near a power of two, where f32 log2 rounds to an integer
    and where amax / 6 and amax * fl(1/6) may be on different sides."""
    significand, _ = np.frexp(amax.astype(np.float64) / 6)
    distance = np.minimum(significand - 0.5, 1 - significand)
    return (amax == 0) | (distance > 2.0**-16)


# The presets torchao-mx-* are torchao's main branch. Release 0.18.0 divides a
# group with scale byte 0 by 2^-126 (rceil: by 1), and rceil takes f32 log2 of
# amax / 6 where main looks at the bits of amax * fl(1/6).
LIBRARIES = [
    *(
        Library(
            f"torchao-mx-{mode}",
            "torchao",
            _torchao_mx(mode.upper()),
            codes_compared=_not_byte_0,
        )
        for mode in ("floor", "ceil", "even")
    ),
    Library(
        "torchao-mx-rceil",
        "torchao",
        _torchao_mx("RCEIL"),
        compared=_far_from_powers,
        codes_compared=_not_byte_0,
    ),
    Library("torchao-nv1", "torchao", _torchao_nv(1)),
    Library("torchao-nv2", "torchao", _torchao_nv(2)),
    Library(
        "ct-nv",
        "compressed-tensors",
        _compressed_tensors("NVFP4A16", "NVFP4PackedCompressor"),
    ),
    Library(
        "ct-mx",
        "compressed-tensors",
        _compressed_tensors("MXFP4A16", "MXFP4PackedCompressor"),
        compared=_no_carry,
    ),
    Library("modelopt-nv", "nvidia-modelopt", _modelopt_nv),
]

# Presets without a library here.
NOT_COMPARED = {
    "law": "fp4q's own definition",
    "gptoss-mx": "transformers downloads the quantizer when it runs",
    "te-nv": "Transformer Engine is a package for machines with CUDA",
    "flashinfer-nv": "the reference is in flashinfer's tests, not its package",
}


def quantize(library, x, g, type_name):
    """x (groups, group) f32 -> codes (groups, group), scales (groups,), like
    recipes.quantize."""
    import torch

    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[type_name]
    # The library may write to its input.
    tensor = torch.from_numpy(x.copy()).to(dtype)
    with torch.no_grad():
        packed, scales = library.quantize(tensor, torch.tensor(float(g)))
    packed = packed.reshape(len(x), -1).view(torch.uint8).numpy()
    codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(x.shape)
    return codes, scales.reshape(-1).view(torch.uint8).numpy()
