"""The worklist at the left: search, filters, groups, rows, batch progress, previous and next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from busi_viewer.core.results import CLASSES
from busi_viewer.gui.batch import Batch
from busi_viewer.gui.controls import IconButton, label, spaced
from busi_viewer.gui.desktop import show_in_folder
from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.gui.thumbnails import Thumbnails
from busi_viewer.gui.worklist_delegate import WorklistDelegate
from busi_viewer.gui.worklist_groups import Group
from busi_viewer.gui.worklist_model import FILTERS, FLAGGED, Item, WorklistModel
from busi_viewer.gui.worklist_parts import BatchFoot, Foot, ListView, NothingFound, SearchField
from busi_viewer.gui.worklist_rows import WITHHELD, WorklistRows

RECOUNT_MS = 100
"""During a batch many rows change; the counts follow together."""
WIDTH, MIN_WIDTH, MAX_WIDTH, COMPACT_WIDTH = 276, 200, 420, 96
CHIPS = ("All", "New", "Analysed", "Edited", "Reported", FLAGGED, "Failed")


class Worklist(QWidget):
    """The panel. ``chosen`` tells which file the reader went to; ``analyse_asked``, ``retry_asked`` and ``flag_asked`` carry
    the selected files (and, the last, whether to flag them). ``arrange_menu`` fills the menu of grouping and order.
    """

    chosen = Signal(object)
    analyse_asked = Signal(object)
    retry_asked = Signal(object)
    flag_asked = Signal(object, bool)

    def __init__(self, model: WorklistModel, batch: Batch, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("worklist")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = model
        self.shown = WorklistRows(model)
        self.delegate = WorklistDelegate(thumbnails, self.shown.is_header)
        self.arrange_menu: Callable[[QMenu], None] = lambda _menu: None
        self._compact, self._restoring, self._way = False, False, 1
        self._kept: tuple[list[Path], int] = ([], 0)
        self.view = self._make_view()
        self.nothing = NothingFound(self.view)
        self.nothing.clear.clicked.connect(self._lift_filter)
        self.search = SearchField()
        self.search.textChanged.connect(self._on_search)
        self.search.leave.connect(self.view.setFocus)
        self._count = label("", "quiet")
        self._chips = {name: self._make_chip(name) for name in CHIPS}
        self._filter = IconButton("list-filter", tr("Filter the list by status, estimate and flag"), edge=26)
        self._filter.clicked.connect(self._choose_filter)
        self._arrange = IconButton("folder-tree", tr("Group and sort the list"), edge=26)
        self._arrange.clicked.connect(self._choose_order)
        self._foot = Foot()
        self.previous, self.next = self._foot.previous, self._foot.next
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
        model.touched.connect(self._count_later)
        model.altered.connect(self._count_later)
        self.shown.modelAboutToBeReset.connect(self._keep_place)
        self.shown.rebuilt.connect(self._on_rebuilt)
        self.shown.counted.connect(self.view.viewport().update)
        self._show_counts()

    def _make_view(self) -> ListView:
        view = ListView()
        view.setModel(self.shown)
        view.setItemDelegate(self.delegate)
        view.customContextMenuRequested.connect(self._context_menu)
        view.selectionModel().currentChanged.connect(self._on_current)
        view.header_pressed.connect(self._on_header)
        return view

    def _make_chip(self, name: str) -> QPushButton:
        chip = QPushButton(tr(name))
        chip.setCheckable(True)
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(chip, "chip")
        chip.setToolTip(tr("Show only: {state}", state=tr(name)))
        chip.clicked.connect(self._on_flagged_chip if name == FLAGGED else lambda: self.set_filter(name))
        return chip

    def _lay_out(self, batch_foot: BatchFoot) -> None:
        head = QWidget()
        column = QVBoxLayout(head)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(8)
        column.addLayout(spaced(label(tr("Worklist"), "title"), self._count, 0, self._arrange, self._filter))
        column.addWidget(self.search)
        chips = QHBoxLayout()
        chips.setSpacing(6)
        for chip in self._chips.values():
            chips.addWidget(chip)
        chips.addStretch(1)
        column.addLayout(chips)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        line = QWidget()
        line.setObjectName("worklistGroup")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        line.setFixedHeight(1)
        for part in (head, line, self.view, batch_foot, self._foot):
            column.addWidget(part, 1 if part is self.view else 0)
        self._wide = [head, self._foot]

    # what the window asks

    def current(self) -> Path | None:
        """The file the reader is at."""
        return self.shown.stays

    def selected(self) -> list[Path]:
        """The selected files, in the order shown."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [path for row in rows if (path := self.shown.path_at(row)) is not None]

    def select(self, path: Path) -> None:
        """Make a file current; a filter that hides it is lifted, groups that hide it are opened."""
        if self.shown.shown_row(path) < 0:
            self.shown.reveal(path)
        if self.shown.shown_row(path) < 0:
            self._lift_filter()
            self.shown.reveal(path)
        self._go(self.shown.shown_row(path))

    def go_next(self) -> None:
        """To the next file shown."""
        self._way = 1
        self._go(self.shown.step(self._row(), 1))

    def go_previous(self) -> None:
        """To the previous file shown."""
        self._way, row = -1, self._row()
        self._go(self.shown.step(row, -1) if row >= 0 else self.shown.step(-1, 1))

    def find_next(self, wanted: Callable[[Item], bool], *, round_the_end: bool = True) -> Path | None:
        """The next file shown for which ``wanted`` holds, from the current one (round to it); None if there is none."""
        here = self.current()
        for path in self.shown.from_after(here, round_the_end=round_the_end):
            item = self.model.item(path)
            if item is not None and path != here and wanted(item):
                return path
        return None

    def neighbours(self) -> list[Path]:
        """The files worth opening ahead: two the way the reader goes, one the other way, the next that is not reported."""
        row, way = self._row(), self._way
        then = self.shown.step(row, way)
        after = self.shown.step(then, way) if then >= 0 else -1
        near = [self.shown.path_at(each) for each in (then, after, self.shown.step(row, -way))]
        near.append(self.find_next(lambda item: not item.reported and item.phase != "failed", round_the_end=False))
        return list(dict.fromkeys(path for path in near if path is not None))

    def set_filter(self, name: str) -> None:
        """Show the files of one state of FILTERS."""
        self.shown.set_filter(state=name)
        self._show_counts()

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

    def fold_current(self, folded: bool) -> None:
        """Fold the group of the current file (or the one around it if folded already), or open it."""
        path = self.current()
        found = self.shown.group_of(path) if path is not None else None
        if found is None:
            return
        row, group = found
        if folded and not group.is_open:
            around = [outer for n, outer in self.shown.headers if n < row and outer.depth < group.depth]
            group = around[-1] if around else group
        self.shown.fold(group, folded)

    # inside

    def _row(self) -> int:
        """The row of the current file; of the header it is folded under; −1 where there is neither."""
        path = self.current()
        if path is None:
            return -1
        row = self.shown.shown_row(path)
        found = self.shown.group_of(path) if row < 0 else None
        return found[0] if found is not None else row

    def _go(self, row: int) -> None:
        if self.shown.path_at(row) is not None:
            index = self.shown.index(row, 0)
            if index == self.view.currentIndex():
                self._on_current(index, index)
            self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.view.scrollTo(index)

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, index: QModelIndex, _previous: QModelIndex) -> None:
        path = self.shown.path_at(index.row())
        if path is not None and not self._restoring:
            self.shown.stays = path
            self._show_position()
            self.chosen.emit(path)

    @Slot(object)
    def _on_header(self, group: Group) -> None:
        self.shown.fold(group, group.is_open)

    def _on_search(self, text: str) -> None:
        self.shown.set_search(text)

    @Slot()
    def _lift_filter(self) -> None:
        self.search.clear()
        self.shown.set_filter(state="All", estimate=None, flagged=False)

    def _on_flagged_chip(self) -> None:
        self.shown.set_filter(flagged=not self.shown.filter.flagged)
        self._show_counts()

    @Slot()
    def _keep_place(self) -> None:
        self._kept = (self.selected(), self.view.verticalScrollBar().value())

    @Slot()
    def _on_rebuilt(self) -> None:
        """After a reset: the same files selected, the same one current, the list where it was."""
        selected, scrolled = self._kept
        here = self.current()
        if here is not None and self.model.item(here) is None:
            self.shown.stays = here = None
        self._restoring = True
        self.view.setUniformItemSizes(self.shown.grouping == "none")
        chosen = QItemSelection()
        for first, last in _runs(sorted(row for path in selected if (row := self.shown.shown_row(path)) >= 0)):
            chosen.append(QItemSelectionRange(self.shown.index(first), self.shown.index(last)))
        model = self.view.selectionModel()
        if here is not None and self.shown.shown_row(here) >= 0:
            model.setCurrentIndex(self.shown.index(self.shown.shown_row(here)), model.SelectionFlag.NoUpdate)
        model.select(chosen, model.SelectionFlag.ClearAndSelect)
        self._restoring = False
        self.view.verticalScrollBar().setValue(scrolled)
        if model.currentIndex().isValid():
            self.view.scrollTo(model.currentIndex())
        self._show_counts()

    def _show_position(self) -> None:
        path = self.current()
        number, count = self.shown.position(path) if path is not None else (0, self.shown.position(Path())[1])
        at = tr("{number:,} of {count:,}", number=number, count=count) if number else tr("{n:,}", n=count)
        self._foot.say(at if self.shown.matching else "")
        row = self._row()
        self.previous.setEnabled(row >= 0 and self.shown.step(row, -1) >= 0)
        self.next.setEnabled(self.shown.step(row, 1) >= 0)

    def _count_later(self) -> None:
        if not self._recount.isActive():
            self._recount.start()

    @Slot()
    def _show_counts(self) -> None:
        counts = self.model.counts()
        total, wanted = counts["All"], self.shown.filter
        found = tr("{n:,} of {total:,} images", n=self.shown.matching, total=total)
        self._count.setText(plural("1 image", "{n:,} images", total) if wanted.is_open else found)
        self.nothing.show_if(total > 0 and not self.shown.matching)
        for name, chip in self._chips.items():
            chip.setText(tr("{state} {n:,}", state=tr(name), n=counts[name]))
            chip.setAccessibleName(tr("{state} {n:,}", state=chip.toolTip(), n=counts[name]))
            chip.setChecked(wanted.flagged if name == FLAGGED else name == wanted.state)
        self._fit_chips(counts)
        self._show_position()

    def _fit_chips(self, counts: Counter[str]) -> None:
        """Show the chips that have room, the most useful first; the menu at the top always has them all."""
        wanted = self.shown.filter
        order = ["All", wanted.state, *((FLAGGED,) if wanted.flagged else ()), "New"]
        useful = [name for name in (FLAGGED, "Failed", "Analysed", "Edited", "Reported") if counts[name]] or [
            "Analysed"
        ]
        room = self.width() - 24
        order = list(dict.fromkeys((*order, *useful)))
        for name in order:
            room -= self._chips[name].sizeHint().width() + 6
            self._chips[name].setVisible(room >= -6)
        for name in self._chips.keys() - set(order):
            self._chips[name].hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Chips follow the width."""
        super().resizeEvent(event)
        self._fit_chips(self.model.counts())

    # menus

    def _choose_filter(self) -> None:
        menu, counts, wanted = QMenu(self), self.model.counts(), self.shown.filter
        for name in FILTERS:
            self._choice(menu, tr("{state} {n:,}", state=tr(name), n=counts[name]), name == wanted.state, state=name)
        menu.addSeparator()
        self._choice(menu, tr("Any estimate"), wanted.estimate is None, estimate=None)
        for name in reversed(CLASSES):
            self._choice(menu, sentence(tr(name)), name == wanted.estimate, estimate=name)
        self._choice(menu, tr("No estimate given"), wanted.estimate == WITHHELD, estimate=WITHHELD)
        menu.addSeparator()
        self._choice(menu, tr("Flagged only {n:,}", n=counts[FLAGGED]), wanted.flagged, flagged=not wanted.flagged)
        menu.exec(self._filter.mapToGlobal(QPoint(0, self._filter.height())))

    def _choice(self, menu: QMenu, words: str, checked: bool, **change: object) -> None:
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(checked)
        action.triggered.connect(lambda: self.shown.set_filter(**change))

    def _choose_order(self) -> None:
        menu = QMenu(self)
        self.arrange_menu(menu)
        menu.exec(self._arrange.mapToGlobal(QPoint(0, self._arrange.height())))

    def _context_menu(self, at: QPoint) -> None:
        paths = self.selected()
        if not paths:
            return
        menu = QMenu(self)
        menu.addAction(plural("Analyse", "Analyse {n:,} images", len(paths)), lambda: self.analyse_asked.emit(paths))
        items = [item for path in paths if (item := self.model.item(path)) is not None]
        failed = [item.path for item in items if item.phase == "failed"]
        if failed:
            menu.addAction(
                tr("Retry") if len(paths) == 1 else tr("Retry {n:,} failed", n=len(failed)),
                lambda: self.retry_asked.emit(failed),
            )
        flagged = all(item.flagged for item in items)
        words = ("Unflag", "Unflag {n:,} images") if flagged else ("Flag", "Flag {n:,} images")
        menu.addAction(plural(*words, len(paths)), lambda: self.flag_asked.emit(paths, not flagged))
        menu.addSeparator()
        menu.addAction(tr("Show in folder"), lambda: show_in_folder(paths[0]))
        menu.addAction(tr("Copy path") if len(paths) == 1 else tr("Copy paths"), lambda: self._copy(paths))
        menu.exec(self.view.viewport().mapToGlobal(at))

    def _copy(self, paths: list[Path]) -> None:
        QGuiApplication.clipboard().setText("\n".join(str(path) for path in paths))


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    starts = [n for n, row in enumerate(rows) if n == 0 or rows[n - 1] != row - 1]
    for start, end in zip(starts, (*starts[1:], len(rows)), strict=False):
        yield rows[start], rows[end - 1]
