"""Ellipse: two axes, circumference and area of an oval."""

from __future__ import annotations

from busi_viewer.core.callipers import Kind
from busi_viewer.gui.tools.calliper import CalliperTool


class Ellipse(CalliperTool):
    """Drag one axis, then click how wide it is."""

    name = "ellipse"
    title = "Ellipse"
    icon = "ellipse"
    hint = "Drag one axis, then click its width"
    kind = Kind.ELLIPSE
