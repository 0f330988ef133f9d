"""The one mutable object: an open image, the machine's proposal, and the reader's outline and callipers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from busi_viewer.core.callipers import Calibration, Calliper, calibrated, states_scale
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.findings import Findings, prefilled
from busi_viewer.core.image import ImageRecord, Mask
from busi_viewer.core.mask_stack import MaskStack
from busi_viewer.core.measure import Lesion, measure_all, rescaled
from busi_viewer.core.results import AnalysisResult, Heatmap, at_point


class Document:
    """An ImageRecord with its reader masks (a frame each, created when first drawn), the latest analysis and the findings.

    ``revision`` rises with every change that makes a running analysis stale: edits and accepting or discarding a proposal.
    ``findings`` are the reader's, changed by :meth:`set_findings`; they make no analysis stale, nor do callipers.
    ``changes`` rises with every change of what the reader did: what was exported before is out of date.
    With the reader's calibration ``record`` states it, and sizes in mm follow it.
    ``on_change`` (if set) is called after every change, on the caller's thread. The machine's mask is never altered.
    """

    def __init__(self, record: ImageRecord) -> None:
        self.record = record
        self.revision = self.changes = 0
        self.result: AnalysisResult | None = None
        self.on_change: Callable[[], None] | None = None
        self._masks = MaskStack()
        self.findings = prefilled(record.facts)
        self._point: tuple[str, float | None, str] = ("", None, "")
        self._callipers: tuple[Calliper, ...] = ()
        self._calibration: Calibration | None = None

    def reader_mask(self, frame: int) -> Mask | None:
        """The reader's mask of a frame (H, W), or None where the reader has neither drawn nor accepted anything."""
        return self._masks.get(frame)

    def shown_mask(self, frame: int) -> Mask | None:
        """The reader's mask if there is one, else the machine's proposal unless withheld (abstained), else None."""
        mask = self._masks.get(frame)
        if mask is not None:
            return mask
        proposal = self.result.frame(frame) if self.result else None
        return proposal.mask if proposal and not proposal.abstained else None

    def is_proposal(self, frame: int) -> bool:
        """Whether what is shown on this frame is the machine's outline, not yet accepted or edited."""
        return frame not in self._masks and self.shown_mask(frame) is not None

    @property
    def edited(self) -> bool:
        """Whether any frame carries a reader's mask."""
        return bool(self._masks)

    @property
    def edited_frames(self) -> tuple[int, ...]:
        """Frames that carry a reader's mask."""
        return tuple(sorted(self._masks))

    def apply(self, edit: MaskEdit) -> MaskEdit:
        """Apply an edit to the reader's mask and return its inverse. The first edit starts from the shown mask."""
        mask = self._masks.get(edit.frame)
        if mask is None:
            shown = self.shown_mask(edit.frame)
            mask = shown.copy() if shown is not None else np.zeros(self.record.shape, dtype=bool)
        inverse = edit.apply(mask)
        self._masks[edit.frame] = mask
        self._changed()
        return inverse

    def set_reader_mask(self, frame: int, mask: Mask | None) -> Mask | None:
        """Replace (or with None drop) the reader's mask and return the one before: accept, discard, and their undo."""
        if mask is not None and mask.shape != self.record.shape:
            raise ValueError(f"mask {mask.shape} does not fit an image of {self.record.shape}")
        before = self._masks.pop(frame, None)
        if mask is not None:
            self._masks[frame] = mask.copy()
        self._changed()
        return before

    def set_findings(self, findings: Findings) -> Findings:
        """Replace the reader's findings and return those before."""
        before, self.findings = self.findings, findings
        self._changed_beside()
        return before

    @property
    def described(self) -> bool:
        """Whether the reader said anything of the image (the side that its header states is not the reader's word)."""
        return self.findings != prefilled(self.record.facts)

    def set_operating_point(self, sha256: str, point: float | None, basis: str = "") -> None:
        """Read the analyses of the model with these weights, this one and those that follow, at another operating point.

        None is the model's own; ``basis`` says what the point meant on which data.
        """
        self._point = (sha256, point, basis)
        if self.result is not None:
            self.result = self._at_point(self.result)
        self._notify()

    def _at_point(self, result: AnalysisResult) -> AnalysisResult:
        sha256, point, basis = self._point
        return at_point(result, point, basis) if result.model.sha256 == sha256 else result

    def offer(self, result: AnalysisResult) -> bool:
        """Take an analysis as the proposal unless it is stale (made for another file or an earlier revision)."""
        same = self.record.identified and result.sha256 == self.record.sha256
        if not same or result.revision != self.revision:
            return False
        self.result = self._scaled(self._at_point(result))
        self._notify()
        return True

    def withdraw(self) -> AnalysisResult | None:
        """Have no analysis any more; the one there was."""
        before, self.result = self.result, None
        self._notify()
        return before

    def explain(self, frame: int, heatmap: Heatmap) -> None:
        """Show another heatmap of an analysed frame: of another class, or by another method."""
        if self.result is not None:
            frames = tuple(replace(f, heatmap=heatmap) if f.index == frame else f for f in self.result.frames)
            self.result = replace(self.result, frames=frames)
            self._notify()

    @property
    def callipers(self) -> tuple[Calliper, ...]:
        """The callipers of every frame, in the order in which they were placed."""
        return self._callipers

    def set_callipers(self, callipers: Sequence[Calliper]) -> tuple[Calliper, ...]:
        """Replace all callipers and return those before. Raises ValueError for a frame that is not there."""
        if any(calliper.frame >= len(self.record.frames) for calliper in callipers):
            raise ValueError("a calliper lies on a frame that is not there")
        before, self._callipers = self._callipers, tuple(callipers)
        self._changed_beside()
        return before

    @property
    def calibration(self) -> Calibration | None:
        """The reader's calibration, or None."""
        return self._calibration

    def set_calibration(self, calibration: Calibration | None) -> Calibration | None:
        """State (or with None take back) the image's scale and return what was stated before.

        Raises ValueError where the file states its own.
        """
        self.record = calibrated(self.record, calibration)
        before, self._calibration = self._calibration, calibration
        if self.result is not None:
            self.result = self._scaled(self.result)
        self._changed_beside()
        return before

    def lesions(self, frame: int) -> tuple[Lesion, ...]:
        """Measurements of the shown mask."""
        proposal = self.result.frame(frame) if self.result else None
        if self.is_proposal(frame) and proposal is not None:
            return proposal.lesions
        mask = self.shown_mask(frame)
        return measure_all(mask, self.record) if mask is not None else ()

    def _scaled(self, result: AnalysisResult) -> AnalysisResult:
        """The result with its lesions in the reader's mm, or in px if there is no calibration any more."""
        spacing = self.record.spacing_mm
        side = spacing[0] if spacing else None
        in_px = all(lesion.long_axis_mm is None for frame in result.frames for lesion in frame.lesions)
        if states_scale(self.record) or (side is None and in_px):
            return result
        frames = tuple(
            replace(frame, lesions=tuple(rescaled(lesion, side) for lesion in frame.lesions)) for frame in result.frames
        )
        return replace(result, frames=frames)

    def _changed(self) -> None:
        self.revision += 1
        self._changed_beside()

    def _changed_beside(self) -> None:
        """Something changed that no analysis rests on."""
        self.changes += 1
        self._notify()

    def _notify(self) -> None:
        if self.on_change is not None:
            self.on_change()
