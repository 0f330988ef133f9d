"""The pointer: reads pixel values, and takes hold of callipers."""

from __future__ import annotations

from busi_viewer.gui.tools.grips import Grips


class PointerTool(Grips):
    """Shows where it is; the canvas reports the value under it. Callipers can be chosen and moved."""

    name = "pointer"
