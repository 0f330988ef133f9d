"""One open image in the window: the document, its undo stack and the frame in view."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import bounding_box
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import AnalysisResult, FrameResult
from busi_viewer.gui.frames import FrameLoader

ACCEPT, DISCARD, CLEAR, RESET = "Accept outline", "Discard outline", "Clear", "Reset to AI outline"

Visit = Callable[[int], None]


class _EditCommand(QUndoCommand):
    """One MaskEdit. The frame's first edit starts from what was shown, and its undo brings exactly that back."""

    def __init__(self, document: Document, edit: MaskEdit, visit: Visit) -> None:
        super().__init__(edit.label)
        self._document = document
        self._edit = edit
        self._visit = visit
        self._first = document.reader_mask(edit.frame) is None
        self._base = document.shown_mask(edit.frame) if self._first else None
        self._inverse: MaskEdit | None = None

    def redo(self) -> None:
        """Apply the edit and keep its inverse."""
        if self._first:
            mask = np.zeros(self._document.record.shape, dtype=bool) if self._base is None else self._base.copy()
            self._edit.apply(mask)
            self._document.set_reader_mask(self._edit.frame, mask)
        else:
            self._inverse = self._document.apply(self._edit)
        self._visit(self._edit.frame)

    def undo(self) -> None:
        """Bring back what was there before."""
        if self._inverse is None:
            self._document.set_reader_mask(self._edit.frame, None)
        else:
            self._document.apply(self._inverse)
        self._visit(self._edit.frame)


class _ReplaceCommand(QUndoCommand):
    """Replaces the reader's whole mask, or drops it (None): accept, discard, back to the proposal."""

    def __init__(self, document: Document, frame: int, mask: Mask | None, label: str, visit: Visit) -> None:
        super().__init__(label)
        self._document = document
        self._frame = frame
        self._mask = mask
        self._visit = visit
        self._before: Mask | None = None

    def redo(self) -> None:
        """Put the mask in place and keep the one before."""
        self._before = self._document.set_reader_mask(self._frame, self._mask)
        self._visit(self._frame)

    def undo(self) -> None:
        """Put the mask before back."""
        self._document.set_reader_mask(self._frame, self._before)
        self._visit(self._frame)


class Session(QObject):
    """The window's handle on one Document. All of its methods belong to the GUI thread.

    ``changed``: masks, proposal or result changed. ``frame_changed(i)``: another frame is in view. ``undo`` holds one
    item for each stroke, polygon, clear, accept and discard; undoing one shows its frame. ``frames`` decodes in the
    background.
    """

    changed = Signal()
    frame_changed = Signal(int)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.undo = QUndoStack(self)
        self.frames = FrameLoader(document.record.frames, self)
        self._frame = 0
        self._measured: tuple[tuple[int, int, int], tuple[Lesion, ...]] | None = None
        here = weakref.ref(self)  # neither the document nor an undo item keeps a closed session alive

        def announce() -> None:
            session = here()
            if session is not None:
                session.changed.emit()

        def visit(frame: int) -> None:
            session = here()
            if session is not None:
                session.set_frame(frame)

        self._visit: Visit = visit
        document.on_change = announce

    @property
    def frame(self) -> int:
        """Index of the frame in view."""
        return self._frame

    def set_frame(self, index: int) -> None:
        """Show another frame; out of range goes to the nearest."""
        index = min(max(index, 0), len(self.document.record.frames) - 1)
        if index != self._frame:
            self._frame = index
            self.frame_changed.emit(index)

    def proposal(self) -> FrameResult | None:
        """The analysis of this frame while its outline waits to be accepted or discarded, else None."""
        document = self.document
        mask = document.shown_mask(self._frame)
        if mask is None or not document.is_proposal(self._frame) or not mask.any():
            return None
        return document.result.frame(self._frame) if document.result else None

    def machine_mask(self) -> Mask | None:
        """The machine's outline of this frame as analysed last, or None if there is none or it is withheld."""
        result = self.document.result.frame(self._frame) if self.document.result else None
        return result.mask if result is not None and not result.abstained else None

    def lesions(self) -> tuple[Lesion, ...]:
        """Measurements of what is shown on this frame; measured once for each state."""
        key = (self._frame, self.document.revision, id(self.document.result))
        if self._measured is None or self._measured[0] != key:
            self._measured = (key, self.document.lesions(self._frame))
        return self._measured[1]

    def apply(self, edit: MaskEdit | None) -> None:
        """Apply an edit as one undo item; None does nothing. Raises ValueError for one that does not fit the image."""
        if edit is None:
            return
        height, width = self.document.record.shape
        x0, y0, x1, y1 = edit.box
        if not 0 <= edit.frame < len(self.document.record.frames):
            raise ValueError(f"there is no frame {edit.frame}")
        if not (0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height):
            raise ValueError(f"box {edit.box} leaves an image of {width} × {height}")
        self.undo.push(_EditCommand(self.document, edit, self._visit))

    def accept(self) -> None:
        """Make the proposal of this frame the reader's outline."""
        proposal = self.proposal()
        if proposal is not None:
            self._replace(proposal.mask, ACCEPT)

    def discard(self) -> None:
        """Drop the proposal of this frame: the reader's outline is empty."""
        if self.proposal() is not None:
            self._replace(np.zeros(self.document.record.shape, dtype=bool), DISCARD)

    def clear(self) -> None:
        """Empty the mask of this frame."""
        mask = self.document.shown_mask(self._frame)
        box = bounding_box(mask) if mask is not None else None
        if box is not None:
            x0, y0, x1, y1 = box
            self.apply(MaskEdit(self._frame, box, np.zeros((y1 - y0, x1 - x0), dtype=bool), CLEAR))

    def reset_to_ai(self) -> None:
        """Drop the reader's outline of this frame, so that the proposal shows again, if there is one."""
        if self.document.reader_mask(self._frame) is not None and self.machine_mask() is not None:
            self._replace(None, RESET)

    def show_machine(self, frames: Sequence[int]) -> None:
        """Drop the reader's outlines of these frames, so that the proposals show, as one undo item."""
        drawn = [frame for frame in frames if self.document.reader_mask(frame) is not None]
        if not drawn:
            return
        here = self._frame
        self.undo.beginMacro(RESET)
        for frame in drawn:
            self.undo.push(_ReplaceCommand(self.document, frame, None, RESET, self._visit))
        self.undo.endMacro()
        self.set_frame(here)

    def offer(self, result: AnalysisResult) -> bool:
        """Take an analysis as the proposal; False if it is stale."""
        return self.document.offer(result)

    def _replace(self, mask: Mask | None, label: str) -> None:
        self.undo.push(_ReplaceCommand(self.document, self._frame, mask, label, self._visit))
