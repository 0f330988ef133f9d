"""Fill holes: everything a lesion encloses becomes part of it."""

from __future__ import annotations

from busi_viewer.core.image import Mask
from busi_viewer.core.masks import fill_holes
from busi_viewer.gui.tools.lesion import LesionTool


class Holes(LesionTool):
    """Fills the holes of the lesion clicked, or of all."""

    name = "holes"
    title = "Fill holes"
    icon = "fill-holes"
    hint = "Click: one lesion"

    def result(self, mask: Mask, lesion: Mask | None) -> Mask:
        """Without holes."""
        return mask | fill_holes(mask if lesion is None else lesion)
