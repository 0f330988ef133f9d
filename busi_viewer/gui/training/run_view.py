"""A run as it goes: where it stands, its curves, sample predictions and log; paused, stopped and resumed from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from busi_viewer.gui import privacy
from busi_viewer.gui.controls import KeyButton, label, rule, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.training.curves import Curves
from busi_viewer.gui.training.samples import Samples
from busi_viewer.gui.training.words import STATES, duration, log_line
from busi_viewer.workflow.training_runs import BROKEN, DONE, PAUSED, RUNNING, STOPPED, Run

STAGES = {"": "starting", "data": "reading images", "calibrating": "calibrating", "done": "measuring on validation"}


class RunView(QWidget):
    """``paused``, ``stopped`` and ``resumed`` ask for it; ``sample_asked(epoch)``; ``folder_asked`` to see the run's files."""

    paused = Signal()
    stopped = Signal()
    resumed = Signal()
    folder_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run: Run | None = None
        self._title, self._about = label("", "title"), label("", "quiet")
        for part in (self._title, self._about):
            part.setMinimumWidth(60)
        self._where, self._left = label("", "dim"), label("", "dim")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(tr("Progress of the run"))
        self.pause, self.stop = KeyButton(tr("Pause"), "pause"), KeyButton(tr("Stop and keep"), "x")
        self.resume, self.folder = (
            KeyButton(tr("Go on"), "play", role="primary"),
            KeyButton(tr("Run folder"), "folder-open"),
        )
        self.pause.setToolTip(tr("Wait after this step; the run keeps its memory"))
        self.stop.setToolTip(tr("End after this step; it can go on later from its last finished epoch"))
        self.resume.setToolTip(tr("Go on from where it waits, or from the last finished epoch"))
        self.folder.setToolTip(tr("Show the run's files"))
        self.problem = label("", "error", wrap=True)
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
        self.pause.clicked.connect(self.paused)
        self.stop.clicked.connect(self.stopped)
        self.resume.clicked.connect(self.resumed)
        self.folder.clicked.connect(self.folder_asked)

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self._title)
        names.addWidget(self._about)
        middle = QVBoxLayout()
        middle.setSpacing(6)
        middle.addLayout(spaced(self._where, 0, self._left))
        middle.addWidget(self.bar)
        head = spaced(margins=(16, 10, 16, 10), spacing=16)
        head.addLayout(names, 2)
        head.addLayout(middle, 3)
        for button in (self.pause, self.stop, self.resume, self.folder):
            head.addWidget(button)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(10)
        column.addWidget(self.problem)
        column.addWidget(self.curves, 1)
        column.addWidget(self.samples)
        column.addWidget(self.log)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(head)
        outer.addWidget(rule())
        outer.addWidget(area, 1)

    def show_run(self, run: Run, request: Mapping[str, Any], sampled: Sequence[int]) -> None:
        """Show a run as it stands; ``request`` is what it was asked to do."""
        other = self.run is None or self.run.folder != run.folder
        self.run = run
        if other:
            self._told = -1
        self._title.setText(run.folder.name)
        self._about.setText(about(request))
        self._show_progress(run)
        self.pause.setVisible(run.state == RUNNING)
        self.stop.setVisible(run.state in (RUNNING, PAUSED))
        self.resume.setVisible(run.state in (PAUSED, STOPPED, BROKEN))
        self.problem.setVisible(run.state == BROKEN)
        said = run.problem or "The process ended without a word: it was killed, or the machine went down"
        self.problem.setText(privacy.words(f"{said.rstrip('.')}. What it has learned is kept up to its last epoch."))
        self.curves.show_epochs(run.progress.epochs)
        self.samples.show_epochs(sampled)
        self._show_log(run)

    def _show_progress(self, run: Run) -> None:
        progress = run.progress
        share = 1.0 if run.state == DONE else progress.step / progress.steps if progress.steps else 0.0
        self.bar.setValue(round(1000 * share))
        of = next((epoch.get("of") for epoch in reversed(progress.epochs) if epoch.get("of")), None)
        epoch = f"Epoch {len(progress.epochs)}" + (f" of {of}" if of else "")
        step = f", step {progress.step:,} of {progress.steps:,}" if progress.steps else ""
        if run.state == RUNNING and progress.stage in STAGES:
            self._where.setText(STAGES[progress.stage].capitalize())
        else:
            self._where.setText(f"{STATES[run.state]}. {epoch}{step}" if run.state != RUNNING else f"{epoch}{step}")
        left = progress.seconds_left
        if run.state == RUNNING and left is not None and progress.stage not in STAGES:
            ends = datetime.now() + timedelta(seconds=left)
            self._left.setText(tr("ends about {ends:%H:%M}, {left} left", ends=ends, left=duration(left)))
        else:
            self._left.setText("")

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


def about(request: Mapping[str, Any]) -> str:
    """Recipe, start, size and batch of a run's request in a line."""
    settings = request.get("settings", {})
    recipe = request.get("recipe", "")
    parts = [str(recipe.get("name", "")) if isinstance(recipe, Mapping) else str(recipe)]
    if request.get("start_from"):
        parts.append("from the active model of then")
    elif request.get("encoder_weights"):
        parts.append("from an ImageNet encoder")
    elif request.get("from_scratch"):
        parts.append("from nothing")
    if "input.size" in settings:
        parts.append(f"{settings['input.size']} px")
    if "batch" in settings:
        parts.append(f"batch {settings['batch']}")
    return ", ".join(part for part in parts if part)
