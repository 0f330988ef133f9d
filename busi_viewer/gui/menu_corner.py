"""The corner of the menu bar: when work was kept last, and the way to every command."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QMenuBar, QWidget

from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import IconLabel, KeyButton, label, spaced
from busi_viewer.gui.keeping import Keeping
from busi_viewer.gui.language import tr

HEIGHT = 22
GATHER_MS = 200
"""Strokes follow one another: the hint follows them together."""


class MenuCorner(QWidget):
    """Says "Saved 10:42" once something was kept, and warns while nothing can be; a button shows the palette."""

    def __init__(self, bar: QMenuBar, actions: Actions, keeping: Keeping) -> None:
        super().__init__(bar)
        self._icon, self.hint = IconLabel("circle-check", "text3"), label("", "quiet")
        self.search = KeyButton(tr("Search commands"), "search", "Ctrl K", "find")
        self.search.setFixedHeight(HEIGHT)
        self.search.bind(actions["palette"])
        self.setLayout(spaced(self._icon, self.hint, 8, self.search, margins=(0, 3, 10, 3), spacing=6))
        self._gather = QTimer(self, singleShot=True, interval=GATHER_MS)
        self._gather.timeout.connect(self._show_saved)
        keeping.kept.connect(self._on_kept)
        keeping.ready.connect(self._on_ready)
        keeping.refused.connect(self._on_trouble)
        keeping.failing.connect(self._on_trouble)
        self._keeping = keeping
        self._say("")

    @Slot()
    def _on_ready(self) -> None:
        """A store that is there says nothing until something is kept in it."""
        if self._keeping.writable:
            self._say("")

    @Slot()
    def _on_kept(self) -> None:
        if not self._gather.isActive():
            self._gather.start()

    @Slot()
    def _show_saved(self) -> None:
        self._say(tr("Saved {time}", time=f"{datetime.now():%H:%M}"))
        self.hint.setToolTip(tr("Every change is kept in the case store as it is made"))

    @Slot()
    def _on_trouble(self) -> None:
        self._gather.stop()
        self._say(tr("Not saved"), trouble=True)
        self.hint.setToolTip(tr("The case store cannot be written; see the notice"))

    def _say(self, words: str, *, trouble: bool = False) -> None:
        self.hint.setText(words)
        self._icon.set_icon("triangle-alert" if trouble else "circle-check", "warn" if trouble else "text3")
        for part in (self._icon, self.hint):
            part.setVisible(bool(words))
        self.adjustSize()
        bar = self.parentWidget()
        if isinstance(bar, QMenuBar) and bar.cornerWidget() is self:
            bar.setCornerWidget(self)  # the bar gives it the room it needs now
