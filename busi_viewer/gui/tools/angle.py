"""Angle: between two arms that meet in a vertex."""

from __future__ import annotations

from busi_viewer.core.callipers import Kind
from busi_viewer.gui.tools.calliper import CalliperTool


class Angle(CalliperTool):
    """Drag one arm towards the vertex, then click the end of the other."""

    name = "angle"
    title = "Angle"
    icon = "angle"
    hint = "End of an arm, vertex, end of the other arm"
    kind = Kind.ANGLE
