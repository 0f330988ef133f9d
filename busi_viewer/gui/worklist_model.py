"""The worklist's data: one row a file, sorted as people sort, filtered by state and by words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt

from busi_viewer.core.results import AnalysisResult
from busi_viewer.gui import privacy
from busi_viewer.workflow.inputs import Input, natural_key

if TYPE_CHECKING:
    from busi_viewer.core.casebook import ImageState

ItemRole = Qt.ItemDataRole.UserRole + 1
_NO_PARENT = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex

FILTERS = ("All", "New", "Analysed", "Edited", "Reported", "Failed")
"""The states a reader can filter by."""


@dataclass
class Item:
    """One file of the worklist and what is known of it.

    ``phase`` is "", queued, running or failed; ``note`` says more of it (the stage, the error). ``prediction`` and ``share``
    (probability) are None until analysed or where the estimate is withheld (``abstained``).
    """

    path: Path
    name: str
    folder: str
    phase: str = ""
    note: str = ""
    analysed: bool = False
    abstained: bool = False
    prediction: str | None = None
    share: float | None = None
    edited: bool = False
    reported: bool = False

    @property
    def shown(self) -> str:
        """What the file is called on screen."""
        return privacy.name(self.path, stem=True)

    @property
    def status(self) -> str:
        """The word of the status chip."""
        if self.phase:
            return self.phase.capitalize()
        if self.reported:
            return "Reported"
        if self.edited:
            return "Edited"
        return "Analysed" if self.analysed else "New"

    @property
    def summary(self) -> str:
        """The second line: the estimate, the stage or why there is none."""
        if self.phase in ("running", "failed") and self.note:
            return self.note
        if self.abstained:
            return "No estimate given"
        if self.prediction is not None and self.share is not None:
            return f"{self.prediction.capitalize()} {self.share * 100:.0f} %"
        return "Not analysed"

    def matches(self, wanted: str) -> bool:
        """Whether the item belongs to a filter of FILTERS."""
        if wanted == "All":
            return True
        if wanted == "Failed":
            return self.phase == "failed"
        if wanted == "New":
            return not (self.analysed or self.edited or self.reported) and self.phase != "failed"
        return {"Analysed": self.analysed, "Edited": self.edited, "Reported": self.reported}[wanted]

    def forget(self) -> None:
        """Know nothing of the file any more, as if it were new."""
        self.phase = self.note = ""
        self.analysed = self.abstained = self.edited = self.reported = False
        self.prediction = self.share = None

    def learn(self, state: ImageState) -> None:
        """Note what the case store knows of a file that is not open."""
        self.analysed, self.abstained = state.analysed, state.abstained
        self.prediction, self.share = state.prediction, state.share
        self.edited, self.reported = state.edited, state.signed

    def take(self, result: AnalysisResult, frame: int = 0) -> None:
        """Note the estimate of a finished analysis (that of ``frame``, else of the first analysed frame)."""
        shown = result.frame(frame) or (result.frames[0] if result.frames else None)
        self.phase, self.note, self.analysed, self.reported = "", "", True, False
        self.abstained = shown.abstained if shown else False
        self.prediction = self.share = None
        if shown is not None and not shown.abstained:
            self.prediction = shown.prediction
            self.share = max(shown.probabilities)


class WorklistModel(QAbstractListModel):
    """The files in natural order. Every path occurs once."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Item] = []
        self._rows: dict[Path, int] = {}
        self._counts: Counter[str] | None = None

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        """Number of files."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The item (ItemRole), its name, its tool tip or its words for a screen reader."""
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == ItemRole:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return item.shown
        if role == Qt.ItemDataRole.ToolTipRole:
            return privacy.place(item.path)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{item.shown}, {item.summary}, {item.status}"
        return None

    @property
    def items(self) -> Sequence[Item]:
        """All items in order (do not change them except through :meth:`touch`)."""
        return self._items

    def item(self, path: Path) -> Item | None:
        """The item of a file, or None."""
        row = self._rows.get(path)
        return self._items[row] if row is not None else None

    def row(self, path: Path) -> int:
        """The row of a file, or −1."""
        return self._rows.get(path, -1)

    def add(self, inputs: Iterable[Input]) -> int:
        """Add files that are not yet listed; returns how many were new."""
        new = []
        seen = set(self._rows)
        for entry in inputs:
            if entry.path not in seen:
                seen.add(entry.path)
                new.append(Item(entry.path, entry.path.stem, entry.path.parent.name))
        if new:
            self._set([*self._items, *new])
        return len(new)

    def keep_only(self, paths: set[Path]) -> None:
        """Remove every file that is not among ``paths``."""
        self._set([item for item in self._items if item.path in paths])

    def touch(self, path: Path) -> None:
        """Tell the views that an item changed."""
        row = self._rows.get(path)
        if row is not None:
            self._counts = None
            index = self.index(row)
            self.dataChanged.emit(index, index)

    def rename(self) -> None:
        """Tell the views that files are called differently."""
        if self._items:
            self.dataChanged.emit(self.index(0), self.index(len(self._items) - 1))

    def learn(self, states: Mapping[Path, ImageState]) -> None:
        """Note what the case store knows of listed files, except of those something was done with meanwhile."""
        for path, state in states.items():
            item = self.item(path)
            if item is not None and item.status == "New":
                item.learn(state)
        if states and self._items:
            self._counts = None
            self.dataChanged.emit(self.index(0), self.index(len(self._items) - 1))

    def counts(self) -> Counter[str]:
        """How many items belong to each filter; counted anew after a change only."""
        if self._counts is None:
            items = self._items
            self._counts = Counter({name: sum(item.matches(name) for item in items) for name in FILTERS})
        return self._counts

    def _set(self, items: list[Item]) -> None:
        self.beginResetModel()
        folders = {folder: natural_key(str(folder)) for folder in {item.path.parent for item in items}}
        self._items = sorted(items, key=lambda item: (folders[item.path.parent], natural_key(item.name)))
        self._rows = {item.path: row for row, item in enumerate(self._items)}
        privacy.meet(self._rows)
        self._counts = None
        self.endResetModel()


class WorklistFilter(QSortFilterProxyModel):
    """Shows the rows that belong to a state and hold every word searched for."""

    def __init__(self, source: WorklistModel) -> None:
        super().__init__()
        self._wanted = "All"
        self._words: tuple[str, ...] = ()
        self._source = source
        self.setSourceModel(source)

    @property
    def wanted(self) -> str:
        """The filter in force, one of FILTERS."""
        return self._wanted

    def set_wanted(self, wanted: str) -> None:
        """Filter by a state of FILTERS."""
        if wanted != self._wanted:
            self.beginFilterChange()
            self._wanted = wanted
            self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def set_search(self, text: str) -> None:
        """Show only items whose name, folder, status or estimate hold every word (any case)."""
        self.beginFilterChange()
        self._words = tuple(text.casefold().split())
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, row: int, parent: _Index) -> bool:
        """Whether a row of the source is shown."""
        item = self._source.items[row]
        if not item.matches(self._wanted):
            return False
        if not self._words:
            return True
        text = f"{item.shown} {item.name} {item.folder} {item.summary} {item.status}".casefold()
        return all(word in text for word in self._words)

    def path_at(self, row: int) -> Path | None:
        """The file of a shown row, or None."""
        item = self.data(self.index(row, 0), ItemRole) if 0 <= row < self.rowCount() else None
        return item.path if isinstance(item, Item) else None

    def shown_row(self, path: Path) -> int:
        """The shown row of a file, or −1 if it is filtered out or not listed."""
        row = self._source.row(path)
        return self.mapFromSource(self._source.index(row)).row() if row >= 0 else -1

    def shown_paths(self) -> list[Path]:
        """The files shown, in order."""
        return [path for row in range(self.rowCount()) if (path := self.path_at(row)) is not None]
