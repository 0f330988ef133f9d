"""Analysing many files while the reader goes on: opens one ahead of the lane, counts, can pause and stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from busi_viewer.core.image import ImageRecord
from busi_viewer.gui.lane import AnalysisRequest, Lane
from busi_viewer.gui.opener import Opener

AHEAD = 2
"""Files opened or queued at a time: one in the lane, one ready behind it."""


class Batch(QObject):
    """``changed`` follows every step; ``finished(done, failed)`` comes once at the end, ``(…, stopped)`` if cancelled.

    ``revision_of`` gives the document's revision of a file that is open (0 otherwise).
    """

    changed = Signal()
    finished = Signal(int, int, bool)
    queued = Signal(object)
    released = Signal(object)

    def __init__(
        self, lane: Lane, opener: Opener, revision_of: Callable[[Path], int], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._lane, self._opener, self._revision_of = lane, opener, revision_of
        self._pending: deque[Path] = deque()
        self._opening: set[Path] = set()
        self._analysing: set[Path] = set()
        self.total = self.done = self.failed = 0
        self.paused = False
        self._worked = 0.0
        self._since: float | None = None
        opener.opened.connect(self._on_opened)
        opener.failed.connect(self._on_open_failed)
        lane.finished.connect(self._on_finished)
        lane.failed.connect(self._on_failed)
        lane.cancelled.connect(self._on_cancelled)

    @property
    def active(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._pending or self._opening or self._analysing)

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the files done so far, pauses not counted; None before the first."""
        if not self.done:
            return None
        running = time.monotonic() - self._since if self._since is not None else 0.0
        return (self._worked + running) / self.done * (self.total - self.done)

    def start(self, paths: Iterable[Path]) -> None:
        """Add files; those already in the batch are left alone."""
        if not self.active:
            self.total = self.done = self.failed = 0
            self._worked, self._since, self.paused = 0.0, time.monotonic(), False
        known = {*self._pending, *self._opening, *self._analysing}
        for path in paths:
            if path not in known:
                self._pending.append(path)
                self.total += 1
                self.queued.emit(path)
        self._fill()
        self.changed.emit()

    def toggle_pause(self) -> None:
        """Stop taking new files, or go on; the file being analysed is finished."""
        self.paused = not self.paused
        if self.paused and self._since is not None:
            self._worked += time.monotonic() - self._since
            self._since = None
        elif not self.paused:
            self._since = time.monotonic()
            self._fill()
        self.changed.emit()

    def cancel(self) -> None:
        """Forget everything not yet done; results so far stay."""
        if not self.active:
            return
        waiting = [*self._pending, *self._opening]
        analysing, self._analysing = self._analysing, set()
        self._pending.clear()
        self._opening.clear()
        for path in waiting:
            self.released.emit(path)
        for path in analysing:
            self._lane.cancel(path)
        self.changed.emit()
        self.finished.emit(self.done, self.failed, True)

    def _fill(self) -> None:
        while self._pending and not self.paused and len(self._opening) + len(self._analysing) < AHEAD:
            path = self._pending.popleft()
            self._opening.add(path)
            self._opener.open(path, ahead=True)

    def _count(self, *, failed: bool) -> None:
        self.done += 1
        self.failed += failed
        self._fill()
        self.changed.emit()
        if not self.active:
            self.finished.emit(self.done, self.failed, False)

    @Slot(object, object)
    def _on_opened(self, path: Path, record: ImageRecord) -> None:
        if path in self._opening:
            self._opening.discard(path)
            self._analysing.add(path)
            single = len(record.frames) == 1
            self._lane.submit(AnalysisRequest(record, self._revision_of(path), None, heatmap=single, urgent=False))

    @Slot(object, object)
    def _on_open_failed(self, path: Path, _problem: object) -> None:
        if path in self._opening:
            self._opening.discard(path)
            self._count(failed=True)

    @Slot(object, object)
    def _on_finished(self, path: Path, _result: object) -> None:
        if path in self._pending:  # the reader asked for it meanwhile
            self._pending.remove(path)
            self._count(failed=False)
        elif path in self._analysing:
            self._analysing.discard(path)
            self._count(failed=False)

    @Slot(object, object)
    def _on_failed(self, path: Path, problem: object) -> None:
        if path not in self._analysing:
            return
        self._analysing.discard(path)
        if problem is None:  # no engine: nothing else can succeed
            self.cancel()
            return
        self._count(failed=True)

    @Slot(object)
    def _on_cancelled(self, path: Path) -> None:
        if path in self._analysing:
            self._analysing.discard(path)
            self._count(failed=False)
