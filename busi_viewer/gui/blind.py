"""Reading blind: until the reader has locked a reading of their own, nothing that the machine says of the image is shown.

A veiled :class:`~busi_viewer.gui.session.Session` holds the analysis back, so that its document has none: canvas, panels,
result, findings and exports cannot show what they do not have. The worklist veils its rows by itself.
"""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QVBoxLayout

from busi_viewer.core.document import Document
from busi_viewer.gui.actions import Actions
from busi_viewer.gui.controls import IconLabel, KeyButton, label, spaced
from busi_viewer.gui.exporting import snapshot
from busi_viewer.gui.language import plural, said, tr
from busi_viewer.gui.reading import Reading
from busi_viewer.gui.session import Session
from busi_viewer.gui.worklist_model import WorklistModel
from busi_viewer.settings import Settings


class BlindBar(QFrame):
    """The row above the image: that it is read blind, the button that locks the reading, and then where AI differs."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("blindBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon, self.words = IconLabel("eye-off", "warn", 16), label("", "strong", wrap=True)
        self.list = label("", "dim", wrap=True)
        self.lock = KeyButton(tr("Lock my reading"), "lock", "Ctrl L", "primary")
        self.lock.bind(actions["lock_reading"])
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(4)
        row = spaced(self._icon, self.words, self.lock, spacing=8)
        row.setStretch(1, 1)
        column.addLayout(row)
        column.addWidget(self.list)
        self.hide()

    def show_state(self, words: str, points: tuple[str, ...] = (), *, open_: bool) -> None:
        """Say how it stands; ``open_``: the reading can still be locked. Without words the row is hidden."""
        self.setVisible(bool(words))
        self.words.setText(words)
        self.lock.setVisible(open_)
        self._icon.set_icon("eye-off" if open_ else "lock", "warn" if open_ else "accent")
        self.list.setText("\n".join(f"– {said(point)}" for point in points))
        self.list.setVisible(bool(points))


class Blind(QObject):
    """The switch, the lock, and how long each open image was read. Disagreements are of the reading as it was locked: what the
    reader changes afterwards changes nothing of them.

    ``changed`` when the switch is turned.
    """

    changed = Signal(bool)

    def __init__(
        self, actions: Actions, reading: Reading, model: WorklistModel, bar: BlindBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._actions, self._reading, self._model, self._bar = actions, reading, model, bar
        self._session: Session | None = None
        self._since: float | None = None
        self._spent: dict[Path, float] = {}
        self._frozen: dict[Path, Document] = {}
        actions["blind"].toggled.connect(self._switch)
        actions["lock_reading"].triggered.connect(self.lock)
        reading.session_changed.connect(self._follow)
        reading.analysis_changed.connect(self._show)
        actions["lock_reading"].setEnabled(False)

    @property
    def on(self) -> bool:
        """Whether images are read blind."""
        return self._reading.desk.blind

    def restore(self, chosen: Settings) -> None:
        """Read blind as when the window was last closed."""
        self._actions["blind"].setChecked(chosen.blind)

    @Slot(bool)
    def _switch(self, on: bool) -> None:
        self._reading.desk.set_blind(on)
        self._model.set_blind(on)
        self._since = time.monotonic()
        self._show()
        self._reading.analysis_changed.emit()
        self.changed.emit(on)

    @Slot(object)
    def _follow(self, session: Session | None) -> None:
        self._stop_watch()
        if self._session is not None:
            self._session.changed.disconnect(self._show)
        self._session = session
        if session is not None:
            session.changed.connect(self._show)
        self._since = time.monotonic()
        self._show()

    def _stop_watch(self) -> None:
        session = self._session
        if session is not None and session.veiled and self._since is not None:
            path = session.document.record.path
            self._spent[path] = self._spent.get(path, 0.0) + time.monotonic() - self._since
        self._since = time.monotonic()

    @Slot()
    def lock(self) -> None:
        """Keep the reading as it is now, with the time it took, and show what the machine says."""
        from busi_viewer.core.blind import reading_of

        session = self._session
        if session is None or not session.veiled:
            return
        self._stop_watch()
        path = session.document.record.path
        desk, spent = self._reading.desk, self._spent.get(path, 0.0)
        self._frozen[path] = snapshot(session.document)
        desk.lock(path, reading_of(session.document, spent, ai_seen_before=desk.seen(path)))
        self._show()
        self._reading.analysis_changed.emit()

    @Slot()
    def _show(self) -> None:
        session = self._session
        veiled = session is not None and session.veiled
        self._actions["lock_reading"].setEnabled(veiled)
        if session is None or not self.on:
            self._bar.show_state("", open_=False)
        elif veiled:
            words = tr("Reading blind: outline and assess, then lock your reading. What AI says is shown after that.")
            self._bar.show_state(words, open_=True)
        elif session.document.result is None:
            self._bar.show_state(tr("Reading locked. Analyse the image to compare."), open_=False)
        else:
            self._show_disagreements(session)

    def _show_disagreements(self, session: Session) -> None:
        found = self._disagreements(session)
        withheld = session.document.result is not None and all(f.abstained for f in session.document.result.frames)
        words = (
            tr("Reading locked: AI gives no estimate.")
            if withheld
            else tr("Reading locked: no disagreement with AI.")
            if not found
            else plural(
                "Reading locked: 1 disagreement with AI.", "Reading locked: {n} disagreements with AI.", len(found)
            )
        )
        self._bar.show_state(words, found, open_=False)

    def _disagreements(self, session: Session) -> tuple[str, ...]:
        """Where the reading as it was locked differs from the first analysis that was shown after it; kept with it."""
        from busi_viewer.core.blind import DIFFERENCES, disagreements

        desk, path = self._reading.desk, session.document.record.path
        if DIFFERENCES not in desk.reading(path):
            locked = self._frozen.pop(path, None) or snapshot(session.document)
            locked.result = session.document.result
            desk.compare(path, disagreements(locked))
        return tuple(desk.reading(path)[DIFFERENCES])
