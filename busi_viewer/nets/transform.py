"""From a native frame to the network's square input, and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Letterbox:
    """How a (height, width) frame sits in a ``size`` × ``size`` input: scaled to fit, centred, padded with black.

    ``box`` is the half-open (x0, y0, x1, y1) of the frame inside the input.
    """

    size: int
    native: tuple[int, int]
    box: tuple[int, int, int, int]

    @classmethod
    def fit(cls, native: tuple[int, int], size: int) -> Letterbox:
        """The letterbox of a (height, width) frame."""
        height, width = native
        scale = size / max(height, width)
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        x0, y0 = (size - w) // 2, (size - h) // 2
        return cls(size, native, (x0, y0, x0 + w, y0 + h))

    def forward(self, image: NDArray[np.uint8], *, nearest: bool = False) -> NDArray[np.uint8]:
        """A (H, W) uint8 image as (size, size) uint8; area-averaged when shrinking, or nearest for label images."""
        x0, y0, x1, y1 = self.box
        shrinking = image.shape[0] > y1 - y0
        method = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        out = np.zeros((self.size, self.size), dtype=np.uint8)
        out[y0:y1, x0:x1] = cv2.resize(image, (x1 - x0, y1 - y0), interpolation=method)
        return out

    def back(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A (size, size) float map as (H, W) float32 at native size (bilinear), the padding cut off."""
        x0, y0, x1, y1 = self.box
        height, width = self.native
        inner = np.ascontiguousarray(values[y0:y1, x0:x1], dtype=np.float32)
        return np.asarray(cv2.resize(inner, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def back_coarse(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A coarse (n, n) map that covers the whole input, as (H, W) float32 at native size."""
        full = cv2.resize(values.astype(np.float32), (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return self.back(np.asarray(full, dtype=np.float32))


def scaled(x: Tensor, size: int) -> Tensor:
    """(N, C, S, S) at ``size`` pixels: area-averaged when shrinking, bilinear when enlarging.

    As two matrix products: they say the same as ``interpolate`` with ``antialias``, which takes ten times as long in OpenVINO.
    """
    import torch

    side = int(x.shape[-1])
    if side == size:
        return x
    rows = torch.from_numpy(_averaging(side, size)).to(x)
    with torch.autocast(x.device.type, enabled=False):
        return rows @ x @ rows.T


@cache
def _averaging(side: int, size: int) -> NDArray[np.float32]:
    """The weights (size, side) with which each of ``size`` pixels averages ``side``: a triangle as wide as two of the coarser.

    Worked out without torch, so that they are a constant to whoever traces the network.
    """
    scale = side / size
    centres = (np.arange(size) + 0.5) * scale
    distance = np.abs(np.arange(side) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = np.clip(1.0 - distance, 0.0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
