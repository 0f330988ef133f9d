"""Window and level: drag right for a wider window, up for a higher level (3D Slicer's habit)."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost


class WindowLevel(Tool):
    """Changes contrast and brightness of the display, never of the pixels."""

    name = "window"
    cursor = Qt.CursorShape.SizeAllCursor

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._last: QPointF | None = None

    def press(self, at: Pointer) -> None:
        """Start."""
        self._last = at.screen

    def move(self, at: Pointer) -> None:
        """Change both."""
        if self._last is not None:
            step = at.screen - self._last
            self.host.drag_window(step.x(), step.y())
            self._last = at.screen

    def release(self, at: Pointer) -> None:
        """Stop."""
        self._last = None

    def cancel(self) -> None:
        """Stop."""
        self._last = None
