"""The window's case store: opened once the window is painted, written by the keeper's thread, asked on a pool.

Nothing of the store is imported before :meth:`Keeping.start`; files that are opened earlier wait for it, on their threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

from busi_viewer.core.errors import StoreError, StoreInUse, UserError
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.ports import CaseStore, Services
from busi_viewer.core.reporting import UNKNOWN, Trail
from busi_viewer.core.results import AnalysisResult
from busi_viewer.core.steps import Step
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.workflow.open import open_image

if TYPE_CHECKING:  # imported with the store, after the window is painted
    from busi_viewer.core.casebook import FileState, Kept
    from busi_viewer.workflow.keeping import Keeper
    from busi_viewer.workflow.models import Installed

WAIT_S = 3.0
"""How long a file that is opened at once waits for the window to be painted and with it the store."""
CLOSE_S = 5.0
Change = Step | Mapping[str, Any] | None


class Keeping(QObject):
    """All signals arrive on the GUI thread.

    ``ready`` once the store is open; ``refused(Problem, in_use)`` where it cannot be written: the window then goes on
    without keeping. ``recovered(Recovery)``: what a session left that did not end properly. ``failing(Problem)`` when
    writing begins to fail, ``saved`` when it works again; ``kept`` whenever all that was handed over is on the disk.
    ``recalled(ImageRecord, Kept | None)`` answers :meth:`ask`; ``not_recalled(path, Problem)``: what is kept of an image
    could not be read. ``reports(path, [Report])`` answers :meth:`ask_reports` and :meth:`sign`, which may end with
    ``not_signed(Problem)`` instead. ``states({path: ImageState})`` and ``file_seen(path, (FileState, found))`` answer
    :meth:`ask_states` and :meth:`check_file`.
    """

    ready = Signal()
    refused = Signal(object, bool)
    recovered = Signal(object)
    failing = Signal(object)
    saved = Signal()
    kept = Signal()
    recalled = Signal(object, object)
    not_recalled = Signal(object, object)
    reports = Signal(object, object)
    not_signed = Signal(object)
    states = Signal(object)
    file_seen = Signal(object, object)

    _opened = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._gate = threading.Lock()
        self._started = threading.Event()
        self._tried = self._closed = False
        self._store: CaseStore | None = None
        self._keeper: Keeper | None = None
        self._pool, self._identifying = QThreadPool(), QThreadPool()  # reading a large file keeps no list waiting
        for pool in (self._pool, self._identifying):
            pool.setMaxThreadCount(2)
        self._opened.connect(self._on_opened)

    # the store

    @property
    def writable(self) -> bool:
        """Whether work is being kept."""
        return self._keeper is not None

    @property
    def pending(self) -> int:
        """How many changes are not on the disk yet."""
        return self._keeper.pending if self._keeper is not None else 0

    @Slot()
    def start(self) -> None:
        """Open the store in the background; a second time does nothing."""
        if not self._started.is_set() and not self._closed:
            self._started.set()
            start_job(self._pool, self._reach, lambda _none: None, lambda _error: None)

    def retry(self) -> None:
        """Try again to open a store that was refused."""
        with self._gate:
            again = self._tried and self._keeper is None and not self._closed
            if again:
                self._shut()
                self._tried = False
        if again:
            start_job(self._pool, self._reach, lambda _none: None, lambda _error: None)

    def _reach(self) -> CaseStore | None:
        """The store, opened by whoever comes first, or None where it cannot be. Any thread."""
        with self._gate:
            if not self._tried and not self._closed:
                self._tried = True
                self._open()
            return self._store

    def _open(self) -> None:
        from busi_viewer.workflow import casework
        from busi_viewer.workflow.keeping import Keeper

        try:
            self._store = casework.open_store(self._services)
        except StoreInUse as error:
            self.refused.emit(problem_from(error, "opening the case store"), True)
        except StoreError as error:
            self.refused.emit(problem_from(error, "opening the case store"), False)
            try:
                self._store = casework.open_store(self._services, read_only=True)
            except StoreError:
                return
            self._opened.emit()
        except Exception as error:  # noqa: BLE001 - the thread's boundary: without a store the window still works
            self.refused.emit(problem_from(error, "opening the case store"), False)
        else:
            self._keeper = Keeper(self._store, self._on_failing, self.saved.emit, self.kept.emit)
            self._opened.emit()

    def _on_failing(self, error: StoreError) -> None:
        self.failing.emit(problem_from(error, "saving"))

    @Slot()
    def _on_opened(self) -> None:
        store = self._store
        if store is None:
            return
        self.ready.emit()
        found = store.recovery
        if found is not None:
            self.recovered.emit(found)
            start_job(self._pool, store.acknowledge_recovery, lambda _none: None, lambda _error: None)
        if self.writable:
            read = partial(open_image, sources=self._services.sources)
            start_job(self._identifying, partial(_identify, store, read), lambda _none: None, lambda _error: None)

    def gave_up(self, image: int) -> bool:
        """Whether an image's changes cannot be kept any more because of an error of the program."""
        return self._keeper is not None and self._keeper.gave_up(image)

    def flush(self, timeout: float) -> bool:
        """Wait until all is on the disk, at most ``timeout`` seconds; whether it is."""
        return self._keeper is None or self._keeper.flush(timeout)

    def close(self) -> None:
        """Write what waits, end the threads and close the store; nothing is reported any more."""
        self.blockSignals(True)
        with self._gate:
            self._closed = True
        self._started.set()
        drain(self._pool)
        drain(self._identifying)
        with self._gate:
            self._shut()

    def _shut(self) -> None:
        if self._keeper is not None:
            self._keeper.close(CLOSE_S)
        elif self._store is not None:
            self._store.close()
        self._keeper = self._store = None

    # images

    def recall(self, record: ImageRecord, look: bool = False, wait: bool = True) -> Kept | None:
        """What is kept of an image, or None without a store; ``look``: without noting that it was opened.

        For the threads that open files; never raises. Waits until the image is identified, unless it need not ``wait``: then
        of a large file what was kept before it was identified, or None.
        """
        try:
            if wait:
                _ = record.sha256  # outside of the store, which others are waiting for
            if not self._started.wait(WAIT_S):
                return None
            store, keeper = self._reach(), self._keeper
            asked = keeper or store
            if asked is None:
                return None
            draft = asked.look_draft(record) if record.large and not wait else None
            if draft is not None or not (wait or record.identified):
                return draft
            return asked.look(record) if look or keeper is None else keeper.open(record)
        except Exception as error:  # noqa: BLE001 - the thread's boundary: the image itself can be shown
            state = _state_of(record)
            if state is not None:
                self.file_seen.emit(record.path, (state, None))
            else:
                self.not_recalled.emit(record.path, problem_from(error, "reading what is kept"))
            return None

    def trail(self, record: ImageRecord) -> Trail:
        """Who said what of an image and who signed, all handed over before included; nothing without a store.

        For the threads that write reports. Raises StoreError.
        """
        from busi_viewer.workflow.reporting import trail_of

        store, keeper = self._store, self._keeper
        if store is None:
            return UNKNOWN
        kept = keeper.look(record) if keeper is not None else store.look(record)
        return trail_of(store, kept.image, kept.case, record.sha256) if kept.image else UNKNOWN

    def ask(self, record: ImageRecord) -> None:
        """Recall an image that is open already; ``recalled`` follows, with None where nothing can be recalled."""
        pool = self._pool if record.identified else self._identifying
        start_job(pool, lambda: self.recall(record), partial(self.recalled.emit, record), lambda _error: None)

    def draft(self, record: ImageRecord) -> int | None:
        """A number to keep work on a large file by before it is identified."""
        return self._keeper.draft(record) if self._keeper is not None else None

    def is_draft(self, draft: int | None, image: int) -> bool:
        """Whether a draft has become this image, now that its content is known."""
        return draft is not None and self._keeper is not None and self._keeper.number(draft) == image

    def join(self, draft: int, image: int) -> None:
        """Keep that a draft is of an image that was known already."""
        if self._keeper is not None:
            self._keeper.join(draft, image)

    def change(self, image: int, kind: str, what: Change = None, reason: str = "") -> None:
        """Keep a committed "step" and why, its "undo" or "redo", the "rest" after typing; or a new value (JSON) of a field."""
        if self._keeper is None:
            return
        if kind == "rest":
            self._keeper.settle()
        elif isinstance(what, Step):
            if kind == "step":
                self._keeper.step(image, what, reason)
            else:
                {"undo": self._keeper.undo, "redo": self._keeper.redo}[kind](image)
        else:
            self._keeper.field(image, kind, what, reason)

    def flag(self, image: int, flagged: bool) -> None:
        """Keep that an image is flagged, or no longer."""
        if self._keeper is not None:
            self._keeper.flag(image, flagged)

    def flag_files(
        self, read: Callable[[Path], ImageRecord], paths: Sequence[Path], flags: Mapping[Path, bool]
    ) -> None:
        """Keep the same of files that are not open, as ``flags`` says by then; those that cannot be read are left out."""

        def work(store: CaseStore) -> None:
            for path in paths:
                try:
                    record = read(path)
                    _ = record.sha256
                except UserError:
                    continue
                store.flag(store.open_image(record).image, flags[path])

        self.run(
            work,
            lambda _none: None,
            lambda error: self.failing.emit(problem_from(error, "flagging")),
            self._identifying,
        )

    def result(self, image: int, result: AnalysisResult) -> None:
        """Keep an analysis."""
        if self._keeper is not None:
            self._keeper.result(image, result)

    def note(self, action: str, image: int | None = None, field: str = "", old: str = "", new: str = "") -> None:
        """Note in the audit trail what changes nothing kept."""
        if self._keeper is not None:
            self._keeper.note(action, image, field, old, new)

    def sign(self, path: Path, image: int, content: Mapping[str, Any], reason: str) -> None:
        """Sign the report of an image as it is kept now; ``reports`` or ``not_signed`` follows."""
        keeper = self._keeper

        def work(store: CaseStore) -> object:
            if keeper is not None and not keeper.flush(CLOSE_S):
                raise StoreError("earlier changes could not be saved yet", path=store.path, remedy="Sign again later.")
            store.sign(image, content, reason)
            return store.reports(image)

        self.run(
            work, partial(self.reports.emit, path), lambda error: self.not_signed.emit(problem_from(error, "signing"))
        )

    def ask_reports(self, path: Path, image: int) -> None:
        """The signed versions of an image's report; ``reports`` follows."""
        keeper = self._keeper

        def work(store: CaseStore) -> object:
            if keeper is not None:
                keeper.flush(CLOSE_S)
            return store.reports(image)

        self.run(work, partial(self.reports.emit, path))

    # the model in use

    def note_model(self, what: str, model: Installed, reason: str = "") -> None:
        """Record on the calling pool thread, before it ends, that another model is active; never raises."""
        note = {"what": what, "model": model.name, "version": model.version, "sha256": model.sha256, "reason": reason}
        self._started.wait(WAIT_S)
        store = self._reach()
        if store is None:
            return
        try:
            store.set_setting("active model", note)
        except StoreError as error:
            self._on_failing(error)

    # lists

    def run(
        self,
        work: Callable[[CaseStore], object],
        done: Callable[[object], None],
        failed: Callable[[BaseException], None] = lambda _error: None,
        pool: QThreadPool | None = None,
    ) -> None:
        """Ask the store on a pool thread; ``done`` and ``failed`` are signals' ``emit``. Without one it fails: StoreError."""
        if self._closed:
            return

        def job() -> object:
            self._started.wait(WAIT_S)
            store = self._reach()
            if store is None:
                raise StoreError(
                    "the case store is not open", remedy="Nothing is kept, and no record of earlier work shown."
                )
            return work(store)

        start_job(pool or self._pool, job, done, failed)

    def ask_states(self, paths: Sequence[Path]) -> None:
        """What is known of listed files; ``states`` follows."""
        self.run(lambda store: store.image_states(paths), self.states.emit)

    def check_file(self, path: Path, image: int) -> None:
        """Whether a file is still there as it was read; one that moved within its folder is found. ``file_seen`` follows."""
        self.run(partial(_look, image, path), partial(self.file_seen.emit, path))


def _state_of(record: ImageRecord) -> FileState | None:
    """What became of a large file before it was identified, if that is why it was not; else None."""
    from busi_viewer.core.casebook import FileState

    if record.identified:
        return None
    try:
        status = record.path.stat()
    except FileNotFoundError:
        return FileState.MISSING
    except OSError:
        return None
    return FileState.CHANGED if (status.st_size, status.st_mtime_ns) != record.stamp else None


def _identify(store: CaseStore, read: Callable[[Path], ImageRecord]) -> None:
    """Find out what earlier sessions worked on without knowing it. What was known by then stays until it is opened."""
    for path in store.unidentified():
        try:
            record = read(path)
            _ = record.sha256
        except UserError:
            continue
        store.open_image(record)


def _look(image: int, path: Path, store: CaseStore) -> tuple[Any, Path | None]:
    """(the file's state, where it lies now if it was missing and has been found in its folder or below)."""
    from busi_viewer.core.casebook import FileState

    state = store.file_state(image)
    found = store.locate(image, [path.parent]) if state is FileState.MISSING else None
    if found is not None:
        store.relink(image, found)
    return state, found
