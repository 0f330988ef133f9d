"""The eraser: a brush that takes away."""

from __future__ import annotations

from busi_viewer.gui.tools.brush import Brush


class Eraser(Brush):
    """Removes what it passes over from the mask."""

    name = "eraser"
    title = "Eraser"
    icon = "eraser"
    hint = "Shift + wheel: size   Hold Alt: paint"
    label = "Erase"
    erases = True
