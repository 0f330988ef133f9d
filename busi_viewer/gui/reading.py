"""The reader's desk: which file is in view, which are open, what the lane has said of each.

Sessions with reader's work stay in memory until the program ends; clean ones and results are kept while there is room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.results import AnalysisResult
from busi_viewer.gui.batch import Batch
from busi_viewer.gui.lane import AnalysisRequest, Lane
from busi_viewer.gui.notices import Question
from busi_viewer.gui.opener import Opener
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.session import Session
from busi_viewer.gui.worklist_model import WorklistModel

CLEAN_SESSIONS = 8
RESULT_BYTES = 256_000_000
PREWARM_MS = 300


class Results:
    """Analyses by file; the oldest go when masks and heatmaps exceed ``RESULT_BYTES``."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, AnalysisResult] = OrderedDict()
        self._bytes = 0

    def get(self, path: Path) -> AnalysisResult | None:
        """The analysis of a file, if it is still kept."""
        return self._kept.get(path)

    def put(self, path: Path, result: AnalysisResult) -> None:
        """Keep an analysis in place of an earlier one."""
        old = self._kept.pop(path, None)
        self._bytes += _size(result) - (_size(old) if old else 0)
        self._kept[path] = result
        while self._bytes > RESULT_BYTES and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= _size(gone)


def _size(result: AnalysisResult) -> int:
    return sum(f.mask.nbytes + (f.heatmap.values.nbytes if f.heatmap else 0) for f in result.frames)


def merged(before: AnalysisResult | None, new: AnalysisResult) -> AnalysisResult:
    """``new`` together with the frames that only an earlier analysis by the same model has."""
    if before is None or before.model.sha256 != new.model.sha256 or before.sha256 != new.sha256:
        return new
    done = {frame.index for frame in new.frames}
    kept = tuple(frame for frame in before.frames if frame.index not in done)
    return replace(new, frames=tuple(sorted((*kept, *new.frames), key=lambda frame: frame.index)))


def question_of(frames: Sequence[int], count: int, keep: Callable[[], None], show: Callable[[], None]) -> Question:
    """Asks before an image is analysed whose ``frames`` (of ``count``) carry a reader's outline."""
    shown = ", ".join(str(frame + 1) for frame in frames[:5]) + (" …" if len(frames) > 5 else "")
    which = (
        "This image carries"
        if count == 1
        else f"Frame{'' if len(frames) == 1 else 's'} {shown} carr" + ("ies" if len(frames) == 1 else "y")
    )
    return Question(
        f"{which} your outline. Analyse again?",
        "Your outline stays, and the estimate is made anew; or AI's new outline is shown in its place, which can be undone.",
        (("Keep my outline", keep), ("Show AI's outline", show)),
    )


def question_of_many(count: int, go_on: Callable[[], None]) -> Question:
    """Asks before files are analysed that carry a reader's outline."""
    which = "1 image carries your outline and was" if count == 1 else f"{count} images carry your outlines and were"
    return Question(
        f"{which} left out. Analyse {'it' if count == 1 else 'them'} too?",
        "Your outlines stay as they are; each gets an estimate.",
        (("Analyse, keep my outlines", go_on),),
        here=False,
    )


class Reading(QObject):
    """Connects worklist, opener, lane and sessions.

    ``session_changed(Session | None)`` when another image comes into view, ``opening(path)`` while it is read,
    ``not_opened(path, Problem)`` if it cannot be; ``analysis_changed`` when the state of the one in view changes;
    ``problem(Problem)``, ``said(str)`` and ``asked(Question)`` are for the notice bar.
    """

    session_changed = Signal(object)
    opening = Signal(object)
    not_opened = Signal(object, object)
    analysis_changed = Signal()
    problem = Signal(object)
    said = Signal(str)
    asked = Signal(object)

    def __init__(self, model: WorklistModel, lane: Lane, opener: Opener, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._lane, self._opener = model, lane, opener
        self._sessions: OrderedDict[Path, Session] = OrderedDict()
        self._ahead: set[Path] = set()
        self._problems: dict[Path, Problem] = {}
        self._exported: dict[Path, int] = {}
        self._stage: dict[Path, tuple[str, float]] = {}
        self._replacing: set[Path] = set()
        self.results = Results()
        self.path: Path | None = None
        self.neighbours: Callable[[], Sequence[Path]] = tuple
        self.batch = Batch(lane, opener, self._revision_of, self)
        self._prewarm = QTimer(self)
        self._prewarm.setSingleShot(True)
        self._prewarm.setInterval(PREWARM_MS)
        self._prewarm.timeout.connect(lane.warm)
        opener.opened.connect(self._on_opened)
        opener.failed.connect(self._on_open_failed)
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

    def retry(self, path: Path) -> None:
        """Read a file again that could not be read."""
        item = self._model.item(path)
        if item is not None and item.phase == "failed":
            item.phase = item.note = ""
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
        if drawn and (everything or session.frame in drawn):
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
        drawn = [path for path in waiting if path in self._sessions and self._sessions[path].document.edited]
        rest = [path for path in waiting if path not in drawn]
        if rest:
            self.batch.start(rest)
        if drawn:
            self.asked.emit(question_of_many(len(drawn), partial(self.batch.start, drawn)))
        if not waiting:
            self.said.emit("All of these images are analysed. Analyse one again with A.")

    # what must not be lost

    def edited_paths(self) -> set[Path]:
        """Files that carry reader's work."""
        return {path for path, session in self._sessions.items() if _has_work(session)}

    def unexported(self) -> int:
        """How many files carry a reader's outline that has not been exported since it changed."""
        return sum(
            session.document.edited and self._exported.get(path) != session.document.revision
            for path, session in self._sessions.items()
        )

    def mark_exported(self, path: Path, revision: int, *, report: bool) -> None:
        """Note that the document of ``path`` was written as it was at ``revision``."""
        self._exported[path] = revision
        item = self._model.item(path)
        session = self._sessions.get(path)
        if item is not None and report and session is not None and session.document.revision == revision:
            item.reported = True
            self._model.touch(path)

    # opening

    def _present(self, session: Session | None) -> None:
        if self.path is not None and session is not None:
            self._sessions.move_to_end(self.path)
            self._restore(self.path, session)
        self.session_changed.emit(session)
        self.analysis_changed.emit()
        if session is not None:
            self._prewarm.start()
            for near in self.neighbours():
                if near not in self._sessions and near not in self._problems:
                    self._ahead.add(near)
                    self._opener.open(near, ahead=True)

    def _restore(self, path: Path, session: Session) -> None:
        """Give a reopened clean session its analysis back; one no longer kept is made again."""
        item = self._model.item(path)
        if session.document.result is not None or item is None or not item.analysed:
            return
        result = self.results.get(path)
        if result is not None:
            session.offer(replace(result, revision=session.document.revision))
        else:
            QTimer.singleShot(0, partial(self._analyse_again, path))

    def _analyse_again(self, path: Path) -> None:
        if path == self.path:
            self.analyse()

    @Slot(object, object)
    def _on_opened(self, path: Path, record: ImageRecord) -> None:
        wanted = path == self.path
        if not wanted and path not in self._ahead:
            return
        self._ahead.discard(path)
        if path not in self._sessions:
            session = Session(Document(record), self)
            session.changed.connect(lambda: self._on_session_changed(path, session))
            self._sessions[path] = session
            if not wanted:
                self._sessions.move_to_end(path, last=False)
        if wanted:
            self._present(self._sessions[path])
        self._evict()

    @Slot(object, object)
    def _on_open_failed(self, path: Path, problem: Problem) -> None:
        self._ahead.discard(path)
        self._problems[path] = problem
        item = self._model.item(path)
        if item is not None:
            item.phase, item.note = "failed", "Not readable"
            self._model.touch(path)
        if path == self.path:
            self.not_opened.emit(path, problem)

    def _evict(self) -> None:
        near = {self.path, *self.neighbours()}
        clean = [p for p, s in self._sessions.items() if p not in near and p not in self._stage and not _has_work(s)]
        for path in clean[: max(0, len(clean) - CLEAN_SESSIONS)]:
            session = self._sessions.pop(path)
            session.setParent(None)
            session.deleteLater()

    def _on_session_changed(self, path: Path, session: Session) -> None:
        item = self._model.item(path)
        if item is None:
            return
        edited = session.document.edited
        reported = item.reported and self._exported.get(path) == session.document.revision
        if (edited, reported) != (item.edited, item.reported):
            item.edited, item.reported = edited, reported
            self._model.touch(path)

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
        revision = session.document.revision if session is not None else result.revision
        if revision != result.revision:
            self._mark(path, "")
            self.said.emit(
                f"{path.name}: the outline changed while the analysis ran, so it was set aside. Analyse again."
            )
            self._settle(path)
            return
        fresh = tuple(frame.index for frame in result.frames)
        result = merged(self.results.get(path), result)
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
            self._mark(path, "failed", "Analysis failed")
            if path == self.path:
                self.problem.emit(problem)
        self._settle(path)

    @Slot(object)
    def _on_cancelled(self, path: Path) -> None:
        self._mark(path, "")
        self._settle(path)


def _has_work(session: Session) -> bool:
    return session.document.edited or session.undo.count() > 0
