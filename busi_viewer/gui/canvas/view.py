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
from busi_viewer.gui.canvas.display import halved, resampled
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


class Layer(pg.ImageItem):  # type: ignore[misc]
    """An image item that holds no more than what is visible, already in device pixels."""

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self._source: NDArray[np.uint8] | None = None
        self._level: tuple[int, NDArray[np.uint8]] | None = None
        self._seen: tuple[Camera, float] | None = None

    def set_source(self, source: NDArray[np.uint8] | None) -> None:
        """Show (H, W), (H, W, 3) or (H, W, 4) uint8; None shows nothing."""
        self._source, self._level, self._seen = source, None, None

    @property
    def filled(self) -> bool:
        """Whether there is something to show."""
        return self._source is not None

    def look(self, camera: Camera, ratio: float) -> None:
        """Take the part that ``camera`` sees on a screen with ``ratio`` device px per logical px."""
        if self._source is None or self._seen == (camera, ratio):
            return
        self._seen = (camera, ratio)
        zoom = min(camera.scale, camera.scale * camera.aspect) * ratio
        level = max(0, int(np.floor(-np.log2(zoom))))
        if self._level is None or self._level[0] != level:
            self._level = (level, halved(self._source, zoom))
        part = resampled(self._level[1], camera, ratio, zoom < NEAREST_FROM)
        if part is None:
            self.clear()
            return
        pixels, (x, y) = part
        self.setImage(pixels, autoLevels=False)  # without levels the bytes are shown as they are
        self.setTransform(QTransform(1 / ratio, 0.0, 0.0, 1 / ratio, x / ratio, y / ratio))


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """Shows one frame and one heatmap through a :class:`Camera`; hands on the mouse and lets the overlay paint."""

    def __init__(self, overlay: Overlay, mouse: MouseSink, parent: QWidget) -> None:
        super().__init__(parent, useOpenGL=False, background=SURROUND)
        self._overlay = overlay
        self._mouse = mouse
        self._pixels, self._heat = Layer(), Layer()
        self._camera: Camera | None = None
        for layer in (self._pixels, self._heat):
            layer.setVisible(False)
            self.addItem(layer)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAcceptDrops(False)
        self.viewport().setMouseTracking(True)

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """Show 8-bit pixels, (H, W) or (H, W, 3); None shows nothing."""
        self._pixels.set_source(image)
        self._pixels.setVisible(image is not None)
        self._place()

    def forget_image(self) -> None:
        """Another image comes: do not lay out the one before for the camera of the next."""
        self._pixels.set_source(None)

    def set_heat(self, rgba: NDArray[np.uint8] | None) -> None:
        """Lay (H, W, 4) colours over the image; None lays nothing."""
        self._heat.set_source(rgba)
        self._place()

    def show_heat(self, visible: bool, opacity: float) -> None:
        """Show or hide the heatmap, if there is one; ``opacity`` in [0, 1] scales its alpha."""
        visible = visible and self._heat.filled
        self._heat.setOpacity(opacity)
        if visible != self._heat.isVisible():
            self._heat.setVisible(visible)
            self._place()

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
        """Put the visible layers where the camera sees them."""
        if self._camera is not None:
            for layer in (self._pixels, self._heat):
                if layer.isVisible():
                    layer.look(self._camera, self.devicePixelRatioF())
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
