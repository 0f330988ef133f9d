"""Where labels go: outside every lesion, beside each other where there is room, clear of what stands at the view's edges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainterPath

from busi_viewer.gui.camera import Camera
from busi_viewer.gui.tag import Tag

GAP = 8.0
CLEAR = 6.0
"""Logical px that a label keeps from the mark at a line's end, beside GAP."""
EDGES = (44.0, 44.0, -56.0, -96.0)
"""Where labels keep clear of what stands at the view's edges, in logical px."""


def bounds(camera: Camera) -> QRectF:
    """The part of the view in which labels stand."""
    return QRectF(0.0, 0.0, *camera.view).adjusted(*EDGES)


def beside(line: tuple[QPointF, QPointF], size: QSizeF) -> Iterator[QRectF]:
    """Places for a label next to a line's ends, the right end first, from near to far."""
    ends = sorted(line, key=QPointF.x, reverse=True)
    for distance in (GAP, 3 * GAP, 6 * GAP):
        for end, other in ((ends[0], ends[1]), (ends[1], ends[0])):
            run = end - other
            long = max(math.hypot(run.x(), run.y()), 1e-9)
            ux, uy = run.x() / long, run.y() / long
            middle = end + QPointF(ux * (distance + size.width() / 2), uy * (distance + size.height() / 2 + CLEAR))
            yield QRectF(middle - QPointF(size.width() / 2, size.height() / 2), size)


def around(box: QRectF, size: QSizeF) -> Iterator[QRectF]:
    """Places around a box: above left, then along the other sides."""
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


def free(places: Iterable[QRectF], shapes: Sequence[QPainterPath], placed: Sequence[Tag], bounds: QRectF) -> QRectF:
    """The first place in view that covers neither a shape nor another label; else, moved into view, the first that covers no
    label; else the first of all.
    """
    first: QRectF | None = None
    beside_labels: QRectF | None = None
    for rect in places:
        seen = _inside(rect, bounds)
        first = first or seen
        room = seen.adjusted(-3, -3, 3, 3)
        if any(room.intersects(tag.rect) for tag in placed):
            continue
        if seen == rect and not any(shape.intersects(room) for shape in shapes):
            return rect
        beside_labels = beside_labels or seen
    assert first is not None  # every caller offers places
    return beside_labels or first


def _inside(rect: QRectF, bounds: QRectF) -> QRectF:
    x = min(max(rect.x(), bounds.left()), bounds.right() - rect.width())
    y = min(max(rect.y(), bounds.top()), bounds.bottom() - rect.height())
    return QRectF(QPointF(x, y), rect.size())
