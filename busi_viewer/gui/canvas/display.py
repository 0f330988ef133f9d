"""Pixels as shown: grey window, inversion, and the visible part scaled to the screen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Pixels
from busi_viewer.gui.camera import Camera


def table(depth: int, window: tuple[float, float], inverted: bool, gamma: float = 1.0) -> NDArray[np.uint8]:
    """Look-up table of ``depth`` entries: ``window`` (low, high) goes to 0…255, or to 255…0 when inverted.

    Between the ends a share s is shown as s ** (1 / gamma).
    """
    low, high = window
    ramp = np.clip((np.arange(depth, dtype=np.float32) - low) / max(high - low, 1e-6), 0.0, 1.0)
    if gamma != 1.0:
        ramp = ramp ** np.float32(1.0 / gamma)
    values = np.rint(ramp * 255.0).astype(np.uint8)
    return np.asarray(255 - values if inverted else values, dtype=np.uint8)


def shown(pixels: Pixels, window: tuple[float, float], inverted: bool = False, gamma: float = 1.0) -> NDArray[np.uint8]:
    """A frame, (H, W) uint8 / uint16 or (H, W, 3) uint8, as 8 bits for the screen; the same shape."""
    if pixels.dtype == np.uint8:
        if window == (0.0, 255.0) and not inverted and gamma == 1.0:
            return np.asarray(pixels, dtype=np.uint8)
        return np.asarray(cv2.LUT(pixels, table(256, window, inverted, gamma)), dtype=np.uint8)
    return table(65536, window, inverted, gamma)[pixels]


def halved(image: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """The image halved, by averaging, as often as a ``zoom`` (device px per image px) below 1:2 allows."""
    while zoom <= 0.5 and min(image.shape[:2]) >= 2:
        size = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        zoom *= 2.0
    return image


def resampled(
    image: NDArray[np.uint8], camera: Camera, ratio: float, smooth: bool
) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    """The visible part of the image in device pixels, and its left top corner there; None if nothing is visible.

    ``ratio`` is device px per logical px. ``image`` may be a halved copy of the one the camera looks at. This is several
    times faster than Qt's own scaling, and done once for a camera, not at every repaint.
    """
    rect = camera.image_rect()
    x0, y0 = max(round(rect.left() * ratio), 0), max(round(rect.top() * ratio), 0)
    x1 = min(round(rect.right() * ratio), round(camera.view[0] * ratio))
    y1 = min(round(rect.bottom() * ratio), round(camera.view[1] * ratio))
    if x1 <= x0 or y1 <= y0:
        return None
    x, y = camera.to_image((x0 + 0.5) / ratio, (y0 + 0.5) / ratio)
    sx, sy = image.shape[1] / camera.image[0], image.shape[0] / camera.image[1]
    dx, dy = sx / (camera.scale * ratio), sy / (camera.scale * camera.aspect * ratio)
    a, b, c, d = camera.orientation.matrix
    matrix = np.array([[a * dx, c * dx, (x + 0.5) * sx - 0.5], [b * dy, d * dy, (y + 0.5) * sy - 0.5]])
    how = (cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image, matrix, (x1 - x0, y1 - y0), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8), (x0, y0)


def value_text(pixels: Pixels, x: int, y: int) -> str:
    """The pixel's value in words: ``87`` for grey, ``120 118 119`` for colour, empty outside."""
    if not (0 <= y < pixels.shape[0] and 0 <= x < pixels.shape[1]):
        return ""
    return " ".join(str(int(v)) for v in np.atleast_1d(pixels[y, x]))
