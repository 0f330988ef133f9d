"""The pointer: reads pixel values and changes nothing."""

from __future__ import annotations

from busi_viewer.gui.tools.base import Tool


class PointerTool(Tool):
    """Shows where it is; the canvas reports the value under it."""

    name = "pointer"
