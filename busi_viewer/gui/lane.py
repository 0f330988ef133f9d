"""The inference lane: one thread that loads the engine (and with it torch) and runs one analysis at a time.

The queue lives on the GUI thread; the worker sees one request at a time, so that ordering and cancelling need no locks::

    request ─→ queue ──_run──→ worker.run ──done──→ finished / failed / cancelled ─→ next

A request for the image in view is put in front of the batch. All signals arrive on the GUI thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal, Slot

from busi_viewer.core.errors import Cancelled
from busi_viewer.core.image import ImageRecord, Mask
from busi_viewer.core.ports import Engine
from busi_viewer.gui.problem import problem_from


@dataclass(frozen=True)
class AnalysisRequest:
    """What to analyse, frozen on the GUI thread: ``frames`` (None = all) of ``record`` at the document's ``revision``.

    ``urgent`` requests (the image in view) go ahead of the others.
    """

    record: ImageRecord
    revision: int = 0
    frames: tuple[int, ...] | None = None
    heatmap: bool = True
    urgent: bool = True

    @property
    def key(self) -> Path:
        """What names the request in every signal: the file."""
        return self.record.path


@dataclass(frozen=True)
class HeatRequest:
    """Which heatmap to make: of one class, by one method, its share taken of ``mask``. ``token`` is handed back."""

    record: ImageRecord
    frame: int
    target: str
    method: str
    mask: Mask
    token: object

    @property
    def key(self) -> None:
        """None: it is no analysis of its file."""


class _Worker(QObject):
    """Lives on the lane's thread; owns the engine."""

    ready = Signal(object, str)
    not_ready = Signal(object)
    progress = Signal(object, str, float)
    finished = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)
    explained = Signal(object, object)
    unexplained = Signal(object, object)

    def __init__(self, load: Callable[[], Engine], cancel: threading.Event, closing: threading.Event) -> None:
        super().__init__()
        self._load = load
        self._cancel = cancel
        self._closing = closing
        self._engine: Engine | None = None
        self._device = ""

    @Slot()
    def warm(self) -> None:
        """Load the engine unless it is there; reports ``ready`` or ``not_ready``."""
        if self._engine is not None or self._closing.is_set():
            return
        try:
            self._engine = self._load()
        except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes a message
            self.not_ready.emit(problem_from(error, "loading the model"))
            return
        self._tell(self._engine)

    def _tell(self, engine: Engine) -> None:
        """Report ``ready``, again where the engine went over to another device because the first one failed."""
        if engine.device != self._device:
            self._device = engine.device
            self.ready.emit(engine.model, engine.device)

    @Slot()
    def renew(self) -> None:
        """Load the engine anew: another model is the active one."""
        self._engine = None
        self.warm()

    @Slot(object)
    def run(self, request: AnalysisRequest) -> None:
        """Analyse one request and report exactly one of finished, failed, cancelled."""
        key = request.key
        if self._cancel.is_set():
            self.cancelled.emit(key)
            return
        if self._engine is None:
            self.progress.emit(key, "loading the model", 0.0)
            self.warm()
        if self._engine is None:
            self.failed.emit(key, None)
            return

        def tell(stage: str, share: float) -> None:
            self.progress.emit(key, stage, share)

        try:
            result = self._engine.analyse(
                request.record,
                request.frames,
                heatmap=request.heatmap,
                revision=request.revision,
                progress=tell,
                cancel=self._cancel,
            )
        except Cancelled:
            self.cancelled.emit(key)
        except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes a message
            self.failed.emit(key, problem_from(error, "analysing", key))
        else:
            self._tell(self._engine)
            self.finished.emit(key, result)

    @Slot(object)
    def explain(self, request: HeatRequest) -> None:
        """Make a heatmap and report exactly one of explained, unexplained."""
        self.warm()
        if self._engine is None:
            self.unexplained.emit(request, None)
            return
        try:
            heat = self._engine.heatmap(request.record, request.frame, request.target, request.method, request.mask)
        except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes a message
            self.unexplained.emit(request, problem_from(error, "making the heatmap", request.record.path))
        else:
            self._tell(self._engine)
            self.explained.emit(request, heat)


class Lane(QObject):
    """Queue of analyses and the thread that runs them.

    ``failed`` carries (key, Problem), or (key, None) when the engine could not be loaded: then ``engine_failed`` has said why.
    ``explained(request, Heatmap)`` and ``unexplained(request, Problem | None)`` are for heatmaps. Of those waiting only the
    latest is made.
    """

    started = Signal(object)
    progress = Signal(object, str, float)
    finished = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)
    explained = Signal(object, object)
    unexplained = Signal(object, object)
    engine_loading = Signal()
    engine_ready = Signal(object, str)
    engine_failed = Signal(object)
    idle = Signal()

    _warm = Signal()
    _renew = Signal()
    _run = Signal(object)
    _explain = Signal(object)

    def __init__(self, load: Callable[[], Engine], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: list[AnalysisRequest] = []
        self._heat: HeatRequest | None = None
        self._current: AnalysisRequest | HeatRequest | None = None
        self._cancel = threading.Event()
        self._closing = threading.Event()
        self._thread: QThread | None = QThread()
        self._thread.setObjectName("inference lane")
        self._worker = _Worker(load, self._cancel, self._closing)
        self._worker.moveToThread(self._thread)
        self._warm_asked = False
        self._engine_there = False
        self._broken = False
        self._warm.connect(self._worker.warm)
        self._renew.connect(self._worker.renew)
        self._run.connect(self._worker.run)
        self._explain.connect(self._worker.explain)
        self._worker.ready.connect(self._on_ready)
        self._worker.not_ready.connect(self._on_not_ready)
        self._worker.progress.connect(self._on_progress)
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(self._on_failed)
        self._worker.cancelled.connect(self._on_cancelled)
        self._worker.explained.connect(self._on_explained)
        self._worker.unexplained.connect(self._on_unexplained)
        self._thread.start()

    @property
    def current(self) -> Path | None:
        """The file being analysed, or None."""
        return self._current.key if self._current else None

    @property
    def has_engine(self) -> bool:
        """Whether the engine has been loaded."""
        return self._engine_there

    def waiting(self) -> tuple[Path, ...]:
        """The files queued, next first."""
        return tuple(request.key for request in self._queue)

    def warm(self) -> None:
        """Load the engine ahead of the first request, once; after a failure only a request tries again."""
        if self._thread is None or self._warm_asked or self._engine_there or self._broken:
            return
        self._warm_asked = True
        self.engine_loading.emit()
        self._warm.emit()

    @Slot()
    def renew(self) -> None:
        """Another model is the active one: load it after the analysis that runs; nothing if none was loaded yet."""
        if self._thread is not None and (self._warm_asked or self._engine_there):
            self._engine_there, self._warm_asked, self._broken = False, True, False
            self.engine_loading.emit()
            self._renew.emit()

    def submit(self, request: AnalysisRequest) -> None:
        """Queue a request; a waiting one for the same file is replaced."""
        if self._thread is None:
            return
        self._queue = [other for other in self._queue if other.key != request.key]
        self._queue.insert(0 if request.urgent else len(self._queue), request)
        self._next()

    def explain(self, request: HeatRequest) -> None:
        """Make a heatmap next, in place of one that still waits."""
        if self._thread is not None:
            self._heat = request
            self._next()

    def cancel(self, key: Path) -> None:
        """Stop or forget the analysis of one file; ``cancelled`` follows."""
        if self._current is not None and self._current.key == key:
            self._cancel.set()
        if any(request.key == key for request in self._queue):
            self._queue = [request for request in self._queue if request.key != key]
            self.cancelled.emit(key)

    def cancel_all(self) -> None:
        """Stop the running analysis and forget the waiting ones."""
        forgotten, self._queue = self._queue, []
        if self._current is not None:
            self._cancel.set()
        for request in forgotten:
            self.cancelled.emit(request.key)

    def close(self) -> None:
        """Stop the thread and wait for it: at most as long as the engine needs to reach its next cancel point."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        self._queue, self._heat = [], None
        self._closing.set()
        self._cancel.set()
        self._worker.blockSignals(True)
        thread.quit()
        thread.wait()
        self._current = None
        self._worker.deleteLater()

    def _next(self) -> None:
        if self._current is not None or self._thread is None or not (self._queue or self._heat):
            return
        self._cancel.clear()
        if not self._engine_there and not self._warm_asked:
            self._warm_asked = True
            self.engine_loading.emit()
        if self._heat is not None:
            self._current, self._heat = self._heat, None
            self._explain.emit(self._current)
            return
        self._current = self._queue.pop(0)
        self.started.emit(self._current.key)
        self._run.emit(self._current)

    def _settle(self) -> None:
        self._current = None
        self._next()
        if self._current is None:
            self.idle.emit()

    @Slot(object, str)
    def _on_ready(self, model: object, device: str) -> None:
        self._engine_there = True
        self.engine_ready.emit(model, device)

    @Slot(object)
    def _on_not_ready(self, problem: object) -> None:
        self._warm_asked, self._broken = False, True
        self.engine_failed.emit(problem)

    @Slot(object, str, float)
    def _on_progress(self, key: Path, stage: str, share: float) -> None:
        if key == self.current:
            self.progress.emit(key, stage, share)

    @Slot(object, object)
    def _on_finished(self, key: Path, result: object) -> None:
        cancelled = self._cancel.is_set()
        self._current = None
        if cancelled:
            self.cancelled.emit(key)
        else:
            self.finished.emit(key, result)
        self._settle()

    @Slot(object, object)
    def _on_failed(self, key: Path, problem: object) -> None:
        self._current = None
        if problem is None:
            forgotten, self._queue = self._queue, []
            for request in forgotten:
                self.failed.emit(request.key, None)
        self.failed.emit(key, problem)
        self._settle()

    @Slot(object)
    def _on_cancelled(self, key: Path) -> None:
        self._current = None
        self.cancelled.emit(key)
        self._settle()

    @Slot(object, object)
    def _on_explained(self, request: HeatRequest, heat: object) -> None:
        self._current = None
        self.explained.emit(request, heat)
        self._settle()

    @Slot(object, object)
    def _on_unexplained(self, request: HeatRequest, problem: object) -> None:
        self._current = None
        self.unexplained.emit(request, problem)
        self._settle()
