"""The send queue as a table: what goes to whom, and what is the matter with it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from busi_viewer.gui import privacy, theme
from busi_viewer.gui.language import said, tr
from busi_viewer.workflow.send_queue import Job

COLUMNS = ("State", "Object", "To", "Tries", "What happened")
WIDTHS = (120, 180, 200, 74)
ROW = 27


class SendTable(QTableWidget):
    """One row a job; the rows chosen stay chosen when the queue is shown again."""

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setAccessibleName(tr("Send queue"))
        self.setHorizontalHeaderLabels([tr(name) for name in COLUMNS])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(WIDTHS):
            self.setColumnWidth(column, width)
        self._jobs: list[Job] = []

    def all(self) -> list[str]:
        """The numbers of all jobs."""
        return [job.number for job in self._jobs]

    def chosen(self) -> list[str]:
        """The numbers of the jobs in the rows chosen."""
        rows = sorted({index.row() for index in self.selectedIndexes()})
        return [self._jobs[row].number for row in rows if row < len(self._jobs)]

    def show_jobs(self, jobs: Sequence[Job]) -> None:
        """Show the queue as it is now."""
        chosen = set(self.chosen())
        self._jobs = list(jobs)
        self.blockSignals(True)
        self.clearSelection()
        self.setRowCount(len(jobs))
        for row, job in enumerate(jobs):
            name = privacy.HIDDEN if privacy.on() else job.name
            words = (_state(job), name, job.peer, str(job.tries), said(job.problem))
            for column, text in enumerate(words):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column == 0 and job.failed:
                    item.setForeground(theme.colour(theme.tokens().error))
                self.setItem(row, column, item)
                item.setSelected(job.number in chosen)
        self.blockSignals(False)


def _state(job: Job) -> str:
    if job.failed:
        return tr("Refused")
    wait = round(job.due - time.time())
    if job.tries and wait > 0:
        return tr("Again in {wait} s", wait=wait) if wait < 120 else tr("Again in {wait} min", wait=wait // 60)
    return tr("Sending")
