"""Reports beyond the one in view: the preview's window, and reports of many images with progress and cancel."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from busi_viewer.core.image import ImageRecord
from busi_viewer.core.ports import Services
from busi_viewer.gui import privacy
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.exporting import Exporter, snapshot
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.notices import Notices
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.report_preview import ReportPreview
from busi_viewer.gui.work_bar import WorkBar
from busi_viewer.gui.worklist import Worklist

if TYPE_CHECKING:
    from busi_viewer.core.casebook import Kept
    from busi_viewer.workflow.report_batch import Outcome

MOST_NAMED = 20
"""Failures named in the details of a notice."""


class Printing(QObject):
    """``preview`` is the window with the pages, ``bar`` goes above the pages of the main window."""

    _told = Signal(int, int)
    _ended = Signal(object)
    _broke = Signal(object)

    def __init__(
        self,
        exporter: Exporter,
        services: Services,
        actions: Actions,
        reading: Reading,
        keeping: Keeping,
        worklist: Worklist,
        notices: Notices,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._services, self._reading, self._keeping = services, reading, keeping
        self._exporter, self._worklist, self._notices = exporter, worklist, notices
        self._window, self._action = parent, actions["reports_many"]
        exporter.trail = keeping.trail
        self.preview, self.bar = (
            ReportPreview(services, exporter, parent),
            WorkBar(tr("Reports written"), tr("Write no further reports; those written stay")),
        )
        self.preview.export_asked.connect(actions["report"].trigger)
        reading.session_changed.connect(self.preview.follow)
        keeping.reports.connect(self._on_signed)
        actions["preview"].triggered.connect(self.preview.open)
        self._action.triggered.connect(self.ask)
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._stop = threading.Event()
        self._folder = ""
        self.bar.cancel.clicked.connect(self._stop.set)
        self._told.connect(self._on_told)
        self._ended.connect(self._on_ended)
        self._broke.connect(self._on_broke)

    @Slot(object, object)
    def _on_signed(self, path: Path, _reports: object) -> None:
        if path == self._reading.path:
            self.preview.draw_pages()

    # many images

    @Slot()
    def ask(self) -> None:
        """Ask where to, and write the reports of the selected images (of all listed if not more than one is selected)."""
        if self.bar.isVisible():
            return
        selected = self._worklist.selected()
        paths = selected if len(selected) > 1 else self._worklist.shown.shown_paths()
        if not paths:
            return
        title = plural("Export the report of 1 image into", "Export the reports of {n} images into", len(paths))
        folder = self._folder or str(paths[0].parent)
        name = QFileDialog.getExistingDirectory(self._window, title, folder)
        if name:
            self._folder = name
            self.start(paths, Path(name))

    def start(self, paths: list[Path], folder: Path) -> None:
        """Write the reports of these images into a folder."""
        self._stop.clear()
        opened = {path: snapshot(session.document) for path, session in self._reading.desk.open.items()}
        from busi_viewer.workflow.report_batch import Order, write_reports

        order = Order(paths, folder, self._exporter.template, {p: opened[p] for p in paths if p in opened})
        self._on_told(0, len(paths))
        self.bar.show()
        self._action.setEnabled(False)

        def work() -> object:
            return write_reports(
                order,
                self._services,
                self._look,
                self._keeping.trail,
                self._told.emit,
                self._stop,
            )

        start_job(self._pool, work, self._ended.emit, self._broke.emit)

    def _look(self, record: ImageRecord) -> Kept | None:
        """What is kept of an image; read blind, nothing of the machine's before the reader's reading is locked."""
        kept = self._keeping.recall(record, look=True)
        hidden = kept is not None and self._reading.desk.blind and kept.reading is None
        return replace(kept, result=None) if kept is not None and hidden else kept

    @Slot(int, int)
    def _on_told(self, done: int, total: int) -> None:
        self.bar.show_state(tr("Reports: {done} of {total}", done=done, total=total), done / total)

    def _rest(self) -> None:
        self.bar.hide()
        self._action.setEnabled(True)

    @Slot(object)
    def _on_ended(self, outcome: Outcome) -> None:
        self._rest()
        for path, target in outcome.written.items():
            image = self._reading.desk.target(path)
            if image is not None:
                self._keeping.note("report exported", image, "file", "", target.name)
        count = len(outcome.written)
        text = plural("1 report written", "{n} reports written", count)
        text = tr("{written}, then stopped", written=text) if outcome.stopped else text
        left = len(outcome.empty)
        aside = tr("{n} left out: neither analysed nor described.", n=left) if left else ""
        if outcome.failed:
            named = [f"{privacy.name(Path(f.path))}: {said(f.reason)}" for f in outcome.failed[:MOST_NAMED]]
            self._notices.show_warning(
                tr("{analysed}, {n} failed.", analysed=text, n=len(outcome.failed)), aside, details="\n".join(named)
            )
        else:
            self._notices.show_info(f"{text}.", aside)

    @Slot(object)
    def _on_broke(self, error: BaseException) -> None:
        self._rest()
        self._notices.show_problem(problem_from(error, "exporting reports"))

    def close(self) -> None:
        """Stop after the report in hand, and end the threads."""
        self._stop.set()
        self.blockSignals(True)
        drain(self._pool)
        self.preview.finish()
