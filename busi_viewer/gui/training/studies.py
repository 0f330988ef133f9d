"""Searches and cross-validations on the Training page: shown as they go, and what follows from a finished one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot

from busi_viewer.gui.desktop import open_file
from busi_viewer.gui.language import tr
from busi_viewer.gui.training.study_view import StudyView
from busi_viewer.gui.training.work import RUN, Seen, Work
from busi_viewer.workflow import training_new
from busi_viewer.workflow.training_runs import DONE, SEARCH, Run

PAGE = "index.html"


class Studies(QObject):
    """Follows the study in view in its ``view``."""

    def __init__(self, work: Work, parent: QObject) -> None:
        super().__init__(parent)
        self.view = StudyView()
        self._work = work
        self._folder: Path | None = None
        self.view.best_asked.connect(self._train_best)
        self.view.page_asked.connect(self._open_page)

    def follow(self, run: Run, seen: Seen) -> None:
        """The study in view as it stands."""
        self._folder = run.folder
        self.view.show_study(run, seen.request if seen.folder == run.folder else {})

    def steps(self, run: Run) -> tuple[str, str]:
        """What is said below the steps Results and Promote."""
        if run.study is not None and run.study.kind == SEARCH:
            results = tr("best values") if run.state == DONE else tr("when the search is finished")
            return results, tr("train the best values first")
        results = tr("figures out of fold") if run.state == DONE else tr("when all folds are finished")
        return results, tr("train once for that")

    @Slot()
    def _train_best(self) -> None:
        folder = self._folder
        if folder is not None:
            self._work.do(RUN, lambda: training_new.begin_best(folder))

    @Slot()
    def _open_page(self) -> None:
        if self._folder is not None:
            open_file(self._folder / PAGE)
