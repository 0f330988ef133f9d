"""The sessions that are open, each with its ledger: given back whole from the store, put away when nothing is lost by it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, Signal, Slot

from busi_viewer.core.blind import DIFFERENCES
from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import AnalysisResult
from busi_viewer.core.steps import READING, SHOWING
from busi_viewer.gui.joining import MEANWHILE, lay_over, take_off
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import tr
from busi_viewer.gui.ledger import Ledger
from busi_viewer.gui.problem import problem_from
from busi_viewer.gui.result_cache import Results
from busi_viewer.gui.session import Session
from busi_viewer.gui.worklist_model import WorklistModel

if TYPE_CHECKING:
    from busi_viewer.core.casebook import ImageState, Kept

SPARE_SESSIONS = 8
"""How many sessions that could be put away stay open, the ones used last."""


class Desk(QObject):
    """``copied(path, owner)`` when a copy of an image that was worked on is worked on; ``joined(path)`` where earlier work was
    found under what was done before it was known; ``late(path, Kept | None)``: what is kept of an open image is known only
    now, or that nothing will be;
    ``unread(path, Problem)``: a part could not be read.
    """

    copied = Signal(object, object)
    joined = Signal(object)
    late = Signal(object, object)
    unread = Signal(object, object)

    def __init__(
        self,
        model: WorklistModel,
        results: Results,
        keeping: Keeping,
        read: Callable[[Path], ImageRecord],
        parent: QObject | None = None,
    ) -> None:
        """``read`` opens a file, on any thread."""
        super().__init__(parent)
        self._read = read
        self._model, self._results, self._keeping = model, results, keeping
        self.open: OrderedDict[Path, Session] = OrderedDict()
        self._ledgers: dict[Path, Ledger] = {}
        self._owners: dict[int, Path] = {}
        self._images: dict[Path, tuple[str, int]] = {}
        self._exported: dict[Path, int] = {}
        self._unseen: set[Path] = set()
        self._flags: dict[Path, bool] = {}
        self._point: tuple[str, float | None, str] = ("", None, "")
        self._readings: dict[Path, Mapping[str, Any]] = {}
        self._seen: set[Path] = set()
        self._hidden: set[Path] = set()
        self._asked: set[Path] = set()
        self.blind = False
        keeping.ready.connect(self._ask_again)
        keeping.saved.connect(self._ask_again)
        keeping.recalled.connect(self._on_recalled)
        keeping.states.connect(self._on_states)

    # opening and putting away

    def note(self, path: Path, record: ImageRecord, kept: Kept | None) -> None:
        """Know a file's number in the store, whether a session begins, is there already, or not."""
        self._number(path, record, kept)
        if path in self.open and kept is not None and kept.image and not kept.draft:
            self._on_recalled(record, kept)

    def _number(self, path: Path, record: ImageRecord, kept: Kept | None) -> None:
        if kept is not None and kept.image and not kept.draft and self._keeping.writable:
            self._images[path] = (record.sha256, kept.image)

    def begin(self, path: Path, record: ImageRecord, kept: Kept | None, *, seen: bool = True) -> Session:
        """Open a session on a file that was read, with all that is kept of it; ``seen``: the reader is looking at it."""
        session = Session(Document(record), self)
        session.document.set_operating_point(*self._point)
        if not seen:
            self._unseen.add(path)
        ledger = self._ledgers[path] = Ledger(self._keeping, self._owners, record, self.copied.emit)
        if kept is not None and kept.image and self._keeping.writable:
            if kept.draft:
                ledger.draft = kept.image
            else:
                ledger.image = kept.image
        session.keep = ledger.change
        if kept is not None and kept.reading is not None:
            self._readings[path] = kept.reading.value
        session.veiled = self._veils(path)
        if kept is not None:
            self._restore(path, session, kept)
        session.changed.connect(lambda: self._on_changed(path, session))
        self.open[path] = session
        if seen and record.large and (kept is None or kept.draft):
            self._ask(path)
        return session

    def _ask(self, path: Path) -> None:
        """Ask what is kept of an open image; ``late`` follows."""
        self._asked.add(path)
        self._keeping.ask(self.open[path].document.record)

    def asked(self, path: Path) -> bool:
        """Whether it is still being found out what is kept of an open image."""
        return path in self._asked

    def see(self, path: Path) -> None:
        """The reader looks at a session that was opened ahead: only now it is noted in the store."""
        if path in self._unseen:
            self._unseen.discard(path)
            if self._keeping.writable or self.open[path].document.record.large:
                self._ask(path)

    def _restore(self, path: Path, session: Session, kept: Kept) -> None:
        """Give a session without work of its own all that is kept; changes are counted from there."""
        from busi_viewer.core.steps import readable
        from busi_viewer.workflow.casework import restore

        document = session.document
        for error in restore(document, replace(kept, result=None) if session.veiled else kept):
            self.unread.emit(path, problem_from(error, "reading what is kept"))
        session.remember(*readable(kept.steps, kept.position))
        document.revision, self._exported[path] = 0, document.changes
        self._show_kept(path, session, kept)

    def _show_kept(self, path: Path, session: Session, kept: Kept) -> None:
        """Let session and list show the kept analysis and what else the list says of an image."""
        document, item = session.document, self._model.item(path)
        before = replace(item) if item is not None else None
        result = kept.result if session.veiled else document.result
        if result is not None:
            result = replace(result, path=path, revision=document.revision)
            if session.veiled:
                session.offer(result)
            else:
                document.result = result
            self._results.put(path, result)
            (self._hidden if kept.hidden and path not in self._seen else self._seen).add(path)
            if not session.veiled:
                self._note_shown(path)
            if item is not None and not item.phase:
                reported = item.reported
                item.take(result)
                item.reported = reported
        elif item is not None and item.analysed and not (item.phase or kept.draft or self._results.get(path)):
            item.forget()  # what the list had learned was of an earlier content
        if item is not None:
            item.locked = path in self._readings
            item.edited, item.flagged = document.edited, self._flags.get(path, kept.flagged)
            if kept.report is not None:
                item.reported = kept.report.current
            if item != before:
                self._model.touch(path)

    def set_operating_point(self, sha256: str, point: float | None, basis: str) -> None:
        """Read every analysis of a model, open and to come, at another operating point (None: the model's own)."""
        self._point = (sha256, point, basis)
        for session in self.open.values():
            session.document.set_operating_point(*self._point)

    # reading blind

    def set_blind(self, blind: bool) -> None:
        """Hold back what the machine says of every open image whose reading is not locked, or show it."""
        self.blind = blind
        for path, session in self.open.items():
            session.veil(self._veils(path))
        for path in () if blind else tuple(self._hidden):
            self._note_shown(path)

    def _veils(self, path: Path) -> bool:
        return self.blind and path not in self._readings

    def seen(self, path: Path) -> bool:
        """Whether what the machine says of an image was shown, now or in an earlier session."""
        return path in self._seen

    def _note_shown(self, path: Path, *, shown: bool = True) -> None:
        """What the machine says of an image is shown from now on, or is hidden; kept where it was ever hidden."""
        if path in self._seen or (not shown and path in self._hidden):
            return
        marked = path in self._hidden
        self._hidden.discard(path)
        (self._seen if shown else self._hidden).add(path)
        if not marked and shown:
            return
        image = self.target(path) or self._images.get(path, ("", None))[1]
        if image is not None:
            self._keeping.change(image, SHOWING, {"shown": shown})
        elif path in self._ledgers:
            self._ledgers[path].note(SHOWING, lambda image: self._keeping.change(image, SHOWING, {"shown": shown}))

    def reading(self, path: Path) -> Mapping[str, Any]:
        """The reader's own reading of an image as it was locked, empty if none was."""
        return self._readings.get(path, {})

    def compare(self, path: Path, found: Sequence[str]) -> None:
        """Keep with a locked reading where it differs from what the machine says."""
        self._readings[path] = {**self._readings[path], DIFFERENCES: list(found)}
        self._ledgers[path].change(READING, self._readings[path])

    def lock(self, path: Path, reading: Mapping[str, Any]) -> None:
        """Keep the reader's own reading of an open image, and show what the machine says of it."""
        self._readings[path] = reading
        self._ledgers[path].change(READING, reading)
        self._note_shown(path)
        item = self._model.item(path)
        if item is not None:
            item.locked = True
            self._model.touch(path)
        self.open[path].veil(False)

    def drop(self, path: Path) -> None:
        """Put a session away."""
        session = self.open.pop(path)
        self._unseen.discard(path)
        self._asked.discard(path)
        del self._ledgers[path]
        session.setParent(None)
        session.deleteLater()

    def put_away(self, needed: Container[Path | None]) -> None:
        """Drop sessions beyond SPARE_SESSIONS that are not ``needed`` and whose work is kept, the oldest first."""
        spare = [path for path in self.open if path not in needed and not self.holds_work(path)]
        for path in spare[: max(0, len(spare) - SPARE_SESSIONS)]:
            self.drop(path)

    # what must not be lost

    def image(self, path: Path) -> int | None:
        """The number in the store under which an open file's work is kept, if it is."""
        return self._ledgers[path].image if path in self._ledgers else None

    def target(self, path: Path) -> int | None:
        """The same, or what stands for it before a large file is identified; to keep changes and notes by."""
        return self._ledgers[path].hand_over() if path in self._ledgers else None

    def holds_work(self, path: Path) -> bool:
        """Whether an open file carries reader's work that is not in the store."""
        return has_work(self.open[path]) and not self._kept(path)

    def only_here(self) -> set[Path]:
        """The open files whose work is not in the store."""
        return {path for path in self.open if self.holds_work(path)}

    def _kept(self, path: Path) -> bool:
        return self._ledgers[path].kept and not self._keeping.pending

    def unexported(self) -> int:
        """How many files carry reader's work that is neither kept (or on its way there) nor exported since it changed."""
        return sum(
            (session.document.edited or bool(session.document.callipers) or session.document.described)
            and self._exported.get(path) != session.document.changes
            and not self._ledgers[path].kept
            for path, session in self.open.items()
        )

    def settle(self, timeout: float) -> None:
        """Wait until all is on the disk, what waits for its image to be known in the store too; twice ``timeout`` s at most."""
        end = time.monotonic() + timeout
        while any(self._ledgers[path].waits for path in self._asked) and time.monotonic() < end:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 10)
            time.sleep(0.002)  # the store's thread needs the interpreter, too
        self._keeping.flush(timeout)

    def mark_exported(self, path: Path, changes: int, *, report: bool) -> None:
        """Note that the document of ``path`` was written as it was after so many ``changes``."""
        self._exported[path] = changes
        item = self._model.item(path)
        session = self.open.get(path)
        if item is not None and report and session is not None and session.document.changes == changes:
            item.reported = True
            self._model.touch(path)

    def flag(self, paths: Sequence[Path], flagged: bool) -> None:
        """Flag files, open or not, or take the flag away; kept as soon as the store can be written."""
        elsewhere = []
        for path in paths:
            item, image = self._model.item(path), self.target(path)
            if item is None:
                continue
            item.flagged = self._flags[path] = flagged
            self._model.touch(path)
            if image is not None:
                self._keeping.flag(image, flagged)
            else:
                elsewhere.append(path)
        if elsewhere and self._keeping.writable:
            self._keeping.flag_files(self._read, elsewhere, self._flags)

    def keep_result(self, path: Path, result: AnalysisResult) -> None:
        """Keep an analysis of a file, open or not, and whether the reader gets to see it."""
        self._note_shown(path, shown=not self._veils(path))
        if path in self.open:
            record = self.open[path].document.record
            if record.identified and result.sha256 == record.sha256:
                self.see(path)
                self._ledgers[path].result(result)
        elif path in self._images and self._images[path][0] == result.sha256:
            self._keeping.result(self._images[path][1], result)

    def _on_changed(self, path: Path, session: Session) -> None:
        item = self._model.item(path)
        if item is None:
            return
        edited = session.document.edited
        reported = item.reported and self._exported.get(path) == session.document.changes
        if (edited, reported) != (item.edited, item.reported):
            item.edited, item.reported = edited, reported
            self._model.touch(path)

    # a store that comes later

    @Slot()
    def _ask_again(self) -> None:
        """The store can be written now: ask it about images that were opened without."""
        for path, ledger in self._ledgers.items():
            if has_work(self.open[path]):
                ledger.hand_over()
            if ledger.image is None and self._keeping.writable and path not in self._unseen | self._asked:
                self._ask(path)

    @Slot(object)
    def _on_states(self, states: Mapping[Path, ImageState]) -> None:
        """The list learns of files that are not open, or not known yet; of the others more is known."""
        known = {
            path for path, session in self.open.items() if self._ledgers[path].image is not None or has_work(session)
        }
        self._model.learn({path: state for path, state in states.items() if path not in known})

    @Slot(object, object)
    def _on_recalled(self, record: ImageRecord, kept: Kept | None) -> None:
        """What is kept of an image that is open already comes beneath what was done on it meanwhile."""
        path = record.path
        self._asked.discard(path)
        session, ledger = self.open.get(path), self._ledgers.get(path)
        if session is None or ledger is None or ledger.image is not None:
            return
        if session.document.record.digest != record.digest:
            return  # opened anew meanwhile, with another content
        if kept is not None:
            self._join(path, session, ledger, kept)
        self.late.emit(path, kept)

    def _join(self, path: Path, session: Session, ledger: Ledger, kept: Kept) -> None:
        worked = has_work(session)
        same = kept.blank or self._keeping.is_draft(ledger.draft, kept.image)
        work = take_off(session) if worked and not same else None
        self._number(path, session.document.record, kept)
        if self._keeping.writable and kept.image:
            ledger.adopt(kept.image, afresh=work is not None)
        if kept.reading is not None:
            self._readings.setdefault(path, kept.reading.value)
        if session.document.result is not None or session.held:
            kept = replace(kept, result=None)  # analysed again meanwhile
        session.veil(self._veils(path))
        if work is not None or not worked:
            self._restore(path, session, kept)
        else:
            if kept.result is not None and not session.veiled:
                session.document.offer(replace(kept.result, path=path, revision=session.document.revision))
            self._show_kept(path, session, kept)
        if work is not None:
            lay_over(session, work, tr(MEANWHILE))
            self.joined.emit(path)
        ledger.leave_draft()
        if worked or not kept.empty:
            session.changed.emit()


def has_work(session: Session) -> bool:
    """Whether the reader has done anything in a session."""
    return session.document.edited or session.undo.count() > 0
