"""The reader's callipers over the image: thin solid lines with end ticks, handles on the chosen one, labels beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from busi_viewer.core.callipers import OUTSIDE, Calliper, Kind, Scale, calliper_scale, quantities, repeats, summary
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.measure import Lesion
from busi_viewer.gui import theme
from busi_viewer.gui.calliper_shape import axes, handles, ring
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas.axes import COLOUR
from busi_viewer.gui.canvas.labels import around, beside, bounds, free
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.session import Grip
from busi_viewer.gui.tag import Tag, tag_size

TICK = 6.0
"""Half the length of an end tick in logical px."""
CASING, WIDTH = 3.2, 1.4
HANDLE = 8.0
ARC = 22.0
"""Largest radius of an angle's arc in logical px."""

Shown = Sequence[tuple[int, Calliper]]
"""Callipers of a frame with their numbers in the document (−1: not there yet)."""


def on_frame(callipers: Sequence[Calliper], frame: int) -> tuple[tuple[int, Calliper], ...]:
    """Those of a frame."""
    return tuple((i, item) for i, item in enumerate(callipers) if item.frame == frame)


def uncovered(lesions: Sequence[Lesion], shown: Shown) -> tuple[Lesion, ...]:
    """The lesions whose axes no calliper repeats."""
    return tuple(lesion for lesion in lesions if not any(repeats(item, lesion) for _, item in shown))


def paint(painter: QPainter, camera: Camera, record: ImageRecord, shown: Shown, chosen: Grip | None) -> None:
    """Draw them; the labels are :func:`tags`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for index, item in shown:
        solid, faint = _paths(item, calliper_scale(record, item), camera)
        for path, width, colour in (
            (solid, CASING, QColor(0, 0, 0, 150)),
            (faint, WIDTH, QColor(0, 0, 0, 120)),
            (faint, 1.0, QColor(COLOUR)),
            (solid, WIDTH, QColor(COLOUR)),
        ):
            pen = QPen(colour, width)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            if path is faint:
                pen.setDashPattern([2.0, 3.0])
            painter.setPen(pen)
            painter.drawPath(path)
        if chosen is not None and index == chosen.index:
            _paint_handles(painter, handles(item, camera), chosen.handle)
    painter.restore()


def _paths(item: Calliper, scale: Scale, camera: Camera) -> tuple[QPainterPath, QPainterPath]:
    """What is drawn solid, and what (an ellipse's axes) dotted."""
    solid, faint = QPainterPath(), QPainterPath()
    straight = axes(item, scale, camera)
    if item.kind is Kind.ELLIPSE:
        solid.addPolygon(QPolygonF(ring(item, scale, camera)))
        solid.closeSubpath()
    for a, b in straight:
        path = faint if item.kind is Kind.ELLIPSE else solid
        path.moveTo(a)
        path.lineTo(b)
        if item.kind in (Kind.LENGTH, Kind.TWO_AXIS):
            for end in (a, b):
                step = _normal(a, b) * TICK
                solid.moveTo(end - step)
                solid.lineTo(end + step)
    if item.kind is Kind.ANGLE:
        _add_arc(solid, *straight[0], straight[1][1])
    return solid, faint


def _add_arc(path: QPainterPath, end: QPointF, vertex: QPointF, other: QPointF) -> None:
    first, second = QLineF(vertex, end), QLineF(vertex, other)
    radius = min(ARC, 0.4 * first.length(), 0.4 * second.length())
    if radius < 4:
        return
    sweep = (second.angle() - first.angle() + 180) % 360 - 180
    box = QRectF(vertex.x() - radius, vertex.y() - radius, 2 * radius, 2 * radius)
    path.arcMoveTo(box, first.angle())
    path.arcTo(box, first.angle(), sweep)


def _normal(a: QPointF, b: QPointF) -> QPointF:
    run = b - a
    long = math.hypot(run.x(), run.y())
    return QPointF(-run.y() / long, run.x() / long) if long else QPointF(0.0, 1.0)


def _paint_handles(painter: QPainter, places: Sequence[QPointF], held: int | None) -> None:
    accent = QColor(theme.DARK.accent)
    for i, place in enumerate(places):
        painter.setBrush(accent if i == held else QColor(5, 6, 7, 160))
        painter.setPen(QPen(QColor("#FFFFFF") if i == held else accent, 1.5))
        painter.drawRect(QRectF(place.x() - HANDLE / 2, place.y() - HANDLE / 2, HANDLE, HANDLE))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def tags(
    camera: Camera, record: ImageRecord, shown: Shown, shapes: Sequence[QPainterPath], others: Sequence[Tag]
) -> tuple[Tag, ...]:
    """Names and values, beside the lines and outside of ``shapes`` and ``others`` where there is room."""
    view, inside = QRectF(0.0, 0.0, *camera.view), bounds(camera)
    placed = list(others)
    shapes = [*shapes, *(_paths(item, calliper_scale(record, item), camera)[0] for _, item in shown)]
    for _, item in shown:
        scale = calliper_scale(record, item)
        if not _box(axes(item, scale, camera)).intersects(view):
            continue
        for text, line in _texts(item, scale, camera):
            size = tag_size(text)
            placed.append(Tag(text, free(_places(item, line, size, scale, camera), shapes, placed, inside), COLOUR))
    return tuple(placed[len(others) :])


def _texts(item: Calliper, scale: Scale, camera: Camera) -> list[tuple[str, tuple[QPointF, QPointF]]]:
    """The labels of a calliper, each with the line beside which it belongs."""
    straight, found = axes(item, scale, camera), quantities(item, scale)
    name = f"{said(item.name)}: " if item.name else ""
    where = "" if not scale.note else f" ({tr('outside region' if scale.note == OUTSIDE else 'across regions')})"
    if item.kind is Kind.TWO_AXIS:
        return [(f"{name}A {found[0].text}{where}", straight[0]), (f"B {found[1].text}", straight[1])]
    return [(f"{name}{summary(found)}{where}", straight[0])]


def _places(
    item: Calliper, line: tuple[QPointF, QPointF], size: QSizeF, scale: Scale, camera: Camera
) -> Iterator[QRectF]:
    if item.kind in (Kind.LENGTH, Kind.TWO_AXIS):
        return beside(line, size)
    return around(_box([*axes(item, scale, camera), *((p, p) for p in ring(item, scale, camera))]), size)


def _box(lines: Sequence[tuple[QPointF, QPointF]]) -> QRectF:
    box: QRectF = QPolygonF([end for line in lines for end in line]).boundingRect()
    return box.adjusted(-0.5, -0.5, 0.5, 0.5)
