"""The audit log: who did what when, on which image, from what to what, and why; whether the record is intact; as CSV."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QLineEdit, QTableView, QVBoxLayout, QWidget

from busi_viewer.gui import privacy
from busi_viewer.gui.audit_model import COLUMNS, AuditModel
from busi_viewer.gui.controls import Combo, IconLabel, KeyButton, label, spaced
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.notices import sentence
from busi_viewer.gui.problem import Problem, problem_from

if TYPE_CHECKING:
    from busi_viewer.core.casebook import AuditCheck, AuditQuery
    from busi_viewer.core.ports import CaseStore

ACTIONS = {
    "Everything": "",
    "Outlines": "outline",
    "Undone": "undo",
    "Redone": "redo",
    "Analyses": "analysis",
    "Findings": "findings",
    "Callipers": "callipers",
    "Signed reports": "report signed",
    "Images added": "image added",
    "Images moved": "image moved",
    "Images identified": "image identified",
    "Cases exported": "case exported",
    "Cases imported": "case imported",
    "Recovered sessions": "session recovered",
}
"""What can be chosen, and the trail's word for it."""
ABOUT = "Each row carries a hash over itself and the row before it. Verify recomputes them all."
DAYS = {"Any time": 0, "Last day": 1, "Last 7 days": 7, "Last 30 days": 30}
ROW = 27
TYPING_MS = 250
WIDTHS = {"Time": 172, "Who": 110, "What": 150, "Image": 170, "Field": 160, "Old": 150, "New": 430}


class AuditPage(QWidget):
    """``problem(Problem)`` and ``said(title, text)`` are for the notice bar. All reading is done on the keeping's pool."""

    problem = Signal(object)
    said = Signal(str, str)
    _checked = Signal(object)
    _exported = Signal(object, object)
    _broken = Signal(object)

    def __init__(self, keeping: Keeping) -> None:
        super().__init__()
        self.setObjectName("auditPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._keeping = keeping
        self.model = AuditModel(keeping, self)
        self.search, self.action, self.period = QLineEdit(), Combo(tr("Show")), Combo(tr("Period"))
        self.search.setPlaceholderText(tr("Search name, file, value"))
        self.search.setAccessibleName(tr("Search the audit log"))
        self.search.setToolTip(tr("Show the rows that hold these words"))
        self.action.setToolTip(tr("Show one kind of deed only"))
        self.period.setToolTip(tr("Show rows of this time only"))
        for combo, words in ((self.action, ACTIONS), (self.period, DAYS)):
            for each in words:
                combo.addItem(tr(each), each)
        self.verify, self.export = KeyButton(tr("Verify"), "circle-check"), KeyButton(tr("Export CSV…"), "file-text")
        self.table = self._make_table()
        self._count = label("", "quiet")
        self._outcome_icon, self.outcome = IconLabel("info", "text2", 16), label("", "dim", wrap=True)
        self._lay_out()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self.refresh)
        self.search.textChanged.connect(lambda _text: self._typing.start())
        self.action.currentIndexChanged.connect(lambda _index: self.refresh())
        self.period.currentIndexChanged.connect(lambda _index: self.refresh())
        self.verify.clicked.connect(self._verify)
        self.export.clicked.connect(self._export)
        self.model.arrived.connect(self._show_count)
        self.model.failed.connect(self._on_failed)
        self._checked.connect(self._on_checked)
        self._exported.connect(self._on_exported)
        self._broken.connect(self._on_broken)
        self._say("info", "text2", tr(ABOUT))

    @Slot(bool)
    def set_blind(self, blind: bool) -> None:
        """While images are read blind, the page tells no estimate."""
        self.model.blind = blind
        self.export.setEnabled(not blind)
        self.table.viewport().update()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setAccessibleName(tr("Audit log"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(ROW)
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setHighlightSections(False)
        for name, width in WIDTHS.items():
            table.setColumnWidth(COLUMNS.index(name), width)
        return table

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        self.search.setFixedWidth(280)
        filters = (self.search, self.action, self.period)
        column.addLayout(spaced(label(tr("Audit log"), "title"), self._count, 8, *filters, 0, self.verify, self.export))
        outcome = spaced(self._outcome_icon, spacing=8)
        outcome.addWidget(self.outcome, 1)
        column.addLayout(outcome)
        column.addWidget(self.table, 1)

    # what the window asks

    @Slot()
    def refresh(self) -> None:
        """Read the newest rows that fit."""
        self.model.ask(self.query())

    def query(self) -> AuditQuery:
        """What is chosen."""
        from busi_viewer.core.casebook import AuditQuery

        days = DAYS[self.period.currentData()]
        since = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%S}" if days else ""
        return AuditQuery(action=ACTIONS[self.action.currentData()], text=self.search.text().strip(), since=since)

    # inside

    def _say(self, icon: str, tint: str, words: str) -> None:
        self._outcome_icon.set_icon(icon, tint)
        self.outcome.setText(words)

    @Slot()
    def _show_count(self) -> None:
        count = self.model.rowCount()
        more = "" if self.model.complete else "+"
        words = plural("{n:,}{more} row", "{n:,}{more} rows", count, more=more)
        self._count.setText(words if count else tr("No rows fit"))

    @Slot(object)
    def _on_failed(self, problem: Problem) -> None:
        self._count.setText("")
        self._say("triangle-alert", "warn", f"{sentence(said(problem.what))}. {said(problem.remedy)}")

    @Slot()
    def _verify(self) -> None:
        self.verify.setEnabled(False)
        self._say("loader-circle", "text2", tr("Verifying every row…"))
        self._keeping.run(
            lambda store: store.audit.verify(),
            self._checked.emit,
            lambda error: self._broken.emit(problem_from(error, "verifying the audit log")),
        )

    @Slot(object)
    def _on_checked(self, check: AuditCheck) -> None:
        self.verify.setEnabled(True)
        if check.intact:
            when = f"{datetime.now():%H:%M:%S}"
            words = [
                tr("Intact: {rows:,} rows are as they were written (verified {when}).", rows=check.rows, when=when),
                *([tr("Last hash {head}…", head=check.head[:16])] if check.head else []),
            ]
            self._say("circle-check", "accent", " ".join(words))
            self.outcome.setToolTip(
                tr("Hash of the last row: {head}\nNoted elsewhere, it finds even a forged chain.", head=check.head)
            )
        else:
            self._say("circle-x", "error", " ".join((tr("Not intact."), *map(said, check.problems))))

    @Slot()
    def _export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, tr("Export audit log"), "audit.csv", "CSV (*.csv)")
        if not name:
            return
        target = Path(name) if name.lower().endswith(".csv") else Path(name + ".csv")
        self.export.setEnabled(False)
        self._keeping.run(
            partial(_write, target, self.query()),
            partial(self._exported.emit, target),
            lambda error: self._broken.emit(problem_from(error, "exporting the audit log", target)),
        )

    @Slot(object, object)
    def _on_exported(self, target: Path, rows: int) -> None:
        self.export.setEnabled(True)
        self.said.emit(
            tr("Saved {name}", name=privacy.name(target)),
            plural("{n:,} row in {place}", "{n:,} rows in {place}", rows, place=privacy.place(target.parent)),
        )

    @Slot(object)
    def _on_broken(self, problem: Problem) -> None:
        self.verify.setEnabled(True)
        self.export.setEnabled(True)
        self._say("info", "text2", tr(ABOUT))
        self.problem.emit(problem)


def _write(target: Path, query: AuditQuery, store: CaseStore) -> int:
    """Write the rows that fit; how many. On a pool thread."""
    from busi_viewer.workflow.casework import export_audit

    return export_audit(store, target, query)
