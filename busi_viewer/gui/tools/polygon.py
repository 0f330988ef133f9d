"""The polygon: click its corners; close with a double click, Enter or a click on the first; corners stay draggable."""

from __future__ import annotations

from busi_viewer.gui.tools.handles import HandleTool


class Polygon(HandleTool):
    """Adds the polygon in hand to the mask when it is committed."""

    name = "polygon"
    title = "Polygon"
    icon = "pentagon"
    hint = "Click: point   Drag: move it   Alt: remove it   Double click: close"
