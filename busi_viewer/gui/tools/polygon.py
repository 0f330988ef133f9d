"""The polygon: click its corners; close with a double click, Enter or a click on the first; corners stay draggable."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from busi_viewer.core.edits import edit_between
from busi_viewer.core.masks import fill_polygon
from busi_viewer.gui.outline import FILL, stroke
from busi_viewer.gui.tag import Tag, tag_size
from busi_viewer.gui.theme import LESION_COLOURS
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost

HANDLE, HOVERED, HIT = 8.0, 10.0, 8.0
"""Edge of a corner's square in logical px, the same under the mouse, and the reach of the mouse around its middle."""
DOT = 2.5
"""Radius of the dots on the edges, which add a corner."""


class Polygon(Tool):
    """Adds the polygon in hand to the mask when it is committed."""

    name = "polygon"
    cursor = Qt.CursorShape.CrossCursor
    edits = True

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._points: list[tuple[float, float]] = []
        self._frame = 0
        self._dragged: int | None = None
        self._moved = False
        self._at: Pointer | None = None

    @property
    def drawing(self) -> bool:
        """Whether a polygon is in hand."""
        return bool(self._points)

    @property
    def pending(self) -> bool:
        """Whether a polygon waits for Enter or Esc."""
        return bool(self._points)

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Corners in hand, image positions."""
        return tuple(self._points)

    def press(self, at: Pointer) -> None:
        """Take hold of a corner, split an edge at its dot, or add a corner."""
        session = self.host.session
        if session is None:
            return
        self._at = at
        if not self._points:
            self._frame = session.frame
        self._moved = False
        edge = self._near(at.screen, self._dots())
        self._dragged = self._near(at.screen, self._corners())
        if self._dragged is None:
            self._dragged = len(self._points) if edge is None else edge + 1
            self._points.insert(self._dragged, at.image)
            self._moved = True
        self.host.refresh()

    def move(self, at: Pointer) -> None:
        """Drag a corner, or lead the open end."""
        self._at = at
        if self._dragged is not None and (self._moved or self._left(at.screen)):
            self._points[self._dragged] = at.image
            self._moved = True
        if self._points:
            self.host.refresh()

    def release(self, at: Pointer) -> None:
        """Let go; a click on the first corner closes the polygon."""
        closes = self._dragged == 0 and not self._moved and len(self._points) >= 3
        self._dragged = None
        if closes:
            self.commit()
        self.host.refresh()

    def double_click(self, at: Pointer) -> None:
        """Close; the first press of the double click has set the last corner."""
        self._dragged = None
        if len(self._points) >= 3:
            self.commit()

    def key(self, key: Qt.Key) -> bool:
        """Backspace takes the last corner back."""
        if key != Qt.Key.Key_Backspace or not self._points:
            return False
        self._points.pop()
        self.host.refresh()
        return True

    def leave(self) -> None:
        """The open end follows the mouse no longer."""
        self._at = None
        self.host.refresh()

    def commit(self) -> None:
        """Add the polygon to the mask as one undo item; fewer than three corners are dropped."""
        points, self._points = self._points, []
        self._dragged = None
        session = self.host.session
        if session is not None and len(points) >= 3:
            document = session.document
            shown = document.shown_mask(self._frame)
            before = np.zeros(document.record.shape, dtype=bool) if shown is None else shown
            after = before | fill_polygon(document.record.shape, points)
            session.apply(edit_between(before, after, "Polygon", self._frame))
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the polygon in hand."""
        self._points, self._dragged = [], None
        self.host.refresh()

    def paint(self, painter: QPainter) -> None:
        """Edges, corners, dots, the open end and its distance to the start."""
        if not self._points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        number = self._number()
        colour = QColor(LESION_COLOURS[number % len(LESION_COLOURS)])
        corners = self._corners()
        hovered = self._near(self._at.screen, corners) if self._at is not None else None
        open_end = self._at.screen if self._at is not None and hovered is None and self._dragged is None else None
        self._paint_area(painter, colour, corners, open_end)
        self._paint_handles(painter, colour, corners, hovered)
        top = min(corners, key=QPointF.y)
        size = tag_size(label := f"L{number + 1} · drawing")
        Tag.at(label, top - QPointF(size.width() / 2, size.height() + 12), colour.name()).paint(painter)
        if open_end is not None and len(corners) >= 2:
            Tag.at(self._to_start(), open_end + QPointF(16, 6), "#FFFFFF").paint(painter)

    def _paint_area(self, painter: QPainter, colour: QColor, corners: list[QPointF], open_end: QPointF | None) -> None:
        whole = [*corners, open_end] if open_end is not None else corners
        tint = QColor(colour)
        tint.setAlphaF(2 * FILL)
        area = QPainterPath()
        area.addPolygon(QPolygonF(whole))
        painter.fillPath(area, tint)
        line = QPainterPath()
        line.addPolygon(QPolygonF(corners))
        stroke(painter, line, colour, dashed=False)
        closing = QPen(colour, 1.2)
        closing.setDashPattern([3.0, 3.0])
        painter.setPen(closing)
        painter.drawPolyline(QPolygonF([corners[-1], *([open_end] if open_end is not None else []), corners[0]]))

    def _paint_handles(self, painter: QPainter, colour: QColor, corners: list[QPointF], hovered: int | None) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for dot in self._dots():
            painter.drawEllipse(dot, DOT, DOT)
        for i, corner in enumerate(corners):
            edge = HOVERED if i == hovered else HANDLE
            painter.setBrush(colour if i == hovered else QColor("#050607"))
            painter.setPen(QPen(QColor("#FFFFFF") if i == hovered else colour, 1.5))
            painter.drawRect(QRectF(corner.x() - edge / 2, corner.y() - edge / 2, edge, edge))
        if len(corners) >= 3:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1.0))
            painter.drawEllipse(corners[0], HIT, HIT)

    def _number(self) -> int:
        """How many lesions there are already."""
        return len(self.host.session.lesions()) if self.host.session is not None else 0

    def _corners(self) -> list[QPointF]:
        return [self.host.camera.to_screen(x, y) for x, y in self._points]

    def _dots(self) -> list[QPointF]:
        corners = self._corners()
        return [(a + b) / 2 for a, b in pairwise(corners) if _length(b - a) >= 4 * HANDLE]

    def _near(self, screen: QPointF, places: list[QPointF]) -> int | None:
        near = [(_length(place - screen), i) for i, place in enumerate(places)]
        return min(near)[1] if near and min(near)[0] <= HIT else None

    def _left(self, screen: QPointF) -> bool:
        """Whether the mouse has left the corner it took hold of."""
        return self._dragged is not None and _length(self._corners()[self._dragged] - screen) > 3.0

    def _to_start(self) -> str:
        """Distance from the mouse to the first corner in words."""
        assert self._at is not None  # only drawn with a mouse
        (x0, y0), (x1, y1) = self._points[0], self._at.image
        session = self.host.session
        spacing = session.document.record.spacing_at(x1, y1) if session is not None else None
        if spacing is None:
            return f"{math.hypot(x1 - x0, y1 - y0):.0f} px to start"
        return f"{math.hypot((x1 - x0) * spacing[1], (y1 - y0) * spacing[0]):.1f} mm to start"


def _length(step: QPointF) -> float:
    return math.hypot(step.x(), step.y())
