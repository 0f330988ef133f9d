"""The lines of a calliper on the screen, in logical px: for drawing it and for taking hold of it."""

from __future__ import annotations

from PySide6.QtCore import QPointF

from busi_viewer.core import callipers
from busi_viewer.core.callipers import Calliper, Scale
from busi_viewer.gui.camera import Camera

Line = tuple[QPointF, QPointF]


def axes(item: Calliper, scale: Scale, camera: Camera) -> list[Line]:
    """Its straight lines: one, both axes, both arms, or an ellipse's two axes."""
    return [(camera.to_screen(*a), camera.to_screen(*b)) for a, b in callipers.straight_lines(item, scale)]


def ring(item: Calliper, scale: Scale, camera: Camera) -> list[QPointF]:
    """The closed line of an ellipse; nothing for other kinds."""
    return [camera.to_screen(*point) for point in callipers.ring(item, scale)]


def lines(item: Calliper, scale: Scale, camera: Camera) -> list[Line]:
    """All that is drawn of it and can be taken hold of, in straight pieces."""
    around = ring(item, scale, camera)
    return [*axes(item, scale, camera), *zip(around, [*around[1:], *around[:1]], strict=True)]


def handles(item: Calliper, camera: Camera) -> list[QPointF]:
    """Where its points are."""
    return [camera.to_screen(*point) for point in item.points]
