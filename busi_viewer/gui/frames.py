"""Frames of one file, decoded off the GUI thread and kept in a small cache."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque

from PySide6.QtCore import QObject, QThreadPool, Signal

from busi_viewer.core.errors import UserError
from busi_viewer.core.image import ArrayFrames, Frames, Pixels
from busi_viewer.logs import stack_without_values

log = logging.getLogger(__name__)

CACHE_BYTES = 96 * 1024 * 1024
"""Most memory that decoded frames of one file may hold."""
PRIORITY = 10
"""Decoding what the reader looks at goes before thumbnails and other pool work."""


class _Channel(QObject):
    """Carries frames from the pool thread to the GUI thread; outlives its loader while a decoder still runs."""

    arrived = Signal(int, object)
    failed = Signal(int, str)


class _Work:
    """What the decoder shall do next, shared with the GUI thread under ``lock``."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.channel = _Channel()
        self.lock = threading.Lock()
        self.wishes: deque[int] = deque()
        self.under_way: set[int] = set()  # taken by the decoder, not yet in the cache
        self.running = False

    def take(self) -> int | None:
        """The next wish, or None (and the decoder ends)."""
        with self.lock:
            self.running = bool(self.wishes)
            if not self.wishes:
                return None
            index = self.wishes.popleft()
            self.under_way.add(index)
            return index

    def decode(self) -> None:
        """Decode wishes until none is left, on a pool thread; one at a time for each file."""
        while (index := self.take()) is not None:
            try:
                pixels = self.frames[index]
            except UserError as error:
                self.channel.failed.emit(index, f"{error.what}. {error.remedy}".strip())
            except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes a message
                log.error("Decoding frame %d failed: %s", index, stack_without_values(error))
                self.channel.failed.emit(index, "The frame could not be decoded. The log has the details.")
            else:
                self.channel.arrived.emit(index, pixels)


class FrameLoader(QObject):
    """Frames of one file for the GUI thread: cached, else decoded in the background.

    ``loaded(i)`` or ``failed(i, words)`` follows each :meth:`want`. A single image, and frames already in memory, are
    read at once by :meth:`peek`.
    """

    loaded = Signal(int)
    failed = Signal(int, str)

    def __init__(self, frames: Frames, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = _Work(frames)
        self._direct = isinstance(frames, ArrayFrames) or len(frames) == 1
        self._cache: OrderedDict[int, Pixels] = OrderedDict()
        self._errors: dict[int, str] = {}
        self._bytes = 0
        self._work.channel.arrived.connect(self._on_arrived)
        self._work.channel.failed.connect(self._on_failed)

    def __len__(self) -> int:
        return len(self._work.frames)

    def peek(self, index: int) -> Pixels | None:
        """The frame if it is at hand, else None; :meth:`error` tells whether it failed."""
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        if not self._direct or index in self._errors:
            return None
        try:
            pixels = self._work.frames[index]
        except UserError as error:
            self._errors[index] = f"{error.what}. {error.remedy}".strip()
            return None
        if len(self) == 1:
            self._keep(index, pixels)
        return pixels

    def error(self, index: int) -> str | None:
        """Why a frame cannot be shown, in words for the reader, or None."""
        return self._errors.get(index)

    def want(self, index: int, ahead: int = 0) -> None:
        """Decode ``index`` and the ``ahead`` next frames in the background; earlier wishes not begun are dropped."""
        if self._direct:
            return
        wishes = [i % len(self) for i in range(index, index + 1 + min(ahead, len(self) - 1))]
        with self._work.lock:
            known = self._cache.keys() | self._errors.keys() | self._work.under_way
            self._work.wishes = deque(i for i in wishes if i not in known)
            start = bool(self._work.wishes) and not self._work.running
            self._work.running = self._work.running or start
        if start:
            QThreadPool.globalInstance().start(self._work.decode, PRIORITY)

    def _on_arrived(self, index: int, pixels: Pixels) -> None:
        self._arrived_here(index)
        self._keep(index, pixels)
        self.loaded.emit(index)

    def _on_failed(self, index: int, words: str) -> None:
        self._arrived_here(index)
        self._errors[index] = words
        self.failed.emit(index, words)

    def _arrived_here(self, index: int) -> None:
        with self._work.lock:
            self._work.under_way.discard(index)

    def _keep(self, index: int, pixels: Pixels) -> None:
        if index in self._cache:
            return
        self._cache[index] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > CACHE_BYTES and len(self._cache) > 1:
            self._bytes -= self._cache.popitem(last=False)[1].nbytes
