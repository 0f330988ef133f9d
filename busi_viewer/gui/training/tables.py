"""A plain table of words: the first column left, the others right; as high as its rows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

ROW, HEAD = 27, 28


class Table(QTableWidget):
    """Rows to read; a click chooses nothing."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setFixedHeight(HEAD)

    def show_rows(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[tuple[int, int]] = ()
    ) -> None:
        """Show words; the cells ``marked`` (row, column) are emphasised."""
        self.setColumnCount(len(head))
        self.setRowCount(len(rows))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for column, words in enumerate(head):
            item = QTableWidgetItem(words)
            item.setTextAlignment(left if column == 0 else right)
            self.setHorizontalHeaderItem(column, item)
        for row, cells in enumerate(rows):
            for column, words in enumerate(cells):
                item = QTableWidgetItem(words)
                item.setTextAlignment(left if column == 0 else right)
                font = item.font()
                font.setBold((row, column) in marked)
                item.setFont(font)
                item.setToolTip(words)
                self.setItem(row, column, item)
        header = self.horizontalHeader()
        for column in range(len(head)):
            mode = QHeaderView.ResizeMode.Stretch if column == 0 else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)
        self.setFixedHeight(HEAD + ROW * len(rows) + 2)

    @property
    def whole_width(self) -> int:
        """The width (px) in which no cell is cut."""
        header = self.horizontalHeader()
        columns = range(self.columnCount())
        return sum(max(header.sectionSizeHint(n), self.sizeHintForColumn(n)) for n in columns) + 2 * self.frameWidth()
