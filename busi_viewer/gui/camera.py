"""Where the image lies on the screen: an immutable transform between image pixels and logical screen pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform

from busi_viewer.core.masks import Box
from busi_viewer.gui.orientation import AS_STORED, Orientation

MARGINS = (44.0, 46.0, 66.0, 106.0)
"""Left, top, right, bottom space in logical px around a fitted image: for ticks, facts, colour bar and scale bar."""
SMALLEST, LARGEST = 0.02, 64.0
KEPT = 48.0
"""Logical px of the image that stay in view however far it is panned."""


@dataclass(frozen=True)
class Camera:
    """``view`` and ``image`` are (width, height) in logical px and image px; ``centre`` the image position in mid-view.

    ``scale`` is logical px per image px, along a row; ``aspect`` the height of an image pixel over its width. Image
    positions are pixel centres: (0, 0) is the middle of the first pixel. ``orientation`` turns and mirrors what is seen.
    """

    view: tuple[float, float]
    image: tuple[int, int]
    centre: tuple[float, float]
    scale: float
    aspect: float = 1.0
    orientation: Orientation = AS_STORED

    @staticmethod
    def fitted(
        view: tuple[float, float],
        image: tuple[int, int],
        aspect: float = 1.0,
        orientation: Orientation = AS_STORED,
    ) -> Camera:
        """The whole image inside the margins, which shrink in a small view."""
        left, right = (min(m, 0.18 * view[0]) for m in (MARGINS[0], MARGINS[2]))
        top, bottom = min(MARGINS[1], 0.16 * view[1]), min(MARGINS[3], 0.24 * view[1])
        room = (max(view[0] - left - right, 1.0), max(view[1] - top - bottom, 1.0))
        across, down = float(image[0]), image[1] * aspect
        if orientation.sideways:
            across, down = down, across
        scale = min(room[0] / across, room[1] / down)
        middle = ((image[0] - 1) / 2, (image[1] - 1) / 2)
        off_x = view[0] / 2 - (left + room[0] / 2)
        off_y = view[1] / 2 - (top + room[1] / 2)
        u, v = orientation.in_image(off_x, off_y)
        centre = (middle[0] + u / scale, middle[1] + v / (scale * aspect))
        return Camera(view, image, centre, scale, aspect, orientation)

    def to_screen(self, x: float, y: float) -> QPointF:
        """Logical screen position of an image position."""
        u, v = (x - self.centre[0]) * self.scale, (y - self.centre[1]) * self.scale * self.aspect
        sx, sy = self.orientation.on_screen(u, v)
        return QPointF(self.view[0] / 2 + sx, self.view[1] / 2 + sy)

    def to_image(self, sx: float, sy: float) -> tuple[float, float]:
        """Image position under a logical screen position."""
        u, v = self.orientation.in_image(sx - self.view[0] / 2, sy - self.view[1] / 2)
        return self.centre[0] + u / self.scale, self.centre[1] + v / (self.scale * self.aspect)

    def transform(self) -> QTransform:
        """Image positions → logical screen positions."""
        origin = self.to_screen(0.0, 0.0)
        a, b, c, d = self.orientation.matrix
        wide, high = self.scale, self.scale * self.aspect
        return QTransform(a * wide, c * wide, b * high, d * high, origin.x(), origin.y())

    def radii(self, radius: float) -> tuple[float, float]:
        """Half width and half height on the screen, in logical px, of a circle of ``radius`` image px."""
        across, down = radius * self.scale, radius * self.scale * self.aspect
        return (down, across) if self.orientation.sideways else (across, down)

    def image_rect(self) -> QRectF:
        """The image's outer edges on the screen."""
        width, height = self.image
        return self.box_rect((0, 0, width, height))

    def box_rect(self, box: Box) -> QRectF:
        """A half-open pixel box on the screen."""
        corners = self.to_screen(box[0] - 0.5, box[1] - 0.5), self.to_screen(box[2] - 0.5, box[3] - 0.5)
        return QRectF(*corners).normalized()

    def zoomed(self, factor: float, at: QPointF) -> Camera:
        """Zoomed so that what lies under the screen position ``at`` stays there."""
        scale = min(max(self.scale * factor, SMALLEST), LARGEST)
        x, y = self.to_image(at.x(), at.y())
        share = self.scale / scale
        centre = (x + (self.centre[0] - x) * share, y + (self.centre[1] - y) * share)
        return replace(self, scale=scale, centre=centre)._kept()

    def panned(self, dx: float, dy: float) -> Camera:
        """The image moved by (dx, dy) logical px."""
        u, v = self.orientation.in_image(dx, dy)
        centre = (self.centre[0] - u / self.scale, self.centre[1] - v / (self.scale * self.aspect))
        return replace(self, centre=centre)._kept()

    def resized(self, view: tuple[float, float]) -> Camera:
        """The same middle in a view of another size."""
        return replace(self, view=view)._kept()

    def _kept(self) -> Camera:
        """Moved back so far that a strip of the image stays in view."""
        across, down = self.view[::-1] if self.orientation.sideways else self.view
        half = (across / 2 / self.scale, down / 2 / (self.scale * self.aspect))
        kept = (KEPT / self.scale, KEPT / (self.scale * self.aspect))
        low = [-0.5 + min(k, n) - h for k, n, h in zip(kept, self.image, half, strict=True)]
        high = [n - 0.5 - min(k, n) + h for k, n, h in zip(kept, self.image, half, strict=True)]
        x, y = (min(max(c, lo), hi) for c, lo, hi in zip(self.centre, low, high, strict=True))
        return replace(self, centre=(x, y))
