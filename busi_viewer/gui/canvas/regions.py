"""Outlines of the acquisition regions that a DICOM file describes, each with its scale."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from busi_viewer.core.image import Region
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.language import tr
from busi_viewer.gui.tag import Tag, tag_size

COLOUR = "#FFFFFF"


def caption(number: int, region: Region) -> str:
    """``Region 1 · 0.08 mm/px``; both spacings (across, down) where they differ."""
    dy, dx = region.spacing_mm
    words = "Region {n} · {dx:.3g} mm/px" if abs(dx - dy) <= 1e-3 * dx else "Region {n} · {dx:.3g} × {dy:.3g} mm/px"
    return tr(words, n=number, dx=dx, dy=dy)


def paint(painter: QPainter, camera: Camera, regions: Sequence[Region]) -> None:
    """Draw every region's edge and name."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for number, region in enumerate(regions, 1):
        rect = camera.box_rect((region.x0, region.y0, region.x1, region.y1))
        for colour, width in ((QColor(0, 0, 0, 153), 3.0), (QColor(COLOUR), 1.2)):
            pen = QPen(colour, width)
            if width < 2:
                pen.setDashPattern([2.0, 4.0])
            painter.setPen(pen)
            painter.drawRect(rect)
        words = caption(number, region)
        x = min(max(rect.left() + 6.0, 6.0), camera.view[0] - tag_size(words).width() - 6.0)
        y = min(rect.bottom(), camera.view[1]) - tag_size(words).height() - 6.0
        Tag.at(words, QPointF(x, y), COLOUR).paint(painter)
    painter.restore()
