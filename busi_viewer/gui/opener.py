"""Opening files off the GUI thread: worklist expansion, the image in view and its neighbours ahead of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.listing import Listing
from busi_viewer.core.ports import ImageSource
from busi_viewer.gui.problem import problem_from
from busi_viewer.workflow.inputs import Input, expand_inputs
from busi_viewer.workflow.open import open_image

if TYPE_CHECKING:
    from busi_viewer.core.casebook import Kept


def start_job(
    pool: QThreadPool,
    work: Callable[[], object],
    done: Callable[[object], None],
    failed: Callable[[BaseException], None],
    priority: int = 0,
) -> None:
    """Give a pool one piece of work: ``done(result)`` or ``failed(exception)`` are signals' ``emit`` methods.

    Whatever goes wrong is reported, never raised. (A function, not a ``QRunnable``: of those that end before ``start``
    returns, PySide keeps the Python half and all that it holds for as long as the pool lives.)
    """

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - the thread's boundary: everything becomes a message
            failed(error)
        else:
            done(result)

    pool.start(run, priority)


def drain(pool: QThreadPool) -> None:
    """Forget a pool's waiting jobs and wait for those that run."""
    pool.clear()
    pool.waitForDone()


def open_with_first_frame(path: Path, sources: Sequence[ImageSource]) -> ImageRecord:
    """Open a file and decode its first frame, so that showing it does not wait and a broken one is found here."""
    record = open_image(path, sources)
    _ = record.frames[0]
    return record


class Opener(QObject):
    """Opens files on two pool threads. Signals: ``opened(path, ImageRecord, Kept | None)``, ``failed(path, Problem)``,
    ``listed(list[Input])``, ``list_failed(Problem)``; each asked path is answered once. ``recall(record, look, wait)`` says what
    is kept of an image, without noting that it was opened where it is only looked at; it is called on the pool's threads.
    Only for a batch it may wait until a large file is identified: showing one does not.
    """

    opened = Signal(object, object, object)
    failed = Signal(object, object)
    listed = Signal(object)
    list_failed = Signal(object)

    _done = Signal(object, object)
    _broken = Signal(object, object)
    _expanded = Signal(object)
    _not_expanded = Signal(object)

    def __init__(
        self,
        sources: Sequence[ImageSource],
        parent: QObject | None = None,
        recall: Callable[[ImageRecord, bool, bool], Kept | None] = lambda _record, _look, _wait: None,
        read_directory: Callable[[Path], Listing | None] = lambda _path: None,
    ) -> None:
        super().__init__(parent)
        self._sources, self._recall, self._read_directory = tuple(sources), recall, read_directory
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(2)
        self._running: set[Path] = set()
        self._noted: set[Path] = set()
        self._unwatched: set[Path] = set()
        self._closed = False
        self._done.connect(self._on_done)
        self._broken.connect(self._on_broken)
        self._expanded.connect(self._on_expanded)
        self._not_expanded.connect(self._on_not_expanded)

    def open(self, path: Path, *, ahead: bool = False, look: bool = False) -> None:
        """Open ``path``; ``ahead`` (prefetch, batch) waits behind what the reader asked for. A running one is not repeated.

        ``look``: it is only read ahead, so that nothing is noted of it yet.
        """
        if self._closed:
            return
        if not look:
            self._noted.add(path)
            if ahead:
                self._unwatched.add(path)
        if path not in self._running:
            self._running.add(path)
            self._start(path, lambda: open_with_first_frame(path, self._sources), 0 if ahead else 10)

    def _start(self, path: Path, read: Callable[[], ImageRecord], priority: int) -> None:
        def work() -> tuple[ImageRecord, Kept | None, bool]:
            record = read()
            look = path not in self._noted
            return record, self._recall(record, look, path in self._unwatched), look

        start_job(
            self._pool,
            work,
            lambda found: self._done.emit(path, found),
            lambda error: self._broken.emit(path, problem_from(error, "opening", path)),
            priority,
        )

    def read(self, path: Path) -> ImageRecord:
        """Open a file here and now, on any thread. Raises UserError."""
        return open_image(path, self._sources)

    def expand(self, paths: Sequence[Path]) -> None:
        """List the images that files and folders hold, sub-folders included."""
        if self._closed:
            return
        wanted = list(paths)
        start_job(
            self._pool,
            lambda: expand_inputs(wanted, recursive=True, read_directory=self._read_directory),
            self._expanded.emit,
            lambda error: self._not_expanded.emit(problem_from(error, "listing the images")),
            20,
        )

    def close(self) -> None:
        """Wait for what runs; nothing is reported any more."""
        self._closed = True
        self.blockSignals(True)
        drain(self._pool)

    @Slot(object, object)
    def _on_done(self, path: Path, found: tuple[ImageRecord, Kept | None, bool]) -> None:
        record, kept, looked = found
        if looked and path in self._noted:  # asked for in earnest while it was looked at
            self._start(path, lambda: record, 10)
            return
        self._running.discard(path)
        self._noted.discard(path)
        self._unwatched.discard(path)
        self.opened.emit(path, record, kept)

    @Slot(object, object)
    def _on_broken(self, path: Path, problem: object) -> None:
        self._running.discard(path)
        self._noted.discard(path)
        self._unwatched.discard(path)
        self.failed.emit(path, problem)

    @Slot(object)
    def _on_expanded(self, inputs: list[Input]) -> None:
        self.listed.emit(inputs)

    @Slot(object)
    def _on_not_expanded(self, problem: object) -> None:
        self.list_failed.emit(problem)
