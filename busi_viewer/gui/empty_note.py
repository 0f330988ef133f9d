"""What an empty list or table says in place of rows: a sign, words, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractScrollArea, QHBoxLayout, QVBoxLayout, QWidget

from busi_viewer.gui.controls import IconLabel, KeyButton, label

WIDEST = 360


class EmptyNote(QWidget):
    """Lies over ``area`` while :meth:`say` gave it words. ``deed`` is a button to show below them, or None."""

    def __init__(self, area: QAbstractScrollArea, icon: str, deed: KeyButton | None = None) -> None:
        super().__init__(area)
        self._area = area
        self._title, self._text = label("", "strong", wrap=True), label("", "quiet", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(6)
        column.addStretch(2)
        column.addWidget(IconLabel(icon, "text3", 28), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(4)
        for words in (self._title, self._text):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            words.setMaximumWidth(WIDEST)
            row = QHBoxLayout()  # a wrapped label asks for its height only where it fills its row
            row.addWidget(words)
            column.addLayout(row)
        if deed is not None:
            column.addSpacing(8)
            column.addWidget(deed, 0, Qt.AlignmentFlag.AlignHCenter)
        else:
            self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        column.addStretch(3)
        area.installEventFilter(self)
        self.hide()

    def say(self, title: str, text: str = "", below: int = 0) -> None:
        """Show words ``below`` so many px of rows; an empty ``title`` hides the note."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._below = below
        self._place()
        self.setVisible(bool(title))
        self.raise_()

    @property
    def words(self) -> str:
        """What is said now; nothing while it is hidden."""
        return "" if self.isHidden() else "\n".join(part for part in (self._title.text(), self._text.text()) if part)

    _below = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the list's size."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.setGeometry(self._area.viewport().geometry().adjusted(0, self._below, 0, 0))
