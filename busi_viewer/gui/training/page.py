"""The Training page: runs and steps at the left, the step in view in the middle, machine, test and promotion beside a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from busi_viewer.core.ports import Services
from busi_viewer.gui.controls import rule
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.lane import Lane

if TYPE_CHECKING:
    from busi_viewer.gui.training.book import Book

LOOK_MS = 1000


class TrainingPage(QWidget):
    """``problem(Problem)`` and ``said(title, text)`` are for the notice bar. Once another model is active, the lane takes it.

    What it holds is made when it first comes to the front, so that the window does not wait for it.
    """

    problem = Signal(object)
    said = Signal(str, str)

    def __init__(self, services: Services, keeping: Keeping, lane: Lane) -> None:
        super().__init__()
        self.setObjectName("trainingPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._services, self._keeping, self._lane = services, keeping, lane
        self.book: Book | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    @Slot()
    def refresh(self) -> None:
        """The page comes to the front."""
        if self.book is None:
            from busi_viewer.gui.training.book import Book

            self.book = Book(self._services, self._keeping, self)
            self._lay_out(self.book)
        self._look()

    def _lay_out(self, book: Book) -> None:
        self.middle = QStackedWidget()
        for part in book.pages:
            self.middle.addWidget(part)
        book.page_shown.connect(self.middle.setCurrentWidget)
        book.problem.connect(self.problem)
        book.said.connect(self.said)
        book.model_changed.connect(self._lane.renew)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        line = rule(vertical=True)
        for part, share in ((book.runs_list, 0), (rule(vertical=True), 0), (self.middle, 1), (line, 0), (book.side, 0)):
            row.addWidget(part, share)
        self._share_room()
        book.begin()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window what stands beside a run leaves it more room."""
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        if self.book is not None:
            self.book.side.fit_to(self.width())

    @Slot()
    def _look(self) -> None:
        if self.book is not None:
            self.book.look()

    def showEvent(self, event: QShowEvent) -> None:
        """Look at the runs while the page is in front."""
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Rest while it is not."""
        super().hideEvent(event)
        self._timer.stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop and wait; trainings go on."""
        self._timer.stop()
        if self.book is not None:
            self.book.close()
        super().closeEvent(event)
