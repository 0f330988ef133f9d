"""Outlines of a mask as painter paths: traced, slightly smoothed, one path for each lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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


CLIP_MARGIN = 8.0
"""Logical px around what is repainted in which a line is drawn too."""

Ring = NDArray[np.float64]
"""A closed line, (N, 2) positions x, y."""


@dataclass(frozen=True, eq=False)
class Outline:
    """One lesion: its closed lines, the outer one and those of holes, in image positions.

    ``rank`` 0 = the largest, which gives the colour.
    """

    rings: tuple[Ring, ...]
    rank: int

    @cached_property
    def path(self) -> QPainterPath:
        """The rings as one path."""
        return _closed(self.rings)

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
        rings = [_ring(np.asarray(contours[i][:, 0, :], dtype=np.int32))]
        hole = int(tree[0][i][2])
        while hole >= 0:
            rings.append(_ring(np.asarray(contours[hole][:, 0, :], dtype=np.int32)))
            hole = int(tree[0][hole][0])
        outlines.append(Outline(tuple(rings), rank))
    return tuple(outlines)


def enclosed(rings: tuple[NDArray[np.int32], ...]) -> QPainterPath:
    """What closed rings (N, 2) enclose, by the even-odd rule, with smoothed edges."""
    return _closed([_ring(ring) for ring in rings])


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


def _ring(points: NDArray[np.int32]) -> Ring:
    """One closed contour (N, 2), smoothed; a shape too thin to have an inside becomes its bounding box."""
    spread = np.ptp(points, axis=0)
    if len(points) < 3 or spread.min() < 1:
        x, y = points.min(axis=0) - 0.5
        right, bottom = points.max(axis=0) + 0.5
        return np.array([(x, y), (right, y), (right, bottom), (x, bottom)])
    return _smoothed(points)


def _closed(rings: Sequence[Ring]) -> QPainterPath:
    """What the rings enclose, by the even-odd rule."""
    path = QPainterPath()
    for ring in rings:
        path.addPolygon(_polygon(ring))
        path.closeSubpath()
    return path


def _on_screen(ring: Ring, transform: QTransform) -> tuple[Ring, float]:
    """The ring in screen coordinates, with no more points than the screen can show; and how far apart they lie at most."""
    scale = max(np.hypot(transform.m11(), transform.m12()), np.hypot(transform.m21(), transform.m22()))
    every = max(int(1.0 / scale), 1) if len(ring) >= 3 * SMOOTHING else 1
    x, y = ring[::every].T
    across = transform.m11() * x + transform.m21() * y + transform.dx()
    down = transform.m12() * x + transform.m22() * y + transform.dy()
    return np.stack([across, down], axis=1), 1.5 * scale * every


def _near(rings: Sequence[tuple[Ring, float]], clip: QRectF) -> QPainterPath:
    """The pieces of rings on the screen that lie in a rectangle or close to it; stroking them costs what is seen of them."""
    path = QPainterPath()
    for ring, apart in rings:
        reach = CLIP_MARGIN + apart
        wide = clip.adjusted(-reach, -reach, reach, reach)
        x, y = ring[:, 0], ring[:, 1]
        inside = (x >= wide.left()) & (x <= wide.right()) & (y >= wide.top()) & (y <= wide.bottom())
        if len(ring) < 3 * SMOOTHING or inside.all():
            path.addPolygon(_polygon(ring))
            path.closeSubpath()
            continue
        first = int(np.argmin(inside))  # begin outside, so that no piece goes round the end
        ring, inside = np.roll(ring, -first, axis=0), np.roll(inside, -first)
        places = np.flatnonzero(inside)
        for piece in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else ():
            path.addPolygon(_polygon(ring[piece[0] - 1 : piece[-1] + 2]))
    return path


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
    clip = painter.clipBoundingRect() if painter.hasClipping() and not dashed else None
    for outline in outlines:
        rings = [_on_screen(ring, transform) for ring in outline.rings]
        whole = _closed([ring for ring, _ in rings]) if fill or clip is None else QPainterPath()
        colour = outline.colour
        if fill:
            tint = QColor(colour)
            tint.setAlphaF(FILL)
            painter.fillPath(whole, tint)
        if line:
            stroke(painter, whole if clip is None else _near(rings, clip), colour, dashed=dashed)
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
