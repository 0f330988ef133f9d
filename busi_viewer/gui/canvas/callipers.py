"""Callipers and labels of lesions: long axis A with + ends, short axis B with × ends, sizes outside the lesion."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from busi_viewer.core.measure import Lesion, Point
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.outline import Outline
from busi_viewer.gui.tag import Tag, tag_size

COLOUR = "#FFE08A"
ARM = 6.0
"""Half the length of a cross in logical px."""
GAP = 8.0
SHORTEST = 24.0
"""Lesions that look shorter than this many logical px get no callipers."""
MOST = 3
"""Only so many lesions, the largest ones, get callipers."""

EDGES = (44.0, 44.0, -56.0, -96.0)
"""Where labels keep clear of what stands at the view's edges, in logical px."""


def length_text(letter: str, px: float, mm: float | None) -> str:
    """An axis' label: ``A 20.1 mm``, or ``A 151 px`` where the image is not calibrated."""
    return f"{letter} {px:.0f} px" if mm is None else f"{letter} {mm:.1f} mm"


def measurable(lesions: Sequence[Lesion], camera: Camera) -> list[Lesion]:
    """The lesions that get callipers in this view."""
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
    bounds = QRectF(0.0, 0.0, *camera.view).adjusted(*EDGES)
    placed: list[Tag] = []
    for lesion in measurable(lesions, camera):
        for letter, axis, px, mm in (
            ("A", lesion.long_axis, lesion.long_axis_px, lesion.long_axis_mm),
            ("B", lesion.short_axis, lesion.short_axis_px, lesion.short_axis_mm),
        ):
            text = length_text(letter, px, mm)
            places = _beside(camera, axis, tag_size(text))
            placed.append(Tag(text, _free(places, shapes, placed, bounds), COLOUR))
    who = "AI" if proposed else "Reader"
    for outline in sorted(outlines, key=lambda o: o.rank):
        text, box = f"L{outline.rank + 1} · {who}", transform.mapRect(outline.path.boundingRect())
        if box.intersects(QRectF(0.0, 0.0, *camera.view)):
            rect = _free(_around(box, tag_size(text)), shapes, placed, bounds)
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


def _beside(camera: Camera, axis: tuple[Point, Point], size: QSizeF) -> Iterator[QRectF]:
    """Places for a label next to an axis' ends, the right end first, from near to far."""
    ends = sorted(_ends(camera, axis), key=QPointF.x, reverse=True)
    for distance in (GAP, 3 * GAP, 6 * GAP):
        for end, other in ((ends[0], ends[1]), (ends[1], ends[0])):
            run = end - other
            long = max(math.hypot(run.x(), run.y()), 1e-9)
            ux, uy = run.x() / long, run.y() / long
            middle = end + QPointF(ux * (distance + size.width() / 2), uy * (distance + size.height() / 2 + ARM))
            yield QRectF(middle - QPointF(size.width() / 2, size.height() / 2), size)


def _around(box: QRectF, size: QSizeF) -> Iterator[QRectF]:
    """Places for a lesion's name: above left, then along the other sides."""
    w, h = size.width(), size.height()
    for gap in (GAP, 3 * GAP):
        for x, y in (
            (box.left() + 0.15 * box.width() - w / 2, box.top() - h - gap),
            (box.left() - w / 2, box.top() - h / 2),
            (box.left() - w - gap, box.top() + 0.3 * box.height()),
            (box.center().x() - w / 2, box.top() - h - gap),
            (box.center().x() - w / 2, box.bottom() + gap),
            (box.right() + gap, box.center().y() - h / 2),
            (box.right() - w, box.bottom() + gap),
        ):
            yield QRectF(QPointF(x, y), size)


def _free(places: Iterable[QRectF], shapes: Sequence[QPainterPath], placed: Sequence[Tag], bounds: QRectF) -> QRectF:
    """The first place in view that covers neither a lesion nor another label; else the first one, moved into view."""
    first: QRectF | None = None
    for rect in places:
        first = first or rect
        room = rect.adjusted(-3, -3, 3, 3)
        if (
            bounds.contains(rect)
            and not any(room.intersects(tag.rect) for tag in placed)
            and not any(shape.intersects(room) for shape in shapes)
        ):
            return rect
    assert first is not None  # every caller offers places
    x = min(max(first.x(), bounds.left()), bounds.right() - first.width())
    y = min(max(first.y(), bounds.top()), bounds.bottom() - first.height())
    return QRectF(QPointF(x, y), first.size())
