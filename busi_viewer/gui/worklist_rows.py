"""The rows the worklist shows: the files that pass the filter, sorted, in foldable groups or flat."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal, Slot

from busi_viewer.gui import privacy
from busi_viewer.gui.language import tr
from busi_viewer.gui.worklist_groups import Group, grouped, sort_key
from busi_viewer.gui.worklist_model import Item, WorklistModel

ItemRole = Qt.ItemDataRole.UserRole + 1
REBUILD_MS, REBUILD_SHARE = 300, 0.05
"""Rows follow many small changes together, in at most this share of the time: working them out takes longer in long lists."""
_NO_PARENT = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
WITHHELD = "withheld"
"""The class filter's word for images without an estimate that could have one."""


@dataclass(frozen=True)
class Filter:
    """``state`` is one of FILTERS; ``estimate`` a class, WITHHELD, or None for any; ``words`` must all occur."""

    state: str = "All"
    estimate: str | None = None
    flagged: bool = False
    words: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether every file passes."""
        return self == Filter()

    def passes(self, item: Item) -> bool:
        """Whether an item is to be shown."""
        if not item.matches(self.state) or (self.flagged and not item.flagged):
            return False
        if self.estimate is not None and not self._has_estimate(item):
            return False
        if not self.words:
            return True
        labels = item.labels
        head = f" {labels.patient[1]} {labels.study[1]} {labels.series[1]}" if labels is not None else ""
        known = (item.shown, item.name, item.folder, item.summary, tr(item.status), *map(tr, item.badges))
        text = (" ".join(known) + head).casefold()
        return all(word in text for word in self.words)

    def _has_estimate(self, item: Item) -> bool:
        if self.estimate == WITHHELD:
            return item.analysed and item.abstained and not item.veiled
        return item.estimate is not None and item.estimate[0] == self.estimate


class WorklistRows(QAbstractListModel):
    """Items and group headers in one list. ``stays`` is shown whatever the filter says: the file the reader is at.

    ``matching`` files pass the filter, in folded groups too.

    ``rebuilt`` comes after each reset, ``counted`` when headers may say something else.
    """

    rebuilt = Signal()
    counted = Signal()

    def __init__(self, source: WorklistModel) -> None:
        super().__init__()
        self._source = source
        self._shown: list[Item | Group] = []
        self._row_of: dict[Path, int] = {}
        self._place_of: dict[Path, int] = {}
        self._folded: set[tuple[Any, ...]] = set()
        self.filter = Filter()
        self.grouping, self.order = "none", "name"
        self.stays: Path | None = None
        self.matching = 0
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(REBUILD_MS)
        self._later.timeout.connect(self.rebuild)
        source.listed.connect(self.rebuild)
        source.altered.connect(self._rebuild_later)
        source.touched.connect(self._on_touched)

    # Qt

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        """Number of rows, headers included."""
        return 0 if parent.isValid() else len(self._shown)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Headers cannot be selected."""
        header = index.isValid() and isinstance(self._shown[index.row()], Group)
        return Qt.ItemFlag.ItemIsEnabled if header else Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The item or group (ItemRole), its name, its tool tip or its words for a screen reader."""
        if not index.isValid():
            return None
        row = self._shown[index.row()]
        if role == ItemRole:
            return row
        if isinstance(row, Group):
            return _of_group(row, role)
        if role == Qt.ItemDataRole.DisplayRole:
            return row.shown
        if role == Qt.ItemDataRole.ToolTipRole:
            reason = privacy.words(row.reason) if row.phase == "failed" else ""
            return "\n".join(part for part in (reason, privacy.place(row.path)) if part)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join((row.shown, row.summary, tr(row.status), *map(tr, row.badges)))
        return None

    # what is shown

    @Slot()
    def rebuild(self) -> None:
        """Work the rows out anew."""
        begun = time.perf_counter()
        self._later.stop()
        items = [item for item in self._source.items if self.filter.passes(item) or item.path == self.stays]
        stays = self._source.item(self.stays) if self.stays is not None else None
        self.matching = len(items) - (stays is not None and not self.filter.passes(stays))
        key = sort_key(self.order)
        if key is not None:
            items.sort(key=key)
        self.beginResetModel()
        self._shown = grouped(items, self.grouping, self._folded) if self.grouping != "none" else list(items)
        self._row_of = {row.path: n for n, row in enumerate(self._shown) if isinstance(row, Item)}
        self._place_of = {path: n for n, path in enumerate(self._row_of, 1)}
        self.endResetModel()
        self.rebuilt.emit()
        self._later.setInterval(max(REBUILD_MS, round((time.perf_counter() - begun) * 1000 / REBUILD_SHARE)))

    def set_filter(self, **changes: Any) -> None:
        """Change parts of the filter."""
        wanted = replace(self.filter, **changes)
        if wanted != self.filter:
            self.filter = wanted
            self.rebuild()

    @property
    def wanted(self) -> str:
        """The state filtered by, one of FILTERS."""
        return self.filter.state

    def set_search(self, text: str) -> None:
        """Show only items whose name, folder, header, status or estimate hold every word (any case)."""
        self.set_filter(words=tuple(text.casefold().split()))

    def arrange(self, grouping: str, order: str) -> None:
        """Group and sort."""
        if (grouping, order) != (self.grouping, self.order):
            self.grouping, self.order = grouping, order
            self.rebuild()

    def fold(self, group: Group, folded: bool) -> None:
        """Fold a group or open it."""
        (self._folded.add if folded else self._folded.discard)(group.key)
        self.rebuild()

    def fold_all(self, folded: bool) -> None:
        """Fold every group, or open them."""
        self._folded.clear()
        if folded:
            everything = [item for item in self._source.items if self.filter.passes(item)]
            self._folded = {row.key for row in grouped(everything, self.grouping, ()) if isinstance(row, Group)}
        self.rebuild()

    @property
    def headers(self) -> list[tuple[int, Group]]:
        """The header rows with their numbers."""
        return [(n, row) for n, row in enumerate(self._shown) if isinstance(row, Group)]

    def group_of(self, path: Path) -> tuple[int, Group] | None:
        """The innermost shown header above a file (row and group), whether open or folded."""
        item = self._source.item(path)
        held = [(n, group) for n, group in self.headers if item is not None and any(i is item for i in group.items)]
        return max(held, key=lambda found: found[1].depth, default=None)

    def reveal(self, path: Path) -> None:
        """Open the groups that hide a file."""
        while path not in self._row_of and (found := self.group_of(path)) is not None and not found[1].is_open:
            self.fold(found[1], False)

    def is_header(self, number: int) -> bool:
        """Whether a row is a group's header."""
        return isinstance(self._shown[number], Group)

    def row(self, number: int) -> Item | Group | None:
        """What is shown in a row."""
        return self._shown[number] if 0 <= number < len(self._shown) else None

    def path_at(self, row: int) -> Path | None:
        """The file of a shown row; None for a header or no row."""
        found = self.row(row)
        return found.path if isinstance(found, Item) else None

    def shown_row(self, path: Path) -> int:
        """The row of a file, or −1 if it is filtered out, folded away or not listed."""
        return self._row_of.get(path, -1)

    def shown_paths(self) -> list[Path]:
        """The files shown, in order; of folded groups too."""
        return [path for row in self._shown for path in _paths(row)]

    def from_after(self, path: Path | None, *, round_the_end: bool) -> Iterator[Path]:
        """The files shown after one (from the first if it is not shown), then, round the end, those up to it."""
        row = self._row_of.get(path, -1) if path is not None else -1
        if row >= 0:
            after, before = self._shown[row + 1 :], self._shown[: row + 1]
            parts = [*after, *before] if round_the_end else after
            yield from (found for part in parts for found in _paths(part))
            return
        paths = self.shown_paths()  # a folded group hides it, or nothing does
        start = paths.index(path) + 1 if path in paths else 0
        yield from paths[start:] + (paths[:start] if round_the_end else [])

    def position(self, path: Path) -> tuple[int, int]:
        """(how manieth of the files shown in rows a file is, counted from 1, or 0; how many there are)."""
        return self._place_of.get(path, 0), len(self._place_of)

    def step(self, row: int, by: int) -> int:
        """The next file's row after (``by`` 1) or before (−1) a row, headers left out; −1 at the end."""
        row += by
        while 0 <= row < len(self._shown):
            if isinstance(self._shown[row], Item):
                return row
            row += by
        return -1

    # following

    @Slot()
    def _rebuild_later(self) -> None:
        if not self._later.isActive():
            self._later.start()

    @Slot(object)
    def _on_touched(self, path: Path) -> None:
        item, row = self._source.item(path), self._row_of.get(path)
        if item is None:
            return
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))
        if self.grouping != "none":
            self.counted.emit()
        moves = self.order in ("estimate", "status", "flagged")
        if moves or (self.filter.passes(item) != (row is not None) and path != self.stays):
            self._rebuild_later()


def _of_group(group: Group, role: int) -> Any:
    if role == Qt.ItemDataRole.AccessibleTextRole:
        return tr(
            "Group {name}, {words}, open" if group.is_open else "Group {name}, {words}, folded",
            name=group.shown,
            words=group.words,
        )
    if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
        return group.shown
    return None


def _paths(row: Item | Group) -> Sequence[Path]:
    if isinstance(row, Item):
        return (row.path,)
    return () if row.is_open else [item.path for item in row.items]
