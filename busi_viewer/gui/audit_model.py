"""The audit trail as a table that reads a page at a time while it is scrolled."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal, Slot

from busi_viewer.core.errors import StoreError
from busi_viewer.gui import privacy
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.keeping_notices import local
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.problem import Problem, problem_from

if TYPE_CHECKING:
    from busi_viewer.core.casebook import AuditQuery, AuditRow
    from busi_viewer.core.ports import CaseStore

PAGE = 400
COLUMNS = ("Time", "Who", "What", "Image", "Field", "Old", "New", "Reason")
HIDDEN = "hidden while reading blind"
PLACES = ("path", "folder")
"""Fields of the trail whose values are names of files."""
_NO_PARENT = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex


class AuditModel(QAbstractTableModel):
    """Rows that fit a query, newest first. ``arrived`` follows every page; ``failed(Problem)`` where one cannot be read."""

    arrived = Signal()
    failed = Signal(object)
    _page = Signal(object, object)
    _broken = Signal(object, object)

    def __init__(self, keeping: Keeping, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keeping = keeping
        self._query: AuditQuery | None = None
        self._rows: list[AuditRow] = []
        self._files: dict[str, Path] = {}
        self._reading = self.blind = False
        self.complete = True
        self._page.connect(self._on_page)
        self._broken.connect(self._on_broken)

    @property
    def rows(self) -> Sequence[AuditRow]:
        """The rows read so far."""
        return self._rows

    def ask(self, query: AuditQuery) -> None:
        """Show the rows of a query, from the newest."""
        self._query = replace(query, limit=PAGE, offset=0)
        self._reading = True
        self._read(self._query)

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        """Rows read so far."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NO_PARENT) -> int:
        """See COLUMNS."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The columns' names."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return tr(COLUMNS[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell's words; its tool tip has all of them."""
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row)[index.column()].replace("\n", " ")
        return self._explained(row, index.column())

    def _words(self, row: AuditRow) -> tuple[str, ...]:
        image = privacy.name(self._files[row.image]) if row.image in self._files else row.image[:12]
        old, new = (short(self._value(row, value)) for value in (row.old, row.new))
        what = sentence(said(row.action))
        return local(row.at), row.user, what, image, named(row.field), said(old), said(new), said(row.reason)

    def _value(self, row: AuditRow, value: str) -> str:
        return HIDDEN if self.blind and row.action == "analysis" else _shown(row, value)

    def _explained(self, row: AuditRow, column: int) -> str:
        name = COLUMNS[column]
        if name == "Image" and row.image:
            file = self._files.get(row.image)
            where = privacy.place(file) if file is not None else tr("not in the store any more")
            return tr("{where}\nSHA-256 {image}\ncase {case}", where=where, image=row.image, case=row.case)
        if name == "What":
            first = tr("row {number}, {software}", number=row.number, software=row.software)
            return first + ("\n" + tr("model SHA-256 {model}", model=row.model) if row.model else "")
        return {
            "Time": f"{row.at} (UTC)",
            "Old": self._value(row, row.old),
            "New": self._value(row, row.new),
        }.get(name, self._words(row)[column])

    def canFetchMore(self, parent: _Index) -> bool:
        """Whether older rows are left."""
        return not parent.isValid() and not self.complete and not self._reading

    def fetchMore(self, parent: _Index) -> None:
        """Read the next page."""
        if self.canFetchMore(parent) and self._query is not None:
            self._reading = True
            self._read(replace(self._query, offset=len(self._rows)))

    def _read(self, query: AuditQuery) -> None:
        self._keeping.run(partial(_page_of, query), partial(self._page.emit, query), partial(self._broken.emit, query))

    @Slot(object, object)
    def _on_page(self, query: AuditQuery, page: tuple[list[AuditRow], Mapping[str, Path]]) -> None:
        if self._query is None or replace(query, offset=0) != self._query or (query.offset and not self._reading):
            return  # another query was asked meanwhile
        rows, files = page
        self._files.update(files)
        self._reading, self.complete = False, len(rows) < PAGE
        if query.offset == 0:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        else:
            last = self._rows[-1].number
            older = [row for row in rows if row.number < last]  # rows written meanwhile move the pages
            if older:
                self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(older) - 1)
                self._rows += older
                self.endInsertRows()
        self.arrived.emit()

    @Slot(object, object)
    def _on_broken(self, query: AuditQuery, error: BaseException) -> None:
        if self._query is None or replace(query, offset=0) != self._query:
            return
        self._reading, self.complete = False, True
        self.beginResetModel()
        self._rows = []
        self.endResetModel()
        problem: Problem = problem_from(error, "reading the audit log")
        self.failed.emit(problem)


def _page_of(query: AuditQuery, store: CaseStore) -> tuple[list[AuditRow], dict[str, Path]]:
    """Rows with the files they speak of. On a pool thread."""
    with contextlib.suppress(StoreError):  # what cannot be told now is told later
        store.settle()
    rows = store.audit.rows(query)
    return rows, store.files_of({row.image for row in rows if row.image})


def _shown(row: AuditRow, value: str) -> str:
    """An old or new value; where a file or a patient is named, in privacy mode, nothing of it."""
    named = row.field in PLACES or row.field.startswith("identity.")
    return privacy.HIDDEN if value and privacy.on() and named else value


def named(field: str) -> str:
    """A field of the trail in words: ``lesions.1.echo_pattern`` is "lesion 1: echo pattern"."""
    *within, name = field.split(".")
    word = said(name.replace("_", " "))
    if len(within) == 2 and within[0] == "lesions":
        return tr("lesion {n}: {what}", n=within[1], what=word)
    return ": ".join((*(said(part) for part in within), word))


def short(value: str) -> str:
    """An old or new value without the digest that only identifies it."""
    head, found, _digest = value.partition(", sha256 ")
    return head if found else _plain(value)


def _plain(value: str) -> str:
    """A value that was kept as JSON, without its marks: text as it is, a list's parts, translated, one after the other."""
    if value[:1] not in ('"', "["):
        return value
    try:
        kept = json.loads(value)
    except ValueError:
        return value
    return _listed([said(str(each)) for each in kept]) if isinstance(kept, list) else str(kept)


def _listed(texts: Sequence[str]) -> str:
    """Texts one after the other: sentences by a space, others by a semicolon."""
    return (" " if all(text.endswith(".") for text in texts) else "; ").join(texts)
