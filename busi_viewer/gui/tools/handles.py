"""Shapes with handles: what polygon, freehand and livewire share. Handles stay draggable until the shape is committed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from busi_viewer.core.edits import edit_between
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import fill_polygon
from busi_viewer.gui.language import tr
from busi_viewer.gui.outline import FILL, stroke
from busi_viewer.gui.tag import Tag, tag_size
from busi_viewer.gui.theme import LESION_COLOURS
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.options import Choice, Option

HANDLE, HOVERED, HIT = 8.0, 10.0, 8.0
"""Edge of a handle's square in logical px, the same under the mouse, and the reach of the mouse around its middle."""
DOT = 2.5
"""Radius of the dots on the edges, which add a handle."""
ADD, SUBTRACT, INTERSECT = "Add", "Subtract", "Intersect"
MODE = Choice("shape", "Shape", (ADD, SUBTRACT, INTERSECT), "What the shape does to the outline when it is committed")

Place = tuple[float, float]


def combined(mask: Mask, shape: Mask, how: str) -> Mask:
    """The mask after a shape was added to it, subtracted from it or intersected with it."""
    if how == SUBTRACT:
        return mask & ~shape
    return mask & shape if how == INTERSECT else mask | shape


class HandleTool(Tool):
    """A shape in hand: ``_points`` are its handles; :meth:`_route` says how the line runs from one to the next."""

    cursor = Qt.CursorShape.CrossCursor
    edits = True
    commits = True
    options: ClassVar[tuple[Option, ...]] = (MODE,)

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._points: list[Place] = []
        self._frame = 0
        self._dragged: int | None = None
        self._moved = False
        self._closed = False
        self._at: Pointer | None = None

    @property
    def drawing(self) -> bool:
        """Whether a shape is in hand."""
        return bool(self._points)

    @property
    def pending(self) -> bool:
        """Whether a shape waits for Enter or Esc."""
        return bool(self._points)

    @property
    def points(self) -> tuple[Place, ...]:
        """Handles in hand, image positions."""
        return tuple(self._points)

    def _route(self, start: int, end: int) -> Sequence[Place]:
        """Places between two handles, both left out; straight unless a subclass says otherwise."""
        return ()

    def _open_route(self, at: Place) -> Sequence[Place]:
        """Places between the last handle and the mouse."""
        return ()

    def press(self, at: Pointer) -> None:
        """Take hold of a handle (with Alt: remove it), split an edge at its dot, or add a handle."""
        session = self.host.session
        if session is None:
            return
        self._at = at
        if not self._points:
            self._frame = session.frame
        self._moved = False
        self._dragged = self._near(at.screen, self._handles())
        if self._dragged is not None and at.alt:
            del self._points[self._dragged]
            self._dragged = None
        elif self._dragged is None:
            self._insert(at)
        self.host.refresh()

    def _insert(self, at: Pointer) -> None:
        edge = self._near(at.screen, self._dots())
        self._dragged = len(self._points) if edge is None else edge + 1
        self._points.insert(self._dragged, at.image)
        self._moved = True

    def move(self, at: Pointer) -> None:
        """Drag a handle, or lead the open end."""
        self._at = at
        if self._dragged is not None and (self._moved or self._left(at.screen)):
            self._points[self._dragged] = at.image
            self._moved = True
        if self._points:
            self.host.refresh()

    def release(self, at: Pointer) -> None:
        """Let go; a click on the first handle closes and commits the shape."""
        closes = self._dragged == 0 and not self._moved and len(self._points) >= 3 and not self._closed
        self._dragged = None
        if closes:
            self.commit()
        self.host.refresh()

    def double_click(self, at: Pointer) -> None:
        """Close; the first press of the double click has set the last handle."""
        self._dragged = None
        if len(self._points) >= 3:
            self.commit()

    def key(self, key: Qt.Key, far: bool = False) -> bool:
        """Backspace takes the last handle back."""
        if key != Qt.Key.Key_Backspace or not self._points:
            return False
        self._points.pop()
        if not self._points:
            self.cancel()
        self.host.refresh()
        return True

    def leave(self) -> None:
        """The open end follows the mouse no longer."""
        self._at = None
        self.host.refresh()

    def commit(self) -> None:
        """Add the shape to the mask (or subtract, intersect) as one undo item; fewer than three handles are dropped."""
        line = self._line() if len(self._points) >= 3 else []
        self._drop()
        session = self.host.session
        if session is not None and line:
            document, how = session.document, self.host.options.choice(MODE.name)
            shown = document.shown_mask(self._frame)
            before = np.zeros(document.record.shape, dtype=bool) if shown is None else shown
            after = combined(before, fill_polygon(document.record.shape, line), how)
            label = self.title if how == ADD else f"{self.title}, {how.lower()}"
            edit = edit_between(before, after, label, self._frame)
            if edit is None:
                self.host.say(tr("The shape changes nothing."))
            session.apply(edit)
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the shape in hand."""
        self._drop()
        self.host.refresh()

    def _drop(self) -> None:
        self._points, self._dragged, self._closed = [], None, False

    def _line(self) -> list[Place]:
        """The whole closed line, image positions."""
        line: list[Place] = []
        for i, point in enumerate(self._points):
            line += [point, *self._route(i, (i + 1) % len(self._points))]
        return line

    def paint(self, painter: QPainter) -> None:
        """Edges, handles, dots, the open end and its distance to the start."""
        if not self._points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        number = self._number()
        colour = QColor(LESION_COLOURS[number % len(LESION_COLOURS)])
        handles = self._handles()
        hovered = self._near(self._at.screen, handles) if self._at is not None else None
        leads = self._at is not None and hovered is None and self._dragged is None and not self._closed
        open_end = self._at.image if self._at is not None and leads else None
        self._paint_area(painter, colour, open_end)
        self._paint_handles(painter, colour, handles, hovered)
        top = min(handles, key=QPointF.y)
        how = self.host.options.choice(MODE.name)
        size = tag_size(label := tr("L{n} · drawing", n=number + 1) if how == ADD else tr(how))
        above = QRectF(top - QPointF(size.width() / 2, size.height() + 12), size)
        rect = self.host.place_label(above, QPolygonF(handles).boundingRect())
        Tag(label, rect, colour.name()).paint(painter)
        if self._at is not None and open_end is not None and len(handles) >= 2:
            Tag.at(self._to_start(), self._at.screen + QPointF(16, 6), "#FFFFFF").paint(painter)

    def _paint_area(self, painter: QPainter, colour: QColor, open_end: Place | None) -> None:
        last = len(self._points) - 1
        line: list[Place] = []
        for i in range(last):
            line += [self._points[i], *self._route(i, i + 1)]
        line.append(self._points[last])
        tail = [self._points[last], *self._route(last, 0), self._points[0]]
        if open_end is not None:
            tail = [self._points[last], *self._open_route(open_end), open_end, self._points[0]]
        tint = QColor(colour)
        tint.setAlphaF(2 * FILL)
        area, drawn, closing = QPainterPath(), QPainterPath(), QPainterPath()
        area.addPolygon(self._on_screen([*line, *tail]))
        painter.fillPath(area, tint)
        if self._closed:
            drawn.addPolygon(self._on_screen([*line, *tail]))
            stroke(painter, drawn, colour, dashed=False)
            return
        drawn.addPolygon(self._on_screen(line))
        stroke(painter, drawn, colour, dashed=False)
        pen = QPen(colour, 1.2)
        pen.setDashPattern([3.0, 3.0])
        painter.setPen(pen)
        closing.addPolygon(self._on_screen(tail))
        painter.drawPath(closing)

    def _paint_handles(self, painter: QPainter, colour: QColor, handles: list[QPointF], hovered: int | None) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for dot in self._dots():
            painter.drawEllipse(dot, DOT, DOT)
        for i, handle in enumerate(handles):
            edge = HOVERED if i == hovered else HANDLE
            painter.setBrush(colour if i == hovered else QColor("#050607"))
            painter.setPen(QPen(QColor("#FFFFFF") if i == hovered else colour, 1.5))
            painter.drawRect(QRectF(handle.x() - edge / 2, handle.y() - edge / 2, edge, edge))
        if len(handles) >= 3 and not self._closed:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1.0))
            painter.drawEllipse(handles[0], HIT, HIT)

    def _number(self) -> int:
        """How many lesions there are already."""
        return len(self.host.session.lesions()) if self.host.session is not None else 0

    def _on_screen(self, places: Sequence[Place]) -> QPolygonF:
        return QPolygonF([self.host.camera.to_screen(x, y) for x, y in places])

    def _handles(self) -> list[QPointF]:
        return [self.host.camera.to_screen(x, y) for x, y in self._points]

    def _dots(self) -> list[QPointF]:
        """Middles of the edges that are long enough; short ones have theirs far away, so that places stay edge numbers."""
        handles = self._handles()
        pairs = [(i, (i + 1) % len(handles)) for i in range(len(handles) - (0 if self._closed else 1))]
        far = QPointF(-1e6, -1e6)
        return [
            self._middle(a, b, handles) if _length(handles[b] - handles[a]) >= 4 * HANDLE else far for a, b in pairs
        ]

    def _middle(self, a: int, b: int, handles: list[QPointF]) -> QPointF:
        route = self._route(a, b)
        return self.host.camera.to_screen(*route[len(route) // 2]) if route else (handles[a] + handles[b]) / 2

    def _near(self, screen: QPointF, places: list[QPointF]) -> int | None:
        near = [(_length(place - screen), i) for i, place in enumerate(places)]
        return min(near)[1] if near and min(near)[0] <= HIT else None

    def _left(self, screen: QPointF) -> bool:
        """Whether the mouse has left the handle it took hold of."""
        return self._dragged is not None and _length(self._handles()[self._dragged] - screen) > 3.0

    def _to_start(self) -> str:
        """Distance from the mouse to the first handle in words."""
        assert self._at is not None  # only drawn with a mouse
        (x0, y0), (x1, y1) = self._points[0], self._at.image
        session = self.host.session
        spacing = session.document.record.spacing_at(x1, y1) if session is not None else None
        if spacing is None:
            return tr("{px:.0f} px to start", px=math.hypot(x1 - x0, y1 - y0))
        return tr("{mm:.1f} mm to start", mm=math.hypot((x1 - x0) * spacing[1], (y1 - y0) * spacing[0]))


def _length(step: QPointF) -> float:
    return math.hypot(step.x(), step.y())
