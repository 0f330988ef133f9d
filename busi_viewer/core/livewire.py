"""Livewire: paths that cling to edges (OpenCV's intelligent scissors).

Source: E. N. Mortensen, W. A. Barrett. Intelligent scissors for image composition. SIGGRAPH 1995, 191–198.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from busi_viewer.core.region import Grey

Path = list[tuple[float, float]]

SMALLEST = 8
"""Edge in px of the smallest image that has edges to cling to."""
CALM = 2.0
"""Standard deviation in px of the Gaussian that takes speckle off before edges are sought."""
CANNY = (20, 60)
GRADIENT_MOST = 100.0


class Livewire:
    """Paths from one anchor over a grey image (H, W) uint8.

    ``reach`` is how far in px from the anchor, in x and y, edges are followed: the cost of :meth:`anchor` grows with its
    square, whatever the size of the image. Beyond it a path goes on straight.
    """

    def __init__(self, grey: Grey, reach: int = 96) -> None:
        self._grey = grey
        self._reach = reach
        self._start = (0, 0)
        self._corner = (0, 0)
        self._size = (0, 0)
        self._wire: cv2.segmentation.IntelligentScissorsMB | None = None

    @property
    def start(self) -> tuple[int, int]:
        """Where paths begin (x, y)."""
        return self._start

    def anchor(self, x: float, y: float) -> None:
        """Let paths begin at the pixel nearest to (x, y) within the image."""
        height, width = self._grey.shape
        column, row = min(max(round(x), 0), width - 1), min(max(round(y), 0), height - 1)
        self._start = (column, row)
        x0, y0 = max(column - self._reach, 0), max(row - self._reach, 0)
        part = self._grey[y0 : row + self._reach + 1, x0 : column + self._reach + 1]
        self._corner, self._size = (x0, y0), (part.shape[1], part.shape[0])
        self._wire = None
        if min(part.shape) < SMALLEST:
            return
        wire = cv2.segmentation.IntelligentScissorsMB()
        wire.setEdgeFeatureCannyParameters(*CANNY)
        wire.setGradientMagnitudeMaxLimit(GRADIENT_MOST)
        wire.applyImage(cv2.GaussianBlur(np.ascontiguousarray(part), (0, 0), CALM))
        wire.buildMap((column - x0, row - y0))
        self._wire = wire

    def path_to(self, x: float, y: float) -> Path:
        """Pixels from the anchor to (x, y), both included; (x, y) may lie anywhere."""
        (x0, y0), (width, height) = self._corner, self._size
        inside = (min(max(round(x) - x0, 0), width - 1), min(max(round(y) - y0, 0), height - 1))
        end = (float(inside[0] + x0), float(inside[1] + y0))
        if self._wire is None:
            path = [(float(self._start[0]), float(self._start[1])), end]
        else:
            path = [(float(px + x0), float(py + y0)) for px, py in self._wire.getContour(inside)]
        if math.dist(end, (x, y)) > 1.0:
            path.append((x, y))
        return path


def thinned(points: Path, tolerance: float) -> Path:
    """An open or closed line with the points left out that lie within ``tolerance`` px of it (Douglas and Peucker, 1973)."""
    if len(points) < 3:
        return list(points)
    line = np.asarray(points, dtype=np.float32).reshape(-1, 1, 2)
    kept = cv2.approxPolyDP(line, tolerance, closed=False)[:, 0, :]
    return [(float(x), float(y)) for x, y in kept]
