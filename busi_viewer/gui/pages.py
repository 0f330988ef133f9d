"""The pages of the window: the review (or, before anything is open, the welcome) and those beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget
from shiboken6 import isValid

from busi_viewer.core.ports import Services
from busi_viewer.gui.actions import PAGES, Actions
from busi_viewer.gui.audit_page import AuditPage
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.lane import Lane
from busi_viewer.gui.models_page import ModelsPage
from busi_viewer.gui.network_page import NetworkPage
from busi_viewer.gui.notices import Notices
from busi_viewer.gui.review_page import ReviewPage
from busi_viewer.gui.training.page import TrainingPage

Beside = TrainingPage | ModelsPage | AuditPage | NetworkPage


class Pages(QStackedWidget):
    """``away_changed(bool)``: whether another page than the review is in front, so that its commands rest.

    ``beside``: the other pages, in the order of their actions. What they say goes to the notices. Where a part that has the
    keyboard is hidden, the image gets it (or the page in front), not whatever Qt finds next in the order of Tab.
    """

    away_changed = Signal(bool)

    def __init__(
        self, actions: Actions, welcome: QWidget, review: ReviewPage, beside: Sequence[Beside], notices: Notices
    ) -> None:
        super().__init__()
        self._actions, self._front, self._canvas = actions, welcome, review.canvas
        for page in (welcome, review, *beside):
            self.addWidget(page)
        actions["review_page"].setChecked(True)
        actions["review_page"].triggered.connect(self._show_front)
        for name, page in zip(PAGES[1:], beside, strict=True):
            actions[name].triggered.connect(partial(self._show_beside, page))
            page.problem.connect(notices.show_problem)
            page.said.connect(notices.show_info)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)

    def show_front(self, page: QWidget) -> None:
        """Bring the welcome or the review page to the front."""
        self._front = page
        self._actions["review_page"].setChecked(True)
        self._show_front()

    @Slot()
    def _show_front(self) -> None:
        self.setCurrentWidget(self._front)
        self._take_focus()
        self.away_changed.emit(False)

    def _show_beside(self, page: Beside, _checked: bool = False) -> None:
        self.setCurrentWidget(page)
        self._take_focus()
        self.away_changed.emit(True)
        page.refresh()

    def _take_focus(self) -> None:
        """Give the keyboard to the image, or to the page in front where there is none; Tab goes on from there."""
        place: QWidget | None = self._canvas if self._canvas.isVisible() else self.currentWidget()
        if place is not None:
            place.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(QWidget, QWidget)
    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is None or new is None or new is self._canvas or not isValid(old) or old.isVisible():
            return
        if QWidget.window(old) is QWidget.window(new) is self.window():  # the canvas means something else by its window
            self._take_focus()


def model_pages(services: Services, keeping: Keeping, lane: Lane) -> tuple[TrainingPage, ModelsPage]:
    """The pages on which models are made and chosen; the lane takes the one that becomes active."""
    return TrainingPage(services, keeping, lane), ModelsPage(services, keeping, lane)
