"""Thumbnails for the rows on screen: asked for while painting, decoded on one pool thread, newest wish first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPixmap

from busi_viewer.core.ports import ImageSource
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.workflow.open import open_image, thumbnail

KEPT = 600
"""Thumbnails in memory (about 40 KiB each at pixel ratio 2)."""
MAX_WISHES = 48
"""Older wishes are forgotten: their rows have been scrolled past, and painting them again asks again."""


class Thumbnails(QObject):
    """``get`` answers at once with a pixmap or None; ``arrived`` tells that rows should be painted again."""

    arrived = Signal()
    _done = Signal(object, object)

    def __init__(self, sources: Sequence[ImageSource], edge: int, parent: QObject | None = None) -> None:
        """``edge``: longest side in device px."""
        super().__init__(parent)
        self._sources = tuple(sources)
        self._edge = edge
        self._kept: OrderedDict[Path, QPixmap | None] = OrderedDict()
        self._wishes: OrderedDict[Path, None] = OrderedDict()
        self._running: Path | None = None
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._closed = False
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(30)
        self._repaint.timeout.connect(self.arrived)
        self._done.connect(self._on_done)

    def get(self, path: Path) -> QPixmap | None:
        """The thumbnail, or None while it is being made or if the file has none."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if path != self._running and not self._closed:
            self._wishes[path] = None
            self._wishes.move_to_end(path)
            while len(self._wishes) > MAX_WISHES:
                self._wishes.popitem(last=False)
            self._next()
        return None

    def close(self) -> None:
        """Wait for the running one; nothing is reported any more."""
        self._closed = True
        self._wishes.clear()
        self.blockSignals(True)
        drain(self._pool)

    def _next(self) -> None:
        if self._running is not None or not self._wishes or self._closed:
            return
        path, _ = self._wishes.popitem(last=True)
        self._running = path
        start_job(
            self._pool,
            lambda: to_image(thumbnail(open_image(path, self._sources), self._edge)),
            lambda image: self._done.emit(path, image),
            lambda _error: self._done.emit(path, None),  # the file itself says why when it is opened
        )

    @Slot(object, object)
    def _on_done(self, path: Path, image: QImage | None) -> None:
        self._running = None
        self._kept[path] = QPixmap.fromImage(image) if image is not None else None
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        if not self._repaint.isActive():
            self._repaint.start()
        self._next()


def to_image(array: np.ndarray) -> QImage:
    """A QImage that owns its memory, from (H, W) or (H, W, 3) uint8."""
    data = np.ascontiguousarray(array)
    height, width = data.shape[:2]
    form = QImage.Format.Format_Grayscale8 if data.ndim == 2 else QImage.Format.Format_RGB888
    return QImage(data.data, width, height, data.strides[0], form).copy()
