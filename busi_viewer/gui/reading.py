"""The reader's desk: which file is in view, which are open, what the lane has said of each.

Sessions whose work is nowhere else stay open until the program ends; the others, and results, while there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import AnalysisResult, merged
from busi_viewer.gui import privacy
from busi_viewer.gui.batch import Batch
from busi_viewer.gui.desk import Desk
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.lane import AnalysisRequest, Lane
from busi_viewer.gui.language import tr
from busi_viewer.gui.opener import Opener
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.questions import question_of, question_of_many
from busi_viewer.gui.result_cache import Results
from busi_viewer.gui.session import Session
from busi_viewer.gui.worklist_model import WorklistModel

if TYPE_CHECKING:
    from busi_viewer.core.casebook import Kept

PREWARM_MS = 300
PAINTED_MS = 10
"""Qt paints about 5 ms after something was to be shown; by then the image is on the screen."""


class Reading(QObject):
    """Connects worklist, opener, lane and sessions.

    ``session_changed(Session | None)`` when another image comes into view, ``opening(path)`` while it is read,
    ``not_opened(path, Problem)`` if it cannot be; ``analysis_changed`` when the state of the one in view changes;
    ``problem(Problem)``, ``said(str)`` and ``asked(Question)`` are for the notice bar, as are ``tidings(path, Kept)`` when an
    image comes into view whose file moved or changed.
    """

    session_changed = Signal(object)
    opening = Signal(object)
    not_opened = Signal(object, object)
    analysis_changed = Signal()
    problem = Signal(object)
    said = Signal(str)
    asked = Signal(object)
    tidings = Signal(object, object)

    def __init__(
        self, model: WorklistModel, lane: Lane, opener: Opener, keeping: Keeping, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model, self._lane, self._opener = model, lane, opener
        self.results = Results()
        self.desk = Desk(model, self.results, keeping, opener.read, self)
        self._sessions = self.desk.open
        self._tidings: dict[Path, Kept] = {}
        self._ahead: set[Path] = set()
        self._problems: dict[Path, Problem] = {}
        self._stage: dict[Path, tuple[str, float]] = {}
        self._replacing: set[Path] = set()
        self.path: Path | None = None
        self.neighbours: Callable[[], Sequence[Path]] = tuple
        self.batch = Batch(lane, opener, self._revision_of, self)
        self._prewarm = QTimer(self)
        self._prewarm.setSingleShot(True)
        self._prewarm.setInterval(PREWARM_MS)
        self._prewarm.timeout.connect(lane.warm)
        self._read_ahead = QTimer(self, singleShot=True, interval=PAINTED_MS)
        self._read_ahead.timeout.connect(self._open_neighbours)
        opener.opened.connect(self._on_opened)
        opener.failed.connect(self._on_open_failed)
        self.desk.late.connect(self._on_late)
        lane.started.connect(self._on_started)
        lane.progress.connect(self._on_progress)
        lane.finished.connect(self._on_finished)
        lane.failed.connect(self._on_failed)
        lane.cancelled.connect(self._on_cancelled)
        self.batch.queued.connect(self._on_queued)
        self.batch.released.connect(self._on_released)

    # what the reader does

    @property
    def session(self) -> Session | None:
        """The session in view."""
        return self._sessions.get(self.path) if self.path is not None else None

    @property
    def stage(self) -> tuple[str, float] | None:
        """(stage, share in [0, 1]) of the analysis of the image in view while it waits or runs, else None."""
        return self._stage.get(self.path) if self.path is not None else None

    def show(self, path: Path | None) -> None:
        """Bring a file into view: at once if it is open, else as soon as it has been read."""
        if path == self.path and (self.session is not None or path is None):
            return
        self.path = path
        session = self.session
        if path is None or session is not None:
            self._present(session)
            return
        self._problems.pop(path, None)
        self.session_changed.emit(None)
        self.opening.emit(path)
        self._opener.open(path)
        self._look_ahead()

    def retry(self, path: Path) -> None:
        """Read a file again that could not be read."""
        item = self._model.item(path)
        if item is not None and item.phase == "failed":
            item.phase = item.note = item.reason = ""
            self._model.touch(path)
        if path == self.path:
            self.path = None
            self.show(path)

    def analyse(self, *, every_frame: bool = False) -> None:
        """Analyse the image in view, ahead of the batch: its frame in view, or every frame. Over a reader's outline it asks."""
        session = self.session
        if session is None or self.path is None or self.path in self._stage:
            return
        everything = every_frame or len(session.document.record.frames) == 1
        drawn = session.document.edited_frames
        if drawn and (everything or session.frame in drawn) and not session.veiled:
            keep = partial(self._run, self.path, every_frame)
            show = partial(self._run, self.path, every_frame, replace_drawn=True)
            self.asked.emit(question_of(drawn if everything else (session.frame,), len(session.frames), keep, show))
        else:
            self._run(self.path, every_frame)

    def _run(self, path: Path, every_frame: bool, *, replace_drawn: bool = False) -> None:
        """Hand the image in view to the lane, if it is still the one that was meant."""
        session = self.session
        if session is None or path != self.path or path in self._stage:
            return
        record = session.document.record
        frames = (session.frame,) if len(record.frames) > 1 and not every_frame else None
        heatmap = not (every_frame and len(record.frames) > 1)
        self._stage[path] = ("waiting", 0.0)
        if replace_drawn:
            self._replacing.add(path)
        self._mark(path, "queued")
        self._lane.submit(AnalysisRequest(record, session.document.revision, frames, heatmap))
        self.analysis_changed.emit()

    def cancel(self) -> None:
        """Stop the analysis of the image in view."""
        if self.path is not None and self.path in self._stage:
            self._lane.cancel(self.path)

    def analyse_many(self, paths: Sequence[Path]) -> None:
        """Analyse files in the background, those not yet analysed; about those with a reader's outline it asks first."""
        waiting = [path for path in paths if (item := self._model.item(path)) is not None and not item.analysed]
        drawn = [path for path in waiting if (item := self._model.item(path)) is not None and item.edited]
        rest = [path for path in waiting if path not in drawn]
        if rest:
            self.batch.start(rest)
        if drawn:
            self.asked.emit(question_of_many(len(drawn), partial(self.batch.start, drawn)))
        if not waiting:
            self.said.emit(tr("All of these images are analysed. Analyse one again with A."))

    @Slot(object, bool)
    def flag(self, paths: Sequence[Path], flagged: bool) -> None:
        """Flag files, or take the flag away."""
        self.desk.flag(paths, flagged)

    # what must not be lost

    @property
    def image(self) -> int | None:
        """The number in the store of the image in view, if it is kept."""
        return self.desk.image(self.path) if self.path is not None else None

    def read_again(self, path: Path) -> None:
        """Read a file anew that changed since; not where that would lose work."""
        session = self._sessions.get(path)
        if session is None or path in self._stage or self.desk.holds_work(path):
            return
        self.desk.drop(path)
        item = self._model.item(path)
        if item is not None:
            item.forget()
            self._model.touch(path)
        if path == self.path:
            self.path = None
            self.show(path)

    # opening

    def _present(self, session: Session | None) -> None:
        if self.path is not None and session is not None:
            self._sessions.move_to_end(self.path)
            self.desk.see(self.path)
            self._give_back(self.path, session)
        self.session_changed.emit(session)
        self.analysis_changed.emit()
        if session is not None:
            if self.path in self._tidings:
                self.tidings.emit(self.path, self._tidings.pop(self.path))
            self._prewarm.start()
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Read the neighbours soon; while a key is held, too, so what is waited for is not put off."""
        if not self._read_ahead.isActive():
            self._read_ahead.start()

    @Slot()
    def _open_neighbours(self) -> None:
        """Read what the reader may turn to next, once the image in view has been painted."""
        for near in self.neighbours() if self.path is not None else ():
            if near not in self._sessions and near not in self._problems:
                self._ahead.add(near)
                self._opener.open(near, ahead=True, look=True)

    def _give_back(self, path: Path, session: Session) -> None:
        """Give a reopened session without a store its analysis back; one no longer in memory is made again."""
        item = self._model.item(path)
        known = session.document.result is not None or session.held
        if known or item is None or not item.analysed or self.desk.asked(path):
            return
        result = self.results.get(path)
        if result is not None:
            session.offer(replace(result, revision=session.document.revision))
        else:
            QTimer.singleShot(0, partial(self._analyse_again, path))

    def _analyse_again(self, path: Path) -> None:
        if path == self.path:
            self.analyse()

    @Slot(object, object, object)
    def _on_opened(self, path: Path, record: ImageRecord, kept: Kept | None) -> None:
        self.desk.note(path, record, kept)
        wanted = path == self.path
        if not wanted and path not in self._ahead:
            return
        self._ahead.discard(path)
        if path not in self._sessions:
            self.desk.begin(path, record, kept, seen=wanted)
            if kept is not None and kept.tidings:
                self._tidings[path] = kept
            if not wanted:
                self._sessions.move_to_end(path, last=False)
        if wanted:
            self._present(self._sessions[path])
        self._evict()

    @Slot(object, object)
    def _on_late(self, path: Path, kept: Kept | None) -> None:
        """What is kept of an open image is known only now, or that nothing will be."""
        if path != self.path:
            return
        self._give_back(path, self._sessions[path])
        self.analysis_changed.emit()
        if kept is not None and kept.tidings:
            self.tidings.emit(path, kept)

    @Slot(object, object)
    def _on_open_failed(self, path: Path, problem: Problem) -> None:
        self._ahead.discard(path)
        self._problems[path] = problem
        item = self._model.item(path)
        if item is not None:
            item.phase, item.note = "failed", "Not readable"
            item.reason = f"{problem.what}. {problem.remedy}".strip()
            self._model.touch(path)
        if path == self.path:
            self.not_opened.emit(path, problem)

    def _evict(self) -> None:
        self.desk.put_away({self.path, *self.neighbours(), *self._stage})

    # analysing

    def _revision_of(self, path: Path) -> int:
        session = self._sessions.get(path)
        return session.document.revision if session is not None else 0

    def _mark(self, path: Path, phase: str, note: str = "") -> None:
        item = self._model.item(path)
        if item is not None and (item.phase, item.note) != (phase, note):
            item.phase, item.note = phase, note
            self._model.touch(path)

    def _settle(self, path: Path) -> None:
        self._stage.pop(path, None)
        self._replacing.discard(path)
        if path == self.path:
            self.analysis_changed.emit()

    @Slot(object)
    def _on_queued(self, path: Path) -> None:
        self._mark(path, "queued")

    @Slot(object)
    def _on_released(self, path: Path) -> None:
        self._mark(path, "")

    @Slot(object)
    def _on_started(self, path: Path) -> None:
        self._on_progress(path, "starting", 0.0)

    @Slot(object, str, float)
    def _on_progress(self, path: Path, stage: str, share: float) -> None:
        self._stage[path] = (stage, share)
        self._mark(path, "running", stage.capitalize())
        if path == self.path:
            self.analysis_changed.emit()

    @Slot(object, object)
    def _on_finished(self, path: Path, result: AnalysisResult) -> None:
        session = self._sessions.get(path)
        revision = session.document.revision if session is not None and not session.veiled else result.revision
        if revision != result.revision:
            self._mark(path, "")
            self.said.emit(
                tr(
                    "{name}: the outline changed while the analysis ran, so it was set aside. Analyse again.",
                    name=privacy.name(path),
                )
            )
            self._settle(path)
            return
        fresh = tuple(frame.index for frame in result.frames)
        self.desk.keep_result(path, result)
        result = merged(self.results.get(path) or (session.document.result if session is not None else None), result)
        self.results.put(path, result)
        item = self._model.item(path)
        if item is not None:
            item.take(result, session.frame if session is not None else 0)
            self._model.touch(path)
        if session is not None:
            session.offer(result)
            if path in self._replacing:
                session.show_machine(fresh)
        self._settle(path)

    @Slot(object, object)
    def _on_failed(self, path: Path, problem: Problem | None) -> None:
        if problem is None:
            self._mark(path, "")
        else:
            item = self._model.item(path)
            if item is not None:
                item.reason = f"{problem.what}. {problem.remedy}".strip()
            self._mark(path, "failed", "Analysis failed")
            if path == self.path:
                self.problem.emit(problem)
        self._settle(path)

    @Slot(object)
    def _on_cancelled(self, path: Path) -> None:
        self._mark(path, "")
        self._settle(path)
