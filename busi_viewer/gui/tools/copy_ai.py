"""Copy from AI: takes over one lesion of the machine's outline, or all, without losing what the reader has drawn."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.gui.language import tr
from busi_viewer.gui.session import Session
from busi_viewer.gui.tools.base import Pointer
from busi_viewer.gui.tools.lesion import LesionTool
from busi_viewer.gui.tools.options import Choice

ADD, REPLACE = "Add", "Replace"
HOW = Choice("copy_how", "Copy", (ADD, REPLACE), "Add: beside what is drawn. Replace: the copy alone stays.")


class CopyFromAI(LesionTool):
    """Copies the machine's lesion clicked, or all of them. The machine's outline itself is never changed."""

    name = "copy_ai"
    title = "Copy from AI"
    icon = "copy-from-ai"
    hint = "Click: one of AI's lesions (dashed)"
    options = (HOW,)

    def press(self, at: Pointer) -> None:
        """Copy the lesion under the mouse, if there is an AI outline."""
        if self._offered():
            super().press(at)

    def apply(self) -> None:
        """Copy all."""
        if self._offered():
            super().apply()

    def choosable(self, session: Session) -> Mask | None:
        """The machine's outline, unless it is withheld."""
        return session.machine_mask()

    def result(self, mask: Mask, lesion: Mask | None) -> Mask:
        """With the copy, or the copy alone."""
        session = self.host.session
        machine = session.machine_mask() if session is not None else None
        copy = lesion if lesion is not None else machine
        if copy is None:
            return mask
        return mask | copy if self.host.options.choice(HOW.name) == ADD else copy

    def _offered(self) -> bool:
        session = self.host.session
        if session is not None and session.machine_mask() is None:
            self.host.say(tr("There is no AI outline on this image. Analyse it first."))
            return False
        return True
