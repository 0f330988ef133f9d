"""Where the window stands, how wide its parts are and which sections are folded: kept, and reset on request."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.result_parts import Section
from busi_viewer.gui.review_page import CANVAS_WIDTH, RESULT_WIDTH, ReviewPage
from busi_viewer.gui.worklist import WIDTH
from busi_viewer.settings import Settings

SIZE = QSize(1600, 1000)
"""Of a window that is not maximised; the first window fills a screen of 1920 × 1080 or less."""
FRAME = QSize(16, 48)
"""Room for the window's frame."""


class WindowLayout(QObject):
    """Restores the layout, tells the settings of it, and resets it for the command."""

    def __init__(self, window: QMainWindow, actions: Actions, review: ReviewPage) -> None:
        super().__init__(window)
        self._window, self._actions, self._review = window, actions, review
        self._sections = {
            section.title: (section, section.is_open)
            for section in review.result.findChildren(Section)
            if section.title
        }
        actions["reset_layout"].triggered.connect(self.reset)

    def restore(self, chosen: Settings) -> None:
        """Stand as the window stood when it was last closed, if that is on a screen that is there."""
        first = len(chosen.window_size) != 2
        self._resize(SIZE if first else QSize(*chosen.window_size))
        if chosen.geometry:
            self._window.restoreGeometry(QByteArray.fromBase64(chosen.geometry.encode("ascii", "ignore")))
        self._review.set_widths(chosen.splitter)
        for title, (section, own) in self._sections.items():
            section.set_open(own != (title in chosen.folded))
        room = self._room()
        if chosen.maximized or (first and (room.width() <= 1920 or room.height() <= 1080)):
            self._window.setWindowState(Qt.WindowState.WindowMaximized)

    def remembered(self, chosen: Settings) -> Settings:
        """The settings with the layout; ``folded`` names the sections that are otherwise than by default."""
        window = self._window
        return replace(
            chosen,
            splitter=self._review.widths,
            window_size=(window.width(), window.height()),
            maximized=window.isMaximized(),
            geometry=bytes(window.saveGeometry().toBase64().data()).decode("ascii"),
            folded=tuple(title for title, (section, own) in self._sections.items() if section.is_open != own),
        )

    @Slot()
    def reset(self) -> None:
        """Size, widths, panels and sections as they are by default."""
        self._window.setWindowState(Qt.WindowState.WindowNoState)
        self._resize(SIZE)
        self._review.set_widths((WIDTH, CANVAS_WIDTH, RESULT_WIDTH))
        for section, own in self._sections.values():
            section.set_open(own)
        self._actions["layout_one"].trigger()

    def _resize(self, size: QSize) -> None:
        self._window.resize(size.boundedTo(self._room() - FRAME))

    def _room(self) -> QSize:
        return (self._window.screen() or QGuiApplication.primaryScreen()).availableSize()
