"""A row above the pages while files are written in the background: what, how far, and Cancel."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QProgressBar

from busi_viewer.gui.controls import KeyButton, label, spaced
from busi_viewer.gui.language import tr
from busi_viewer.gui.stylesheet import set_role

STEPS = 1000


class WorkBar(QFrame):
    """Hidden when nothing is written. ``name`` is what the bar is called for a screen reader, ``tip`` what Cancel does."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        set_role(self, "noticeInfo")
        self._words = label("", "strong")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(name)
        self._bar.setRange(0, STEPS)
        self.cancel = KeyButton(tr("Cancel"), "x")
        self.cancel.setToolTip(tip)
        row = spaced(self._words, self._bar, self.cancel, margins=(14, 6, 10, 6), spacing=10)
        row.setStretch(1, 1)
        self.setLayout(row)
        self.hide()

    def show_state(self, words: str, share: float) -> None:
        """What is done now, and how much of all is (0 to 1)."""
        self._words.setText(words)
        self._bar.setValue(round(STEPS * share))
