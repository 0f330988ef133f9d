"""Regions found from grey values: what a threshold admits, and what flows together from one pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask, Pixels
from busi_viewer.core.masks import fill_holes

Grey = NDArray[np.uint8]


def luminance(pixels: Pixels) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The grey values the reader sees under the mouse: (H, W) as stored; RGB as luminance (ITU-R BT.601)."""
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def within(pixels: Pixels, low: float, high: float) -> Mask:
    """Where the grey value lies in [low, high]. An empty range (low > high) admits nothing."""
    grey = luminance(pixels)
    return (grey >= low) & (grey <= high)


def grey_range(pixels: Pixels, mask: Mask, share: float = 0.96) -> tuple[int, int] | None:
    """The middle ``share`` of the grey values inside the mask as (low, high), or None for an empty mask."""
    values = luminance(pixels)[mask]
    if not values.size:
        return None
    rest = 50 * (1 - share)
    low, high = np.percentile(values, (rest, 100 - rest))
    return int(np.floor(low)), int(np.ceil(high))


def flood(grey: Grey, seed: tuple[float, float], tolerance: int, *, reach: int, calm: int = 0) -> Mask:
    """The 4-connected region around ``seed`` (x, y) whose grey differs from the seed's by at most ``tolerance``.

    ``reach`` bounds it to a disc of that radius in px; ``calm`` is the radius of a median filter against speckle (0 =
    none). Holes are filled. A seed outside the image gives an empty mask. ``grey`` is (H, W) uint8.
    """
    height, width = grey.shape
    x, y = round(seed[0]), round(seed[1])
    region = np.zeros(grey.shape, dtype=bool)
    if not (0 <= x < width and 0 <= y < height):
        return region
    wide = reach + calm + 1
    x0, y0, x1, y1 = max(x - wide, 0), max(y - wide, 0), min(x + wide + 1, width), min(y + wide + 1, height)
    part = np.ascontiguousarray(grey[y0:y1, x0:x1])
    if calm:
        part = np.asarray(cv2.medianBlur(part, 2 * calm + 1), dtype=np.uint8)
    rows, cols = np.ogrid[y0 - y : y1 - y, x0 - x : x1 - x]
    barred = np.pad((rows**2 + cols**2 > reach**2).astype(np.uint8), 1, constant_values=1)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (2 << 8)
    cv2.floodFill(part, barred, (x - x0, y - y0), 0, tolerance, tolerance, flags)
    region[y0:y1, x0:x1] = fill_holes(barred[1:-1, 1:-1] == 2)
    return region
