"""The pages of the window: the review (or, before anything is open, the welcome) and the audit log beside it."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QWidget

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.audit_page import AuditPage


class Pages(QStackedWidget):
    """``away_changed(bool)``: whether another page than the review is in front, so that its commands rest."""

    away_changed = Signal(bool)

    def __init__(self, actions: Actions, welcome: QWidget, review: QWidget, audit: AuditPage) -> None:
        super().__init__()
        self._actions, self._front, self._audit = actions, welcome, audit
        for page in (welcome, review, audit):
            self.addWidget(page)
        actions["review_page"].setChecked(True)
        actions["review_page"].triggered.connect(self._show_front)
        actions["audit_page"].triggered.connect(self._show_audit)

    def show_front(self, page: QWidget) -> None:
        """Bring the welcome or the review page to the front."""
        self._front = page
        self._actions["review_page"].setChecked(True)
        self._show_front()

    @Slot()
    def _show_front(self) -> None:
        self.setCurrentWidget(self._front)
        self.away_changed.emit(False)

    @Slot()
    def _show_audit(self) -> None:
        self.setCurrentWidget(self._audit)
        self.away_changed.emit(True)
        self._audit.refresh()
