"""A run as it goes: where it stands, its curves, sample predictions and log; paused, stopped and resumed from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from busi_viewer.gui.language import tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.training.curves import Curves
from busi_viewer.gui.training.run_head import RunHead
from busi_viewer.gui.training.samples import Samples
from busi_viewer.gui.training.words import STATES, duration, epochs_in_words, log_line
from busi_viewer.workflow.training_runs import DONE, RUNNING, Run

STAGES = {
    "": "starting",
    "stopped": "starting",
    "data": "reading images",
    "calibrating": "calibrating",
    "done": "measuring on validation",
}


class RunView(QWidget):
    """A training: ``head`` says what is asked for, ``samples`` which epoch's predictions."""

    def __init__(self) -> None:
        super().__init__()
        self.run: Run | None = None
        self.head = RunHead()
        self.curves, self.samples = Curves(), Samples()
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setAccessibleName(tr("Log of the run"))
        self.log.setFixedHeight(132)
        mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        mono.setPixelSize(11)
        self.log.setFont(mono)
        self.log.setTabChangesFocus(True)
        self._told = 0
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(10)
        column.addWidget(self.head.problem)
        column.addWidget(self.curves, 1)
        column.addWidget(self.samples)
        column.addWidget(self.log)
        self.head.stand_above(inner, self)

    def show_run(self, run: Run, request: Mapping[str, Any], sampled: Sequence[int]) -> None:
        """Show a run as it stands; ``request`` is what it was asked to do."""
        other = self.run is None or self.run.folder != run.folder
        self.run = run
        if other:
            self._told = -1
        self.head.show_run(run, about(request), _where(run), _left(run))
        self.curves.show_epochs(run.progress.epochs)
        self.samples.show_epochs(sampled)
        self._show_log(run)

    def _show_log(self, run: Run) -> None:
        events = run.progress.told
        if len(events) == self._told:
            return
        self._told = len(events)
        best, lines = -1.0, []
        for event in events:
            score = (event.get("val_dice") or 0.0) + (event.get("val_auc_malignant") or 0.0)
            is_best = event.get("event") == "epoch" and score > best
            best = max(best, score) if event.get("event") == "epoch" else best
            lines.append(log_line(event, is_best))
        self.log.setPlainText("\n".join(line for line in lines if line))
        bar = self.log.verticalScrollBar()
        bar.setValue(bar.maximum())


def _where(run: Run) -> str:
    """Where it stands."""
    progress = run.progress
    if run.state == RUNNING and progress.stage in STAGES:
        return sentence(tr(STAGES[progress.stage]))
    at = [epochs_in_words(run)] if progress.epochs else []
    if progress.steps and run.state != DONE:
        at.append(tr("step {n:,} of {of:,}", n=progress.step, of=progress.steps))
    return sentence(", ".join(at))


def _left(run: Run) -> str:
    """When it ends, where that is known; of one that does not run, why not."""
    left = run.progress.seconds_left
    if run.state != RUNNING:
        return tr(STATES[run.state])
    return ends_in(left) if left is not None and run.progress.stage not in STAGES else ""


def ends_in(seconds: float) -> str:
    """When a run ends that goes on for ``seconds``."""
    ends = datetime.now() + timedelta(seconds=seconds)
    return tr("ends about {ends:%H:%M}, {left} left", ends=ends, left=duration(seconds))


def about(request: Mapping[str, Any]) -> str:
    """Recipe, start, size and batch of a run's request in a line."""
    settings = request.get("settings", {})
    recipe = request.get("recipe", "")
    parts = [str(recipe.get("name", "")) if isinstance(recipe, Mapping) else str(recipe)]
    if request.get("start_from"):
        parts.append(tr("from the active model of then"))
    elif request.get("encoder_weights"):
        parts.append(tr("from an ImageNet encoder"))
    elif request.get("from_scratch"):
        parts.append(tr("from nothing"))
    if "input.size" in settings:
        parts.append(f"{settings['input.size']} px")
    if "batch" in settings:
        parts.append(tr("batch {n}", n=settings["batch"]))
    return ", ".join(part for part in parts if part)
