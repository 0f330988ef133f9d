"""Waits for the mouse to rest before parts of the window move, so that no click goes astray."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QCursor, QGuiApplication

CALM_MS = 300
"""How long the mouse must not have moved, with no button down."""
LOOK_MS = 50


class Calm(QObject):
    """Does what is asked of it, in order, once the mouse rests."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting: list[Callable[[], None]] = []
        self._at, self._still = QPoint(), QElapsedTimer()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)

    def do(self, deed: Callable[[], None]) -> None:
        """Do this as soon as it disturbs no click."""
        self._waiting.append(deed)
        if not self._timer.isActive():
            self._at = QCursor.pos()
            self._still.start()
            self._timer.start()

    @Slot()
    def _look(self) -> None:
        at = QCursor.pos()
        if at != self._at or QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._at = at
            self._still.restart()
        elif self._still.elapsed() >= CALM_MS:
            self._timer.stop()
            deeds, self._waiting = self._waiting, []
            for deed in deeds:
                deed()
