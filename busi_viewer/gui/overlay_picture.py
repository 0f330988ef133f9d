"""The image in view as a picture to save: outlines, axes, callipers and labels over it, as stored, whatever the zoom."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from busi_viewer.core.image import Pixels
from busi_viewer.gui import theme
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas import display, hud
from busi_viewer.gui.canvas.heat import coloured
from busi_viewer.gui.canvas.look import Look
from busi_viewer.gui.canvas.scene import Scene
from busi_viewer.gui.session import Session
from busi_viewer.gui.tag import Tag, tag_size

LEAST = 900
"""Smaller images are enlarged by a whole factor until they are this wide, so that labels do not cover them."""


def overlay_png(session: Session, pixels: Pixels, look: Look) -> bytes:
    """The frame in view as PNG, at a whole multiple of its size; greys, mask and heatmap as ``look`` says."""
    picture = overlay_picture(session, pixels, look)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub knows file names only
    return bytes(data.data())


def overlay_picture(session: Session, pixels: Pixels, look: Look) -> QImage:
    """The same as an RGB image."""
    record = session.document.record
    height, width = record.shape
    spacing, _ = hud.calibration(record)
    aspect = spacing[0] / spacing[1] if spacing else 1.0
    factor = max(1, math.ceil(LEAST / width))
    view = (float(factor * width), float(round(factor * height * aspect)))
    camera = Camera(view, (width, height), ((width - 1) / 2, (height - 1) / 2), factor, aspect)
    scene = Scene(session, session.frame)
    scene.measured(session.lesions())
    picture = QImage(round(view[0]), round(view[1]), QImage.Format.Format_RGB888)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    place = QRectF(0.0, 0.0, *view)
    _draw(painter, place, display.shown(pixels, *look.greys))
    heated = look.heat_on and scene.heat is not None
    if scene.heat is not None and heated:
        painter.setOpacity(look.heat.opacity)
        _draw(painter, place, coloured(scene.heat.values, look.heat))
        painter.setOpacity(1.0)
    scene.paint(painter, camera, look.mask, live=None, machine=False, heated=heated, sizes=True, band=look.band)
    scene.paint_callipers(painter, camera, None, None)
    words = "Research use only" + (f" · {hud.BY_READER}" if record.calibrated_by_reader else "")
    Tag.at(words, QPointF(8.0, view[1] - tag_size(words).height() - 8.0), theme.DARK.warn).paint(painter)
    painter.end()
    return picture


def _draw(painter: QPainter, place: QRectF, pixels: NDArray[np.uint8]) -> None:
    """(H, W), (H, W, 3) or (H, W, 4) uint8."""
    kept = np.ascontiguousarray(pixels)
    kinds = {2: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}
    kind = kinds[2 if kept.ndim == 2 else kept.shape[2]]
    painter.drawImage(place, QImage(kept.data, kept.shape[1], kept.shape[0], kept.strides[0], kind))
