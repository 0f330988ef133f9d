"""The head of a run's page: what it is, how far it is, and what can be said to it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QProgressBar, QScrollArea, QVBoxLayout, QWidget

from busi_viewer.gui import privacy
from busi_viewer.gui.controls import CutLabel, KeyButton, label, rule, spaced
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.workflow.training_runs import BROKEN, PAUSED, RUNNING, STOPPED, Run

TITLE, TITLE_LEAST, MIDDLE, GAP = 190, 120, 232, 16
"""The least widths (px) of the run's name and of its progress; what is left is for the words on the buttons."""


class RunHead(QWidget):
    """``paused``, ``stopped`` and ``resumed`` ask for it; ``folder_asked`` to see the run's files.

    ``problem`` is a line that its owner places: why the run broke off.
    """

    paused = Signal()
    stopped = Signal()
    resumed = Signal()
    folder_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._title, self._about = CutLabel("title"), CutLabel("quiet")
        self._title.setMinimumWidth(TITLE_LEAST)
        self._where, self._left = CutLabel("dim"), CutLabel("quiet")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName(tr("Progress of the run"))
        self.pause, self.stop = KeyButton(tr("Pause"), "pause"), KeyButton(tr("Stop and keep"), "x")
        self.resume = KeyButton(tr("Go on"), "play", role="primary")
        self._folder = folder = KeyButton(tr("Run folder"), "folder-open")
        self.pause.setToolTip(tr("Wait after this step; the run keeps its memory"))
        self.stop.setToolTip(tr("End after this step; it can go on later from its last finished epoch"))
        self.resume.setToolTip(tr("Go on from where it waits, or from the last finished epoch"))
        folder.setToolTip(tr("Show the run's files"))
        self.problem = label("", "error", wrap=True)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self._title)
        names.addWidget(self._about)
        middle = QVBoxLayout()
        middle.setSpacing(4)
        for part in (self._where, self._bar, self._left):
            middle.addWidget(part)
        head = spaced(margins=(GAP, 10, GAP, 10), spacing=GAP)
        head.addLayout(names, 6)
        head.addLayout(middle, 7)
        for button in (self.pause, self.stop, self.resume, folder):
            head.addWidget(button)
        self.setLayout(head)
        self.pause.clicked.connect(self.paused)
        self.stop.clicked.connect(self.stopped)
        self.resume.clicked.connect(self.resumed)
        folder.clicked.connect(self.folder_asked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow, buttons say their words in their tool tips alone."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        buttons = (self._folder, self.pause, self.stop, self.resume)
        for compact in (0, 1, len(buttons)):
            for place, button in enumerate(buttons):
                button.set_compact(place < compact)
            wide = sum(button.sizeHint().width() + GAP for button in buttons if not button.isHidden())
            if TITLE + MIDDLE + wide + 3 * GAP <= self.width():
                break

    def stand_above(self, content: QWidget, view: QWidget) -> None:
        """Fill a view: this head, and below it the content, which scrolls."""
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(view)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self)
        outer.addWidget(rule())
        outer.addWidget(area, 1)

    def show_run(self, run: Run, about: str, where: str, left: str) -> None:
        """Show a run: what it is, where it stands and what is left, in words."""
        self._title.setText(run.folder.name)
        self._about.setText(about)
        self._where.setText(where)
        self._left.setText(left)
        self._bar.setValue(round(1000 * run.share))
        held = next((button for button in (self.pause, self.stop, self.resume) if button.hasFocus()), None)
        self.pause.setVisible(run.state == RUNNING)
        self.stop.setVisible(run.state in (RUNNING, PAUSED))
        self.resume.setVisible(run.state in (PAUSED, STOPPED, BROKEN))
        if held is not None and held.isHidden():  # else the next in line takes the keyboard, which may be to stop
            (self.pause if self.resume.isHidden() else self.resume).setFocus()
        self.problem.setVisible(run.state == BROKEN)
        self._fit()
        why = run.problem or tr("The process ended without a word: it was killed, or the machine went down")
        kept = tr("What it has learned is kept up to its last epoch.")
        self.problem.setText(privacy.words(f"{sentence(said(why)).rstrip('.')}. {kept}"))
