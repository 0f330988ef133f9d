"""Invertible edits of a mask. Applying one returns the edit that undoes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box


@dataclass(frozen=True)
class MaskEdit:
    """Replace the pixels of frame ``frame`` inside ``box`` (x0, y0, x1, y1; half-open) by ``pixels`` (bool, box-sized).

    ``label`` names the edit for the undo list.
    """

    frame: int
    box: Box
    pixels: Mask
    label: str

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        if self.pixels.shape != (y1 - y0, x1 - x0):
            raise ValueError(f"pixels {self.pixels.shape} do not fill the box {self.box}")

    def apply(self, mask: Mask) -> MaskEdit:
        """Change ``mask`` in place and return the inverse edit. Raises ValueError if the box leaves the mask."""
        x0, y0, x1, y1 = self.box
        if x0 < 0 or y0 < 0 or x1 > mask.shape[1] or y1 > mask.shape[0]:
            raise ValueError(f"box {self.box} leaves a mask of shape {mask.shape}")
        before = mask[y0:y1, x0:x1].copy()
        mask[y0:y1, x0:x1] = self.pixels
        return MaskEdit(self.frame, self.box, before, self.label)


def edit_between(before: Mask, after: Mask, label: str, frame: int = 0) -> MaskEdit | None:
    """The smallest edit that turns ``before`` into ``after`` (same shape), or None if they are equal."""
    changed = before != after
    rows, cols = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        return None
    box = (int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1)
    x0, y0, x1, y1 = box
    return MaskEdit(frame, box, after[y0:y1, x0:x1].copy(), label)
