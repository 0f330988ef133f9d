"""Size marks of outlined lesions: long axis A with + ends, short axis B with × ends, names and sizes outside the lesion."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from busi_viewer.core.measure import Lesion, Point
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas.labels import around, beside, bounds, free
from busi_viewer.gui.language import tr
from busi_viewer.gui.outline import Outline
from busi_viewer.gui.tag import Tag, tag_size

COLOUR = "#FFE08A"
ARM = 6.0
"""Half the length of a cross in logical px."""
SHORTEST = 24.0
"""Lesions that look shorter than this many logical px get no axes."""
MOST = 3
"""Only so many lesions, the largest ones, get axes."""
NAMED = 16
"""Only so many get their name beside them."""


def length_text(letter: str, px: float, mm: float | None) -> str:
    """An axis' label: ``A 20.1 mm``, or ``A 151 px`` where the image is not calibrated."""
    return (
        tr("{letter} {px:.0f} px", letter=letter, px=px)
        if mm is None
        else tr("{letter} {mm:.1f} mm", letter=letter, mm=mm)
    )


def measurable(lesions: Sequence[Lesion], camera: Camera) -> list[Lesion]:
    """The lesions whose axes are drawn in this view."""
    return [lesion for lesion in lesions[:MOST] if lesion.long_axis_px * camera.scale >= SHORTEST]


def paint(painter: QPainter, camera: Camera, lesions: Sequence[Lesion]) -> None:
    """Draw the axes; the labels are :func:`tags`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for lesion in measurable(lesions, camera):
        for axis, diagonal in ((lesion.long_axis, False), (lesion.short_axis, True)):
            a, b = _ends(camera, axis)
            line, ends = QPainterPath(a), QPainterPath()
            line.lineTo(b)
            for end in (a, b):
                _cross(ends, end, diagonal)
            _draw(painter, line, QPen(QColor(0, 0, 0, 140), 2.6))
            dots = QPen(QColor(COLOUR), 1.3)
            dots.setDashPattern([1.3, 2.0])
            dots.setCapStyle(Qt.PenCapStyle.FlatCap)
            _draw(painter, line, dots)
            _draw(painter, ends, QPen(QColor(0, 0, 0, 153), 3.4))
            _draw(painter, ends, QPen(QColor(COLOUR), 1.6))
    painter.restore()


def tags(camera: Camera, lesions: Sequence[Lesion], outlines: Sequence[Outline], *, proposed: bool) -> tuple[Tag, ...]:
    """Names and lengths, placed outside every lesion and beside each other where there is room."""
    transform = camera.transform()
    shapes = [transform.map(outline.path) for outline in outlines]
    inside = bounds(camera)
    placed: list[Tag] = []
    for lesion in measurable(lesions, camera):
        for letter, axis, px, mm in (
            ("A", lesion.long_axis, lesion.long_axis_px, lesion.long_axis_mm),
            ("B", lesion.short_axis, lesion.short_axis_px, lesion.short_axis_mm),
        ):
            text = length_text(letter, px, mm)
            places = beside(_ends(camera, axis), tag_size(text))
            placed.append(Tag(text, free(places, shapes, placed, inside), COLOUR))
    who = tr("AI") if proposed else tr("Reader")
    for outline in sorted(outlines, key=lambda o: o.rank)[:NAMED]:
        text, box = f"L{outline.rank + 1} · {who}", transform.mapRect(outline.path.boundingRect())
        if box.intersects(QRectF(0.0, 0.0, *camera.view)):
            rect = free(around(box, tag_size(text)), shapes, placed, inside)
            placed.append(Tag(text, rect, outline.colour.name()))
    return tuple(placed)


def _draw(painter: QPainter, path: QPainterPath, pen: QPen) -> None:
    painter.setPen(pen)
    painter.drawPath(path)


def _ends(camera: Camera, axis: tuple[Point, Point]) -> tuple[QPointF, QPointF]:
    return camera.to_screen(*axis[0]), camera.to_screen(*axis[1])


def _cross(path: QPainterPath, at: QPointF, diagonal: bool) -> None:
    reach = ARM / math.sqrt(2) if diagonal else ARM
    for step in ((reach, reach), (reach, -reach)) if diagonal else ((reach, 0.0), (0.0, reach)):
        path.moveTo(at - QPointF(*step))
        path.lineTo(at + QPointF(*step))
