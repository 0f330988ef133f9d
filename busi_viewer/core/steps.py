"""What the undo stack holds and the journal keeps: one committed change of what a reader did, complete in itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from busi_viewer.core import callipers as marks
from busi_viewer.core import findings as said
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.errors import UserError
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box

FINDINGS, CALLIPERS = "findings", "callipers"
READING, SHOWING = "reading", "AI shown"
"""What is said beside the outlines; with the callipers goes the reader's calibration."""


@dataclass(frozen=True)
class MaskStep:
    """The reader's mask of ``frame`` inside ``box`` (half-open), as it was and as it became.

    ``before`` and ``after`` are (y1 − y0, x1 − x0) bool. None means that the frame has no reader's mask at all; the box is
    then the whole frame. ``label`` names the step for the undo list; a ``chained`` one is undone and done again together with
    the one before it. Raises ValueError where the parts do not fit.
    """

    frame: int
    box: Box
    before: Mask | None
    after: Mask | None
    label: str
    chained: bool = False

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        if self.before is None and self.after is None:
            raise ValueError("a step from no mask to no mask changes nothing")
        for pixels in (self.before, self.after):
            if pixels is not None and pixels.shape != (y1 - y0, x1 - x0):
                raise ValueError(f"pixels {pixels.shape} do not fill the box {self.box}")

    def inverse(self) -> MaskStep:
        """The step that undoes this one."""
        return replace(self, before=self.after, after=self.before)

    def apply(self, document: Document) -> None:
        """Make the change in a document. Raises ValueError if the box leaves its image."""
        if self.after is None:
            document.set_reader_mask(self.frame, None)
        elif self.before is None:
            document.set_reader_mask(self.frame, self.after)
        else:
            document.apply(MaskEdit(self.frame, self.box, self.after, self.label))


@dataclass(frozen=True)
class FieldStep:
    """FINDINGS or CALLIPERS as they were and as they became (the JSON of their modules), changed while ``frame`` was in view.

    ``typed`` names the text that is typed or the grip that is nudged, if any: see :func:`joined`.
    """

    field: str
    frame: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    label: str
    typed: str = ""

    def inverse(self) -> FieldStep:
        """The step that undoes this one."""
        return replace(self, before=self.after, after=self.before)

    def apply(self, document: Document) -> None:
        """Make the change in a document. Raises FindingsError or ValueError for what cannot be read or does not fit."""
        if self.field == FINDINGS:
            document.set_findings(said.from_json(self.after))
            return
        callipers, calibration = marks.from_json(self.after)
        if calibration != document.calibration:
            document.set_calibration(calibration)
        if callipers != document.callipers:
            document.set_callipers(callipers)

    @property
    def readable(self) -> bool:
        """Whether this version knows what the step holds."""
        read = said.from_json if self.field == FINDINGS else marks.from_json
        try:
            read(self.before)
            read(self.after)
        except (UserError, ValueError):
            return False
        return True


Step = MaskStep | FieldStep


def findings_step(
    document: Document, findings: said.Findings, frame: int, label: str, typed: str = ""
) -> FieldStep | None:
    """The step to other findings; None if they are the same."""
    if findings == document.findings:
        return None
    return FieldStep(FINDINGS, frame, said.to_json(document.findings), said.to_json(findings), label, typed)


def marks_step(
    document: Document,
    callipers: Sequence[marks.Calliper],
    calibration: marks.Calibration | None,
    frame: int,
    label: str,
    typed: str = "",
) -> FieldStep | None:
    """The step to other callipers and calibration; None if they are the same."""
    if (tuple(callipers), calibration) == (document.callipers, document.calibration):
        return None
    before = marks.to_json(document.callipers, document.calibration)
    return FieldStep(CALLIPERS, frame, before, marks.to_json(callipers, calibration), label, typed)


def joined(last: Step | None, step: Step) -> FieldStep | None:
    """Both as one item, where ``step`` goes on with the very text or grip of ``last``; else None."""
    if not (isinstance(last, FieldStep) and isinstance(step, FieldStep) and step.typed):
        return None
    goes_on = (last.field, last.typed, last.after) == (step.field, step.typed, step.before)
    return replace(step, before=last.before) if goes_on else None


def readable(steps: Sequence[Step], position: int) -> tuple[tuple[Step, ...], int]:
    """(steps, how many of them are applied) around ``position``, as far as this version can read them."""
    first, last = position, position
    while first and _is_readable(steps[first - 1]):
        first -= 1
    while last < len(steps) and _is_readable(steps[last]):
        last += 1
    return tuple(steps[first:last]), position - first


def _is_readable(step: Step) -> bool:
    return isinstance(step, MaskStep) or step.readable


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
