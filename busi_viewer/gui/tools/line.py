"""Tools that work along a line drawn across lesions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from busi_viewer.core.edits import edit_between
from busi_viewer.core.image import Mask
from busi_viewer.gui.language import tr
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost


class LineTool(Tool, ABC):
    """Draws a line while the button is down; released, it becomes one undo item."""

    cursor = Qt.CursorShape.CrossCursor
    edits = True
    why_not: ClassVar[str] = ""
    """What to tell the reader when nothing has changed."""

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._points: list[tuple[float, float]] = []
        self._frame = 0

    @abstractmethod
    def result(self, mask: Mask, points: list[tuple[float, float]]) -> Mask:
        """The mask afterwards."""

    def line_width(self) -> float:
        """Width of the line in logical px."""
        return 1.6

    @property
    def drawing(self) -> bool:
        """Whether a line is in hand."""
        return bool(self._points)

    def press(self, at: Pointer) -> None:
        """Begin a line."""
        if self.host.session is not None:
            self._points, self._frame = [at.image], self.host.session.frame

    def move(self, at: Pointer) -> None:
        """Draw on."""
        if self._points:
            self._points.append(at.image)
            self.host.refresh()

    def release(self, at: Pointer) -> None:
        """Work along the line."""
        points, self._points = self._points, []
        session = self.host.session
        if session is not None and points:
            shown = session.document.shown_mask(self._frame)
            before = np.zeros(session.document.record.shape, dtype=bool) if shown is None else shown
            edit = edit_between(before, self.result(before, points), self.title, self._frame)
            if edit is None:
                self.host.say(tr(self.why_not))
            session.apply(edit)
        self.host.refresh()

    def cancel(self) -> None:
        """Drop the line."""
        self._points = []
        self.host.refresh()

    def paint(self, painter: QPainter) -> None:
        """The line."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QPolygonF([self.host.camera.to_screen(x, y) for x, y in self._points])
        for colour, wider in ((QColor(0, 0, 0, 153), 2.0), (QColor("#FFFFFF"), 0.0)):
            pen = QPen(colour, self.line_width() + wider)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawPolyline(line)
