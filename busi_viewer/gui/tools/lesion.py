"""Tools that work on whole lesions: a click does it to the one under the mouse, Apply to all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

from busi_viewer.core.edits import edit_between
from busi_viewer.core.image import Mask
from busi_viewer.core.refine import lesion_at
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.outline import Outline, trace
from busi_viewer.gui.session import Session
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost

REACH = 6.0
"""How far in logical px beside a lesion a click still means it."""


class LesionTool(Tool, ABC):
    """Shows what a click would do as a thin white line; the click does it as one undo item."""

    cursor = Qt.CursorShape.PointingHandCursor
    edits = True
    applies = True

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._lesion: Mask | None = None
        self._preview: tuple[Outline, ...] = ()
        self._state: tuple[int, int, int] | None = None

    def label(self, lesion: Mask | None) -> str:
        """The undo item's name."""
        return self.title

    @abstractmethod
    def result(self, mask: Mask, lesion: Mask | None) -> Mask:
        """The mask afterwards; ``lesion`` is the one clicked, None means all of them."""

    def choosable(self, session: Session) -> Mask | None:
        """The mask whose lesions can be clicked."""
        return session.document.shown_mask(session.frame)

    def press(self, at: Pointer) -> None:
        """Do it to the lesion under the mouse."""
        session = self.host.session
        if session is None:
            return
        lesion = self._under(session, at)
        if lesion is None:
            self.host.say(tr("Click on a lesion, or apply to all of them."))
        else:
            self._do(session, lesion)

    def double_click(self, at: Pointer) -> None:
        """Two clicks."""
        self.press(at)

    def move(self, at: Pointer) -> None:
        """Show what a click would do."""
        session = self.host.session
        if session is None:
            return
        before = self._lesion
        lesion = self._under(session, at)
        if lesion is not before:
            self._preview = () if lesion is None else trace(self.result(lesion, lesion))
            self.host.refresh()

    def leave(self) -> None:
        """Show nothing."""
        self._forget()
        self.host.refresh()

    def cancel(self) -> None:
        """Show nothing."""
        self._forget()
        self.host.refresh()

    def rebase(self) -> None:
        """The mask is another one."""
        self._forget()

    def options_changed(self) -> None:
        """Show what a click would do now."""
        if self._lesion is not None:
            self._preview = trace(self.result(self._lesion, self._lesion))
        self.host.refresh()

    def apply(self) -> None:
        """Do it to every lesion."""
        session = self.host.session
        if session is not None:
            self._do(session, None)

    def paint(self, painter: QPainter) -> None:
        """The outline after a click."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        transform = self.host.camera.transform()
        for each in self._preview:
            path = transform.map(each.path)
            for colour, width in ((QColor(0, 0, 0, 153), 2.6), (QColor("#FFFFFF"), 1.0)):
                painter.setPen(QPen(colour, width))
                painter.drawPath(path)

    def _do(self, session: Session, lesion: Mask | None) -> None:
        before = _mask(session)
        edit = edit_between(before, self.result(before, lesion), self.label(lesion), session.frame)
        if edit is None:
            self.host.say(tr("{lesion} changes nothing here.", lesion=said(self.label(lesion))))
        self._forget()
        session.apply(edit)

    def _under(self, session: Session, at: Pointer) -> Mask | None:
        """The lesion under the mouse; the one before as long as the mouse stays on it."""
        mask = self.choosable(session)
        state = (session.frame, session.document.revision, id(session.document.result))
        if mask is None:
            self._lesion = None
        elif state != self._state or self._lesion is None or not _on(self._lesion, at):
            self._lesion = lesion_at(mask, *at.image, round(REACH / self.host.camera.scale))
        self._state = state
        return self._lesion

    def _forget(self) -> None:
        self._lesion, self._preview, self._state = None, (), None


def _mask(session: Session) -> Mask:
    shown = session.document.shown_mask(session.frame)
    return np.zeros(session.document.record.shape, dtype=bool) if shown is None else shown


def _on(lesion: Mask, at: Pointer) -> bool:
    x, y = round(at.image[0]), round(at.image[1])
    return 0 <= y < lesion.shape[0] and 0 <= x < lesion.shape[1] and bool(lesion[y, x])
