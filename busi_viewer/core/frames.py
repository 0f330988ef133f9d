"""Frames decoded when asked for, and the mapping of wide pixel values to 16 bits that every source shares."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Pixels

CACHE_BYTES = 96 * 2**20
"""Decoded frames kept in memory for each open file (at least one frame, whatever its size)."""


class LazyFrames:
    """Frames of one file behind a decoding function; the latest ones are kept. Safe to use from several threads.

    ``decode(index)`` returns one frame as :class:`~busi_viewer.core.image.Frames` describes it, and may raise
    UnreadableImage. ``first``, if given, is frame 0 already decoded.
    """

    def __init__(self, count: int, decode: Callable[[int], Pixels], first: Pixels | None = None) -> None:
        self._count = count
        self._decode = decode
        self._kept: OrderedDict[int, Pixels] = OrderedDict()
        self._lock = threading.Lock()
        if first is not None:
            self._keep(0, first)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int, /) -> Pixels:
        if not 0 <= index < self._count:
            raise IndexError(f"frame {index} of {self._count}")
        with self._lock:
            frame = self._kept.get(index)
            if frame is not None:
                self._kept.move_to_end(index)
                return frame
        frame = self._decode(index)
        self._keep(index, frame)
        return frame

    def _keep(self, index: int, frame: Pixels) -> None:
        frame.setflags(write=False)
        with self._lock:
            self._kept[index] = frame
            self._kept.move_to_end(index)
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > CACHE_BYTES:
                self._kept.popitem(last=False)


def value_range(values: NDArray[np.generic]) -> tuple[float, float]:
    """Smallest and largest finite value as floats; (0, 0) where there is none."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 0.0
    return float(values.min()), float(values.max())


def data_window(values: NDArray[np.generic]) -> tuple[float, float]:
    """The grey range (low, high) that shows all values; ``high`` is above ``low`` even for a constant image."""
    low, high = value_range(values)
    return low, high if high > low else low + 1.0


def scale_to_uint16(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint16]:
    """Map ``low``…``high`` linearly to 0…65535, clipped; what is not a number becomes 0."""
    span = max(high - low, np.finfo(np.float64).tiny)
    scaled = (values.astype(np.float64) - low) * (65535.0 / span)
    scaled = np.nan_to_num(scaled, nan=0.0, posinf=65535.0, neginf=0.0)
    return np.clip(np.rint(scaled), 0, 65535).astype(np.uint16)
