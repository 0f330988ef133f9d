"""The pyqtgraph view: image and heatmap as items, everything else painted over them in screen coordinates."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas.display import halved
from busi_viewer.gui.theme import SURROUND

NEAREST_FROM = 6.0
"""Device px per image px from which single pixels are shown as squares; below, the image is interpolated."""


class Overlay(Protocol):
    """Who paints over the image."""

    def paint_over(self, painter: QPainter) -> None:
        """Paint in logical px of the view."""
        ...

    def view_resized(self) -> None:
        """The view has another size."""
        ...


class MouseSink(Protocol):
    """Who receives the mouse; positions are logical px of the view."""

    def pressed(self, event: QMouseEvent) -> None: ...  # noqa: D102
    def moved(self, event: QMouseEvent) -> None: ...  # noqa: D102
    def released(self, event: QMouseEvent) -> None: ...  # noqa: D102
    def double_clicked(self, event: QMouseEvent) -> None: ...  # noqa: D102
    def left(self) -> None: ...  # noqa: D102
    def wheel(self, event: QWheelEvent) -> None: ...  # noqa: D102


class PixelLayer(pg.ImageItem):  # type: ignore[misc]
    """An image item that interpolates when ``smooth``."""

    smooth = True

    def paint(self, painter: QPainter, *args: object) -> None:
        """Draw the image."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        super().paint(painter, *args)


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """Shows one frame and one heatmap through a :class:`Camera`; hands on the mouse and lets the overlay paint."""

    def __init__(self, overlay: Overlay, mouse: MouseSink, parent: QWidget) -> None:
        super().__init__(parent, useOpenGL=False, background=SURROUND)
        self._overlay = overlay
        self._mouse = mouse
        self._image: NDArray[np.uint8] | None = None
        self._halvings = -1
        self._pixels = PixelLayer(axisOrder="row-major")
        self._heat = PixelLayer(axisOrder="row-major")
        self._camera: Camera | None = None
        for layer in (self._pixels, self._heat):
            layer.setVisible(False)
            self.addItem(layer)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAcceptDrops(False)
        self.viewport().setMouseTracking(True)

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """Show 8-bit pixels, (H, W) or (H, W, 3); None shows nothing."""
        self._image = image
        self._halvings = -1
        self._pixels.setVisible(image is not None)
        self._place()

    def set_heat(self, rgba: NDArray[np.uint8] | None) -> None:
        """Lay (H, W, 4) colours over the image; None lays nothing."""
        self._heat.setVisible(rgba is not None)
        if rgba is not None:
            self._heat.setImage(rgba, autoLevels=False, levels=(0, 255))
            self._place()

    def show_heat(self, visible: bool, opacity: float) -> None:
        """Show or hide the heatmap, if there is one; ``opacity`` in [0, 1] scales its alpha."""
        self._heat.setVisible(visible and self._heat.image is not None)
        self._heat.setOpacity(opacity)

    def set_camera(self, camera: Camera) -> None:
        """Look through another camera."""
        self._camera = camera
        self._place()

    def repaint_part(self, rect: QRectF | None) -> None:
        """Repaint a part (logical px) at the next opportunity, or all of it."""
        if rect is None:
            self.viewport().update()
        else:
            self.viewport().update(rect.toAlignedRect())

    def _place(self) -> None:
        """Put both layers where the camera sees them, in a resolution that fits the zoom."""
        camera = self._camera
        if camera is None or self._image is None:
            self.viewport().update()
            return
        zoom = min(camera.scale, camera.scale * camera.aspect) * self.devicePixelRatioF()
        halvings = max(0, int(np.floor(np.log2(1.0 / zoom)))) if zoom <= 0.5 else 0
        if halvings != self._halvings:
            self._halvings = halvings
            self._pixels.setImage(halved(self._image, zoom), autoLevels=False, levels=(0, 255))
        rect = camera.image_rect()
        for layer in (self._pixels, self._heat):
            if layer.image is not None:
                high, wide = layer.image.shape[:2]
                scale = QTransform.fromScale(rect.width() / wide, rect.height() / high)
                layer.setTransform(scale * QTransform.fromTranslate(rect.x(), rect.y()))
        self._pixels.smooth = zoom < NEAREST_FROM
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the items, then the overlay."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setClipRegion(event.region())
        self._overlay.paint_over(painter)
        painter.end()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Tell the overlay (pyqtgraph itself calls this with None while it is built)."""
        super().resizeEvent(event)
        if event is not None:
            self._overlay.view_resized()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hand on."""
        self._mouse.pressed(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hand on."""
        self._mouse.moved(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Hand on."""
        self._mouse.released(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Hand on."""
        self._mouse.double_clicked(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Hand on."""
        self._mouse.wheel(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Nothing to do: the first move says where the mouse is."""

    def leaveEvent(self, event: object) -> None:
        """Hand on."""
        self._mouse.left()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave keys to the canvas."""
        event.ignore()
