"""What a descriptor's proposal was read from, drawn on the image: the band along the margin, the part behind the lesion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from busi_viewer.core.lexicon import ECHO, MARGIN, ORIENTATION, POSTERIOR, SHAPE, TITLES, Proposal
from busi_viewer.core.measure import Lesion
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas.axes import length_text
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.tag import Tag, tag_size

COLOUR = "#E7EAEE"
TINT = 46
"""Alpha of areas, of 255."""
ARROW = 5.0
EDGE = 10.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """A proposal and the lesion that it is about."""

    lesion: Lesion
    proposal: Proposal


def caption(evidence: Evidence) -> str:
    """What is drawn, and what it spoke for: ``Margin: circumscribed (margin sharp all round)``."""
    proposal = evidence.proposal
    words = f"{tr(TITLES[proposal.name])}: {tr(proposal.word)}"
    if proposal.name == ORIENTATION:
        return f"{words} ({tr('width against AP')})"
    return f"{words} ({'; '.join(map(said, proposal.evidence[:2]))})" if proposal.evidence else words


def paint(painter: QPainter, camera: Camera, evidence: Evidence) -> None:
    """Draw it, in the view's logical px."""
    lesion, proposal = evidence.lesion, evidence.proposal
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    outline = _closed(camera, lesion.contour.astype(np.float64))
    if proposal.name == ORIENTATION:
        _paint_extents(painter, camera, lesion)
    elif proposal.name == SHAPE:
        hull = cv2.convexHull(lesion.contour.reshape(-1, 1, 2))[:, 0, :].astype(np.float64)
        _fill(painter, _closed(camera, hull).subtracted(outline))
        _line(painter, _closed(camera, hull), dashed=True)
    elif proposal.name == MARGIN and proposal.rim_px is not None:
        _fill(painter, _band(camera, lesion, proposal.rim_px))
    elif proposal.name == ECHO:
        _fill(painter, outline)
    elif proposal.name == POSTERIOR and proposal.box is not None:
        x, y, w, h = proposal.box
        behind = QPainterPath()
        behind.addRect(camera.box_rect((x, y, x + w, y + h)))
        _fill(painter, behind)
        _line(painter, behind, dashed=True)
    words = caption(evidence)
    size = tag_size(words)
    box = outline.boundingRect()
    left = min(max(box.center().x() - size.width() / 2, EDGE), max(camera.view[0] - size.width() - EDGE, EDGE))
    top = max(box.top() - size.height() - 5 * EDGE, 4.5 * EDGE)
    Tag.at(words, QPointF(left, top), COLOUR).paint(painter)
    painter.restore()


def _closed(camera: Camera, points: NDArray[np.float64]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([camera.to_screen(float(x), float(y)) for x, y in points]))
    path.closeSubpath()
    return path


def _band(camera: Camera, lesion: Lesion, rim_px: float) -> QPainterPath:
    """The band ``rim_px`` wide along the outline, half inside and half out, as a path of the screen."""
    reach = rim_px / 2
    margin = int(np.ceil(reach)) + 2
    x, y, w, h = lesion.bbox
    mask = np.zeros((h + 2 * margin, w + 2 * margin), np.uint8)
    corner = np.array([x - margin, y - margin])
    cv2.fillPoly(mask, [(lesion.contour - corner).reshape(-1, 1, 2)], 1)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5) <= reach
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5) > reach
    path = QPainterPath()
    for part, sign in ((outside, 1), (inside, -1)):
        rings, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for ring in rings:
            if len(ring) > 2:
                shape = _closed(camera, (ring[:, 0, :] + corner).astype(np.float64))
                path = path.united(shape) if sign > 0 else path.subtracted(shape)
    return path


def _paint_extents(painter: QPainter, camera: Camera, lesion: Lesion) -> None:
    """Width below the lesion and AP (depth) at its right, as lines between its extremes."""
    x, y, w, h = lesion.bbox
    left, right, top, bottom = x - 0.5, x + w - 0.5, y - 0.5, y + h - 0.5
    frame = QPainterPath()
    frame.addPolygon(
        QPolygonF(
            [camera.to_screen(*corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
        )
    )
    frame.closeSubpath()
    _line(painter, frame, dashed=True)
    for ends, letter, px, mm in (
        (((left, bottom), (right, bottom)), tr("Width"), lesion.width_px, lesion.width_mm),
        (((right, top), (right, bottom)), "AP", lesion.ap_px, lesion.ap_mm),
    ):
        a, b = (camera.to_screen(*end) for end in ends)
        path = QPainterPath(a)
        path.lineTo(b)
        _line(painter, path)
        words = length_text(letter, px, mm)
        middle, size = QLineF(a, b).pointAt(0.5), tag_size(words)
        across = abs(a.x() - b.x()) > abs(a.y() - b.y())
        shift = QPointF(-size.width() / 2, ARROW) if across else QPointF(ARROW, -size.height() / 2)
        Tag.at(words, _within(middle + shift, QRectF(QPointF(0, 0), size), camera), COLOUR).paint(painter)


def _within(corner: QPointF, size: QRectF, camera: Camera) -> QPointF:
    return QPointF(
        min(max(corner.x(), EDGE), camera.view[0] - size.width() - EDGE),
        min(max(corner.y(), EDGE), camera.view[1] - size.height() - EDGE),
    )


def _fill(painter: QPainter, path: QPainterPath) -> None:
    tint = QColor(COLOUR)
    tint.setAlpha(TINT)
    painter.fillPath(path, tint)
    _line(painter, path)


def _line(painter: QPainter, path: QPainterPath, *, dashed: bool = False) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 153), 2.8), (QColor(COLOUR), 1.2)):
        pen = QPen(colour, width)
        if dashed and width < 2:
            pen.setDashPattern([4.0, 3.0])
        painter.setPen(pen)
        painter.drawPath(path)
