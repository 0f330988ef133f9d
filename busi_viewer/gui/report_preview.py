"""The report's pages as they will be, in a window of its own that follows the image in view; and the letterhead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, QThreadPool, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QImage, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from busi_viewer.core.document import Document
from busi_viewer.core.findings import Identity
from busi_viewer.core.image import ImageRecord
from busi_viewer.core.ports import Services
from busi_viewer.core.reporting import FULL, SHORT
from busi_viewer.gui import privacy
from busi_viewer.gui.controls import Combo, KeyButton, label, spaced
from busi_viewer.gui.exporting import Exporter, snapshot
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.opener import drain, start_job
from busi_viewer.gui.problem import problem_from
from busi_viewer.gui.session import Session
from busi_viewer.gui.stylesheet import set_role
from busi_viewer.settings import Settings

TEMPLATES = {"Full report": FULL, "Short, one page": SHORT}
AFTER_MS = 400
"""How long nothing must change before the pages are drawn anew."""
WIDEST = 1000
PAGE_INCHES = 210 / 25.4


class ReportPreview(QWidget):
    """``export_asked``; ``changed``: the letterhead or the template is another and is to be remembered.

    Letterhead and template are read from the settings when a report is written, so they count for every export.
    """

    export_asked = Signal()
    changed = Signal()
    _drawn = Signal(int, object)
    _not_drawn = Signal(int, object)

    def __init__(self, services: Services, exporter: Exporter, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("reportPreview")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(tr("Report preview"))
        self._services, self._exporter = services, exporter
        self._session: Session | None = None
        self._turn = 0
        self._pictures: list[NDArray[np.uint8]] = []
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._drawn.connect(self._on_drawn)
        self._not_drawn.connect(self._on_not_drawn)
        self._later = QTimer(self, singleShot=True, interval=AFTER_MS)
        self._later.timeout.connect(self.draw_pages)
        self._make_head()
        self._make_letterhead()
        self._sheets = QVBoxLayout()
        self._sheets.setSpacing(14)
        self._state = label("", "quiet", wrap=True)
        inner = QWidget()
        inner.setObjectName("reportGround")
        column = QVBoxLayout(inner)
        column.addWidget(self._state)
        column.addLayout(self._sheets)
        column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName(tr("Pages of the report"))
        self._scroll.setWidget(inner)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for part in (self._head, self._letterhead):
            whole.addWidget(part)
        whole.addWidget(self._scroll, 1)
        self.resize(820, 980)

    def _make_head(self) -> None:
        self.template = Combo(tr("Template"))
        for words, template in TEMPLATES.items():
            self.template.addItem(tr(words), template)
        self.template.setToolTip(tr("A full report says everything, a short one fits a page; for every export"))
        self.template.currentIndexChanged.connect(self._on_template)
        self.export = KeyButton(tr("Export PDF…"), "file-text", role="primary")
        self.export.setToolTip(tr("Write the report of the image in view"))
        self.export.clicked.connect(self.export_asked)
        self.letter = KeyButton(tr("Letterhead"), "pencil", role="outlined")
        self.letter.setToolTip(tr("Name, address and logo at the head of every report"))
        self.letter.setCheckable(True)
        self.letter.toggled.connect(lambda on: self._letterhead.setVisible(on))
        self._count = label("", "quiet")
        self._head = QWidget()
        self._head.setLayout(
            spaced(self.template, self.letter, self._count, 0, self.export, margins=(14, 10, 14, 10), spacing=10)
        )

    def _make_letterhead(self) -> None:
        self.facility, self.address, self.logo = QLineEdit(), QLineEdit(), QLineEdit()
        self._fault = label("", "caption", wrap=True)
        self.choose, self.remove = KeyButton(tr("Choose…"), "folder-open"), KeyButton(tr("Remove"), "x")
        self.choose.clicked.connect(self._choose_logo)
        self.remove.clicked.connect(lambda: self._set_logo(""))
        self._letterhead = QFrame()
        set_role(self._letterhead, "infoBox")
        grid = QGridLayout(self._letterhead)
        grid.setContentsMargins(14, 10, 14, 10)
        for row, (field, title, tip) in enumerate(
            (
                (self.facility, tr("Facility"), tr("The facility's name, at the head of every report")),
                (self.address, tr("Address"), tr("Department and address, below the name")),
                (self.logo, tr("Logo"), tr("A PNG or JPEG file")),
            )
        ):
            field.setAccessibleName(title)
            field.setToolTip(tip)
            field.setMaxLength(1000 if field is self.logo else 200)
            field.editingFinished.connect(self._on_letterhead)
            grid.addWidget(label(title), row, 0)
            grid.addWidget(field, row, 1)
        grid.addLayout(spaced(self.choose, self.remove), 2, 2)
        grid.addWidget(self._fault, 3, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self._letterhead.hide()
        self._fault.hide()

    # settings

    def restore(self, chosen: Settings) -> None:
        """Take letterhead and template from the settings."""
        for field, value in (
            (self.facility, chosen.facility),
            (self.address, chosen.address),
            (self.logo, chosen.logo),
        ):
            field.setText(value)
        self._known = self._words()
        self.template.blockSignals(True)
        self.template.setCurrentIndex(self.template.findData(chosen.template))
        self.template.blockSignals(False)
        self._exporter.template = chosen.template

    def remembered(self, chosen: Settings) -> Settings:
        """The settings with them."""
        facility, address, logo = self._words()
        return replace(chosen, facility=facility, address=address, logo=logo, template=self._exporter.template)

    def _words(self) -> tuple[str, str, str]:
        return self.facility.text().strip(), self.address.text().strip(), self.logo.text().strip()

    def _on_template(self, _index: int) -> None:
        self._exporter.template = self.template.currentData()
        self.changed.emit()
        self.draw_pages()

    def _choose_logo(self) -> None:
        kinds = tr("Pictures (*.png *.jpg *.jpeg)")
        name, _ = QFileDialog.getOpenFileName(self, tr("Choose a logo"), self.logo.text(), kinds)
        if name:
            self._set_logo(name)

    def _set_logo(self, name: str) -> None:
        self.logo.setText(name)
        self._on_letterhead()

    def _on_letterhead(self) -> None:
        if self._words() == self._known:
            return
        self._known = self._words()
        logo = self._known[2]
        fault = self._services.report_writer().logo_fault(Path(logo)) if logo else ""
        self._fault.setText(tr("The logo is left out: {fault}.", fault=said(fault)) if fault else "")
        self._fault.setVisible(bool(fault))
        self.changed.emit()
        self.draw_pages()

    # pages

    @Slot(object)
    def follow(self, session: Session | None) -> None:
        """Show the report of another image."""
        if self._session is not None:
            self._session.changed.disconnect(self._later.start)
        self._session = session
        if session is not None:
            session.changed.connect(self._later.start)
        self._later.start()

    @Slot()
    def open(self) -> None:
        """Bring the window to the front and draw."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.draw_pages()

    @Slot()
    def draw_pages(self) -> None:
        """Draw the pages anew, on the pool; nothing while the window is hidden."""
        self._later.stop()
        if not self.isVisible():
            return
        self._turn += 1
        self.export.setEnabled(self._session is not None)
        if self._session is None:
            self._pictures = []
            self._show_pages()
            self._state.setText(tr("Open an image to see its report."))
            self._state.show()
            return
        turn, copy = self._turn, discreet(snapshot(self._session.document))
        record, template = self._session.document.record, self._exporter.template
        dpi = self._across() * self.devicePixelRatioF() / PAGE_INCHES

        def work() -> object:
            writer = self._services.report_writer()
            return writer.pages(writer.pdf(copy, self._exporter.trail(record), template), dpi)

        self._pool.clear()
        start_job(
            self._pool,
            work,
            lambda pictures: self._drawn.emit(turn, pictures),
            lambda error: self._not_drawn.emit(turn, problem_from(error, "drawing the report", record.path)),
        )

    def _across(self) -> int:
        """Width of a page on screen, in points of the screen."""
        return max(min(self._scroll.viewport().width() - 40, WIDEST), 240)

    @Slot(int, object)
    def _on_drawn(self, turn: int, pictures: list[NDArray[np.uint8]]) -> None:
        if turn == self._turn:
            self._pictures = pictures
            self._state.hide()
            self._show_pages()

    @Slot(int, object)
    def _on_not_drawn(self, turn: int, problem: object) -> None:
        if turn == self._turn:
            self._pictures = []
            self._show_pages()
            why = said(getattr(problem, "what", ""))
            self._state.setText(privacy.words(tr("The report cannot be shown: {why}.", why=why)))
            self._state.show()

    def _show_pages(self) -> None:
        while (item := self._sheets.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for number, pixels in enumerate(self._pictures, 1):
            height, width = pixels.shape[:2]
            image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            pixmap = QPixmap.fromImage(image)
            pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            sheet = QLabel()
            sheet.setPixmap(pixmap)
            sheet.setAccessibleName(tr("Page {number} of {n}", number=number, n=len(self._pictures)))
            sheet.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._sheets.addWidget(sheet)
        count = len(self._pictures)
        self._count.setText(plural("1 page", "{n} pages", count) if count else "")

    # events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw the pages in the new width once it rests."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._later.start()

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew on another screen."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._later.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes the window, as it does the help."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Forget what was shown."""
        self._turn += 1
        self._pictures = []
        super().closeEvent(event)

    def finish(self) -> None:
        """End the thread; nothing is drawn any more."""
        self._turn += 1
        self._later.stop()
        self.blockSignals(True)
        drain(self._pool)
        self.close()


def discreet(document: Document) -> Document:
    """The document itself; in privacy mode without what names the patient or the file."""
    if not privacy.on():
        return document
    record: ImageRecord = document.record
    document.record = replace(record, facts={}, path=Path(privacy.name(record.path)))
    document.findings = replace(document.findings, identity=Identity())
    return document
