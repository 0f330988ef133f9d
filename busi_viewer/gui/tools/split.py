"""Split: a line drawn across a lesion parts it in two."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.core.refine import split
from busi_viewer.gui.tools.line import LineTool


class Split(LineTool):
    """Cuts every lesion that the line parts."""

    name = "split"
    title = "Split lesion"
    icon = "split"
    hint = "Draw a line across a lesion, from outside to outside"
    why_not = "The line parts no lesion: draw it from outside to outside."

    def result(self, mask: Mask, points: list[tuple[float, float]]) -> Mask:
        """Cut."""
        return split(mask, points)
