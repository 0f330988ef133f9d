"""Zoom: click to zoom in (Alt: out), drag up or down to zoom about the point first pressed."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost

STEP = 1.25
PER_PIXEL = 1.01
SLACK = 3.0
"""Logical px a click may wander before it is a drag."""


class Zoom(Tool):
    """Zooms about the point under the mouse."""

    name = "zoom"
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._start: QPointF | None = None
        self._last = QPointF()
        self._dragged = False

    def press(self, at: Pointer) -> None:
        """Choose the point to zoom about."""
        self._start, self._last, self._dragged = at.screen, at.screen, False

    def move(self, at: Pointer) -> None:
        """Zoom while dragging."""
        if self._start is None:
            return
        self._dragged = self._dragged or (at.screen - self._start).manhattanLength() > SLACK
        if self._dragged:
            factor = PER_PIXEL ** (self._last.y() - at.screen.y())
            self.host.set_camera(self.host.camera.zoomed(factor, self._start))
            self._last = at.screen

    def release(self, at: Pointer) -> None:
        """A click without a drag zooms by one step."""
        if self._start is not None and not self._dragged:
            self.host.set_camera(self.host.camera.zoomed(1 / STEP if at.alt else STEP, at.screen))
        self._start = None

    def cancel(self) -> None:
        """Stop."""
        self._start = None
