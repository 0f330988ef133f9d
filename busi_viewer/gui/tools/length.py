"""Length: the distance between two places."""

from __future__ import annotations

from busi_viewer.core.callipers import Kind
from busi_viewer.gui.tools.calliper import CalliperTool


class Length(CalliperTool):
    """Drag a line, or click both ends."""

    name = "length"
    title = "Length"
    icon = "length"
    hint = "Drag, or click both ends   Alt: no snapping   Arrows: nudge"
    kind = Kind.LENGTH
