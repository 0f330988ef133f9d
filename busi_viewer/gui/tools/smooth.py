"""Smooth: takes roughness off a lesion's edge by median, or by opening or closing it."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.core.refine import closed, median, on_lesion, opened
from busi_viewer.gui.tools.lesion import LesionTool
from busi_viewer.gui.tools.options import Choice, Number

MEDIAN, OPEN, CLOSE = "Median", "Open", "Close"
HOW = Choice(
    "smooth_how", "Method", (MEDIAN, OPEN, CLOSE), "Median: both ways. Open: takes spurs off. Close: bridges clefts."
)
BY = Number("smooth", "Radius", 1, 40, 3, turns=True)
WORK = {MEDIAN: median, OPEN: opened, CLOSE: closed}


class Smooth(LesionTool):
    """Smooths the lesion clicked, or all."""

    name = "smooth"
    title = "Smooth"
    icon = "waves"
    hint = "Click: one lesion   Shift + wheel: radius"
    options = (HOW, BY)

    def label(self, lesion: Mask | None) -> str:
        """``Smooth, median 3 px``."""
        return f"Smooth, {self.host.options.choice(HOW.name).lower()} {self.host.options.whole(BY.name)} px"

    def result(self, mask: Mask, lesion: Mask | None) -> Mask:
        """Smoothed."""
        work, by = WORK[self.host.options.choice(HOW.name)], self.host.options.whole(BY.name)
        return on_lesion(mask, mask if lesion is None else lesion, lambda one: work(one, by))
