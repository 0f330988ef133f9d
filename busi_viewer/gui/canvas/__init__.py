"""The canvas: one image with its overlays and editing tools."""

from busi_viewer.gui.canvas.widget import Canvas

__all__ = ["Canvas"]
