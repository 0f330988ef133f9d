"""Two axes: a first line, and a second one that snaps to the perpendicular."""

from __future__ import annotations

from busi_viewer.core.callipers import Kind
from busi_viewer.gui.tools.calliper import CalliperTool


class TwoAxes(CalliperTool):
    """Drag the longest axis, then the one across it."""

    name = "two_axis"
    title = "Two axes"
    icon = "two-axes"
    hint = "Drag the long axis, then the one across   Alt: no snapping"
    kind = Kind.TWO_AXIS
