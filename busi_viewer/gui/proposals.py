"""The descriptors that the model proposes for the lesions of the frame in view; the reader decides."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from busi_viewer.core.image import Pixels
from busi_viewer.core.lexicon import Proposal
from busi_viewer.core.measure import Lesion
from busi_viewer.gui.language import said, tr
from busi_viewer.gui.session import Session
from busi_viewer.workflow.descriptors import proposals

WAIT_MS = 80
"""How long after the sizes the descriptors follow: a stroke that begins at once is not held up by them."""

State = tuple[int, int, int, int]


class Describer(QObject):
    """Finds the proposals of a session's frame in view, one lesion at a time between the window's other work.

    ``ready(i, proposals)`` comes for each lesion, from the largest; asking for another state drops what is left.
    """

    ready = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._lesions: tuple[Lesion, ...] = ()
        self._pixels: Pixels | None = None
        self._state: State | None = None
        self._next = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._one)

    def ask(self, session: Session | None, lesions: tuple[Lesion, ...]) -> None:
        """Describe the lesions of the frame in view, unless they are being or have been described.

        Nothing is found while the reader reads blind, nor while the frame is not decoded (ask again when it is), nor on an
        image that the model found unlike those it knows. None forgets everything.
        """
        result = (
            session.document.result.frame(session.frame) if session is not None and session.document.result else None
        )
        veiled = session is not None and session.veiled
        if veiled or (result is not None and not result.quality.in_distribution):
            session = None
        pixels = session.frames.peek(session.frame) if session is not None and lesions else None
        if session is None or pixels is None:
            self._timer.stop()
            self._state = self._session = self._pixels = None
            return
        state = (id(session), session.frame, session.document.revision, id(session.document.result))
        if state == self._state:
            return
        self._session, self._lesions, self._pixels, self._state, self._next = session, lesions, pixels, state, 0
        self._timer.start(WAIT_MS)

    def _one(self) -> None:
        """Describe the next lesion, then let the window work."""
        session, pixels, index = self._session, self._pixels, self._next
        if session is None or pixels is None or index >= len(self._lesions):
            return
        found = proposals(session.document.record, pixels, self._lesions, index)
        self._next += 1
        if self._next < len(self._lesions):
            self._timer.start(0)
        else:
            self._session = self._pixels = None
        self.ready.emit(index, found)


def explained(proposal: Proposal) -> str:
    """The proposal with how far it can be trusted, and what spoke for it."""
    if proposal.basis is None:
        lines = [
            tr(
                "Proposed: {phrase}, by geometry: wider than tall is parallel, all else is not.",
                phrase=tr(proposal.phrase),
            )
        ]
    else:
        lines = [
            tr(
                "Proposed: {phrase}, {percent}; {basis}.",
                phrase=tr(proposal.phrase),
                percent=proposal.percent,
                basis=said(str(proposal.basis)),
            )
        ]
    if proposal.evidence:
        lines.append(tr("From: {evidence}.", evidence="; ".join(map(said, proposal.evidence))))
    if proposal.basis is not None:
        lines.append(
            tr("The per cent is as if all values were equally frequent. It does not follow from it what the lesion is.")
        )
    return "\n".join(lines)
