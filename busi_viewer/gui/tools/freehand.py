"""Freehand: draw around a lesion; handles appear along the line and can be moved before it is committed."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter

from busi_viewer.core.livewire import thinned
from busi_viewer.gui.tools.base import Pointer
from busi_viewer.gui.tools.handles import HandleTool

CLOSENESS = 1.5
"""How far in logical px the line may leave what was drawn when it is reduced to handles …"""
FINEST = 0.5
"""… but not less than so many image px."""


class Freehand(HandleTool):
    """Draws while the button is down. Released, the shape is closed and waits with its handles for Enter."""

    name = "freehand"
    title = "Freehand"
    icon = "lasso"
    hint = "Drag around a lesion, then move handles   Alt: remove one"

    def press(self, at: Pointer) -> None:
        """Take hold of a handle or a dot; elsewhere commit what is in hand and draw anew."""
        if self._closed:
            taken = (
                self._near(at.screen, self._handles()) is not None or self._near(at.screen, self._dots()) is not None
            )
            if taken:
                super().press(at)
                return
            self.commit()
        session = self.host.session
        if session is not None:
            self._frame, self._at = session.frame, at
            self._points, self._closed = [at.image], False
            self.host.refresh()

    def move(self, at: Pointer) -> None:
        """Draw on, or drag a handle."""
        if self._points and not self._closed:
            self._at = at
            self._points.append(at.image)
            self.host.refresh()
        else:
            super().move(at)

    def release(self, at: Pointer) -> None:
        """Close what was drawn; a line without an inside is dropped."""
        if self._closed or not self._points:
            super().release(at)
            return
        closeness = max(FINEST, CLOSENESS / self.host.camera.scale)
        self._points = thinned([*self._points, self._points[0]], closeness)[:-1]
        self._closed = len(self._points) >= 3
        if not self._closed:
            self.cancel()
        self.host.refresh()

    def double_click(self, at: Pointer) -> None:
        """Commit."""
        if self._closed:
            self.commit()
        else:
            self.press(at)

    def _paint_handles(self, painter: QPainter, colour: QColor, handles: list[QPointF], hovered: int | None) -> None:
        if self._closed:
            super()._paint_handles(painter, colour, handles, hovered)
