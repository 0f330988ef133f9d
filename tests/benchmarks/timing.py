"""What both sides of the window's benchmark measure with: the same clock, the same paint events, the same memory.

Imported by the interpreter of busi_viewer and by that of napari, so it needs nothing of either: Python, psutil, and the Qt
binding that is handed over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

POLL_S = 0.02
HEARTBEAT_MS = 4
"""How often a condition is looked at where nothing happens; between events the GUI thread sleeps, as in the real program."""


def megabytes() -> float:
    """Resident memory of this process in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Number, median, 95th percentile and longest of some times (ms)."""
    ordered = sorted(milliseconds)
    return {
        "n": len(ordered),
        "p50": round(ordered[len(ordered) // 2], 2),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 2),
        "max": round(ordered[-1], 2),
    }


class Peak:
    """The most memory (MiB) the process holds while the ``with`` block runs, sampled by a thread."""

    def __enter__(self) -> Peak:
        self.before = self.most = megabytes()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def _sample(self) -> None:
        while not self._end.wait(POLL_S):
            self.most = max(self.most, megabytes())

    def __exit__(self, *_exception: object) -> None:
        self._end.set()
        self._thread.join()
        self.most = max(self.most, megabytes())

    @property
    def growth(self) -> float:
        """How much more than before, MiB."""
        return round(self.most - self.before, 1)


class Screen:
    """Lets the application work until some widgets have painted what was asked for."""

    def __init__(self, app: Any, core: Any, *widgets: Any) -> None:
        """``core`` is the binding's QtCore; the widgets are watched for paint events."""
        self._wanted: Callable[[], object] = lambda: False
        self._seen = False
        screen = self

        class Watch(core.QObject):
            def eventFilter(self, _watched: Any, event: Any) -> bool:
                if event.type() == core.QEvent.Type.Paint and not screen._seen and screen._wanted():
                    screen._seen = True
                return False

        self._app, self._watch = app, Watch()
        self._wait = core.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
        self._heartbeat = core.QTimer()
        self._heartbeat.start(HEARTBEAT_MS)
        for widget in widgets:
            widget.installEventFilter(self._watch)

    def until(self, done: Callable[[], object], seconds: float = 60.0) -> float:
        """Work until ``done()``; the seconds that took. Raises TimeoutError."""
        begun = time.perf_counter()
        while not done():
            if time.perf_counter() - begun > seconds:
                raise TimeoutError
            self._app.processEvents(self._wait)
        return time.perf_counter() - begun

    def painted(
        self, deed: Callable[[], object], what: Callable[[], object] = lambda: True, seconds: float = 60.0
    ) -> float:
        """Do something; the milliseconds until a widget has painted while ``what()`` held. Raises TimeoutError."""
        begun = time.perf_counter()
        self._wanted, self._seen = what, False
        deed()
        self.until(lambda: self._seen, seconds)
        return 1000 * (time.perf_counter() - begun)

    def rest(self, seconds: float) -> None:
        """Work on for a while, as a reader who looks."""
        end = time.perf_counter() + seconds
        self.until(lambda: time.perf_counter() >= end, seconds + 1.0)
