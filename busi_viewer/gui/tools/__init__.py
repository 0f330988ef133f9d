"""The tools of the canvas, one file each."""

from busi_viewer.gui.tools.angle import Angle
from busi_viewer.gui.tools.base import Pointer, Tool, ToolHost
from busi_viewer.gui.tools.brush import Brush
from busi_viewer.gui.tools.calibrate import Calibrate
from busi_viewer.gui.tools.copy_ai import CopyFromAI
from busi_viewer.gui.tools.ellipse import Ellipse
from busi_viewer.gui.tools.eraser import Eraser
from busi_viewer.gui.tools.flood import Flood
from busi_viewer.gui.tools.freehand import Freehand
from busi_viewer.gui.tools.holes import Holes
from busi_viewer.gui.tools.islands import Islands
from busi_viewer.gui.tools.length import Length
from busi_viewer.gui.tools.livewire import Livewire
from busi_viewer.gui.tools.margin import Margin
from busi_viewer.gui.tools.merge import Merge
from busi_viewer.gui.tools.options import Options
from busi_viewer.gui.tools.pan import Pan
from busi_viewer.gui.tools.pointer import PointerTool
from busi_viewer.gui.tools.polygon import Polygon
from busi_viewer.gui.tools.segment import Segment
from busi_viewer.gui.tools.smooth import Smooth
from busi_viewer.gui.tools.split import Split
from busi_viewer.gui.tools.two_axis import TwoAxes
from busi_viewer.gui.tools.window import WindowLevel
from busi_viewer.gui.tools.zoom import Zoom

VIEWING: tuple[type[Tool], ...] = (PointerTool, WindowLevel, Pan, Zoom)
MEASURING: tuple[type[Tool], ...] = (Length, TwoAxes, Angle, Ellipse, Calibrate)
PAINTING: tuple[type[Tool], ...] = (Brush, Eraser)
DRAWING: tuple[type[Tool], ...] = (Polygon, Freehand, Livewire)
FINDING: tuple[type[Tool], ...] = (Flood, Segment)
REFINING: tuple[type[Tool], ...] = (Margin, Smooth, Holes, Islands, Split, Merge, CopyFromAI)
TOOLS = (*VIEWING, *MEASURING, *PAINTING, *DRAWING, *FINDING, *REFINING)
"""Every tool, in the order of menu and toolbar."""

__all__ = [
    "DRAWING",
    "FINDING",
    "MEASURING",
    "PAINTING",
    "REFINING",
    "TOOLS",
    "VIEWING",
    "Options",
    "Pointer",
    "Tool",
    "ToolHost",
]
