"""What goes on, in the bottom row and the notices: analyses, batches, the engine."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from busi_viewer.core.results import ModelInfo
from busi_viewer.gui import privacy
from busi_viewer.gui.bottom_row import BottomRow, device_in_words
from busi_viewer.gui.lane import Lane
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.notices import Notices
from busi_viewer.gui.problem import Problem
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.review_page import ReviewPage
from busi_viewer.gui.worklist_model import WorklistModel


class Status(QObject):
    """Follows lane, batch and reading; it decides nothing."""

    def __init__(
        self,
        lane: Lane,
        reading: Reading,
        model: WorklistModel,
        review: ReviewPage,
        bottom: BottomRow,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._reading, self._model, self._review = reading, model, review
        self._bottom, self._notices = bottom, notices
        self._device = ""
        reading.analysis_changed.connect(self._on_analysis)
        reading.batch.changed.connect(self.show)
        reading.batch.finished.connect(self._on_batch_finished)
        lane.engine_loading.connect(self._on_engine_loading)
        lane.engine_ready.connect(self._on_engine_ready)
        lane.engine_failed.connect(self._on_engine_failed)

    @Slot()
    def show(self) -> None:
        """Say what goes on now."""
        batch, stage = self._reading.batch, self._reading.stage
        if stage is not None:
            self._bottom.say(tr("Analysing, {stage}", stage=said(stage[0])))
        elif batch.active:
            words = tr(
                "{done} of {total}, paused" if batch.paused else "{done} of {total} analysed",
                done=batch.done,
                total=batch.total,
            )
            self._bottom.say(words)
        else:
            failed = self._model.counts()["Failed"]
            self._bottom.say(plural("1 file failed", "{n} files failed", failed) if failed else tr("Ready"))

    @Slot()
    def _on_analysis(self) -> None:
        stage, path = self._reading.stage, self._reading.path
        self._review.show_analysis(privacy.name(path, stem=True) if path is not None else "", stage)
        self.show()

    @Slot(int, int, bool)
    def _on_batch_finished(self, done: int, failed: int, stopped: bool) -> None:
        self.show()
        if stopped:
            return
        text = plural("1 image analysed", "{n} images analysed", done - failed)
        if failed:
            deed = (tr("Show failed"), lambda: self._review.worklist.set_filter("Failed"))
            self._notices.show_warning(
                tr("{analysed}, {n} failed.", analysed=text, n=failed), tr("The others are not affected."), deed
            )
        else:
            self._notices.show_info(text + ".")

    @Slot()
    def _on_engine_loading(self) -> None:
        self._bottom.show_engine_state(tr("Loading the model…"))

    @Slot(object, str)
    def _on_engine_ready(self, model: ModelInfo, device: str) -> None:
        if device != self._device and self._device:
            self._notices.show_warning(
                tr("The device {device} failed.", device=device_in_words(self._device)),
                tr("The CPU computes from now on. Start the program again to try the device once more."),
            )
        self._device = device
        self._bottom.show_engine(model, device)
        self._review.result.set_engine_problem(None)

    @Slot(object)
    def _on_engine_failed(self, problem: Problem) -> None:
        self._bottom.show_engine_state(tr("No model"))
        self._review.result.set_engine_problem(problem)
        self._notices.show_problem(problem)
