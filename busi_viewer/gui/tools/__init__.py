"""The tools of the canvas, one file each."""

from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.brush import Brush
from busi_viewer.gui.tools.eraser import Eraser
from busi_viewer.gui.tools.pan import Pan
from busi_viewer.gui.tools.pointer import PointerTool
from busi_viewer.gui.tools.polygon import Polygon
from busi_viewer.gui.tools.window import WindowLevel
from busi_viewer.gui.tools.zoom import Zoom

TOOLS: tuple[type[Tool], ...] = (PointerTool, WindowLevel, Pan, Zoom, Brush, Eraser, Polygon)
"""Every tool, in the order of the toolbar."""

__all__ = ["TOOLS", "Pointer", "Tool", "ToolHost"]
