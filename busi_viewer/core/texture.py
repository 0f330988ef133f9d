"""How an image is made, in a few numbers: brightness, flatness, fineness and direction of its texture.

Breast ultrasound has speckle that is wider than high, grows darker with depth and has hardly two equal neighbours;
photographs, documents, screenshots and tomograms differ in one or more of these. The input guard reads the numbers.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Pixels, to_grey

SIDE = 256
NAMES = (
    "mean",
    "spread",
    "black",
    "white",
    "flat",
    "top_to_bottom",
    "left_to_right",
    "across_to_down",
    "fine",
    "middle",
    "coarse",
    "peaked",
    "row_steps",
    "column_steps",
)
"""The numbers of :func:`texture`, in order."""


def texture(frame: Pixels) -> NDArray[np.float64]:
    """The numbers NAMES (14,) of a frame, black margins cut off, at a longer side of SIDE pixels. All are finite."""
    grey = _trimmed(to_grey(frame))
    scale = SIDE / max(grey.shape)
    size = (max(16, round(grey.shape[1] * scale)), max(16, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    image = small.astype(np.float64) / 255.0
    across, down = np.abs(np.diff(image, axis=1)), np.abs(np.diff(image, axis=0))
    bands = _bands(image)
    third_y, third_x = image.shape[0] // 3, image.shape[1] // 3
    tiny = 0.01
    rough = image - cv2.blur(image, (3, 3))
    square = rough * rough
    shown = small > 8
    return np.array(
        [
            image.mean(),
            image.std(),
            (small <= 8).mean(),
            (small >= 248).mean(),
            float((np.abs(rough)[shown] < 0.003).mean()) if shown.any() else 1.0,
            np.log((image[:third_y].mean() + tiny) / (image[-third_y:].mean() + tiny)),
            np.log((image[:, :third_x].mean() + tiny) / (image[:, -third_x:].mean() + tiny)),
            np.log((across.mean() + 1e-3) / (down.mean() + 1e-3)),
            *np.log((bands + 1e-3) / (image.std() + tiny)),
            np.log1p(float((square * square).mean() / (float(square.mean()) + 1e-6) ** 2)),
            _steps(down.mean(axis=1)),
            _steps(across.mean(axis=0)),
        ]
    )


def _trimmed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame without its black margins; whole where everything is black."""
    lit = grey > 12
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if len(rows) < 2 or len(columns) < 2:
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _bands(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations of the differences of Gaussians at 1, 2 and 4 pixels."""
    blurred = [image, *(cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (1.0, 2.0, 4.0))]
    return np.array([float((a - b).std()) for a, b in pairwise(blurred)])


def _steps(profile: NDArray[np.float64]) -> float:
    """How far the sharpest line stands out of the mean change from line to line (log)."""
    return float(np.log((profile.max() + 1e-3) / (profile.mean() + 1e-3)))
