"""Outlines of a mask as painter paths: traced, slightly smoothed, one path for each lesion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pyqtgraph import functions
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box
from busi_viewer.gui.theme import LESION_COLOURS

WIDTH, CASING = 1.8, 3.8
FILL = 0.10
BAND, BAND_OVER_HEAT = 0.22, 0.12
"""Opacity of the uncertainty band, and over a heatmap."""
DASH = (3.2, 1.9)
"""Dash and gap in pen widths."""
SMOOTHING = 5
"""Contour points averaged: moves the line by less than a pixel, and takes the stair steps off it."""


@dataclass(frozen=True)
class Outline:
    """One lesion: its closed path with holes, in image positions; ``rank`` 0 = the largest, which gives the colour."""

    path: QPainterPath
    rank: int

    @property
    def colour(self) -> QColor:
        """The lesion's colour."""
        return QColor(LESION_COLOURS[self.rank % len(LESION_COLOURS)])


def trace(mask: Mask, box: Box | None = None) -> tuple[Outline, ...]:
    """Outlines of every lesion; their order depends on their places only. ``box`` must hold every set pixel; it saves time.

    Ranks follow :func:`busi_viewer.core.masks.components`: largest area first.
    """
    x0, y0, x1, y1 = box or (0, 0, mask.shape[1], mask.shape[0])
    part = np.ascontiguousarray(mask[y0:y1, x0:x1]).view(np.uint8)
    if not part.size:
        return ()
    contours, tree = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(x0, y0))
    if not contours:
        return ()
    outer = [i for i, links in enumerate(tree[0]) if links[3] < 0]
    ranks = _ranks(part, [contours[i][0, 0] - (x0, y0) for i in outer])
    outlines = []
    for i, rank in zip(outer, ranks, strict=True):
        path = QPainterPath()
        _add(path, np.asarray(contours[i][:, 0, :], dtype=np.int32))
        hole = int(tree[0][i][2])
        while hole >= 0:
            _add(path, np.asarray(contours[hole][:, 0, :], dtype=np.int32))
            hole = int(tree[0][hole][0])
        outlines.append(Outline(path, rank))
    return tuple(outlines)


def enclosed(rings: tuple[NDArray[np.int32], ...]) -> QPainterPath:
    """What closed rings (N, 2) enclose, by the even-odd rule, with smoothed edges."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    for ring in rings:
        _add(path, ring)
    return path


def paint_band(painter: QPainter, band: QPainterPath, transform: QTransform, *, heated: bool) -> None:
    """Tint the uncertainty band in the colour of lesion 1, without a line."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    tint = QColor(LESION_COLOURS[0])
    tint.setAlphaF(BAND_OVER_HEAT if heated else BAND)
    painter.fillPath(transform.map(band), tint)
    painter.restore()


def _ranks(part: NDArray[np.uint8], seeds: list[NDArray[np.int32]]) -> list[int]:
    """Place of each seed's component when ordered by area."""
    if len(seeds) == 1:
        return [0]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    order = sorted(range(1, count), key=lambda i: -int(stats[i, cv2.CC_STAT_AREA]))
    place = {label: rank for rank, label in enumerate(order)}
    return [place[int(labels[y, x])] for x, y in seeds]


def _add(path: QPainterPath, points: NDArray[np.int32]) -> None:
    """Add one closed contour (N, 2), smoothed; a shape too thin to have an inside becomes its bounding box."""
    spread = np.ptp(points, axis=0)
    if len(points) < 3 or spread.min() < 1:
        x, y = (float(v) - 0.5 for v in points.min(axis=0))
        path.addRect(QRectF(x, y, float(spread[0]) + 1.0, float(spread[1]) + 1.0))
        return
    path.addPolygon(_polygon(_smoothed(points)))
    path.closeSubpath()


def _smoothed(points: NDArray[np.int32]) -> NDArray[np.float64]:
    """Moving average along the closed contour; short contours stay as they are."""
    closed = points.astype(np.float64)
    if len(closed) < 3 * SMOOTHING:
        return closed
    half = SMOOTHING // 2
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), closed[-half:], closed, closed[:half]]), axis=0)
    return np.asarray((sums[SMOOTHING:] - sums[:-SMOOTHING]) / SMOOTHING)


def _polygon(points: NDArray[np.float64]) -> QPolygonF:
    polygon: QPolygonF = functions.create_qpolygonf(len(points))
    functions.ndarray_from_qpolygonf(polygon)[:] = points
    return polygon


def paint(
    painter: QPainter,
    outlines: tuple[Outline, ...],
    transform: QTransform,
    *,
    dashed: bool,
    line: bool = True,
    fill: bool = False,
) -> None:
    """Draw outlines (dashed = proposed by AI, solid = reader) at a constant width on the screen."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for outline in outlines:
        path = transform.map(outline.path)
        colour = outline.colour
        if fill:
            tint = QColor(colour)
            tint.setAlphaF(FILL)
            painter.fillPath(path, tint)
        if line:
            stroke(painter, path, colour, dashed=dashed)
    painter.restore()


def stroke(painter: QPainter, path: QPainterPath, colour: QColor, *, dashed: bool, width: float = WIDTH) -> None:
    """One line in screen coordinates with its dark casing."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    casing = QPen(QColor(0, 0, 0, 153), width + CASING - WIDTH)
    casing.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(casing)
    painter.drawPath(path)
    pen = QPen(colour, width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashed:
        pen.setDashPattern(list(DASH))
    painter.setPen(pen)
    painter.drawPath(path)
