# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""FP4 quantized linear layers for PyTorch models: docs/python.md."""

from . import _operators as _operators  # torch.ops.fp4q
from ._linear import QuantLinear
from ._quantize import (
    Config,
    LayerReport,
    Report,
    best_device,
    calibrate,
    quantize_,
)

__all__ = [
    "Config",
    "LayerReport",
    "QuantLinear",
    "Report",
    "best_device",
    "calibrate",
    "quantize_",
]
