"""Small encoded pictures with outlines, to be kept by the thousand and shown on pages. numpy and cv2 only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask
from busi_viewer.core.render import LESION_COLOURS, Rgb, as_rgb, draw_outline, smooth

SIDE = 200
"""Longer side of a thumbnail in pixels."""
QUALITY = 82
"""JPEG quality: about 6 kB a thumbnail."""


def thumbnail(
    frame: NDArray[np.uint8], *, reader: Mask | None = None, model: Mask | None = None, side: int = SIDE
) -> bytes:
    """A JPEG of the 8-bit frame (H, W) or (H, W, 3) whose longer side is ``side`` pixels (smaller frames grow).

    Masks are (H, W) like the frame: the reader's is outlined solid, the model's dashed and in the second colour.
    """
    height, width = frame.shape[:2]
    scale = side / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    small = as_rgb(np.asarray(cv2.resize(frame, size, interpolation=how), dtype=np.uint8))
    for mask, colour, dashed in ((reader, LESION_COLOURS[0], False), (model, LESION_COLOURS[1], True)):
        if mask is not None and mask.any():
            _outline(small, mask, scale, colour, dashed)
    good, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not good:
        raise RuntimeError("OpenCV cannot write JPEG")
    return data.tobytes()


def _outline(image: Rgb, mask: Mask, scale: float, colour: tuple[int, int, int], dashed: bool) -> None:
    """Draw the boundaries of a mask of the full-size frame into its thumbnail, in place."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    paths = [(smooth(contour[:, 0, :]) + 0.5) * scale - 0.5 for contour in contours]
    draw_outline(image, paths, colour, dashed=dashed)
