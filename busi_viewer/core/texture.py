"""How an image is made, in a few numbers: brightness, flatness, fineness and direction of its texture.

Breast ultrasound has speckle that is wider than high, grows darker with depth and has hardly two equal neighbours;
photographs, documents, screenshots and tomograms differ in one or more of these. The input guard reads the numbers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

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
    small = np.asarray(
        cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8
    )
    image = small.astype(np.float32) / np.float32(255.0)
    across, down = cv2.absdiff(image[:, 1:], image[:, :-1]), cv2.absdiff(image[1:], image[:-1])
    mean, spread = (float(v.item()) / 255.0 for v in cv2.meanStdDev(small))
    third_y, third_x = image.shape[0] // 3, image.shape[1] // 3
    tiny = 0.01
    rough = cv2.subtract(image, cv2.blur(image, (3, 3)))
    square = cv2.multiply(rough, rough)
    shown = small > 8
    even = (np.abs(rough) < 0.003) & shown
    lit = int(np.count_nonzero(shown))
    return np.array(
        [
            mean,
            spread,
            1.0 - lit / small.size,
            np.count_nonzero(small >= 248) / small.size,
            np.count_nonzero(even) / lit if lit else 1.0,
            np.log((_mean(small[:third_y]) + tiny) / (_mean(small[-third_y:]) + tiny)),
            np.log((_mean(small[:, :third_x]) + tiny) / (_mean(small[:, -third_x:]) + tiny)),
            np.log((cv2.mean(across)[0] + 1e-3) / (cv2.mean(down)[0] + 1e-3)),
            *np.log((_bands(image) + 1e-3) / (spread + tiny)),
            np.log1p(cv2.mean(cv2.multiply(square, square))[0] / (cv2.mean(square)[0] + 1e-6) ** 2),
            _steps(cv2.reduce(down, 1, cv2.REDUCE_AVG)),
            _steps(cv2.reduce(across, 0, cv2.REDUCE_AVG)),
        ]
    )


def _mean(part: NDArray[np.uint8]) -> float:
    """Mean brightness in [0, 1]."""
    return float(cv2.mean(part)[0]) / 255.0


def _trimmed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame without its black margins; whole where everything is black."""
    lit = grey > 12
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if len(rows) < 2 or len(columns) < 2:
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _bands(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Standard deviations of the differences of Gaussians at 1, 2 and 4 pixels."""
    blurred = [image, *(cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (1.0, 2.0, 4.0))]
    return np.array([cv2.meanStdDev(cv2.subtract(a, b))[1].item() for a, b in pairwise(blurred)])


def _steps(profile: NDArray[Any]) -> float:
    """How far the sharpest line stands out of the mean change from line to line (log)."""
    return float(np.log((profile.max() + 1e-3) / (profile.mean() + 1e-3)))
