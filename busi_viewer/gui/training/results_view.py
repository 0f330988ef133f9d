"""What a finished run is worth: figures with intervals, ROC, calibration, confusion, worst cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.core.results import CLASSES
from busi_viewer.gui import privacy
from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import number, said, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.training.curves import XyPlot
from busi_viewer.gui.training.epochs_card import EpochsCard
from busi_viewer.gui.training.side import confusion_rows
from busi_viewer.gui.training.tables import Table
from busi_viewer.gui.training.words import figure

if TYPE_CHECKING:  # it brings scipy
    from busi_viewer.workflow.training_results import Results

PARTS = {"validation": "Validation", "test": "Locked test"}
NOTES = {
    "validation": "On the validation part, on which epoch, calibration and thresholds were chosen: figures are flattering.",
    "test": "On the locked test, which nothing was chosen on.",
}

GAP, AROUND = 8, 100
"""Px between the two tables, and what stands around both."""


class ResultsView(QWidget):
    """``page_asked``: open the whole page; ``part_asked(part)``: show another part's study."""

    page_asked = Signal(object)
    part_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.part = "validation"
        self._page: Path | None = None
        self._title, self._note = label(tr("Results"), "title"), label("", "quiet", wrap=True)
        self.buttons = {part: KeyButton(tr(words)) for part, words in PARTS.items()}
        for part, button in self.buttons.items():
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setToolTip(tr(NOTES[part]))
            button.clicked.connect(lambda _checked=False, part=part: self.part_asked.emit(part))
        self.buttons["validation"].setChecked(True)
        self.open = KeyButton(tr("Whole page"), "file-text")
        self.open.setToolTip(tr("Open the page with all figures, curves and cases"))
        self.open.clicked.connect(lambda: self.page_asked.emit(self._page))
        self.figures, self.confusion = Table(tr("Figures with 95 % intervals")), Table(tr("Confusion"))
        self.roc = XyPlot(tr("ROC, malignant against rest"), tr("1 − specificity"), tr("Sensitivity"))
        self.calibration = XyPlot(tr("Calibration, p(malignant)"), tr("Stated"), tr("Observed"))
        self.epochs = EpochsCard()
        self.worst = QListWidget()
        self.worst.setAccessibleName(tr("Worst cases"))
        self.worst.setToolTip(tr("The cases where it went most wrong"))
        self.worst.setViewMode(QListView.ViewMode.IconMode)
        self.worst.setResizeMode(QListView.ResizeMode.Adjust)
        self.worst.setMovement(QListView.Movement.Static)
        self.worst.setIconSize(QSize(150, 112))
        self.worst.setSpacing(4)
        self.worst.setMinimumHeight(376)
        self._empty = label("", "dim", wrap=True)
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        head = spaced(self._title, 8, *self.buttons.values(), 0, self.open)
        column.addLayout(head)
        column.addWidget(self._note)
        column.addWidget(self._empty)
        self._body = QWidget()
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(10)
        plots = spaced(spacing=8)
        plots.addWidget(self.roc, 1)
        plots.addWidget(self.calibration, 1)
        self._tables = tables = spaced(spacing=GAP)
        tables.addWidget(_card(tr("Figures, 95 % CI"), self.figures), 3)
        tables.addWidget(_card(tr("Confusion (rows: reference)"), self.confusion), 2)
        body.addLayout(plots)
        body.addLayout(tables)
        body.addWidget(self.epochs)
        outlines = tr("Outlines: solid reference, dashed prediction. Classes: reference → prediction")
        body.addLayout(spaced(label(tr("Worst cases"), "strong"), label(outlines, "quiet"), 0))
        body.addWidget(self.worst, 1)
        column.addWidget(self._body, 1)
        column.addStretch(0)
        self._area = QScrollArea()
        self._area.setWidget(inner)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._area)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tables beside each other where no cell is cut for it, else one below the other."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.confusion.setMinimumWidth(self.confusion.whole_width)
        beside = self.figures.whole_width + self.confusion.whole_width + AROUND
        way = QBoxLayout.Direction.LeftToRight if self.width() >= beside else QBoxLayout.Direction.TopToBottom
        self._tables.setDirection(way)

    def show_none(self, words: str) -> None:
        """There is nothing to show yet, and why."""
        self._empty.setText(words)
        self._empty.show()
        self._body.hide()
        self.open.hide()
        self._note.setText("")

    def show_results(self, part: str, found: Results) -> None:
        """Show a study of a part, from its top where another was shown before."""
        if self._page != found.page:
            self._area.verticalScrollBar().setValue(0)
        self.part = part
        self.buttons[part].setChecked(True)
        self._page = found.page
        self._empty.hide()
        self._body.show()
        self.open.show()
        self._note.setText(f"{tr(NOTES[part])} n = {number(found.n, ',d')}.")
        rows = [
            [said(words), figure(value), f"{figure(interval[0])} – {figure(interval[1])}" if interval else "–"]
            for words, value, interval in found.figures
        ]
        self.figures.show_rows(["", tr("Value"), tr("95 % CI")], rows)
        if found.confusion is not None:
            names = [sentence(tr(name)) for name in CLASSES]
            marked = [(i, i + 1) for i in range(len(CLASSES))]
            self.confusion.show_rows(["", *names], confusion_rows(found.confusion), marked)
        named = {words: value for words, value, _ in found.figures}
        area, ece = named.get("AUC, malignant against rest"), named.get("ECE")
        self.roc.show_curve(*found.roc, f"AUC {figure(area)}")
        self.calibration.show_curve(*found.calibration, f"ECE {figure(ece)}", dots=True)
        for part_of in (self.roc, self.calibration, self.confusion):
            part_of.setVisible(found.confusion is not None)
        self._fit()
        self._show_worst(found)

    def _show_worst(self, found: Results) -> None:
        self.worst.clear()
        for case in found.worst:
            kind, label_ = said(case.kind), tr(case.label) if case.label else tr("no class")
            found_ = [f"Dice {figure(case.dice, 2)}"] if case.dice is not None else []
            item = QListWidgetItem("\n".join((kind, f"{label_} → {tr(case.prediction)}", *found_)))
            pixmap = QPixmap()
            if case.picture:
                pixmap.loadFromData(case.picture)
            item.setIcon(QIcon(pixmap))
            item.setSizeHint(QSize(176, 174))
            item.setToolTip(f"{privacy.name(Path(case.id))}: {kind}")
            self.worst.addItem(item)


def _card(title: str, inner: QWidget) -> QFrame:
    card = QFrame()
    set_role(card, "panel")
    column = QVBoxLayout(card)
    column.setContentsMargins(12, 8, 12, 10)
    column.setSpacing(6)
    column.addWidget(label(title, "strong"))
    column.addWidget(inner)
    column.addStretch(1)
    return card
