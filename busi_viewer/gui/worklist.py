"""The worklist at the left: search, filters, rows, batch progress, previous and next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.gui import icons, theme
from busi_viewer.gui.batch import Batch
from busi_viewer.gui.controls import IconButton, KeyButton, label, spaced
from busi_viewer.gui.desktop import show_in_folder
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.thumbnails import Thumbnails
from busi_viewer.gui.worklist_delegate import WorklistDelegate
from busi_viewer.gui.worklist_model import FILTERS, WorklistFilter, WorklistModel

RECOUNT_MS = 100
"""During a batch many rows change; the counts follow together."""
WIDTH, MIN_WIDTH, MAX_WIDTH, COMPACT_WIDTH = 276, 200, 420, 96


class SearchField(QLineEdit):
    """The search field: Escape empties it and leaves, Return leaves; neither reaches the window's shortcuts."""

    leave = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Search name, finding")
        self.setAccessibleName("Search the worklist")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus | Qt.FocusPolicy.TabFocus)
        self._magnifier = QAction(self)
        self.addAction(self._magnifier, QLineEdit.ActionPosition.LeadingPosition)
        self._key = label("Ctrl F", "key")
        self._key.setParent(self)
        self._key.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.textChanged.connect(lambda text: self._key.setVisible(not text))
        self._draw()

    def event(self, event: QEvent) -> bool:
        """Keep Return and Escape for the field; tint the icon with the theme."""
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys:
            event.accept()
            return True
        if event.type() == QEvent.Type.StyleChange:
            self._draw()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Escape give the focus back."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.leave.emit()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the key cap at the right."""
        super().resizeEvent(event)
        self._key.adjustSize()
        self._key.move(self.width() - self._key.width() - 7, (self.height() - self._key.height()) // 2)

    def _draw(self) -> None:
        self._magnifier.setIcon(icons.icon("search", theme.tokens().text3, icons.INLINE))


class BatchFoot(QWidget):
    """How far the batch is, with Pause and Cancel; hidden when none runs."""

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self.setObjectName("batchFoot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._batch = batch
        self._title, self._count = label("", "strong"), label("", "quiet")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._rate, self._left = label("", "caption"), label("", "caption")
        self._pause, self._cancel = KeyButton("Pause", "pause"), KeyButton("Cancel", "x")
        self._pause.clicked.connect(batch.toggle_pause)
        self._cancel.clicked.connect(batch.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addLayout(spaced(self._title, 0, self._count))
        column.addWidget(self._bar)
        column.addLayout(spaced(self._rate, 0, self._left))
        column.addLayout(spaced(self._pause, self._cancel, 0))
        self._compact = False
        batch.changed.connect(self._show_state)
        self._show_state()

    def set_compact(self, compact: bool) -> None:
        """Count, bar and icons alone, for the narrow worklist."""
        self._compact = compact
        self._pause.set_compact(compact)
        self._cancel.set_compact(compact)
        self._show_state()

    def _show_state(self) -> None:
        batch = self._batch
        self.setVisible(batch.active)
        if not batch.active:
            return
        self._title.setText(f"Analysing {batch.total} images" if not batch.paused else "Paused")
        for part in (self._title, self._rate, self._left):
            part.setVisible(not self._compact)
        self._count.setText(f"{batch.done} of {batch.total}")
        self._bar.setRange(0, batch.total)
        self._bar.setValue(batch.done)
        self._rate.setText(f"{batch.failed} failed" if batch.failed else "")
        seconds = batch.seconds_left
        self._left.setText("" if seconds is None or batch.paused else f"about {in_words(seconds)} left")
        self._pause.set_text("Resume" if batch.paused else "Pause")
        self._pause.set_icon("play" if batch.paused else "pause")


class Worklist(QWidget):
    """The panel. ``chosen`` tells which file the reader went to; ``analyse_asked`` carries the selected files."""

    chosen = Signal(object)
    analyse_asked = Signal(object)
    copied = Signal(str)

    def __init__(self, model: WorklistModel, batch: Batch, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("worklist")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = model
        self.shown = WorklistFilter(model)
        self.delegate = WorklistDelegate(thumbnails)
        self._compact = False
        self.view = self._make_view()
        self.search = SearchField()
        self.search.textChanged.connect(self._on_search)
        self.search.leave.connect(self.view.setFocus)
        self._count = label("", "quiet")
        self._chips = {name: self._make_chip(name) for name in ("All", "New", "Analysed", "Edited", "Failed")}
        self._filter = IconButton("list-filter", "Filter the list", edge=26)
        self._filter.clicked.connect(self._choose_filter)
        self._position = label("", "quiet")
        self.previous, self.next = KeyButton("Previous", "step-back"), KeyButton("Next", "step-forward", icon_last=True)
        self.previous.clicked.connect(self.go_previous)
        self.next.clicked.connect(self.go_next)
        self._wide: list[QWidget] = []
        self.setMinimumWidth(MIN_WIDTH)
        self.setMaximumWidth(MAX_WIDTH)
        self._batch_foot = BatchFoot(batch)
        self._lay_out(self._batch_foot)
        thumbnails.arrived.connect(self.view.viewport().update)
        self._recount = QTimer(self)
        self._recount.setSingleShot(True)
        self._recount.setInterval(RECOUNT_MS)
        self._recount.timeout.connect(self._show_counts)
        for signal in (model.dataChanged, self.shown.rowsInserted, self.shown.rowsRemoved):
            signal.connect(self._count_later)
        self.shown.modelReset.connect(self._show_counts)
        self._show_counts()

    def _make_view(self) -> QListView:
        view = QListView()
        view.setModel(self.shown)
        view.setItemDelegate(self.delegate)
        view.setUniformItemSizes(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setMouseTracking(True)
        view.setAccessibleName("Worklist")
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._context_menu)
        view.selectionModel().currentChanged.connect(self._on_current)
        return view

    def _make_chip(self, name: str) -> QPushButton:
        chip = QPushButton(name)
        chip.setCheckable(True)
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(chip, "chip")
        chip.clicked.connect(lambda: self.set_filter(name))
        return chip

    def _lay_out(self, batch_foot: BatchFoot) -> None:
        head = QWidget()
        column = QVBoxLayout(head)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(8)
        column.addLayout(spaced(label("Worklist", "title"), self._count, 0, self._filter))
        column.addWidget(self.search)
        chips = QHBoxLayout()
        chips.setSpacing(6)
        for chip in self._chips.values():
            chips.addWidget(chip)
        chips.addStretch(1)
        column.addLayout(chips)
        foot = QWidget()
        foot.setObjectName("worklistFoot")
        foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        foot.setLayout(spaced(self._position, 0, self.previous, self.next, margins=(12, 8, 12, 8)))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        line = QWidget()
        line.setObjectName("worklistGroup")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        line.setFixedHeight(1)
        for part in (head, line, self.view, batch_foot, foot):
            column.addWidget(part, 1 if part is self.view else 0)
        self._wide = [head, foot]

    # what the window asks

    def current(self) -> Path | None:
        """The file of the current row."""
        return self.shown.path_at(self.view.currentIndex().row())

    def select(self, path: Path) -> None:
        """Make a file current; a filter that hides it is lifted."""
        if self.shown.shown_row(path) < 0:
            self.search.clear()
            self.set_filter("All")
        row = self.shown.shown_row(path)
        if row >= 0:
            self._go(row)

    def go_next(self) -> None:
        """To the next file shown."""
        self._go(self.view.currentIndex().row() + 1)

    def go_previous(self) -> None:
        """To the previous file shown."""
        row = self.view.currentIndex().row()
        self._go(row - 1 if row >= 0 else 0)

    def neighbours(self) -> list[Path]:
        """The files after and before the current one: those worth opening ahead."""
        row = self.view.currentIndex().row()
        near = (self.shown.path_at(row + 1), self.shown.path_at(row - 1))
        return [path for path in near if path is not None]

    def set_filter(self, name: str) -> None:
        """Show the files of one state of FILTERS."""
        self.shown.set_wanted(name)
        self._show_counts()
        self._keep_in_sight()

    @property
    def is_compact(self) -> bool:
        """Whether only thumbnails are shown."""
        return self._compact

    def set_compact(self, compact: bool) -> bool:
        """Thumbnails only, for narrow windows; returns whether anything changed."""
        if compact == self._compact:
            return False
        self._compact = compact
        self.delegate.compact = compact
        for part in self._wide:
            part.setVisible(not compact)
        self._batch_foot.set_compact(compact)
        self.setMinimumWidth(COMPACT_WIDTH if compact else MIN_WIDTH)
        self.setMaximumWidth(COMPACT_WIDTH if compact else MAX_WIDTH)
        self.view.scheduleDelayedItemsLayout()
        return True

    # inside

    def _go(self, row: int) -> None:
        if 0 <= row < self.shown.rowCount():
            index = self.shown.index(row, 0)
            self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.view.scrollTo(index)

    def _on_current(self, index: QModelIndex, _previous: QModelIndex) -> None:
        path = self.shown.path_at(index.row())
        self._show_position()
        if path is not None:
            self.chosen.emit(path)

    def _on_search(self, text: str) -> None:
        self.shown.set_search(text)
        self._show_counts()
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            self.view.scrollTo(index)

    def _show_position(self) -> None:
        row, count = self.view.currentIndex().row(), self.shown.rowCount()
        self._position.setText(f"{row + 1:,} of {count:,}" if row >= 0 else f"{count:,}")
        self.previous.setEnabled(row > 0)
        self.next.setEnabled(0 <= row + 1 < count)

    def _count_later(self) -> None:
        if not self._recount.isActive():
            self._recount.start()

    def _show_counts(self) -> None:
        counts = self.model.counts()
        total = counts["All"]
        self._count.setText(f"{total:,} image{'' if total == 1 else 's'}")
        wanted = self.shown.wanted
        for name, chip in self._chips.items():
            chip.setText(f"{name} {counts[name]:,}")
            chip.setChecked(name == wanted)
        self._fit_chips(counts)
        self._show_position()

    def _fit_chips(self, counts: Counter[str]) -> None:
        """Show the chips that have room, the most useful first; the menu at the top always has them all."""
        wanted = self.shown.wanted
        order = ("All", *((wanted,) if wanted in self._chips and wanted != "All" else ()), "New")
        useful = [name for name in ("Failed", "Analysed", "Edited") if counts[name] > 0 or name == "Analysed"]
        room = self.width() - 24
        for name in dict.fromkeys((*order, *useful)):
            room -= self._chips[name].sizeHint().width() + 6
            self._chips[name].setVisible(room >= -6)
        for name in self._chips.keys() - {*order, *useful}:
            self._chips[name].hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Chips follow the width."""
        super().resizeEvent(event)
        self._fit_chips(self.model.counts())

    def _choose_filter(self) -> None:
        menu = QMenu(self)
        counts = self.model.counts()
        for name in FILTERS:
            action = menu.addAction(f"{name} {counts[name]:,}")
            action.setCheckable(True)
            action.setChecked(name == self.shown.wanted)
            action.triggered.connect(lambda _checked=False, name=name: self.set_filter(name))
        menu.exec(self._filter.mapToGlobal(QPoint(0, self._filter.height())))

    def _selected(self) -> list[Path]:
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [path for row in rows if (path := self.shown.path_at(row)) is not None]

    def _context_menu(self, at: QPoint) -> None:
        paths = self._selected()
        if not paths:
            return
        menu = QMenu(self)
        many = f" {len(paths):,} images" if len(paths) > 1 else ""
        menu.addAction(f"Analyse{many}", lambda: self.analyse_asked.emit(paths))
        menu.addSeparator()
        menu.addAction("Show in folder", lambda: show_in_folder(paths[0]))
        menu.addAction("Copy path" if len(paths) == 1 else "Copy paths", lambda: self._copy(paths))
        menu.exec(self.view.viewport().mapToGlobal(at))

    def _copy(self, paths: list[Path]) -> None:
        QGuiApplication.clipboard().setText("\n".join(str(path) for path in paths))


def in_words(seconds: float) -> str:
    """A length of time for the reader: "40 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
