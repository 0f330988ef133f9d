"""The runs at the left, newest first, and below them the steps of the one in view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.gui import icons, theme
from busi_viewer.gui.controls import KeyButton, label, rule, spaced
from busi_viewer.gui.empty_note import EmptyNote
from busi_viewer.gui.language import tr
from busi_viewer.gui.training.words import STATE_ICONS, STATES, epochs_in_words
from busi_viewer.workflow.training_runs import DONE, FOLDS, PAUSED, RUNNING, SEARCH, Run

WIDTH, ROW = 288, 54
RunRole, StepRole = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
DATA, SPLIT, RECIPE, RUN, RESULTS, PROMOTE = range(6)
PARTS = {SEARCH: "{n} of {of} trials", FOLDS: "{n} of {of} folds"}
STEPS = ("Data", "Split", "Recipe", "Run", "Results", "Promote")


class RunsList(QWidget):
    """``chosen(folder)`` and ``new_asked``; ``step_asked(number)``."""

    chosen = Signal(object)
    new_asked = Signal()
    step_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self.new = KeyButton(tr("New run"), "plus", role="primary")
        self.new.setToolTip(tr("Choose data, split and recipe, and train"))
        self.runs, self.steps = QListWidget(), QListWidget()
        self.runs.setAccessibleName(tr("Runs"))
        self.runs.setToolTip(tr("Trainings of this window and earlier ones; those that run go on without it"))
        self.runs.setItemDelegate(_RunRow(self.runs))
        self.steps.setAccessibleName(tr("Steps"))
        self.steps.setItemDelegate(_StepRow(self.steps))
        self.steps.setFixedHeight(6 * 44 + 4)
        for part in (self.runs, self.steps):
            part.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.steps.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for number, name in enumerate(STEPS):
            item = QListWidgetItem(tr(name))
            item.setToolTip(tr("Go to: {step}", step=tr(name)))
            item.setData(StepRole, ("circle", "text3", ""))
            self.steps.addItem(item)
            item.setData(Qt.ItemDataRole.UserRole, number)
        self._count = label("", "quiet")
        self._none = EmptyNote(self.runs, "activity")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(spaced(label(tr("Runs"), "title"), self._count, 0, self.new))
        column.addWidget(self.runs, 1)
        column.addWidget(rule())
        column.addWidget(label(tr("Steps"), "title"))
        column.addWidget(self.steps)
        self.new.clicked.connect(self.new_asked)
        self.runs.itemClicked.connect(self._on_run)
        self.runs.itemActivated.connect(self._on_run)
        self.steps.itemClicked.connect(self._on_step)
        self.steps.itemActivated.connect(self._on_step)

    def show_runs(self, runs: Sequence[Run], chosen: Path | None) -> None:
        """Show the runs; the chosen one is marked."""
        self._count.setText(f"{len(runs)}" if runs else "")
        while self.runs.count() > len(runs):
            self.runs.takeItem(self.runs.count() - 1)
        for number, run in enumerate(runs):
            if number >= self.runs.count():
                self.runs.addItem(QListWidgetItem())
            item = self.runs.item(number)
            item.setData(RunRole, run)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{run.folder.name}, {state_in_words(run)}")
            item.setToolTip(f"{run.folder.name}: {state_in_words(run)}")
        self._none.say("" if runs else tr("No run yet"), tr("Choose data, split and recipe at the right."))
        row = next((i for i, run in enumerate(runs) if run.folder == chosen), -1)
        if row != self.runs.currentRow():
            self.runs.setCurrentRow(row)
        self.runs.viewport().update()

    def show_steps(self, said: Sequence[str], current: int, reached: int) -> None:
        """``said``: the line below each step. Those before ``reached`` are done."""
        for number, words in enumerate(said):
            icon, tint = ("circle-check", "accent") if number < reached else ("circle", "text3")
            self.steps.item(number).setData(StepRole, (icon, tint, words))
        self.steps.setCurrentRow(current)
        self.steps.viewport().update()

    def _on_run(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(RunRole).folder)

    def _on_step(self, item: QListWidgetItem) -> None:
        self.step_asked.emit(item.data(Qt.ItemDataRole.UserRole))


def state_in_words(run: Run) -> str:
    """``Running, epoch 3 of 20``, or of a study ``Running, 3 of 20 trials``."""
    state = tr(STATES[run.state])
    if run.study is not None:
        return f"{state}, " + tr(PARTS[run.study.kind], n=run.finished, of=run.study.parts)
    return f"{state}, {epochs_in_words(run)}" if run.progress.epochs else state


class _RunRow(QStyledItemDelegate):
    """Sign of the state, name, state in words, and how much is done."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(WIDTH - 28, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        run, t, box = index.data(RunRole), theme.tokens(), QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _ground(painter, option, box)
        icon, tint = STATE_ICONS[run.state]
        painter.drawPixmap(box.left() + 10, box.top() + 9, icons.pixmap(icon, getattr(t, tint), 14))
        painter.setPen(QColor(t.text))
        painter.setFont(theme.font(theme.CONTROL, QFont.Weight.Medium))
        line = QRect(box.left() + 30, box.top() + 6, box.width() - 40, 19)
        name = painter.fontMetrics().elidedText(run.folder.name, Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(t.text2))
        painter.drawText(line.translated(0, 18), Qt.AlignmentFlag.AlignVCenter, state_in_words(run))
        if run.state in (RUNNING, PAUSED) or run.state != DONE:
            groove = QRectF(box.left() + 30, box.bottom() - 6, box.width() - 42, 3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.hover if not option.state & QStyle.StateFlag.State_Selected else t.sel_line))
            painter.drawRoundedRect(groove, 1.5, 1.5)
            groove.setWidth(groove.width() * min(1.0, run.share))
            painter.setBrush(QColor(t.accent if run.state == RUNNING else t.text3))
            painter.drawRoundedRect(groove, 1.5, 1.5)
        painter.restore()


class _StepRow(QStyledItemDelegate):
    """Sign, name, and what was chosen."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(WIDTH - 28, 44)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        icon, tint, words = index.data(StepRole)
        t, box = theme.tokens(), QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _ground(painter, option, box)
        painter.drawPixmap(box.left() + 10, box.center().y() - 8, icons.pixmap(icon, getattr(t, tint), 17))
        painter.setPen(QColor(t.text))
        painter.setFont(theme.font(theme.CONTROL, QFont.Weight.Medium))
        line = QRect(box.left() + 36, box.top() + 5, box.width() - 44, 17)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, index.data())
        painter.setFont(theme.font(theme.CAPTION))
        painter.setPen(QColor(t.text3))
        said = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line.translated(0, 17), Qt.AlignmentFlag.AlignVCenter, said)
        painter.restore()


def _ground(painter: QPainter, option: QStyleOptionViewItem, box: QRect) -> None:
    t = theme.tokens()
    if option.state & QStyle.StateFlag.State_Selected:
        painter.fillRect(box, QColor(t.sel))
        painter.fillRect(QRect(box.left(), box.top(), 3, box.height()), QColor(t.accent))
    elif option.state & QStyle.StateFlag.State_MouseOver:
        painter.fillRect(box, QColor(t.hover))
