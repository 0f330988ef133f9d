"""Pan: drag the image."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost


class Pan(Tool):
    """Moves the image with the mouse."""

    name = "pan"
    cursor = Qt.CursorShape.OpenHandCursor

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._last: QPointF | None = None

    @property
    def shape(self) -> Qt.CursorShape:
        """A hand, closed while it holds the image."""
        return self.cursor if self._last is None else Qt.CursorShape.ClosedHandCursor

    def press(self, at: Pointer) -> None:
        """Take hold."""
        self._last = at.screen

    def move(self, at: Pointer) -> None:
        """Drag."""
        if self._last is not None:
            step = at.screen - self._last
            self.host.set_camera(self.host.camera.panned(step.x(), step.y()))
            self._last = at.screen

    def release(self, at: Pointer) -> None:
        """Let go."""
        self._last = None

    def cancel(self) -> None:
        """Let go."""
        self._last = None
