"""One stroke of brush or eraser, followed pixel by pixel: no Qt in here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from busi_viewer.core.edits import MaskEdit, edit_between
from busi_viewer.core.image import Mask
from busi_viewer.core.masks import Box, bounding_box, stroke


def union(a: Box | None, b: Box | None) -> Box | None:
    """The smallest box around both."""
    if a is None or b is None:
        return b if a is None else a
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


class Stroke:
    """Where the brush has been (``touched``) over a mask, and the mask as it will be (``work``).

    Each :meth:`extend` costs as much as the area it touches, however large the image is. ``extent`` holds every set
    pixel of ``work``, not always tightly. ``allowed`` (if given) says which pixels of a box may change.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        base: Mask | None,
        radius: float,
        erase: bool,
        allowed: Callable[[Box], Mask] | None = None,
    ) -> None:
        self.erase = erase
        self._allowed = allowed
        self._radius = radius
        self._points: list[tuple[float, float]] = []
        self._touched: Mask = np.zeros(shape, dtype=bool)
        self._box: Box | None = None
        self.rebase(base)

    def rebase(self, base: Mask | None) -> None:
        """Continue over another mask: what was touched stays touched."""
        self._base = np.zeros(self._touched.shape, dtype=bool) if base is None else base.copy()
        self.work = self._base.copy()
        self.extent = bounding_box(self._base)
        if self._box is not None:
            self._compose(self._box)

    def extend(self, x: float, y: float) -> Box | None:
        """Draw on to (x, y) and return the box that changed, or None where the brush was outside the image."""
        last = self._points[-1:]
        self._points.append((x, y))
        box, mask = stroke(self._touched.shape, [*last, (x, y)], self._radius)
        if not mask.size:
            return None
        if self._allowed is not None:
            mask = mask & self._allowed(box)
        self._touched[box[1] : box[3], box[0] : box[2]] |= mask
        self._box = union(self._box, box)
        self._compose(box)
        return box

    def edit(self, frame: int, label: str) -> MaskEdit | None:
        """The stroke as an edit of the mask it was drawn over, or None if it changed nothing."""
        if self._box is None:
            return None
        x0, y0, x1, y1 = self._box
        inner = edit_between(self._base[y0:y1, x0:x1], self.work[y0:y1, x0:x1], label, frame)
        if inner is None:
            return None
        a, b, c, d = inner.box
        return MaskEdit(frame, (a + x0, b + y0, c + x0, d + y0), inner.pixels, label)

    def _compose(self, box: Box) -> None:
        rows, cols = slice(box[1], box[3]), slice(box[0], box[2])
        touched = self._touched[rows, cols]
        if self.erase:
            self.work[rows, cols] = self._base[rows, cols] & ~touched
        else:
            self.work[rows, cols] = self._base[rows, cols] | touched
            self.extent = union(self.extent, box)
