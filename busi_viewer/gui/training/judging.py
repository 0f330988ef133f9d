"""A finished run judged: its results, the locked test, the comparison, promotion, rolling back, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog

from busi_viewer.core.training import TEST as TEST_FOLDER
from busi_viewer.core.training import VALIDATION
from busi_viewer.gui import privacy
from busi_viewer.gui.desktop import open_file
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import tr
from busi_viewer.gui.training.results_view import ResultsView
from busi_viewer.gui.training.side import Side
from busi_viewer.gui.training.work import EPOCHS, EXPORT, PROMOTE, RESULTS, TEST, Seen, Work
from busi_viewer.workflow import models
from busi_viewer.workflow.export import write_bytes
from busi_viewer.workflow.training_runs import DONE, Run

DEEDS = ("promoted", "made active again")


class Judging(QObject):
    """Follows the run in view. ``changed``: look at it again; ``model_changed``: another model is active."""

    changed = Signal()
    said = Signal(str, str)
    model_changed = Signal()

    def __init__(self, work: Work, keeping: Keeping, parent: QObject) -> None:
        super().__init__(parent)
        self._work, self._keeping = work, keeping
        self.side, self.results = Side(), ResultsView()
        self._run: Run | None = None
        self._seen = Seen(())
        side = self.side
        side.test_asked.connect(self._open_test)
        side.test_cancelled.connect(self._cancel_test)
        side.page_asked.connect(self._open_comparison)
        side.promote_asked.connect(self._promote)
        side.rollback_asked.connect(self._roll_back)
        side.export_asked.connect(self._export)
        self.results.page_asked.connect(open_file)
        self.results.part_asked.connect(self.show_part)
        work.progress.connect(self._on_progress)
        self._figure = b""
        self._kept_of: Path | None = None
        self._kept: tuple[int, ...] = ()
        card = self.results.epochs
        card.asked.connect(self._compare_epochs)
        card.cancelled.connect(lambda: work.cancel(EPOCHS))
        card.save_asked.connect(self._save_figure)

    def follow(self, run: Run, seen: Seen, images: int) -> None:
        """The run in view as it stands; ``images`` of its test part."""
        news = self._seen.folder == seen.folder and self._seen.tested is None and seen.tested is not None
        if seen.folder == run.folder and (self._kept_of, self._kept) != (run.folder, seen.kept):
            self._kept_of, self._kept = run.folder, seen.kept
            self.results.epochs.forget()
            self.results.epochs.show_run(seen.kept, seen.images)
        self._run, self._seen = run, seen
        if news:
            self.show_part("test")
        self.side.show_test(run, seen, busy=self._work.busy(TEST), images=images)
        if seen.folder == run.folder:
            self.side.show_run(run, seen.usage, seen.estimate)

    def steps(self, run: Run, seen: Seen) -> tuple[str, str]:
        """What is said below the steps Results and Promote."""
        results = tr("figures and worst cases") if run.state == DONE else tr("when the run is finished")
        if seen.active == run.folder.name:
            return results, tr("the active model")
        return results, tr("can be promoted") if seen.tested is not None else tr("needs the locked test")

    @Slot(str)
    def show_part(self, part: str) -> None:
        """Show the study of a part of the run in view."""
        run = self._run
        if run is None:
            return
        self.results.part = part
        place = run.folder / (VALIDATION if part == "validation" else f"{TEST_FOLDER}/run")
        if run.state != DONE:
            self.results.show_none(tr("The run is not finished: its curves and sample predictions are under Run."))
        elif part == "test" and self._seen.tested is None:
            self.results.show_none(tr("The locked test is closed. It is opened once, with the button at the right."))
        else:
            from busi_viewer.workflow import training_results

            self._work.do(RESULTS, lambda: (part, training_results.read(place)))

    def answer(self, kind: str, result: Any) -> None:
        """Take what came of TEST, RESULTS, PROMOTE or EXPORT."""
        if kind == RESULTS:
            self.results.show_results(*result)
        elif kind == PROMOTE:
            self._on_promoted(*result)
        elif kind == EXPORT:
            target, digest = result
            self.said.emit(tr("Saved {name}", name=privacy.name(target)), f"SHA-256 {digest}" if digest else "")
        elif kind == EPOCHS:
            folder, self._figure = result
            self.settle(kind)
            if self._run is not None and folder == self._run.folder:
                self.results.epochs.show_figure(self._figure)
        else:
            self.changed.emit()

    def settle(self, kind: str) -> None:
        """Something ended, with a result or without one."""
        if kind == EPOCHS:
            self.results.epochs.show_busy(busy=False)

    # inside

    @Slot(object, object, str)
    def _compare_epochs(self, image: Path, mask: Path | None, method: str) -> None:
        if self._run is not None:
            self._work.compare_epochs(self._run.folder, image, mask, method)

    @Slot()
    def _save_figure(self) -> None:
        run = self._run
        name = f"{run.folder.name}-epochs.png" if run is not None else ""
        chosen, _ = QFileDialog.getSaveFileName(self.results, tr("Save figure"), name, tr("PNG (*.png)"))
        if chosen:
            target, figure = Path(chosen), self._figure

            def save() -> object:
                write_bytes(target, figure)
                return target, ""

            self._work.do(EXPORT, save)

    @Slot()
    def _open_test(self) -> None:
        if self._run is not None:
            self._work.open_test(self._run)
            self.changed.emit()

    @Slot()
    def _cancel_test(self) -> None:
        self._work.cancel(TEST)

    @Slot()
    def _open_comparison(self) -> None:
        if self._seen.tested is not None:
            open_file(self._seen.tested.page())

    @Slot(str)
    def _promote(self, reason: str) -> None:
        run = self._run
        if run is not None:
            self.side.promote.setEnabled(False)
            self._work.do(PROMOTE, lambda: self._noted(DEEDS[0], _promoted(run, reason), reason))

    @Slot()
    def _roll_back(self) -> None:
        self._work.do(PROMOTE, lambda: self._noted(DEEDS[1], models.find(models.rollback())))

    def _noted(self, what: str, model: models.Installed, reason: str = "") -> object:
        """On the pool's thread, so that the record is written even if the window closes now."""
        self._keeping.note_model(what, model, reason)
        return what, model

    def _on_promoted(self, what: str, model: models.Installed) -> None:
        title = tr("{name} {version} is the active model", name=model.name, version=model.version)
        self.said.emit(title, tr("It was {done}; analyse again to use it.", done=tr(what)))
        self.model_changed.emit()
        self.changed.emit()

    @Slot()
    def _export(self) -> None:
        from busi_viewer.workflow import model_file

        run = self._run
        if run is None or run.model is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self.side,
            tr("Export model"),
            f"{run.folder.name}{model_file.SUFFIX}",
            tr("Model (*{ending})", ending=model_file.SUFFIX),
        )
        if name:
            target, model = Path(name), run.model

            def export() -> object:
                installed = any(one.name == run.folder.name for one in models.installed())
                return target, model_file.export(run.folder.name if installed else str(model), target)

            self._work.do(EXPORT, export)

    @Slot(str, str, float)
    def _on_progress(self, kind: str, words: str, _share: float) -> None:
        if kind == TEST:
            self.side.show_test_progress(words)


def _promoted(run: Run, reason: str) -> models.Installed:
    from busi_viewer.workflow import promotion  # with scipy: on the pool's thread

    return promotion.promote(run, run.folder.name, reason)
