"""What the headers of listed files say, read when grouping or sorting needs it, a few at a time off the GUI thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

from busi_viewer.core.labels import Labels
from busi_viewer.gui.opener import drain, start_job

PART = 100
"""Files read before they are told of."""
REST_S = 0.001
"""Rest after each file, so that the reader's own actions never wait for this."""


class Headers(QObject):
    """``arrived({path: (Labels | None, file time in s)})`` after every few files; ``reading`` tells whether more will come."""

    arrived = Signal(object)
    _done = Signal(object)

    def __init__(self, read: Callable[[Path], Labels | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read = read
        self._asked: set[Path] = set()
        self._waiting: list[Path] = []
        self._busy = self._closed = False
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._done.connect(self._on_done)

    @property
    def reading(self) -> bool:
        """Whether headers are still to come."""
        return self._busy

    def ask(self, paths: Iterable[Path]) -> None:
        """Read the headers of these files, each once."""
        new = [path for path in paths if path not in self._asked]
        self._asked.update(new)
        self._waiting.extend(new)
        self._next()

    def close(self) -> None:
        """Wait for what runs; nothing is reported any more."""
        self._closed = True
        self._waiting.clear()
        self.blockSignals(True)
        drain(self._pool)

    def _next(self) -> None:
        if self._busy or not self._waiting or self._closed:
            return
        part, self._waiting = self._waiting[:PART], self._waiting[PART:]
        self._busy = True
        start_job(self._pool, lambda: self._look(part), self._done.emit, lambda _error: self._done.emit({}))

    def _look(self, part: list[Path]) -> dict[Path, tuple[Labels | None, float]]:
        found: dict[Path, tuple[Labels | None, float]] = {}
        for path in part:
            if self._closed:
                break
            try:
                changed = path.stat().st_mtime
            except OSError:
                changed = 0.0
            found[path] = (self._read(path), changed)
            time.sleep(REST_S)
        return found

    @Slot(object)
    def _on_done(self, found: dict[Path, tuple[Labels | None, float]]) -> None:
        self._busy = False
        self._next()
        self.arrived.emit(found)
