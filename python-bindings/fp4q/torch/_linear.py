# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The linear layer with FP4 weights and activations."""

from __future__ import annotations

from typing import Any

import torch

from .. import _arrays, _backends, _ops
from .._quantized import check_format, check_group, usual_scale_scale
from ._custom_ops import KINDS, check_input, mlir, prepare

_FORMATS = {
    "mxfp4": torch.float8_e8m0fnu,
    "nvfp4": torch.float8_e4m3fn,
}
# What .to(dtype) leaves alone, and the integers that hide it.
_FIXED = {
    "scale_quant": torch.uint8,
    "weight_global_scale": torch.int32,
    "activation_global_scale": torch.int32,
    "activation_scale_scale": torch.int32,
}
_NAMES = ("e2m1", "transform", "bias", *_FIXED)
_OPTIONAL = ("transform", "bias")


def _scalar(value: Any, argument: str, device: Any) -> torch.Tensor:
    if torch.is_tensor(value):
        if value.numel() != 1:
            raise ValueError(
                f"{argument} must be one number, but has {value.numel()}"
            )
        return value.detach().to(device, torch.float32).reshape(())
    checked = _ops.check_scale(value, argument)
    return torch.tensor(checked, dtype=torch.float32, device=device)


class QuantLinear(torch.nn.Module):
    """y = x @ W^T + bias with W and x in FP4; for inference.

    x (..., in_features) is quantized on each call, after the transform of each
    block if there is one, and multiplied with the weights, which are kept
    quantized. Buffers, all of them in the state_dict:

    - e2m1: uint8 (out, in/2), the codes of the weights.
    - scale_quant: their scales (out, in/G), float8_e8m0fnu for mxfp4 or
      float8_e4m3fn for nvfp4; its type is the format, its shape the group G.
    - transform: (in/B, B, B), (B, B) or None; x @ T^T of each block.
    - weight_global_scale, activation_global_scale, activation_scale_scale:
      float32 of rank 0. An activation_global_scale of 0 stands for "dynamic":
      amax / 2688 of x, computed on each call.
    - bias: (out) or None.

    .to(dtype) changes transform and bias only. QuantLinear() is empty, and
    load_state_dict gives it its shapes and types. The result has x's type:
    float32, float16 or bfloat16.

    quant_backend, matmul_backend: "reference", "cpu", "gpu-portable",
    "gpu-native" (or "torch", "triton", "cuda", older names of the first and the
    last two), None for the fastest. One that is not available is replaced,
    with a warning that comes once.
    """

    def __init__(
        self,
        in_features: int | None = None,
        out_features: int | None = None,
        bias: torch.Tensor | bool | None = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        transform: torch.Tensor | None = None,
        e2m1: torch.Tensor | None = None,
        scale_quant: torch.Tensor | None = None,
        scale_dtype: torch.dtype | None = None,
        group_size: int = 32,
        weight_global_scale: Any = 1.0,
        activation_global_scale: Any = None,
        activation_scale_scale: Any = None,
        quant_backend: str | None = None,
        matmul_backend: str | None = None,
    ) -> None:
        super().__init__()
        _backends.parse(quant_backend, "quant_backend")
        _backends.parse(matmul_backend, "matmul_backend")
        self.quant_backend = quant_backend
        self.matmul_backend = matmul_backend
        if (e2m1 is None) != (scale_quant is None):
            raise ValueError("e2m1 and scale_quant must be given together")
        if scale_dtype not in (None, *KINDS):
            raise ValueError(
                "scale_dtype must be torch.float8_e8m0fnu or "
                f"torch.float8_e4m3fn, but is {scale_dtype}"
            )
        if e2m1 is None and in_features is not None:
            if out_features is None or out_features < 0 or in_features < 0:
                raise ValueError(
                    "in_features and out_features must be given together, and "
                    f"not negative, but are {in_features} and {out_features}"
                )
            check_group(group_size, in_features)
            scale_dtype = scale_dtype or torch.float8_e8m0fnu
            e2m1 = torch.zeros(
                out_features, in_features // 2, dtype=torch.uint8, device=device
            )
            scale_quant = torch.zeros(
                out_features, in_features // group_size, dtype=torch.uint8,
                device=device,
            ).view(scale_dtype)  # fmt: skip
        elif e2m1 is not None:
            given = (in_features, out_features)
            e2m1 = _place(e2m1, "e2m1", device)
            scale_quant = _place(scale_quant, "scale_quant", device)
            _check_quantized(e2m1, scale_quant, scale_dtype)
            for actual, wanted, name in zip(
                (2 * e2m1.shape[1], e2m1.shape[0]), given, ("in", "out")
            ):
                if wanted not in (None, actual):
                    raise ValueError(
                        f"{name}_features is {wanted}, but e2m1 is "
                        f"{tuple(e2m1.shape)}"
                    )
        self.register_buffer("e2m1", e2m1)
        self.register_buffer("scale_quant", scale_quant)
        place = device if e2m1 is None else e2m1.device
        if transform is not None:
            transform = _place(transform, "transform", place, dtype)
            if e2m1 is not None:
                _ops.check_transform(transform, self.in_features)
        self.register_buffer("transform", transform)
        weight_scale = _scalar(
            weight_global_scale, "weight_global_scale", place
        )
        self._is_dynamic = isinstance(activation_global_scale, str)
        if self._is_dynamic:
            if activation_global_scale != "dynamic":
                raise ValueError(
                    "activation_global_scale must be a number, None or "
                    f"'dynamic', but is '{activation_global_scale}'"
                )
            activation_scale = torch.zeros((), device=place)
        elif activation_global_scale is None:
            activation_scale = weight_scale.clone()
        else:
            activation_scale = _scalar(
                activation_global_scale, "activation_global_scale", place
            )
        self.register_buffer("weight_global_scale", weight_scale)
        self.register_buffer("activation_global_scale", activation_scale)
        self.register_buffer(
            "activation_scale_scale",
            _scalar(
                1.0 if activation_scale_scale is None
                else activation_scale_scale,
                "activation_scale_scale", place,
            ),
        )  # fmt: skip
        if isinstance(bias, bool):
            bias = None  # nn.Linear's way; there are no values yet
        if bias is not None:
            bias = _place(bias, "bias", place, dtype)
            if e2m1 is not None and tuple(bias.shape) != (e2m1.shape[0],):
                raise ValueError(
                    f"bias must have shape ({e2m1.shape[0]},), but has "
                    f"{tuple(bias.shape)}"
                )
        self.register_buffer("bias", bias)

    # --- what follows from the buffers ----------------------------------------

    @property
    def in_features(self) -> int | None:
        return None if self.e2m1 is None else 2 * self.e2m1.shape[1]

    @property
    def out_features(self) -> int | None:
        return None if self.e2m1 is None else self.e2m1.shape[0]

    @property
    def group_size(self) -> int | None:
        if self.scale_quant is None:
            return None
        return self.in_features // self.scale_quant.shape[1]

    @property
    def format(self) -> str | None:
        """ "mxfp4" or "nvfp4", by the type of the scales."""
        if self.scale_quant is None:
            return None
        return {d: f for f, d in _FORMATS.items()}[self.scale_quant.dtype]

    @property
    def weight(self) -> torch.Tensor:
        """The weights as float32, decoded from the codes: of the transformed
        space if there is a transform. For inspection; assigning has no use."""
        return self.quantized_weight().dequantize()

    def quantized_weight(self) -> Any:
        """The weights as an fp4q.QuantizedTensor on the same memory."""
        from .._quantized import QuantizedTensor

        return QuantizedTensor(
            self.e2m1, self.scale_quant, self.weight_global_scale, self.format,
            self.group_size,
        )  # fmt: skip

    @classmethod
    def from_linear(
        cls,
        linear: torch.nn.Linear,
        format: str = "mxfp4",  # noqa: A002
        transform: torch.Tensor | None = None,
        *,
        weight_transform: torch.Tensor | None = None,
        group_size: int | None = None,
        weight_global_scale: Any = None,
        activation_global_scale: Any = None,
        activation_scale_scale: Any = None,
        quant_backend: str | None = None,
        matmul_backend: str | None = None,
    ) -> QuantLinear:
        """Quantizes the weights of a linear layer and takes over its bias.

        The scales are the usual ones of the format: for mxfp4 global scales of
        1/3, for nvfp4 amax / 2688 of the weights and "dynamic" for the
        activations. With a transform T, x @ T^T is multiplied with weights that
        are transformed by weight_transform, by default T's inverse transpose,
        which for an orthogonal T is T itself.
        """
        check_format(format)
        weight = linear.weight.detach()
        if transform is not None:
            if weight_transform is None:
                inverse = torch.linalg.inv(transform.detach().double())
                weight_transform = inverse.mT.to(torch.float32)
            weight_transform = weight_transform.to(weight.device)
        quantized = _ops.quantize(
            weight, format, group_size, global_scale=weight_global_scale,
            transform=weight_transform if transform is not None else None,
        )  # fmt: skip
        if activation_global_scale is None:
            activation_global_scale = 1 / 3 if format == "mxfp4" else "dynamic"
        if activation_scale_scale is None:
            activation_scale_scale = usual_scale_scale("law", format)
        bias = None if linear.bias is None else linear.bias.detach().clone()
        return cls(
            bias=bias, transform=transform, e2m1=quantized.codes,
            scale_quant=quantized.scales,
            weight_global_scale=quantized.global_scale,
            activation_global_scale=activation_global_scale,
            activation_scale_scale=activation_scale_scale,
            quant_backend=quant_backend, matmul_backend=matmul_backend,
        )  # fmt: skip

    # --- running ----------------------------------------------------------------

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.e2m1 is None:
            raise RuntimeError(
                "this QuantLinear is empty: load a state_dict into it first"
            )
        check_input(x, 2 * self.e2m1.shape[1])
        if x.device != self.e2m1.device:
            raise TypeError(
                f"x must be on {self.e2m1.device}, as the layer, but is on "
                f"{x.device}"
            )
        return torch.ops.fp4q.linear(
            x,
            self.e2m1,
            self.scale_quant,
            self.weight_global_scale,
            None if self._is_dynamic else self.activation_global_scale,
            self.activation_scale_scale,
            self.transform,
            self.bias,
            self.quant_backend,
            self.matmul_backend,
        )

    def prepare(self, dtype: torch.dtype) -> None:
        """Compiles the layer for x of this type, rather than on first use."""
        prepare(*self._kind(dtype))

    def mlir(self, dtype: torch.dtype) -> str:
        """The module that computes the layer for x of this type."""
        return mlir(*self._kind(dtype))

    def _kind(self, dtype: torch.dtype) -> tuple:
        """All that the compiled code depends on."""
        return (
            torch.empty(0, dtype=dtype, device=self.e2m1.device), self.e2m1,
            self.scale_quant,
            None if self._is_dynamic else self.activation_global_scale,
            self.transform, self.bias, self.quant_backend, self.matmul_backend,
        )  # fmt: skip

    def set_activation_global_scale(self, value: Any) -> None:
        """Sets the constant, or "dynamic"."""
        self._is_dynamic = isinstance(value, str) and value == "dynamic"
        new = torch.zeros(())
        if not self._is_dynamic:
            new = _scalar(value, "activation_global_scale", None)
        self.activation_global_scale = new.to(
            self.activation_global_scale.device
        )

    def extra_repr(self) -> str:
        if self.e2m1 is None:
            return "empty"
        return (
            f"in_features={self.in_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}, "
            f"format={self.format}, group_size={self.group_size}"
        )

    # --- types, devices and checkpoints -----------------------------------------

    def _apply(self, fn: Any, recurse: bool = True) -> QuantLinear:
        """Hides from .to(dtype) what has its bits for good."""
        dtypes = {}
        for name, integer in _FIXED.items():
            tensor = self._buffers[name]
            if tensor is not None:
                dtypes[name] = tensor.dtype
                self._buffers[name] = tensor.view(integer)
        try:
            return super()._apply(fn, recurse)
        finally:
            for name, dtype in dtypes.items():
                self._buffers[name] = self._buffers[name].view(dtype)

    def __getstate__(self) -> dict[str, Any]:
        # Pickle loses the type of f8 tensors in torch 2.13.
        state = dict(self.__dict__)
        if self.scale_quant is not None:
            state["_buffers"] = dict(self._buffers)
            state["_buffers"]["scale_quant"] = self.scale_quant.view(
                torch.uint8
            )
            state["_scale_dtype"] = self.scale_quant.dtype
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        dtype = state.pop("_scale_dtype", None)
        super().__setstate__(state)
        if dtype is not None:
            self._buffers["scale_quant"] = self._buffers["scale_quant"].view(
                dtype
            )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs,
    ):  # fmt: skip
        """Takes shapes and types from the checkpoint. Nothing is taken from one
        that is not complete or does not fit together."""
        found = {}
        for name in _NAMES:
            if prefix + name in state_dict:
                found[name] = state_dict[prefix + name]
            elif name not in _OPTIONAL or self._buffers[name] is not None:
                missing_keys.append(prefix + name)
        if strict:
            unexpected_keys += [
                key
                for key in state_dict
                if key.startswith(prefix) and key[len(prefix) :] not in _NAMES
            ]
        if any(n not in found for n in _NAMES if n not in _OPTIONAL):
            return
        if "scale_quant" in found and found["scale_quant"].dtype == torch.uint8:
            raise TypeError(
                f"{prefix}scale_quant is uint8, which does not say the format; "
                "view it as torch.float8_e8m0fnu or torch.float8_e4m3fn"
            )
        _check_quantized(
            found["e2m1"], found["scale_quant"], prefix=prefix, look=True
        )
        columns = 2 * found["e2m1"].shape[1]
        if "transform" in found:
            _ops.check_transform(found["transform"], columns)
        if "bias" in found and tuple(found["bias"].shape) != (
            found["e2m1"].shape[0],
        ):
            raise ValueError(
                f"{prefix}bias must have shape ({found['e2m1'].shape[0]},), "
                f"but has {tuple(found['bias'].shape)}"
            )
        for name in ("weight_global_scale", "activation_scale_scale"):
            _check_scalar(found[name], prefix + name)
        activation = found["activation_global_scale"]
        is_dynamic = not activation.is_meta and bool(activation == 0)
        if not is_dynamic:
            _check_scalar(activation, f"{prefix}activation_global_scale")
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in found.items():
            self._buffers[name] = _loaded(self._buffers[name], tensor, assign)
        self._is_dynamic = is_dynamic


def _place(
    tensor: Any, argument: str, device: Any, dtype: torch.dtype | None = None
) -> torch.Tensor:
    if not torch.is_tensor(tensor):
        raise TypeError(
            f"{argument} must be a tensor, but got {type(tensor).__name__}"
        )
    if dtype is not None or argument in ("transform", "bias"):
        name = str(dtype or tensor.dtype).rpartition(".")[2]
        _arrays.parse_float(name, f"the type of {argument}")
    return tensor.detach().to(device=device, dtype=dtype).contiguous()


def _check_quantized(
    e2m1: torch.Tensor,
    scale_quant: torch.Tensor,
    scale_dtype: torch.dtype | None = None,
    prefix: str = "",
    look: bool = False,
) -> None:
    """Raises unless these are the codes and scales of one matrix. NaN scales
    are refused if `look`: no quantizer writes them for finite weights."""
    if e2m1.dtype != torch.uint8 or e2m1.ndim != 2:
        raise TypeError(
            f"{prefix}e2m1 must be uint8 of rank 2, but is {e2m1.dtype} of "
            f"rank {e2m1.ndim}"
        )
    if scale_quant.dtype not in KINDS or scale_dtype not in (
        None,
        scale_quant.dtype,
    ):
        wanted = scale_dtype or "torch.float8_e8m0fnu or torch.float8_e4m3fn"
        raise TypeError(
            f"{prefix}scale_quant must be {wanted}, but is {scale_quant.dtype}"
        )
    outputs, columns = e2m1.shape[0], 2 * e2m1.shape[1]
    groups = scale_quant.shape[1] if scale_quant.ndim == 2 else 0
    if (
        scale_quant.ndim != 2
        or scale_quant.shape[0] != outputs
        or groups == 0
        or columns % groups
        or columns // groups not in (2, 4, 8, 16, 32, 64, 128)
    ):
        raise ValueError(
            f"{prefix}scale_quant must be ({outputs}, {columns}/G) for a power "
            f"of two G from 2 to 128, but is {tuple(scale_quant.shape)}"
        )
    if look and not scale_quant.is_meta:
        bytes_ = scale_quant.view(torch.uint8)
        if scale_quant.dtype == torch.float8_e4m3fn:
            bytes_ = bytes_ & 0x7F
        nan = 0x7F if scale_quant.dtype == torch.float8_e4m3fn else 0xFF
        count = int((bytes_ == nan).sum())
        if count:
            raise ValueError(
                f"{prefix}scale_quant has {count} NaN scales: the checkpoint "
                "is damaged"
            )


def _check_scalar(tensor: torch.Tensor, key: str) -> None:
    if tensor.numel() != 1:
        raise ValueError(f"{key} must be one number, but has {tensor.numel()}")
    if not tensor.is_meta:
        _ops.check_scale(float(tensor), key)


def _loaded(
    old: torch.Tensor | None, new: torch.Tensor, assign: bool
) -> torch.Tensor:
    """What a buffer is after loading: on the device where it was."""
    new = new.detach()
    if assign or old is None or old.is_meta:
        return new if assign else new.clone()
    if old.shape == new.shape and old.dtype == new.dtype:
        with torch.no_grad():
            old.copy_(new)
        return old
    return new.to(old.device, copy=True)
