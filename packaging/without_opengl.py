"""Run by the frozen application before anything else: pyqtgraph imports PySide6.QtOpenGL and uses nothing of it unless told to.

The window draws without OpenGL (``gui/canvas/view.py``), so that an empty module stands for those 9 MB.
"""

import sys
import types

sys.modules["PySide6.QtOpenGL"] = types.ModuleType("PySide6.QtOpenGL")
