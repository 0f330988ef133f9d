"""A study as it goes: the trials of a search or the folds of a cross-validation in a live table, with curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from busi_viewer.core.folds import MEASURED, FoldRow, mean_over
from busi_viewer.core.tuning import COMPLETE, TrialRow
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import number, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.training.curves import Figure, Line, Plot
from busi_viewer.gui.training.run_head import RunHead
from busi_viewer.gui.training.run_view import about, ends_in
from busi_viewer.gui.training.tables import Table
from busi_viewer.gui.training.words import STARTED, STATES, figure
from busi_viewer.workflow.training_runs import DONE, RUNNING, SEARCH, STOPPED, Run

Row = TypeVar("Row", TrialRow, FoldRow)
PART_STATES = {
    "waiting": "Waiting",
    "running": "Running",
    "complete": "Finished",
    "pruned": "Pruned",
    "failed": "Failed",
    "interrupted": "Interrupted",
}
FIGURES = {
    "dice": "Dice",
    "auc_malignant_vs_rest": "AUC, malignant",
    "accuracy": "Accuracy",
    "sensitivity_malignant": "Sensitivity",
    "specificity_malignant": "Specificity",
}
SCORES = Figure("Dice + AUC by trial", (Line("score", "Trial", "text3", True), Line("best", "Best so far", "accent")))
NOW = Figure(
    "Validation, the one in training",
    (Line("val_auc_malignant", "AUC, malignant", "benign", True), Line("val_dice", "Dice", "accent")),
    True,
)
NOTES = {
    True: "Each trial trains the recipe with other values and is judged on validation; one that falls behind is pruned. "
    "The locked test stays closed. More workers may join: busi-viewer tune with the same folder.",
    False: "Each image of training and validation is judged by the one fold that did not learn from it; the locked test stays "
    "closed. The mean is over folds, with Student's 95 % interval; the last line pools the images.",
}


class StudyView(QWidget):
    """``head`` says what is asked for; ``best_asked``: train the best values; ``page_asked``: open the whole page."""

    best_asked = Signal()
    page_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.head, self.table = RunHead(), Table(tr("Parts of the study"))
        self.scores, self.now = Plot(SCORES), Plot(NOW)
        self._name, self._count, self._note = label("", "strong"), label("", "quiet"), label("", "quiet", wrap=True)
        self.best = KeyButton(tr("Train the best values"), "play", role="primary")
        self.best.setToolTip(tr("Begin a run with the values of the best trial; it can be tested and promoted"))
        self.page = KeyButton(tr("Whole page"), "file-text")
        self.page.setToolTip(tr("Open the page with all figures, curves and cases"))
        self._shown: tuple[object, ...] = ()
        self.best.clicked.connect(self.best_asked)
        self.page.clicked.connect(self.page_asked)
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addWidget(self.head.problem)
        plots = spaced(spacing=8)
        for plot in (self.scores, self.now):
            plots.addWidget(plot, 1)
        column.addLayout(plots)
        column.addLayout(spaced(self._name, self._count, 0, self.best, self.page))
        column.addWidget(self.table)
        column.addWidget(self._note)
        column.addStretch(1)
        self.head.stand_above(inner, self)

    def show_study(self, run: Run, request: Mapping[str, Any]) -> None:
        """Show a study as it stands; ``request`` is what it was asked to do."""
        assert run.study is not None
        search = run.study.kind == SEARCH
        self.head.show_run(run, about(request), _where(run), _left(run))
        self._name.setText(tr("Trials") if search else tr("Folds"))
        pruned = sum(row.state == "pruned" for row in run.trials)
        said = tr("{done} of {all} finished", done=run.finished, all=run.study.parts)
        self._count.setText(said + (tr(", {pruned} of them pruned", pruned=pruned) if pruned else ""))
        self._note.setText(" ".join((tr(NOTES[search]), *[tr(STARTED)] * bool(request.get("start_from")))))
        self.best.setVisible(search and run.state == DONE)
        self.page.setVisible(run.state == DONE)
        self.scores.setVisible(search)
        self.now.setVisible(run.state != DONE)
        shown = (run.folder, run.state, run.trials, run.folds, len(run.progress.epochs))
        if shown == self._shown:
            return
        self._shown = shown
        epochs = run.progress.epochs
        self.now.show_epochs(epochs, max((int(epoch.get("of") or 0) for epoch in epochs), default=0))
        if search:
            self.scores.show_epochs(_scores(run.trials), run.study.parts)
            self.table.show_rows(*trial_table([_as_ended(run, row) for row in run.trials]))
        else:
            self.table.show_rows(*fold_table([_as_ended(run, row) for row in run.folds], run.summary))


def _as_ended(run: Run, row: Row) -> Row:
    """A part as it stands: none of a study that has ended or was stopped still runs, whatever it told last."""
    over = run.state in (DONE, STOPPED) and row.state == RUNNING
    return replace(row, state="interrupted") if over else row


def _where(run: Run) -> str:
    assert run.study is not None
    if run.state == DONE:
        return tr(STATES[DONE])
    latest = max((row.number for row in run.rows if row.state == RUNNING), default=run.finished)
    text = "Trial {number} of {all}" if run.study.kind == SEARCH else "Fold {number} of {all}"
    said = tr(text, number=latest, all=run.study.parts) if latest else tr("Reading images")
    return said + (tr(", epoch {epoch}", epoch=len(run.progress.epochs)) if run.progress.epochs and latest else "")


def _left(run: Run) -> str:
    left = run.progress.seconds_left
    if run.state == RUNNING:
        return ends_in(left) if left else ""
    return tr(STATES[run.state]) if run.state != DONE else ""


def _scores(trials: Sequence[TrialRow]) -> list[dict[str, Any]]:
    """The trials that have a score as points of a plot."""
    points, best = [], None
    for row in trials:
        if row.score is not None:
            best = max(row.score, best or row.score) if row.state == COMPLETE else best
            points.append({"epoch": row.number, "score": row.score, "best": best})
    return points


def trial_table(trials: Sequence[TrialRow]) -> tuple[list[str], list[list[str]], list[tuple[int, int]]]:
    """Head, rows and marked cells: each trial with state, values, epochs and score; the best one is marked."""
    names = list(dict.fromkeys(name for row in trials for name in row.parameters))
    head = [tr("Trial"), tr("State"), *(sentence(in_words(name)) for name in names), tr("Epochs"), tr("Dice + AUC")]
    rows = [
        [
            f"{row.number}" + (f"  {row.problem}" if row.problem else ""),
            tr(PART_STATES[row.state]),
            *(_in_short(row.parameters.get(name)) for name in names),
            str(row.epoch),
            figure(row.score),
        ]
        for row in trials
    ]
    ended = [(row.score, place) for place, row in enumerate(trials) if row.state == COMPLETE and row.score is not None]
    best = max(ended, key=lambda pair: pair[0])[1] if ended else -1  # the first of the best, as the search says
    return head, rows, [(best, column) for column in range(len(head))] if ended else []


def fold_table(
    folds: Sequence[FoldRow], result: Mapping[str, Any] | None
) -> tuple[list[str], list[list[str]], list[tuple[int, int]]]:
    """Head, rows and marked cells: each fold with its figures, their mean, and those of all images once there is a ``result``.

    Figures that no finished fold defines, as of a network that only outlines, are left out.
    """
    ended = [fold for fold in folds if fold.state == COMPLETE]
    names = [name for name in MEASURED if not ended or any(fold.figures.get(name) is not None for fold in ended)]
    head = [tr("Fold"), tr("State"), *(tr(FIGURES[name]) for name in names)]
    rows = []
    for fold in folds:
        state = tr(PART_STATES[fold.state])
        if fold.state == RUNNING and fold.epoch:
            state += tr(", epoch {epoch}", epoch=fold.epoch)
        rows.append([str(fold.number), state, *(figure(fold.figures.get(name)) for name in names)])
    if ended:
        rows.append([tr("Mean of the folds, 95 % CI"), f"n = {len(ended)}", *(_mean(folds, name) for name in names)])
    marked = [(len(rows) - 1, column) for column in range(len(head))] if ended else []
    if result is not None:
        pooled = map(_pooled(result), names)
        rows.append([tr("All images, each out of its fold, 95 % CI"), "n = " + number(result["n"], ",d"), *pooled])
    return head, rows, marked


def _mean(folds: Sequence[FoldRow], name: str) -> str:
    found = mean_over(folds, name)
    if found is None:
        return "–"
    return figure(found.mean) + (f" ± {figure(found.half)}" if found.half is not None else "")


def _pooled(result: Mapping[str, Any]) -> Any:
    """What tells a figure of the pooled images, with its interval."""

    def told(name: str) -> str:
        section = (result.get("segmentation" if name == "dice" else "classification")) or {}
        entry = section.get(name)
        value = entry.get("value", entry.get("mean")) if isinstance(entry, Mapping) else entry
        interval = entry.get("ci95") if isinstance(entry, Mapping) else section.get(f"{name}_ci95")
        return figure(value) + (f" ({figure(interval[0])}–{figure(interval[1])})" if interval else "")

    return told


def in_words(name: str) -> str:
    """A recipe's field as a reader says it."""
    return name.replace("_", " ").replace(".", " ")


def _in_short(value: Any) -> str:
    """A value in three significant digits, if it is a fraction."""
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
