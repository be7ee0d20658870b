# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An independent oracle of docs/numerics.md in numpy and ml_dtypes.

It shares no code and no constant table with lib/Numerics: element and scale
types are the ones of ml_dtypes, all arithmetic is numpy's IEEE f32. Where
ml_dtypes differs from the law, the operand is adjusted before the cast:

  f32 -> float4_e2m1fn    agrees on every finite value and on +-Inf; a NaN has
                          code 8 there and code 7 in the law.
  f32 -> float8_e8m0fnu   agrees from 2^-126 up to 1.5 * 2^127 (exclusive);
                          above it, and for 0 and negative values, NaN there,
                          byte 254 or 0 in the law. Everything between 2^-127
                          and 2^-126 gives byte 1 there, so that range is cast
                          at twice its value.
  f32 -> float8_e4m3fn    agrees up to 464; above it is NaN there and saturates
                          in the law; the law's only NaN is 0x7F.
  f32 -> bfloat16         agrees (nearest even, subnormals kept).
  decoding                agrees for all bytes of all types.

Arrays keep their logical shape: x (..., K), codes (..., K/2) uint8, scales
(..., K/G) uint8. `kind` is "e8m0" or "e4m3". Transforms and products are in
fp4q_oracle_products.py.
"""

import functools

import ml_dtypes
import numpy as np

BF16 = np.dtype(ml_dtypes.bfloat16)
F16 = np.dtype(np.float16)
F32 = np.dtype(np.float32)
_E2M1 = np.dtype(ml_dtypes.float4_e2m1fn)
_SCALES = {
    "e8m0": np.dtype(ml_dtypes.float8_e8m0fnu),
    "e4m3": np.dtype(ml_dtypes.float8_e4m3fn),
}


def _ieee(function):
    """Runs `function` without numpy's warnings: Inf and NaN are wanted."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return wrapped


# --- codecs -----------------------------------------------------------------


@_ieee
def encode_e2m1(t):
    """f32 -> code: nearest, ties to even, saturating; NaN gives 7."""
    t = np.asarray(t, np.float32)
    codes = t.astype(_E2M1).view(np.uint8)
    return np.where(np.isnan(t), np.uint8(7), codes)


def decode_e2m1(codes):
    """code (0..15) -> f32, exact."""
    return np.asarray(codes, np.uint8).view(_E2M1).astype(np.float32)


@_ieee
def encode_scale(s, kind):
    """f32 -> scale byte, saturating; NaN gives 255 (e8m0) or 0x7F (e4m3)."""
    s = np.asarray(s, np.float32)
    if kind == "e8m0":
        low, high = np.float32(2.0**-127), np.float32(2.0**127)
    else:
        low, high = np.float32(-448), np.float32(448)
    # fmin and fmax drop the NaNs, which are put back below.
    clipped = np.fmin(np.fmax(s, low), high)
    bytes_ = clipped.astype(_SCALES[kind]).view(np.uint8)
    if kind == "e8m0":
        doubled = (2 * clipped).astype(_SCALES[kind]).view(np.uint8)
        bytes_ = np.where(clipped < 2.0**-126, doubled - 1, bytes_)
    return np.where(np.isnan(s), nan_byte(kind), bytes_)


def nan_byte(kind):
    """The byte that a NaN is encoded to."""
    return np.uint8(0xFF if kind == "e8m0" else 0x7F)


def decode_scale(scales, kind):
    """scale byte -> f32, exact; bit 7 of an e4m3 byte is its sign."""
    scales = np.ascontiguousarray(scales, np.uint8)
    return scales.view(_SCALES[kind]).astype(np.float32)


def pack(codes):
    """codes (..., K) -> bytes (..., K/2), the even element in bits 0-3."""
    return (codes[..., 0::2] | (codes[..., 1::2] << 4)).astype(np.uint8)


def unpack(packed):
    """bytes (..., K/2) -> codes (..., K)."""
    packed = np.asarray(packed, np.uint8)
    pairs = np.stack([packed & 15, packed >> 4], axis=-1)
    return pairs.reshape(*packed.shape[:-1], 2 * packed.shape[-1])


def _f32(x):
    """Widens an input of type bf16, f16 or f32 exactly."""
    assert x.dtype in (BF16, F16, F32), x.dtype
    return x.astype(np.float32)


def _grouped(x, group):
    """(..., K) -> (..., K/G, G)."""
    assert x.shape[-1] % group == 0
    return x.reshape(*x.shape[:-1], x.shape[-1] // group, group)


# --- quantize and dequantize ------------------------------------------------


@_ieee
def quantize(x, group, kind, gs=1.0, ss=1.0):
    """Steps 1 to 5: x (..., K) -> codes (..., K/2), scales (..., K/G)."""
    gs, ss = np.float32(gs), np.float32(ss)
    # np.max hands a NaN of the group on.
    amax = np.max(np.abs(_grouped(_f32(x), group)), axis=-1)
    scales = encode_scale(amax / (ss * gs), kind)
    return quantize_given(x, scales, kind, gs), scales


@_ieee
def quantize_given(x, scales, kind, gs=1.0):
    """Steps 4 and 5 with the given bytes; a NaN byte gives codes 7."""
    values = _f32(x)
    group = x.shape[-1] // scales.shape[-1]
    d = decode_scale(scales, kind) * np.float32(gs)
    t = _grouped(values, group) / d[..., None]
    return pack(encode_e2m1(t).reshape(x.shape))


@_ieee
def global_scale(x):
    """amax / 2688 in f32; 1 for an all-zero or empty tensor; NaN spreads."""
    amax = np.max(np.abs(_f32(x)), initial=np.float32(0))
    return np.float32(1) if amax == 0 else np.float32(amax / np.float32(2688))


@_ieee
def dequant(codes, scales, kind, gs=1.0, divide=False, dtype=F32):
    """codes, scales -> (..., K) of type dtype, rounded once from f32."""
    elements = decode_e2m1(unpack(codes))
    q, gs = decode_scale(scales, kind), np.float32(gs)
    d = q / gs if divide else q * gs
    group = elements.shape[-1] // scales.shape[-1]
    values = _grouped(elements, group) * d[..., None]
    return values.reshape(elements.shape).astype(dtype)


# --- scale layout -----------------------------------------------------------


def _swap_tile_axes(tiles):
    """Exchanges (row tile, a, b, column tile, c) with (row tile, column tile,
    b, a, c) in the last five axes; the exchange is its own inverse."""
    lead = tuple(range(tiles.ndim - 5))
    last = tuple(tiles.ndim - 5 + axis for axis in (0, 3, 2, 1, 4))
    return np.ascontiguousarray(tiles.transpose(lead + last))


def swizzle(scales):
    """(..., rows, cols) -> (..., ceil(rows/128), ceil(cols/4), 512)."""
    *lead, rows, cols = scales.shape
    row_tiles, col_tiles = -(-rows // 128), -(-cols // 4)
    padded = np.zeros((*lead, row_tiles * 128, col_tiles * 4), np.uint8)
    padded[..., :rows, :cols] = scales
    # Row 32 * a + b, column c of a tile goes to byte 16 * b + 4 * a + c.
    tiles = padded.reshape(*lead, row_tiles, 4, 32, col_tiles, 4)
    return _swap_tile_axes(tiles).reshape(*lead, row_tiles, col_tiles, 512)


def pack_weights(codes):
    """(..., rows, bytes) -> (..., ceil(rows/16), ceil(bytes/4), 64)."""
    *lead, rows, cols = codes.shape
    row_tiles, col_tiles = -(-rows // 16), -(-cols // 4)
    padded = np.zeros((*lead, row_tiles * 16, col_tiles * 4), np.uint8)
    padded[..., :rows, :cols] = codes
    tiles = padded.reshape(*lead, row_tiles, 16, col_tiles, 4)
    return tiles.swapaxes(-3, -2).reshape(*lead, row_tiles, col_tiles, 64)


def unpack_weights(packed, rows, cols):
    """The inverse of pack_weights for the given logical rows and bytes."""
    *lead, row_tiles, col_tiles, _ = packed.shape
    tiles = packed.reshape(*lead, row_tiles, col_tiles, 16, 4).swapaxes(-3, -2)
    flat = tiles.reshape(*lead, row_tiles * 16, col_tiles * 4)
    return np.ascontiguousarray(flat[..., :rows, :cols])


def unswizzle(swizzled, rows, cols):
    """The inverse of swizzle for the given logical rows and columns."""
    *lead, row_tiles, col_tiles, _ = swizzled.shape
    tiles = swizzled.reshape(*lead, row_tiles, col_tiles, 32, 4, 4)
    flat = _swap_tile_axes(tiles).reshape(*lead, row_tiles * 128, col_tiles * 4)
    return np.ascontiguousarray(flat[..., :rows, :cols])
