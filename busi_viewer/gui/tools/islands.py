"""Islands: keep the largest lesion, remove small ones, or keep or remove the one clicked."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.core.refine import keep_largest, without_islands
from busi_viewer.gui.tools.lesion import LesionTool
from busi_viewer.gui.tools.options import Choice, Number

REMOVE, KEEP = "Remove", "Keep"
LARGEST, SMALL = "Keep largest", "Remove small"
HOW = Choice("islands_how", "All", (LARGEST, SMALL), "What Apply does", captioned=True)
CLICK = Choice("islands_click", "Click", (REMOVE, KEEP), "What a click on a lesion does with it", captioned=True)
BELOW = Number("islands_below", "Below", 2, 5000, 50, unit="px²", turns=True, tip="Area below which Remove small works")


class Islands(LesionTool):
    """A click removes a lesion or keeps it alone; Apply keeps the largest or removes the small ones."""

    name = "islands"
    title = "Islands"
    icon = "islands"
    hint = "Click: one lesion"
    options = (CLICK, HOW, BELOW)

    def label(self, lesion: Mask | None) -> str:
        """What was done."""
        options = self.host.options
        if lesion is not None:
            return "Remove lesion" if options.choice(CLICK.name) == REMOVE else "Keep one lesion"
        how = options.choice(HOW.name)
        return how if how == LARGEST else f"Remove islands below {options.whole(BELOW.name)} px²"

    def result(self, mask: Mask, lesion: Mask | None) -> Mask:
        """Without the lesion, the lesion alone, or by size."""
        options = self.host.options
        if lesion is not None:
            return mask & ~lesion if options.choice(CLICK.name) == REMOVE else mask & lesion
        if options.choice(HOW.name) == LARGEST:
            return keep_largest(mask)
        return without_islands(mask, options.whole(BELOW.name))
