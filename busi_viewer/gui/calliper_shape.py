"""The lines of a calliper on the screen, in logical px: for drawing it and for taking hold of it."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF

from busi_viewer.core.callipers import Calliper, Kind, Scale, ellipse_axes
from busi_viewer.gui.camera import Camera

Line = tuple[QPointF, QPointF]
STEPS = 72
"""Straight pieces that an ellipse is drawn with."""


def axes(item: Calliper, scale: Scale, camera: Camera) -> list[Line]:
    """Its straight lines: one, both axes, both arms, or an ellipse's two axes."""
    points = item.points
    pairs: tuple[tuple[int, int], ...] = {Kind.TWO_AXIS: ((0, 1), (2, 3)), Kind.ANGLE: ((0, 1), (1, 2))}.get(
        item.kind, ((0, 1),)
    )
    found = [(points[i], points[j]) for i, j in pairs]
    if item.kind is Kind.ELLIPSE:
        found = list(ellipse_axes(points, scale))
    return [(camera.to_screen(*a), camera.to_screen(*b)) for a, b in found]


def ring(item: Calliper, scale: Scale, camera: Camera) -> list[QPointF]:
    """The closed line of an ellipse; nothing for other kinds."""
    if item.kind is not Kind.ELLIPSE:
        return []
    (a, b), (c, d) = axes(item, scale, camera)
    middle, u, v = (a + b) / 2, (b - a) / 2, (d - c) / 2
    turns = [2 * math.pi * i / STEPS for i in range(STEPS)]
    return [middle + u * math.cos(t) + v * math.sin(t) for t in turns]


def lines(item: Calliper, scale: Scale, camera: Camera) -> list[Line]:
    """All that is drawn of it and can be taken hold of, in straight pieces."""
    around = ring(item, scale, camera)
    return [*axes(item, scale, camera)[:2], *zip(around, [*around[1:], *around[:1]], strict=True)]


def handles(item: Calliper, camera: Camera) -> list[QPointF]:
    """Where its points are."""
    return [camera.to_screen(*point) for point in item.points]
