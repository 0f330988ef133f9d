"""Masks and heatmaps as bytes. Masks are kept without loss; a heatmap, smooth by its making, is kept small.

A packed mask is ``>II`` height and width, then zlib of the rows' bits, 8 pixels a byte, most significant bit first, the
pixels running on from row to row (``numpy.packbits`` of the flattened mask).
"""

from __future__ import annotations

import hashlib
import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import MAX_PIXELS, Mask

_SHAPE = struct.Struct(">II")
_HEAT_SIDE = 128
"""Longest side of a stored heatmap: several times that of the network's layer it comes from."""


def pack_mask(mask: Mask) -> bytes:
    """A mask (H, W) as bytes, without loss."""
    return _SHAPE.pack(*mask.shape) + zlib.compress(np.packbits(mask).tobytes(), 1)


def unpack_mask(data: bytes) -> Mask:
    """The mask (H, W) that :func:`pack_mask` was given. Raises ValueError for anything else."""
    shape = _shape(data)
    size = shape[0] * shape[1]
    bits = _inflate(data, (size + 7) // 8)
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=size).astype(bool).reshape(shape)


def mask_digest(mask: Mask) -> str:
    """SHA-256 (hex) of a mask's shape and bits; independent of how it is compressed."""
    return hashlib.sha256(_SHAPE.pack(*mask.shape) + np.packbits(mask).tobytes()).hexdigest()


def pack_heat(values: NDArray[np.float32]) -> bytes:
    """A heatmap (H, W) in [0, 1] as bytes: at most 128 px a side, 8 bits a value."""
    height, width = values.shape
    scale = min(_HEAT_SIDE / max(height, width, 1), 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(np.asarray(values, np.float32), size, interpolation=cv2.INTER_AREA)
    grey = np.rint(np.clip(small, 0.0, 1.0) * 255.0).astype(np.uint8)
    return _SHAPE.pack(*grey.shape) + zlib.compress(grey.tobytes(), 6)


def unpack_heat(data: bytes, shape: tuple[int, int]) -> NDArray[np.float32]:
    """The heatmap at native ``shape`` (height, width), float32 in [0, 1]. Raises ValueError for bytes of another kind."""
    small_shape = _shape(data)
    grey = np.frombuffer(_inflate(data, small_shape[0] * small_shape[1]), np.uint8).reshape(small_shape)
    small = grey.astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _shape(data: bytes) -> tuple[int, int]:
    if len(data) < _SHAPE.size:
        raise ValueError("too short for a packed mask")
    height, width = _SHAPE.unpack_from(data)
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width} × {height} pixels are more than can be opened")
    return height, width


def _inflate(data: bytes, expected: int) -> bytes:
    """Unpack what follows the shape to exactly ``expected`` bytes; never more than that is unpacked."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(data[_SHAPE.size :], expected + 1)
    except zlib.error as error:
        raise ValueError("the packed pixels are damaged") from error
    if len(content) != expected or not unpacker.eof:
        raise ValueError("the packed pixels do not fill their shape")
    return content
