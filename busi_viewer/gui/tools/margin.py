"""Grow and shrink: moves a lesion's edge outwards or inwards by so many pixels."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.core.refine import grown, on_lesion, shrunk
from busi_viewer.gui.tools.lesion import LesionTool
from busi_viewer.gui.tools.options import Choice, Number

GROW, SHRINK = "Grow", "Shrink"
HOW = Choice("margin_how", "Direction", (GROW, SHRINK))
BY = Number("margin", "By", 1, 60, 2, turns=True)


class Margin(LesionTool):
    """Grows or shrinks the lesion clicked, or all."""

    name = "margin"
    title = "Grow and shrink"
    icon = "grow-shrink"
    hint = "Click: one lesion   Shift + wheel: by how much"
    options = (HOW, BY)

    def label(self, lesion: Mask | None) -> str:
        """``Grow 2 px``."""
        return f"{self.host.options.choice(HOW.name)} {self.host.options.whole(BY.name)} px"

    def result(self, mask: Mask, lesion: Mask | None) -> Mask:
        """Grown or shrunk."""
        by, work = self.host.options.whole(BY.name), self.host.options.choice(HOW.name)
        part = mask if lesion is None else lesion
        return on_lesion(mask, part, lambda one: grown(one, by) if work == GROW else shrunk(one, by))
