"""Step 2 of a new run: who goes into which part, and whether anything leaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from busi_viewer.core.results import CLASSES
from busi_viewer.gui import privacy
from busi_viewer.gui.controls import IconLabel, KeyButton, label, spaced
from busi_viewer.gui.language import number, plural, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.training.tables import Table

if TYPE_CHECKING:
    from busi_viewer.workflow.training_plan import Plan

NAMES = {"train": "Training", "val": "Validation", "test": "Locked test", "dropped": "Left out"}
ABOUT = (
    "Training is learnt from, validation chooses the epoch and calibrates. The locked test is opened once, when the run is done. "
    "Images of one patient or of one scene are never in two parts."
)


class SplitStep(QWidget):
    """``asked(Path | None)``: plan anew, by a split file or our own way. ``forward`` and ``back`` to the other steps."""

    asked = Signal(object)
    forward = Signal()
    back = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.source: Path | None = None
        self.table = Table(tr("Parts of the split"))
        self._icon, self.verdict = IconLabel("info", "text2", 16), label("", "dim", wrap=True)
        self.use_file, self.own = KeyButton(tr("Use split file…"), "file-text"), KeyButton(tr("Divide here"), "split")
        self.use_file.setToolTip(tr("A CSV of id,part with part train, val or test; ids are set/relative-path"))
        self.own.setToolTip(tr("By patient and scene, 70, 15 and 15 % of each class of each set"))
        self.next = KeyButton(tr("Recipe"), "chevron-right", role="primary", icon_last=True)
        self.next.setToolTip(tr("Go on to the recipe"))
        back = KeyButton(tr("Data"))
        back.setToolTip(tr("Back to the data"))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        self._source = label("", "quiet")
        column.addLayout(spaced(label(tr("Split"), "title"), self._source, 0, self.use_file, self.own))
        column.addWidget(label(tr(ABOUT), "quiet", wrap=True))
        column.addWidget(self.table)
        verdict = spaced(self._icon, spacing=8)
        verdict.addWidget(self.verdict, 1)
        column.addLayout(verdict)
        column.addStretch(1)
        column.addLayout(spaced(0, back, self.next))
        self.use_file.clicked.connect(self._choose)
        self.own.clicked.connect(self._own)
        self.next.clicked.connect(self.forward)
        back.clicked.connect(self.back)
        self.forget()

    def forget(self) -> None:
        """No plan, or one that does not hold any more."""
        self.plan = None
        self.next.setEnabled(False)
        self._say("loader-circle", "text2", tr("Dividing…"))

    def ask(self) -> None:
        """Plan, as it was done last."""
        self.forget()
        self.asked.emit(self.source)

    def show_plan(self, plan: Plan) -> None:
        """Show the counts, and whether it can be trained on."""
        self.plan = plan
        self._source.setText(
            tr("from {file}", file=privacy.name(self.source)) if self.source else tr("by patient and scene")
        )
        self.own.setVisible(self.source is not None)
        rows = []
        for count in plan.counts:
            classes = [number(count.by_class[name], ",d") for name in CLASSES]
            other = count.images - sum(count.by_class.values())
            patients = number(count.patients, ",d") if count.patients else "–"
            counts = (number(other, ",d"), number(count.images, ",d"), patients, number(count.groups, ",d"))
            rows.append([tr(NAMES[count.part]), *classes, *counts])
        classes = [sentence(tr(name)) for name in CLASSES]
        head = [tr("Part"), *classes, tr("No class"), tr("Images"), tr("Patients"), tr("Groups")]
        self.table.show_rows(head, rows)
        fault = _fault(plan)
        if plan.leaks:
            words = plural(
                "1 group has images in several parts: figures would be too good. Divide here instead.",
                "{n:,} groups have images in several parts: figures would be too good. Divide here instead.",
                plan.leaks,
            )
            self._say("circle-x", "error", words)
        elif fault:
            self._say("triangle-alert", "warn", fault)
        else:
            self._say("circle-check", "accent", tr("No leak: no patient and no scene lies in two parts."))
        self.next.setEnabled(not plan.leaks and not fault)

    def _say(self, icon: str, tint: str, words: str) -> None:
        self._icon.set_icon(icon, tint)
        self.verdict.setText(words)

    @Slot()
    def _choose(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Use split file"), "", "CSV (*.csv)")
        if name:
            self.source = Path(name)
            self.ask()

    @Slot()
    def _own(self) -> None:
        self.source = None
        self.ask()


def _fault(plan: Plan) -> str:
    """Why nothing can be trained on this plan, or nothing."""
    for count in plan.counts:
        if count.part in ("train", "val") and sum(number > 0 for number in count.by_class.values()) < 2:
            part = tr(NAMES[count.part])
            return tr("{part} holds images of fewer than two classes. Add data, or leave out less.", part=part)
    if next(count.images for count in plan.counts if count.part == "test") == 0:
        return tr("The locked test is empty: the run could never be compared with the active model. Add data.")
    return ""
