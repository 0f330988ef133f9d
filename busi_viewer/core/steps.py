"""What the undo stack holds and the journal keeps: one committed change of a reader's mask, complete in itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box


@dataclass(frozen=True)
class MaskStep:
    """The reader's mask of ``frame`` inside ``box`` (half-open), as it was and as it became.

    ``before`` and ``after`` are (y1 − y0, x1 − x0) bool. None means that the frame has no reader's mask at all; the box is
    then the whole frame. ``label`` names the step for the undo list. Raises ValueError where the parts do not fit.
    """

    frame: int
    box: Box
    before: Mask | None
    after: Mask | None
    label: str

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        if self.before is None and self.after is None:
            raise ValueError("a step from no mask to no mask changes nothing")
        for pixels in (self.before, self.after):
            if pixels is not None and pixels.shape != (y1 - y0, x1 - x0):
                raise ValueError(f"pixels {pixels.shape} do not fill the box {self.box}")

    def inverse(self) -> MaskStep:
        """The step that undoes this one."""
        return MaskStep(self.frame, self.box, self.after, self.before, self.label)

    def apply(self, document: Document) -> None:
        """Make the change in a document. Raises ValueError if the box leaves its image."""
        if self.after is None:
            document.set_reader_mask(self.frame, None)
        elif self.before is None:
            document.set_reader_mask(self.frame, self.after)
        else:
            document.apply(MaskEdit(self.frame, self.box, self.after, self.label))


def edit_step(document: Document, edit: MaskEdit) -> MaskStep:
    """``edit`` as a step from the document's present state; to be made before it is applied.

    A frame's first edit starts from the mask that is shown, and its undo leaves the frame without a reader's mask again.
    Raises ValueError if the box leaves the image.
    """
    mask = document.reader_mask(edit.frame)
    if mask is not None:
        x0, y0, x1, y1 = edit.box
        if x0 < 0 or y0 < 0 or x1 > mask.shape[1] or y1 > mask.shape[0]:
            raise ValueError(f"box {edit.box} leaves a mask of shape {mask.shape}")
        return MaskStep(edit.frame, edit.box, mask[y0:y1, x0:x1].copy(), edit.pixels.copy(), edit.label)
    shown = document.shown_mask(edit.frame)
    whole = shown.copy() if shown is not None else np.zeros(document.record.shape, dtype=bool)
    edit.apply(whole)
    return MaskStep(edit.frame, _whole(document), None, whole, edit.label)


def replacement_step(document: Document, frame: int, mask: Mask | None, label: str) -> MaskStep | None:
    """The step that puts ``mask`` (None = no reader's mask) in place of the present one; None if there is nothing to change."""
    before = document.reader_mask(frame)
    if before is None and mask is None:
        return None
    return MaskStep(
        frame, _whole(document), None if before is None else before.copy(), None if mask is None else mask.copy(), label
    )


def _whole(document: Document) -> Box:
    height, width = document.record.shape
    return 0, 0, width, height
