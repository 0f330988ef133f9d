"""Merge: a line drawn from one lesion to another joins them by a bridge."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.core.refine import merge
from busi_viewer.gui.tools.line import LineTool
from busi_viewer.gui.tools.options import Number

WIDTH = Number("bridge", "Bridge", 1, 100, 8, turns=True, tip="How wide the bridge is")


class Merge(LineTool):
    """Joins the lesions that the line touches."""

    name = "merge"
    title = "Merge lesions"
    icon = "merge"
    hint = "Draw a line from lesion to lesion   Shift + wheel: width"
    options = (WIDTH,)
    why_not = "The line touches fewer than two lesions: draw it from one to the other."

    def result(self, mask: Mask, points: list[tuple[float, float]]) -> Mask:
        """Joined."""
        return merge(mask, points, self.host.options.number(WIDTH.name) / 2)

    def line_width(self) -> float:
        """As wide as the bridge will be."""
        return max(super().line_width(), self.host.options.number(WIDTH.name) * self.host.camera.scale)
