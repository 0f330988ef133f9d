"""What the Training page does: follows the runs, leads through the steps of a new one, tests, promotes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from busi_viewer.core.errors import UserError
from busi_viewer.core.ports import CaseStore, Services
from busi_viewer.gui.desktop import open_file
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import tr
from busi_viewer.gui.problem import Problem, problem_from
from busi_viewer.gui.training.data_step import DataStep
from busi_viewer.gui.training.judging import Judging
from busi_viewer.gui.training.recipe_step import RecipeStep
from busi_viewer.gui.training.run_view import RunView
from busi_viewer.gui.training.runs_list import DATA, PROMOTE, RECIPE, RESULTS, RUN, SPLIT, RunsList, state_in_words
from busi_viewer.gui.training.split_step import SplitStep
from busi_viewer.gui.training.studies import Studies
from busi_viewer.gui.training.words import images_in_words, parts_in_words
from busi_viewer.gui.training.work import AUDIT, ESTIMATE, LOOK, PLAN, RECIPES, SAMPLES, Seen, Work
from busi_viewer.gui.training.work import RUN as RUNNING_RUN
from busi_viewer.workflow import training_new, training_plan, training_runs
from busi_viewer.workflow.training_new import Chosen
from busi_viewer.workflow.training_runs import DONE, Run

AHEAD = ("network and settings", "in its own process", "on validation", "needs the locked test")
"""What is said below the steps of a new run that are not chosen yet."""


class Book(QObject):
    """Owns the parts and says what follows what. ``page_shown(QWidget)``: which of ``pages`` is in the middle."""

    page_shown = Signal(object)
    problem = Signal(object)
    said = Signal(str, str)
    model_changed = Signal()
    _corrected = Signal(object)
    _not_corrected = Signal(object)

    def __init__(self, services: Services, keeping: Keeping, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services, self._keeping = services, keeping
        self.work = Work(services, self)
        self.runs_list = RunsList()
        self.data, self.split, self.recipe = DataStep(self.work), SplitStep(), RecipeStep()
        self.run_view, self.judging = RunView(), Judging(self.work, keeping, self)
        self.side, self.results = self.judging.side, self.judging.results
        self.studies = Studies(self.work, self)
        self.pages: tuple[QWidget, ...] = (
            *(self.data, self.split, self.recipe, self.run_view, self.results),
            self.studies.view,
        )
        self._runs: tuple[Run, ...] = ()
        self._seen = Seen(())
        self._chosen: Path | None = None
        self._step = DATA
        self._seen_first = False
        self._connect()

    def _connect(self) -> None:
        work = self.work
        work.done.connect(self._on_done)
        work.failed.connect(self._on_failed)
        work.cancelled.connect(self._on_cancelled)
        self._corrected.connect(self._on_corrected)
        self._not_corrected.connect(self._on_not_corrected)
        self.runs_list.chosen.connect(self.choose)
        self.runs_list.new_asked.connect(self.new_run)
        self.runs_list.step_asked.connect(self.go)
        self.data.changed.connect(self._on_data_changed)
        self.data.forward.connect(partial(self.go, SPLIT))
        self.data.corrected_asked.connect(self._write_corrected)
        self.split.asked.connect(self._plan)
        self.split.forward.connect(partial(self.go, RECIPE))
        self.split.back.connect(partial(self.go, DATA))
        self.recipe.back.connect(partial(self.go, SPLIT))
        self.recipe.measure_asked.connect(self._measure)
        self.recipe.cancel_asked.connect(partial(work.cancel, ESTIMATE))
        self.recipe.start_asked.connect(self._start)
        for head in (self.run_view.head, self.studies.view.head):
            head.paused.connect(partial(self._say, training_runs.pause))
            head.stopped.connect(partial(self._say, training_runs.stop))
            head.resumed.connect(partial(self._say, training_runs.go_on))
            head.folder_asked.connect(self._show_folder)
        self.run_view.samples.asked.connect(self._ask_samples)
        self.judging.changed.connect(self.look)
        self.judging.said.connect(self.said)
        self.judging.model_changed.connect(self.model_changed)

    # what the page asks

    def begin(self) -> None:
        """First of all."""
        self.work.recipes()
        self.go(DATA)

    def look(self) -> None:
        """See how the runs stand."""
        self.work.look(self._chosen)

    def close(self) -> None:
        """Stop what the page does itself, and wait."""
        self.work.close()

    # going from step to step

    @property
    def run(self) -> Run | None:
        """The run in view."""
        return next((run for run in self._runs if run.folder == self._chosen), None)

    @Slot(object)
    def choose(self, folder: Path) -> None:
        """Bring a run into view."""
        self._chosen = folder
        run = self.run
        if run is not None and run.study is None and (self.run_view.run is None or self.run_view.run.folder != folder):
            self.run_view.show_run(run, {}, ())  # what its folder holds beside follows in a moment
        self.go(RESULTS if run is not None and run.state == DONE and run.study is None else RUN)
        self.look()

    @Slot()
    def new_run(self) -> None:
        """Begin with the data again; what was chosen last is kept."""
        self._chosen = None
        self.recipe.fresh_name()
        self.go(DATA)

    def go(self, step: int) -> None:
        """Show a step, if it can be shown yet."""
        if self._chosen is None:
            step = min(step, self._reached())
        elif step < RUN or (self.run is not None and self.run.study is not None):
            step = RUN
        if step == PROMOTE:
            self.side.promote.setFocus()
            step = RESULTS
        self._step = step
        self.side.setVisible(self._chosen is not None)
        study = step == RUN and self.run is not None and self.run.study is not None
        page = self.studies.view if study else self.pages[step]
        self.page_shown.emit(page)
        held = QApplication.focusWidget()
        if held is None or not self.runs_list.isAncestorOf(held):
            page.setFocus()  # a button of the step before had it: no key shall press one of this step unseen
        if step == SPLIT and self.split.plan is None:
            self.split.ask()
        self._refresh()
        if step == RESULTS:
            self.judging.show_part(self.results.part)

    def _reached(self) -> int:
        """The last step of a new run that can be shown."""
        if self.data.result is None:
            return DATA
        plan = self.split.plan
        return RECIPE if plan is not None and self.split.next.isEnabled() else SPLIT

    def _refresh(self) -> None:
        self.runs_list.show_runs(self._runs, self._chosen)
        run = self.run
        if run is None:
            self._show_draft_steps()
            return
        seen = self._seen if self._seen.folder == run.folder else Seen(self._runs)
        counts = {count["part"]: count["images"] for count in seen.plan.get("counts", ())}
        left_out = len(seen.plan.get("left_out", {}))
        data = images_in_words(sum(counts.values()), left_out) if counts else tr("as the job says")
        recipe = seen.request.get("recipe", "")
        done, study = run.state == DONE, run.study is not None
        split = parts_in_words(counts) if counts else ""
        said = (
            *(data, split, recipe if isinstance(recipe, str) else str(recipe.get("name", ""))),
            state_in_words(run),
            *(self.studies.steps(run) if study else self.judging.steps(run, seen)),
        )
        reached = 5 + (seen.active == run.folder.name and not study) if done else 3
        self.runs_list.show_steps(said, self._step, reached)
        if study:
            self.studies.follow(run, seen)
            self.side.show_study(run, seen.usage if seen.folder == run.folder else None)
        else:
            self.judging.follow(run, seen, counts.get("test", 0))

    def _show_draft_steps(self) -> None:
        n, plan = (self.data.result or {}).get("n"), self.split.plan
        left_out = len(self.data.findings.left_out)
        data = images_in_words(n, left_out) if n else tr("folders, manifests, corrected cases")
        counts = {count.part: count.images for count in plan.counts} if plan is not None else {}
        split = parts_in_words(counts) if counts else tr("by patient and scene")
        said = (data, split, *map(tr, AHEAD))
        self.runs_list.show_steps(said, self._step, min(self._step, 3))

    # a new run

    @Slot()
    def _on_data_changed(self) -> None:
        self.split.forget()
        self.recipe.estimate = None
        self.recipe.show_measuring(busy=False)
        if self._chosen is None:
            self._refresh()

    @Slot()
    def _write_corrected(self) -> None:
        from busi_viewer.workflow.casework import store_folder
        from busi_viewer.workflow.training_set import make_training_set, sets_beside

        out = sets_beside(store_folder())
        self.data.corrected.setEnabled(False)

        def work(store: CaseStore) -> object:
            return make_training_set(store, self._services.sources, out)

        self._keeping.run(work, self._corrected.emit, self._not_corrected.emit)

    @Slot(object)
    def _on_corrected(self, made: Any) -> None:
        self.data.corrected.setEnabled(True)
        self.data.add(made.folder)
        words = [tr("{n:,} images written.", n=made.images) if made.new else tr("Nothing had changed since.")]
        if made.left_out:
            words.append(tr("{n} could not be used.", n=len(made.left_out)))
        if made.with_text:
            words.append(
                tr("{n} have text burned in: look at them before they leave your site.", n=len(made.with_text))
            )
        self.said.emit(tr("Corrected cases, version {version}", version=made.version), " ".join(words))

    @Slot(object)
    def _on_not_corrected(self, error: BaseException) -> None:
        self.data.corrected.setEnabled(True)
        self.problem.emit(problem_from(error, "writing the corrected cases"))

    @Slot(object)
    def _plan(self, source: Path | None) -> None:
        if self.data.result is not None:
            self.work.plan(tuple(self.data.roots), self.data.result, tuple(self.data.findings.left_out), source)

    @Slot(object)
    def _measure(self, chosen: Chosen) -> None:
        plan = self.split.plan
        if plan is None:
            return
        values = self._values(chosen)
        if values is not None:
            self.work.estimate(values, plan)
            self.recipe.show_measuring(busy=True)

    def _values(self, chosen: Chosen) -> dict[str, Any] | None:
        try:
            return training_new.job(chosen, self.data.roots, Path())
        except UserError as error:
            self.problem.emit(problem_from(error, "preparing the run"))
            return None

    @Slot(object)
    def _start(self, chosen: Chosen) -> None:
        if self.split.plan is not None:
            self.recipe.begin.setEnabled(False)
            left_out = dict(self.data.findings.left_out)
            self.work.begin(chosen, tuple(self.data.roots), self.split.plan, left_out, self.recipe.estimate)

    # a run

    def _say(self, deed: Callable[[Path], object]) -> None:
        if self._chosen is not None:
            self.work.say(deed, self._chosen)

    @Slot()
    def _show_folder(self) -> None:
        if self._chosen is not None:
            open_file(self._chosen)

    @Slot(int)
    def _ask_samples(self, epoch: int) -> None:
        if self._chosen is not None:
            self.work.samples(self._chosen, epoch)

    # answers

    @Slot(str, object)
    def _on_done(self, kind: str, result: Any) -> None:
        answers: dict[str, Callable[[Any], None]] = {
            LOOK: self._on_seen,
            SAMPLES: self._on_samples,
            AUDIT: self._on_audit,
            PLAN: self._on_planned,
            RECIPES: self.recipe.show_recipes,
            ESTIMATE: self.recipe.show_estimate,
            RUNNING_RUN: self._on_run,
        }
        if kind in answers:
            answers[kind](result)
        else:
            self.judging.answer(kind, result)

    def _on_seen(self, seen: Seen) -> None:
        before = self.run
        self._runs, self._seen = seen.runs, seen
        if not self._seen_first:
            self._seen_first = True
            live = next((run for run in seen.runs if run.state in (training_runs.RUNNING, training_runs.PAUSED)), None)
            if live is not None:
                self.choose(live.folder)
        run = self.run
        if run is not None:
            if seen.folder == run.folder and run.study is None:
                self.run_view.show_run(run, seen.request, seen.sampled)
            if before is not None and before.folder == run.folder and before.state != DONE and run.state == DONE:
                self.go(RESULTS)
                what = tr("Its figures on validation are here.") if run.study is None else tr("Its figures are here.")
                self.said.emit(tr("{name} is finished", name=run.folder.name), what)
        self._refresh()

    def _on_samples(self, found: tuple[Path, int, Any]) -> None:
        folder, epoch, shown = found
        if folder == self._chosen:
            self.run_view.samples.show_samples(epoch, shown)

    def _on_audit(self, outcome: Any) -> None:
        self.data.show_audit(outcome, training_plan.advised(outcome.result))
        self._refresh()

    def _on_planned(self, plan: Any) -> None:
        self.split.show_plan(plan)
        self._refresh()

    def _on_run(self, run: Run | None) -> None:
        self.recipe.begin.setEnabled(True)
        if run is not None:
            self._runs = (run, *self._runs)
            self.choose(run.folder)
        self.look()

    @Slot(str, object)
    def _on_failed(self, kind: str, problem: Problem) -> None:
        self.problem.emit(problem)
        self._settle(kind)

    @Slot(str)
    def _on_cancelled(self, kind: str) -> None:
        self._settle(kind)

    def _settle(self, kind: str) -> None:
        """Something ended without a result."""
        self.judging.settle(kind)
        if kind == AUDIT:
            self.data.settle()
        elif kind == PLAN:
            self.split.source = None
            self.split.forget()
        elif kind == ESTIMATE:
            self.recipe.show_measuring(busy=False)
        elif kind == RUNNING_RUN:
            self.recipe.begin.setEnabled(True)
        self._refresh()
